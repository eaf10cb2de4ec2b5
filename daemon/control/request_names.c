/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_names.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/config/conf.h"
#include "daemon/control/reply.h"
#include "daemon/control/request_conf.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"
#include "daemon/engine/engine.h"
#include "daemon/preflight/preflight.h"

struct wish {
	bool	 follow, force, new_key, dry_run;
	char	*directory;		/* with dry_run; or NULL */
};

/* The body of POST /v1/renew; names is a set, {NAME: true}. */
static int
parse_renew(struct evhttp_request *req, json_t **names, struct wish *w,
    struct error *err)
{
	json_t *body = request_body(req, "", err), *list, *name;
	int follow = 0, force = 0, new_key = 0, dry_run = 0;
	const char *directory = NULL;
	json_error_t why;
	size_t i;

	if (body == NULL)
		return -1;
	if (json_unpack_ex(body, &why, JSON_STRICT, "{s:o, s?b, s?b, s?b, s?b, "
	    "s?s}", "names", &list, "follow", &follow, "force", &force,
	    "new_key", &new_key, "dry_run", &dry_run, "directory",
	    &directory) == -1) {
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "the request is not {\"names\": [...], \"follow\": "
		    "true or false, \"force\": true or false}, or with "
		    "\"dry_run\": true and \"directory\": URL: %s", why.text);
		json_decref(body);
		return -1;
	}
	*names = json_object();
	json_array_foreach(list, i, name) {
		/* NULL is no string, and is refused here too. */
		if (json_string_value(name) == NULL ||
		    json_object_set_new(*names, json_string_value(name),
		    json_true()) == -1)
			break;
	}
	*w = (struct wish){ .follow = follow != 0, .force = force != 0,
	    .new_key = new_key != 0, .dry_run = dry_run != 0,
	    .directory = directory != NULL ? xstrdup(directory) : NULL };
	if (json_array_size(list) == 0 || i != json_array_size(list))
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"names\" is not a list of names");
	else if (directory != NULL && !w->dry_run)
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"directory\" is for \"dry_run\": true");
	else if (w->new_key && w->dry_run)
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"new_key\" is not for \"dry_run\", which always makes "
		    "a new key");
	else {
		json_decref(body);
		return 0;
	}
	free(w->directory);
	json_decref(*names);
	json_decref(body);
	return -1;
}

/* Begin all of them; 0, or -1 with some perhaps begun. */
static int
renew_all(struct call *c, json_t *names, const struct wish *w,
    struct error *err)
{
	struct engine *e = c->server->engine;
	const char *name;
	json_t *unused;

	json_object_foreach(names, name, unused) {
		struct log_ctx ctx = { .cert = name };

		log_info(&ctx, "user id %lu asks for a renewal",
		    (unsigned long)c->uid);
		if (w->force)
			engine_pass_limits(e, name);
		if ((w->new_key ? engine_renew_with_new_key(e, name, err) :
		    engine_renew_now(e, name, err)) == -1)
			return -1;
	}
	return 0;
}

static void
renew_and_follow(struct call *c, json_t *names, const struct wish *w)
{
	struct error err;
	struct stream *s;
	json_t *copy = json_copy(names);	/* the stream's own shrinks */

	/* First listen, then begin: no event is missed. */
	s = stream_follow(c->server, c->req, copy);
	if (s == NULL)
		return;
	if (renew_all(c, names, w, &err) == -1) {
		stream_abort(s);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	stream_begin(s);
}

static void
renew_only(struct call *c, json_t *names, const struct wish *w)
{
	json_t *started = json_array(), *unused;
	struct error err;
	const char *name;

	if (renew_all(c, names, w, &err) == -1) {
		json_decref(started);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	json_object_foreach(names, name, unused)
		(void)json_array_append_new(started, json_string(name));
	reply_json(c->req, 202, json_pack("{s:o}", "started", started));
}

/* Only tried: as certificates of other names. */
static void
rehearse(struct call *c, json_t *names, const struct wish *w)
{
	struct engine *engine = c->server->engine;
	json_t *tried = json_object(), *unused;
	struct stream *s = NULL;
	struct error err;
	const char *name;

	json_object_foreach(names, name, unused) {
		struct log_ctx ctx = { .cert = name };
		char *as = xasprintf(API_DRY_RUN "%s", name);

		log_info(&ctx, "user id %lu asks to try a renewal",
		    (unsigned long)c->uid);
		(void)json_object_set_new(tried, as, json_true());
		free(as);
	}
	if (json_object_size(names) == 1 && engine_rehearse_check(engine,
	    json_object_iter_key(json_object_iter(names)), w->directory,
	    &err) == -1) {
		json_decref(tried);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	if (w->follow && (s = stream_follow(c->server, c->req, tried)) == NULL)
		return;
	json_object_foreach(names, name, unused) {
		if (engine_rehearse(engine, name, w->directory, &err) == 0)
			continue;
		if (s != NULL)
			stream_abort(s);
		else
			json_decref(tried);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	if (s != NULL) {
		stream_begin(s);
		return;
	}
	names = json_array();
	json_object_foreach(tried, name, unused)
		(void)json_array_append_new(names, json_string(name));
	json_decref(tried);
	reply_json(c->req, 202, json_pack("{s:o}", "started", names));
}

/* May all of them be renewed?  If not, that has been told. */
static bool
may_renew(struct call *c, json_t *names, const struct wish *w)
{
	json_t *unused;
	struct error err;
	const char *name;

	json_object_foreach(names, name, unused) {
		if (!cert_exists(c, name)) {
			unknown_cert(c, name);
			return false;
		}
		if (!w->force && !w->dry_run && engine_check_held(
		    c->server->engine, name, &err) == -1) {
			reply_error(c->req, reply_status(&err), &err, NULL);
			return false;
		}
	}
	return true;
}

void
post_renew(struct call *c)
{
	struct error err;
	json_t *names;
	struct wish w;

	if (parse_renew(c->req, &names, &w, &err) == -1) {
		reply_error(c->req, 400, &err, NULL);
		return;
	}
	if (!may_renew(c, names, &w))
		;			/* answered */
	else if (w.dry_run)
		rehearse(c, names, &w);
	else if (w.follow)
		renew_and_follow(c, names, &w);
	else
		renew_only(c, names, &w);
	free(w.directory);
	json_decref(names);
}

static bool
parse_caa(const char *what, enum preflight_caa *caa)
{
	if (what == NULL)
		return true;
	*caa = strcmp(what, "write") == 0 ? PREFLIGHT_CAA_WRITE :
	    PREFLIGHT_CAA_SHOW;
	return *caa == PREFLIGHT_CAA_WRITE || strcmp(what, "show") == 0;
}

/* The body of POST /v1/check; the strings of *names are body's. */
static json_t *
parse_check(struct evhttp_request *req, struct preflight_args *args,
    json_t **files, struct error *err)
{
	json_t *body = request_body(req, "{}", err), *list = NULL, *name;
	const char **names = NULL;
	enum preflight_caa caa = PREFLIGHT_CAA_HINT;
	const char *what = NULL;
	json_error_t why;
	int probe = 1;
	size_t i;

	if (body == NULL)
		return NULL;
	why.text[0] = '\0';
	if (json_unpack_ex(body, &why, JSON_STRICT, "{s?o, s?b, s?s, s?o}",
	    "names", &list, "probe", &probe, "caa", &what, "files",
	    files) == -1 || !parse_caa(what, &caa)) {
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "the request is not {\"names\": [...], \"probe\": "
		    "true or false, \"caa\": \"show\" or \"write\"}%s%s",
		    why.text[0] != '\0' ? ": " : "", why.text);
		json_decref(body);
		return NULL;
	}
	names = xcalloc(json_array_size(list) + 1, sizeof(*names));
	json_array_foreach(list, i, name) {
		names[i] = json_string_value(name);
		if (names[i] == NULL)
			break;
	}
	if (list != NULL && (!json_is_array(list) ||
	    i < json_array_size(list))) {
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"names\" is not a list of names");
		free(names);
		json_decref(body);
		return NULL;
	}
	*args = (struct preflight_args){ .names = names,
	    .n_names = json_array_size(list), .has_probe = probe != 0,
	    .caa = caa };
	return body;
}

static bool
is_known(struct call *c, const struct preflight_args *args, const char *name)
{
	return args->conf != NULL ? conf_find_cert(args->conf, name) != NULL :
	    cert_exists(c, name);
}

void
post_check(struct call *c)
{
	struct preflight_args args;
	struct error err;
	json_t *files = NULL;
	json_t *body = parse_check(c->req, &args, &files, &err);
	size_t i = 0;

	if (body == NULL) {
		reply_error(c->req, 400, &err, NULL);
		return;
	}
	if (files != NULL)
		args.conf = request_drafts(c, files, NULL);
	while (i < args.n_names && is_known(c, &args, args.names[i]))
		i++;
	if (files != NULL && args.conf == NULL) {
		;			/* answered */
	} else if (i < args.n_names) {
		unknown_cert(c, args.names[i]);
	} else {
		log_info(NULL, "user id %lu asks for a check of %zu "
		    "certificates (0: all)", (unsigned long)c->uid,
		    args.n_names);
		stream_check(c->server, c->req, &args);
	}
	conf_unref(args.conf);
	free((void *)(uintptr_t)args.names);
	json_decref(body);
}
