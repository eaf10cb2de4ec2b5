/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/zerossl.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/io/http.h"

#define URL "https://api.zerossl.com/acme/eab-credentials-email"
#define MAILTO "mailto:"
#define REPLY_MAX 16384
#define TIMEOUT_MS 30000
#define VALUE_MAX 256

struct zerossl_op {
	char		*mail;
	struct http_op	*http;
	zerossl_done_cb	*done;
	void		*arg;
};

const char *
zerossl_mail(const struct conf_account *a)
{
	for (char **p = a->contact; *p != NULL; p++) {
		if (strncasecmp(*p, MAILTO, strlen(MAILTO)) == 0)
			return *p + strlen(MAILTO);
	}
	return NULL;
}

void
zerossl_cancel(struct zerossl_op *op)
{
	if (op == NULL)
		return;
	http_cancel(op->http);
	free(op->mail);
	free(op);
}

static bool
kid_is_ok(const char *s)
{
	size_t len = strlen(s);

	for (const char *p = s; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return false;
	}
	return len > 0 && len <= VALUE_MAX;
}

static bool
key_is_ok(const char *s)
{
	unsigned char *data;
	size_t len;

	if (*s == '\0' || strlen(s) > VALUE_MAX ||
	    text_b64url_decode(s, &data, &len) == -1)
		return false;
	freezero(data, len);
	return true;
}

/* Nothing of the answer but the CA's own words for a refusal is shown: the key
 * is in it. */
static int
refused(const struct zerossl_op *op, const json_t *o, int status,
    struct error *err)
{
	const char *why = jsonx_str(o, "error.type");
	char words[100];

	(void)text_printf(words, sizeof(words), "%s", why != NULL ? why :
	    "no reason given");
	text_clean(words);
	return error_set(err, status >= 500 ? ERR_TRANSIENT : ERR_REJECTED,
	    "zerossl:eab", "ZeroSSL gives no external account for %s (HTTP "
	    "status %d: %s); set eab_kid and eab_hmac_key_file, from "
	    "https://app.zerossl.com/developer", op->mail, status, words);
}

static void
wipe(json_t *o)
{
	const char *key = jsonx_str(o, "eab_hmac_key");

	/* It is jansson's, on its way to free(). */
	if (key != NULL)
		explicit_bzero((void *)(uintptr_t)key, strlen(key));
	json_decref(o);
}

static void
answered(const struct error *http_err, const struct http_reply *reply,
    void *arg)
{
	struct zerossl_op *op = arg;
	const char *kid = NULL, *key = NULL;
	const struct error *err = http_err;
	json_t *o = NULL;
	struct error local;

	op->http = NULL;
	if (err == NULL)
		o = jsonx_parse(reply->body, reply->body_len, &local);
	if (o != NULL) {
		kid = jsonx_str(o, "eab_kid");
		key = jsonx_str(o, "eab_hmac_key");
	}
	if (err == NULL && (reply->status < 200 || reply->status >= 300 ||
	    !jsonx_bool(o, "success", false) || kid == NULL ||
	    !kid_is_ok(kid) || key == NULL || !key_is_ok(key))) {
		(void)refused(op, o, reply->status, &local);
		err = &local;
	}
	op->done(err, err == NULL ? kid : NULL, err == NULL ? key : NULL,
	    op->arg);
	wipe(o);
	zerossl_cancel(op);
}

/* application/x-www-form-urlencoded: all but letters and digits. */
static char *
form(const char *mail)
{
	char *body = xmalloc(strlen("email=") + 3 * strlen(mail) + 1), *out;

	out = stpcpy(body, "email=");
	for (const char *p = mail; *p != '\0'; p++) {
		char hex[3];

		*out++ = '%';
		out = stpcpy(out, text_hex(p, 1, hex));
	}
	return body;
}

struct zerossl_op *
zerossl_start(struct http *http, const struct conf_account *a,
    zerossl_done_cb *done, void *arg)
{
	static const struct http_header type = { .name = "Content-Type",
	    .value = "application/x-www-form-urlencoded" };
	struct zerossl_op *op = xcalloc(1, sizeof(*op));
	char *body;
	struct http_args args = {
		.method = "POST",
		.url = URL,
		.headers = &type,
		.n_headers = 1,
		.max_reply = REPLY_MAX,
		.timeout_ms = TIMEOUT_MS,
		.ca_file = a->ca_file,
		.proxy = a->proxy,
	};

	op->mail = xstrdup(zerossl_mail(a));
	op->done = done;
	op->arg = arg;
	body = form(op->mail);
	args.body = body;
	args.body_len = strlen(body);
	op->http = http_start(http, &args, answered, op);
	free(body);
	return op;
}
