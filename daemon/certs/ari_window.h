/* SPDX-License-Identifier: MIT */
/*
 * ari_window - the window for the renewal that the CA suggests (RFC 9773), as
 * the row keeps it, and what it means for the schedule.  engine/ari.c asks.
 */
#ifndef DAEMON_CERTS_ARI_WINDOW_H
#define DAEMON_CERTS_ARI_WINDOW_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct cert;
struct cert_info;

/* Does what the row has come from the CA in use, which may decide? */
bool		 ari_window_is_asked(const struct cert *);
/* When the installed certificate is due: as the CA suggests (*by_ari is then
 * true), or by renew_before. */
time_t		 ari_window_due_at(const struct cert *, bool *by_ari);
/* Does the CA want it replaced by now, much earlier than a certificate of this
 * lifetime is due?  So it does before it revokes. */
bool		 ari_window_is_recalled(const struct cert *);
/* A run begins: it may be one that the CA called for. */
void		 ari_window_run_begins(struct cert *);
/* Another certificate is in the row, from the CA with this directory (NULL:
 * not known).  The row is not saved. */
void		 ari_window_installed(struct cert *, const struct cert_info *,
		    const char *directory);
/* What a new order should say that it replaces, or NULL; is_second: that for
 * the second of a pair. */
const char	*ari_window_replaces(const struct cert *, bool is_second);
/* What the CA suggests for the second of a pair. */
void		 ari_window_of_second(struct cert *, time_t start, time_t end);
/* The "ari" of doc/control-api.md. */
json_t		*ari_window_json(const struct cert *);

#endif
