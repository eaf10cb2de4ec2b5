/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_conf.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_read.h"
#include "daemon/control/control_state.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"
#include "daemon/engine/engine.h"
#include "providers/provider.h"

enum { DRAFTS_MAX = 64 };

/* --- what is in force --- */

static json_t *
strings(char *const *list)
{
	json_t *j = json_array();

	for (; *list != NULL; list++)
		(void)json_array_append_new(j, json_string(*list));
	return j;
}

void
get_configuration(struct call *c)
{
	const struct conf *conf = engine_conf(c->server->engine);
	json_t *accounts = json_array(), *providers = json_array();

	for (size_t i = 0; i < conf->n_accounts; i++) {
		const struct conf_account *a = conf->accounts[i];

		(void)json_array_append_new(accounts, json_pack(
		    "{s:s, s:s, s:o, s:b}", "name", a->name, "directory",
		    a->directory, "contact", strings(a->contact),
		    "agree_tos", a->agree_tos));
	}
	for (size_t i = 0; i < conf->n_providers; i++)
		(void)json_array_append_new(providers, json_pack(
		    "{s:s, s:s}", "name", conf->providers[i]->name, "type",
		    conf->providers[i]->type->name));
	reply_json(c->req, 200, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}",
	    "file", conf->path, "state_dir", conf->state_dir,
	    "accounts", accounts, "providers", providers,
	    "http_listen", strings(conf->http_listen),
	    "tls_alpn_listen", strings(conf->tls_alpn_listen)));
}

/* --- what would be --- */

struct tried {
	json_t		*lines, *warnings;	/* not owned */
};

static void
collect(enum conf_level level, const char *line, void *arg)
{
	struct tried *t = arg;
	json_t *list = level == CONF_MISTAKE ? t->lines : t->warnings;

	if (list != NULL)
		(void)json_array_append_new(list, json_string(line));
}

/* The files of the request; 0 and *drafts, whose texts are the request's. */
static int
parse_drafts(const json_t *files, struct conf_draft **drafts, size_t *n)
{
	const json_t *file;
	size_t i;

	*n = json_array_size(files);
	if (!json_is_array(files) || *n == 0 || *n > DRAFTS_MAX)
		return -1;
	*drafts = xcalloc(*n, sizeof(**drafts));
	json_array_foreach(files, i, file) {
		const char *path, *text;

		if (json_unpack_ex((json_t *)(uintptr_t)file, NULL,
		    JSON_STRICT, "{s:s, s:s}", "path", &path, "text",
		    &text) == -1 || path[0] != '/') {
			free(*drafts);
			return -1;
		}
		(*drafts)[i] = (struct conf_draft){ path, text };
	}
	return 0;
}

/* Configured programs run as we do: who may not change acmed.conf may not have
 * us run others. */
static bool
may_draft(struct call *c)
{
	struct error err;

	if (c->uid == 0 || c->uid == geteuid())
		return true;
	(void)error_set(&err, ERR_CONFIG, API_ERR_FORBIDDEN,
	    "\"files\" are for root and the daemon's own user");
	reply_error(c->req, 403, &err, NULL);
	return false;
}

const struct conf *
request_drafts(struct call *c, const json_t *files, json_t *warnings)
{
	struct tried t = { json_array(), warnings };
	struct conf_draft *drafts;
	const struct conf *conf = NULL;
	struct error err;
	size_t n;

	if (!may_draft(c)) {
		json_decref(t.lines);
		return NULL;
	}
	if (parse_drafts(files, &drafts, &n) == -1) {
		bad_request(c, "\"files\" is not [{\"path\": \"/...\", "
		    "\"text\": ...}], 1 to 64 of them");
		json_decref(t.lines);
		return NULL;
	}
	conf = conf_try(engine_conf(c->server->engine)->path, drafts, n,
	    collect, &t);
	(void)malloc_trim(0);
	free(drafts);
	if (conf == NULL) {
		n = json_array_size(t.lines);
		(void)error_set(&err, ERR_CONFIG, "conf:invalid",
		    "%zu mistake%s in the configuration as it would be", n,
		    n == 1 ? "" : "s");
		reply_error(c->req, 409, &err, t.lines);
	}
	json_decref(t.lines);
	return conf;
}

void
post_configuration(struct call *c)
{
	json_t *files, *warnings = json_array(), *body;
	const struct conf *conf;
	struct error err;

	body = request_body(c->req, "", &err);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT, "{s:o}",
	    "files", &files) == -1) {
		bad_request(c, "the request is not {\"files\": [...]}");
	} else {
		conf = request_drafts(c, files, warnings);
		if (conf != NULL)
			reply_json(c->req, 200, json_pack("{s:O}",
			    "warnings", warnings));
		conf_unref(conf);
	}
	json_decref(body);
	json_decref(warnings);
}

/* --- the reload --- */

static json_t *
reload(struct call *c, json_t *lines, struct error *err)
{
	log_info(NULL, "user id %lu asks for a reload",
	    (unsigned long)c->uid);
	return c->ctl->reload(c->ctl->reload_arg, err, lines);
}

/* Where nothing is to be done for it now, that is the end. */
static void
skip_idle(struct call *c, struct stream *s, const char *name)
{
	json_t *cert = engine_cert_status(c->server->engine, name);
	time_t at = (time_t)jsonx_int(cert, "next.at", 0);

	if (at > clock_now())
		stream_skip(s, name, jsonx_bool(cert, "ok", false), at);
	json_decref(cert);
}

/* The events of the certificates that the reload has brought. */
static void
reload_and_follow(struct call *c, json_t *names /* taken */)
{
	json_t *lines = json_array(), *changes, *unused;
	json_t *copy = json_copy(names);
	struct stream *s;
	struct error err;
	const char *name;

	/* First listen, then begin: no event is missed. */
	s = stream_follow(c->server, c->req, copy);
	if (s == NULL) {
		json_decref(lines);
		json_decref(names);
		return;
	}
	changes = reload(c, lines, &err);
	if (changes == NULL) {
		stream_abort(s);
		reply_error(c->req, 409, &err, lines);
		goto out;
	}
	json_object_foreach(names, name, unused) {
		if (!cert_exists(c, name)) {
			stream_abort(s);
			unknown_cert(c, name);
			goto out;
		}
		skip_idle(c, s, name);
	}
	stream_begin(s);
out:
	json_decref(changes);
	json_decref(lines);
	json_decref(names);
}

/* {"follow": [NAME, ...]} as a set; NULL if there is none. */
static int
parse_reload(struct call *c, json_t **names)
{
	struct error err;
	json_t *body = request_body(c->req, "{}", &err), *list = NULL, *name;
	size_t i = 0;

	*names = NULL;
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT, "{s?o}",
	    "follow", &list) == -1) {
		json_decref(body);
		return -1;
	}
	if (list != NULL) {
		*names = json_object();
		json_array_foreach(list, i, name) {
			if (json_string_value(name) == NULL ||
			    json_object_set_new(*names,
			    json_string_value(name), json_true()) == -1)
				break;
		}
	}
	if (list == NULL || (i > 0 && i == json_array_size(list))) {
		json_decref(body);
		return 0;
	}
	json_decref(*names);
	json_decref(body);
	return -1;
}

void
post_reload(struct call *c)
{
	json_t *lines, *changes, *names;
	struct error err;

	if (parse_reload(c, &names) == -1) {
		bad_request(c, "the request is not {\"follow\": [NAME, "
		    "...]}, and not empty");
		return;
	}
	if (names != NULL) {
		reload_and_follow(c, names);
		return;
	}
	lines = json_array();
	changes = reload(c, lines, &err);
	if (changes != NULL)
		reply_json(c->req, 200, changes);
	else
		reply_error(c->req, 409, &err, lines);
	json_decref(lines);
}
