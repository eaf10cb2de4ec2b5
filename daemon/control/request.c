/* SPDX-License-Identifier: MIT */
#include "daemon/control/clouds.h"
#include "daemon/control/request.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "daemon/control/control_state.h"
#include "daemon/control/page.h"
#include "daemon/control/peer.h"
#include "daemon/control/persist.h"
#include "daemon/control/providers.h"
#include "daemon/control/reply.h"
#include "daemon/control/request_conf.h"
#include "daemon/control/request_deploy.h"
#include "daemon/control/request_cluster.h"
#include "daemon/control/request_hosts.h"
#include "daemon/control/request_import.h"
#include "daemon/control/request_look.h"
#include "daemon/control/request_manage.h"
#include "daemon/control/request_names.h"
#include "daemon/control/request_state.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

static void
get_providers(struct call *c)
{
	reply_json(c->req, 200, providers_list());
}

static void
get_clouds(struct call *c)
{
	reply_json(c->req, 200, clouds_list());
}

/* What follows path in that of the request. */
static void
get_one(struct call *c, const char *path,
    json_t *(*one)(const char *name, struct error *))
{
	char *name = evhttp_uridecode(c->path + strlen(path), 0, NULL);
	struct error err;
	json_t *j;

	if (name == NULL)
		abort();
	j = one(name, &err);
	if (j != NULL)
		reply_json(c->req, 200, j);
	else
		reply_error(c->req, 404, &err, NULL);
	free(name);
}

static void
get_provider(struct call *c)
{
	get_one(c, API_PATH_PROVIDER, providers_one);
}

static void
get_cloud(struct call *c)
{
	get_one(c, API_PATH_CLOUD, clouds_one);
}

/* The body of POST /v1/notify-test: nothing, {} or {"channel": NAME}. */
static void
post_notify(struct call *c)
{
	const char *channel = NULL;
	struct error err;
	json_t *body = request_body(c->req, "{}", &err), *started;

	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT, "{s?s}",
	    "channel", &channel) == -1) {
		bad_request(c, "the request is not {\"channel\": NAME}");
		json_decref(body);
		return;
	}
	log_info(NULL, "user id %lu asks for a test of %s%s",
	    (unsigned long)c->uid, channel != NULL ? "channel " :
	    "all channels", channel != NULL ? channel : "");
	started = engine_notify_test(c->server->engine, channel, &err);
	if (started != NULL)
		reply_json(c->req, 202, started);
	else
		reply_error(c->req, reply_status(&err), &err, NULL);
	json_decref(body);
}

static void
get_notified(struct call *c)
{
	reply_json(c->req, 200, engine_notify_results(c->server->engine));
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
	{ API_PATH_REVOKE, false, EVHTTP_REQ_POST, "POST", post_revoke },
	{ API_PATH_ACCOUNTS, false, EVHTTP_REQ_POST, "POST", post_account },
	{ API_PATH_PAUSE, false, EVHTTP_REQ_POST, "POST", post_pause },
	{ API_PATH_RESUME, false, EVHTTP_REQ_POST, "POST", post_resume },
	{ API_PATH_DELETE, false, EVHTTP_REQ_POST, "POST", post_delete },
	{ API_PATH_EVENTS, false, EVHTTP_REQ_GET, "GET", get_events },
	{ API_PATH_CONF, false, EVHTTP_REQ_GET, "GET, POST",
	    get_configuration },
	{ API_PATH_CONF, false, EVHTTP_REQ_POST, "GET, POST",
	    post_configuration },
	{ API_PATH_RELOAD, false, EVHTTP_REQ_POST, "POST", post_reload },
	{ API_PATH_CLOUDS, false, EVHTTP_REQ_GET, "GET", get_clouds },
	{ API_PATH_CLOUD, true, EVHTTP_REQ_GET, "GET", get_cloud },
	{ API_PATH_PROVIDERS, false, EVHTTP_REQ_GET, "GET", get_providers },
	{ API_PATH_PROVIDER, true, EVHTTP_REQ_GET, "GET", get_provider },
	{ API_PATH_NOTIFY, false, EVHTTP_REQ_POST, "POST", post_notify },
	{ API_PATH_NOTIFIED, false, EVHTTP_REQ_GET, "GET", get_notified },
	{ API_PATH_IMPORT_ACCOUNT, false, EVHTTP_REQ_POST, "POST",
	    post_import_account },
	{ API_PATH_IMPORT_CERT, false, EVHTTP_REQ_POST, "POST",
	    post_import_cert },
	{ API_PATH_ADOPT_ACCOUNT, false, EVHTTP_REQ_POST, "POST",
	    post_adopt_account },
	{ API_PATH_EXPORT_ACCOUNT, false, EVHTTP_REQ_POST, "POST",
	    post_export_account },
	{ API_PATH_EXPORT, false, EVHTTP_REQ_POST, "POST", post_export },
	{ API_PATH_PUT, false, EVHTTP_REQ_POST, "POST", post_put },
	{ API_PATH_HOSTS, false, EVHTTP_REQ_GET, "GET", get_hosts },
	{ API_PATH_HOST, true, EVHTTP_REQ_GET, "GET", get_host },
	{ API_PATH_HOST_KEY, false, EVHTTP_REQ_POST, "POST", post_host_key },
	{ API_PATH_ROLLOUT, false, EVHTTP_REQ_POST, "POST", post_rollout },
	{ API_PATH_RECEIPTS, false, EVHTTP_REQ_GET, "GET", get_receipts },
	{ API_PATH_RECEIPTS_FORGET, false, EVHTTP_REQ_POST, "POST",
	    post_receipts_forget },
	{ API_PATH_CLUSTER, false, EVHTTP_REQ_GET, "GET", get_cluster },
	{ API_PATH_METRICS, false, EVHTTP_REQ_GET, "GET", get_metrics },
};

/* The path's, with that method if it has one. */
static const struct route *
route_of(const char *path, enum evhttp_cmd_type method)
{
	const struct route *found = NULL;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *r = &routes[i];

		if (r->is_prefix ?
		    strncmp(path, r->path, strlen(r->path)) != 0 :
		    strcmp(path, r->path) != 0)
			continue;
		if (r->method == method)
			return r;
		found = r;
	}
	return found;
}

static void
dispatch(struct call *c)
{
	const struct route *r = route_of(c->path,
	    evhttp_request_get_command(c->req));
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
	struct control *ctl = arg;
	struct call c = { .server = ctl->server, .ctl = ctl, .req = req };
	struct conn *conn = conn_of(c.server, req);
	struct error err;

	conn->since_ms = clock_mono_ms();
	if (peer_check(bufferevent_getfd(conn->bev), ctl->gid, &c.uid,
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
