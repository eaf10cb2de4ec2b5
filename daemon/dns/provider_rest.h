/* SPDX-License-Identifier: MIT */
/*
 * provider_rest - one call of a REST provider: its step table from the first
 * step to the last, for one zone after the other until the vendor knows one.
 * No retries and no lock: those are provider_run's, the only caller.
 */
#ifndef DAEMON_DNS_PROVIDER_REST_H
#define DAEMON_DNS_PROVIDER_REST_H

#include <stdbool.h>

struct error;
struct provider;
struct provider_account;
struct provider_call;
struct provider_env;
struct rest_op;

struct rest_args {			/* pointers stay the caller's */
	struct provider_env *env;
	struct provider_account *account;
	const struct provider *type;
	struct provider_call *call;	/* zone, zone_id, priv, memo and keep
					   are set here, and cleared after */
	bool		 is_add;
	const char	*zone_hint;	/* the apex seen in the DNS, or "" */
};

/* Messages begin with the step's name; retry_at is set if it was asked for. */
typedef void rest_done_cb(const struct error *err, void *arg);

struct rest_op	*rest_start(const struct rest_args *, rest_done_cb *done,
		    void *arg);
/* NULL is allowed. */
void		 rest_cancel(struct rest_op *);
/* The step under way, for messages. */
const char	*rest_step(const struct rest_op *);

#endif
