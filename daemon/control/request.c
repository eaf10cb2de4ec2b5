/* SPDX-License-Identifier: MIT */
#include "daemon/control/internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/control/providers.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/preflight.h"

static void
send_buffer(struct evhttp_request *req, int status, const char *type,
    struct evbuffer *buf)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", type);
	/* evhttp would send a body even in answer to HEAD. */
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
		(void)evbuffer_drain(buf, evbuffer_get_length(buf));
	evhttp_send_reply(req, status, NULL, buf);
}

static int
add_cb(const char *text, size_t len, void *arg)
{
	return evbuffer_add(arg, text, len);
}

void
reply_json(struct evhttp_request *req, int status, json_t *j)
{
	struct evbuffer *buf = evbuffer_new();

	if (buf == NULL || json_dump_callback(j, add_cb, buf,
	    JSON_COMPACT) == -1 || evbuffer_add(buf, "\n", 1) == -1)
		abort();
	json_decref(j);
	send_buffer(req, status, "application/json", buf);
	evbuffer_free(buf);
}

void
reply_error(struct evhttp_request *req, int status, const struct error *err,
    json_t *lines)
{
	json_t *j = json_pack("{s:{s:s, s:s, s:s}}", "error",
	    "kind", err_kind_name(err->kind), "code", err->code,
	    "msg", err->msg);

	if (j == NULL)		/* a text that is not UTF-8 */
		j = json_pack("{s:{s:s, s:s, s:s}}", "error",
		    "kind", err_kind_name(err->kind), "code", "sys:text",
		    "msg", "the error cannot be shown");
	if (lines != NULL)
		(void)json_object_set(j, "lines", lines);
	reply_json(req, status, j);
}

int
reply_status(const struct error *err)
{
	if (strcmp(err->code, API_ERR_UNKNOWN_CERT) == 0 ||
	    strcmp(err->code, API_ERR_UNKNOWN_CHANNEL) == 0)
		return 404;
	switch (err->kind) {
	case ERR_TRANSIENT:
	case ERR_RATELIMIT:
		return 503;
	case ERR_REJECTED:
	case ERR_CONFIG:
		return 409;
	case ERR_NONE:
	case ERR_INTERNAL:
	case ERR_KIND_END:
		break;
	}
	return 500;
}

static void
bad_request(struct call *c, const char *why)
{
	struct error err;

	(void)error_set(&err, ERR_REJECTED, API_ERR_REQUEST, "%s", why);
	reply_error(c->req, 400, &err, NULL);
}

/* The engine knows best what to say about a name that it does not know. */
static void
unknown_cert(struct call *c, const char *name)
{
	struct error err;

	if (engine_renew_now(c->ctl->engine, name, &err) == 0)
		(void)error_set(&err, ERR_CONFIG, API_ERR_UNKNOWN_CERT,
		    "no certificate \"%s\" is configured", name);
	reply_error(c->req, reply_status(&err), &err, NULL);
}

static bool
cert_exists(struct call *c, const char *name)
{
	json_t *j = engine_cert_status(c->ctl->engine, name);

	json_decref(j);
	return j != NULL;
}

static void
get_status(struct call *c)
{
	reply_json(c->req, 200, engine_status(c->ctl->engine));
}

static void
get_cert(struct call *c)
{
	size_t len;
	char *name = evhttp_uridecode(c->path + strlen(API_PATH_CERT), 0,
	    &len);
	json_t *j;

	if (name == NULL)
		abort();
	if (strlen(name) != len || len == 0) {
		bad_request(c, "the certificate's name is malformed");
	} else {
		j = engine_cert_status(c->ctl->engine, name);
		if (j != NULL)
			reply_json(c->req, 200, j);
		else
			unknown_cert(c, name);
	}
	free(name);
}

static void
get_providers(struct call *c)
{
	reply_json(c->req, 200, providers_list());
}

static void
get_provider(struct call *c)
{
	char *name = evhttp_uridecode(c->path + strlen(API_PATH_PROVIDER), 0,
	    NULL);
	struct error err;
	json_t *j;

	if (name == NULL)
		abort();
	j = providers_one(name, &err);
	if (j != NULL)
		reply_json(c->req, 200, j);
	else
		reply_error(c->req, 404, &err, NULL);
	free(name);
}

static void
get_metrics(struct call *c)
{
	char *text = engine_metrics(c->ctl->engine);
	struct evbuffer *buf = evbuffer_new();

	if (buf == NULL || evbuffer_add(buf, text, strlen(text)) == -1)
		abort();
	send_buffer(c->req, 200, "text/plain; version=0.0.4; charset=utf-8",
	    buf);
	evbuffer_free(buf);
	free(text);
}

static void
get_events(struct call *c)
{
	const char *query = evhttp_uri_get_query(
	    evhttp_request_get_evhttp_uri(c->req));
	struct evkeyvalq params = TAILQ_HEAD_INITIALIZER(params);
	const char *cert = NULL;
	struct stream *s;

	if (query != NULL && *query != '\0') {
		if (evhttp_parse_query_str(query, &params) == -1 ||
		    (cert = evhttp_find_header(&params, "cert")) == NULL) {
			evhttp_clear_headers(&params);
			bad_request(c, "the query is not cert=NAME");
			return;
		}
	}
	if (cert != NULL && !cert_exists(c, cert))
		unknown_cert(c, cert);
	else if ((s = stream_new(c->ctl, c->req, cert)) != NULL)
		stream_begin(s);
	evhttp_clear_headers(&params);
}

static void
post_reload(struct call *c)
{
	json_t *lines = json_array(), *changes;
	struct error err;

	log_info(NULL, "user id %lu asks for a reload",
	    (unsigned long)c->uid);
	changes = c->ctl->reload(c->ctl->reload_arg, &err, lines);
	if (changes != NULL)
		reply_json(c->req, 200, changes);
	else
		reply_error(c->req, 409, &err, lines);
	json_decref(lines);
}

/* The body of POST /v1/renew; names is a set, {NAME: true}. */
static int
parse_renew(struct evhttp_request *req, json_t **names, bool *follow,
    struct error *err)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in), i;
	json_t *body, *list, *name;
	json_error_t why;
	int follow_int = 0;

	body = jsonx_parse(len == 0 ? "" :
	    (const char *)evbuffer_pullup(in, -1), len, err);
	if (body == NULL)
		return -1;
	if (json_unpack_ex(body, &why, JSON_STRICT, "{s:o, s?b}",
	    "names", &list, "follow", &follow_int) == -1) {
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "the request is not {\"names\": [...], \"follow\": "
		    "true or false}: %s", why.text);
		json_decref(body);
		return -1;
	}
	*names = json_object();
	json_array_foreach(list, i, name) {
		/* NULL is no string, and is refused here too. */
		if (json_string_value(name) == NULL ||
		    json_object_set_new(*names, json_string_value(name),
		    json_true()) == -1)
			break;
	}
	*follow = follow_int != 0;
	if (json_array_size(list) > 0 && i == json_array_size(list)) {
		json_decref(body);
		return 0;
	}
	json_decref(*names);
	json_decref(body);
	return error_set(err, ERR_REJECTED, API_ERR_REQUEST,
	    "\"names\" is not a list of names");
}

/* Begin all of them; 0, or -1 with some perhaps begun. */
static int
renew_all(struct call *c, json_t *names, struct error *err)
{
	const char *name;
	json_t *unused;

	json_object_foreach(names, name, unused) {
		struct log_ctx ctx = { .cert = name };

		log_info(&ctx, "user id %lu asks for a renewal",
		    (unsigned long)c->uid);
		if (engine_renew_now(c->ctl->engine, name, err) == -1)
			return -1;
	}
	return 0;
}

static void
renew_and_follow(struct call *c, json_t *names)
{
	struct error err;
	struct stream *s;
	json_t *copy = json_copy(names);	/* the stream's own shrinks */

	/* First listen, then begin: no event is missed. */
	s = stream_follow(c->ctl, c->req, copy);
	if (s == NULL)
		return;
	if (renew_all(c, names, &err) == -1) {
		stream_abort(s);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	stream_begin(s);
}

static void
renew_only(struct call *c, json_t *names)
{
	json_t *started = json_array(), *unused;
	struct error err;
	const char *name;

	if (renew_all(c, names, &err) == -1) {
		json_decref(started);
		reply_error(c->req, reply_status(&err), &err, NULL);
		return;
	}
	json_object_foreach(names, name, unused)
		(void)json_array_append_new(started, json_string(name));
	reply_json(c->req, 202, json_pack("{s:o}", "started", started));
}

static void
post_renew(struct call *c)
{
	json_t *names, *unused;
	struct error err;
	const char *name;
	bool follow;

	if (parse_renew(c->req, &names, &follow, &err) == -1) {
		reply_error(c->req, 400, &err, NULL);
		return;
	}
	json_object_foreach(names, name, unused) {
		if (!cert_exists(c, name)) {
			unknown_cert(c, name);
			json_decref(names);
			return;
		}
	}
	if (follow)
		renew_and_follow(c, names);
	else
		renew_only(c, names);
	json_decref(names);
}

/* The body of POST /v1/check; the strings of *names are body's. */
static json_t *
parse_check(struct evhttp_request *req, struct preflight_args *args,
    struct error *err)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in), i;
	json_t *body, *list = NULL, *name;
	const char **names = NULL;
	json_error_t why;
	int probe = 1;

	body = jsonx_parse(len == 0 ? "{}" :
	    (const char *)evbuffer_pullup(in, -1), len == 0 ? 2 : len, err);
	if (body == NULL)
		return NULL;
	if (json_unpack_ex(body, &why, JSON_STRICT, "{s?o, s?b}",
	    "names", &list, "probe", &probe) == -1) {
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "the request is not {\"names\": [...], \"probe\": "
		    "true or false}: %s", why.text);
		json_decref(body);
		return NULL;
	}
	names = xcalloc(json_array_size(list) + 1, sizeof(*names));
	json_array_foreach(list, i, name) {
		names[i] = json_string_value(name);
		if (names[i] == NULL)
			break;
	}
	if (list != NULL && (!json_is_array(list) ||
	    i < json_array_size(list))) {
		(void)error_set(err, ERR_REJECTED, API_ERR_REQUEST,
		    "\"names\" is not a list of names");
		free(names);
		json_decref(body);
		return NULL;
	}
	*args = (struct preflight_args){ .names = names,
	    .n_names = json_array_size(list), .has_probe = probe != 0 };
	return body;
}

static void
post_check(struct call *c)
{
	struct preflight_args args;
	struct error err;
	json_t *body = parse_check(c->req, &args, &err);
	size_t i = 0;

	if (body == NULL) {
		reply_error(c->req, 400, &err, NULL);
		return;
	}
	while (i < args.n_names && cert_exists(c, args.names[i]))
		i++;
	if (i < args.n_names) {
		unknown_cert(c, args.names[i]);
	} else {
		log_info(NULL, "user id %lu asks for a check of %zu "
		    "certificates (0: all)", (unsigned long)c->uid,
		    args.n_names);
		stream_check(c->ctl, c->req, &args);
	}
	free((void *)(uintptr_t)args.names);
	json_decref(body);
}

static void
post_persist(struct call *c)
{
	log_info(NULL, "user id %lu asks for dns-persist-01 records",
	    (unsigned long)c->uid);
	persist_request(c->ctl, c->req);
}

/* The body of POST /v1/notify-test: nothing, {} or {"channel": NAME}. */
static void
post_notify(struct call *c)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(c->req);
	size_t len = evbuffer_get_length(in);
	const char *channel = NULL;
	json_t *body, *started;
	struct error err;

	body = jsonx_parse(len == 0 ? "{}" :
	    (const char *)evbuffer_pullup(in, -1), len == 0 ? 2 : len, &err);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT, "{s?s}",
	    "channel", &channel) == -1) {
		bad_request(c, "the request is not {\"channel\": NAME}");
		json_decref(body);
		return;
	}
	log_info(NULL, "user id %lu asks for a test of %s%s",
	    (unsigned long)c->uid, channel != NULL ? "channel " :
	    "all channels", channel != NULL ? channel : "");
	started = engine_notify_test(c->ctl->engine, channel, &err);
	if (started != NULL)
		reply_json(c->req, 202, started);
	else
		reply_error(c->req, reply_status(&err), &err, NULL);
	json_decref(body);
}

static void
get_notified(struct call *c)
{
	reply_json(c->req, 200, engine_notify_results(c->ctl->engine));
}

static const struct route {
	const char	*path;
	bool		 is_prefix;
	enum evhttp_cmd_type method;
	const char	*allow;
	void		(*handle)(struct call *);
} routes[] = {
	{ API_PATH_STATUS, false, EVHTTP_REQ_GET, "GET", get_status },
	{ API_PATH_CERT, true, EVHTTP_REQ_GET, "GET", get_cert },
	{ API_PATH_RENEW, false, EVHTTP_REQ_POST, "POST", post_renew },
	{ API_PATH_CHECK, false, EVHTTP_REQ_POST, "POST", post_check },
	{ API_PATH_PERSIST, false, EVHTTP_REQ_POST, "POST", post_persist },
	{ API_PATH_DEPLOY, false, EVHTTP_REQ_POST, "POST", post_deploy },
	{ API_PATH_ROLLBACK, false, EVHTTP_REQ_POST, "POST", post_rollback },
	{ API_PATH_EVENTS, false, EVHTTP_REQ_GET, "GET", get_events },
	{ API_PATH_RELOAD, false, EVHTTP_REQ_POST, "POST", post_reload },
	{ API_PATH_PROVIDERS, false, EVHTTP_REQ_GET, "GET", get_providers },
	{ API_PATH_PROVIDER, true, EVHTTP_REQ_GET, "GET", get_provider },
	{ API_PATH_NOTIFY, false, EVHTTP_REQ_POST, "POST", post_notify },
	{ API_PATH_NOTIFIED, false, EVHTTP_REQ_GET, "GET", get_notified },
	{ API_PATH_METRICS, false, EVHTTP_REQ_GET, "GET", get_metrics },
};

static const struct route *
route_of(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *r = &routes[i];

		if (r->is_prefix ?
		    strncmp(path, r->path, strlen(r->path)) == 0 :
		    strcmp(path, r->path) == 0)
			return r;
	}
	return NULL;
}

static void
dispatch(struct call *c)
{
	const struct route *r = route_of(c->path);
	struct error err;

	if (r == NULL) {
		(void)error_set(&err, ERR_REJECTED, API_ERR_NOT_FOUND,
		    "there is no %.200s", c->path);
		reply_error(c->req, 404, &err, NULL);
	} else if (evhttp_request_get_command(c->req) != r->method) {
		(void)error_set(&err, ERR_REJECTED, API_ERR_METHOD,
		    "%.200s is for %s", c->path, r->allow);
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(c->req), "Allow",
		    r->allow);
		reply_error(c->req, 405, &err, NULL);
	} else {
		r->handle(c);
	}
}

void
request_cb(struct evhttp_request *req, void *arg)
{
	struct call c = { .ctl = arg, .req = req };
	struct conn *conn = conn_of(c.ctl, req);
	struct error err;

	conn->since_ms = clock_mono_ms();
	if (peer_check(bufferevent_getfd(conn->bev), c.ctl->gid, &c.uid,
	    &err) == -1) {
		log_warning(NULL, "control request refused: %s", err.msg);
		reply_error(req, 403, &err, NULL);
		return;
	}
	c.path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	if (c.path == NULL)
		c.path = "";
	dispatch(&c);
}
