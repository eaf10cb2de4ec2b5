/* SPDX-License-Identifier: MIT */
/*
 * provider_walk - one call of a REST provider: its step table from the first
 * step to the last, for one zone after the other until the vendor knows one.
 * No retries and no lock: those are provider_run's, the only caller.
 */
#ifndef DAEMON_DNS_PROVIDER_WALK_H
#define DAEMON_DNS_PROVIDER_WALK_H

#include <stdbool.h>

struct error;
struct provider;
struct provider_account;
struct provider_call;
struct provider_env;
struct tally;
struct walk_op;

struct walk_args {			/* pointers stay the caller's */
	struct provider_env *env;
	struct provider_account *account;
	const struct provider *type;
	struct provider_call *call;	/* zone, zone_id, priv, memo and keep
					   are set here, and cleared after */
	bool		 is_add;
	struct tally	*tally;
	const char	*zone_hint;	/* the apex seen in the DNS, or "" */
};

/* Messages begin with the step's name; retry_at is set if it was asked for. */
typedef void walk_done_cb(const struct error *err, void *arg);

struct walk_op	*walk_start(const struct walk_args *, walk_done_cb *done,
		    void *arg);
/* NULL is allowed. */
void		 walk_cancel(struct walk_op *);
/* The step under way, for messages. */
const char	*walk_step(const struct walk_op *);

#endif
