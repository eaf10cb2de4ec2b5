/* SPDX-License-Identifier: MIT */
/*
 * cloud_turns - one at a time where two would upload the same certificate
 * twice, or one would bind what another removes: who looks and uploads in the
 * same store, or removes, waits for the one before.
 */
#ifndef DAEMON_DEPLOY_CLOUD_TURNS_H
#define DAEMON_DEPLOY_CLOUD_TURNS_H

#include "daemon/io/loop.h"

struct cloud_turn;
struct cloud_turns;

struct cloud_turns *cloud_turns_new(struct loop *);
/* All must be given back before.  NULL is allowed. */
void	cloud_turns_free(struct cloud_turns *);
/* go is called from the loop when it is one's turn at the place, which is
 * copied. */
struct cloud_turn *cloud_turn_take(struct cloud_turns *, const char *place,
	    loop_cb *go, void *arg);
/* Also by who still waits.  NULL is allowed. */
void	cloud_turn_give(struct cloud_turn *);

#endif
