/* SPDX-License-Identifier: MIT */
#include "daemon/rest/preq_run.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http.h"

/* A growing string; what it held is wiped. */
struct str {
	char	*s;
	size_t	 len, size;
};

struct pair {
	char	*name;
	char	*value;
	bool	 secret;
};

struct pairs {
	struct pair	*v;
	size_t		 n;
};

struct preq {
	char		*base;		/* NULL: none */
	bool		 base_is_forced;
	bool		 is_started;
	char		*method;
	struct str	 path;		/* or a whole URL */
	struct pairs	 query;		/* encoded */
	bool		 query_is_secret;
	struct pairs	 headers;
	struct str	 body;
	bool		 has_body;
	unsigned	 wait_ms;
	const char	*mistake_code;	/* the first one; NULL: none */
	const char	*mistake;
	/* What the getters return. */
	struct str	 url, full_url, host, uri, query_text, sorted;
	struct str	 canonical, names, label;
	struct http_header *http_headers;
};

static void
str_clear(struct str *t)
{
	freezero(t->s, t->size);
	memset(t, 0, sizeof(*t));
}

static void
str_add(struct str *t, const char *s, size_t len)
{
	if (t->size - t->len <= len) {
		size_t size = (t->len + len + 64) * 2;
		char *p = xmalloc(size);

		if (t->len > 0)
			memcpy(p, t->s, t->len);
		freezero(t->s, t->size);
		t->s = p;
		t->size = size;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

static void
str_puts(struct str *t, const char *s)
{
	str_add(t, s, strlen(s));
}

static const char *
str_text(const struct str *t)
{
	return t->s == NULL ? "" : t->s;
}

/* Percent-encode all but the unreserved characters of RFC 3986. */
static void
str_encode(struct str *t, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		char enc[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (strchr(unreserved, c) != NULL)
			str_add(t, s, 1);
		else
			str_add(t, enc, sizeof(enc));
	}
}

static void
pairs_add(struct pairs *p, char *name /* taken */, char *value /* taken */,
    bool secret)
{
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct pair){ name, value, secret };
}

static void
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
	rq->has_body = rq->query_is_secret = false;
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
	str_encode(&rq->path, segment == NULL ? "" : segment);
}

static void
query_add(struct preq *rq, const char *name, const char *value, bool secret)
{
	struct str n = { 0 }, v = { 0 };

	if (value == NULL) {
		preq_mistake(rq, "provider:url", "query without a value");
		return;
	}
	str_encode(&n, name);
	str_encode(&v, value);
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
preq_query_word(struct preq *rq, const char *name)
{
	struct str n = { 0 };

	str_encode(&n, name);
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

static struct pair *
header_find(const struct preq *rq, const char *name)
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
	struct pair *old = header_find(rq, name);

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

static void
str_base64(struct str *t, const unsigned char *p, size_t len)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned long v = (unsigned long)p[i] << 16 |
		    (i + 1 < len ? (unsigned long)p[i + 1] << 8 : 0) |
		    (i + 2 < len ? (unsigned long)p[i + 2] : 0);
		char out[4] = { abc[v >> 18], abc[v >> 12 & 63],
		    i + 1 < len ? abc[v >> 6 & 63] : '=',
		    i + 2 < len ? abc[v & 63] : '=' };

		str_add(t, out, sizeof(out));
	}
}

void
preq_basic(struct preq *rq, const char *user, const char *password)
{
	struct str plain = { 0 }, coded = { 0 };

	str_puts(&plain, user == NULL ? "" : user);
	str_puts(&plain, ":");
	str_puts(&plain, password == NULL ? "" : password);
	str_base64(&coded, (const unsigned char *)plain.s, plain.len);
	preq_token(rq, "Basic", str_text(&coded));
	str_clear(&plain);
	str_clear(&coded);
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
	str_encode(&rq->body, name);
	str_puts(&rq->body, "=");
	str_encode(&rq->body, value);
	rq->has_body = true;
	header_set(rq, "Content-Type", "application/x-www-form-urlencoded",
	    false);
}

/*
 * The URL without its query, in rq->url, and where its parts begin: the host
 * at *host, the path (or the end) at *path.
 */
static int
url_split(struct preq *rq, const char **host, const char **path)
{
	const char *p = str_text(&rq->path);
	size_t n;

	str_clear(&rq->url);
	if (strncmp(p, "https://", 8) != 0 && strncmp(p, "http://", 7) != 0) {
		if (rq->base == NULL)
			return -1;
		n = strlen(rq->base);
		while (n > 0 && rq->base[n - 1] == '/')
			n--;
		str_add(&rq->url, rq->base, n);
	}
	str_puts(&rq->url, p);
	if (strncmp(rq->url.s, "https://", 8) == 0)
		*host = rq->url.s + 8;
	else if (strncmp(rq->url.s, "http://", 7) == 0)
		*host = rq->url.s + 7;
	else
		return -1;
	n = strcspn(*host, "/?#");
	if (n == 0 || memchr(*host, '@', n) != NULL ||
	    (*host)[n + strcspn(*host + n, "?#")] != '\0')
		return -1;
	for (const char *s = rq->url.s; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return -1;
	}
	*path = *host + n;
	if (**path == '\0') {
		size_t at = (size_t)(*host - rq->url.s);

		str_puts(&rq->url, "/");
		*host = rq->url.s + at;
		*path = *host + n;
	}
	return 0;
}

const char *
preq_get_method(const struct preq *rq)
{
	return rq->method;
}

const char *
preq_get_host(struct preq *rq)
{
	const char *host, *path;

	size_t len, port;

	str_clear(&rq->host);
	if (url_split(rq, &host, &path) == -1)
		return "";
	len = (size_t)(path - host);
	/* The scheme's own port is not sent. */
	port = strncmp(rq->url.s, "https:", 6) == 0 ? strlen(":443") :
	    strlen(":80");
	if (len > port && strncmp(host + len - port,
	    port == strlen(":443") ? ":443" : ":80", port) == 0)
		len -= port;
	str_add(&rq->host, host, len);
	return str_text(&rq->host);
}

const char *
preq_get_path(struct preq *rq)
{
	const char *host, *path;

	str_clear(&rq->uri);
	str_puts(&rq->uri, url_split(rq, &host, &path) == 0 ? path : "/");
	return rq->uri.s;
}

static const char *
query_text(struct str *t, const struct pair *v, size_t n)
{
	str_clear(t);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			str_puts(t, "&");
		str_puts(t, v[i].name);
		if (v[i].value == NULL)
			continue;
		str_puts(t, "=");
		str_puts(t, v[i].value);
	}
	return str_text(t);
}

const char *
preq_get_query(struct preq *rq)
{
	return query_text(&rq->query_text, rq->query.v, rq->query.n);
}

static int
pair_compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->value == NULL ? "" : x->value,
	    y->value == NULL ? "" : y->value);
}

const char *
preq_get_sorted_query(struct preq *rq)
{
	struct pair *v;

	if (rq->query.n == 0)
		return "";
	v = xmemdup(rq->query.v, rq->query.n * sizeof(*v));
	qsort(v, rq->query.n, sizeof(*v), pair_compare);
	(void)query_text(&rq->sorted, v, rq->query.n);
	free(v);
	return str_text(&rq->sorted);
}

const char *
preq_get_header(const struct preq *rq, const char *name)
{
	const struct pair *h = header_find(rq, name);

	return h == NULL ? NULL : h->value;
}

const void *
preq_get_body(const struct preq *rq, size_t *len)
{
	*len = rq->body.len;
	return str_text(&rq->body);
}

/* name in lower case and value without blanks around it. */
static struct pair
canonical_pair(const char *name, const char *value)
{
	struct pair p = { .name = xstrdup(name) };
	size_t len;

	for (char *s = p.name; *s != '\0'; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
	value += strspn(value, " ");
	len = strlen(value);
	while (len > 0 && value[len - 1] == ' ')
		len--;
	p.value = xstrndup(value, len);
	return p;
}

const char *
preq_get_signed_headers(struct preq *rq, const char **names)
{
	struct pairs all = { 0 };
	struct pair p;

	if (header_find(rq, "host") == NULL) {
		p = canonical_pair("host", preq_get_host(rq));
		pairs_add(&all, p.name, p.value, false);
	}
	for (size_t i = 0; i < rq->headers.n; i++) {
		p = canonical_pair(rq->headers.v[i].name,
		    rq->headers.v[i].value);
		pairs_add(&all, p.name, p.value, false);
	}
	qsort(all.v, all.n, sizeof(*all.v), pair_compare);
	str_clear(&rq->canonical);
	str_clear(&rq->names);
	for (size_t i = 0; i < all.n; i++) {
		str_puts(&rq->canonical, all.v[i].name);
		str_puts(&rq->canonical, ":");
		str_puts(&rq->canonical, all.v[i].value);
		str_puts(&rq->canonical, "\n");
		if (i > 0)
			str_puts(&rq->names, ";");
		str_puts(&rq->names, all.v[i].name);
	}
	pairs_clear(&all);
	*names = str_text(&rq->names);
	return str_text(&rq->canonical);
}

/* Does HOST or HOST:PORT name this machine, whatever the resolver says? */
static bool
host_is_loopback(const char *host)
{
	char name[64];
	struct in_addr a;
	const char *end = host[0] == '[' ? strchr(host, ']') :
	    host + strcspn(host, ":");
	size_t len;

	if (end == NULL)
		return false;
	len = (size_t)(end - host) + (host[0] == '[' ? 1 : 0);
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	    strcmp(name, "[::1]") == 0 ||
	    (inet_pton(AF_INET, name, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

const char *
preq_label(struct preq *rq)
{
	const char *host, *path;

	str_clear(&rq->label);
	str_puts(&rq->label, rq->method);
	if (url_split(rq, &host, &path) == 0) {
		str_puts(&rq->label, " ");
		str_puts(&rq->label, rq->url.s);
	}
	return rq->label.s;
}

int
preq_finish(struct preq *rq, bool allow_http, struct http_args *a,
    struct error *err)
{
	const char *host, *path;

	if (rq->mistake != NULL)
		return error_set(err, strcmp(rq->mistake_code,
		    "provider:body") == 0 ? ERR_INTERNAL : ERR_CONFIG,
		    rq->mistake_code, "%s", rq->mistake);
	if (url_split(rq, &host, &path) == -1)
		return error_set(err, ERR_CONFIG, "provider:url",
		    "base_url \"%s\" is no http:// or https:// URL without "
		    "user, query and fragment",
		    rq->base == NULL ? "" : rq->base);
	a->allow_plain = strncmp(rq->url.s, "http://", 7) == 0;
	if (a->allow_plain && !allow_http &&
	    !host_is_loopback(preq_get_host(rq)))
		return error_set(err, ERR_CONFIG, "provider:plain-http",
		    "plain HTTP to %s would show the credentials to the "
		    "network; use https:// or set allow_http = true",
		    preq_get_host(rq));
	str_clear(&rq->full_url);
	str_puts(&rq->full_url, rq->url.s);
	if (rq->query.n > 0) {
		str_puts(&rq->full_url, "?");
		str_puts(&rq->full_url, preq_get_query(rq));
	}
	free(rq->http_headers);
	rq->http_headers = xcalloc(rq->headers.n + 1,
	    sizeof(*rq->http_headers));
	a->n_headers = rq->headers.n;
	for (size_t i = 0; i < rq->headers.n; i++)
		rq->http_headers[i] = (struct http_header){
		    rq->headers.v[i].name, rq->headers.v[i].value,
		    rq->headers.v[i].secret };
	a->headers = rq->http_headers;
	a->method = rq->method;
	a->url = rq->full_url.s;
	a->body = rq->has_body ? str_text(&rq->body) : NULL;
	a->body_len = rq->body.len;
	a->secret_url = rq->query_is_secret;
	return 0;
}
