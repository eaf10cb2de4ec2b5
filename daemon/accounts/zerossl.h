/* SPDX-License-Identifier: MIT */
/*
 * zerossl - ZeroSSL gives an external account (RFC 8555 section 7.3.4) to who
 * tells it a mail address, as its own certbot wrapper and acme.sh do:
 * POST email=... to https://api.zerossl.com/acme/eab-credentials-email.
 */
#ifndef DAEMON_ACCOUNTS_ZEROSSL_H
#define DAEMON_ACCOUNTS_ZEROSSL_H

struct conf_account;
struct error;
struct http;
struct zerossl_op;

/* The mail address of the contacts, or NULL; borrowed. */
const char	*zerossl_mail(const struct conf_account *);

/*
 * kid, and the MAC key in base64url, borrowed: they die on return.  Errors:
 * those of http.h; ERR_REJECTED "zerossl:eab" if it refuses, or gives something
 * else.
 */
typedef void zerossl_done_cb(const struct error *err, const char *kid,
    const char *hmac_key, void *arg);
struct zerossl_op *zerossl_start(struct http *, const struct conf_account *,
		    zerossl_done_cb *done, void *arg);
/* NULL is allowed. */
void		 zerossl_cancel(struct zerossl_op *);

#endif
