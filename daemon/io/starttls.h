/* SPDX-License-Identifier: MIT */
/*
 * starttls - what is said in the clear before TLS begins, as a machine that
 * is fed with bytes and says what to send.  No sockets.  Used by tls.c; the
 * names also by config/.
 */
#ifndef DAEMON_IO_STARTTLS_H
#define DAEMON_IO_STARTTLS_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum starttls {
	STARTTLS_NONE,
	STARTTLS_SMTP,
	STARTTLS_IMAP,
	STARTTLS_POP3,
	STARTTLS_LDAP,
	STARTTLS_POSTGRES,
	STARTTLS_XMPP,
	STARTTLS_XMPP_SERVER,		/* between servers */
	STARTTLS_FTP,
	STARTTLS_MYSQL,
	STARTTLS_SIEVE,			/* ManageSieve */
	STARTTLS_LMTP,
	STARTTLS_NNTP,
	STARTTLS_IRC,
	STARTTLS_END
};

/* "none", "smtp", ... */
const char	*starttls_name(enum starttls);
/* 0 and *kind, or -1 if there is no such protocol. */
int		 starttls_parse(const char *name, enum starttls *kind);
/* What is usual at a port: STARTTLS_SMTP at 25; STARTTLS_NONE if nothing. */
enum starttls	 starttls_of_port(uint16_t port);
/* The reverse; 0 for STARTTLS_NONE. */
uint16_t	 starttls_port(enum starttls);
/* "smtp, imap, ...", for messages. */
#define STARTTLS_ALL "none, smtp, imap, pop3, ldap, postgres, xmpp, " \
    "xmpp-server, ftp, mysql, sieve, lmtp, nntp, irc"

#define STARTTLS_SAY_MAX 512

struct starttls_talk {
	enum starttls	 kind;
	const char	*host;		/* for XMPP; borrowed */
	unsigned	 step;		/* from 0 */
	char		 code[4];	/* of a reply of several lines that goes
					   on; else "" */
	/* What is to be sent now. */
	char		 say[STARTTLS_SAY_MAX];
	size_t		 say_len;
};

/*
 * Feed what has come and was not used yet, also once at the beginning with
 * nothing: *used of it are done with.  1: TLS begins now; 0: go on (say_len
 * tells whether something is to be sent); -1: ERR_TRANSIENT "tls:starttls".
 */
int		 starttls_feed(struct starttls_talk *, const char *in,
		    size_t len, size_t *used, struct error *);

#endif
