/* SPDX-License-Identifier: MIT */
/*
 * smtp - hand one mail for one recipient to a mail server, through curl.
 * Called by notify/mail.
 *
 * curl waits for the server's last answer, and for that to QUIT, without
 * giving the loop back, also in its multi interface: a server that hangs there
 * would hang us.  So a child does it, which is this program itself.
 */
#ifndef DAEMON_IO_SMTP_H
#define DAEMON_IO_SMTP_H

#include <stddef.h>

struct children;
struct error;
struct smtp_op;

enum smtp_tls {
	SMTP_TLS,		/* from the first byte: smtps */
	SMTP_STARTTLS,		/* required, else nothing is sent */
	SMTP_STARTTLS_OFFERED,	/* where the server offers it */
	SMTP_STARTTLS_UNCHECKED,	/* the same, with any certificate; for
					   servers on this machine */
	SMTP_PLAIN,
	SMTP_TLS_END
};

/* Borrowed; smtp_start() copies. */
struct smtp_args {
	const char	*host;		/* IPv6 addresses without brackets */
	unsigned	 port;
	enum smtp_tls	 tls;
	const char	*ca_file;	/* PEM; NULL: the system's */
	const char	*user;		/* NULL: no AUTH */
	const char	*password;
	const char	*helo;		/* our name, or "[ADDRESS]"; NULL: the
					   address that we have there */
	const char	*from, *to;	/* addresses without brackets */
	const char	*mail;		/* headers and body, UTF-8, lines end in
					   CRLF; dots are doubled here */
	unsigned	 timeout_ms;	/* for everything */
};

/*
 * err NULL: the server has taken it.  Errors, each with the host and, where it
 * said no, the server's own words: ERR_TRANSIENT "smtp:resolve",
 * "smtp:connect", "smtp:tls", "smtp:timeout", "smtp:io", "smtp:deferred"
 * (4xx); ERR_REJECTED "smtp:refused" (5xx); ERR_CONFIG "smtp:auth",
 * "smtp:starttls" (not offered), "smtp:ca-file", "smtp:address".
 */
typedef void smtp_done_cb(const struct error *err, void *arg);

struct smtp_op	*smtp_start(struct children *, const struct smtp_args *,
		    smtp_done_cb *done, void *arg);
/* The mail may have been taken already.  NULL is allowed. */
void		 smtp_cancel(struct smtp_op *);

/* main() of the child; returns its exit status. */
int		 smtp_child_main(void);

#endif
