/* SPDX-License-Identifier: MIT */
/* wave_step - what the state of a roll-out in waves is next, by what its hosts
 * say.  Pure. */
#ifndef DAEMON_FLEET_WAVE_STEP_H
#define DAEMON_FLEET_WAVE_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct conf_repository;
struct host_told;
struct store_wave;

/* Has this host gone back by itself, or can it not serve what it has? */
bool	wave_host_failed(const struct store_wave *, const struct host_told *);

enum wave_next {
	WAVE_NEXT_NONE,
	WAVE_NEXT_SAVE,			/* to be kept, and nothing else */
	WAVE_NEXT_STOPPED,
	WAVE_NEXT_OPENED		/* to be told to the hosts */
};
/*
 * Of a roll-out that runs: waiting hosts of its open waves do not serve the
 * version yet; failed, why one of them cannot, or "".
 */
enum wave_next wave_step(struct store_wave *, const struct conf_repository *,
		    size_t waiting, const char *failed, time_t now);
void	wave_stop(struct store_wave *, const char *why);
void	wave_open(struct store_wave *, const struct conf_repository *,
	    time_t now);
/* Who has this version takes the one before. */
void	wave_withdraw(struct store_wave *, const char *serial,
	    time_t not_before);

#endif
