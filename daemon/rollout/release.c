/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/release.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/kind.h"
#include "daemon/publish/objects.h"
#include "daemon/publish/publish.h"

struct release_op {
	struct deploy_env env;
	const struct conf *conf;	/* one reference */
	char		*version_dir, *serial;
	struct object_fence fence;
	char		*fence_key;
	void		*publish;
	void		(*line)(const char *, void *);
	release_done_cb	*done;
	void		*arg;
};

void
release_cancel(struct release_op *op)
{
	if (op == NULL)
		return;
	if (op->publish != NULL)
		deploy_publish.cancel(op->publish);
	conf_unref(op->conf);
	free(op->version_dir);
	free(op->serial);
	free(op->fence_key);
	free(op);
}

static void
published(const struct error *err, void *arg)
{
	struct release_op *op = arg;

	op->publish = NULL;
	op->done(err, op->arg);
	release_cancel(op);
}

static void
line_cb(const char *line, void *arg)
{
	struct release_op *op = arg;

	if (op->line != NULL)
		op->line(line, op->arg);
}

struct release_op *
release_start(const struct release_args *a, release_done_cb *done, void *arg)
{
	struct release_op *op = xcalloc(1, sizeof(*op));
	struct deploy_args args = {
		.env = &op->env,
		.cert = a->cc,
		.wanted = a->cc,
		.target = a->cc->realm->publish,
		.renew_at = a->renew_at,
		.line = line_cb,
	};

	op->env = (struct deploy_env){ .loop = a->loop, .http = a->http,
	    .etcd = a->etcd, .store = a->store };
	op->conf = conf_ref(a->conf);
	op->version_dir = xstrdup(a->version_dir);
	op->serial = xstrdup(a->serial);
	if (a->fence != NULL) {
		op->fence_key = xstrdup(a->fence->key);
		op->fence = (struct object_fence){ op->fence_key,
		    a->fence->created };
		args.fence = &op->fence;
	}
	args.version_dir = args.live_dir = op->version_dir;
	args.serial = op->serial;
	op->line = a->line;
	op->done = done;
	op->arg = arg;
	op->publish = deploy_publish.start(&args, published, op);
	return op;
}
