/* SPDX-License-Identifier: MIT */
/*
 * fuzz_listen - what strangers send to the listeners of http-01 and of
 * tls-alpn-01.  The first byte is 'h' or 't', the rest is what is sent; then
 * the client sends no more.
 */
#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/http01/http01.h"
#include "daemon/io/loop.h"
#include "daemon/io/tls_alpn.h"
#include "tests/fuzz/fuzz.h"

#define TURNS_MAX 200
#define SENT_MAX 32768
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define SECRET TOKEN ".nP1qzpXGymHBrUEepNY9HCsQk7K8KhOypzEt62jcerQ"

static struct loop *loop;
static struct sockaddr_in there[2];

static void
need(bool ok)
{
	if (!ok)
		abort();
}

/* A free port of this machine's. */
static void
find_port(struct sockaddr_in *sin, char address[32])
{
	socklen_t len = sizeof(*sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	need(bind(fd, (struct sockaddr *)sin, sizeof(*sin)) == 0);
	need(getsockname(fd, (struct sockaddr *)sin, &len) == 0);
	(void)close(fd);
	(void)text_printf(address, 32, "127.0.0.1:%u", ntohs(sin->sin_port));
}

static void
begin(void)
{
	static char address[2][32];
	static char *addresses[2][2] = { { address[0] }, { address[1] } };
	struct http01 *http;
	struct tls_alpn *alpn;
	struct error err;

	loop = loop_new();
	find_port(&there[0], address[0]);
	http = http01_new(loop);
	need(http01_listen(http, addresses[0], &err) == 0);
	need(http01_put(http, TOKEN, SECRET, &err) == 0);
	find_port(&there[1], address[1]);
	alpn = tls_alpn_new(loop);
	need(tls_alpn_listen(alpn, addresses[1], &err) == 0);
	need(tls_alpn_put(alpn, "www.example.test", SECRET, false,
	    &err) == 0);
}

static void
turn(void)
{
	(void)event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
}

/* The answer, until the server closes. */
static size_t
talk(const struct sockaddr_in *sin, const uint8_t *data, size_t size,
    char *reply, size_t max)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t got = -1;
	size_t n = 0;

	need(connect(fd, (const struct sockaddr *)sin, sizeof(*sin)) == 0);
	(void)send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
	for (int i = 0; i < TURNS_MAX && got != 0; i++) {
		turn();
		got = recv(fd, reply + n, max - n, MSG_DONTWAIT);
		if (got > 0)
			n += (size_t)got;
	}
	(void)close(fd);
	turn();
	need(got == 0 || n < max);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char reply[65536];
	bool is_tls = size > 0 && data[0] == 't';
	size_t n;

	if (size < 2 || size > SENT_MAX)
		return 0;
	if (loop == NULL)
		begin();
	n = talk(&there[is_tls], data + 1, size - 1, reply,
	    sizeof(reply) - 1);
	reply[n] = '\0';
	/* The secret is for those alone who know the token. */
	if (memmem(reply, n, SECRET, strlen(SECRET)) != NULL)
		need(!is_tls && memmem(data, size, TOKEN,
		    strlen(TOKEN)) != NULL);
	return 0;
}
