/* SPDX-License-Identifier: MIT */
/*
 * http01 - acmed's own web server for the challenges of http-01 (RFC 8555
 * section 8.3): it answers for the tokens it is given, whatever the Host, and
 * for nothing else.  One in the engine; its sockets are those of the
 * configuration in force, open all the time, so that a port that is taken is
 * noticed when acmed starts, and not at the next renewal.
 */
#ifndef DAEMON_HTTP01_HTTP01_H
#define DAEMON_HTTP01_HTTP01_H

struct error;
struct http01;
struct loop;

/* In http_listen: the sockets that systemd has passed (acmed-http.socket). */
#define HTTP01_SYSTEMD "systemd"

struct http01	*http01_new(struct loop *);
/* NULL is allowed. */
void		 http01_free(struct http01 *);

/*
 * Listen there from now on, and nowhere else; addresses as in
 * http_listen_open(), NULL-terminated, borrowed until the next call.  Passed
 * sockets are served whether they are asked for or not: who comes to them
 * must not wait for ever.  ERR_CONFIG "http:listen": the first that failed;
 * the others are served, and those are tried again by http01_put().
 */
int		 http01_listen(struct http01 *, char *const *addresses,
		    struct error *);

/*
 * Answer for this token with this text, until http01_drop().  ERR_CONFIG
 * "http:listen" if there is no open socket, ERR_REJECTED "http01:token" if it
 * is no token.
 */
int		 http01_put(struct http01 *, const char *token,
		    const char *text, struct error *);
/* Harmless if it is not there. */
void		 http01_drop(struct http01 *, const char *token);

/* For tests, after http01_listen(): how long a connection may live. */
void		 http01_test_limit(struct http01 *, unsigned life_ms);

#endif
