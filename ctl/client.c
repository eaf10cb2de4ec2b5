/* SPDX-License-Identifier: MIT */
#include "ctl/client.h"

#include <sys/signalfd.h>

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

enum {
	LINE_MAX_LEN = 1 << 20,
	BODY_MAX_LEN = 512 << 20,	/* 100,000 certificates: 80 MB */
	/* The daemon sends a sign of life each 30 s. */
	SILENCE_MS = 100000,
	POLL_MS = 1000,
	TICK_MS = 200
};

struct call {
	const struct client_request *request;
	CURL		*easy;
	char		*buf;		/* the body, or the line begun */
	size_t		 len, size;
	int64_t		 heard_ms;
	bool		 bad;		/* *err says what */
	struct error	*err;
};

static int
append(struct call *c, const char *data, size_t len, size_t max)
{
	if (len > max || c->len > max - len) {
		c->bad = true;
		return error_set(c->err, ERR_REJECTED, CLIENT_REPLY,
		    "acmed's reply is too long");
	}
	if (c->len + len >= c->size) {
		c->size = (c->len + len) * 2 + 1;
		c->buf = xreallocarray(c->buf, c->size, 1);
	}
	memcpy(c->buf + c->len, data, len);
	c->len += len;
	c->buf[c->len] = '\0';
	return 0;
}

/* A whole line; an empty one only says that the daemon lives. */
static int
take_line(struct call *c)
{
	json_t *line;

	if (c->len == 0)
		return 0;
	if (c->request->text != NULL) {
		size_t len = c->len;

		c->len = 0;
		c->bad = c->request->text(c->buf, len, c->request->arg,
		    c->err) == -1;
		return c->bad ? -1 : 0;
	}
	line = jsonx_parse(c->buf, c->len, c->err);
	c->len = 0;
	if (line == NULL) {
		c->bad = true;
		return error_wrap(c->err, "acmed's reply");
	}
	c->request->line(line, c->request->arg);
	json_decref(line);
	return 0;
}

static int
take_lines(struct call *c, const char *data, size_t len)
{
	/* What is no stream may be one line. */
	size_t max = c->request->line != NULL ? LINE_MAX_LEN : BODY_MAX_LEN;

	while (len > 0) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl == NULL ? len : (size_t)(nl - data);

		if (append(c, data, n, max) == -1)
			return -1;
		if (nl == NULL)
			return 0;
		if (take_line(c) == -1)
			return -1;
		data += n + 1;
		len -= n + 1;
	}
	return 0;
}

static bool
is_stream(struct call *c)
{
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return (c->request->line != NULL || c->request->text != NULL) &&
	    status == 200;
}

static size_t
body_cb(char *data, size_t one, size_t len, void *arg)
{
	struct call *c = arg;

	c->heard_ms = clock_mono_ms();
	if ((is_stream(c) ? take_lines(c, data, len) :
	    append(c, data, len, BODY_MAX_LEN)) == -1)
		return CURL_WRITEFUNC_ERROR;
	return len;
}

/* Why it did not start, as it left it beside its socket; NULL: it did. */
static char *
failed_start(const char *socket)
{
	char *path = xasprintf("%s" API_FAILED_SUFFIX, socket), *text = NULL;
	struct error ignored;
	size_t len;

	if (file_read(AT_FDCWD, path, API_FAILED_MAX, &text, &len,
	    &ignored) == -1)
		text = NULL;
	free(path);
	if (text != NULL)
		text_clean(text);
	return text;
}

static int
not_running(struct error *err, const char *path, const char *why)
{
	char *said = failed_start(path);

	if (said != NULL) {
		(void)error_set(err, ERR_CONFIG, CLIENT_NOT_RUNNING,
		    "acmed is not running, for it could not start: %s "
		    "(`systemctl status acmed` tells more, `systemctl start "
		    "acmed` tries again)", said);
		free(said);
		return -1;
	}
	return error_set(err, ERR_CONFIG, CLIENT_NOT_RUNNING,
	    "acmed is not running (%s %s): `systemctl status acmed` tells "
	    "why, `systemctl start acmed` starts it", why, path);
}

static int
connect_error(const struct call *c, long os_errno, const char *text)
{
	const char *path = c->request->socket;

	/* Some failures of connect() reach us without their errno. */
	if (os_errno == 0 && access(path, W_OK) == -1)
		os_errno = errno;
	switch (os_errno) {
	case ENOENT:
	case ENOTDIR:
		return not_running(c->err, path, "no socket at");
	case ECONNREFUSED:
		return not_running(c->err, path, "nobody listens at");
	case EACCES:
	case EPERM:
		return error_set(c->err, ERR_CONFIG, CLIENT_DENIED,
		    "permission denied on %s: be root or a member of the "
		    "group acmed", path);
	default:
		return error_set(c->err, ERR_CONFIG, CLIENT_NOT_RUNNING,
		    "cannot connect to %s: %s", path,
		    os_errno != 0 ? strerror((int)os_errno) : text);
	}
}

static int
transfer_error(const struct call *c, CURLcode rc)
{
	long os_errno = 0;

	if (c->bad)
		return -1;
	(void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (rc == CURLE_COULDNT_CONNECT)
		return connect_error(c, os_errno, curl_easy_strerror(rc));
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return error_set(c->err, ERR_TRANSIENT, CLIENT_LOST,
		    "acmed does not answer on %s", c->request->socket);
	return error_set(c->err, ERR_TRANSIENT, CLIENT_LOST,
	    "acmed ended the connection: it was stopped, or it crashed "
	    "(journalctl -u acmed)");
}

/* Run it to its end; sig_fd tells of Ctrl-C. */
static int
drive(struct call *c, CURLM *multi, int sig_fd)
{
	struct curl_waitfd wait = { .fd = sig_fd, .events = CURL_WAIT_POLLIN };
	int running = 1, n;
	CURLMsg *msg;

	c->heard_ms = clock_mono_ms();
	for (;;) {
		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return transfer_error(c, CURLE_RECV_ERROR);
		if (running == 0)
			break;
		(void)curl_multi_poll(multi, &wait, sig_fd == -1 ? 0 : 1,
		    c->request->tick != NULL ? TICK_MS : POLL_MS, NULL);
		if (sig_fd != -1 && (wait.revents & CURL_WAIT_POLLIN) != 0)
			return error_set(c->err, ERR_NONE, CLIENT_INTERRUPTED,
			    "interrupted");
		if (c->request->tick != NULL)
			c->request->tick(c->request->arg);
		if (clock_mono_ms() - c->heard_ms > SILENCE_MS)
			return transfer_error(c, CURLE_OPERATION_TIMEDOUT);
	}
	msg = curl_multi_info_read(multi, &n);
	if (msg == NULL || msg->data.result != CURLE_OK)
		return transfer_error(c, msg == NULL ? CURLE_RECV_ERROR :
		    msg->data.result);
	return 0;
}

static int
take_reply(struct call *c, struct client_reply *reply)
{
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	*reply = (struct client_reply){ .status = (int)status };
	if (is_stream(c))
		return 0;
	reply->body = jsonx_parse(c->buf == NULL ? "" : c->buf, c->len,
	    c->err);
	if (reply->body != NULL)
		return 0;
	return error_set(c->err, ERR_REJECTED, CLIENT_REPLY,
	    "the reply on %s is not acmed's (status %ld)", c->request->socket,
	    status);
}

static void
set_options(struct call *c, const char *url, const char *body)
{
	CURL *e = c->easy;

	(void)curl_easy_setopt(e, CURLOPT_URL, url);
	(void)curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH,
	    c->request->socket);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http");
	/* $http_proxy is not for this. */
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->request->method);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, body_cb);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	if (strcmp(c->request->method, "POST") == 0)
		(void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS,
		    body == NULL ? "" : body);
}

/* Ctrl-C arrives on a descriptor instead; -1 if that cannot be had. */
static int
catch_sigint(sigset_t *old)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, old);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd == -1)
		(void)sigprocmask(SIG_SETMASK, old, NULL);
	return fd;
}

int
client_call(const struct client_request *request, struct client_reply *reply,
    struct error *err)
{
	struct call c = { .request = request, .err = err };
	CURLM *multi = curl_multi_init();
	struct curl_slist *headers;
	char *url = xasprintf("http://acmed%s", request->path);
	char *body = request->body == NULL ? NULL :
	    json_dumps(request->body, JSON_COMPACT);
	int sig_fd = -1, rc;
	sigset_t old;

	c.easy = curl_easy_init();
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (multi == NULL || c.easy == NULL || headers == NULL)
		abort();
	set_options(&c, url, body);
	(void)curl_easy_setopt(c.easy, CURLOPT_HTTPHEADER, headers);
	if (request->line != NULL)
		sig_fd = catch_sigint(&old);
	(void)curl_multi_add_handle(multi, c.easy);
	rc = drive(&c, multi, sig_fd);
	if (rc == 0)
		rc = take_reply(&c, reply);
	(void)curl_multi_remove_handle(multi, c.easy);
	if (sig_fd != -1) {
		(void)close(sig_fd);
		/* An interrupt is ours by now: not to be delivered again. */
		(void)signal(SIGINT, SIG_IGN);
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
	}
	curl_easy_cleanup(c.easy);
	(void)curl_multi_cleanup(multi);
	curl_slist_free_all(headers);
	free(c.buf);
	free(body);
	free(url);
	return rc;
}

void
client_reply_clear(struct client_reply *reply)
{
	json_decref(reply->body);
	reply->body = NULL;
}

char *
client_path(const char *prefix, const char *name)
{
	char *escaped = curl_easy_escape(NULL, name, 0), *path;

	if (escaped == NULL)
		abort();
	path = xasprintf("%s%s", prefix, escaped);
	curl_free(escaped);
	return path;
}
