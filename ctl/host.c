/* SPDX-License-Identifier: MIT */
/* acmectl host: hosts with keys of their own. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/drafts.h"
#include "ctl/export_file.h"
#include "ctl/place.h"
#include "ctl/service.h"
#include "ctl/show.h"

static void
say_all(const struct options *o, char *text /* taken */)
{
	if (!o->json)
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
	free(text);
}

static int
do_list(const struct options *o)
{
	struct client_reply reply;
	int code = ask_get(o, API_PATH_HOSTS, &reply);
	const json_t *host;
	size_t i;

	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else if (jsonx_str(reply.body, "publisher_key") != NULL)
		(void)fprintf(o->out.out, "%-20s %s\n", "publisher_key",
		    jsonx_str(reply.body, "publisher_key"));
	json_array_foreach(json_object_get(reply.body, "hosts"), i, host) {
		char *name = show_str(host, "name", "?");
		char *key = show_str(host, "public_key", "?");

		if (!o->json)
			(void)fprintf(o->out.out, "%-20s %s\n", name, key);
		free(key);
		free(name);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

static int
ask_host(const struct options *o, struct client_reply *reply)
{
	char *path = client_path(API_PATH_HOST, o->names[1]);
	int code = ask_get(o, path, reply);

	free(path);
	return code;
}

static int
do_show(const struct options *o)
{
	struct client_reply reply;
	int code = ask_host(o, &reply);
	char *key, *file, *certs;

	if (code != EXIT_OK)
		return code;
	if (o->json) {
		print_json(o, reply.body, JSON_INDENT(2));
	} else {
		key = show_str(reply.body, "public_key", "?");
		file = show_str(reply.body, "file", "?");
		certs = show_list(json_object_get(reply.body,
		    "certificates"));
		(void)fprintf(o->out.out, "  public_key    %s\n"
		    "  configured    %s:%lld\n  certificates  ", key, file,
		    (long long)jsonx_int(reply.body, "line", 0));
		term_wrap(&o->out, TERM_PLAIN, 16, 16, *certs != '\0' ?
		    certs : "none is published for it");
		free(certs);
		free(file);
		free(key);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

/* A new key: {"name", "public_key", "key_file"}. */
static int
ask_key(const struct options *o, bool publisher, struct client_reply *reply)
{
	return ask_post(o, API_PATH_HOST_KEY, json_pack("{s:s, s:b}", "name",
	    o->names[1], "publisher", publisher), reply);
}

static int
open_batch(const struct options *o, struct conf_batch **b)
{
	char *main_file = NULL;
	struct error err;
	json_t *conf;
	int code = service_configuration(o, &conf);

	if (code != EXIT_OK)
		return code;
	main_file = service_main_file(o, conf);
	json_decref(conf);
	if (main_file == NULL)
		return EXIT_USAGE;
	*b = conf_batch_new(main_file);
	free(main_file);
	if (conf_batch_may_write(*b, &err) == 0)
		return EXIT_OK;
	say_error(err.msg);
	conf_batch_free(*b);
	return EXIT_DENIED;
}

/* --- add --- */

static void
add_section(struct conf_batch *b, const char *name, const char *public_key)
{
	struct conf_text *t = conf_text_new("Written by acmectl host.");
	char *file = xasprintf("host-%s", name);

	conf_text_begin(t, "host", name);
	conf_text_value(t, "public_key", public_key);
	conf_text_end(t);
	(void)conf_batch_file(b, file, conf_text_take(t));
	free(file);
}

static int
tell(struct error *err)
{
	say_error(err->msg);
	return strcmp(err->code, "ctl:exists") == 0 ? EXIT_REFUSED :
	    EXIT_FAILED;
}

/* The section, and, if there is one, the file with the host's key; both or
 * none. */
static int
write_both(const struct options *o, struct conf_batch *b, const char *path,
    const char *text)
{
	struct options quiet = *o;
	char *next;
	struct error err;
	int code = drafts_try(o, conf_batch_path(b, 0), conf_batch_text(b,
	    0));

	if (code != EXIT_OK)
		return code;
	if (conf_batch_write(b, &err) == -1) {
		code = tell(&err);
		next = xasprintf("for another key: acmectl host remove %s, "
		    "then add it again", o->names[1]);
		if (code == EXIT_REFUSED)
			say_error(next);
		free(next);
		return code;
	}
	if (path != NULL && export_write(path, 0600, text, strlen(text),
	    &err) == -1) {
		conf_batch_undo(b);
		return tell(&err);
	}
	quiet.json = false;
	code = place_reload(&quiet);
	if (code != EXIT_OK) {
		conf_batch_undo(b);
		if (path != NULL)
			(void)unlink(path);
		drafts_reload_quietly(o);
		say_error("the new section was removed again");
	}
	return code;
}

static void
print_added(const struct options *o, const char *key, const char *path,
    const char *conf_file)
{
	const char *name = o->names[1];
	json_t *j;

	if (o->json) {
		j = json_pack("{s:s, s:s, s:s?, s:s}", "name", name,
		    "public_key", key, "key_file", path, "file", conf_file);
		print_json(o, j, JSON_INDENT(2));
		json_decref(j);
	} else if (path != NULL) {
		say_all(o, xasprintf("host %s is configured in %s. Its key "
		    "is in %s, and nowhere else: carry it to that host, as a "
		    "file of its user acmed with mode 0600, such as "
		    "/etc/acmed/secrets/%s; there: host_key_file = "
		    "\"/etc/acmed/secrets/%s\" in the repository; then "
		    "delete it here.", name, conf_file, path, path, path));
	} else {
		say_all(o, xasprintf("host %s is configured in %s.", name,
		    conf_file));
	}
	say_all(o, xasprintf("It can open certificates that name it: hosts = "
	    "{ \"%s\" }; see acmectl host show %s", name, name));
}

static int
add_to(const struct options *o, struct conf_batch *b)
{
	char *path = NULL, *key, *text = NULL;
	struct client_reply reply;
	int code;

	if (o->n_names == 3) {
		key = xstrdup(o->names[2]);
	} else {
		code = ask_key(o, true, &reply);
		if (code != EXIT_OK)
			return code;
		key = show_str(reply.body, "public_key", "");
		text = xstrdup(jsonx_str(reply.body, "key_file") != NULL ?
		    jsonx_str(reply.body, "key_file") : "");
		path = xasprintf("%s.key", o->names[1]);
		client_reply_clear(&reply);
	}
	add_section(b, o->names[1], key);
	code = write_both(o, b, path, text);
	if (code == EXIT_OK)
		print_added(o, key, path, conf_batch_path(b, 0));
	free(path);
	free(key);
	freezero_str(text);
	return code;
}

static int
do_add(const struct options *o)
{
	struct conf_batch *b;
	struct error err;
	int code;

	if (object_name_check(o->names[1], &err) == -1) {
		say_error(err.msg);
		return EXIT_USAGE;
	}
	code = open_batch(o, &b);
	if (code != EXIT_OK)
		return code;
	code = add_to(o, b);
	conf_batch_free(b);
	return code;
}

/* --- remove --- */

static int
do_remove(const struct options *o)
{
	struct client_reply reply;
	struct place p;
	char *what;
	int code = ask_host(o, &reply);

	if (code != EXIT_OK)
		return code;
	code = place_read(reply.body, &p);
	client_reply_clear(&reply);
	if (code != EXIT_OK)
		return code;
	what = xasprintf("host %s", o->names[1]);
	code = place_remove(o, &p, what);
	free(what);
	if (code == EXIT_OK)
		say_all(o, xasprintf("host %s is removed: what it may open is "
		    "published again without it. It keeps what it has; if "
		    "its key was stolen: acmectl revoke NAME for each "
		    "certificate that it had", o->names[1]));
	place_clear(&p);
	return code;
}

/* --- key --- */

static int
do_key(const struct options *o)
{
	struct client_reply reply;
	struct conf_batch *b;
	struct error err;
	const char *path;
	char *file, *key;
	json_t *j;
	int code = open_batch(o, &b);

	if (code != EXIT_OK)
		return code;
	code = ask_key(o, false, &reply);
	if (code != EXIT_OK) {
		conf_batch_free(b);
		return code;
	}
	file = xasprintf("%s.key", o->names[1]);
	path = conf_batch_secret(b, file, jsonx_str(reply.body,
	    "key_file") != NULL ? jsonx_str(reply.body, "key_file") : "");
	free(file);
	key = show_str(reply.body, "public_key", "");
	client_reply_clear(&reply);
	if (conf_batch_write_secrets(b, &err) == -1) {
		code = tell(&err);
	} else if (o->json) {
		j = json_pack("{s:s, s:s, s:s, s:n}", "name", o->names[1],
		    "public_key", key, "key_file", path, "file");
		print_json(o, j, JSON_INDENT(2));
		json_decref(j);
	} else {
		say_all(o, xasprintf("The key of host %s is in %s. In the "
		    "repository: host_key_file = \"%s\", and publisher_key = "
		    "what acmectl host list prints on the publisher. There:",
		    o->names[1], path, path));
		(void)fprintf(o->out.out, "acmectl host add %s %s\n",
		    o->names[1], key);
	}
	free(key);
	conf_batch_free(b);
	return code;
}

/* What it has reported, not its key. */
static int
do_forget(const struct options *o)
{
	struct client_reply reply;
	int code = ask_post(o, API_PATH_RECEIPTS_FORGET, json_pack("{s:s}",
	    "name", o->names[1]), &reply);

	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	client_reply_clear(&reply);
	say_all(o, xasprintf("%s is forgotten until it reports again",
	    o->names[1]));
	return EXIT_OK;
}

int
cmd_host(const struct options *o)
{
	static const struct {
		const char	*name;
		size_t		 least, most;
		int		(*run)(const struct options *);
	} acts[] = {
		{ "list", 1, 1, do_list },
		{ "show", 2, 2, do_show },
		{ "add", 2, 3, do_add },
		{ "remove", 2, 2, do_remove },
		{ "key", 2, 2, do_key },
		{ "forget", 2, 2, do_forget },
	};

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(o->names[0], acts[i].name) != 0)
			continue;
		if (o->n_names >= acts[i].least && o->n_names <= acts[i].most)
			return acts[i].run(o);
		say_error(o->n_names < acts[i].least ? "which host? see: "
		    "acmectl host list" : "there are too many arguments; "
		    "see: acmectl host --help");
		return EXIT_USAGE;
	}
	say_error("allowed: host list; host show, remove, key or forget NAME; "
	    "host add NAME [KEY]");
	return EXIT_USAGE;
}
