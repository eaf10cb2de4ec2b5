/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/docker.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "common/whoami.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/docker_list.h"
#include "daemon/deploy/docker_stream.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/step.h"
#include "daemon/deploy/tar.h"
#include "daemon/rest/run.h"
#include "daemon/store/bundle.h"

#define NEWEST_API	56		/* 1.56, which this was written for */
#define REPLY_MAX	(4 * 1024 * 1024)
#define OUTPUT_LINES	50		/* of a command that are shown */
#define LOOK_MS		200		/* has it ended? */
#define MAX_LOOKS	50

struct docker_op {
	struct step	 s;
	struct gate_op	*gate;		/* it may make a server read */
	struct rest_op	*rest;
	unsigned	 api;		/* 1.api is spoken */
	struct docker_list list;
	/* Of the step under way: */
	size_t		 at;		/* the container */
	size_t		 file;		/* copy: the first of its directory */
	char		*exec;		/* the command's ID; NULL: none yet */
	bool		 has_run;
	unsigned	 looks;
	char		 last[DOCKER_STREAM_LINE_MAX];	/* it printed */
};

static const struct conf_docker *
docker_of(const struct docker_op *op)
{
	return op->s.a.target->docker;
}

static const char *
box_name(const struct docker_op *op)
{
	return op->list.boxes[op->at].name;
}

/* --- requests --- */

/* "/v1.44/WHAT" */
static void
start(const struct docker_op *op, struct preq *rq, const char *method,
    const char *what)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/v1.%u/%s", op->api, what);
	preq_start(rq, method, path);
}

/* "/v1.44/containers/NAME/WHAT" */
static void
start_at(const struct docker_op *op, struct preq *rq, const char *method,
    const char *what)
{
	start(op, rq, method, "containers");
	preq_path(rq, op->list.boxes[op->at].path);
	preq_path(rq, what);
}

/* The same step for the next container, or the next step. */
static enum rest_next
next_box(struct docker_op *op)
{
	if (++op->at < op->list.n)
		return REST_AGAIN;
	op->at = 0;
	return REST_NEXT;
}

static int
malformed(const struct docker_op *op, const char *what, struct error *err)
{
	return error_set(err, ERR_TRANSIENT, "", "%s: the answer has no %s",
	    docker_of(op)->socket, what);
}

/* --- ping: what does the engine speak? --- */

/* What curl says of it is not what to do. */
static int
check_socket(const char *path, struct error *err)
{
	struct stat st;
	char *text;

	if (stat(path, &st) == -1)
		return errno == ENOENT || errno == ENOTDIR ?
		    error_set(err, ERR_TRANSIENT, "", "%s is not there: does "
		    "the engine run?", path) :
		    error_set(err, ERR_CONFIG, "", "user %s cannot reach %s: "
		    "%s", whoami_user(), path, strerror(errno));
	text = access_describe(path, &st);
	if (!S_ISSOCK(st.st_mode))
		(void)error_set(err, ERR_CONFIG, "", "%s is no socket: "
		    "let socket name the engine's", text);
	else if (access(path, R_OK | W_OK) == -1)
		(void)error_set(err, ERR_CONFIG, "", "user %s may not use %s: "
		    "let it through a proxy that allows only what is needed, "
		    "or into the socket's group, which is as good as root "
		    "(SupplementaryGroups= of the unit)", whoami_user(), text);
	else
		err = NULL;
	free(text);
	return err == NULL ? 0 : -1;
}

static int
ping(void *user, struct preq *rq, struct error *err)
{
	const struct docker_op *op = user;

	if (check_socket(docker_of(op)->socket, err) == -1)
		return -1;
	preq_start(rq, "GET", "/_ping");
	return 0;
}

/* The older of the engine's version and ours. */
static enum rest_next
pinged(void *user, const struct rest_answer *a, struct error *err)
{
	struct docker_op *op = user;
	const char *v = rest_header(a, "Api-Version");
	size_t n = v != NULL && strncmp(v, "1.", 2) == 0 ?
	    strspn(v + 2, "0123456789") : 0;

	if (n == 0 || n > 4 || v[2 + n] != '\0') {
		(void)malformed(op, "Api-Version 1.N: it is no engine of "
		    "containers", err);
		return REST_FAIL;
	}
	op->api = (unsigned)strtoul(v + 2, NULL, 10);
	if (op->api > NEWEST_API)
		op->api = NEWEST_API;
	return REST_NEXT;
}

/* --- find --- */

static int
find(void *user, struct preq *rq, struct error *err)
{
	const struct docker_op *op = user;
	char *filter = docker_list_filter(docker_of(op));

	start(op, rq, "GET", "containers/json");
	preq_query(rq, "all", "1");
	preq_query(rq, "filters", filter);
	free(filter);
	return 0;
}

static enum rest_next
found(void *user, const struct rest_answer *a, struct error *err)
{
	struct docker_op *op = user;

	if (docker_list_read(&op->list, docker_of(op), a->json, err) == -1)
		return REST_FAIL;
	return op->s.a.is_check ? REST_DONE : REST_NEXT;
}

/* --- copy: one archive for each directory --- */

static size_t
dir_len(const struct conf_install *f)
{
	size_t n = (size_t)(strrchr(f->path, '/') - f->path);

	return n == 0 ? 1 : n;
}

static bool
is_same_dir(const struct conf_install *a, const struct conf_install *b)
{
	return dir_len(a) == dir_len(b) &&
	    strncmp(a->path, b->path, dir_len(a)) == 0;
}

static int
add_file(const struct deploy_args *a, const struct conf_install *f,
    struct tar *t, struct error *err)
{
	char *data;
	size_t len;

	if (bundle_make_file(a->version_dir, f, a->cert->name, &data, &len,
	    err) == -1)
		return -1;
	tar_add(t, &(struct tar_file){ .name = strrchr(f->path, '/') + 1,
	    .data = data, .len = len, .mode = f->mode,
	    .uid = f->uid == (uid_t)-1 ? 0 : f->uid,
	    .gid = f->gid == (gid_t)-1 ? 0 : f->gid, .mtime = clock_now() });
	freezero(data, len);
	return 0;
}

static int
copy(void *user, struct preq *rq, struct error *err)
{
	const struct docker_op *op = user;
	const struct conf_docker *k = docker_of(op);
	const struct conf_install *first;
	struct tar t = { 0 };
	size_t n = 0;
	char *dir;

	if (k->n_files == 0)
		return 0;
	first = &k->files[op->file];
	for (size_t i = op->file; i < k->n_files; i++) {
		if (!is_same_dir(first, &k->files[i]))
			continue;
		if (add_file(&op->s.a, &k->files[i], &t, err) == -1) {
			tar_clear(&t);
			return -1;
		}
		n++;
	}
	tar_end(&t);
	dir = xstrndup(first->path, dir_len(first));
	step_say(&op->s, "%s: copying %zu file%s to %s", box_name(op), n,
	    n == 1 ? "" : "s", dir);
	start_at(op, rq, "PUT", "archive");
	preq_query(rq, "path", dir);
	preq_query(rq, "noOverwriteDirNonDir", "1");
	/* Of the archive, not the container's user. */
	preq_query(rq, "copyUIDGID", "0");
	preq_body(rq, t.data, t.len, "application/x-tar");
	free(dir);
	tar_clear(&t);
	return 0;
}

/* The next file whose directory has not been; 0: there is none. */
static size_t
next_dir(const struct conf_docker *k, size_t i)
{
	for (i++; i < k->n_files; i++) {
		size_t j = 0;

		while (j < i && !is_same_dir(&k->files[j], &k->files[i]))
			j++;
		if (j == i)
			return i;
	}
	return 0;
}

static enum rest_next
copied(void *user, const struct rest_answer *a, struct error *err)
{
	struct docker_op *op = user;

	op->file = next_dir(docker_of(op), op->file);
	return op->file != 0 ? REST_AGAIN : next_box(op);
}

/* --- signal, restart --- */

static int
send_signal(void *user, struct preq *rq, struct error *err)
{
	const struct docker_op *op = user;

	if (docker_of(op)->signal == NULL)
		return 0;
	step_say(&op->s, "%s: signal %s", box_name(op),
	    docker_of(op)->signal);
	start_at(op, rq, "POST", "kill");
	preq_query(rq, "signal", docker_of(op)->signal);
	return 0;
}

/* It is stopped as long as it says itself. */
static int
restart(void *user, struct preq *rq, struct error *err)
{
	const struct docker_op *op = user;

	if (!docker_of(op)->restart)
		return 0;
	step_say(&op->s, "%s: restarting", box_name(op));
	start_at(op, rq, "POST", "restart");
	return 0;
}

static enum rest_next
box_done(void *user, const struct rest_answer *a, struct error *err)
{
	return next_box(user);
}

/* --- exec: made, run, looked at; one container after the other --- */

static json_t *
command(const struct conf_docker *k)
{
	json_t *argv = json_array();

	for (char **p = k->exec; *p != NULL; p++)
		(void)json_array_append_new(argv, json_string(*p));
	return json_pack("{s:o, s:b, s:b}", "Cmd", argv, "AttachStdout", 1,
	    "AttachStderr", 1);
}

static int
exec_next(void *user, struct preq *rq, struct error *err)
{
	struct docker_op *op = user;
	const struct conf_docker *k = docker_of(op);

	if (k->exec[0] == NULL)
		return 0;
	if (op->exec == NULL) {
		step_say(&op->s, "%s: running %s", box_name(op), k->exec[0]);
		start_at(op, rq, "POST", "exec");
		preq_json(rq, command(k));
		return 0;
	}
	start(op, rq, op->has_run ? "GET" : "POST", "exec");
	preq_path(rq, op->exec);
	preq_path(rq, op->has_run ? "json" : "start");
	if (!op->has_run)
		preq_json(rq, json_pack("{s:b, s:b}", "Detach", 0, "Tty", 0));
	else if (op->looks > 0)
		preq_wait(rq, LOOK_MS);
	return 0;
}

static void
exec_line(const char *line, void *arg)
{
	struct docker_op *op = arg;

	(void)text_printf(op->last, sizeof(op->last), "%s", line);
	step_say(&op->s, "%s: %s", box_name(op), line);
}

static void
exec_clear(struct docker_op *op)
{
	free(op->exec);
	op->exec = NULL;
	op->has_run = false;
	op->looks = 0;
	op->last[0] = '\0';
}

static enum rest_next
exec_created(struct docker_op *op, const struct rest_answer *a,
    struct error *err)
{
	const char *id = jsonx_str(a->json, "Id");

	if (!docker_is_id(id)) {
		(void)malformed(op, "Id of a command", err);
		return REST_FAIL;
	}
	op->exec = xstrdup(id);
	return REST_AGAIN;
}

static enum rest_next
exec_ended(struct docker_op *op, int64_t code, struct error *err)
{
	if (code == 0) {
		exec_clear(op);
		return next_box(op);
	}
	/* 126 and 127: it is no program, or not there. */
	(void)error_set(err, code == 126 || code == 127 ? ERR_CONFIG :
	    ERR_TRANSIENT, "", "container \"%s\": %s exited with status "
	    "%lld%s%s", box_name(op), docker_of(op)->exec[0], (long long)code,
	    op->last[0] != '\0' ? ": " : "", op->last);
	return REST_FAIL;
}

static enum rest_next
exec_looked(struct docker_op *op, const struct rest_answer *a,
    struct error *err)
{
	const json_t *running = json_object_get(a->json, "Running");
	const json_t *code = json_object_get(a->json, "ExitCode");

	if (json_is_false(running) && json_is_integer(code))
		return exec_ended(op, json_integer_value(code), err);
	if (!json_is_boolean(running)) {
		(void)malformed(op, "state of the command", err);
		return REST_FAIL;
	}
	/* Its output has ended. */
	if (++op->looks <= MAX_LOOKS)
		return REST_AGAIN;
	(void)error_set(err, ERR_TRANSIENT, "", "container \"%s\": %s closed "
	    "its output, but does not end", box_name(op),
	    docker_of(op)->exec[0]);
	return REST_FAIL;
}

static enum rest_next
exec_answered(void *user, const struct rest_answer *a, struct error *err)
{
	struct docker_op *op = user;

	if (op->exec == NULL)
		return exec_created(op, a, err);
	if (op->has_run)
		return exec_looked(op, a, err);
	op->has_run = true;
	if (docker_stream_read(a->body, a->body_len, OUTPUT_LINES, exec_line,
	    op) == -1) {
		(void)malformed(op, "well-formed stream of output", err);
		return REST_FAIL;
	}
	return REST_AGAIN;
}

/* --- the operation --- */

static const struct rest_step steps[] = {
	{ .name = "ping", .request = ping, .reply = pinged },
	{ .name = "find", .request = find, .reply = found },
	{ .name = "copy", .request = copy, .reply = copied },
	{ .name = "signal", .request = send_signal, .reply = box_done },
	{ .name = "restart", .request = restart, .reply = box_done },
	{ .name = "exec", .request = exec_next, .reply = exec_answered },
	{ .name = NULL }
};

/* 404: it went a moment ago, or a path is not there; 409 and podman's 500: it
 * does not run. */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const struct docker_op *op = user;
	char words[REST_WORDS_MAX];
	bool has_box = op->at < op->list.n;

	rest_vendor_words(a, words);
	(void)error_set(err, a->status == 408 || a->status == 409 ||
	    a->status == 429 || a->status >= 500 ? ERR_TRANSIENT : ERR_CONFIG,
	    "", "%s: %s%s%sthe engine answers %d%s%s", docker_of(op)->socket,
	    has_box ? "container \"" : "", has_box ? box_name(op) : "",
	    has_box ? "\": " : "", a->status, words[0] != '\0' ? ": " : "",
	    words);
}

static void
docker_cancel(void *arg)
{
	struct docker_op *op = arg;

	step_clear(&op->s);
	gate_end(op->gate);
	rest_cancel(op->rest);
	exec_clear(op);
	docker_list_clear(&op->list);
	free(op);
}

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct docker_op *op = arg;

	op->rest = NULL;
	step_tell(&op->s, "docker", end == REST_DONE ? NULL : err);
	docker_cancel(op);
}

static void
begin_rest(void *arg)
{
	struct docker_op *op = arg;

	op->rest = rest_start(&(struct rest_args){
	    .loop = op->s.a.env->loop, .http = op->s.a.env->http,
	    .steps = steps, .user = op, .base_url = "http://localhost",
	    .unix_socket = docker_of(op)->socket, .max_reply = REPLY_MAX,
	    .timeout_ms = op->s.a.target->timeout_s * 1000,
	    .plain_text = true, .failed = failed }, rest_done, op);
}

/* Files that it has from this machine are read at a signal. */
static void
docker_begin(void *arg)
{
	struct docker_op *op = arg;
	const struct conf_docker *k = docker_of(op);

	if (op->s.a.is_check || (k->signal == NULL && !k->restart &&
	    k->exec[0] == NULL))
		begin_rest(op);
	else
		op->gate = gate_read_start(op->s.a.env->gate, "docker",
		    begin_rest, op);
}

static void *
docker_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct docker_op *op = xcalloc(1, sizeof(*op));

	step_init(&op->s, a, docker_begin, op, done, arg);
	return op;
}

static bool
docker_is_wanted(const struct deploy_args *a)
{
	return a->target->docker != NULL;
}

const struct deploy_kind deploy_docker = {
	.name = "docker",
	.is_wanted = docker_is_wanted,
	.start = docker_start,
	.cancel = docker_cancel,
	.start_checks = true,
};
