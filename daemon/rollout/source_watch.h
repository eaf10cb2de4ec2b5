/* SPDX-License-Identifier: MIT */
/*
 * watch - certificates that are not issued here: those that another host
 * publishes (`source` in acmed.conf), and those that somebody puts into files
 * (`files`).  Look from time to time whether there is a newer one, which costs
 * one small request with an ETag, or stat(2) of two files.  Where there is one,
 * or looking fails, a run does the rest and keeps the account of it.
 */
#ifndef DAEMON_ROLLOUT_SOURCE_WATCH_H
#define DAEMON_ROLLOUT_SOURCE_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct cert;
struct fetch_result;
struct rollout_env;

/* The configuration is new: look again soon.  Called for every certificate;
 * those that are issued here have no watch. */
void	watch_reload(const struct rollout_env *, struct cert *);
void	watch_free(struct cert *);

/* When something is to be done for a certificate with a watch, and what;
 * 0: now; -1: never, before acmectl put. */
time_t	watch_next_at(const struct cert *, const char **action);
/* Is that a run?  Else watch_poll(). */
bool	watch_wants_run(const struct cert *);
/* Look now. */
void	watch_poll(struct cert *);
/* A run begins to read the files, or what acmectl put handed over, after which
 * the files are still to be looked at. */
void	watch_reads(struct cert *, bool reads_files);
/* Look within so many seconds: there may be news. */
void	watch_soon(struct cert *, unsigned within_s);
/* A run has seen the manifest. */
void	watch_seen(struct cert *, const struct fetch_result *);
/* The run that it wanted, or a person, has ended. */
void	watch_run_ended(struct cert *, bool failed);
/* "published" of doc/control-api.md; null: it has no source. */
json_t	*watch_json(const struct cert *);

#endif
