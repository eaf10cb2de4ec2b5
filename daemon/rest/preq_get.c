/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http.h"
#include "daemon/rest/hide.h"
#include "daemon/rest/preq.h"
#include "daemon/rest/preq_priv.h"
#include "daemon/rest/preq_run.h"

static bool
is_http(const char *url)
{
	return strncasecmp(url, "http://", 7) == 0;
}

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

/* Not blank, and ASCII but for what the user has given. */
static bool
is_printable(const struct preq *rq)
{
	for (const char *s = rq->url.s; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || *s == 0x7f ||
		    ((unsigned char)*s > 0x7f && !rq->is_given))
			return false;
	}
	return true;
}

/*
 * The URL without its query, in rq->url, and where its parts begin: the host
 * at *host, the path (or the end) at *path.  -1 if it is none.
 */
static int
url_split(struct preq *rq, const char **host, const char **path)
{
	const char *p = str_text(&rq->path), *user;
	size_t n, at;

	str_clear(&rq->url);
	if (!is_https(p) && !is_http(p)) {
		if (rq->base == NULL)
			return -1;
		n = strlen(rq->base);
		while (n > 0 && rq->base[n - 1] == '/')
			n--;
		str_add(&rq->url, rq->base, n);
	}
	str_puts(&rq->url, p);
	if (!is_https(rq->url.s) && !is_http(rq->url.s))
		return -1;
	at = is_https(rq->url.s) ? strlen("https://") : strlen("http://");
	n = strcspn(rq->url.s + at, "/?#");
	user = memrchr(rq->url.s + at, '@', n);
	if (n == 0 || (user != NULL && !rq->is_given) ||
	    strpbrk(rq->url.s + at + n, "?#") != NULL || !is_printable(rq))
		return -1;
	if (rq->url.s[at + n] == '\0')
		str_puts(&rq->url, "/");
	*path = rq->url.s + at + n;
	*host = user != NULL ? user + 1 : rq->url.s + at;
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
	port = is_https(rq->url.s) ? strlen(":443") : strlen(":80");
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
	const struct pair *h = preq_header_find(rq, name);

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

	if (preq_header_find(rq, "host") == NULL) {
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
	if (url_split(rq, &host, &path) == -1)
		return rq->label.s;
	str_puts(&rq->label, " ");
	if (rq->is_given)
		str_puts(&rq->label, preq_get_host(rq));
	else
		str_puts(&rq->label, rq->url.s);
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
	a->allow_plain = is_http(rq->url.s);
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
	a->secret_url = rq->query_is_secret || rq->is_given;
	return 0;
}

/* A token without the word in front of it: "Bearer", "Basic". */
static const char *
bare_value(const struct pair *h)
{
	const char *space = strchr(h->value, ' ');

	return space != NULL && strcasecmp(h->name, "Authorization") == 0 ?
	    space + 1 : h->value;
}

/* Of a URL that was given; "" if it is too short to hold a token. */
static const char *
given_path(const struct preq *rq)
{
	const char *url = str_text(&rq->path), *host = strstr(url, "://");

	if (!rq->is_given || host == NULL)
		return "";
	host += 3;
	host += strcspn(host, "/");
	return strlen(host) > 8 ? host : "";
}

void
preq_hide(const struct preq *rq, char *msg)
{
	rest_hide(given_path(rq), msg);
	for (size_t i = 0; i < rq->headers.n; i++) {
		if (rq->headers.v[i].secret)
			rest_hide(bare_value(&rq->headers.v[i]), msg);
	}
	for (size_t i = 0; i < rq->query.n; i++) {
		const struct pair *q = &rq->query.v[i];

		if (q->secret)
			rest_hide(q->value != NULL ? q->value : q->name, msg);
	}
}
