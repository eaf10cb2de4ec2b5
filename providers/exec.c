/* SPDX-License-Identifier: MIT */
/*
 * exec - a program of the user's own sets the record.  Three ways to call it:
 *
 *  acmed    PROGRAM add|remove FQDN VALUE
 *  lego     PROGRAM present|cleanup FQDN. VALUE (lego's exec provider)
 *  certbot  PROGRAM or CLEANUP_PROGRAM without arguments, CERTBOT_DOMAIN and
 *           CERTBOT_VALIDATION in the environment (certbot's manual hooks)
 *
 * In each the environment also has ACMED_ACTION, ACMED_FQDN, ACMED_ZONE,
 * ACMED_VALUE, ACMED_CERT, ACMED_IDENTIFIER, and for remove ACMED_HANDLE: the
 * first line that add wrote to its standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "daemon/dns/provider_run.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define MAX_ENV_FILE 65536		/* bytes */
#define MAX_OUTPUT 65536		/* bytes; the handle is cut from it */

enum {
	OPT_PROGRAM, OPT_CLEANUP_PROGRAM, OPT_MODE, OPT_TIMEOUT,
	OPT_ENVIRONMENT, OPT_ENVIRONMENT_FILE
};

static const struct provider_opt opts[] = {
	[OPT_PROGRAM] = { .name = "program", .required = true,
	    .help = "absolute path of the program" },
	[OPT_CLEANUP_PROGRAM] = { .name = "cleanup_program",
	    .help = "what removes the record; needed with mode certbot" },
	[OPT_MODE] = { .name = "mode", .fallback = "acmed",
	    .help = "how it is called: acmed, lego or certbot" },
	[OPT_TIMEOUT] = { .name = "timeout", .type = PROVIDER_OPT_DURATION,
	    .fallback = "120s", .help = "after which it is killed" },
	[OPT_ENVIRONMENT] = { .name = "environment",
	    .type = PROVIDER_OPT_LIST, .help = "more variables, KEY=VALUE" },
	[OPT_ENVIRONMENT_FILE] = { .name = "environment_file",
	    .help = "file of KEY=VALUE lines, for secrets; read at each call" },
	PROVIDER_ZONE_OPTS,
	{ .name = NULL }
};

struct envlist {
	char	**v;			/* NULL-terminated */
	size_t	  n;
};

struct provider_op {
	const struct provider_call *call;
	struct provider_env *env;
	bool		 is_add;
	provider_done_cb *done;
	void		*arg;
	struct timer	 begin;
	struct child_op	*child;
};

static void
env_add(struct envlist *e, char *var /* taken */)
{
	e->v = xreallocarray(e->v, e->n + 2, sizeof(*e->v));
	e->v[e->n++] = var;
	e->v[e->n] = NULL;
}

static void
env_set(struct envlist *e, const char *name, const char *value)
{
	env_add(e, xasprintf("%s=%s", name, value));
}

static void
env_clear(struct envlist *e)
{
	for (size_t i = 0; i < e->n; i++)
		freezero_str(e->v[i]);
	free(e->v);
}

static bool
is_variable(const char *s)
{
	return s[0] != '=' && strchr(s, '=') != NULL;
}

static int
check(const struct provider_values *v, struct error *err)
{
	const char *program = provider_str(v, OPT_PROGRAM);
	const char *cleanup = provider_str(v, OPT_CLEANUP_PROGRAM);
	const char *mode = provider_str(v, OPT_MODE);
	bool is_certbot = strcmp(mode, "certbot") == 0;

	if (program[0] != '/' || (cleanup != NULL && cleanup[0] != '/'))
		return error_set(err, ERR_CONFIG, "exec:options", "%s must "
		    "be an absolute path, found \"%s\"", program[0] != '/' ?
		    "program" : "cleanup_program", program[0] != '/' ?
		    program : cleanup);
	if (!is_certbot && strcmp(mode, "acmed") != 0 &&
	    strcmp(mode, "lego") != 0)
		return error_set(err, ERR_CONFIG, "exec:options", "mode: "
		    "found \"%s\"; acmed, lego or certbot is allowed", mode);
	if (is_certbot && cleanup == NULL)
		return error_set(err, ERR_CONFIG, "exec:options",
		    "mode certbot needs a cleanup_program as well");
	if (provider_int(v, OPT_TIMEOUT) < 1)
		return error_set(err, ERR_CONFIG, "exec:options",
		    "timeout must be 1s or more");
	for (const char *const *s = provider_list(v, OPT_ENVIRONMENT);
	    *s != NULL; s++) {
		if (!is_variable(*s))
			return error_set(err, ERR_CONFIG, "exec:options",
			    "environment: found \"%s\"; KEY=VALUE is allowed",
			    *s);
	}
	return 0;
}

/* Whoever can write to the program can do what we may: refuse it. */
static int
check_program(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return error_set(err, ERR_CONFIG, "exec:program", "%s: %s",
		    path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_CONFIG, "exec:program",
		    "%s is not a file", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERR_CONFIG, "exec:program",
		    "%s can be written by others than its owner; chmod go-w "
		    "%s", path, path);
	return 0;
}

static int
env_from_file(struct envlist *e, const char *path, struct error *err)
{
	char *text, *line, *rest;

	if (file_read_private(path, MAX_ENV_FILE, &text, err) == -1)
		return error_wrap(err, "environment_file");
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		line += strspn(line, " \t");
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (!is_variable(line)) {
			freezero_str(text);
			return error_set(err, ERR_CONFIG, "exec:environment",
			    "%s: a line is not KEY=VALUE", path);
		}
		env_add(e, xstrdup(line));
	}
	freezero_str(text);
	return 0;
}

static int
env_make(struct envlist *e, const struct provider_call *c, bool is_add,
    struct error *err)
{
	const char *file = provider_str(c->values, OPT_ENVIRONMENT_FILE);
	const char *const *extra = provider_list(c->values, OPT_ENVIRONMENT);
	char left[24];

	env_set(e, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:"
	    "/usr/bin:/sbin:/bin");
	env_set(e, "LANG", "C.UTF-8");
	env_set(e, "ACMED_ACTION", is_add ? "add" : "remove");
	env_set(e, "ACMED_FQDN", c->fqdn);
	env_set(e, "ACMED_ZONE", c->zone);
	env_set(e, "ACMED_VALUE", c->value);
	env_set(e, "ACMED_CERT", c->cert);
	env_set(e, "ACMED_IDENTIFIER", c->identifier);
	if (!is_add)
		env_set(e, "ACMED_HANDLE", c->handle);
	if (strcmp(provider_str(c->values, OPT_MODE), "certbot") == 0) {
		(void)text_printf(left, sizeof(left), "%zu", c->n_after);
		env_set(e, "CERTBOT_DOMAIN", c->identifier);
		env_set(e, "CERTBOT_IDENTIFIER", c->identifier);
		env_set(e, "CERTBOT_VALIDATION", c->value);
		env_set(e, "CERTBOT_REMAINING_CHALLENGES", left);
		if (!is_add)
			env_set(e, "CERTBOT_AUTH_OUTPUT", c->handle);
	}
	for (; *extra != NULL; extra++)
		env_add(e, xstrdup(*extra));
	return file == NULL ? 0 : env_from_file(e, file, err);
}

/* argv by mode; fqdn is room for a name with its final dot. */
static void
argv_make(const char *argv[5], const struct provider_call *c, bool is_add,
    char fqdn[256])
{
	const char *mode = provider_str(c->values, OPT_MODE);
	const char *cleanup = provider_str(c->values, OPT_CLEANUP_PROGRAM);
	bool is_lego = strcmp(mode, "lego") == 0;

	(void)text_printf(fqdn, 256, "%s%s", c->fqdn, is_lego ? "." : "");
	memset(argv, 0, 5 * sizeof(argv[0]));
	argv[0] = !is_add && cleanup != NULL ? cleanup :
	    provider_str(c->values, OPT_PROGRAM);
	if (strcmp(mode, "certbot") == 0)
		return;
	if (is_lego)
		argv[1] = is_add ? "present" : "cleanup";
	else
		argv[1] = is_add ? "add" : "remove";
	argv[2] = fqdn;
	argv[3] = c->value;
}

static void
exec_cancel(struct provider_op *op)
{
	if (op == NULL)
		return;
	child_cancel(op->child);
	timer_clear(&op->begin);
	free(op);
}

static void
exec_finish(struct provider_op *op, const struct error *err)
{
	op->done(err, op->arg);
	exec_cancel(op);
}

/* The first line of what it wrote, without blanks around it. */
static void
handle_keep(const struct provider_call *c, const char *out)
{
	size_t len;

	out += strspn(out, " \t\r\n");
	len = strcspn(out, "\r\n");
	while (len > 0 && (out[len - 1] == ' ' || out[len - 1] == '\t'))
		len--;
	if (len >= c->new_handle_size)
		len = c->new_handle_size - 1;
	(void)text_printf(c->new_handle, c->new_handle_size, "%.*s", (int)len,
	    out);
	text_clean(c->new_handle);
}

static void
child_done(const struct error *err, const struct child_reply *r, void *arg)
{
	struct provider_op *op = arg;
	const struct provider_call *c = op->call;
	char fqdn[256];
	const char *argv[5];
	struct error why;

	op->child = NULL;
	if (err != NULL) {
		exec_finish(op, err);
		return;
	}
	argv_make(argv, c, op->is_add, fqdn);
	if (child_check(r, argv[0], &why) == -1) {
		exec_finish(op, &why);
		return;
	}
	if (op->is_add)
		handle_keep(c, r->out);
	exec_finish(op, NULL);
}

static void
begin_cb(void *arg)
{
	struct provider_op *op = arg;
	const struct provider_call *c = op->call;
	struct envlist e = { 0 };
	char fqdn[256];
	const char *argv[5];
	struct error err;

	argv_make(argv, c, op->is_add, fqdn);
	if (check_program(argv[0], &err) == -1 ||
	    env_make(&e, c, op->is_add, &err) == -1) {
		env_clear(&e);
		exec_finish(op, &err);
		return;
	}
	op->child = child_start(op->env->children, &(struct child_args){
	    .argv = argv,
	    .env = (const char *const *)e.v,
	    .max_output = MAX_OUTPUT,
	    .timeout_ms = (unsigned)provider_int(c->values, OPT_TIMEOUT) *
		1000u,
	}, child_done, op);
	env_clear(&e);
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
	    "values, and both must be repeatable.  Hooks written for lego or "
	    "certbot work with mode = \"lego\" or \"certbot\".  "
	    "lego: EXEC_PATH.",
	.opts = opts,
	.check = check,
	.no_retry = true,		/* it knows better when that is safe */
	.start = exec_start,
	.cancel = exec_cancel,
};
