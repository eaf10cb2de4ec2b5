/* SPDX-License-Identifier: MIT */
/*
 * placeholder - certificates with `placeholder = true` that were never issued
 * get a self-signed one in live/NAME, so that servers start.  For everything
 * else there is no certificate: nothing is deployed, published, exported,
 * counted or told as one.
 */
#ifndef DAEMON_ENGINE_PLACEHOLDER_H
#define DAEMON_ENGINE_PLACEHOLDER_H

struct engine;

/* At start, and when the configuration has changed. */
void	placeholder_place(struct engine *);

#endif
