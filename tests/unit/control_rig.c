/* SPDX-License-Identifier: MIT */
#include "tests/unit/control_rig.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"

json_t *
reload_cb(void *arg, struct error *err, json_t *lines)
{
	struct crig *r = arg;

	if (!r->reload_fails)
		return json_pack("{s:[s], s:[], s:[]}", "added", "new.example",
		    "removed", "changed");
	(void)error_set(err, ERR_CONFIG, "conf:invalid", "2 mistakes");
	(void)json_array_append_new(lines, json_string("f:1: one"));
	(void)json_array_append_new(lines, json_string("f:2: two"));
	return NULL;
}

int
crig_setup(void **state)
{
	struct crig *r = xcalloc(1, sizeof(*r));
	struct error err;

	(void)text_printf(r->dir, sizeof(r->dir), "/tmp/acmed-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	(void)text_printf(r->path, sizeof(r->path), "%s/run/s", r->dir);
	r->loop = loop_new();
	r->engine = fake_engine_new();
	r->ctl = control_new(r->loop, r->engine, r->path, reload_cb,
	    r, &err);
	assert_non_null(r->ctl);
	*state = r;
	return 0;
}

int
crig_teardown(void **state)
{
	struct crig *r = *state;
	char sub[80];

	control_free(r->ctl);
	assert_int_equal(access(r->path, F_OK), -1);
	fake_engine_free(r->engine);
	loop_free(r->loop);
	(void)text_printf(sub, sizeof(sub), "%s/run", r->dir);
	(void)rmdir(sub);
	(void)rmdir(r->dir);
	free(r);
	return 0;
}

struct client *
client_new(struct crig *r)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	c->rig = r;
	(void)text_printf(sun.sun_path, sizeof(sun.sun_path), "%s", r->path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_return_code(connect(c->fd, (struct sockaddr *)&sun,
	    sizeof(sun)), errno);
	return c;
}

void
client_free(struct client *c)
{
	(void)close(c->fd);
	free(c);
}

void
turn(struct crig *r, struct client *c)
{
	ssize_t n;

	(void)event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
	if (c == NULL || c->eof)
		return;
	n = read(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len);
	if (n > 0)
		c->len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		c->eof = true;
	c->in[c->len] = '\0';
}

void
await(struct crig *r, struct client *c, const char *want)
{
	int64_t end = clock_mono_ms() + 5000;

	while (clock_mono_ms() < end) {
		turn(r, c);
		if (want != NULL ? strstr(c->in, want) != NULL : c->eof)
			return;
		if (c->eof)
			break;
		(void)poll(NULL, 0, 1);
	}
	fail_msg("no %s in: %s", want == NULL ? "end" : want, c->in);
}

void
run_for(struct crig *r, struct client *c, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end) {
		turn(r, c);
		(void)poll(NULL, 0, 1);
	}
}

void
say(struct client *c, const char *text)
{
	size_t left = strlen(text);
	ssize_t n;

	/* More than the socket takes at once; a server that has heard enough
	 * ends it. */
	while (left > 0) {
		n = write(c->fd, text, left);
		if (n == -1 && errno == EAGAIN) {
			turn(c->rig, c);
			continue;
		}
		if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
			return;
		assert_return_code(n, errno);
		text += n;
		left -= (size_t)n;
	}
}

void
say_request(struct client *c, const char *method, const char *path,
    const char *body)
{
	char *text = xasprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close"
	    "\r\nContent-Length: %zu\r\n\r\n%s", method, path, strlen(body),
	    body);

	say(c, text);
	free(text);
}

void
exchange(struct crig *r, const char *method, const char *path,
    const char *body, int status, const char *want)
{
	struct client *c = client_new(r);
	char head[32];

	(void)text_printf(head, sizeof(head), "HTTP/1.1 %d ", status);
	say_request(c, method, path, body);
	await(r, c, NULL);
	if (strncmp(c->in, head, strlen(head)) != 0 ||
	    strstr(c->in, want) == NULL)
		fail_msg("%s %s: no %d %s in: %s", method, path, status, want,
		    c->in);
	client_free(c);
}
