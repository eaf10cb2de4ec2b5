/* SPDX-License-Identifier: MIT */
#include "daemon/io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/io/tls_cert.h"

#define IN_MAX		(256 * 1024)	/* bytes from the peer, in all */
#define TALK_MAX	(16 * 1024)	/* before TLS */
#define CHAIN_MAX	(100 * 1024)	/* of certificates */
#define READ_MAX	16384		/* in one turn of the loop */

enum phase { PHASE_CONNECT, PHASE_TALK, PHASE_SHAKE };

struct tls_op {
	struct loop	*loop;
	enum phase	 phase;
	int		 fd;
	struct fdwatch	 watch;
	struct timer	 limit;
	struct timer	 begin;
	unsigned	 timeout_ms;
	struct sockaddr_storage addr;
	socklen_t	 addr_len;
	char		*sni, *ca_file, *alpn;
	enum tls_key	 key;
	struct starttls_talk talk;
	char		*heard;		/* not used yet, before TLS */
	size_t		 heard_len;
	size_t		 in_total;
	char		*out;		/* to be sent */
	size_t		 out_len, out_sent;
	SSL_CTX		*ctx;
	SSL		*ssl;
	BIO		*rbio, *wbio;	/* ssl's */
	bool		 asked_us;	/* for a certificate of ours */
	tls_done_cb	*done;
	void		*arg;
};

void
tls_cancel(struct tls_op *op)
{
	if (op == NULL)
		return;
	fdwatch_clear(&op->watch);
	timer_clear(&op->limit);
	timer_clear(&op->begin);
	if (op->fd != -1)
		close(op->fd);
	SSL_free(op->ssl);
	SSL_CTX_free(op->ctx);
	ERR_clear_error();
	free(op->sni);
	free(op->ca_file);
	free(op->alpn);
	free(op->heard);
	free(op->out);
	free(op);
}

static void
fail(struct tls_op *op, const struct error *err)
{
	fdwatch_clear(&op->watch);
	op->done(err, NULL, op->arg);
	tls_cancel(op);
}

static void
fail_with(struct tls_op *op, const char *code, const char *msg)
{
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, code, "%s", msg);
	fail(op, &err);
}

static void
limit_cb(void *arg)
{
	static const char *const doing[] = {
		[PHASE_CONNECT] = "it does not answer",
		[PHASE_TALK] = "it does not begin TLS",
		[PHASE_SHAKE] = "the TLS handshake is not over",
	};
	struct tls_op *op = arg;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "tls:timeout", "%s after %u s",
	    doing[op->phase], op->timeout_ms / 1000);
	fail(op, &err);
}

/* --- the handshake --- */

/* A server may ask for a certificate of ours; we have none. */
static int
asked_cb(SSL *ssl, X509 **x, EVP_PKEY **key)
{
	struct tls_op *op = SSL_get_app_data(ssl);

	op->asked_us = true;
	return 0;
}

static bool
restrict_key(struct tls_op *op)
{
	static const char *const sigalgs[] = {
		[TLS_KEY_EC] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512",
		[TLS_KEY_RSA] = "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"
		    "rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512:"
		    "RSA+SHA1",
	};
	static const char *const ciphers[] = {
		[TLS_KEY_ANY] = "ALL:!aNULL:@SECLEVEL=0",
		[TLS_KEY_EC] = "aECDSA:@SECLEVEL=0",
		[TLS_KEY_RSA] = "aRSA:@SECLEVEL=0",
	};

	return SSL_CTX_set_cipher_list(op->ctx, ciphers[op->key]) == 1 &&
	    (op->key == TLS_KEY_ANY ||
	    SSL_CTX_set1_sigalgs_list(op->ctx, sigalgs[op->key]) == 1);
}

static int
trust(struct tls_op *op, struct error *err)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(op->ctx);

	X509_VERIFY_PARAM_set_time(param, clock_now());
	/* The level is 0 so as to see everything; belief asks for more. */
	X509_VERIFY_PARAM_set_auth_level(param, 1);
	if (op->ca_file == NULL) {
		/* Its reference is the context's now. */
		SSL_CTX_set_cert_store(op->ctx, tls_system_store());
		return 0;
	}
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (SSL_CTX_load_verify_file(op->ctx, op->ca_file) == 1)
		return 0;
	return error_set(err, ERR_CONFIG, "tls:ca", "ca_file %s has no "
	    "certificate that can be read", op->ca_file);
}

/* A list of one, as on the wire. */
static void
ask_protocol(SSL *ssl, const char *name)
{
	char *wire = xasprintf("%c%s", (int)strlen(name), name);

	if (SSL_set_alpn_protos(ssl, (const unsigned char *)wire,
	    (unsigned)strlen(wire)) != 0)
		abort();	/* memory */
	free(wire);
}

static int
ssl_open(struct tls_op *op, struct error *err)
{
	op->ctx = SSL_CTX_new(TLS_client_method());
	if (op->ctx == NULL || !restrict_key(op))
		return error_set(err, ERR_INTERNAL, "tls:openssl",
		    "OpenSSL cannot be used");
	if (trust(op, err) == -1)
		return -1;
	(void)SSL_CTX_set_min_proto_version(op->ctx, 0);
	SSL_CTX_set_max_cert_list(op->ctx, CHAIN_MAX);
	SSL_CTX_set_verify(op->ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_client_cert_cb(op->ctx, asked_cb);
	op->ssl = SSL_new(op->ctx);
	op->rbio = BIO_new(BIO_s_mem());
	op->wbio = BIO_new(BIO_s_mem());
	if (op->ssl == NULL || op->rbio == NULL || op->wbio == NULL)
		abort();	/* memory */
	SSL_set_bio(op->ssl, op->rbio, op->wbio);
	BIO_set_mem_eof_return(op->rbio, -1);
	(void)SSL_set_app_data(op->ssl, op);
	/* RFC 6066 section 3: an address is none. */
	if (op->sni != NULL && !name_is_address(op->sni))
		(void)SSL_set_tlsext_host_name(op->ssl, op->sni);
	if (op->alpn != NULL)
		ask_protocol(op->ssl, op->alpn);
	SSL_set_connect_state(op->ssl);
	return 0;
}

static void
finish(struct tls_op *op, X509 *leaf)
{
	struct tls_reply reply;
	long rc = SSL_get_verify_result(op->ssl);

	tls_cert_read(leaf, op->sni, &reply);
	reply.is_trusted = rc == X509_V_OK;
	(void)text_printf(reply.why_not, sizeof(reply.why_not), "%s",
	    reply.is_trusted ? "" : X509_verify_cert_error_string(rc));
	fdwatch_clear(&op->watch);
	op->done(NULL, &reply, op->arg);
	tls_cancel(op);
}

static void
shake_failed(struct tls_op *op)
{
	unsigned long e = ERR_peek_error();
	X509 *leaf = SSL_get0_peer_certificate(op->ssl);
	const char *words = ERR_reason_error_string(e);
	int reason = ERR_GET_REASON(e);
	struct error err;

	/* It wants to know us, after it has shown its certificate (and that
	 * it has the key): more is not asked. */
	if (op->asked_us && leaf != NULL && reason > SSL_AD_REASON_OFFSET) {
		finish(op, leaf);
		return;
	}
	(void)error_set(&err, ERR_TRANSIENT,
	    reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ? "tls:no-shared" :
	    reason == SSL_R_TLSV1_UNRECOGNIZED_NAME ? "tls:no-name" :
	    "tls:handshake", "the TLS handshake fails: %s",
	    words != NULL ? words : "no reason is given");
	fail(op, &err);
}

/* Move what OpenSSL wants to send to our buffer. */
static void
take_output(struct tls_op *op)
{
	int n = (int)BIO_ctrl_pending(op->wbio);

	if (n <= 0)
		return;
	op->out = xreallocarray(op->out, op->out_len + (size_t)n, 1);
	n = BIO_read(op->wbio, op->out + op->out_len, n);
	if (n > 0)
		op->out_len += (size_t)n;
}

/* False: op is gone. */
static bool
shake(struct tls_op *op)
{
	X509 *leaf;
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(op->ssl);
	take_output(op);
	if (rc == 1) {
		leaf = SSL_get0_peer_certificate(op->ssl);
		if (leaf != NULL)
			finish(op, leaf);
		else
			fail_with(op, "tls:handshake",
			    "it shows no certificate");
		return false;
	}
	if (SSL_get_error(op->ssl, rc) == SSL_ERROR_WANT_READ)
		return true;
	shake_failed(op);
	return false;
}

/* --- bytes --- */

static void
want(struct tls_op *op)
{
	fdwatch_clear(&op->watch);
	fdwatch_set(&op->watch, op->fd, FD_READ |
	    (op->out_sent < op->out_len ? FD_WRITE : 0));
}

static bool
send_some(struct tls_op *op)
{
	ssize_t n;

	while (op->out_sent < op->out_len) {
		n = send(op->fd, op->out + op->out_sent,
		    op->out_len - op->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		/* What it has said before it went may tell why. */
		if (n < 0)
			return true;
		op->out_sent += (size_t)n;
	}
	op->out_len = op->out_sent = 0;
	return true;
}

static bool
shake_begin(struct tls_op *op)
{
	struct error err;

	op->phase = PHASE_SHAKE;
	if (op->heard_len > 0) {
		fail_with(op, "tls:starttls", "it goes on in the clear after "
		    "it agreed to TLS");
		return false;
	}
	if (ssl_open(op, &err) == -1) {
		fail(op, &err);
		return false;
	}
	return shake(op);
}

/* Go on with what was heard. */
static bool
talk(struct tls_op *op)
{
	struct error err;
	size_t used;
	int rc;

	do {
		rc = starttls_feed(&op->talk, op->heard, op->heard_len, &used,
		    &err);
		if (rc == -1) {
			fail(op, &err);
			return false;
		}
		op->heard_len -= used;
		memmove(op->heard, op->heard + used, op->heard_len);
		if (op->talk.say_len > 0) {
			op->out = xreallocarray(op->out, op->out_len +
			    op->talk.say_len, 1);
			memcpy(op->out + op->out_len, op->talk.say,
			    op->talk.say_len);
			op->out_len += op->talk.say_len;
		}
	} while (rc == 0 && used > 0);
	return rc == 0 ? true : shake_begin(op);
}

static bool
heard(struct tls_op *op, const char *data, size_t len)
{
	op->in_total += len;
	if (op->in_total > IN_MAX) {
		fail_with(op, "tls:handshake",
		    "it sends more than 256 KiB in a handshake");
		return false;
	}
	if (op->phase == PHASE_SHAKE) {
		if (BIO_write(op->rbio, data, (int)len) != (int)len)
			abort();	/* memory */
		return shake(op);
	}
	if (op->heard_len + len > TALK_MAX || op->in_total > TALK_MAX) {
		fail_with(op, "tls:starttls",
		    "it talks without an end, and does not begin TLS");
		return false;
	}
	memcpy(op->heard + op->heard_len, data, len);
	op->heard_len += len;
	return talk(op);
}

static bool
receive(struct tls_op *op)
{
	char buf[READ_MAX];
	ssize_t n = recv(op->fd, buf, sizeof(buf), 0);
	char msg[160];

	if (n > 0)
		return heard(op, buf, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	(void)text_printf(msg, sizeof(msg), "it ends the connection %s%s%s",
	    op->phase == PHASE_SHAKE ? "in the TLS handshake" :
	    "before TLS begins", n < 0 ? ": " : "",
	    n < 0 ? strerror(errno) : "");
	fail_with(op, "tls:closed", msg);
	return false;
}

static bool
connected(struct tls_op *op)
{
	if (op->talk.kind == STARTTLS_NONE)
		return shake_begin(op);
	op->phase = PHASE_TALK;
	op->heard = xmalloc(TALK_MAX);
	return talk(op);
}

static void
connect_failed(struct tls_op *op, int error)
{
	switch (error) {
	case ECONNREFUSED:
		fail_with(op, "tls:refused", "connection refused");
		break;
	case ENETUNREACH:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		fail_with(op, "tls:unroutable",
		    "this host has no route to it");
		break;
	default:
		fail_with(op, "tls:connect", strerror(error));
	}
}

static void
ready_cb(int fd, unsigned what, void *arg)
{
	struct tls_op *op = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	if (op->phase == PHASE_CONNECT) {
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			connect_failed(op, error);
			return;
		}
		if (!connected(op))
			return;
	} else if ((what & FD_READ) != 0 && !receive(op)) {
		return;
	}
	if (send_some(op))
		want(op);
}

static void
begin_cb(void *arg)
{
	struct tls_op *op = arg;

	op->fd = socket(op->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (op->fd == -1 || (connect(op->fd, (struct sockaddr *)&op->addr,
	    op->addr_len) == -1 && errno != EINPROGRESS)) {
		connect_failed(op, errno);
		return;
	}
	fdwatch_set(&op->watch, op->fd, FD_WRITE);
}

static char *
dup_or_null(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

struct tls_op *
tls_start(struct loop *loop, const struct tls_args *a, tls_done_cb *done,
    void *arg)
{
	struct tls_op *op = xcalloc(1, sizeof(*op));

	op->loop = loop;
	op->fd = -1;
	memcpy(&op->addr, a->addr, a->addr_len);
	op->addr_len = a->addr_len;
	op->sni = dup_or_null(a->sni);
	op->ca_file = dup_or_null(a->ca_file);
	op->alpn = dup_or_null(a->alpn);
	op->key = a->key;
	op->talk.kind = a->starttls;
	op->talk.host = op->sni != NULL ? op->sni : "localhost";
	op->timeout_ms = a->timeout_ms;
	op->done = done;
	op->arg = arg;
	fdwatch_init(&op->watch, loop, ready_cb, op);
	timer_init(&op->limit, loop, limit_cb, op);
	timer_init(&op->begin, loop, begin_cb, op);
	timer_set(&op->limit, a->timeout_ms);
	timer_set(&op->begin, 0);
	return op;
}
