/* SPDX-License-Identifier: MIT */
#include "daemon/control/control.h"

#include <stdlib.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/control/control_state.h"
#include "daemon/control/peer.h"
#include "daemon/control/request.h"
#include "daemon/control/server.h"
#include "daemon/io/http_socks.h"

struct control *
control_new(struct loop *loop, struct engine *engine, const char *socket_path,
    control_reload_cb *reload, void *arg, struct error *err)
{
	struct control *ctl = xcalloc(1, sizeof(*ctl));
	int fd;

	ctl->path = xstrdup(socket_path);
	ctl->reload = reload;
	ctl->reload_arg = arg;
	ctl->gid = group_id(API_GROUP);
	fd = sock_listen(socket_path, ctl->gid, &ctl->id, err);
	if (fd == -1) {
		free(ctl->path);
		free(ctl);
		return NULL;
	}
	ctl->server = server_new(&(struct server_args){ .loop = loop,
	    .engine = engine, .max_body = API_BODY_MAX, .request = request_cb,
	    .arg = ctl });
	http_socks_add(ctl->server->socks, fd);
	return ctl;
}

void
control_free(struct control *ctl)
{
	if (ctl == NULL)
		return;
	sock_remove(ctl->path, &ctl->id);
	server_free(ctl->server);
	free(ctl->path);
	free(ctl);
}

void
control_test_limits(struct control *ctl, unsigned idle_ms, unsigned beat_ms)
{
	server_test_limits(ctl->server, idle_ms, beat_ms);
}
