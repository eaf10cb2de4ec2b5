/* SPDX-License-Identifier: MIT */
#include "daemon/io/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/str.h"
#include "common/text.h"
#include "daemon/io/child_script.h"
#include "daemon/io/child_spawn.h"
#include "daemon/io/loop.h"

#define GRACE_MS 5000
#define LINE_SIZE 4096
#define CHUNK 16384
#define DRAIN_MAX (1024 * 1024)	/* after exit; a grandchild may go on */

/* One of stdout and stderr. */
struct stream {
	struct child_op	*op;
	struct fdwatch	 watch;
	int		 fd;
	bool		 is_stderr;
	struct str	 kept;		/* it may be a private key */
	char		*line;		/* LINE_SIZE; NULL: nobody asks */
	size_t		 line_len;
};

struct child_op {
	LIST_ENTRY(child_op) entry;
	struct children	*children;
	child_done_cb	*done;
	void		*arg;
	void		(*line)(const char *, bool, void *);
	unsigned	 lines;		/* told so far */
	pid_t		 pid;		/* 0: not started */
	struct error	*failed;	/* why */
	struct timer	 limit;
	unsigned	 grace_ms;
	size_t		 max_output;
	struct stream	 streams[2];
	struct fdwatch	 in_watch;
	int		 in_fd;
	char		*input;
	size_t		 input_len, input_off;
	int		 wstatus;
	bool		 has_exited;
	bool		 timed_out;
	bool		 has_cr;
	unsigned	 timeout_ms;
	bool		 in_callback;
	bool		 is_cancelled;	/* kept until it is reaped */
};

struct children {
	struct loop		*loop;
	struct sigwatch		 sigchld;
	LIST_HEAD(, child_op)	 ops;
};

static void
close_watched(struct fdwatch *w, int *fd)
{
	fdwatch_clear(w);
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* Everything but the entry in the list. */
static void
release(struct child_op *op)
{
	timer_clear(&op->limit);
	close_watched(&op->in_watch, &op->in_fd);
	freezero(op->input, op->input_len);
	op->input = NULL;
	for (int i = 0; i < 2; i++) {
		struct stream *s = &op->streams[i];

		close_watched(&s->watch, &s->fd);
		str_clear(&s->kept);
		freezero(s->line, LINE_SIZE);
		s->line = NULL;
	}
	free(op->failed);
	op->failed = NULL;
}

static void
op_free(struct child_op *op)
{
	release(op);
	LIST_REMOVE(op, entry);
	free(op);
}

static void
kill_group(const struct child_op *op, int signo)
{
	/* Without a group it has not got as far as making one. */
	if (kill(-op->pid, signo) == -1)
		(void)kill(op->pid, signo);
}

static void
tell(struct stream *s, const char *line)
{
	struct child_op *op = s->op;

	op->in_callback = true;
	op->line(line, s->is_stderr, op->arg);
	op->in_callback = false;
}

static void
emit_line(struct stream *s)
{
	struct child_op *op = s->op;

	if (op->lines > CHILD_LINES_MAX) {
		s->line_len = 0;
		return;
	}
	if (op->lines++ == CHILD_LINES_MAX) {
		s->line_len = 0;
		tell(s, "(there is more output, which is not shown)");
		return;
	}
	if (s->line_len > 0 && s->line[s->line_len - 1] == '\r')
		s->line_len--;
	for (size_t i = 0; i < s->line_len; i++) {
		if (s->line[i] == '\0')
			s->line[i] = ' ';
	}
	s->line[s->line_len] = '\0';
	s->line_len = 0;
	text_clean(s->line);
	tell(s, s->line);
}

static void
split_lines(struct stream *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !s->op->is_cancelled; i++) {
		if (data[i] == '\n')
			emit_line(s);
		else if (s->line_len < LINE_SIZE - 1)
			s->line[s->line_len++] = data[i];
	}
}

static void
keep(struct stream *s, const char *data, size_t len)
{
	size_t room = s->op->max_output - s->kept.len;

	if (len > room)
		len = room;
	if (len > 0)
		str_add(&s->kept, data, len);
}

/* Read what is there, at most max bytes. */
static void
read_some(struct stream *s, size_t max)
{
	char buf[CHUNK];
	size_t total = 0;

	while (total < max && s->fd != -1 && !s->op->is_cancelled) {
		ssize_t n = read(s->fd, buf, sizeof(buf));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n <= 0) {
			close_watched(&s->watch, &s->fd);
			break;
		}
		keep(s, buf, (size_t)n);
		if (s->line != NULL)
			split_lines(s, buf, (size_t)n);
		total += (size_t)n;
	}
	explicit_bzero(buf, sizeof(buf));
}

static void
readable_cb(int fd, unsigned what, void *arg)
{
	struct stream *s = arg;
	struct child_op *op = s->op;

	read_some(s, CHUNK);
	if (op->is_cancelled)
		release(op);	/* a line did it */
}

static void
writable_cb(int fd, unsigned what, void *arg)
{
	struct child_op *op = arg;
	ssize_t n = write(fd, op->input + op->input_off,
	    op->input_len - op->input_off);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		op->input_off += (size_t)n;
	/* EPIPE: it does not want to read more, which is its business. */
	if (n == -1 || op->input_off == op->input_len)
		close_watched(&op->in_watch, &op->in_fd);
}

/* The time is up; or the program could not be started at all. */
static void
limit_cb(void *arg)
{
	struct child_op *op = arg;

	if (op->failed != NULL) {
		op->done(op->failed, NULL, op->arg);
		op_free(op);
		return;
	}
	if (op->timed_out) {
		kill_group(op, SIGKILL);
		return;
	}
	op->timed_out = true;
	kill_group(op, SIGTERM);
	kill_group(op, SIGCONT);	/* a stopped one would not notice */
	timer_set(&op->limit, op->grace_ms);
}

static void
finish(struct child_op *op)
{
	struct child_reply r = { .status = -1, .timed_out = op->timed_out,
	    .has_cr = op->has_cr, .timeout_ms = op->timeout_ms };

	for (int i = 0; i < 2 && !op->is_cancelled; i++) {
		struct stream *s = &op->streams[i];

		read_some(s, DRAIN_MAX);
		if (s->line_len > 0 && !op->is_cancelled)
			emit_line(s);
	}
	if (!op->is_cancelled) {
		if (WIFEXITED(op->wstatus))
			r.status = WEXITSTATUS(op->wstatus);
		else
			r.signo = WTERMSIG(op->wstatus);
		r.out = str_text(&op->streams[0].kept);
		r.out_len = op->streams[0].kept.len;
		r.errout = str_text(&op->streams[1].kept);
		r.errout_len = op->streams[1].kept.len;
		timer_clear(&op->limit);
		op->done(NULL, &r, op->arg);
	}
	op_free(op);
}

static void
reap(struct child_op *op)
{
	siginfo_t info = { 0 };

	if (op->pid == 0 || op->has_exited ||
	    waitid(P_PID, (id_t)op->pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
		return;
	/* Before its number can be another's: whom TERM did not move. */
	if (op->timed_out)
		(void)kill(-op->pid, SIGKILL);
	(void)waitpid(op->pid, &op->wstatus, 0);
	op->has_exited = true;
}

/* Do those whose parents have ended become our children? */
static bool
is_reaper(void)
{
	int is_set = 0;

	return getpid() == 1 ||
	    (prctl(PR_GET_CHILD_SUBREAPER, &is_set) == 0 && is_set != 0);
}

/* What our programs have left behind: nobody else can let go of it. */
static void
reap_others(struct children *c)
{
	siginfo_t info = { 0 };
	struct child_op *op;

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid != 0) {
		LIST_FOREACH(op, &c->ops, entry) {
			if (op->pid == info.si_pid && !op->has_exited)
				break;
		}
		if (op != NULL)
			reap(op);	/* it has ended just now */
		else
			(void)waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

static void
sigchld_cb(void *arg)
{
	struct children *c = arg;
	struct child_op *op;

	LIST_FOREACH(op, &c->ops, entry)
		reap(op);
	if (is_reaper())
		reap_others(c);
	/* A done may start and cancel others: begin anew after each. */
	do {
		LIST_FOREACH(op, &c->ops, entry) {
			if (op->has_exited && !op->in_callback)
				break;
		}
		if (op != NULL)
			finish(op);
	} while (op != NULL);
}

struct children *
children_new(struct loop *loop)
{
	struct children *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	LIST_INIT(&c->ops);
	(void)signal(SIGPIPE, SIG_IGN);
	sigwatch_set(&c->sigchld, loop, SIGCHLD, sigchld_cb, c);
	return c;
}

void
children_free(struct children *c)
{
	if (c == NULL)
		return;
	sigwatch_clear(&c->sigchld);
	while (!LIST_EMPTY(&c->ops)) {
		struct child_op *op = LIST_FIRST(&c->ops);

		assert(op->is_cancelled);
		(void)waitpid(op->pid, NULL, WNOHANG);
		op_free(op);
	}
	free(c);
}

static void
watch_pipes(struct child_op *op, const int fds[3])
{
	op->in_fd = fds[0];
	if (op->in_fd != -1)
		fdwatch_set(&op->in_watch, op->in_fd, FD_WRITE);
	for (int i = 0; i < 2; i++) {
		op->streams[i].fd = fds[1 + i];
		fdwatch_set(&op->streams[i].watch, fds[1 + i], FD_READ);
	}
}

struct child_op *
child_start(struct children *c, const struct child_args *args,
    child_done_cb *done, void *arg)
{
	struct child_op *op = xcalloc(1, sizeof(*op));
	struct error err;
	int fds[3];

	op->children = c;
	op->done = done;
	op->arg = arg;
	op->line = args->line;
	op->max_output = args->max_output;
	op->grace_ms = args->grace_ms > 0 ? args->grace_ms : GRACE_MS;
	op->in_fd = -1;
	timer_init(&op->limit, c->loop, limit_cb, op);
	fdwatch_init(&op->in_watch, c->loop, writable_cb, op);
	for (int i = 0; i < 2; i++) {
		struct stream *s = &op->streams[i];

		s->op = op;
		s->fd = -1;
		s->is_stderr = i == 1;
		s->line = op->line != NULL ? xmalloc(LINE_SIZE) : NULL;
		fdwatch_init(&s->watch, c->loop, readable_cb, s);
	}
	LIST_INSERT_HEAD(&c->ops, op, entry);
	if (child_spawn(args, &op->pid, fds, &op->has_cr, &err) == -1) {
		op->pid = 0;
		op->failed = xmemdup(&err, sizeof(err));
		timer_set(&op->limit, 0);
		return op;
	}
	if (fds[0] != -1) {
		op->input = xmemdup(args->input, args->input_len);
		op->input_len = args->input_len;
	}
	watch_pipes(op, fds);
	op->timeout_ms = args->timeout_ms;
	timer_set(&op->limit, args->timeout_ms);
	return op;
}

void
child_cancel(struct child_op *op)
{
	if (op == NULL)
		return;
	op->is_cancelled = true;
	if (op->pid == 0) {
		op_free(op);
		return;
	}
	if (!op->has_exited)
		kill_group(op, SIGKILL);
	if (!op->in_callback)
		release(op);
}

/* The last line of text that is not empty; *len becomes what is before it. */
static int
last_line(const char *text, size_t *len, size_t *from)
{
	size_t end = *len;

	while (end > 0 && strchr("\r\n \t", text[end - 1]) != NULL)
		end--;
	for (*from = end; *from > 0 && text[*from - 1] != '\n'; (*from)--)
		;
	*len = *from;
	return (int)(end - *from);
}

/* Two lines: the last may only say where to read on, as systemctl's does. */
static void
last_lines(const char *text, size_t len, char *out, size_t size)
{
	size_t last, before;
	int last_len = last_line(text, &len, &last);
	int before_len = last_line(text, &len, &before);

	if (before_len == 0 || (size_t)before_len + (size_t)last_len +
	    strlen(" | ") >= size)
		(void)text_printf(out, size, "%.*s", last_len, text + last);
	else
		(void)text_printf(out, size, "%.*s | %.*s", before_len,
		    text + before, last_len, text + last);
}

void
child_keep_last(char last[CHILD_LAST_MAX], const char *line)
{
	if (line[strspn(line, " \t\r")] != '\0')
		(void)text_printf(last, CHILD_LAST_MAX, "%s", line);
}

void
child_blame(const struct child_reply *r, const char last[CHILD_LAST_MAX],
    struct error *err)
{
	size_t used = strlen(err->msg);

	if (r->errout_len == 0 && last[0] != '\0')
		(void)text_printf(err->msg + used, sizeof(err->msg) - used,
		    ": %s", last);
}

int
child_check(const struct child_reply *r, const char *program,
    struct error *err)
{
	char last[512], mend[600] = "";
	const char *colon;

	if (!r->timed_out && r->status == 0)
		return 0;
	last_lines(r->errout, r->errout_len, last, sizeof(last));
	colon = last[0] != '\0' ? ": " : "";
	if (r->has_cr)
		(void)text_printf(mend, sizeof(mend), " (its lines end in CR "
		    "LF: " CHILD_SCRIPT_MEND "%s)", program);
	if (r->timed_out)
		return error_set(err, ERR_TRANSIENT, "child:timeout",
		    "%s did not end within %g s%s%s", program,
		    r->timeout_ms / 1000.0, colon, last);
	if (r->signo != 0)
		return error_set(err, ERR_TRANSIENT, "child:signal",
		    "%s was ended by signal %d (%s)%s%s", program, r->signo,
		    strsignal(r->signo), colon, last);
	return error_set(err, ERR_TRANSIENT, "child:status",
	    "%s exited with status %d%s%s%s", program, r->status, colon,
	    last, mend);
}
