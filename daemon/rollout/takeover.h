/* SPDX-License-Identifier: MIT */
/*
 * takeover - a certificate of the cluster becomes ours to renew.  What is
 * published is looked at first: a newer one is taken; where ours is newer, or
 * nothing is there, ours is published.  Then, and not before, it is due here
 * (certs/origin.h): whoever was away for a month orders nothing that is there.
 * Who renews, if not this one, does the same once at its start.
 */
#ifndef DAEMON_ROLLOUT_TAKEOVER_H
#define DAEMON_ROLLOUT_TAKEOVER_H

#include <stdbool.h>

/* So many at one time: io/http has no more places for etcd. */
#define TAKEOVERS_MAX 6

struct cert;
struct rollout_env;

/*
 * Whose is it to renew, as the cluster says?  Nothing happens where that is
 * known, to one without a realm, and while a run of ours is under way: ask
 * again when it has ended.
 */
void	takeover_follow(const struct rollout_env *, struct cert *, bool ours);
/* The configuration is new. */
void	takeover_reload(const struct rollout_env *, struct cert *);
/* Begin again what is ours: it, or a newer one, may have come otherwise than by
 * a run of ours; within so many seconds. */
void	takeover_again(const struct rollout_env *, struct cert *,
	    unsigned within_s);
/* A run has ended that took what was there: go on. */
void	takeover_kick(struct cert *);
/* End what is under way. */
void	takeover_cancel(struct cert *);

#endif
