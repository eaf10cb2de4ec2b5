/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/hooks.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/exec.h"
#include "daemon/deploy/gate.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"

#define HOOKS_MAX	1000
#define OUTPUT_MAX	16384
#define TIMEOUT_MS	600000	/* certbot has none; theirs may be slow */

struct hooks {
	struct loop	*loop;
	struct children	*children;
	struct gate	*gate;
	unsigned	 patience_ms;
	TAILQ_HEAD(, hooks_op) ops;
	struct timer	 turn;		/* whose is it? */
};

struct hooks_op {
	TAILQ_ENTRY(hooks_op) entry;
	struct hooks	*hooks;
	enum hooks_when	 when;
	bool		 is_begun;
	int64_t		 begun_ms;	/* monotonic */
	char		*dir;		/* .../pre.d */
	char		**env;
	char		**names;	/* sorted; NULL: not read yet */
	size_t		 n, next;
	struct timer	 turn;
	struct gate_op	*gate;		/* it may make a server read */
	char		*path;		/* of the hook under way */
	struct child_op	*child;
	char		 last[CHILD_LAST_MAX];	/* of what it printed */
	struct error	 first;
	unsigned	 failed;
	void		(*line)(const char *line, void *arg);
	deploy_done_cb	*done;
	void		*arg;
};

static const struct {
	const char	*name;
	const char	*code;		/* of errors */
} folders[] = {
	[HOOKS_PRE] = { "pre.d", "hooks:pre" },
	[HOOKS_DEPLOY] = { "deploy.d", "deploy:hooks" },
	[HOOKS_POST_RENEWED] = { "post.d", "hooks:post" },
	[HOOKS_POST_FAILED] = { "post.d", "hooks:post" },
};
_Static_assert(sizeof(folders) / sizeof(folders[0]) == HOOKS_WHEN_END,
    "folders");

/* --- environment --- */

/* exec's, with the words for a renewal that is over, or without them. */
static char **
make_env(const struct hooks_args *a)
{
	const struct deploy_args args = { .cert = a->cert,
	    .live_dir = a->live_dir, .serial = a->serial };
	bool failed = a->when == HOOKS_POST_FAILED;
	char **env = deploy_exec_env(&args);
	size_t n = 0, kept = 0;

	while (env[n] != NULL)
		n++;
	env = xreallocarray(env, n + 4, sizeof(*env));
	for (size_t i = 0; i < n; i++) {
		char *var = env[i];

		if (strncmp(var, "RENEWED_", 8) != 0 ||
		    (a->when != HOOKS_PRE && !failed)) {
			env[kept++] = var;
			continue;
		}
		if (failed)
			env[kept++] = xasprintf("FAILED_%s", var + 8);
		free(var);
	}
	if (failed)
		env[kept++] = xstrdup("RENEWED_DOMAINS=");
	if (a->when == HOOKS_POST_RENEWED)
		env[kept++] = xstrdup("FAILED_DOMAINS=");
	if (a->is_dry_run)
		env[kept++] = xstrdup("ACMED_DRY_RUN=1");
	env[kept] = NULL;
	return env;
}

/* --- what is there --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
read_names(struct hooks_op *op, DIR *d)
{
	const struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 || e->d_name[len - 1] == '~')
			continue;
		if (op->n == HOOKS_MAX)
			return -1;
		op->names = xreallocarray(op->names, op->n + 1,
		    sizeof(*op->names));
		op->names[op->n++] = xstrdup(e->d_name);
	}
	if (op->n > 0)
		qsort(op->names, op->n, sizeof(*op->names), by_name);
	return 0;
}

static int
list(struct hooks_op *op, struct error *err)
{
	DIR *d = opendir(op->dir);
	struct stat st;
	int rc = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : error_set(err, ERR_CONFIG, "",
		    "%s: %s", op->dir, strerror(errno));
	if (fstat(dirfd(d), &st) == -1 || !access_is_trusted(&st))
		rc = error_set(err, ERR_CONFIG, "",
		    "%s: no hook is run, for others can write there; it must "
		    "be root's, and chmod go-w", op->dir);
	else if (read_names(op, d) == -1)
		rc = error_set(err, ERR_CONFIG, "",
		    "%s: more than %d files", op->dir, HOOKS_MAX);
	closedir(d);
	return rc;
}

/* 1: run it; 0: it is none; -1: it is not to be trusted. */
static int
check_hook(const struct hooks_op *op, const char *path, struct error *err)
{
	struct stat st;
	char *said, *fault;

	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return 0;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == -1) {
		fault = access_run_fault(path);
		said = xasprintf("passed over: %s", fault);
		op->line(said, op->arg);
		free(said);
		free(fault);
		return 0;
	}
	if (!access_is_trusted(&st))
		return error_set(err, ERR_CONFIG, "",
		    "%s is not run, for others can write to it; it must be "
		    "root's, and chmod go-w", path);
	return 1;
}

/* --- running --- */

static void
no_line(const char *line, void *arg)
{
}

/* Who is next: a renewal that waits for its pre hooks, then any other. */
static struct hooks_op *
first_waiting(struct hooks *h)
{
	struct hooks_op *op, *first = NULL;

	TAILQ_FOREACH(op, &h->ops, entry) {
		if (op->is_begun)
			continue;
		if (op->when == HOOKS_PRE)
			return op;
		if (first == NULL)
			first = op;
	}
	return first;
}

/* One begins when no other runs, but those that have had their time. */
static void
next_cb(void *arg)
{
	struct hooks *h = arg;
	struct hooks_op *op, *first = first_waiting(h);
	int64_t now = clock_mono_ms();

	if (first == NULL)
		return;
	TAILQ_FOREACH(op, &h->ops, entry) {
		int64_t until = op->begun_ms + h->patience_ms;

		if (op->is_begun && until > now) {
			timer_set(&h->turn, until - now);
			return;
		}
	}
	first->is_begun = true;
	first->begun_ms = now;
	timer_set(&first->turn, 0);
	timer_set(&h->turn, 0);
}

void
hooks_cancel(struct hooks_op *op)
{
	if (op == NULL)
		return;
	timer_set(&op->hooks->turn, 0);
	child_cancel(op->child);
	gate_end(op->gate);
	free(op->path);
	timer_clear(&op->turn);
	TAILQ_REMOVE(&op->hooks->ops, op, entry);
	deploy_exec_env_free(op->env);
	for (size_t i = 0; i < op->n; i++)
		free(op->names[i]);
	free(op->names);
	free(op->dir);
	free(op);
}

static void
failed(struct hooks_op *op, const struct error *err)
{
	if (op->failed++ == 0)
		op->first = *err;
	else
		op->line(err->msg, op->arg);
}

static void
exited(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct hooks_op *op = arg;
	struct error why;

	op->child = NULL;
	gate_end(op->gate);
	op->gate = NULL;
	if (err != NULL)
		why = *err;
	if (err != NULL || child_check(reply, op->path, &why) == -1) {
		size_t used;

		if (err == NULL)
			child_blame(reply, op->last, &why);
		used = strlen(why.msg);
		if (err == NULL && geteuid() != 0)
			(void)text_printf(why.msg + used,
			    sizeof(why.msg) - used, " (hooks run as acmed "
			    "does: not as root, and in its sandbox)");
		failed(op, &why);
	}
	free(op->path);
	op->path = NULL;
	timer_set(&op->turn, 0);
}

static void
line_cb(const char *line, bool is_stderr, void *arg)
{
	struct hooks_op *op = arg;

	child_keep_last(op->last, line);
	op->line(line, op->arg);
}

static void
may_read(void *arg)
{
	struct hooks_op *op = arg;
	const char *argv[] = { op->path, NULL };
	struct child_args args = {
		.argv = argv,
		.env = (const char *const *)op->env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = TIMEOUT_MS,
		.line = line_cb,
	};
	char *said = xasprintf("running %s", op->path);

	op->last[0] = '\0';
	op->line(said, op->arg);
	free(said);
	op->child = child_start(op->hooks->children, &args, exited, op);
}

static void
turn_cb(void *arg)
{
	struct hooks_op *op = arg;
	struct error err;

	if (op->names == NULL && op->next == 0 && list(op, &err) == -1) {
		failed(op, &err);
		op->next = op->n;
	}
	while (op->next < op->n) {
		char *path = xasprintf("%s/%s", op->dir,
		    op->names[op->next++]);
		int rc = check_hook(op, path, &err);

		if (rc == 1) {
			op->path = path;
			op->gate = gate_read_start(op->hooks->gate, path,
			    may_read, op);
			return;
		}
		if (rc == -1)
			failed(op, &err);
		free(path);
	}
	(void)text_printf(op->first.code, sizeof(op->first.code), "%s",
	    folders[op->when].code);
	if (op->failed > 1)
		(void)error_wrap(&op->first, "%u hooks failed; the first",
		    op->failed);
	op->done(op->failed > 0 ? &op->first : NULL, op->arg);
	hooks_cancel(op);
}

struct hooks_op *
hooks_start(struct hooks *h, const struct hooks_args *a, deploy_done_cb *done,
    void *arg)
{
	struct hooks_op *op = xcalloc(1, sizeof(*op));

	op->hooks = h;
	op->when = a->when;
	op->dir = xasprintf("%s/%s", a->dir, folders[a->when].name);
	op->env = make_env(a);
	op->line = a->line != NULL ? a->line : no_line;
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, h->loop, turn_cb, op);
	TAILQ_INSERT_TAIL(&h->ops, op, entry);
	timer_set(&h->turn, 0);
	return op;
}

bool
hooks_exist(const char *dir, enum hooks_when when)
{
	char *path = xasprintf("%s/%s", dir, folders[when].name);
	struct stat st;
	bool found = stat(path, &st) == 0;

	free(path);
	return found;
}

struct hooks *
hooks_new(struct loop *loop, struct children *children, struct gate *gate,
    unsigned patience_ms)
{
	struct hooks *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	h->children = children;
	h->gate = gate;
	h->patience_ms = patience_ms;
	TAILQ_INIT(&h->ops);
	timer_init(&h->turn, loop, next_cb, h);
	return h;
}

void
hooks_free(struct hooks *h)
{
	if (h == NULL)
		return;
	assert(TAILQ_EMPTY(&h->ops));
	timer_clear(&h->turn);
	free(h);
}

/* --- the deploy step --- */

static void *
step_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct hooks_args args = {
		.when = HOOKS_DEPLOY,
		.dir = a->target->hooks_dir,
		.cert = a->cert,
		.live_dir = a->live_dir,
		.serial = a->serial,
		.line = a->line,
	};

	return hooks_start(a->env->hooks, &args, done, arg);
}

static bool
step_is_wanted(const struct deploy_args *a)
{
	return a->target->hooks_dir != NULL;
}

static void
step_cancel(void *op)
{
	hooks_cancel(op);
}

const struct deploy_kind deploy_hooks = {
	.name = "hooks",
	.is_wanted = step_is_wanted,
	.start = step_start,
	.cancel = step_cancel,
	.is_wait = true,
};
