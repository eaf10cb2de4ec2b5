/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/ssh.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/step.h"
#include "daemon/io/child.h"
#include "daemon/store/bundle.h"

#define ARGS_MAX	24
#define OUTPUT_MAX	16384
#define SUFFIX		".acmed-new"

struct ssh_op {
	struct step	 s;
	struct child_op	*child;
	const char	*program;	/* under way */
	char		**local;	/* copies in scratch; NULL: not made */
};

/* An argument vector that is freed as a whole. */
struct argv {
	char		*v[ARGS_MAX + 1];
	size_t		 n;
};

static void
drop_copies(struct ssh_op *op)
{
	for (size_t i = 0; i < op->s.a.target->ssh->n_files; i++) {
		if (op->local[i] != NULL)
			(void)unlink(op->local[i]);
		free(op->local[i]);
		op->local[i] = NULL;
	}
}

static void
ssh_cancel(void *arg)
{
	struct ssh_op *op = arg;

	step_clear(&op->s);
	child_cancel(op->child);
	drop_copies(op);
	free(op->local);
	free(op);
}

static void
finish(struct ssh_op *op, struct error *err)
{
	step_tell(&op->s, "ssh", err);
	ssh_cancel(op);
}

static void
push(struct argv *a, char *arg)
{
	if (a->n < ARGS_MAX)
		a->v[a->n++] = arg;
	else
		free(arg);
}

static void
push_option(struct argv *a, const char *name, const char *value)
{
	push(a, xstrdup("-o"));
	push(a, xasprintf("%s=%s", name, value));
}

/* What both programs are told. */
static void
push_options(struct argv *a, const struct conf_ssh *s)
{
	char port[16];

	push_option(a, "BatchMode", "yes");
	push_option(a, "StrictHostKeyChecking", "yes");
	push_option(a, "ConnectTimeout", "20");
	push_option(a, "ServerAliveInterval", "15");
	push_option(a, "ClearAllForwardings", "yes");
	if (s->port != 0) {
		(void)text_printf(port, sizeof(port), "%u", s->port);
		push_option(a, "Port", port);
	}
	if (s->identity_file != NULL) {
		push_option(a, "IdentityFile", s->identity_file);
		push_option(a, "IdentitiesOnly", "yes");
	}
	if (s->known_hosts_file != NULL)
		push_option(a, "UserKnownHostsFile", s->known_hosts_file);
}

static void
run(struct ssh_op *op, struct argv *argv, const char *input,
    child_done_cb *done)
{
	const char *path = getenv("PATH"), *home = getenv("HOME");
	char *env_path = xasprintf("PATH=%s", path != NULL ? path :
	    "/usr/local/bin:/usr/bin:/bin");
	char *env_home = xasprintf("HOME=%s", home != NULL ? home : "/");
	const char *env[] = { env_path, env_home, "LC_ALL=C", NULL };

	op->program = input != NULL ? "sftp" : "ssh";
	op->child = child_start(op->s.a.env->children, &(struct child_args){
	    .argv = (const char *const *)argv->v, .env = env,
	    .input = input, .input_len = input != NULL ? strlen(input) : 0,
	    .max_output = OUTPUT_MAX,
	    .timeout_ms = op->s.a.target->timeout_s * 1000 }, done, op);
	for (size_t i = 0; i < argv->n; i++)
		free(argv->v[i]);
	free(env_path);
	free(env_home);
}

/* Did it go well?  If not, the operation is over. */
static bool
check(struct ssh_op *op, const struct error *err,
    const struct child_reply *reply)
{
	struct error failed;
	char who[300];

	if (err != NULL) {
		failed = *err;
		finish(op, &failed);
		return false;
	}
	(void)text_printf(who, sizeof(who), "%s %s", op->program,
	    op->s.a.target->ssh->host);
	if (child_check(reply, who, &failed) == 0)
		return true;
	finish(op, &failed);
	return false;
}

static void
commanded(const struct error *err, const struct child_reply *reply,
    void *arg)
{
	struct ssh_op *op = arg;

	op->child = NULL;
	if (check(op, err, reply))
		finish(op, NULL);
}

static void
run_command(struct ssh_op *op)
{
	const struct conf_ssh *s = op->s.a.target->ssh;
	struct argv argv = { .n = 0 };

	if (s->command == NULL) {
		finish(op, NULL);
		return;
	}
	push(&argv, xstrdup("ssh"));
	push(&argv, xstrdup("-T"));
	push_options(&argv, s);
	push(&argv, xstrdup("--"));
	push(&argv, xstrdup(s->host));
	push(&argv, xstrdup(s->command));
	run(op, &argv, NULL, commanded);
}

static void
copied(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct ssh_op *op = arg;

	op->child = NULL;
	if (!check(op, err, reply))
		return;
	drop_copies(op);
	step_say(&op->s, "%u files copied to %s",
	    op->s.a.target->ssh->n_files, op->s.a.target->ssh->host);
	run_command(op);
}

/* One file as the other side is to have it, in the scratch directory. */
static int
make_copy(struct ssh_op *op, size_t i, struct error *err)
{
	const struct conf_install *f = &op->s.a.target->ssh->files[i];
	char *data = NULL, *name;
	size_t len = 0;
	int rc = bundle_make_file(op->s.a.version_dir, f, op->s.a.cert->name,
	    &data, &len, err);

	if (rc == 0) {
		/* One target runs once at a time. */
		name = xasprintf("%s/ssh-%s-%s-%zu", op->s.a.env->scratch,
		    op->s.a.cert->name, op->s.a.target->name, i);
		rc = file_write_atomic(AT_FDCWD, name, f->mode, data, len,
		    err);
		op->local[i] = name;
	}
	freezero(data, len);
	return rc;
}

/*
 * What sftp(1) is told: it stops at the first line that fails, but where the
 * line begins with "-".  A file is created with the mode of its copy here, so
 * nobody there can read a key even for a moment.
 */
static char *
make_batch(const struct ssh_op *op)
{
	const struct conf_ssh *s = op->s.a.target->ssh;
	char *batch = xstrdup("");

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < s->n_files; i++) {
			const char *to = s->files[i].path;
			char *more = pass == 0 ? xasprintf("%s"
			    "-rm \"%s" SUFFIX "\"\n"
			    "put \"%s\" \"%s" SUFFIX "\"\n"
			    "chmod %03o \"%s" SUFFIX "\"\n", batch, to,
			    op->local[i], to, (unsigned)s->files[i].mode,
			    to) : xasprintf("%srename \"%s" SUFFIX "\" "
			    "\"%s\"\n", batch, to, to);

			free(batch);
			batch = more;
		}
	}
	return batch;
}

static void
begin_cb(void *arg)
{
	struct ssh_op *op = arg;
	const struct conf_ssh *s = op->s.a.target->ssh;
	struct argv argv = { .n = 0 };
	struct error err;
	char *batch;

	if (s->n_files == 0) {
		run_command(op);
		return;
	}
	for (size_t i = 0; i < s->n_files; i++) {
		if (make_copy(op, i, &err) == -1) {
			finish(op, &err);
			return;
		}
	}
	push(&argv, xstrdup("sftp"));
	push(&argv, xstrdup("-b"));
	push(&argv, xstrdup("-"));
	push_options(&argv, s);
	push(&argv, xstrdup("--"));
	push(&argv, xstrdup(s->host));
	batch = make_batch(op);
	run(op, &argv, batch, copied);
	free(batch);
}

static void *
ssh_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct ssh_op *op = xcalloc(1, sizeof(*op));

	op->local = xcalloc(a->target->ssh->n_files + 1, sizeof(*op->local));
	step_init(&op->s, a, begin_cb, op, done, arg);
	return op;
}

static bool
ssh_is_wanted(const struct deploy_args *a)
{
	return a->target->ssh != NULL;
}

const struct deploy_kind deploy_ssh = {
	.name = "ssh",
	.is_wanted = ssh_is_wanted,
	.start = ssh_start,
	.cancel = ssh_cancel,
};
