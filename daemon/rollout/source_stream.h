/* SPDX-License-Identifier: MIT */
/*
 * source_stream - repositories that tell of what changes, as etcd does: one
 * watch for each that a certificate comes from.  What it tells only has the
 * manifest looked at (source_watch.h), and that is looked at from time to time
 * in any case.
 */
#ifndef DAEMON_ROLLOUT_SOURCE_STREAM_H
#define DAEMON_ROLLOUT_SOURCE_STREAM_H

struct conf;
struct rollout_env;
struct source_streams;

/* env is borrowed. */
struct source_streams *source_streams_new(const struct rollout_env *);
/* NULL is allowed. */
void	source_streams_free(struct source_streams *);
/* Those of this configuration, which is borrowed until the next; NULL: none. */
void	source_streams_apply(struct source_streams *, const struct conf *);
/* etcd can be asked again, as somebody knows: do not wait. */
void	source_streams_kick(struct source_streams *);

#endif
