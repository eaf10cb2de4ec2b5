/* SPDX-License-Identifier: MIT */
/* acmectl account export and import: an account as a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/account.h"
#include "ctl/ask.h"
#include "ctl/export_file.h"
#include "ctl/show.h"

enum { KEY_FILE_MAX = 32 * 1024 };

static int
write_account(const char *path, const json_t *reply, struct error *err)
{
	json_t *j = json_pack("{s:O?, s:O?, s:O?, s:O?}",
	    "account", json_object_get(reply, "account"),
	    "directory", json_object_get(reply, "directory"),
	    "url", json_object_get(reply, "kid"),
	    "key", json_object_get(reply, "key"));
	char *text = j == NULL ? NULL : json_dumps(j, JSON_INDENT(2)), *all;
	int rc;

	json_decref(j);
	if (text == NULL)
		return error_set(err, ERR_REJECTED, CLIENT_REPLY,
		    "acmed's reply has no key");
	all = xasprintf("%s\n", text);
	rc = export_write(path, 0600, all, strlen(all), err);
	freezero_str(all);
	freezero_str(text);
	return rc;
}

int
account_export(const struct options *o, const char *name, const char *path)
{
	json_t *body = json_pack("{s:s}", "account", name);
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_EXPORT_ACCOUNT, .body = body,
	};
	struct client_reply reply;
	struct error err;
	char *text;
	int code;

	if (body == NULL) {
		say_error("the name is not UTF-8");
		return EXIT_USAGE;
	}
	code = ask(o, &request, &reply);
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	if (write_account(path, reply.body, &err) == -1) {
		say_error(err.msg);
		code = strcmp(err.code, "ctl:exists") == 0 ? EXIT_REFUSED :
		    EXIT_FAILED;
	} else if (o->json) {
		(void)json_object_del(reply.body, "key");
		print_json(o, reply.body, JSON_INDENT(2));
	} else {
		text = xasprintf("account %s is in %s, with its private key: "
		    "keep it secret.  For another machine, or to have it "
		    "back: acmectl account import %s %s", name, path, name,
		    path);
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
		free(text);
	}
	client_reply_clear(&reply);
	return code;
}

/*
 * What the file holds, as members of the request: an account of ours, a JWK
 * (certbot's private_key.json), or PEM (acme.sh, lego, dehydrated, Caddy).
 */
static int
add_key(json_t *body, const char *path, const char *text)
{
	json_t *file, *key = NULL;
	json_t *directory;

	if (text[strspn(text, " \t\r\n")] != '{') {
		if (strstr(text, "PRIVATE KEY-----") != NULL)
			return json_object_set_new(body, "key",
			    json_string(text));
		return -1;
	}
	file = json_loads(text, 0, NULL);
	if (json_is_object(json_object_get(file, "key")))
		key = json_object_get(file, "key");
	else if (json_is_string(json_object_get(file, "kty")))
		key = file;
	directory = json_object_get(file, "directory");
	if (key != NULL) {
		(void)json_object_set(body, "key", key);
		if (key != file && json_is_string(directory))
			(void)json_object_set(body, "directory", directory);
	}
	json_decref(file);
	return key != NULL ? 0 : -1;
}

static int
read_key(const char *path, json_t *body)
{
	struct error err;
	char *text, *why;
	size_t len;
	int rc;

	if (file_read(AT_FDCWD, path, KEY_FILE_MAX, &text, &len, &err) == -1) {
		say_error(err.msg);
		return strcmp(err.code, "file:access") == 0 ? EXIT_DENIED :
		    EXIT_FAILED;
	}
	rc = add_key(body, path, text);
	freezero(text, len);
	if (rc == 0)
		return EXIT_OK;
	why = xasprintf("%s holds no private key; allowed: a file of acmectl "
	    "account export, a JWK such as certbot's private_key.json, or PEM "
	    "as of acme.sh (account.key) and lego", path);
	say_error(why);
	free(why);
	return EXIT_FAILED;
}

int
account_import(const struct options *o, const char *name, const char *path)
{
	json_t *body = json_pack("{s:s, s:b}", "account", name, "force",
	    o->force);
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_ADOPT_ACCOUNT, .body = body,
	};
	struct client_reply reply;
	int code;

	if (body == NULL) {
		say_error("the name is not UTF-8");
		return EXIT_USAGE;
	}
	code = read_key(path, body);
	if (code == EXIT_OK)
		code = ask(o, &request, &reply);
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		account_print(o, reply.body);
	client_reply_clear(&reply);
	return EXIT_OK;
}
