/* SPDX-License-Identifier: MIT */
#include "daemon/control/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/json.h"

struct conn *
conn_of(struct control *ctl, struct evhttp_request *req)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(req));
	struct conn *c;

	TAILQ_FOREACH(c, &ctl->conns, entry) {
		if (c->bev == bev)
			return c;
	}
	abort();		/* control.c made it */
}

void
conn_limit(struct conn *c, unsigned ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)bufferevent_set_timeouts(c->bev, ms > 0 ? &tv : NULL,
	    ms > 0 ? &tv : NULL);
}

json_t *
request_body(struct evhttp_request *req, const char *empty, struct error *err)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);

	if (len == 0)
		return jsonx_parse(empty, strlen(empty), err);
	return jsonx_parse((const char *)evbuffer_pullup(in, -1), len, err);
}

void
request_closed(struct evhttp_request *req)
{
	if (evhttp_request_get_connection(req) == NULL)
		evhttp_request_free(req);
}
