/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/names.h"
#include "daemon/dns/dnsaddr.h"

static size_t
put16(uint8_t *out, unsigned v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return 2;
}

static size_t
put_name(uint8_t *out, const char *name)
{
	size_t n = 0;

	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		out[n++] = (uint8_t)len;
		memcpy(out + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	out[n++] = 0;
	return n;
}

static size_t
put_rdata(uint8_t *out, const struct fake_rr *rr)
{
	size_t n;

	switch (rr->type) {
	case LDNS_RR_TYPE_TXT:
		out[0] = (uint8_t)strlen(rr->data);
		memcpy(out + 1, rr->data, out[0]);
		return 1u + out[0];
	case LDNS_RR_TYPE_CAA:		/* "TAG VALUE", not critical */
		n = strcspn(rr->data, " ");
		out[0] = 0;
		out[1] = (uint8_t)n;
		memcpy(out + 2, rr->data, n);
		memcpy(out + 2 + n, rr->data + n + 1, strlen(rr->data) - n -
		    1);
		return 1 + strlen(rr->data);
	case LDNS_RR_TYPE_A:
		assert_int_equal(inet_pton(AF_INET, rr->data, out), 1);
		return 4;
	case LDNS_RR_TYPE_AAAA:
		assert_int_equal(inet_pton(AF_INET6, rr->data, out), 1);
		return 16;
	case LDNS_RR_TYPE_SOA:
		n = put_name(out, "ns.test");
		n += put_name(out + n, "hm.test");
		memset(out + n, 0, 20);
		return n + 20;
	default:
		return put_name(out, rr->data);
	}
}

static size_t
put_rr(uint8_t *out, const struct fake_rr *rr)
{
	size_t n = put_name(out, rr->owner != NULL ? rr->owner : rr->qname);
	size_t len;

	n += put16(out + n, rr->type);
	n += put16(out + n, 1);
	n += put16(out + n, 0);
	n += put16(out + n, 60);
	len = put_rdata(out + n + 2, rr);
	n += put16(out + n, (unsigned)len);
	return n + len;
}

/* The question's name as text; the offset behind the question. */
static size_t
read_question(const uint8_t *msg, char *name, unsigned *type)
{
	size_t i = 12, n = 0;

	while (msg[i] != 0) {
		if (n > 0)
			name[n++] = '.';
		memcpy(name + n, msg + i + 1, msg[i]);
		n += msg[i];
		i += 1u + msg[i];
	}
	name[n] = '\0';
	*type = (unsigned)(msg[i + 1] << 8 | msg[i + 2]);
	return i + 5;
}

/* "*.b" stands for any name below b that is not written out before it. */
static bool
is_asked_for(const struct fakedns *f, const struct fake_rr *rr,
    const char *name)
{
	size_t n = strlen(name), len = strlen(rr->qname);

	if (strncmp(rr->qname, "*.", 2) != 0)
		return strcmp(rr->qname, name) == 0;
	for (const struct fake_rr *r = f->rrs; r != rr; r++) {
		if (strcmp(r->qname, name) == 0)
			return false;
	}
	return n > len - 1 && strcmp(name + n - (len - 1), rr->qname + 1) == 0;
}

/* The header's byte 3 of an answer of a resolver that validates. */
static unsigned
validate(const struct fakedns *f, const uint8_t *msg, const char *name,
    unsigned rcode)
{
	if (f->bogus != NULL && strcmp(name, f->bogus) == 0 &&
	    (msg[3] & 0x10) == 0)
		return 2;
	if ((msg[3] & 0x20) != 0 &&
	    ((f->secure != NULL && dname_is_in(name, f->secure)) ||
	    (f->secure_only != NULL && strcmp(name, f->secure_only) == 0)))
		rcode |= 0x20;
	return rcode;
}

static size_t
make_reply(struct fakedns *f, const uint8_t *msg, uint8_t *out, bool is_tcp)
{
	unsigned type, count[2] = { 0, 0 }, rcode = 0;
	unsigned k = f->n_queries;
	char name[256];
	size_t n = read_question(msg, name, &type);

	f->saw_rd = (msg[2] & 1) != 0;
	memcpy(out, msg, n);
	for (int s = 0; s < 2; s++) {
		const struct fake_rr *rr = f->rrs;

		for (; rr != NULL && rr->qname != NULL; rr++) {
			struct fake_rr found = *rr;

			if (!is_asked_for(f, rr, name) ||
			    rr->qtype != type || rr->section != s ||
			    k < rr->from || (rr->until != 0 &&
			    k >= rr->until))
				continue;
			if (found.owner == NULL)
				found.owner = name;
			n += put_rr(out + n, &found);
			count[s]++;
		}
	}
	if (count[0] == 0)
		rcode = 3;
	if (f->mode == FAKE_REFUSED)
		rcode = 5;
	if (f->mode == FAKE_SERVFAIL)
		rcode = 2;
	if (f->mode == FAKE_NOTIMP)
		rcode = 4;
	out[2] = (uint8_t)(0x80 | (f->mode == FAKE_LAME ? 0 : 0x04));
	out[3] = (uint8_t)validate(f, msg, name, rcode);
	(void)put16(out + 6, count[0]);
	(void)put16(out + 8, count[1]);
	if (f->mode == FAKE_GARBAGE)
		memset(out + 12, 0xc0, n - 12);
	if (f->mode == FAKE_TRUNCATED && !is_tcp) {
		out[2] |= 0x02;
		memset(out + 6, 0, 6);
		(void)read_question(msg, name, &type);
		return read_question(msg, name, &type);
	}
	return n;
}

static void
udp_cb(int fd, unsigned what, void *arg)
{
	struct fakedns *f = arg;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t msg[512], out[4096];
	ssize_t n = recvfrom(fd, msg, sizeof(msg), 0,
	    (struct sockaddr *)&from, &len);
	size_t out_len;

	if (n < 12)
		return;
	f->n_queries++;
	if (f->mode == FAKE_SILENT)
		return;
	out_len = make_reply(f, msg, out, false);
	if (f->mode == FAKE_WRONG_ID || f->mode == FAKE_WRONG_NAME) {
		size_t at = f->mode == FAKE_WRONG_ID ? 0 : 13;

		out[3] = 5;
		out[at] ^= 0x01;
		(void)sendto(fd, out, out_len, 0, (struct sockaddr *)&from,
		    len);
		out_len = make_reply(f, msg, out, false);
	}
	(void)sendto(fd, out, out_len, 0, (struct sockaddr *)&from, len);
}

static void
conn_cb(int fd, unsigned what, void *arg)
{
	struct fakedns *f = arg;
	uint8_t msg[4096], out[4096];
	ssize_t n = recv(fd, msg, sizeof(msg), 0);
	size_t len;

	if (n > 14 && f->mode != FAKE_NO_TCP) {
		f->n_tcp++;
		len = f->handler != NULL ? f->handler(msg + 2,
		    (size_t)n - 2, out + 2, sizeof(out) - 2,
		    f->handler_arg) : make_reply(f, msg + 2, out + 2, true);
		(void)put16(out, (unsigned)len);
		/* In two pieces, as networks do. */
		if (len > 0 && send(fd, out, 1, MSG_NOSIGNAL) == 1)
			(void)!send(fd, out + 1, len + 1, MSG_NOSIGNAL);
	}
	fdwatch_clear(&f->watch_conn);
	(void)close(fd);
	f->conn = -1;
}

static void
accept_cb(int fd, unsigned what, void *arg)
{
	struct fakedns *f = arg;

	assert_int_equal(f->conn, -1);
	f->conn = accept(fd, NULL, NULL);
	fdwatch_set(&f->watch_conn, f->conn, FD_READ);
}

void
fakedns_init(struct fakedns *f, struct loop *loop, int last,
    const struct fake_rr *rrs)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0x7f000000u + (unsigned)last) };
	socklen_t len = sizeof(sin);
	char name[32];
	int tries = 0;

	memset(f, 0, sizeof(*f));
	f->rrs = rrs;
	f->conn = -1;
	do {			/* a port that is free for both */
		assert_true(tries++ < 20);
		sin.sin_port = 0;
		f->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_equal(bind(f->tcp, (struct sockaddr *)&sin,
		    sizeof(sin)), 0);
		assert_int_equal(getsockname(f->tcp, (struct sockaddr *)&sin,
		    &len), 0);
		f->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (bind(f->udp, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			break;
		(void)close(f->udp);
		(void)close(f->tcp);
	} while (1);
	assert_int_equal(listen(f->tcp, 5), 0);
	(void)snprintf(name, sizeof(name), "ns%d.test", last);
	dnsaddr_from_in(&f->server, name, &sin.sin_addr,
	    ntohs(sin.sin_port));
	fdwatch_init(&f->watch_udp, loop, udp_cb, f);
	fdwatch_init(&f->watch_tcp, loop, accept_cb, f);
	fdwatch_init(&f->watch_conn, loop, conn_cb, f);
	fdwatch_set(&f->watch_udp, f->udp, FD_READ);
	fdwatch_set(&f->watch_tcp, f->tcp, FD_READ);
}

void
fakedns_clear(struct fakedns *f)
{
	fdwatch_clear(&f->watch_udp);
	fdwatch_clear(&f->watch_tcp);
	fdwatch_clear(&f->watch_conn);
	(void)close(f->udp);
	(void)close(f->tcp);
	if (f->conn != -1)
		(void)close(f->conn);
}

void
fakedns_nobody(struct dns_server *s, int last)
{
	struct in_addr in = { htonl(0x7f000000u + (unsigned)last) };

	dnsaddr_from_in(s, "nobody.test", &in, 1);
}

static void
no_cb(void *arg)
{
}

void
fakedns_run(struct loop *loop, const int *flag, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;
	struct timer t;

	timer_init(&t, loop, no_cb, NULL);
	while (!*flag && clock_mono_ms() < end) {
		timer_set(&t, end - clock_mono_ms());
		loop_turn(loop);
	}
	timer_clear(&t);
}
