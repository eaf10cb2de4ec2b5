/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/exec.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/whoami.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/gate.h"
#include "daemon/io/child.h"
#include "daemon/io/program.h"
#include "daemon/store/bundle.h"

#define OUTPUT_MAX	16384
#define ENV_MAX		20

struct exec_op {
	struct deploy_args a;
	struct gate_op	*gate;		/* it may make a server read */
	struct child_op	*child;
	const char	*program;
	char		 last[CHILD_LAST_MAX];	/* of what it printed */
	deploy_done_cb	*done;
	void		*arg;
};

static void
exec_cancel(void *arg)
{
	struct exec_op *op = arg;

	if (op == NULL)
		return;
	child_cancel(op->child);
	gate_end(op->gate);
	free(op);
}

static void
exited(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct exec_op *op = arg;
	struct error failed;

	op->child = NULL;
	if (err != NULL)
		failed = *err;
	if (err != NULL || child_check(reply, op->program, &failed) == -1) {
		if (err == NULL)
			child_blame(reply, op->last, &failed);
		(void)text_printf(failed.code, sizeof(failed.code),
		    "deploy:exec");
		err = &failed;
	}
	op->done(err, op->arg);
	exec_cancel(op);
}

static void
line_cb(const char *line, bool is_stderr, void *arg)
{
	struct exec_op *op = arg;

	child_keep_last(op->last, line);
	if (op->a.line != NULL)
		op->a.line(line, op->arg);
}

static char *
join_names(const struct conf_cert *cert, const char *separator)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < cert->n_names; i++) {
		char *longer = xasprintf("%s%s%s", all, i > 0 ? separator : "",
		    cert->names[i].name);

		free(all);
		all = longer;
	}
	return all;
}

char **
deploy_exec_base_env(void)
{
	const char *path = getenv("PATH");
	char **env = xcalloc(ENV_MAX, sizeof(*env));

	env[0] = xasprintf("PATH=%s", path != NULL ? path :
	    PROGRAM_PATH);
	env[1] = xasprintf("HOME=%s", whoami_home());
	env[2] = xasprintf("USER=%s", whoami_user());
	env[3] = xasprintf("LOGNAME=%s", whoami_user());
	return env;
}

char **
deploy_exec_env(const struct deploy_args *a)
{
	static const struct { const char *name, *file; } files[] = {
		{ "ACMED_PRIVKEY", "privkey.pem" },
		{ "ACMED_CERT", "cert.pem" },
		{ "ACMED_CHAIN", "chain.pem" },
		{ "ACMED_FULLCHAIN", "fullchain.pem" },
	};
	char *commas = join_names(a->cert, ",");
	char *spaces = join_names(a->cert, " ");
	char **env = deploy_exec_base_env();
	const char *second = bundle_second(a->live_dir);
	size_t n = 0;

	while (env[n] != NULL)
		n++;
	env[n++] = xasprintf("ACMED_NAME=%s", a->cert->name);
	env[n++] = xasprintf("ACMED_NAMES=%s", commas);
	env[n++] = xasprintf("ACMED_LIVE_DIR=%s", a->live_dir);
	env[n++] = xasprintf("ACMED_SERIAL=%s", a->serial);
	if (second != NULL)
		env[n++] = xasprintf("ACMED_SECOND_DIR=%s/%s", a->live_dir,
		    second);
	/* Of csr the first is elsewhere. */
	for (size_t i = a->cert->csr != NULL ? 1 : 0;
	    i < sizeof(files) / sizeof(files[0]); i++)
		env[n++] = xasprintf("%s=%s/%s", files[i].name, a->live_dir,
		    files[i].file);
	env[n++] = xasprintf("RENEWED_LINEAGE=%s", a->live_dir);
	env[n++] = xasprintf("RENEWED_DOMAINS=%s", spaces);
	free(commas);
	free(spaces);
	return env;
}

void
deploy_exec_env_free(char **env)
{
	for (char **p = env; *p != NULL; p++)
		free(*p);
	free(env);
}

static void
may_read(void *arg)
{
	struct exec_op *op = arg;
	char **env = deploy_exec_env(&op->a);
	struct child_args args = {
		.argv = (const char *const *)op->a.target->exec,
		.env = (const char *const *)env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = op->a.target->timeout_s * 1000,
		.line = line_cb,
	};
	char *said = xasprintf("running %s", op->program);

	if (op->a.line != NULL)
		op->a.line(said, op->arg);
	free(said);
	op->child = child_start(op->a.env->children, &args, exited, op);
	deploy_exec_env_free(env);
}

static void *
exec_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct exec_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->program = a->target->exec[0];
	op->done = done;
	op->arg = arg;
	op->gate = gate_read_start(a->env->gate, op->program, may_read, op);
	return op;
}

static int
exec_check(const struct deploy_args *a, struct error *err)
{
	const char *program = a->target->exec[0];
	char *fault = strchr(program, '/') == NULL ? NULL :
	    program_fault(program);

	if (fault == NULL)
		return 0;
	(void)error_set(err, ERR_CONFIG, "deploy:exec", "%s", fault);
	free(fault);
	return -1;
}

static bool
exec_is_wanted(const struct deploy_args *a)
{
	return a->target->exec != NULL;
}

const struct deploy_kind deploy_exec = {
	.name = "exec",
	.is_wanted = exec_is_wanted,
	.start = exec_start,
	.cancel = exec_cancel,
	.check = exec_check,
};
