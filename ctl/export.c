/* SPDX-License-Identifier: MIT */
/* acmectl export: a certificate's files for somebody else. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/export_certbot.h"
#include "ctl/export_file.h"
#include "ctl/prompt.h"

/* Of a pair: where its second certificate is. */
static const char *const folders[] = { "rsa", "ec" };

static int
copy_files(const char *from_dir, const char *to_dir, struct error *err)
{
	const char *files[] = { "privkey", "cert", "chain", "fullchain" };
	char *csr = xasprintf("%s/csr.pem", from_dir);

	/* Where the key is elsewhere, its request goes. */
	if (access(csr, F_OK) == 0)
		files[0] = "csr";
	free(csr);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *from = xasprintf("%s/%s.pem", from_dir, files[i]),
		    *to = xasprintf("%s/%s.pem", to_dir, files[i]);
		int rc = export_copy(from, to, i == 0 ? 0600 : 0644, err);

		free(to);
		free(from);
		if (rc == 0)
			continue;
		/* All or none: it can be said again. */
		while (i-- > 0) {
			to = xasprintf("%s/%s.pem", to_dir, files[i]);
			(void)unlink(to);
			free(to);
		}
		return -1;
	}
	return 0;
}

/* First, so that the rest is only written beside it. */
static int
copy_second(const char *from_dir, const char *to_dir, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 2; i++) {
		char *from = xasprintf("%s/%s", from_dir, folders[i]),
		    *to = xasprintf("%s/%s", to_dir, folders[i]);

		if (access(from, F_OK) == 0) {
			if (mkdir(to, 0700) == -1 && errno != EEXIST)
				rc = error_errno(err, "%s", to);
			else
				rc = copy_files(from, to, err);
		}
		free(to);
		free(from);
	}
	return rc;
}

/* What copy_second() has written; it replaces nothing. */
static void
take_back_second(const char *from_dir, const char *to_dir)
{
	static const char *const files[] = { "privkey", "cert", "chain",
	    "fullchain" };

	for (size_t i = 0; i < 2; i++) {
		char *from = xasprintf("%s/%s", from_dir, folders[i]);
		bool is_ours = access(from, F_OK) == 0;

		free(from);
		for (size_t j = 0; is_ours && j < 4; j++) {
			char *path = xasprintf("%s/%s/%s.pem", to_dir,
			    folders[i], files[j]);

			(void)unlink(path);
			free(path);
		}
	}
}

static int
export_pem(const json_t *reply, const char *dir, struct error *err)
{
	const char *from = jsonx_str(reply, "dir");

	if (copy_second(from, dir, err) == -1)
		return -1;
	if (copy_files(from, dir, err) == 0)
		return 0;
	take_back_second(from, dir);
	return -1;
}

static int
write_pkcs12(const char *text, char *path /* taken */, struct error *err)
{
	unsigned char *data;
	size_t len;
	int rc = -1;

	if (text == NULL || text_b64url_decode(text, &data, &len) == -1) {
		(void)error_set(err, ERR_REJECTED, CLIENT_REPLY,
		    "acmed's reply has no PKCS#12");
	} else {
		rc = export_write(path, 0600, data, len, err);
		freezero(data, len);
	}
	free(path);
	return rc;
}

static int
export_pkcs12(const json_t *reply, const char *dir, struct error *err)
{
	const char *name = jsonx_str(reply, "name");
	const char *folder = jsonx_str(reply, "second.folder");
	char *path;

	if (write_pkcs12(jsonx_str(reply, "pkcs12"), xasprintf("%s/%s.p12",
	    dir, name), err) == -1)
		return -1;
	if (folder == NULL || write_pkcs12(jsonx_str(reply, "second.pkcs12"),
	    xasprintf("%s/%s-%s.p12", dir, name, folder), err) == 0)
		return 0;
	path = xasprintf("%s/%s.p12", dir, name);
	(void)unlink(path);
	free(path);
	return -1;
}

static const struct format {
	const char	*name;
	int		(*write)(const json_t *reply, const char *dir,
			    struct error *);
	bool		 has_password;
} formats[] = {
	{ "pem", export_pem, false },
	{ "pkcs12", export_pkcs12, true },
	{ "certbot", export_certbot, false },
};

static const struct format *
find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	}
	say_error("--format is pem, pkcs12 or certbot");
	return NULL;
}

/* Of --password-file, or of the person; NULL: it is told. */
static char *
ask_password(const struct options *o)
{
	char *password, *again;
	struct error err;

	if (o->password_file != NULL) {
		if (file_read_secret(o->password_file, FILE_SECRET_MAX,
		    &password, &err) == 0)
			return password;
		say_error(err.msg);
		return NULL;
	}
	if (!prompt_is_possible()) {
		say_error("pkcs12 needs a password: --password-file FILE");
		return NULL;
	}
	password = prompt_secret("Password of the new file");
	again = password == NULL ? NULL : prompt_secret("Once more");
	if (again == NULL || *password == '\0' ||
	    strcmp(password, again) != 0) {
		say_error(again == NULL || *password == '\0' ?
		    "no password was given" : "these are two passwords");
		freezero_str(password);
		password = NULL;
	}
	freezero_str(again);
	return password;
}

/* An absolute path of a directory, which is made if it is not there; the
 * caller frees. */
static char *
open_dir(const char *path, struct error *err)
{
	char *real;

	if (mkdir(path, 0700) == -1 && errno != EEXIST) {
		(void)error_errno(err, "%s", path);
		return NULL;
	}
	real = realpath(path, NULL);
	if (real == NULL)
		(void)error_errno(err, "%s", path);
	return real;
}

int
cmd_export(const struct options *o)
{
	const struct format *f = find_format(o->format != NULL ? o->format :
	    "pem");
	struct client_request request = { .socket = o->socket,
	    .method = "POST", .path = API_PATH_EXPORT };
	char *password = NULL, *dir;
	struct client_reply reply;
	struct error err;
	json_t *body;
	int code;

	if (f == NULL)
		return EXIT_USAGE;
	if (f->has_password && (password = ask_password(o)) == NULL)
		return EXIT_USAGE;
	body = json_pack("{s:s}", "name", o->names[0]);
	if (body != NULL && password != NULL)
		(void)json_object_set_new(body, "password",
		    json_string(password));
	freezero_str(password);
	request.body = body;
	code = body != NULL ? ask(o, &request, &reply) : EXIT_USAGE;
	json_decref(body);
	if (code != EXIT_OK)
		return code;
	dir = open_dir(o->names[1], &err);
	if (dir == NULL || f->write(reply.body, dir, &err) == -1) {
		say_error(err.msg);
		code = EXIT_FAILED;
	} else if (o->json) {
		body = json_pack("{s:s, s:s, s:s}", "name", o->names[0],
		    "format", f->name, "dir", dir);
		print_json(o, body, JSON_INDENT(2));
		json_decref(body);
	} else {
		(void)fprintf(o->out.out, "Exported %s to %s.\n",
		    o->names[0], dir);
	}
	free(dir);
	client_reply_clear(&reply);
	return code;
}
