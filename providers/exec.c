/* SPDX-License-Identifier: MIT */
/*
 * exec - a program of the user's own sets the record, called in acmed's own
 * way or by the conventions of lego and certbot (exec_call.h).  What it prints
 * when it adds is the handle: its first line, or with certbot all of it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/dns/provider_env.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"
#include "providers/exec_call.h"
#include "providers/provider.h"

#define MAX_OUTPUT 32768		/* bytes; the handle is cut from it */
#define MAX_TIMEOUT 86400		/* seconds */
#define GRACE_MS 5000			/* between TERM and KILL */
#define SLACK_MS 5000			/* for us, to learn of its end */

static const struct provider_opt opts[] = {
	[EXEC_PROGRAM] = { .name = "program", .required = true,
	    .type = PROVIDER_OPT_LIST, .is_program = true,
	    .help = "absolute path of the program, with arguments or without" },
	[EXEC_CLEANUP_PROGRAM] = { .name = "cleanup_program",
	    .type = PROVIDER_OPT_LIST, .is_program = true,
	    .help = "what removes the record; needed with mode certbot" },
	[EXEC_MODE] = { .name = "mode", .fallback = "acmed",
	    .help = "how it is called: acmed, lego, lego-raw or certbot" },
	[EXEC_TIMEOUT] = { .name = "timeout", .type = PROVIDER_OPT_DURATION,
	    .fallback = "120s", .help = "after which it is killed" },
	[EXEC_ENVIRONMENT] = { .name = "environment",
	    .type = PROVIDER_OPT_LIST, .help = "more variables, KEY=VALUE" },
	[EXEC_ENVIRONMENT_FILE] = { .name = "environment_file",
	    .help = "file of KEY=VALUE lines, for secrets; read at each call" },
	PROVIDER_ZONE_OPTS,
	{ .name = NULL }
};

struct provider_op {
	const struct provider_call *call;
	struct provider_env *env;
	bool		 is_add;
	provider_done_cb *done;
	void		*arg;
	struct timer	 begin;
	char		*program;	/* for messages */
	struct child_op	*child;
};

/* Is there one, and is it absolute? */
static int
check_path(const struct provider_values *v, enum exec_opt opt,
    struct error *err)
{
	char **words = exec_words(v, opt);
	int rc = 0;

	if (words[0] == NULL && opt == EXEC_CLEANUP_PROGRAM &&
	    exec_mode(v) == EXEC_MODE_CERTBOT)
		rc = error_set(err, ERR_CONFIG, "exec:options",
		    "mode certbot needs a cleanup_program as well");
	else if ((words[0] == NULL && opt == EXEC_PROGRAM) ||
	    (words[0] != NULL && words[0][0] != '/'))
		rc = error_set(err, ERR_CONFIG, "exec:options", "%s must "
		    "be an absolute path, found \"%s\"", opts[opt].name,
		    words[0] != NULL ? words[0] : "");
	exec_words_free(words);
	return rc;
}

static int
check(const struct provider_values *v, struct error *err)
{
	long timeout = provider_int(v, EXEC_TIMEOUT);

	if (exec_mode(v) == EXEC_MODE_END)
		return error_set(err, ERR_CONFIG, "exec:options", "mode: "
		    "found \"%s\"; acmed, lego, lego-raw or certbot is "
		    "allowed", provider_str(v, EXEC_MODE));
	if (check_path(v, EXEC_PROGRAM, err) == -1 ||
	    check_path(v, EXEC_CLEANUP_PROGRAM, err) == -1)
		return -1;
	if (timeout < 1 || timeout > MAX_TIMEOUT)
		return error_set(err, ERR_CONFIG, "exec:options",
		    "timeout must be from 1s to 1d");
	for (const char *const *s = provider_list(v, EXEC_ENVIRONMENT);
	    *s != NULL; s++) {
		if (!exec_is_variable(*s))
			return error_set(err, ERR_CONFIG, "exec:options",
			    "environment: found \"%s\"; KEY=VALUE is allowed",
			    *s);
	}
	return 0;
}

/* Programs for lego and certbot need not bear another beside them. */
static unsigned
calls_at_once(const struct provider_values *v)
{
	return exec_mode(v) == EXEC_MODE_ACMED ? 0 : 1;
}

static unsigned
call_ms(const struct provider_values *v)
{
	return (unsigned)provider_int(v, EXEC_TIMEOUT) * 1000u + GRACE_MS +
	    SLACK_MS;
}

static bool
wants_key_auth(const struct provider_values *v)
{
	return exec_mode(v) == EXEC_MODE_LEGO_RAW;
}

static void
exec_cancel(struct provider_op *op)
{
	if (op == NULL)
		return;
	child_cancel(op->child);
	timer_clear(&op->begin);
	free(op->program);
	free(op);
}

static void
exec_finish(struct provider_op *op, const struct error *err)
{
	op->done(err, op->arg);
	exec_cancel(op);
}

/*
 * The first line of what it wrote, or for certbot all of it, without blanks
 * around it.  With lego-raw what was known before stays.
 */
static void
handle_keep(const struct provider_call *c, const char *out)
{
	enum exec_mode mode = exec_mode(c->values);
	size_t len;

	if (mode == EXEC_MODE_LEGO_RAW)
		out = c->handle;
	out += strspn(out, " \t\r\n\v\f");
	len = mode == EXEC_MODE_CERTBOT ? strlen(out) : strcspn(out, "\r\n");
	while (len > 0 && strchr(" \t\r\n\v\f", out[len - 1]) != NULL)
		len--;
	(void)text_printf(c->new_handle, c->new_handle_size, "%.*s", (int)len,
	    out);
	if (mode != EXEC_MODE_CERTBOT)
		text_clean(c->new_handle);
}

static void
child_done(const struct error *err, const struct child_reply *r, void *arg)
{
	struct provider_op *op = arg;
	struct error why;

	op->child = NULL;
	if (err != NULL) {
		exec_finish(op, err);
		return;
	}
	/* What failed may have made the record, and said how to find it. */
	if (op->is_add)
		handle_keep(op->call, r->out);
	exec_finish(op, child_check(r, op->program, &why) == -1 ? &why : NULL);
}

static void
begin_cb(void *arg)
{
	struct provider_op *op = arg;
	struct exec_call call;
	struct error err;

	if (exec_call_make(&call, op->call, op->is_add, &err) == -1) {
		exec_call_clear(&call);
		exec_finish(op, &err);
		return;
	}
	op->program = xstrdup(call.argv[0]);
	op->child = child_start(op->env->children, &(struct child_args){
	    .argv = (const char *const *)call.argv,
	    .env = (const char *const *)call.env,
	    .dir = call.dir,
	    .max_output = MAX_OUTPUT,
	    .timeout_ms = (unsigned)provider_int(op->call->values,
		EXEC_TIMEOUT) * 1000u,
	    .grace_ms = GRACE_MS,
	}, child_done, op);
	exec_call_clear(&call);
}

static struct provider_op *
exec_start(struct provider_env *env, const struct provider_call *c,
    bool is_add, provider_done_cb *done, void *arg)
{
	struct provider_op *op = xcalloc(1, sizeof(*op));

	op->env = env;
	op->call = c;
	op->is_add = is_add;
	op->done = done;
	op->arg = arg;
	timer_init(&op->begin, env->loop, begin_cb, op);
	timer_set(&op->begin, 0);
	return op;
}

const struct provider provider_exec = {
	.name = "exec",
	.title = "Program",
	.doc = "A program of your own: PROGRAM add|remove FQDN VALUE, exit "
	    "status 0 for success.  It must add without touching other "
	    "values, and both must be repeatable.  It need not wait for the "
	    "DNS to show the value: acmed does.  Hooks written for lego (also "
	    "those for EXEC_MODE=RAW) or certbot work with mode = \"lego\", "
	    "\"lego-raw\" or \"certbot\", one after the other as there.  "
	    "lego: EXEC_PATH.",
	.opts = opts,
	.check = check,
	.no_retry = true,		/* it knows better when that is safe */
	.handle_size = MAX_OUTPUT,
	.calls_at_once = calls_at_once,
	.call_ms = call_ms,
	.wants_key_auth = wants_key_auth,
	.start = exec_start,
	.cancel = exec_cancel,
};
