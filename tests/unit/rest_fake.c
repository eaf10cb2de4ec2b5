/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"
#include "tests/unit/rest_fake.h"

static const char *
method_name(struct evhttp_request *req)
{
	switch ((int)evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	case EVHTTP_REQ_PATCH:
		return "PATCH";
	default:
		return "?";
	}
}

static bool
is_faulty(const struct fake *f)
{
	return f->fault != FAULT_NONE && f->n_requests >= f->fault_at &&
	    (f->fault_n == 0 || f->n_requests < f->fault_at + f->fault_n);
}

static void
send_text(struct evhttp_request *req, int status, const char *text, size_t len)
{
	struct evbuffer *b = evbuffer_new();

	assert_non_null(b);
	(void)evbuffer_add(b, text, len);
	evhttp_send_reply(req, status, "Status", b);
	evbuffer_free(b);
}

static void
answer_send(struct evhttp_request *req, const struct fake_answer *a, bool cut)
{
	char *text = a->json != NULL ? json_dumps(a->json, JSON_ENCODE_ANY) :
	    xstrdup(a->text == NULL ? "" : a->text);
	size_t len = strlen(text);

	send_text(req, a->status, text, cut ? len / 2 : len);
	free(text);
}

static void
request_cb(struct evhttp_request *req, void *arg)
{
	struct fake *f = arg;
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t used = strlen(f->log), len = evbuffer_get_length(in);
	const char *uri = evhttp_request_get_uri(req);
	struct fake_answer a = { .status = 200 };
	char *body = xcalloc(1, len + 1), *path = xstrndup(uri,
	    strcspn(uri, "?"));
	struct fake_request r = { .method = method_name(req), .path = path,
	    .body = body, .raw = req };
	json_t *json;
	enum fault fault;

	(void)evbuffer_remove(in, body, len);
	json = json_loads(body, 0, NULL);
	r.json = json;
	f->n_requests++;
	f->n_writes += strcmp(r.method, "GET") != 0;
	(void)text_printf(f->log + used, sizeof(f->log) - used, "%s %s\n",
	    r.method, uri);
	fault = is_faulty(f) ? f->fault : FAULT_NONE;
	switch (fault) {
	case FAULT_NONE:
	case FAULT_CUT:
		f->handler(f, &r, &a);
		answer_send(req, &a, fault == FAULT_CUT);
		break;
	case FAULT_SILENT:
		f->handler(f, &r, &a);
		break;
	case FAULT_500:
		send_text(req, 500, "{\"message\":\"out of order\"}", 26);
		break;
	case FAULT_THROTTLE:
	case FAULT_THROTTLE_SHORT:
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Retry-After", fault == FAULT_THROTTLE ? "120" : "0");
		send_text(req, 429, "slow down", 9);
		break;
	case FAULT_HTML:
		send_text(req, 200, "<html><h1>Welcome</h1></html>", 29);
		break;
	case FAULT_BARE:
		send_text(req, 200, "{}", 2);
		break;
	}
	json_decref(a.json);
	json_decref(json);
	free(body);
	free(path);
}

struct fake *
fake_new(struct loop *loop, fake_handler *handler, void *arg)
{
	struct fake *f = xcalloc(1, sizeof(*f));
	struct evhttp_bound_socket *s;

	f->handler = handler;
	f->arg = arg;
	f->http = evhttp_new(loop_base(loop));
	assert_non_null(f->http);
	evhttp_set_allowed_methods(f->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST |
	    EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH);
	evhttp_set_gencb(f->http, request_cb, f);
	s = evhttp_bind_socket_with_handle(f->http, "127.0.0.1", 0);
	assert_non_null(s);
	{
		struct sockaddr_in sin;
		socklen_t len = sizeof(sin);

		assert_int_equal(getsockname(evhttp_bound_socket_get_fd(s),
		    (struct sockaddr *)&sin, &len), 0);
		f->port = ntohs(sin.sin_port);
	}
	return f;
}

void
fake_free(struct fake *f)
{
	if (f == NULL)
		return;
	evhttp_free(f->http);
	free(f);
}

void
fake_fail(struct fake *f, enum fault fault, unsigned at, unsigned n)
{
	f->fault = fault;
	f->fault_at = f->n_requests + at;
	f->fault_n = n;
}

void
fake_reset(struct fake *f)
{
	memset(f->records, 0, sizeof(f->records));
	f->fault = FAULT_NONE;
	f->n_requests = f->n_writes = 0;
	f->log[0] = '\0';
}

const char *
fake_query(const struct fake_request *r, const char *name)
{
	static char value[300];
	const char *query = evhttp_uri_get_query(
	    evhttp_request_get_evhttp_uri(r->raw)), *found;
	struct evkeyvalq q;

	value[0] = '\0';
	if (query == NULL || evhttp_parse_query_str(query, &q) == -1)
		return value;
	found = evhttp_find_header(&q, name);
	(void)text_printf(value, sizeof(value), "%s",
	    found == NULL ? "" : found);
	evhttp_clear_headers(&q);
	return value;
}

const char *
fake_header(const struct fake_request *r, const char *name)
{
	const char *s = evhttp_find_header(
	    evhttp_request_get_input_headers(r->raw), name);

	return s == NULL ? "" : s;
}

void
fake_reply_header(const struct fake_request *r, const char *name,
    const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(r->raw), name,
	    value);
}

struct fake_record *
fake_put(struct fake *f, const char *name, const char *content, long ttl)
{
	for (size_t i = 0; i < FAKE_MAX; i++) {
		struct fake_record *r = &f->records[i];

		if (r->used)
			continue;
		r->used = true;
		(void)text_printf(r->id, sizeof(r->id), "id/%u?", ++f->n_ids);
		(void)text_printf(r->name, sizeof(r->name), "%s", name);
		(void)text_printf(r->content, sizeof(r->content), "%s",
		    content);
		r->ttl = ttl;
		return r;
	}
	fail_msg("too many records");
	return NULL;
}

struct fake_record *
fake_by_id(struct fake *f, const char *id)
{
	for (size_t i = 0; i < FAKE_MAX; i++) {
		if (f->records[i].used && strcmp(f->records[i].id, id) == 0)
			return &f->records[i];
	}
	return NULL;
}

int
fake_count(struct fake *f, const char *name, const char *value)
{
	int n = 0;

	for (size_t i = 0; i < FAKE_MAX; i++)
		n += f->records[i].used &&
		    strcmp(f->records[i].name, name) == 0 &&
		    provider_txt_is(f->records[i].content, value);
	return n;
}

int
fake_total(struct fake *f)
{
	int n = 0;

	for (size_t i = 0; i < FAKE_MAX; i++)
		n += f->records[i].used;
	return n;
}
