/* SPDX-License-Identifier: MIT */
/*
 * exec - the channel that runs a program: JSON on its standard input, and in
 * its environment what a shell script asks for first.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/whoami.h"
#include "daemon/io/child.h"
#include "daemon/io/program.h"
#include "daemon/notify/channel.h"

#define OUTPUT_MAX	4096
#define ENV_MAX		12

struct exec_op {
	struct child_op	*child;
	char		*program;
	channel_done_cb	*done;
	void		*arg;
};

static void
exec_cancel(void *arg)
{
	struct exec_op *op = arg;

	if (op == NULL)
		return;
	child_cancel(op->child);
	free(op->program);
	free(op);
}

static void
exited(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct exec_op *op = arg;
	struct error failed;

	op->child = NULL;
	if (err == NULL && child_check(reply, op->program, &failed) == -1) {
		(void)text_printf(failed.code, sizeof(failed.code),
		    "notify:exec");
		err = &failed;
	}
	op->done(err, op->arg);
	exec_cancel(op);
}

static void
fill_env(const struct channel_args *a, char *env[ENV_MAX])
{
	static const struct { const char *name, *path; } vars[] = {
		{ "ACMED_EVENT", "event" }, { "ACMED_WHAT", "what" },
		{ "ACMED_LEVEL", "level" }, { "ACMED_HOST", "host" },
		{ "ACMED_CERT", "certificates.0.name" },
	};
	const char *path = getenv("PATH");
	struct error err;
	json_t *j = jsonx_parse(a->json, strlen(a->json), &err);
	size_t n = 0;

	env[n++] = xasprintf("PATH=%s", path != NULL ? path :
	    PROGRAM_PATH);
	env[n++] = xasprintf("HOME=%s", whoami_home());
	env[n++] = xasprintf("USER=%s", whoami_user());
	env[n++] = xasprintf("LOGNAME=%s", whoami_user());
	env[n++] = xasprintf("ACMED_ID=%s", a->id);
	env[n++] = xasprintf("ACMED_SUBJECT=%s", a->subject);
	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
		const char *value = jsonx_str(j, vars[i].path);

		env[n++] = xasprintf("%s=%s", vars[i].name,
		    value != NULL ? value : "");
	}
	env[n] = NULL;
	json_decref(j);
}

static void *
exec_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	struct exec_op *op = xcalloc(1, sizeof(*op));
	char *env[ENV_MAX];
	struct child_args args = {
		.argv = (const char *const *)a->conf->exec,
		.env = (const char *const *)env,
		.input = a->json,
		.input_len = strlen(a->json),
		.max_output = OUTPUT_MAX,
		.timeout_ms = a->conf->timeout_s * 1000,
	};

	fill_env(a, env);
	op->program = xstrdup(a->conf->exec[0]);
	op->done = done;
	op->arg = arg;
	op->child = child_start(a->env->children, &args, exited, op);
	for (char **p = env; *p != NULL; p++)
		free(*p);
	return op;
}

const struct channel_kind channel_exec = { exec_start, exec_cancel };
