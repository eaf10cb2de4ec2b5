/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/install.h"

#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/fileset.h"
#include "daemon/deploy/gate.h"
#include "daemon/store/bundle.h"

struct install_op {
	struct deploy_args a;
	struct gate_op	*gate;
	deploy_done_cb	*done;
	void		*arg;
};

static void
install_cancel(void *arg)
{
	struct install_op *op = arg;

	gate_end(op->gate);
	free(op);
}

static void
describe(const struct conf_install *in, struct fileset_file *f)
{
	f->path = in->path;
	f->uid = in->uid;
	f->gid = in->gid;
	f->mode = in->mode;
}

static int
install_check(const struct deploy_args *a, struct error *err)
{
	const struct conf_deploy *d = a->target;
	struct fileset_file *files = xcalloc(d->n_installs, sizeof(*files));
	int rc;

	for (size_t i = 0; i < d->n_installs; i++)
		describe(&d->installs[i], &files[i]);
	rc = fileset_check(files, d->n_installs, err);
	free(files);
	return rc;
}

/* How many files changed, or -1. */
static int
install_all(const struct deploy_args *a, struct error *err)
{
	const struct conf_deploy *d = a->target;
	struct fileset_file *files = xcalloc(d->n_installs, sizeof(*files));
	char **data = xcalloc(d->n_installs, sizeof(*data));
	int rc = 0;
	size_t n;

	for (n = 0; n < d->n_installs && rc == 0; n++) {
		const struct conf_install *in = &d->installs[n];

		rc = bundle_make_file(a->version_dir, in, a->cert->name,
		    &data[n], &files[n].len, err);
		describe(in, &files[n]);
		files[n].data = data[n];
	}
	if (rc == 0)
		rc = fileset_write(files, n, err);
	for (size_t i = 0; i < n; i++)
		freezero(data[i], files[i].len);
	free(data);
	free(files);
	return rc;
}

static void
may_switch(void *arg)
{
	struct install_op *op = arg;
	size_t n = op->a.target->n_installs;
	struct error err;
	int changed;
	char *said;

	op->gate = NULL;
	changed = install_all(&op->a, &err);

	if (changed >= 0 && op->a.line != NULL) {
		said = xasprintf("%d of %zu files written", changed, n);
		op->a.line(said, op->arg);
		free(said);
	}
	op->done(changed == -1 ? &err : NULL, op->arg);
	install_cancel(op);
}

static void *
install_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct install_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->done = done;
	op->arg = arg;
	op->gate = gate_switch_start(a->env->gate, false, may_switch, op);
	return op;
}

static bool
install_is_wanted(const struct deploy_args *a)
{
	return a->target->n_installs > 0;
}

const struct deploy_kind deploy_install = {
	.name = "install",
	.is_wanted = install_is_wanted,
	.start = install_start,
	.cancel = install_cancel,
	.check = install_check,
};
