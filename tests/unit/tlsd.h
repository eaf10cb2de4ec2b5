/* SPDX-License-Identifier: MIT */
/*
 * tlsd - a TLS server on 127.0.0.1 for tests, in a thread of its own, with
 * the manners that it is given.
 */
#ifndef TESTS_UNIT_TLSD_H
#define TESTS_UNIT_TLSD_H

#include <openssl/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tlsd_mode {
	TLSD_NORMAL,
	TLSD_CLOSES,		/* as soon as somebody comes */
	TLSD_SILENT,		/* accepts, and says nothing */
	TLSD_GARBAGE,		/* bytes without an end */
	TLSD_SLOW,		/* a byte of a TLS record every 20 ms */
	TLSD_CHATTY		/* SMTP greetings without an end */
};

struct tlsd {
	/* Set before tlsd_start(), or left zero. */
	enum tlsd_mode	 mode;
	X509		*cert[2], *later;
	EVP_PKEY	*key[2], *later_key;
	unsigned	 later_from;	/* connection that gets `later` */
	unsigned	 extra;		/* certificates sent besides */
	int		 max_version;
	bool		 wants_cert;	/* of the client */
	const char	*const *talk;	/* ">TEXT" is sent, "<TEXT" a line that
					   must contain TEXT; NULL-terminated */
	/* Set by it. */
	uint16_t	 port;
	atomic_uint	 n_conns;
	int		 fd, stop[2];
	pthread_t	 thread;
};

void	tlsd_start(struct tlsd *);
void	tlsd_stop(struct tlsd *);

#endif
