/* SPDX-License-Identifier: MIT */
#include "tests/unit/tlsd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
put(int fd, const char *s, size_t len)
{
	return send(fd, s, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* One line, byte by byte, so that nothing of TLS is taken. */
static bool
get_line(int fd, char *out, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && recv(fd, out + n, 1, 0) == 1) {
		if (out[n++] == '\n')
			break;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
talk(const struct tlsd *d, int fd)
{
	char line[256];

	for (const char *const *t = d->talk; t != NULL && *t != NULL; t++) {
		if ((*t)[0] == '>') {
			if (!put(fd, *t + 1, strlen(*t + 1)))
				return false;
		} else if (!get_line(fd, line, sizeof(line)) ||
		    strstr(line, *t + 1) == NULL) {
			return false;
		}
	}
	return true;
}

/* The other side has gone, or it is the end. */
static bool
is_over(const struct tlsd *d, int fd, int ms)
{
	struct pollfd p[2] = { { .fd = d->stop[0], .events = POLLIN },
	    { .fd = fd, .events = POLLRDHUP } };

	return poll(p, 2, ms) > 0;
}

static void
babble(const struct tlsd *d, int fd)
{
	static const char garbage[] = "this is not what you want\n";
	static const char hello[] = "220-patience, please\r\n";
	static const char record[] = "\x16\x03\x03\x40";

	for (size_t i = 0; !is_over(d, fd, d->mode == TLSD_SLOW ? 20 :
	    d->mode == TLSD_SILENT ? 1000 : 0); i++) {
		if (d->mode == TLSD_GARBAGE && !put(fd, garbage,
		    sizeof(garbage) - 1))
			return;
		if (d->mode == TLSD_CHATTY && !put(fd, hello,
		    sizeof(hello) - 1))
			return;
		if (d->mode == TLSD_SLOW && !put(fd, i < 4 ? &record[i] :
		    "", 1))
			return;
	}
}

static SSL_CTX *
ctx_new(const struct tlsd *d, bool later)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	must(ctx != NULL);
	for (int i = 0; i < 2; i++) {
		X509 *x = later ? d->later : d->cert[i];
		EVP_PKEY *key = later ? d->later_key : d->key[i];

		if (x == NULL)
			continue;
		must(SSL_CTX_use_certificate(ctx, x) == 1);
		must(SSL_CTX_use_PrivateKey(ctx, key) == 1);
		for (unsigned n = 0; n < d->extra; n++)
			must(SSL_CTX_add1_chain_cert(ctx, x) == 1);
	}
	if (d->max_version != 0)
		must(SSL_CTX_set_max_proto_version(ctx, d->max_version) == 1);
	if (d->wants_cert)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static void
serve(struct tlsd *d, int fd)
{
	struct timeval tv = { .tv_sec = 5 };
	unsigned n = ++d->n_conns;
	SSL_CTX *ctx;
	SSL *ssl;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (d->mode == TLSD_CLOSES)
		return;
	if (d->mode != TLSD_NORMAL) {
		babble(d, fd);
		return;
	}
	if (!talk(d, fd))
		return;
	ctx = ctx_new(d, d->later != NULL && n >= d->later_from);
	ssl = SSL_new(ctx);
	must(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
	(void)SSL_accept(ssl);
	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

static void *
thread_main(void *arg)
{
	struct tlsd *d = arg;
	struct pollfd p[2] = { { .fd = d->stop[0], .events = POLLIN },
	    { .fd = d->fd, .events = POLLIN } };

	while (poll(p, 2, -1) > 0 && p[0].revents == 0) {
		int fd = accept(d->fd, NULL, NULL);

		if (fd == -1)
			continue;
		serve(d, fd);
		close(fd);
	}
	return NULL;
}

void
tlsd_start(struct tlsd *d)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(d->fd != -1);
	must(bind(d->fd, (struct sockaddr *)&sin, len) == 0);
	must(listen(d->fd, 16) == 0);
	must(getsockname(d->fd, (struct sockaddr *)&sin, &len) == 0);
	d->port = ntohs(sin.sin_port);
	must(pipe(d->stop) == 0);
	must(pthread_create(&d->thread, NULL, thread_main, d) == 0);
}

void
tlsd_stop(struct tlsd *d)
{
	must(write(d->stop[1], "x", 1) == 1);
	must(pthread_join(d->thread, NULL) == 0);
	close(d->stop[0]);
	close(d->stop[1]);
	close(d->fd);
}
