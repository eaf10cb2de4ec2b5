/* SPDX-License-Identifier: MIT */
#include "daemon/io/exchange.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"

union address {
	struct sockaddr	 sa;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct exchange_op {
	struct timer	 begin, timeout;
	struct fdwatch	 watch;
	int		 fd;		/* -1: none */
	char		*address;
	char		*data;
	size_t		 len, sent;
	char		*reply;
	size_t		 reply_len, max_reply;
	unsigned	 timeout_ms;
	exchange_done_cb *done;
	void		*arg;
};

void
exchange_cancel(struct exchange_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->begin);
	timer_clear(&op->timeout);
	fdwatch_clear(&op->watch);
	if (op->fd != -1)
		(void)close(op->fd);
	freezero(op->data, op->len);
	free(op->reply);
	free(op->address);
	free(op);
}

static void
finish(struct exchange_op *op, const struct error *err)
{
	if (err == NULL)
		op->reply[op->reply_len] = '\0';
	op->done(err, err == NULL ? op->reply : NULL,
	    err == NULL ? op->reply_len : 0, op->arg);
	exchange_cancel(op);
}

static void
fail(struct exchange_op *op, enum err_kind kind, const char *code,
    const char *why)
{
	struct error err;

	(void)error_set(&err, kind, code, "%s: %s", op->address, why);
	finish(op, &err);
}

/* The length of the address, or 0. */
static socklen_t
parse_address(const char *s, union address *a)
{
	const char *colon = strrchr(s, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t n;
	long port;
	char *end;

	memset(a, 0, sizeof(*a));
	if (s[0] == '/') {
		a->un.sun_family = AF_UNIX;
		return text_printf(a->un.sun_path, sizeof(a->un.sun_path),
		    "%s", s) ? sizeof(a->un) : 0;
	}
	if (colon == NULL || !text_printf(host, sizeof(host), "%.*s",
	    (int)(colon - s), s))
		return 0;
	port = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || port < 1 || port > 65535)
		return 0;
	n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host + 1, &a->in6.sin6_addr) == 1 ?
		    sizeof(a->in6) : 0;
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, host, &a->in.sin_addr) == 1 ?
	    sizeof(a->in) : 0;
}

bool
exchange_is_address(const char *s)
{
	union address a;

	return parse_address(s, &a) != 0;
}

/* 1: all is sent; 0: later; -1: op is gone. */
static int
send_some(struct exchange_op *op)
{
	while (op->sent < op->len) {
		ssize_t n = send(op->fd, op->data + op->sent,
		    op->len - op->sent, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == ENOTCONN))
			return 0;
		if (n == -1) {
			fail(op, ERR_TRANSIENT, op->sent == 0 ? "io:connect" :
			    "io:io", strerror(errno));
			return -1;
		}
		op->sent += (size_t)n;
	}
	return 1;
}

static void
receive_some(struct exchange_op *op)
{
	for (;;) {
		ssize_t n;

		if (op->reply_len == op->max_reply) {
			fail(op, ERR_REJECTED, "io:too-large",
			    "its answer does not end");
			return;
		}
		n = recv(op->fd, op->reply + op->reply_len,
		    op->max_reply - op->reply_len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			fail(op, ERR_TRANSIENT, "io:io", strerror(errno));
			return;
		}
		if (n == 0) {
			finish(op, NULL);
			return;
		}
		op->reply_len += (size_t)n;
	}
}

static void
ready(int fd, unsigned what, void *arg)
{
	struct exchange_op *op = arg;
	int no = 0;
	socklen_t len = sizeof(no);

	if (op->sent == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &no,
	    &len) == 0 && no != 0) {
		fail(op, ERR_TRANSIENT, "io:connect", strerror(no));
		return;
	}
	if (op->sent < op->len && (what & FD_WRITE) != 0) {
		switch (send_some(op)) {
		case -1:
			return;
		case 1:
			fdwatch_set(&op->watch, op->fd, FD_READ);
		}
	}
	if ((what & FD_READ) != 0)
		receive_some(op);
}

static void
begin_cb(void *arg)
{
	struct exchange_op *op = arg;
	union address a;
	socklen_t len = parse_address(op->address, &a);

	if (len == 0) {
		fail(op, ERR_CONFIG, "io:address", "not the path of a socket, "
		    "nor ADDRESS:PORT");
		return;
	}
	op->fd = socket(a.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (op->fd == -1 || (connect(op->fd, &a.sa, len) == -1 &&
	    errno != EINPROGRESS)) {
		fail(op, ERR_TRANSIENT, "io:connect", strerror(errno));
		return;
	}
	fdwatch_set(&op->watch, op->fd, FD_READ | FD_WRITE);
}

static void
timeout_cb(void *arg)
{
	struct exchange_op *op = arg;
	char why[80];

	(void)text_printf(why, sizeof(why), "no answer within %u s",
	    op->timeout_ms / 1000);
	fail(op, ERR_TRANSIENT, "io:timeout", why);
}

struct exchange_op *
exchange_start(struct loop *loop, const struct exchange_args *a,
    exchange_done_cb *done, void *arg)
{
	struct exchange_op *op = xcalloc(1, sizeof(*op));

	op->fd = -1;
	op->address = xstrdup(a->address);
	op->data = xmemdup(a->data, a->len);
	op->len = a->len;
	op->max_reply = a->max_reply;
	op->reply = xmalloc(a->max_reply + 1);
	op->timeout_ms = a->timeout_ms;
	op->done = done;
	op->arg = arg;
	timer_init(&op->begin, loop, begin_cb, op);
	timer_init(&op->timeout, loop, timeout_cb, op);
	fdwatch_init(&op->watch, loop, ready, op);
	timer_set(&op->begin, 0);
	timer_set(&op->timeout, a->timeout_ms);
	return op;
}
