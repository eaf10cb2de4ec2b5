/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check_host.h"
#include "daemon/config/opt.h"

#define SECRET_MIN 32		/* SEAL_SECRET_MIN: it must not be guessed */

static const char *const type_names[] = {
	[REPOSITORY_S3] = "s3",
	[REPOSITORY_OSS] = "oss",
	[REPOSITORY_HTTPS] = "https",
	[REPOSITORY_DIRECTORY] = "directory",
	[REPOSITORY_ETCD] = "etcd",
};
_Static_assert(sizeof(type_names) / sizeof(type_names[0]) ==
    REPOSITORY_TYPE_END, "type_names");

#define S3	(1 << REPOSITORY_S3)
#define OSS	(1 << REPOSITORY_OSS)
#define HTTPS	(1 << REPOSITORY_HTTPS)
#define DIR	(1 << REPOSITORY_DIRECTORY)
#define ETCD	(1 << REPOSITORY_ETCD)

/* Which key is for which types, and which of them need it. */
static const struct {
	const char	*key;
	unsigned	 types, needed;
} keys[] = {
	{ "endpoint", S3 | OSS, S3 | OSS },
	{ "bucket", S3 | OSS, S3 | OSS },
	{ "region", S3 | OSS, S3 | OSS },
	{ "access_key_id", S3 | OSS, S3 | OSS },
	{ "secret_access_key_file", S3 | OSS, S3 | OSS },
	{ "path_style", S3 | OSS, 0 },
	{ "server_side_encryption", S3 | OSS, 0 },
	{ "kms_key_id", S3 | OSS, 0 },
	{ "url", HTTPS, HTTPS },
	{ "token_file", HTTPS, 0 },
	{ "ca_file", S3 | OSS | HTTPS | ETCD, 0 },
	{ "path", DIR, DIR },
	{ "etcd", ETCD, ETCD },
	{ "user", ETCD, 0 },
	{ "password_file", ETCD, 0 },
	{ "cert_file", ETCD, 0 },
	{ "key_file", ETCD, 0 },
	{ "prefix", S3 | OSS | HTTPS | DIR | ETCD, 0 },
	{ "receipts", S3 | OSS | DIR | ETCD, 0 },
	{ "behind_after", S3 | OSS | DIR | ETCD, 0 },
	{ "waves", S3 | OSS | DIR | ETCD, 0 },
	{ "wave_pause", S3 | OSS | DIR | ETCD, 0 },
};

/* -1 and a mistake if there is none. */
static int
check_type(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "type");

	for (int i = 0; v != NULL && i < REPOSITORY_TYPE_END; i++) {
		if (strcmp(v->text, type_names[i]) == 0)
			return i;
	}
	if (v != NULL)
		opt_refuse(c->m, sec, "type", v, "s3, oss, https, etcd, "
		    "directory");
	else
		opt_mistake(c->m, sec, sec->line, "type is missing; allowed: "
		    "s3, oss, https, etcd, "
		    "directory");
	return -1;
}

static void
check_keys(struct check *c, const struct section *sec, int type)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct value *v = tree_value(sec, keys[i].key);
		unsigned bit = 1u << type;

		if (v != NULL && (keys[i].types & bit) == 0)
			opt_mistake(c->m, sec, v->line, "%s is not for type = "
			    "%s", keys[i].key, type_names[type]);
		if (v == NULL && (keys[i].needed & bit) != 0)
			opt_mistake(c->m, sec, sec->line, "%s is missing; "
			    "type = %s needs it", keys[i].key,
			    type_names[type]);
	}
}

/* Does the secret file hold one of at least min characters? */
static void
check_secret(struct check *c, const struct section *sec, const char *key,
    const char *file, size_t min)
{
	struct error err;
	char *secret;

	if (file == NULL)
		return;
	if (file_read_secret(file, FILE_SECRET_MAX, &secret, &err) == -1) {
		opt_mistake(c->m, sec, tree_value(sec, key)->line, "%s: %s",
		    key, err.msg);
		return;
	}
	check_hash_secret(c, secret);
	if (strlen(secret) < min)
		opt_mistake(c->m, sec, tree_value(sec, key)->line, "%s: %s: "
		    "it has %zu characters; allowed: at least %zu, such as "
		    "of openssl rand -hex 32", key, file, strlen(secret),
		    min);
	freezero_str(secret);
}

/* The shorter one of two lines, in characters. */
static size_t
shortest(const char *secret)
{
	size_t first = strcspn(secret, "\n"), second;

	if (secret[first] == '\0')
		return first;
	second = strlen(secret + first + 1);
	return second < first ? second : first;
}

char *
check_shared_secret(struct check *c, const struct section *sec,
    const char *key, const char *file)
{
	struct error err;
	char *secret;

	if (file == NULL)
		return NULL;
	if (file_read_shared(file, FILE_SECRET_MAX, &secret, &err) == -1) {
		opt_mistake(c->m, sec, tree_value(sec, key)->line, "%s: %s",
		    key, err.msg);
		return NULL;
	}
	check_hash_secret(c, secret);
	if (shortest(secret) < SECRET_MIN)
		opt_mistake(c->m, sec, tree_value(sec, key)->line, "%s: %s: "
		    "it has %zu characters; allowed: at least %d, such as "
		    "of openssl rand -hex 32", key, file, shortest(secret),
		    SECRET_MIN);
	return secret;
}

/* What signs the manifests, and encrypts: one of these. */
static void
check_keys_of(struct check *c, const struct section *sec,
    struct conf_repository *r)
{
	static const char *const ways[] = { "encrypt_key_file",
	    "hmac_key_file", "encrypt_to", "host_key_file" };
	const struct value *found = NULL;
	const char *key = NULL;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct value *v = tree_value(sec, ways[i]);

		if (v != NULL && found != NULL)
			opt_mistake(c->m, sec, v->line, "%s is given with "
			    "%s; allowed: one of them (what is encrypted is "
			    "signed as well)", ways[i], key);
		if (v == NULL || found != NULL)
			continue;
		found = v;
		key = ways[i];
	}
	if (found == NULL) {
		opt_mistake(c->m, sec, sec->line, "encrypt_key_file is "
		    "missing; allowed: encrypt_key_file, a secret that "
		    "publisher and subscribers share; or encrypt_to = hosts "
		    "on the publisher and host_key_file on each subscriber, "
		    "which has a key of its own; or hmac_key_file, a secret "
		    "that signs only, where private keys may lie there as "
		    "they are");
		key = ways[0];
	}
	r->encrypted = found != NULL && key != ways[1];
	check_repository_hosts(c, sec, r);
	if (key == ways[2] || key == ways[3])
		return;
	r->secret_file = opt_file(c->m, sec, key);
	freezero_str(check_shared_secret(c, sec, key, r->secret_file));
}

static bool
has_path(const char *url)
{
	const char *host = strstr(url, "://");

	return host != NULL && strchr(host + 3, '/') != NULL;
}

/* Without an encrypted connection, what is sent must be encrypted. */
static void
check_url(struct check *c, const struct section *sec,
    struct conf_repository *r)
{
	const char *key = r->type == REPOSITORY_HTTPS ? "url" : "endpoint";
	size_t n;

	r->url = opt_text(c->m, sec, key);
	if (r->url == NULL)
		return;
	if (!opt_is_url(r->url, r->encrypted) ||
	    strpbrk(r->url, "?#@") != NULL)
		opt_refuse(c->m, sec, key, tree_value(sec, key),
		    r->encrypted ? "https://HOST or http://HOST" :
		    "https://HOST (http:// only where it is encrypted)");
	for (n = strlen(r->url); n > 0 && r->url[n - 1] == '/'; n--)
		r->url[n - 1] = '\0';
	/* The signature is of BUCKET/KEY alone. */
	if (r->type != REPOSITORY_HTTPS && has_path(r->url))
		opt_refuse(c->m, sec, key, tree_value(sec, key),
		    "an address without a path; see bucket and prefix");
	/* A signature may be seen, a token may not. */
	if (r->type == REPOSITORY_HTTPS &&
	    strncmp(r->url, "http://", 7) == 0 &&
	    tree_value(sec, "token_file") != NULL)
		opt_refuse(c->m, sec, key, tree_value(sec, key),
		    "https://HOST where there is a token_file");
}

/* What becomes part of a signature, of a host name or of a path. */
static char *
plain_word(struct check *c, const struct section *sec, const char *key)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	char *text = opt_text(c->m, sec, key);

	if (text != NULL && (text[0] == '.' ||
	    text[strspn(text, plain)] != '\0'))
		opt_refuse(c->m, sec, key, tree_value(sec, key),
		    "letters, digits, '.', '-' and '_'");
	return text;
}

static void
check_prefix(struct check *c, const struct section *sec,
    struct conf_repository *r)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/";
	char *text = opt_text(c->m, sec, "prefix");

	if (text != NULL && ((text[0] == '/' && r->type != REPOSITORY_ETCD) ||
	    strstr(text, "..") != NULL ||
	    text[strspn(text, plain)] != '\0'))
		opt_refuse(c->m, sec, "prefix", tree_value(sec, "prefix"),
		    "letters, digits, '.', '-', '_' and '/', not first");
	r->prefix = text == NULL || text[0] == '\0' ?
	    xstrdup(r->type == REPOSITORY_ETCD ? "/acmed/" : "") :
	    xasprintf("%s%s", text, text[strlen(text) - 1] == '/' ? "" : "/");
	free(text);
}

struct conf_repository *
check_repository(struct check *c, const struct section *sec)
{
	struct conf_repository *r = xcalloc(1, sizeof(*r));
	int type = check_type(c, sec);

	r->name = xstrdup(sec->title);
	check_keys_of(c, sec, r);
	if (type == -1)
		return r;
	r->type = (enum repository_type)type;
	check_keys(c, sec, type);
	if (r->type == REPOSITORY_ETCD)
		r->etcd = check_etcd(c, sec, r->encrypted);
	else if (r->type != REPOSITORY_DIRECTORY)
		check_url(c, sec, r);
	check_prefix(c, sec, r);
	r->path = opt_text(c->m, sec, "path");
	if (r->path != NULL && r->path[0] != '/')
		opt_refuse(c->m, sec, "path", tree_value(sec, "path"),
		    "an absolute path");
	r->bucket = plain_word(c, sec, "bucket");
	r->region = plain_word(c, sec, "region");
	r->access_key_id = opt_text(c->m, sec, "access_key_id");
	r->secret_access_key_file = opt_file(c->m, sec,
	    "secret_access_key_file");
	check_secret(c, sec, "secret_access_key_file",
	    r->secret_access_key_file, 1);
	/* OSS answers to no other style, nearly everything else to this. */
	r->path_style = opt_bool(c->m, sec, "path_style",
	    r->type == REPOSITORY_S3);
	r->encryption = opt_text(c->m, sec, "server_side_encryption");
	r->kms_key_id = opt_text(c->m, sec, "kms_key_id");
	r->token_file = opt_file(c->m, sec, "token_file");
	check_secret(c, sec, "token_file", r->token_file, 1);
	if (r->type != REPOSITORY_ETCD)		/* it has its own */
		r->ca_file = opt_ca_file(c->m, sec);
	r->receipts = opt_bool(c->m, sec, "receipts",
	    r->type != REPOSITORY_HTTPS);
	r->behind_after_s = opt_duration(c->m, sec, "behind_after", 60,
	    30 * 86400, 3600);
	check_waves(c, sec, &r->waves, &r->n_waves, &r->wave_pause_s);
	if (r->waves != NULL && !r->receipts)
		opt_mistake(c->m, sec, tree_value(sec, "waves")->line, "waves "
		    "need receipts: without them nobody knows when a wave is "
		    "done");
	return r;
}

void
check_free_repository(struct conf_repository *r)
{
	if (r == NULL)
		return;
	free(r->name);
	free(r->url);
	free(r->path);
	check_free_etcd(r->etcd);
	free(r->bucket);
	free(r->region);
	free(r->prefix);
	free(r->access_key_id);
	free(r->secret_access_key_file);
	free(r->encryption);
	free(r->kms_key_id);
	free(r->token_file);
	free(r->ca_file);
	opt_list_free(r->waves);
	free(r->secret_file);
	free(r->host_key_file);
	free(r->host);
	free(r->publisher_key);
	free(r);
}
