/* SPDX-License-Identifier: MIT */
#include "daemon/status/status.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/conf.h"
#include "daemon/control/page.h"
#include "daemon/control/reply.h"
#include "daemon/control/request_look.h"
#include "daemon/control/server.h"
#include "daemon/io/http_socks.h"
#include "daemon/io/sd.h"
#include "daemon/status/health.h"
#include "daemon/status/home.h"
#include "daemon/status/host.h"

#define SOCKET_NAME "acmed-status"

enum {
	PORT = 9780,
	PASSED_MAX = 16,
	RETRY_MS = 30000
};

struct status {
	struct loop	*loop;
	struct engine	*engine;
	struct server	*server;	/* made when first needed */
	const struct conf *conf;	/* the last that was asked for */
	char		 own[DNAME_SIZE];
	int		 passed[PASSED_MAX];
	size_t		 n_passed;
	struct timer	 retry;
	unsigned	 retry_ms;
};

/* --- requests --- */

static const struct route {
	const char	*path;
	bool		 is_prefix;
	void		(*handle)(struct call *);
} routes[] = {
	{ "/", false, get_home },
	{ API_PATH_METRICS, false, get_metrics },
	{ API_PATH_HEALTH, false, get_health },
	{ API_PATH_STATUS, false, get_status },
	{ API_PATH_CERT, true, get_cert },
	{ API_PATH_EVENTS, false, get_events },
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
add_header(struct evhttp_request *req, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(req), name,
	    value);
}

/* Nobody else's page may show, read or keep what we say. */
static void
add_headers(struct evhttp_request *req)
{
	add_header(req, "Cache-Control", "no-store");
	add_header(req, "X-Content-Type-Options", "nosniff");
	add_header(req, "X-Frame-Options", "DENY");
	add_header(req, "Referrer-Policy", "no-referrer");
	add_header(req, "Cross-Origin-Resource-Policy", "same-origin");
}

static void
refuse(struct evhttp_request *req, int status, const char *code,
    const char *msg)
{
	struct error err;

	(void)error_set(&err, ERR_REJECTED, code, "%s", msg);
	/* What follows may be a body that was not read. */
	add_header(req, "Connection", "close");
	reply_error(req, status, &err, NULL);
}

/* A request of old HTTP has none; a browser always tells it. */
static bool
is_for_us(const struct status *s, struct evhttp_request *req)
{
	const char *header = evhttp_find_header(
	    evhttp_request_get_input_headers(req), "Host");
	const char *in_uri = evhttp_uri_get_host(
	    evhttp_request_get_evhttp_uri(req));

	return (header == NULL || host_is_ours(header, s->own,
	    s->conf->status_hosts)) && (in_uri == NULL ||
	    host_is_ours(in_uri, s->own, s->conf->status_hosts));
}

static void
request_cb(struct evhttp_request *req, void *arg)
{
	struct status *s = arg;
	struct call c = { .server = s->server, .req = req };
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	const struct route *r;

	conn_of(s->server, req)->since_ms = clock_mono_ms();
	add_headers(req);
	c.path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	if (c.path == NULL)
		c.path = "";
	r = route_of(c.path);
	if (!is_for_us(s, req)) {
		refuse(req, 421, API_ERR_HOST, "the request is for another "
		    "host; allowed: addresses, localhost, this host's name "
		    "and status_hosts of acmed.conf");
	} else if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		add_header(req, "Allow", "GET, HEAD");
		refuse(req, 405, API_ERR_METHOD, "only GET and HEAD are "
		    "answered here");
	} else if (r == NULL) {
		refuse(req, 404, API_ERR_NOT_FOUND, "there is nothing here");
	} else {
		r->handle(&c);
	}
}

/* --- sockets --- */

static void
retry_cb(void *arg)
{
	struct status *s = arg;
	struct error err;

	if (status_listen(s, s->conf, &err) == 0)
		log_notice(NULL, "status_listen: all addresses are served "
		    "now");
}

struct status *
status_new(struct loop *loop, struct engine *engine)
{
	struct status *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->engine = engine;
	s->retry_ms = RETRY_MS;
	dname_of_host(s->own);
	s->n_passed = sd_sockets(SOCKET_NAME, s->passed, PASSED_MAX);
	timer_init(&s->retry, loop, retry_cb, s);
	return s;
}

void
status_free(struct status *s)
{
	if (s == NULL)
		return;
	timer_clear(&s->retry);
	server_free(s->server);
	conf_unref(s->conf);
	free(s);
}

static int
open_one(struct status *s, const char *address, struct error *err)
{
	if (strcmp(address, STATUS_SYSTEMD) != 0) {
		if (http_socks_open(s->server->socks, address) == 0)
			return 0;
		return error_set(err, ERR_CONFIG, "status:listen",
		    "status_listen: cannot listen on %s: %s", address,
		    strerror(errno));
	}
	if (s->n_passed > 0)
		return 0;
	return error_set(err, ERR_CONFIG, "status:listen", "status_listen = "
	    STATUS_SYSTEMD ", but systemd has passed no socket: systemctl "
	    "stop acmed; systemctl enable --now acmed-status.socket; "
	    "systemctl start acmed");
}

int
status_listen(struct status *s, const struct conf *conf, struct error *err)
{
	const struct conf *old = s->conf;
	struct error other;		/* the first is told */
	int rc = 0;

	s->conf = conf_ref(conf);
	conf_unref(old);
	timer_clear(&s->retry);
	if (conf->status_listen[0] == NULL && s->n_passed == 0) {
		/* Those who look on are not to look any more, either. */
		server_free(s->server);
		s->server = NULL;
		return 0;
	}
	if (s->server == NULL)
		s->server = server_new(&(struct server_args){
		    .loop = s->loop, .engine = s->engine, .port = PORT,
		    .request = request_cb, .arg = s });
	http_socks_begin(s->server->socks);
	for (size_t i = 0; i < s->n_passed; i++)
		http_socks_passed(s->server->socks, s->passed[i]);
	for (char *const *a = conf->status_listen; *a != NULL; a++) {
		if (open_one(s, *a, rc == -1 ? &other : err) == -1)
			rc = -1;
	}
	http_socks_end(s->server->socks);
	if (rc == -1)
		timer_set(&s->retry, s->retry_ms);
	return rc;
}

void
status_test_limits(struct status *s, unsigned idle_ms, unsigned beat_ms,
    unsigned retry_ms)
{
	server_test_limits(s->server, idle_ms, beat_ms);
	s->retry_ms = retry_ms;
	if (timer_is_set(&s->retry))
		timer_set(&s->retry, retry_ms);
}
