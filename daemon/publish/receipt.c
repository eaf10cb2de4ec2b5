/* SPDX-License-Identifier: MIT */
#include "daemon/publish/receipt.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/identity.h"
#include "daemon/store/seal.h"

#define SUFFIX ".json"

const char *
receipt_folder(const struct conf_repository *r)
{
	return r->type == REPOSITORY_ETCD ? "~hosts/" : "hosts/";
}

char *
receipt_key(const char *host, const char *certificate)
{
	return xasprintf("%s/%s" SUFFIX, host, certificate);
}

static bool
take_name(const char *s, size_t len, char out[RECEIPT_HOST_SIZE])
{
	struct error ignored;

	if (len >= RECEIPT_HOST_SIZE)
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return object_name_check(out, &ignored) == 0;
}

bool
receipt_key_read(const char *key, char host[RECEIPT_HOST_SIZE],
    char certificate[RECEIPT_HOST_SIZE])
{
	const char *slash = strchr(key, '/');
	size_t n = strlen(key), end = strlen(SUFFIX), len;

	if (slash == NULL || n < end || strcmp(key + n - end, SUFFIX) != 0)
		return false;
	len = (size_t)(key + n - end - (slash + 1));
	return slash + 1 < key + n - end &&
	    take_name(key, (size_t)(slash - key), host) &&
	    take_name(slash + 1, len, certificate);
}

/* What it is sealed for; the same in all repositories. */
static char *
aad_of(const char *host, const char *certificate)
{
	return xasprintf("hosts/%s/%s" SUFFIX, host, certificate);
}

char *
receipt_make(const struct receipt *r, const struct repo_keys *keys,
    size_t *len)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:I, s:I, "
	    "s:s, s:s, s:I}", "host", r->host, "certificate", r->certificate,
	    "serial", r->serial, "sha256", r->sha256,
	    "not_before", (json_int_t)r->not_before,
	    "not_after", (json_int_t)r->not_after, "ok", (int)r->ok,
	    "since", (json_int_t)r->since, "next_at", (json_int_t)r->next_at,
	    "code", r->code, "error", r->error, "at", (json_int_t)r->at);
	char *aad = aad_of(r->host, r->certificate), *text, *sealed;

	if (r->second[0] != '\0')
		(void)json_object_set_new(o, "second", json_string(r->second));
	text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (text == NULL)
		abort();
	sealed = keys->secret != NULL ? seal_close(keys->secret, aad, text,
	    strlen(text), len) : identity_seal(keys->me, keys->publisher, aad,
	    text, strlen(text), len);
	free(aad);
	free(text);
	json_decref(o);
	return sealed;
}

static int
bad(const char *what, struct error *err)
{
	return error_set(err, ERR_REJECTED, "receipt:syntax", "it is not one "
	    "that acmed writes: %s", what);
}

/* Lower-case hex of that many digits at the most; "" is allowed. */
static bool
is_hex(const char *s, size_t max)
{
	size_t n = strspn(s, "0123456789abcdef");

	return s[n] == '\0' && n <= max;
}

static int
read_time(const json_t *o, const char *name, time_t *at, struct error *err)
{
	*at = (time_t)jsonx_int(o, name, -1);
	return *at < 0 ? bad(name, err) : 0;
}

static int
read_text(const json_t *o, const char *name, char *out, size_t size,
    struct error *err)
{
	if (jsonx_copy_str(o, name, out, size, err) == -1)
		return bad(name, err);
	text_clean(out);
	return 0;
}

static int
read_members(const json_t *o, struct receipt *r, struct error *err)
{
	if (read_text(o, "host", r->host, sizeof(r->host), err) == -1 ||
	    read_text(o, "certificate", r->certificate,
	    sizeof(r->certificate), err) == -1 ||
	    read_text(o, "serial", r->serial, sizeof(r->serial), err) == -1 ||
	    read_text(o, "sha256", r->sha256, sizeof(r->sha256), err) == -1 ||
	    read_text(o, "code", r->code, sizeof(r->code), err) == -1 ||
	    read_text(o, "error", r->error, sizeof(r->error), err) == -1 ||
	    read_time(o, "not_before", &r->not_before, err) == -1 ||
	    read_time(o, "not_after", &r->not_after, err) == -1 ||
	    read_time(o, "since", &r->since, err) == -1 ||
	    read_time(o, "next_at", &r->next_at, err) == -1 ||
	    read_time(o, "at", &r->at, err) == -1)
		return -1;
	/* Older ones, and those of one certificate, have none. */
	if (json_object_get(o, "second") != NULL && read_text(o, "second",
	    r->second, sizeof(r->second), err) == -1)
		return -1;
	if (!is_hex(r->second, sizeof(r->second) - 1))
		return bad("second", err);
	if (!is_hex(r->serial, sizeof(r->serial) - 1) ||
	    !is_hex(r->sha256, sizeof(r->sha256) - 1))
		return bad("serial", err);
	if (!json_is_boolean(json_object_get(o, "ok")))
		return bad("ok", err);
	r->ok = jsonx_bool(o, "ok", false);
	return 0;
}

int
receipt_read(const char *data, size_t len, const struct repo_keys *keys,
    const char *public_key, const char *host, const char *certificate,
    struct receipt *r, struct error *err)
{
	char *aad = aad_of(host, certificate), *text;
	size_t text_len;
	json_t *o;
	int rc;

	memset(r, 0, sizeof(*r));
	rc = keys->secret != NULL ? seal_open(keys->secret, aad, data, len,
	    &text, &text_len, err) : identity_open(keys->me, public_key, aad,
	    data, len, &text, &text_len, err);
	free(aad);
	if (rc == -1)
		return -1;
	o = jsonx_parse(text, text_len, err);
	freezero(text, text_len);
	rc = !json_is_object(o) ? bad("no JSON object", err) :
	    read_members(o, r, err);
	json_decref(o);
	/* The aad says so already, and here for those who look on. */
	if (rc == 0 && (strcmp(r->host, host) != 0 ||
	    strcmp(r->certificate, certificate) != 0))
		rc = bad("it is of another host or certificate", err);
	return rc;
}
