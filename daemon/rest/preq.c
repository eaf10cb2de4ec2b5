/* SPDX-License-Identifier: MIT */
#include "daemon/rest/preq.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/preq_priv.h"
#include "daemon/rest/preq_run.h"
#include "daemon/rest/sign.h"

void
pairs_add(struct pairs *p, char *name /* taken */, char *value /* taken */,
    bool secret)
{
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct pair){ name, value, secret };
}

void
pairs_clear(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		freezero_str(p->v[i].value);
	}
	free(p->v);
	memset(p, 0, sizeof(*p));
}

struct preq *
preq_new(const char *base, bool is_forced)
{
	struct preq *rq = xcalloc(1, sizeof(*rq));

	if (base != NULL)
		rq->base = xstrdup(base);
	rq->base_is_forced = is_forced;
	return rq;
}

static void
preq_reset(struct preq *rq)
{
	struct str *all[] = { &rq->path, &rq->body, &rq->url, &rq->full_url,
	    &rq->host, &rq->uri, &rq->query_text, &rq->sorted, &rq->canonical,
	    &rq->names, &rq->label };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		str_clear(all[i]);
	pairs_clear(&rq->query);
	pairs_clear(&rq->headers);
	free(rq->method);
	rq->method = NULL;
	free(rq->http_headers);
	rq->http_headers = NULL;
	rq->has_body = rq->query_is_secret = rq->is_given = false;
	rq->wait_ms = 0;
	rq->mistake = rq->mistake_code = NULL;
}

void
preq_free(struct preq *rq)
{
	if (rq == NULL)
		return;
	preq_reset(rq);
	free(rq->base);
	free(rq);
}

bool
preq_is_started(const struct preq *rq)
{
	return rq->is_started;
}

static void
preq_mistake(struct preq *rq, const char *code, const char *what)
{
	if (rq->mistake == NULL) {
		rq->mistake_code = code;
		rq->mistake = what;
	}
}

void
preq_start(struct preq *rq, const char *method, const char *path)
{
	preq_reset(rq);
	rq->is_started = true;
	rq->method = xstrdup(method);
	str_puts(&rq->path, path);
}

void
preq_url(struct preq *rq, const char *method, const char *url)
{
	size_t len = strcspn(url, "?#"), n;

	preq_start(rq, method, "");
	rq->is_given = true;
	str_add(&rq->path, url, len);
	if (url[len] != '?')
		return;
	url += len + 1;
	n = strcspn(url, "#");
	if (n > 0)
		pairs_add(&rq->query, xstrndup(url, n), NULL, true);
}

void
preq_base(struct preq *rq, const char *url)
{
	if (rq->base_is_forced)
		return;
	free(rq->base);
	rq->base = url == NULL ? NULL : xstrdup(url);
}

void
preq_path(struct preq *rq, const char *segment)
{
	/* "." and ".." would be taken for steps in the path. */
	if (segment == NULL || segment[0] == '\0' ||
	    strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
		preq_mistake(rq, "provider:url", "impossible path segment");
	str_puts(&rq->path, "/");
	str_encode(&rq->path, segment == NULL ? "" : segment, "");
}

void
preq_subpath(struct preq *rq, const char *path)
{
	str_puts(&rq->path, "/");
	str_encode(&rq->path, path, "/");
}

static void
query_add(struct preq *rq, const char *name, const char *value, bool secret)
{
	struct str n = { 0 }, v = { 0 };

	if (value == NULL) {
		preq_mistake(rq, "provider:url", "query without a value");
		return;
	}
	str_encode(&n, name, "");
	str_encode(&v, value, "");
	pairs_add(&rq->query, xstrdup(str_text(&n)), xstrdup(str_text(&v)),
	    secret);
	str_clear(&n);
	str_clear(&v);
	rq->query_is_secret |= secret;
}

void
preq_query(struct preq *rq, const char *name, const char *value)
{
	query_add(rq, name, value, false);
}

void
preq_secret_query(struct preq *rq, const char *name, const char *value)
{
	query_add(rq, name, value, true);
}

void
preq_query_number(struct preq *rq, const char *name, int64_t value)
{
	char text[32];

	(void)text_printf(text, sizeof(text), "%" PRId64, value);
	preq_query(rq, name, text);
}

void
preq_query_word(struct preq *rq, const char *name)
{
	struct str n = { 0 };

	str_encode(&n, name, "");
	pairs_add(&rq->query, xstrdup(str_text(&n)), NULL, false);
	str_clear(&n);
}

void
preq_wait(struct preq *rq, unsigned ms)
{
	rq->wait_ms = ms;
}

unsigned
preq_get_wait(const struct preq *rq)
{
	return rq->wait_ms;
}

struct pair *
preq_header_find(const struct preq *rq, const char *name)
{
	for (size_t i = 0; i < rq->headers.n; i++) {
		if (strcasecmp(rq->headers.v[i].name, name) == 0)
			return &rq->headers.v[i];
	}
	return NULL;
}

static void
header_set(struct preq *rq, const char *name, const char *value, bool secret)
{
	struct pair *old = preq_header_find(rq, name);

	if (value == NULL) {
		preq_mistake(rq, "provider:header", "header without a value");
		return;
	}
	for (const char *s = value; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			preq_mistake(rq, "provider:header", "a header's value "
			    "(a token, a key?) has a control character in it");
	}
	if (old == NULL) {
		pairs_add(&rq->headers, xstrdup(name), xstrdup(value), secret);
		return;
	}
	freezero_str(old->value);
	old->value = xstrdup(value);
	old->secret = secret;
}

void
preq_header(struct preq *rq, const char *name, const char *value)
{
	header_set(rq, name, value, false);
}

void
preq_secret_header(struct preq *rq, const char *name, const char *value)
{
	header_set(rq, name, value, true);
}

void
preq_token(struct preq *rq, const char *prefix, const char *token)
{
	struct str t = { 0 };

	str_puts(&t, prefix);
	str_puts(&t, " ");
	str_puts(&t, token == NULL ? "" : token);
	header_set(rq, "Authorization", t.s, true);
	str_clear(&t);
}

void
preq_basic(struct preq *rq, const char *user, const char *password)
{
	struct str plain = { 0 };
	char *coded;

	str_puts(&plain, user == NULL ? "" : user);
	str_puts(&plain, ":");
	str_puts(&plain, password == NULL ? "" : password);
	coded = sign_base64(plain.s, plain.len);
	preq_token(rq, "Basic", coded);
	freezero_str(coded);
	str_clear(&plain);
}

void
preq_body(struct preq *rq, const void *data, size_t len,
    const char *content_type)
{
	str_clear(&rq->body);
	str_add(&rq->body, data == NULL ? "" : data, data == NULL ? 0 : len);
	rq->has_body = true;
	header_set(rq, "Content-Type", content_type, false);
}

void
preq_json(struct preq *rq, json_t *json)
{
	char *text = json == NULL ? NULL :
	    json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(json);
	if (text == NULL) {
		preq_mistake(rq, "provider:body", "JSON could not be made");
		return;
	}
	preq_body(rq, text, strlen(text), "application/json");
	freezero_str(text);
}

void
preq_form(struct preq *rq, const char *name, const char *value)
{
	if (value == NULL) {
		preq_mistake(rq, "provider:body", "field without a value");
		return;
	}
	if (rq->has_body)
		str_puts(&rq->body, "&");
	str_encode(&rq->body, name, "");
	str_puts(&rq->body, "=");
	str_encode(&rq->body, value, "");
	rq->has_body = true;
	header_set(rq, "Content-Type", "application/x-www-form-urlencoded",
	    false);
}
