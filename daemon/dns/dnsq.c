/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dnsq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/io/loop.h"

/* We announce no EDNS, so that honest replies have at most 512 bytes. */
#define UDP_MAX 4096
#define TCP_PREFIX 2			/* bytes: the length of the message */
enum { FLAG_AD = 0x20, FLAG_CD = 0x10 };	/* of a header's byte 3 */

struct dnsq_op {
	struct loop		*loop;
	dnsq_done_cb		*done;
	void			*arg;
	struct dns_server	 server;
	char			 name[DNAME_SIZE];	/* "": a message */
	unsigned		 type;
	unsigned		 resend_ms;

	uint8_t			*out;	/* room for TCP's length, message */
	size_t			 out_len;	/* with that room */
	size_t			 sent;		/* of it, by TCP */
	uint8_t			*in;
	size_t			 in_len;
	size_t			 in_size;

	int			 fd;
	struct fdwatch		 watch;
	struct timer		 deadline;
	struct timer		 resend;
	struct timer		 failed;	/* tells err from the loop */
	struct error		 err;
	bool			 is_malformed;	/* a reply was */
};

static void	tcp_begin(struct dnsq_op *);

static uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
close_socket(struct dnsq_op *op)
{
	fdwatch_clear(&op->watch);
	if (op->fd != -1)
		(void)close(op->fd);
	op->fd = -1;
}

void
dnsq_cancel(struct dnsq_op *op)
{
	if (op == NULL)
		return;
	close_socket(op);
	timer_clear(&op->deadline);
	timer_clear(&op->resend);
	timer_clear(&op->failed);
	free(op->out);
	free(op->in);
	free(op);
}

/* Stop everything and tell op->err in the next turn. */
static void
fail(struct dnsq_op *op, const char *code, const char *what)
{
	char label[DNSADDR_LABEL_MAX];

	close_socket(op);
	timer_clear(&op->deadline);
	timer_clear(&op->resend);
	(void)error_set(&op->err, ERR_TRANSIENT, code, "%s: %s",
	    dnsaddr_label(&op->server, label), what);
	timer_set(&op->failed, 0);
}

static void
fail_errno(struct dnsq_op *op, int e)
{
	switch (e) {
	case ECONNREFUSED:
		fail(op, "dns:refused",
		    "connection refused, nobody listens there");
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		fail(op, "dns:unreachable", "no route to it");
		break;
	case ETIMEDOUT:
		fail(op, "dns:timeout", "does not answer");
		break;
	default:
		fail(op, "dns:io", strerror(e));
	}
}

static void
failed_cb(void *arg)
{
	struct dnsq_op *op = arg;

	op->done(&op->err, NULL, op->arg);
	dnsq_cancel(op);
}

static void
deadline_cb(void *arg)
{
	struct dnsq_op *op = arg;

	if (op->is_malformed)
		fail(op, "dns:reply", "sends malformed replies");
	else
		fail(op, "dns:timeout", "does not answer");
}

static bool
is_our_header(const struct dnsq_op *op, const uint8_t *msg, size_t len)
{
	const uint8_t *q = op->out + TCP_PREFIX;

	/* Same id, a response, same opcode. */
	return len >= DNSMSG_HEADER && get_u16(msg) == get_u16(q) &&
	    (msg[2] & 0x80) != 0 && (msg[2] & 0x78) == (q[2] & 0x78);
}

/*
 * A whole message has come.  False if it is to be ignored; true if op is gone
 * or goes on by other means.
 */
static bool
take(struct dnsq_op *op, const uint8_t *msg, size_t len, bool is_tcp)
{
	struct dnsq_reply reply = { .wire = msg, .wire_len = len };
	ldns_pkt *pkt = NULL;

	if (!is_our_header(op, msg, len))
		return false;
	if (op->name[0] != '\0') {
		if ((msg[2] & 0x02) != 0 && !is_tcp) {
			tcp_begin(op);
			return true;
		}
		if ((pkt = dnsmsg_parse(msg, len)) == NULL) {
			op->is_malformed = true;
			return false;
		}
		if (!dnsmsg_answers(pkt, op->name, op->type)) {
			ldns_pkt_free(pkt);
			return false;
		}
	}
	close_socket(op);
	reply.pkt = pkt;
	op->done(NULL, &reply, op->arg);
	ldns_pkt_free(pkt);
	dnsq_cancel(op);
	return true;
}

static int
open_socket(struct dnsq_op *op, int type)
{
	op->fd = socket(op->server.ss.ss_family,
	    type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (op->fd == -1)
		return -1;
	return connect(op->fd, (const struct sockaddr *)&op->server.ss,
	    op->server.ss_len);
}

/* UDP */

static void
udp_send(struct dnsq_op *op)
{
	ssize_t n = send(op->fd, op->out + TCP_PREFIX,
	    op->out_len - TCP_PREFIX, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN && errno != EINTR &&
	    errno != ENOBUFS) {
		fail_errno(op, errno);
		return;
	}
	timer_set(&op->resend, op->resend_ms);
	op->resend_ms *= 2;
}

static void
resend_cb(void *arg)
{
	udp_send(arg);
}

static void
udp_ready_cb(int fd, unsigned what, void *arg)
{
	struct dnsq_op *op = arg;
	uint8_t buf[UDP_MAX];

	/* Bounded, so that a flood cannot keep the loop here. */
	for (int i = 0; i < 16; i++) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			fail_errno(op, errno);
			return;
		}
		if (take(op, buf, (size_t)n, false))
			return;
	}
}

static void
udp_begin(struct dnsq_op *op)
{
	op->resend_ms = DNSQ_RESEND_MS;
	fdwatch_init(&op->watch, op->loop, udp_ready_cb, op);
	if (open_socket(op, SOCK_DGRAM) == -1) {
		fail_errno(op, errno);
		return;
	}
	fdwatch_set(&op->watch, op->fd, FD_READ);
	udp_send(op);
}

/* TCP */

static void
tcp_read(struct dnsq_op *op)
{
	for (;;) {
		ssize_t n = recv(op->fd, op->in + op->in_len,
		    op->in_size - op->in_len, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			fail_errno(op, errno);
			return;
		}
		if (n == 0) {
			fail(op, "dns:io", "closed the connection");
			return;
		}
		op->in_len += (size_t)n;
		if (op->in_len < op->in_size)
			continue;
		if (op->in_size == TCP_PREFIX) {
			op->in_size += get_u16(op->in);
			if (op->in_size >= TCP_PREFIX + DNSMSG_HEADER) {
				op->in = xreallocarray(op->in, 1,
				    op->in_size);
				continue;
			}
		} else if (take(op, op->in + TCP_PREFIX,
		    op->in_len - TCP_PREFIX, true)) {
			return;
		}
		/* On a connection of our own nothing else can come. */
		fail(op, "dns:reply", "its reply is not one to our message");
		return;
	}
}

static void
tcp_write(struct dnsq_op *op)
{
	ssize_t n = send(op->fd, op->out + op->sent, op->out_len - op->sent,
	    MSG_NOSIGNAL);

	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			fail_errno(op, errno);
		return;
	}
	op->sent += (size_t)n;
	if (op->sent == op->out_len)
		fdwatch_set(&op->watch, op->fd, FD_READ);
}

static void
tcp_ready_cb(int fd, unsigned what, void *arg)
{
	struct dnsq_op *op = arg;
	int e = 0;
	socklen_t len = sizeof(e);

	if (op->sent == op->out_len) {
		tcp_read(op);
	} else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1 ||
	    e != 0) {
		fail_errno(op, e != 0 ? e : errno);
	} else {
		tcp_write(op);
	}
}

static void
tcp_begin(struct dnsq_op *op)
{
	close_socket(op);
	timer_clear(&op->resend);
	op->sent = 0;
	op->in_len = 0;
	op->in_size = TCP_PREFIX;
	op->in = xreallocarray(op->in, 1, op->in_size);
	fdwatch_init(&op->watch, op->loop, tcp_ready_cb, op);
	if (open_socket(op, SOCK_STREAM) == -1 && errno != EINPROGRESS) {
		fail_errno(op, errno);
		return;
	}
	fdwatch_set(&op->watch, op->fd, FD_WRITE);
}

static int
make_message(struct dnsq_op *op, const struct dnsq_args *a)
{
	uint8_t *query = NULL;
	const void *msg = a->msg;
	size_t len = a->msg_len;

	if (msg == NULL) {
		if (dnsmsg_query(a->name, a->type, a->rd,
		    (uint16_t)arc4random(), &query, &len, &op->err) == -1)
			return -1;
		query[3] |= (uint8_t)((a->wants_ad ? FLAG_AD : 0) |
		    (a->no_check ? FLAG_CD : 0));
		(void)text_printf(op->name, sizeof(op->name), "%s", a->name);
		op->type = a->type;
		msg = query;
	}
	op->out_len = TCP_PREFIX + len;
	op->out = xmalloc(op->out_len);
	op->out[0] = (uint8_t)(len >> 8);
	op->out[1] = (uint8_t)len;
	memcpy(op->out + TCP_PREFIX, msg, len);
	free(query);
	return 0;
}

struct dnsq_op *
dnsq_start(struct loop *loop, const struct dnsq_args *a, dnsq_done_cb *done,
    void *arg)
{
	struct dnsq_op *op = xcalloc(1, sizeof(*op));

	op->loop = loop;
	op->done = done;
	op->arg = arg;
	op->fd = -1;
	op->server = *a->server;
	timer_init(&op->deadline, loop, deadline_cb, op);
	timer_init(&op->resend, loop, resend_cb, op);
	timer_init(&op->failed, loop, failed_cb, op);
	fdwatch_init(&op->watch, loop, udp_ready_cb, op);
	if (make_message(op, a) == -1) {
		timer_set(&op->failed, 0);
		return op;
	}
	timer_set(&op->deadline, a->timeout_ms);
	if (a->msg == NULL && !a->by_tcp)
		udp_begin(op);
	else
		tcp_begin(op);
	return op;
}
