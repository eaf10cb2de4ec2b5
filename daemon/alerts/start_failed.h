/* SPDX-License-Identifier: MIT */
/*
 * start_failed - acmed cannot start: people are told without the store, which
 * may be what is broken.  There is no queue, then: each channel is tried once.
 */
#ifndef DAEMON_ALERTS_START_FAILED_H
#define DAEMON_ALERTS_START_FAILED_H

struct channel_env;
struct conf;
struct error;

/*
 * Keep the reason beside the control socket, where acmectl looks for it.
 * Nothing is done where another acmed, or user, has these files.  Returns -1
 * if it was kept there less than a day ago, or cannot be: so that a service
 * that is started again and again does not tell each time.
 */
int	start_failed_keep(const char *socket, const struct error *);
/* Acmed has started. */
void	start_failed_forget(const char *socket);
/* Tell every channel that wants to know; returns when all have answered, or
 * after half a minute. */
void	start_failed_tell(const struct channel_env *, const struct conf *,
	    const struct error *);

#endif
