/* SPDX-License-Identifier: MIT */
/*
 * preflight - would a renewal work?  Looks at everything that one needs of
 * others, and changes nothing but a probe TXT value that it removes again:
 * the CA and the account, the zones and their servers, the delegation of
 * _acme-challenge, CAA, DNSSEC, and the provider's credentials.  Called by
 * control/; doc/control-api.md has the lines.
 */
#ifndef DAEMON_PREFLIGHT_PREFLIGHT_H
#define DAEMON_PREFLIGHT_PREFLIGHT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct engine;
struct error;
struct preflight;

struct preflight_args {			/* borrowed; copied */
	const char *const *names;	/* certificates */
	size_t		 n_names;	/* 0: all that are configured */
	bool		 has_probe;
};

/* One result, or the end of one certificate; borrowed. */
typedef void preflight_line_cb(const json_t *line, void *arg);
/* err: ERR_CONFIG "engine:unknown-cert", ERR_TRANSIENT "engine:stopping". */
typedef void preflight_done_cb(const struct error *err, void *arg);

/*
 * The lines of a certificate come in order, and one certificate's after the
 * other's, each as soon as it is known.  line may cancel.
 */
struct preflight *preflight_start(struct engine *,
		    const struct preflight_args *, preflight_line_cb *line,
		    preflight_done_cb *done, void *arg);
/* Its probe is removed all the same. */
void		 preflight_cancel(struct preflight *);
/* Called by engine_stop(): end all of them. */
void		 preflight_stop_all(struct engine *);

#endif
