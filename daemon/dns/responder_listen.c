/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/responder_answer.h"
#include "daemon/dns/responder_limit.h"
#include "daemon/dns/responder_sock.h"
#include "daemon/dns/responder_tcp.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"

#define PASSED_MAX 16			/* sockets from systemd */
#define ROUND 64			/* datagrams or connections, then the
					   others have their turn */
#define SLIP 2				/* every so many of those over the
					   limit are told to come by TCP */
#define PAUSE_MS 1000			/* when descriptors are used up */
#define RETRY_MS 30000			/* when a port was taken */

/* One socket that is, or is to be, open. */
struct listener {
	TAILQ_ENTRY(listener) link;
	struct responder_listen *of;
	struct sockaddr_storage ss;
	socklen_t	 ss_len;
	char		 text[64];
	bool		 is_tcp;
	bool		 is_used;	/* by the configuration in force */
	bool		 is_passed;	/* by systemd; stays open */
	int		 fd;		/* -1: could not be opened */
	struct fdwatch	 watch;
	struct timer	 again;
};

struct responder_listen {
	struct loop	*loop;
	struct responder_table *table;
	struct responder_limit *limit;	/* of UDP; made when first needed, */
	struct responder_limit *tcp_limit;	/* ... as this is, ... */
	struct responder_tcp *tcp;	/* ... and this */
	TAILQ_HEAD(, listener) list;
	int		 passed[PASSED_MAX];
	size_t		 n_passed;
	unsigned	 slip;
	struct timer	 retry;		/* of what could not be opened */
};

static const char *const everywhere[] = { "0.0.0.0:53", "[::]:53", NULL };

/* --- one socket --- */

static void
udp_one(struct listener *l, const uint8_t *query, size_t len,
    struct responder_peer *peer)
{
	struct responder_listen *rl = l->of;
	uint8_t reply[RESPONDER_UDP_MAX];
	size_t n = 0;

	if (responder_limit_take(rl->limit, &peer->from.sa, clock_mono_ms()))
		n = responder_answer(rl->table, query, len, false, reply,
		    sizeof(reply));
	else if (++rl->slip % SLIP == 0)
		n = responder_truncated(query, len, reply, sizeof(reply));
	if (n > 0)
		responder_sock_send(l->fd, reply, n, peer);
}

static void
udp_cb(int fd, unsigned what, void *arg)
{
	struct listener *l = arg;
	uint8_t query[RESPONDER_QUERY_MAX];
	struct responder_peer peer;

	for (int i = 0; i < ROUND; i++) {
		ssize_t n = responder_sock_recv(fd, query, sizeof(query),
		    &peer);

		if (n == -1)
			return;
		udp_one(l, query, (size_t)n, &peer);
	}
}

static void
tcp_cb(int fd, unsigned what, void *arg)
{
	struct listener *l = arg;

	for (int i = 0; i < ROUND; i++) {
		union {
			struct sockaddr	 sa;
			struct sockaddr_storage ss;
		} peer;
		socklen_t len = sizeof(peer);
		int conn = accept4(fd, &peer.sa, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (conn == -1) {
			/* It would be ready again at once, for nothing. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM) {
				fdwatch_clear(&l->watch);
				timer_set(&l->again, PAUSE_MS);
			}
			return;
		}
		responder_tcp_serve(l->of->tcp, conn, &peer.sa);
	}
}

static void
again_cb(void *arg)
{
	struct listener *l = arg;

	fdwatch_set(&l->watch, l->fd, FD_READ);
}

static void
listener_free(struct listener *l)
{
	TAILQ_REMOVE(&l->of->list, l, link);
	fdwatch_clear(&l->watch);
	timer_clear(&l->again);
	if (l->fd != -1 && !l->is_passed)
		close(l->fd);
	free(l);
}

static struct listener *
listener_new(struct responder_listen *rl, const struct sockaddr_storage *ss,
    socklen_t len, const char *text, bool is_tcp)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->of = rl;
	l->ss = *ss;
	l->ss_len = len;
	l->is_tcp = is_tcp;
	l->fd = -1;
	(void)text_printf(l->text, sizeof(l->text), "%s", text);
	fdwatch_init(&l->watch, rl->loop, is_tcp ? tcp_cb : udp_cb, l);
	timer_init(&l->again, rl->loop, again_cb, l);
	TAILQ_INSERT_TAIL(&rl->list, l, link);
	return l;
}

static void
listener_watch(struct listener *l, int fd)
{
	struct responder_listen *rl = l->of;

	if (rl->limit == NULL) {
		rl->limit = responder_limit_new();
		/* Whoever forges datagrams must not use up what is left to
		   those who were told to come by TCP. */
		rl->tcp_limit = responder_limit_new();
		rl->tcp = responder_tcp_new(rl->loop, rl->table, rl->tcp_limit);
	}
	l->fd = fd;
	fdwatch_set(&l->watch, fd, FD_READ);
}

/* The same address and port? */
static bool
is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct sockaddr_in6 x6, y6;
	struct sockaddr_in x, y;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		return x.sin_port == y.sin_port &&
		    x.sin_addr.s_addr == y.sin_addr.s_addr;
	}
	memcpy(&x6, a, sizeof(x6));
	memcpy(&y6, b, sizeof(y6));
	return x6.sin6_port == y6.sin6_port &&
	    x6.sin6_scope_id == y6.sin6_scope_id &&
	    IN6_ARE_ADDR_EQUAL(&x6.sin6_addr, &y6.sin6_addr);
}

/* What kind of socket systemd has passed; -1 if we have no use for it. */
static int
passed_kind(int fd, struct sockaddr_storage *ss, socklen_t *len,
    bool *is_tcp)
{
	socklen_t type_len = sizeof(int);
	int type;

	*len = sizeof(*ss);
	memset(ss, 0, sizeof(*ss));
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == -1 ||
	    (type != SOCK_STREAM && type != SOCK_DGRAM) ||
	    getsockname(fd, (struct sockaddr *)ss, len) == -1 ||
	    (ss->ss_family != AF_INET && ss->ss_family != AF_INET6))
		return -1;
	*is_tcp = type == SOCK_STREAM;
	return 0;
}

/* The passed socket of that address, or -1. */
static int
passed_find(const struct responder_listen *rl, const struct listener *l)
{
	for (size_t i = 0; i < rl->n_passed; i++) {
		struct sockaddr_storage ss;
		socklen_t len;
		bool is_tcp;

		if (passed_kind(rl->passed[i], &ss, &len, &is_tcp) == 0 &&
		    is_tcp == l->is_tcp && is_same(&ss, &l->ss))
			return rl->passed[i];
	}
	return -1;
}

/* Those of its kind that the configuration in force has no use for so far. */
static bool
share_unused(const struct listener *l, bool is_on)
{
	const struct listener *o;
	bool any = false;

	TAILQ_FOREACH(o, &l->of->list, link) {
		if (o->is_used || o->is_passed || o->fd == -1 ||
		    o->is_tcp != l->is_tcp)
			continue;
		responder_sock_share(o->fd, is_on);
		any = true;
	}
	return any;
}

/*
 * One that is about to be closed may be in the way: 0.0.0.0 has the port of
 * each address.  They share it until then (io/http_socks.c does the same).
 */
static int
open_own(const struct listener *l, int *fd, struct error *err)
{
	const struct sockaddr *sa = (const struct sockaddr *)&l->ss;
	struct error again;
	int rc;

	if (responder_sock_open(sa, l->ss_len, l->is_tcp, false, l->text, fd,
	    err) == 0)
		return 0;
	if (!share_unused(l, true))
		return -1;
	rc = responder_sock_open(sa, l->ss_len, l->is_tcp, true, l->text, fd,
	    &again);
	(void)share_unused(l, false);
	return rc;
}

static int
listener_open(struct listener *l, struct error *err)
{
	int fd;

	if (l->fd != -1)
		return 0;
	fd = passed_find(l->of, l);
	if (fd != -1) {
		l->is_passed = true;
		if (!l->is_tcp)
			responder_sock_prepare(fd, l->ss.ss_family);
	} else if (open_own(l, &fd, err) == -1) {
		return -1;
	}
	listener_watch(l, fd);
	return 0;
}

/* --- all of them --- */

/* Have a listener there; it may be there already. */
static int
want(struct responder_listen *rl, const struct sockaddr_storage *ss,
    socklen_t len, const char *text, bool is_tcp, struct error *err)
{
	struct listener *l;

	TAILQ_FOREACH(l, &rl->list, link) {
		if (l->is_tcp == is_tcp && is_same(&l->ss, ss))
			break;
	}
	if (l == NULL)
		l = listener_new(rl, ss, len, text, is_tcp);
	l->is_used = true;
	return listener_open(l, err);
}

/*
 * An empty Listen line of systemd.socket(5) forgets those of all kinds: it is
 * easy to lose one half.
 */
static int
check_passed(const struct responder_listen *rl,
    const struct sockaddr_storage *ss, bool is_tcp, struct error *err)
{
	const char *kinds[] = { "UDP", "TCP" }, *lines[] = {
	    "ListenDatagram", "ListenStream" };
	struct listener other = { .ss = *ss, .is_tcp = !is_tcp };
	struct dns_server s;

	if (passed_find(rl, &other) != -1)
		return 0;
	dnsaddr_from_ss(&s, ss);
	return error_set(err, ERR_CONFIG, "builtin:listen", "systemd has "
	    "passed a socket for %s (%s), but none for %s: without that, "
	    "answers are lost; acmed-dns.socket needs %s= for the same "
	    "address (an empty %s= before it removes all addresses, of both "
	    "kinds)", s.text, kinds[is_tcp], kinds[!is_tcp], lines[!is_tcp],
	    lines[!is_tcp]);
}

static int
want_passed(struct responder_listen *rl, struct error *err)
{
	struct error other;		/* the first is told */
	int rc = 0;

	for (size_t i = 0; i < rl->n_passed; i++) {
		struct sockaddr_storage ss;
		socklen_t len;
		bool is_tcp;

		if (passed_kind(rl->passed[i], &ss, &len, &is_tcp) == -1)
			continue;
		if (want(rl, &ss, len, "a socket of systemd", is_tcp,
		    rc == -1 ? &other : err) == -1)
			rc = -1;
		if (check_passed(rl, &ss, is_tcp, rc == -1 ? &other :
		    err) == -1)
			rc = -1;
	}
	return rc;
}

static int
want_address(struct responder_listen *rl, const char *text, struct error *err)
{
	struct error other;		/* the first is told */
	struct dns_server s;
	int rc;

	if (dnsaddr_parse(text, &s, err) == -1)
		return error_wrap(err, "listen");
	rc = want(rl, &s.ss, s.ss_len, text, false, err);
	if (want(rl, &s.ss, s.ss_len, text, true, rc == -1 ? &other :
	    err) == -1)
		rc = -1;
	return rc;
}

/* Whoever held the port may have gone. */
static void
retry_cb(void *arg)
{
	struct responder_listen *rl = arg;
	struct listener *l;
	struct error err;
	bool is_missing = false;

	TAILQ_FOREACH(l, &rl->list, link) {
		if (listener_open(l, &err) == -1)
			is_missing = true;
	}
	if (is_missing)
		timer_set(&rl->retry, RETRY_MS);
}

struct responder_listen *
responder_listen_new(struct loop *loop, struct responder_table *table)
{
	struct responder_listen *rl = xcalloc(1, sizeof(*rl));

	rl->loop = loop;
	rl->table = table;
	TAILQ_INIT(&rl->list);
	timer_init(&rl->retry, loop, retry_cb, rl);
	rl->n_passed = sd_sockets("acmed-dns", rl->passed, PASSED_MAX);
	return rl;
}

void
responder_listen_free(struct responder_listen *rl)
{
	if (rl == NULL)
		return;
	while (!TAILQ_EMPTY(&rl->list))
		listener_free(TAILQ_FIRST(&rl->list));
	timer_clear(&rl->retry);
	responder_tcp_free(rl->tcp);
	responder_limit_free(rl->limit);
	responder_limit_free(rl->tcp_limit);
	free(rl);
}

void
responder_listen_begin(struct responder_listen *rl)
{
	struct listener *l;

	TAILQ_FOREACH(l, &rl->list, link)
		l->is_used = false;
}

int
responder_listen_at(struct responder_listen *rl, const char *const *addresses,
    struct error *err)
{
	struct error other;
	int rc = 0;

	if (addresses[0] == NULL && rl->n_passed > 0)
		return want_passed(rl, err);
	if (addresses[0] == NULL)
		addresses = everywhere;
	for (; *addresses != NULL; addresses++) {
		if (want_address(rl, *addresses, rc == -1 ? &other :
		    err) == -1)
			rc = -1;
	}
	if (rc == -1)
		timer_set(&rl->retry, RETRY_MS);
	return rc;
}

void
responder_listen_end(struct responder_listen *rl)
{
	struct listener *l, *next;

	for (l = TAILQ_FIRST(&rl->list); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (!l->is_used)
			listener_free(l);
	}
}

int
responder_listen_again(struct responder_listen *rl, struct error *err)
{
	struct error first = { .kind = ERR_NONE }, other;
	bool any = false;
	struct listener *l;

	TAILQ_FOREACH(l, &rl->list, link) {
		if (listener_open(l, first.kind == ERR_NONE ? &first :
		    &other) == 0)
			any = true;
	}
	if (any)
		return 0;
	if (first.kind == ERR_NONE)
		return error_set(err, ERR_CONFIG, "builtin:listen",
		    "no socket is open: the provider is not in the "
		    "configuration any more");
	*err = first;
	return -1;
}

/* --- what there is --- */

static void
address_to_ask(const struct sockaddr_storage *ss, struct dns_server *out)
{
	struct sockaddr_storage to = *ss;

	if (ss->ss_family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&to;

		if (in->sin_addr.s_addr == htonl(INADDR_ANY))
			in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;

		if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
			in6->sin6_addr = in6addr_loopback;
	}
	dnsaddr_from_ss(out, &to);
}

static bool
is_first_of_address(const struct responder_listen *rl, const struct listener *l)
{
	const struct listener *o;

	TAILQ_FOREACH(o, &rl->list, link) {
		if (o == l)
			return true;
		if (o->is_used && is_same(&o->ss, &l->ss))
			return false;
	}
	return true;
}

/* The socket, and its twin of the other kind. */
static void
look_at_place(struct responder_listen *rl, struct listener *l,
    struct responder_place *out)
{
	struct listener *twin;

	memset(out, 0, sizeof(*out));
	address_to_ask(&l->ss, &out->server);
	TAILQ_FOREACH(twin, &rl->list, link) {
		if (twin != l && twin->is_used && is_same(&twin->ss, &l->ss))
			break;
	}
	if (listener_open(l, &out->err) == -1)
		return;
	out->is_passed = l->is_passed;
	if (twin == NULL)
		(void)check_passed(rl, &l->ss, l->is_tcp, &out->err);
	else
		(void)listener_open(twin, &out->err);
}

size_t
responder_listen_places(struct responder_listen *rl,
    struct responder_place *out, size_t max)
{
	struct listener *l;
	size_t n = 0;

	TAILQ_FOREACH(l, &rl->list, link) {
		if (n < max && l->is_used && is_first_of_address(rl, l))
			look_at_place(rl, l, &out[n++]);
	}
	return n;
}
