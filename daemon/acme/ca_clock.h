/* SPDX-License-Identifier: MIT */
/*
 * ca_clock - what a CA's clock shows, by the Date of its replies (RFC 9110
 * section 6.6.1), so that a wrong clock of this machine is noticed.  Kept by
 * client and meta, judged by engine/skew.
 */
#ifndef DAEMON_ACME_CA_CLOCK_H
#define DAEMON_ACME_CA_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct http_reply;

struct ca_clock {
	time_t		 date;		/* 0: not known */
	int64_t		 at_ms;		/* clock_boot_ms() when it came */
};

/*
 * Take the Date of a reply.  One of a cache (it has Age, RFC 9111 section
 * 5.1) says nothing of now; one without Date changes nothing.
 */
void	ca_clock_note(struct ca_clock *, const struct http_reply *);
/* What it shows now, whatever our own wall clock did meanwhile; 0: not
 * known. */
time_t	ca_clock_now(const struct ca_clock *);

#endif
