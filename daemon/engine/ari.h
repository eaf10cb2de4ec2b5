/* SPDX-License-Identifier: MIT */
/*
 * ari - asks the CAs when they would like each certificate to be renewed (ACME
 * Renewal Information, RFC 9773), some at a time, and keeps the answers in
 * the rows.  Called by engine.c, by the end of a run, and by status.
 */
#ifndef DAEMON_ENGINE_ARI_H
#define DAEMON_ENGINE_ARI_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct ari;
struct cert;
struct cert_info;
struct engine;

struct ari	*ari_new(struct engine *);
/* At the start: what is due is spread over some time. */
void		 ari_start(struct ari *);
/* There is another configuration, or a run is over. */
void		 ari_kick(struct ari *);
void		 ari_stop(struct ari *);
void		 ari_free(struct ari *);

/* When the installed certificate is due: as the CA suggests (*by_ari is then
 * true), or by renew_before. */
time_t		 ari_due_at(const struct cert *, bool *by_ari);
/* A run begins: it may be one that the CA called for. */
void		 ari_run_begins(struct cert *);
/* Another certificate is in the row, from the CA with this directory (NULL:
 * not known).  The row is not saved. */
void		 ari_installed(struct cert *, const struct cert_info *,
		    const char *directory);
/* What a new order should say that it replaces, or NULL. */
const char	*ari_replaces(const struct cert *);
/* The "ari" of doc/control-api.md. */
json_t		*ari_json(const struct cert *);

#endif
