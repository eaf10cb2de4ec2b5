/* SPDX-License-Identifier: MIT */
/*
 * error - the one error of the whole program.  A function that can fail
 * returns 0 or -1 and takes `struct error *err` last: never NULL, written
 * only on failure.  The same struct feeds the log, the state database, the
 * mails and acmectl.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <time.h>

/* What the caller should do next. */
enum err_kind {
	ERR_NONE,
	ERR_TRANSIENT,		/* try again: network, 5xx, time limit */
	ERR_RATELIMIT,		/* try again at retry_at, not before */
	ERR_REJECTED,		/* the peer understood and said no */
	ERR_CONFIG,		/* a person must change something first */
	ERR_INTERNAL,		/* this machine: disk, memory, a bug */
	ERR_KIND_END
};

struct error {
	enum err_kind	kind;
	time_t		retry_at;	/* epoch seconds; 0: none was named */
	char		code[64];	/* stable id, "acme:rateLimited" */
	char		msg[2048];	/* one line, outermost context first */
};

/* "none", "transient", "rate-limited", "rejected", "config", "internal". */
const char	*err_kind_name(enum err_kind);
/* The kind of that name; ERR_INTERNAL for an unknown one. */
enum err_kind	 err_kind_parse(const char *name);

/*
 * Fill *err (retry_at becomes 0).  Both return -1, so that
 * `return error_set(err, ...)` reads well.  Control characters are replaced,
 * whatever text from a peer is formatted in.
 */
int	error_set(struct error *err, enum err_kind, const char *code,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Put "CONTEXT: " in front of err->msg. */
int	error_wrap(struct error *err, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* error_set() with ERR_INTERNAL, code "sys:io" and ": " strerror(errno). */
int	error_errno(struct error *err, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
