/* SPDX-License-Identifier: MIT */
/* publish_waves - what a manifest says of who may take the version now. */
#ifndef DAEMON_PUBLISH_PUBLISH_WAVES_H
#define DAEMON_PUBLISH_PUBLISH_WAVES_H

#include <stdbool.h>

struct conf_repository;
struct manifest;
struct store;

/*
 * Set the manifest's waves and withdrawn, whose other facts are there.  Of a
 * version that nobody knows yet the first wave begins: true, and its row must
 * be durable before the manifest is there.  What members of a cluster share
 * (is_shared) has begun before (store_wave_begin()), or goes to all at once.
 * store NULL: there are no rows.
 */
bool	publish_waves(struct store *, const struct conf_repository *,
	    bool is_shared, struct manifest *);
bool	publish_same_waves(const struct manifest *, const struct manifest *);

#endif
