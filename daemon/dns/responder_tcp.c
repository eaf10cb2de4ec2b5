/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/dns/responder_answer.h"
#include "daemon/dns/responder_limit.h"
#include "daemon/dns/responder_table.h"
#include "daemon/io/loop.h"

#define PREFIX 2			/* bytes that hold a message's length */
#define REPLY_MAX 65535

struct conn {
	TAILQ_ENTRY(conn) link;
	struct responder_tcp *tcp;
	int		 fd;
	struct fdwatch	 watch;
	struct timer	 idle;		/* from one whole query to the next */
	union {
		struct sockaddr	 sa;
		struct sockaddr_storage ss;
	} peer;
	unsigned	 n_queries;
	uint8_t		 in[PREFIX + RESPONDER_QUERY_MAX];
	size_t		 in_len;
	uint8_t		*out;		/* NULL: nothing to be sent */
	size_t		 out_len, out_at;
};

struct responder_tcp {
	struct loop	*loop;
	struct responder_table *table;
	struct responder_limit *limit;
	TAILQ_HEAD(, conn) conns;	/* oldest first */
	size_t		 n;
	unsigned	 idle_ms;
	uint8_t		 reply[PREFIX + REPLY_MAX];
};

static void
conn_free(struct conn *c)
{
	TAILQ_REMOVE(&c->tcp->conns, c, link);
	c->tcp->n--;
	fdwatch_clear(&c->watch);
	timer_clear(&c->idle);
	close(c->fd);
	free(c->out);
	free(c);
}

static void
idle_cb(void *arg)
{
	conn_free(arg);
}

/* -1: the connection is of no more use. */
static int
send_rest(struct conn *c)
{
	while (c->out_at < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_at,
		    c->out_len - c->out_at, MSG_NOSIGNAL);

		if (n == -1)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		c->out_at += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	return 0;
}

/* A whole query has come; likewise. */
static int
answer(struct conn *c, const uint8_t *query, size_t len)
{
	struct responder_tcp *t = c->tcp;
	size_t n;

	if (++c->n_queries > RESPONDER_TCP_EACH ||
	    !responder_limit_take(t->limit, &c->peer.sa, clock_mono_ms()))
		return -1;
	n = responder_answer(t->table, query, len, true, t->reply + PREFIX,
	    REPLY_MAX);
	if (n == 0)
		return -1;
	t->reply[0] = (uint8_t)(n >> 8);
	t->reply[1] = (uint8_t)n;
	c->out = xmemdup(t->reply, PREFIX + n);
	c->out_len = PREFIX + n;
	c->out_at = 0;
	timer_set(&c->idle, t->idle_ms);
	return send_rest(c);
}

/* Answer what is in the buffer, as long as answers can be sent. */
static int
work(struct conn *c)
{
	while (c->out == NULL && c->in_len >= PREFIX) {
		size_t len = (size_t)c->in[0] << 8 | c->in[1];

		if (len > RESPONDER_QUERY_MAX)
			return -1;
		if (c->in_len < PREFIX + len)
			break;
		if (answer(c, c->in + PREFIX, len) == -1)
			return -1;
		c->in_len -= PREFIX + len;
		memmove(c->in, c->in + PREFIX + len, c->in_len);
	}
	fdwatch_set(&c->watch, c->fd, c->out != NULL ? FD_WRITE : FD_READ);
	return 0;
}

static int
receive(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len,
	    sizeof(c->in) - c->in_len, 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	c->in_len += (size_t)n;
	return 0;
}

static void
ready_cb(int fd, unsigned what, void *arg)
{
	struct conn *c = arg;
	int rc = c->out != NULL ? send_rest(c) : receive(c);

	if (rc == -1 || work(c) == -1)
		conn_free(c);
}

struct responder_tcp *
responder_tcp_new(struct loop *loop, struct responder_table *table,
    struct responder_limit *limit)
{
	struct responder_tcp *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->table = table;
	t->limit = limit;
	t->idle_ms = RESPONDER_TCP_IDLE_MS;
	TAILQ_INIT(&t->conns);
	return t;
}

void
responder_tcp_free(struct responder_tcp *t)
{
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->conns))
		conn_free(TAILQ_FIRST(&t->conns));
	free(t);
}

void
responder_tcp_set_idle(struct responder_tcp *t, unsigned ms)
{
	t->idle_ms = ms;
}

size_t
responder_tcp_count(const struct responder_tcp *t)
{
	return t->n;
}

void
responder_tcp_serve(struct responder_tcp *t, int fd,
    const struct sockaddr *peer)
{
	struct conn *c;

	/* Whoever opens many and says nothing loses them first. */
	if (t->n >= RESPONDER_TCP_MAX)
		conn_free(TAILQ_FIRST(&t->conns));
	c = xcalloc(1, sizeof(*c));
	c->tcp = t;
	c->fd = fd;
	memcpy(&c->peer, peer, peer->sa_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	TAILQ_INSERT_TAIL(&t->conns, c, link);
	t->n++;
	fdwatch_init(&c->watch, t->loop, ready_cb, c);
	timer_init(&c->idle, t->loop, idle_cb, c);
	timer_set(&c->idle, t->idle_ms);
	fdwatch_set(&c->watch, fd, FD_READ);
}
