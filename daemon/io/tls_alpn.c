/* SPDX-License-Identifier: MIT */
#include "daemon/io/tls_alpn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http_socks.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"
#include "daemon/io/tls_alpn_cert.h"

#define SOCKET_NAME "acmed-alpn"

enum {
	PASSED_MAX = 16,
	HTTPS_PORT = 443,
	CONN_MAX = 128,
	LIFE_MS = 10000,
	TICK_QUIET_MS = 10000,		/* nobody is connected */
	TICK_BUSY_MS = 1000
};

/* RFC 8737 section 4: the only one in the client's list; as it is on the
 * wire, after the list's length. */
static const unsigned char only_acme[] = "\0\013\012acme-tls/1";

/* One name that is being proved. */
struct proof {
	TAILQ_ENTRY(proof) link;
	char		 sni[DNAME_SIZE];
	char		*key_authorization;
	X509		*x;
	unsigned	 users;
	bool		 is_trial;
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct tls_alpn	*server;
	int		 fd;
	struct fdwatch	 watch;
	SSL		*ssl;
	int64_t		 since_ms;
};

struct tls_alpn {
	struct http_socks *socks;
	struct loop	*loop;
	SSL_CTX		*ctx;		/* made when first needed */
	EVP_PKEY	*key;		/* of all certificates */
	TAILQ_HEAD(, proof) proofs;
	TAILQ_HEAD(, conn) conns;	/* oldest first */
	size_t		 n_conns;
	struct timer	 tick;
	unsigned	 life_ms;
	char *const	*addresses;
	int		 passed[PASSED_MAX];
	size_t		 n_passed;
	bool		 is_missing;	/* an address could not be had */
	bool		 is_open;	/* at least one could */
};

/* --- the handshake --- */

static struct proof *
find(const struct tls_alpn *a, const char *sni)
{
	struct proof *p;

	TAILQ_FOREACH(p, &a->proofs, link) {
		if (strcasecmp(p->sni, sni) == 0)
			return p;
	}
	return NULL;
}

/* Who does not offer the protocol, or others as well, is no CA's. */
static int
hello_cb(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *ext;
	size_t len;

	if (SSL_client_hello_get0_ext(ssl,
	    TLSEXT_TYPE_application_layer_protocol_negotiation, &ext,
	    &len) == 1 && len == sizeof(only_acme) - 1 &&
	    memcmp(ext, only_acme, len) == 0)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int
name_cb(SSL *ssl, int *alert, void *arg)
{
	struct tls_alpn *a = arg;
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct proof *p = sni != NULL ? find(a, sni) : NULL;

	if (p != NULL && SSL_use_certificate(ssl, p->x) == 1 &&
	    SSL_use_PrivateKey(ssl, a->key) == 1)
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* hello_cb() has seen what is offered. */
static int
select_cb(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

/* The key is of no worth: it signs handshakes that nothing follows. */
static void
make_context(struct tls_alpn *a)
{
	if (a->ctx != NULL)
		return;
	a->key = EVP_EC_gen("P-256");
	a->ctx = SSL_CTX_new(TLS_server_method());
	if (a->key == NULL || a->ctx == NULL)
		abort();
	(void)SSL_CTX_set_min_proto_version(a->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_session_cache_mode(a->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(a->ctx, SSL_OP_NO_TICKET |
	    SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_num_tickets(a->ctx, 0);
	SSL_CTX_set_client_hello_cb(a->ctx, hello_cb, a);
	SSL_CTX_set_tlsext_servername_callback(a->ctx, name_cb);
	SSL_CTX_set_tlsext_servername_arg(a->ctx, a);
	SSL_CTX_set_alpn_select_cb(a->ctx, select_cb, a);
}

/* --- connections --- */

static void
conn_free(struct conn *c)
{
	TAILQ_REMOVE(&c->server->conns, c, link);
	c->server->n_conns--;
	fdwatch_clear(&c->watch);
	SSL_free(c->ssl);
	close(c->fd);
	ERR_clear_error();
	free(c);
}

static void
conn_cb(int fd, unsigned what, void *arg)
{
	struct conn *c = arg;
	int rc;

	ERR_clear_error();
	rc = SSL_accept(c->ssl);
	fdwatch_clear(&c->watch);
	switch (SSL_get_error(c->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		fdwatch_set(&c->watch, c->fd, FD_READ);
		return;
	case SSL_ERROR_WANT_WRITE:
		fdwatch_set(&c->watch, c->fd, FD_WRITE);
		return;
	case SSL_ERROR_NONE:
		/* The CA has seen it: RFC 8737 section 3, step 6. */
		(void)SSL_shutdown(c->ssl);
		break;
	default:
		break;
	}
	conn_free(c);
}

static void
set_tick(struct tls_alpn *a)
{
	timer_set(&a->tick, a->n_conns == 0 ? TICK_QUIET_MS :
	    a->life_ms < TICK_BUSY_MS ? a->life_ms : TICK_BUSY_MS);
}

static void
tick_cb(void *arg)
{
	struct tls_alpn *a = arg;
	int64_t now_ms = clock_mono_ms();
	struct conn *c;

	while ((c = TAILQ_FIRST(&a->conns)) != NULL &&
	    now_ms - c->since_ms >= a->life_ms)
		conn_free(c);
	/* After an accept that failed. */
	http_socks_enable(a->socks, true);
	if (a->n_conns > 0 || !http_socks_is_empty(a->socks))
		set_tick(a);
}

static void
accept_cb(int fd, void *arg)
{
	struct tls_alpn *a = arg;
	struct conn *c;

	if (a->n_conns >= CONN_MAX)
		conn_free(TAILQ_FIRST(&a->conns));
	make_context(a);
	c = xcalloc(1, sizeof(*c));
	c->server = a;
	c->fd = fd;
	c->since_ms = clock_mono_ms();
	c->ssl = SSL_new(a->ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1)
		abort();
	fdwatch_init(&c->watch, a->loop, conn_cb, c);
	fdwatch_set(&c->watch, fd, FD_READ);
	TAILQ_INSERT_TAIL(&a->conns, c, link);
	if (++a->n_conns == 1)
		set_tick(a);
}

/* --- its life --- */

struct tls_alpn *
tls_alpn_new(struct loop *loop)
{
	struct tls_alpn *a = xcalloc(1, sizeof(*a));

	a->loop = loop;
	a->life_ms = LIFE_MS;
	TAILQ_INIT(&a->proofs);
	TAILQ_INIT(&a->conns);
	timer_init(&a->tick, loop, tick_cb, a);
	a->socks = http_socks_new_plain(loop, HTTPS_PORT, accept_cb, a);
	a->n_passed = sd_sockets(SOCKET_NAME, a->passed, PASSED_MAX);
	return a;
}

static void
proof_free(struct tls_alpn *a, struct proof *p)
{
	TAILQ_REMOVE(&a->proofs, p, link);
	X509_free(p->x);
	freezero_str(p->key_authorization);
	free(p);
}

void
tls_alpn_free(struct tls_alpn *a)
{
	struct proof *p;
	struct conn *c;

	if (a == NULL)
		return;
	http_socks_free(a->socks);
	timer_clear(&a->tick);
	while ((c = TAILQ_FIRST(&a->conns)) != NULL)
		conn_free(c);
	while ((p = TAILQ_FIRST(&a->proofs)) != NULL)
		proof_free(a, p);
	SSL_CTX_free(a->ctx);
	EVP_PKEY_free(a->key);
	free(a);
}

void
tls_alpn_test_limit(struct tls_alpn *a, unsigned life_ms)
{
	a->life_ms = life_ms;
}

static int
open_one(struct tls_alpn *a, const char *address, struct error *err)
{
	if (strcmp(address, TLS_ALPN_SYSTEMD) == 0) {
		if (a->n_passed > 0)
			return 0;
		return error_set(err, ERR_CONFIG, "tls-alpn:listen",
		    "tls_alpn_listen = " TLS_ALPN_SYSTEMD ", but systemd has "
		    "passed no socket: systemctl stop acmed; systemctl enable "
		    "--now acmed-alpn.socket; systemctl start acmed");
	}
	if (http_socks_open(a->socks, address) == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "tls-alpn:listen",
	    "cannot listen on %s: %s%s", address, strerror(errno),
	    errno == EACCES ? "; a port under 1024 is for root: enable "
	    "acmed-alpn.socket and say tls_alpn_listen = systemd" :
	    errno == EADDRINUSE ? "; a web server? listen on another port, "
	    "and let it pass acme-tls/1 on (doc/tls-alpn-01.md)" : "");
}

int
tls_alpn_listen(struct tls_alpn *a, char *const *addresses,
    struct error *err)
{
	struct error other;		/* the first is told */
	int rc = 0;

	a->addresses = addresses;
	http_socks_begin(a->socks);
	for (size_t i = 0; i < a->n_passed; i++)
		http_socks_passed(a->socks, a->passed[i]);
	for (; *addresses != NULL; addresses++) {
		if (open_one(a, *addresses, rc == -1 ? &other : err) == -1)
			rc = -1;
	}
	http_socks_end(a->socks);
	a->is_open = !http_socks_is_empty(a->socks);
	a->is_missing = rc == -1;
	if (!http_socks_is_empty(a->socks) && !timer_is_set(&a->tick))
		set_tick(a);
	return rc;
}

/* --- proofs --- */

int
tls_alpn_put(struct tls_alpn *a, const char *name,
    const char *key_authorization, bool is_trial, struct error *err)
{
	char sni[DNAME_SIZE];
	struct proof *p;

	/* Whoever held the port may have gone. */
	if (a->is_missing && tls_alpn_listen(a, a->addresses, err) == -1 &&
	    !a->is_open)
		return -1;
	if (!a->is_open)
		return error_set(err, ERR_CONFIG, "tls-alpn:listen",
		    "acmed listens nowhere for tls-alpn-01: add "
		    "tls_alpn_listen");
	tls_alpn_sni(name, sni);
	p = find(a, sni);
	if (p != NULL && p->is_trial && !is_trial) {
		proof_free(a, p);	/* which its drop will not find */
		p = NULL;
	}
	if (p != NULL && strcmp(p->key_authorization,
	    key_authorization) != 0)
		return error_set(err, ERR_TRANSIENT, "tls-alpn:busy",
		    "another certificate is proving %s just now, and "
		    "tls-alpn-01 can answer for one at a time", name);
	if (p == NULL) {
		make_context(a);
		p = xcalloc(1, sizeof(*p));
		memcpy(p->sni, sni, sizeof(sni));
		p->key_authorization = xstrdup(key_authorization);
		p->x = tls_alpn_cert(a->key, name, key_authorization);
		p->is_trial = is_trial;
		TAILQ_INSERT_TAIL(&a->proofs, p, link);
	}
	p->users++;
	return 0;
}

void
tls_alpn_drop(struct tls_alpn *a, const char *name,
    const char *key_authorization)
{
	char sni[DNAME_SIZE];
	struct proof *p;

	tls_alpn_sni(name, sni);
	p = find(a, sni);
	if (p != NULL && strcmp(p->key_authorization,
	    key_authorization) == 0 && --p->users == 0)
		proof_free(a, p);
}
