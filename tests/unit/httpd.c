/* SPDX-License-Identifier: MIT */
#include "tests/unit/httpd.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct request {
	char	method[16];
	char	path[128];
	char	head[8192];
	char	body[4096];
	size_t	body_len;
};

static atomic_int accepted, open_now, most_open;
static pthread_t acceptor;
static int listener;

static void
reply(int fd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
reply(int fd, const char *fmt, ...)
{
	char buf[16384];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	(void)!send(fd, buf, (size_t)n, MSG_NOSIGNAL);
}

static void
ok(int fd, const char *body)
{
	reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(body), body);
}

static bool
read_request(int fd, struct request *r)
{
	size_t have = 0, length = 0, head_len;
	char *end = NULL, *p;

	while (end == NULL) {
		ssize_t n = recv(fd, r->head + have,
		    sizeof(r->head) - have - 1, 0);

		if (n <= 0)
			return false;
		have += (size_t)n;
		r->head[have] = '\0';
		end = strstr(r->head, "\r\n\r\n");
	}
	head_len = (size_t)(end - r->head) + 4;
	if ((p = strcasestr(r->head, "\r\nContent-Length:")) != NULL &&
	    p < end)
		length = strtoul(p + 17, NULL, 10);
	r->body_len = have - head_len;
	memcpy(r->body, r->head + head_len, r->body_len);
	r->head[head_len] = '\0';
	while (r->body_len < length) {
		ssize_t n = recv(fd, r->body + r->body_len,
		    sizeof(r->body) - 1 - r->body_len, 0);

		if (n <= 0)
			return false;
		r->body_len += (size_t)n;
	}
	r->body[r->body_len] = '\0';
	return sscanf(r->head, "%15s %127s", r->method, r->path) == 2;
}

static void
many_headers(int fd, int n, size_t len)
{
	char *value = malloc(len + 1);

	if (value == NULL)
		abort();
	memset(value, 'v', len);
	value[len] = '\0';
	reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
	for (int i = 0; i < n; i++)
		reply(fd, "X-Header-%d: %s\r\n", i, value);
	reply(fd, "\r\n");
	free(value);
}

static void
until_closed(int fd)
{
	char c;

	while (recv(fd, &c, 1, 0) > 0)
		;
}

/* Answer; false: close the connection. */
static bool
answer(int fd, const struct request *r, int nth)
{
	const struct timespec ms = { .tv_nsec = 2000000 };
	char buf[6000];
	int n;

	if (strcmp(r->path, "/ok") == 0) {
		reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		    "X-A: one\r\nx-a:  two \r\nX-Empty:\r\n\r\n%s",
		    strcmp(r->method, "HEAD") == 0 ? "" : "hello");
	} else if (strcmp(r->path, "/echo") == 0) {
		reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s%s",
		    strlen(r->head) + r->body_len, r->head, r->body);
	} else if (sscanf(r->path, "/status/%d", &n) == 1) {
		reply(fd, "HTTP/1.1 %d Some\r\nContent-Length: 3\r\n"
		    "Retry-After: 120\r\n\r\nyes", n);
	} else if (sscanf(r->path, "/size/%d", &n) == 1) {
		memset(buf, 'b', sizeof(buf));
		buf[n] = '\0';
		ok(fd, buf);
	} else if (strcmp(r->path, "/slow") == 0) {
		(void)nanosleep(&ms, NULL);
		ok(fd, "slow");
	} else if (strcmp(r->path, "/chunked") == 0) {
		reply(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		    "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n");
	} else if (strcmp(r->path, "/interim") == 0) {
		reply(fd, "HTTP/1.1 103 Early\r\nX-A: interim\r\n\r\n");
		ok(fd, "final");
	} else if (strcmp(r->path, "/headers/100") == 0) {
		many_headers(fd, 99, 4);	/* and Content-Length */
	} else if (strcmp(r->path, "/headers/101") == 0) {
		many_headers(fd, 100, 4);
	} else if (strcmp(r->path, "/headers/long") == 0) {
		many_headers(fd, 20, 4000);
	} else if (strcmp(r->path, "/headers/endless") == 0) {
		reply(fd, "HTTP/1.1 200 OK\r\nX: ");
		for (n = 0; n < 400; n++)
			reply(fd, "%0999d", n);
	} else if (strcmp(r->path, "/redirect") == 0) {
		reply(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\n"
		    "X-A: redirect\r\nContent-Length: 5\r\n\r\nmoved");
	} else if (strcmp(r->path, "/loop") == 0) {
		reply(fd, "HTTP/1.1 302 Found\r\nLocation: /loop\r\n"
		    "Content-Length: 0\r\n\r\n");
	} else if (strcmp(r->path, "/file") == 0) {
		reply(fd, "HTTP/1.1 302 Found\r\n"
		    "Location: file:///etc/hostname\r\n"
		    "Content-Length: 0\r\n\r\n");
	} else if (strcmp(r->path, "/garbage") == 0) {
		reply(fd, "\x80\x01garbage\r\n\r\n");
		return false;
	} else if (strcmp(r->path, "/short") == 0) {
		reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
		return false;
	} else if (strcmp(r->path, "/midway") == 0) {
		reply(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
		until_closed(fd);
		return false;
	} else if (strcmp(r->path, "/closing") == 0) {
		ok(fd, "bye");
		return false;	/* without having said so */
	} else if (strcmp(r->path, "/lost") == 0) {
		return false;
	} else if (strcmp(r->path, "/reused") == 0) {
		/* As if it had closed just when the request came. */
		if (nth > 1)
			return false;
		ok(fd, "fresh");
	} else {
		until_closed(fd);	/* "/hang" */
		return false;
	}
	return true;
}

static void *
serve(void *arg)
{
	struct request *r = calloc(1, sizeof(*r));
	int fd = (int)(intptr_t)arg, now = atomic_load(&open_now), nth = 0;

	if (r == NULL)
		abort();
	if (now > atomic_load(&most_open))
		atomic_store(&most_open, now);
	while (read_request(fd, r) && answer(fd, r, ++nth))
		;
	close(fd);
	free(r);
	(void)atomic_fetch_sub(&open_now, 1);
	return NULL;
}

static void *
accept_all(void *arg)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd == -1)
			return NULL;
		(void)atomic_fetch_add(&accepted, 1);
		(void)atomic_fetch_add(&open_now, 1);
		if (pthread_create(&thread, NULL, serve,
		    (void *)(intptr_t)fd) != 0)
			abort();
		(void)pthread_detach(thread);
	}
}

int
httpd_start(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    listen(listener, 128) == -1 ||
	    getsockname(listener, (struct sockaddr *)&sa, &len) == -1 ||
	    pthread_create(&acceptor, NULL, accept_all, NULL) != 0)
		abort();
	return ntohs(sa.sin_port);
}

void
httpd_stop(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)shutdown(listener, SHUT_RDWR);
	(void)pthread_join(acceptor, NULL);
	close(listener);
	while (atomic_load(&open_now) > 0)
		(void)nanosleep(&ms, NULL);
}

int
httpd_connections(void)
{
	return atomic_load(&accepted);
}

int
httpd_most_open(void)
{
	return atomic_load(&most_open);
}

void
httpd_reset(void)
{
	atomic_store(&accepted, 0);
	atomic_store(&most_open, 0);
}
