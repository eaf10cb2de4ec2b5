/* SPDX-License-Identifier: MIT */
/*
 * rename: the certificate is taken over under its new name, as one of another
 * client would be, and then the configuration speaks of that one.  The files of
 * the old name stay: servers may still read them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/conf_batch.h"
#include "ctl/drafts.h"
#include "ctl/place.h"
#include "ctl/show.h"

struct rename {
	const struct options *o;
	const char	*old, *new;
	struct place	 place;
	char		*text;		/* with the new name */
	struct conf_batch *batch;	/* of the new file */
};

/* Has a line of the section this key? */
static bool
has_key(const struct place *p, const char *key)
{
	const char *s = p->text;
	size_t n = strlen(key);

	for (int64_t line = 1; *s != '\0' && line <= p->end_line; line++) {
		const char *word = s + strspn(s, " \t");

		if (line >= p->line && strncmp(word, key, n) == 0 &&
		    strchr(" \t=+", word[n]) != NULL)
			return true;
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return false;
}

/* The file with the new name; NULL: the line is not written as acmectl does
 * it.  A name that was the certificate's only one is written down. */
static char *
renamed_text(const struct rename *r)
{
	const struct place *p = &r->place;
	const char *at = p->text, *rest;
	char *head = xasprintf("certificate \"%s\" {\n", r->old), *text;
	size_t n = strlen(head);

	for (int64_t line = 1; line < p->line; line++)
		at += strcspn(at, "\n") + 1;
	if (strncmp(at, head, n) != 0) {
		free(head);
		return NULL;
	}
	rest = at + n;
	/* Where neither says the names, its own is one. */
	text = has_key(p, "names") || has_key(p, "csr") ?
	    xasprintf("%.*scertificate \"%s\" {\n%s", (int)(at - p->text),
	    p->text, r->new, rest) :
	    xasprintf("%.*scertificate \"%s\" {\n\tnames = { \"%s\" }\n%s",
	    (int)(at - p->text), p->text, r->new, r->old, rest);
	free(head);
	return text;
}

/* Would the configuration be good? */
static int
try_new(const struct rename *r)
{
	json_t *files = drafts_json(r->batch);
	struct client_reply reply;
	json_t *body;
	int code;

	(void)json_array_append_new(files, json_pack("{s:s, s:s}", "path",
	    r->place.path, "text", ""));
	body = json_pack("{s:o}", "files", files);
	code = ask(r->o, &(struct client_request){ .socket = r->o->socket,
	    .method = "POST", .path = API_PATH_CONF, .body = body }, &reply);
	json_decref(body);
	if (code == EXIT_OK)
		client_reply_clear(&reply);
	return code;
}

static int
read_pem(const char *dir, const char *file, char **pem, struct error *err)
{
	char *path = xasprintf("%s/%s", dir, file);
	size_t len;
	int rc = file_read(AT_FDCWD, path, PLACE_MAX, pem, &len, err);

	free(path);
	return rc;
}

/* Where the second of a pair is; NULL: there is none.  The caller frees. */
static char *
second_dir(const json_t *cert, const char *dir)
{
	const json_t *second = json_object_get(cert, "second");
	const char *folder = jsonx_str(second, "folder");

	return folder == NULL || jsonx_str(second, "serial") == NULL ? NULL :
	    xasprintf("%s/%s", dir, folder);
}

/* The daemon has the certificate under its new name, too. */
static int
take_over(const struct rename *r)
{
	char *path = client_path(API_PATH_CERT, r->old), *dir, *key = NULL;
	char *chain = NULL, *second, *second_key = NULL, *second_chain = NULL;
	struct client_reply reply;
	const char *directory, *kind = "key";
	struct error err;
	json_t *body;
	int code = ask_get(r->o, path, &reply);

	free(path);
	if (code != EXIT_OK)
		return code;
	dir = show_str(reply.body, "live_dir", "");
	if (!json_is_string(json_object_get(reply.body, "serial"))) {
		free(dir);		/* there is none yet */
		client_reply_clear(&reply);
		return EXIT_OK;
	}
	second = second_dir(reply.body, dir);
	if (has_key(&r->place, "csr"))
		kind = "csr";
	if (read_pem(dir, strcmp(kind, "csr") == 0 ? "csr.pem" :
	    "privkey.pem", &key, &err) == -1 ||
	    read_pem(dir, "fullchain.pem", &chain, &err) == -1 ||
	    (second != NULL && (read_pem(second, "privkey.pem", &second_key,
	    &err) == -1 || read_pem(second, "fullchain.pem", &second_chain,
	    &err) == -1))) {
		say_error(err.msg);
		code = EXIT_DENIED;
		client_reply_clear(&reply);
	} else {
		directory = jsonx_str(reply.body, "directory");
		body = json_pack("{s:s, s:s, s:s, s:s}", "name", r->new,
		    "renamed_from", r->old, kind, key, "chain", chain);
		if (second != NULL) {
			(void)json_object_set_new(body, "second_key",
			    json_string(second_key));
			(void)json_object_set_new(body, "second_chain",
			    json_string(second_chain));
		}
		if (directory != NULL)
			(void)json_object_set_new(body, "directory",
			    json_string(directory));
		/* Else it would be due: another profile is wanted. */
		if (jsonx_str(reply.body, "profile") != NULL)
			(void)json_object_set(body, "profile",
			    json_object_get(reply.body, "profile"));
		client_reply_clear(&reply);
		code = ask(r->o, &(struct client_request){
		    .socket = r->o->socket, .method = "POST",
		    .path = API_PATH_IMPORT_CERT, .body = body }, &reply);
		json_decref(body);
	}
	if (code == EXIT_OK)
		client_reply_clear(&reply);
	freezero_str(key);
	freezero_str(second_key);
	free(second_chain);
	free(second);
	free(chain);
	free(dir);
	return code;
}

/* Both files at once, as far as acmed sees. */
static int
swap(const struct rename *r)
{
	struct error err;
	int code;

	if (conf_batch_write(r->batch, &err) == -1) {
		say_error(err.msg);
		return EXIT_FAILED;
	}
	if (unlink(r->place.path) == -1) {
		conf_batch_undo(r->batch);
		say_error("the old file cannot be removed; run this as root");
		return EXIT_DENIED;
	}
	code = place_reload(r->o);
	if (code == EXIT_OK)
		return EXIT_OK;
	conf_batch_undo(r->batch);
	return place_put_back(r->o, &r->place, code);
}

static int
plan(struct rename *r)
{
	struct error err;
	char *text;

	if (object_name_check(r->new, &err) == -1) {
		say_error(err.msg);
		return EXIT_USAGE;
	}
	/* It would be that of the old name, with the key that is there. */
	if (r->place.is_revoking) {
		text = xasprintf("a certificate of %s is to be revoked: "
		    "rename it when that is done (acmectl status %s), or give "
		    "it up: acmectl revoke --cancel %s", r->old, r->old,
		    r->old);
		say_error(text);
		free(text);
		return EXIT_REFUSED;
	}
	r->text = place_is_ours(&r->place) ? renamed_text(r) : NULL;
	if (r->text == NULL) {
		text = xasprintf("%s is configured by hand, in %s:%lld: "
		    "acmectl renames what acmectl add or import has written",
		    r->old, r->place.path, (long long)r->place.line);
		say_error(text);
		free(text);
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

/* conf.d/ beside acmed.conf is where the old file is, too. */
static void
open_batch(struct rename *r)
{
	char *dir = xstrndup(r->place.path, (size_t)(strrchr(r->place.path,
	    '/') - r->place.path));
	char *main_file = xasprintf("%.*s/acmed.conf", (int)(strrchr(dir,
	    '/') - dir), dir);

	r->batch = conf_batch_new(main_file);
	(void)conf_batch_file(r->batch, r->new, xstrdup(r->text));
	free(main_file);
	free(dir);
}

int
cmd_rename(const struct options *o)
{
	struct rename r = { .o = o, .old = o->names[0], .new = o->names[1] };
	char *text;
	int code = place_find(o, &r.place);

	if (code != EXIT_OK)
		return code;
	code = plan(&r);
	if (code == EXIT_OK) {
		open_batch(&r);
		code = try_new(&r);
	}
	if (code == EXIT_OK)
		code = take_over(&r);
	if (code == EXIT_OK)
		code = swap(&r);
	if (code == EXIT_OK && !o->json) {
		text = xasprintf("%s is %s now. Servers that read live/%s are "
		    "to read live/%s; then: acmectl delete %s", r.old, r.new,
		    r.old, r.new, r.old);
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
		free(text);
	}
	conf_batch_free(r.batch);
	freezero_str(r.text);
	place_clear(&r.place);
	return code;
}
