/* SPDX-License-Identifier: MIT */
/*
 * problem - what a CA says when it says no (RFC 7807, RFC 8555 section 6.7)
 * -> struct error.
 */
#ifndef DAEMON_ACME_PROBLEM_H
#define DAEMON_ACME_PROBLEM_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

struct error;

/*
 * Fill *err from a problem document: kind by its type, code "acme:TYPE"
 * ("acme:other" for a type that is not ACME's), and a message that tells type
 * and detail of the problem and of every subproblem, with its identifier.
 * What it says in words alone is read by refusal.h: a pause (acme:paused), and
 * until when a limit is used up.
 */
void	problem_read(const json_t *, struct error *err);

/* The identifiers that its subproblems are about, NULL-terminated; strv_free()
 * frees it.  NULL: it names none. */
char	**problem_identifiers(const json_t *);
/* The same of an answer as below. */
char	**problem_identifiers_of(const char *body, size_t len);

/*
 * Fill *err from an HTTP answer that is not 2xx, with a problem document as
 * its body or with anything else: then the code is "acme:http-STATUS", and
 * the kind ERR_TRANSIENT for 5xx, 408 and 425, else ERR_REJECTED.  429 and
 * any retry_at other than 0 make it ERR_RATELIMIT; a pause stays what it is.
 */
void	problem_from_reply(int status, const char *body, size_t len,
	    time_t retry_at, struct error *err);

#endif
