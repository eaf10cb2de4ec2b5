/* SPDX-License-Identifier: MIT */
/* Replies with something for each certificate.  Between the pieces the table
 * may change, so the place in it is kept as a name. */
#include "daemon/control/page.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/control/pieces.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

struct page {
	struct engine		*engine;
	struct evbuffer		*out;	/* of the piece being made */
	char			*after;	/* the last certificate, "" at first */
	size_t			 left;	/* at most so many more of them */
	bool			 has_begun;
	bool			 has_any;
	enum engine_gauge	 gauge;
};

static void
page_free(void *arg)
{
	struct page *p = arg;

	free(p->after);
	free(p);
}

static struct page *
page_new(struct call *c)
{
	struct page *p = xcalloc(1, sizeof(*p));

	p->engine = c->server->engine;
	p->after = xstrdup("");
	p->left = SIZE_MAX;
	return p;
}

static void
put(struct page *p, const char *text)
{
	if (evbuffer_add(p->out, text, strlen(text)) == -1)
		abort();
}

/* The next certificate, NULL after the last; it is p->after from now on. */
static const char *
next_name(struct page *p)
{
	const char *name = p->left == 0 ? NULL :
	    engine_next_name(p->engine, p->after);

	if (name == NULL)
		return NULL;
	p->left -= p->left != SIZE_MAX;
	free(p->after);
	return p->after = xstrdup(name);
}

/* --- /v1/status --- */

/* The rest, and the beginning of the list. */
static void
begin_status(struct page *p)
{
	json_t *j = engine_status(p->engine);
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	if (text == NULL)
		text = xstrdup("{}");
	text[strlen(text) - 1] = '\0';
	put(p, text);
	put(p, text[1] != '\0' ? ",\"certificates\":[" :
	    "\"certificates\":[");
	free(text);
}

static bool
fill_status(struct pieces *pieces, void *arg)
{
	struct page *p = arg;
	const char *name;
	json_t *cert;
	char *text;

	p->out = pieces_out(pieces);
	if (!p->has_begun) {
		p->has_begun = true;
		begin_status(p);
		return true;
	}
	name = next_name(p);
	cert = name == NULL ? NULL : engine_cert_brief(p->engine, name);
	if (cert == NULL) {
		put(p, "\n]}\n");
		return false;
	}
	text = json_dumps(cert, JSON_COMPACT);
	json_decref(cert);
	if (text == NULL)
		return true;		/* a text that is not UTF-8 */
	put(p, p->has_any ? ",\n" : "\n");
	put(p, text);
	p->has_any = true;
	free(text);
	return true;
}

/* "after=NAME&limit=N", both optional; -1: something else. */
static int
parse_query(struct page *p, const char *query)
{
	struct evkeyvalq params = TAILQ_HEAD_INITIALIZER(params);
	const struct evkeyval *kv;
	int rc = evhttp_parse_query_str(query, &params);
	char *end;

	TAILQ_FOREACH(kv, &params, next) {
		if (strcmp(kv->key, "after") == 0) {
			free(p->after);
			p->after = xstrdup(kv->value);
		} else if (strcmp(kv->key, "limit") == 0 &&
		    kv->value[0] >= '0' && kv->value[0] <= '9') {
			errno = 0;
			p->left = strtoul(kv->value, &end, 10);
			if (errno != 0 || *end != '\0')
				rc = -1;
		} else {
			rc = -1;
		}
	}
	evhttp_clear_headers(&params);
	return rc;
}

void
get_status(struct call *c)
{
	const char *query = evhttp_uri_get_query(
	    evhttp_request_get_evhttp_uri(c->req));
	struct page *p = page_new(c);

	if (query != NULL && *query != '\0' && parse_query(p, query) == -1) {
		page_free(p);
		bad_request(c, "the query is not after=NAME, limit=NUMBER or "
		    "both");
		return;
	}
	pieces_begin(c, "application/json", fill_status, page_free, p);
}

/* --- /v1/receipts --- */

static bool
fill_receipts(struct pieces *pieces, void *arg)
{
	struct page *p = arg;
	const char *name;
	json_t *list, *host;
	size_t i;

	p->out = pieces_out(pieces);
	if (!p->has_begun) {
		p->has_begun = true;
		put(p, "{\"hosts\":[");
		return true;
	}
	name = next_name(p);
	if (name == NULL) {
		put(p, "\n]}\n");
		return false;
	}
	list = engine_receipts(p->engine, name);
	json_array_foreach(list, i, host) {
		char *text = json_dumps(host, JSON_COMPACT);

		if (text == NULL)
			continue;	/* a text that is not UTF-8 */
		put(p, p->has_any ? ",\n" : "\n");
		put(p, text);
		p->has_any = true;
		free(text);
	}
	json_decref(list);
	return true;
}

void
get_receipts(struct call *c)
{
	pieces_begin(c, "application/json", fill_receipts, page_free,
	    page_new(c));
}

/* --- /metrics --- */

static void
put_taken(struct page *p, char *text /* taken */)
{
	put(p, text);
	free(text);
}

static bool
fill_metrics(struct pieces *pieces, void *arg)
{
	struct page *p = arg;
	const char *name;

	p->out = pieces_out(pieces);
	if (!p->has_begun) {
		p->has_begun = true;
		put_taken(p, engine_metrics(p->engine));
		put_taken(p, engine_gauge(p->engine, p->gauge, NULL));
		return true;
	}
	name = next_name(p);
	if (name == NULL) {
		if (++p->gauge == ENGINE_GAUGE_END)
			return false;
		free(p->after);
		p->after = xstrdup("");
	}
	put_taken(p, engine_gauge(p->engine, p->gauge, name));
	return true;
}

void
get_metrics(struct call *c)
{
	pieces_begin(c, "text/plain; version=0.0.4; charset=utf-8",
	    fill_metrics, page_free, page_new(c));
}
