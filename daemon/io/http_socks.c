/* SPDX-License-Identifier: MIT */
#include "daemon/io/http_socks.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemon/io/loop.h"

enum { BACKLOG = 128 };

struct sock {
	TAILQ_ENTRY(sock) link;
	struct evhttp_bound_socket *bound;	/* or NULL */
	struct evconnlistener *listener;	/* owned by bound, if any */
	struct sockaddr_storage ss;
	bool		 is_wanted;
	bool		 may_stay;	/* if none could be had */
};

struct http_socks {
	struct loop	*loop;
	struct evhttp	*http;		/* or: */
	http_socks_accept_cb *accepted;
	void		*arg;
	int		 port;
	bool		 is_disabled;
	bool		 has_any;	/* since begin: one is wanted */
	TAILQ_HEAD(, sock) socks;
};

struct http_socks *
http_socks_new(struct loop *loop, struct evhttp *http, int port)
{
	struct http_socks *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	h->http = http;
	h->port = port;
	TAILQ_INIT(&h->socks);
	return h;
}

struct http_socks *
http_socks_new_plain(struct loop *loop, int port,
    http_socks_accept_cb *accepted, void *arg)
{
	struct http_socks *h = http_socks_new(loop, NULL, port);

	h->accepted = accepted;
	h->arg = arg;
	return h;
}

void
http_socks_free(struct http_socks *h)
{
	if (h == NULL)
		return;
	http_socks_begin(h);
	http_socks_end(h);
	free(h);
}

/* arg is evhttp's, not ours. */
static void
accept_failed_cb(struct evconnlistener *listener, void *arg)
{
	(void)evconnlistener_disable(listener);
}

static void
accept_cb(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *from, int len, void *arg)
{
	struct http_socks *h = arg;

	h->accepted(fd, h->arg);
}

static struct sock *
sock_find(struct http_socks *h, const struct sockaddr_storage *ss)
{
	struct sock *s;

	TAILQ_FOREACH(s, &h->socks, link) {
		if (evutil_sockaddr_cmp((const struct sockaddr *)&s->ss,
		    (const struct sockaddr *)ss, 1) == 0)
			return s;
	}
	return NULL;
}

static void
sock_add(struct http_socks *h, int fd, const struct sockaddr_storage *ss,
    unsigned flags)
{
	struct sock *s = xcalloc(1, sizeof(*s));

	s->ss = *ss;
	s->is_wanted = true;
	h->has_any = true;
	/* Its callback comes with evhttp_bind_listener(). */
	s->listener = evconnlistener_new(loop_base(h->loop), NULL, NULL,
	    flags | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (s->listener == NULL)
		abort();
	if (h->http == NULL) {
		evconnlistener_set_cb(s->listener, accept_cb, h);
	} else {
		s->bound = evhttp_bind_listener(h->http, s->listener);
		if (s->bound == NULL)
			abort();
	}
	evconnlistener_set_error_cb(s->listener, accept_failed_cb);
	if (h->is_disabled)
		(void)evconnlistener_disable(s->listener);
	TAILQ_INSERT_TAIL(&h->socks, s, link);
}

/* Listening at an address, not blocking; or -1 and errno.  shares: with others
 * of ours that allow it now. */
static int
listen_at(const struct sockaddr_storage *ss, socklen_t len, int shares)
{
	const int on = 1;
	int fd, saved;

	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares,
	    sizeof(shares));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, (const struct sockaddr *)ss, len) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static void
share_port(int fd, int is_on)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_on, sizeof(is_on));
}

/*
 * As listen_at(), where a socket of ours that is about to be closed is in the
 * way: 0.0.0.0 has the port of each address.  They share it until then, so
 * that one or the other is open all the time.  Others' sockets are not shared
 * with: the kernel wants that of both.
 */
static int
listen_beside(struct http_socks *h, const struct sockaddr_storage *ss,
    socklen_t len)
{
	struct sock *s;
	int fd, saved;

	TAILQ_FOREACH(s, &h->socks, link) {
		if (!s->is_wanted)
			share_port(evconnlistener_get_fd(s->listener), 1);
	}
	fd = listen_at(ss, len, 1);
	saved = errno;
	TAILQ_FOREACH(s, &h->socks, link) {
		if (!s->is_wanted)
			share_port(evconnlistener_get_fd(s->listener), 0);
	}
	if (fd != -1)
		share_port(fd, 0);
	errno = saved;
	return fd;
}

void
http_socks_begin(struct http_socks *h)
{
	struct sock *s;

	h->has_any = false;
	TAILQ_FOREACH(s, &h->socks, link)
		s->is_wanted = s->may_stay = false;
}

static bool
is_wildcard(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET ?
	    ((const struct sockaddr_in *)ss)->sin_addr.s_addr ==
	    htonl(INADDR_ANY) : ss->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(
	    &((const struct sockaddr_in6 *)ss)->sin6_addr);
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET ?
	    ntohl(((const struct sockaddr_in *)ss)->sin_addr.s_addr) >> 24 ==
	    IN_LOOPBACKNET : ss->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(
	    &((const struct sockaddr_in6 *)ss)->sin6_addr);
}

/* Those that reach nobody whom wanted does not reach, whatever its port. */
static void
let_stay(struct http_socks *h, const struct sockaddr_storage *wanted)
{
	struct sock *s;

	TAILQ_FOREACH(s, &h->socks, link) {
		if (is_loopback(&s->ss) ||
		    (s->ss.ss_family == wanted->ss_family &&
		    is_wildcard(wanted)) || evutil_sockaddr_cmp(
		    (const struct sockaddr *)&s->ss,
		    (const struct sockaddr *)wanted, 0) == 0)
			s->may_stay = true;
	}
}

int
http_socks_open(struct http_socks *h, const char *address)
{
	struct sockaddr_storage ss = { 0 };
	int len = (int)sizeof(ss), fd;
	struct sock *s;

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&ss,
	    &len) == -1) {
		errno = EINVAL;
		return -1;
	}
	if (ss.ss_family == AF_INET &&
	    ((struct sockaddr_in *)&ss)->sin_port == 0)
		((struct sockaddr_in *)&ss)->sin_port =
		    htons((uint16_t)h->port);
	if (ss.ss_family == AF_INET6 &&
	    ((struct sockaddr_in6 *)&ss)->sin6_port == 0)
		((struct sockaddr_in6 *)&ss)->sin6_port =
		    htons((uint16_t)h->port);
	s = sock_find(h, &ss);
	if (s != NULL) {
		s->is_wanted = h->has_any = true;
		return 0;
	}
	fd = listen_at(&ss, (socklen_t)len, 0);
	if (fd == -1 && errno == EADDRINUSE)
		fd = listen_beside(h, &ss, (socklen_t)len);
	if (fd == -1) {
		let_stay(h, &ss);
		return -1;
	}
	sock_add(h, fd, &ss, LEV_OPT_CLOSE_ON_FREE);
	return 0;
}

void
http_socks_passed(struct http_socks *h, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct sock *s;

	TAILQ_FOREACH(s, &h->socks, link) {
		if (evconnlistener_get_fd(s->listener) == fd) {
			s->is_wanted = h->has_any = true;
			return;
		}
	}
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		sock_add(h, fd, &ss, 0);
}

void
http_socks_add(struct http_socks *h, int fd)
{
	const struct sockaddr_storage none = { 0 };

	sock_add(h, fd, &none, LEV_OPT_CLOSE_ON_FREE);
}

void
http_socks_end(struct http_socks *h)
{
	struct sock *s, *next;

	for (s = TAILQ_FIRST(&h->socks); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->is_wanted || (s->may_stay && !h->has_any))
			continue;
		TAILQ_REMOVE(&h->socks, s, link);
		if (s->bound != NULL)
			evhttp_del_accept_socket(h->http, s->bound);
		else
			evconnlistener_free(s->listener);
		free(s);
	}
}

bool
http_socks_is_empty(const struct http_socks *h)
{
	return TAILQ_EMPTY(&h->socks);
}

void
http_socks_enable(struct http_socks *h, bool is_on)
{
	struct sock *s;

	h->is_disabled = !is_on;
	TAILQ_FOREACH(s, &h->socks, link) {
		if (is_on)
			(void)evconnlistener_enable(s->listener);
		else
			(void)evconnlistener_disable(s->listener);
	}
}
