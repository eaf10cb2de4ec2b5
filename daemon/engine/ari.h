/* SPDX-License-Identifier: MIT */
/*
 * ari - asks the CAs when they would like each certificate to be renewed (ACME
 * Renewal Information, RFC 9773), some at a time, and keeps the answers in
 * the rows.  Called by engine.c, by the end of a run, and by status.
 */
#ifndef DAEMON_ENGINE_ARI_H
#define DAEMON_ENGINE_ARI_H

struct ari;
struct engine;

struct ari	*ari_new(struct engine *);
/* At the start: what is due is spread over some time. */
void		 ari_start(struct ari *);
/* There is another configuration, or a run is over. */
void		 ari_kick(struct ari *);
void		 ari_stop(struct ari *);
void		 ari_free(struct ari *);

#endif
