/* SPDX-License-Identifier: MIT */
#include "ctl/export_certbot.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/export_file.h"
#include "ctl/import/dns_map.h"

/* The directory and those above it, below an absolute path. */
static int
make_dirs(const char *root, const char *below, struct error *err)
{
	char *path = xasprintf("%s/%s", root, below), *at;
	int rc = 0;

	for (at = path + strlen(root) + 1; rc == 0; *at++ = '/') {
		at += strcspn(at, "/");
		if (*at == '\0')
			break;
		*at = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			rc = error_errno(err, "%s", path);
	}
	if (rc == 0 && mkdir(path, 0700) == -1 && errno != EEXIST)
		rc = error_errno(err, "%s", path);
	free(path);
	return rc;
}

/* --- files --- */

static const char *const files[] = { "privkey", "cert", "chain",
    "fullchain" };
enum { N_FILES = sizeof(files) / sizeof(files[0]) };

/* The first n that this export has written go again: all or none, so that it
 * can be said once more. */
static void
take_back(const char *dir, const char *name, size_t n)
{
	char *path;

	for (size_t i = 0; i < n; i++) {
		path = xasprintf("%s/live/%s/%s.pem", dir, name, files[i]);
		(void)unlink(path);
		free(path);
		path = xasprintf("%s/archive/%s/%s1.pem", dir, name,
		    files[i]);
		(void)unlink(path);
		free(path);
	}
}

static int
write_files(const json_t *reply, const char *dir, const char *name,
    struct error *err)
{
	char *archive = xasprintf("archive/%s", name),
	    *live = xasprintf("live/%s", name);
	int rc = make_dirs(dir, archive, err);

	if (rc == 0)
		rc = make_dirs(dir, live, err);
	for (size_t i = 0; rc == 0 && i < N_FILES; i++) {
		char *from = xasprintf("%s/%s.pem", jsonx_str(reply, "dir"),
		    files[i]), *to = xasprintf("%s/%s/%s1.pem", dir, archive,
		    files[i]), *link = xasprintf("%s/%s/%s.pem", dir, live,
		    files[i]), *target = xasprintf("../../%s/%s1.pem",
		    archive, files[i]);

		rc = export_copy(from, to, i == 0 ? 0600 : 0644, err);
		if (rc == 0 && symlink(target, link) == -1) {
			rc = error_errno(err, "%s", link);
			(void)unlink(to);
		}
		if (rc == -1)
			take_back(dir, name, i);
		free(target);
		free(link);
		free(to);
		free(from);
	}
	free(live);
	free(archive);
	return rc;
}

/* --- the account --- */

static int
write_json(const char *dir, const char *name, const json_t *j, mode_t mode,
    struct error *err)
{
	char *path = xasprintf("%s/%s", dir, name),
	    *text = json_dumps(j, JSON_COMPACT);
	int rc;

	/* The account of another certificate that was exported. */
	rc = access(path, F_OK) == 0 ? 0 : export_write(path, mode, text,
	    strlen(text), err);
	freezero_str(text);
	free(path);
	return rc;
}

static int
write_account(const json_t *reply, const char *dir, struct error *err)
{
	const char *server = jsonx_str(reply, "account.directory"),
	    *id = jsonx_str(reply, "account.md5"), *at;
	char *below, *path, when[TEXT_TIME_MAX], host[DNAME_SIZE];
	json_t *regr, *meta;
	int rc;

	at = server == NULL ? NULL : strstr(server, "://");
	if (at == NULL || strstr(at, "..") != NULL || id == NULL ||
	    *id == '\0')
		return error_set(err, ERR_CONFIG, "ctl:export", "its account "
		    "cannot be given to certbot: %s", id != NULL && *id ==
		    '\0' ? "this OpenSSL has no MD5" : "it has none");
	below = xasprintf("accounts/%s/%s", at + 3, id);
	path = xasprintf("%s/%s", dir, below);
	dname_of_host(host);
	regr = json_pack("{s:{}, s:s?}", "body", "uri", jsonx_str(reply,
	    "account.kid"));
	meta = json_pack("{s:s, s:s}", "creation_dt", text_time(clock_now(),
	    when), "creation_host", host);
	rc = make_dirs(dir, below, err);
	if (rc == 0)
		rc = write_json(path, "private_key.json", jsonx_get(reply,
		    "account.key"), 0400, err);
	if (rc == 0)
		rc = write_json(path, "regr.json", regr, 0644, err);
	if (rc == 0)
		rc = write_json(path, "meta.json", meta, 0644, err);
	json_decref(meta);
	json_decref(regr);
	free(path);
	free(below);
	return rc;
}

/* --- renewal/NAME.conf --- */

static void
print_key(FILE *f, const char *key)
{
	if (key == NULL)
		return;
	if (strncmp(key, "rsa", 3) == 0)
		(void)fprintf(f, "key_type = rsa\nrsa_key_size = %s\n",
		    key + 3);
	else
		(void)fprintf(f, "key_type = ecdsa\nelliptic_curve = %s\n",
		    strcmp(key, "ec384") == 0 ? "secp384r1" : "secp256r1");
}

static const char *
plugin_for(const char *type)
{
	for (const struct dns_map *m = dns_maps; m->type != NULL; m++) {
		if (m->client == DNS_CERTBOT && strcmp(m->type, type) == 0)
			return m->theirs;
	}
	return NULL;
}

static void
print_dns(FILE *f, const char *dir, const char *name, const char *type)
{
	const char *plugin = type != NULL ? plugin_for(type) : NULL;
	char *text, *under;

	if (plugin == NULL) {
		(void)fputs("authenticator = manual\npref_challs = dns-01,\n",
		    f);
		text = xasprintf("%s: certbot has no plugin for the DNS "
		    "provider %s: give it manual_auth_hook and "
		    "manual_cleanup_hook in renewal/%s.conf", name,
		    type != NULL ? type : "(none)", name);
	} else {
		under = xstrdup(plugin);
		for (char *s = under; *s != '\0'; s++) {
			if (*s == '-')
				*s = '_';
		}
		(void)fprintf(f, "authenticator = %s\n"
		    "%s_credentials = %s/%s.ini\n", plugin, under, dir,
		    plugin);
		text = xasprintf("%s: install certbot-%s, and write its "
		    "credentials into %s/%s.ini", name, plugin, dir, plugin);
		free(under);
	}
	say_error(text);
	free(text);
}

/* All names by the way of the first; those that differ have a webroot. */
static void
print_challenge(FILE *f, const json_t *reply, const char *dir,
    const char *name)
{
	const json_t *names = json_object_get(reply, "names"), *one;
	const char *challenge = jsonx_str(names, "0.challenge"),
	    *webroot = jsonx_str(names, "0.webroot");
	size_t i;

	if (challenge == NULL || strcmp(challenge, "http-01") != 0) {
		print_dns(f, dir, name, jsonx_str(names, "0.provider"));
		return;
	}
	if (webroot == NULL) {
		(void)fputs("authenticator = standalone\n", f);
		return;
	}
	(void)fprintf(f, "authenticator = webroot\nwebroot_path = \"%s\",\n"
	    "[[webroot_map]]\n", webroot);
	json_array_foreach(names, i, one) {
		const char *other = jsonx_str(one, "webroot");

		(void)fprintf(f, "%s = \"%s\"\n", jsonx_str(one, "name"),
		    other != NULL ? other : webroot);
	}
}

static int
write_renewal(const json_t *reply, const char *dir, const char *name,
    struct error *err)
{
	const char *chain = jsonx_str(reply, "preferred_chain");
	char *path = xasprintf("%s/renewal/%s.conf", dir, name), *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc;

	if (f == NULL)
		abort();
	(void)fprintf(f, "# Exported from acmed.\nversion = 2.1.0\n"
	    "archive_dir = %s/archive/%s\n", dir, name);
	for (size_t i = 0; i < N_FILES; i++)
		(void)fprintf(f, "%s = %s/live/%s/%s.pem\n", files[i], dir,
		    name, files[i]);
	(void)fprintf(f, "\n[renewalparams]\naccount = %s\nserver = %s\n",
	    jsonx_str(reply, "account.md5"), jsonx_str(reply,
	    "account.directory"));
	print_key(f, jsonx_str(reply, "key"));
	if (jsonx_bool(reply, "reuse_key", false))
		(void)fputs("reuse_key = True\n", f);
	if (chain != NULL)
		(void)fprintf(f, "preferred_chain = \"%s\"\n", chain);
	print_challenge(f, reply, dir, name);
	if (fclose(f) == EOF)
		abort();
	rc = make_dirs(dir, "renewal", err);
	if (rc == 0)
		rc = export_write(path, 0644, text, len, err);
	free(text);
	free(path);
	return rc;
}

/* certbot has one key for each of its certificates. */
static void
tell_second(const json_t *reply, const char *name)
{
	static const char *const folders[] = { "rsa", "ec" };

	for (size_t i = 0; i < 2; i++) {
		char *path = xasprintf("%s/%s", jsonx_str(reply, "dir"),
		    folders[i]), *text;

		if (access(path, F_OK) == 0) {
			text = xasprintf("%s: certbot renews one certificate "
			    "of a name; the second of this pair, %s/, is left "
			    "out: obtain it under another --cert-name", name,
			    folders[i]);
			say_error(text);
			free(text);
		}
		free(path);
	}
}

int
export_certbot(const json_t *reply, const char *dir, struct error *err)
{
	const char *name = jsonx_str(reply, "name");
	char *path = xasprintf("%s/renewal/%s.conf", dir, name);
	char *csr = xasprintf("%s/csr.pem", jsonx_str(reply, "dir"));
	bool is_keyless = access(csr, F_OK) == 0;
	int rc = is_keyless ? error_set(err, ERR_CONFIG, "ctl:csr", "the key "
	    "of %s is not on this machine (csr), and certbot renews no such "
	    "certificate; allowed: --format pem, and certbot certonly --csr",
	    name) : access(path, F_OK) == -1 ? 0 : error_set(err, ERR_CONFIG,
	    "ctl:exists", "%s: there is a certificate of that name already",
	    path);

	free(csr);
	free(path);
	if (rc == 0)
		rc = write_account(reply, dir, err);
	if (rc == 0)
		rc = write_files(reply, dir, name, err);
	if (rc == 0) {
		rc = write_renewal(reply, dir, name, err);
		if (rc == -1)
			take_back(dir, name, N_FILES);
	}
	if (rc == 0)
		tell_second(reply, name);
	return rc;
}
