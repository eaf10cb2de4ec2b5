/* SPDX-License-Identifier: MIT */
/*
 * fuzz_deploy - what servers that are deployed to answer.  The first line is
 * the step: kubernetes, webhook, docker-copy, docker-exec, docker-check,
 * haproxy, or journal (what journalctl prints of a unit); then come the
 * answers (replies.h), for the last two as they are.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/docker.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/haproxy.h"
#include "daemon/deploy/kubernetes.h"
#include "daemon/deploy/unit_log.h"
#include "daemon/deploy/webhook.h"
#include "daemon/io/child.h"
#include "daemon/io/exchange.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_time.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replies.h"
#include "tests/fuzz/version.h"

#define TEXT(s) ((char *)(uintptr_t)(s))

static struct deploy_env env;

/* --- in place of io/exchange and io/child: the answer as it is --- */

struct exchange_op {
	struct timer	 turn;
	exchange_done_cb *done;
	void		*arg;
};

struct child_op {
	struct timer	 turn;
	child_done_cb	*done;
	void		*arg;
};

struct exchange_op *__wrap_exchange_start(struct loop *,
    const struct exchange_args *, exchange_done_cb *, void *);
void __wrap_exchange_cancel(struct exchange_op *);
struct child_op *__wrap_child_start(struct children *,
    const struct child_args *, child_done_cb *, void *);
void __wrap_child_cancel(struct child_op *);

static void
exchange_cb(void *arg)
{
	struct exchange_op *op = arg;
	struct error err;
	size_t len;
	char *reply = replies_next(&len);

	if (reply == NULL) {
		(void)error_set(&err, ERR_TRANSIENT, "io:timeout", "/s: no "
		    "answer");
		op->done(&err, NULL, 0, op->arg);
	} else {
		op->done(NULL, reply, len, op->arg);
	}
	free(op);
}

struct exchange_op *
__wrap_exchange_start(struct loop *loop, const struct exchange_args *args,
    exchange_done_cb *done, void *arg)
{
	struct exchange_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, loop, exchange_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

void
__wrap_exchange_cancel(struct exchange_op *op)
{
	need(op == NULL);
}

static void
child_cb(void *arg)
{
	struct child_op *op = arg;
	struct child_reply reply = { .out = "", .errout = "" };
	char *out = replies_next(&reply.out_len);

	if (out != NULL)
		reply.out = out;
	op->done(NULL, &reply, op->arg);
	free(op);
}

struct child_op *
__wrap_child_start(struct children *children, const struct child_args *args,
    child_done_cb *done, void *arg)
{
	struct child_op *op = xcalloc(1, sizeof(*op));

	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, env.loop, child_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

void
__wrap_child_cancel(struct child_op *op)
{
	need(op == NULL);
}

/* --- in place of store/bundle: a leaf, whatever is asked for --- */

int __wrap_bundle_make(const char *, enum bundle_format, const char *,
    const char *, char **, size_t *, struct error *);

int
__wrap_bundle_make(const char *dir, enum bundle_format format,
    const char *name, const char *password, char **data, size_t *len,
    struct error *err)
{
	*data = xstrdup(version_leaf());
	*len = strlen(*data);
	return 0;
}

/* --- what is configured --- */

static struct sockaddr_un engine = { .sun_family = AF_UNIX };

static void
remove_engine(void)
{
	(void)unlink(engine.sun_path);
}

static char *words[] = { TEXT("nginx"), TEXT("-s"), NULL };
static char *boxes[] = { TEXT("a"), TEXT("b.1"), NULL };
static char *none[] = { NULL };
static struct conf_install copies[] = {
	{ .path = TEXT("/etc/x.pem"), .format = BUNDLE_COMBINED, .mode = 0640,
	    .uid = (uid_t)-1, .gid = (gid_t)-1 },
	{ .path = TEXT("/y.pem"), .format = BUNDLE_FULLCHAIN, .mode = 0644,
	    .uid = 101, .gid = 101 },
};
static struct conf_docker copy = { .socket = engine.sun_path,
    .containers = none, .label = TEXT("acmed=web"), .files = copies,
    .n_files = 2, .signal = TEXT("HUP"), .exec = none };
static struct conf_docker exec = { .socket = engine.sun_path,
    .containers = boxes, .exec = words };
static struct conf_kubernetes kubernetes = { .url = TEXT("https://k.test"),
    .namespace = TEXT("web"), .secret = TEXT("tls"),
    .token_is_open = true, .labels = none };
static struct conf_webhook webhook = { .url = TEXT("https://hook.test/x") };
static struct conf_haproxy haproxy = { .socket = TEXT("/run/haproxy"),
    .file = TEXT("/etc/x.pem") };

/* The docker step looks whether its socket is one. */
static void
begin(void)
{
	int fd;

	if (env.loop != NULL)
		return;
	env.loop = loop_new();
	env.http = (struct http *)env.loop;
	(void)text_printf(engine.sun_path, sizeof(engine.sun_path),
	    "/tmp/acmed-fuzz-%ld.sock", (long)getpid());
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(fd != -1 && bind(fd, (struct sockaddr *)&engine,
	    sizeof(engine)) == 0);
	(void)close(fd);
	(void)atexit(remove_engine);
	/* Its first line is one. */
	kubernetes.token_file = xasprintf("%s/cert.pem", version_dir());
}

static const struct step_of {
	const char	*name;
	const struct deploy_kind *kind;
	struct conf_deploy target;
	bool		 is_check;
} steps[] = {
	{ "kubernetes", &deploy_kubernetes, { .kubernetes = &kubernetes },
	    false },
	{ "webhook", &deploy_webhook, { .webhook = &webhook }, false },
	{ "docker-copy", &deploy_docker, { .docker = &copy }, false },
	{ "docker-exec", &deploy_docker, { .docker = &exec }, false },
	{ "docker-check", &deploy_docker, { .docker = &exec }, true },
	{ "haproxy", &deploy_haproxy, { .haproxy = &haproxy }, false },
};

/* --- a run --- */

static void
check_line(const char *line)
{
	for (const char *p = line; *p != '\0'; p++)
		need((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void
line_cb(const char *line, void *arg)
{
	check_line(line);
}

static void
done_cb(const struct error *err, void *arg)
{
	bool *is_over = arg;

	need(!*is_over);
	*is_over = true;
	if (err == NULL)
		return;
	check_error(err);
	need(strncmp(err->code, "deploy:", 7) == 0);
}

static void
journal_cb(const char *lines, void *arg)
{
	need(strlen(lines) < UNIT_LOG_MAX);
	check_line(lines);
	*(bool *)arg = true;
}

static void
run(const struct step_of *s)
{
	struct conf_name names[] = { { .name = TEXT(VERSION_NAME) } };
	struct conf_cert cert = { .name = TEXT(VERSION_NAME), .names = names,
	    .n_names = 1 };
	struct conf_deploy target = s->target;
	struct deploy_args a = { .env = &env, .cert = &cert,
	    .target = &target, .live_dir = version_dir(),
	    .version_dir = version_dir(), .serial = VERSION_SERIAL,
	    .is_check = s->is_check, .line = line_cb };
	bool is_over = false;

	target.name = "web";
	target.timeout_s = 600;
	(void)s->kind->start(&a, done_cb, &is_over);
	replies_run(&is_over);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = replies_begin(data, size);
	bool is_over = false;

	begin();
	fake_time_start(1800000000);
	env.gate = gate_new(&(struct gate_args){ .loop = env.loop });
	if (strcmp(name, "journal") == 0) {
		(void)unit_log_start(NULL, "web.service", 0, journal_cb,
		    &is_over);
		replies_run(&is_over);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(name, steps[i].name) == 0)
			run(&steps[i]);
	}
	gate_free(env.gate);
	return 0;
}
