/* SPDX-License-Identifier: MIT */
/*
 * rehearse - whole renewals at a CA for tries: with an account of its own, the
 * real challenges, and the hooks before and after; at one after the other where
 * the certificate has several CAs.  What is issued is thrown away; of the
 * certificate nothing changes, neither its row, nor its history, nor when it is
 * renewed.
 *
 * A rehearsal is a run of a certificate that is not in the table, whose name
 * begins with API_DRY_RUN; its end is an event, as of any run.
 */
#ifndef DAEMON_ENGINE_REHEARSE_H
#define DAEMON_ENGINE_REHEARSE_H

struct engine;
struct rehearsals;

struct rehearsals *rehearsals_new(struct engine *);
/* End all of them. */
void		 rehearsals_stop(struct rehearsals *);
void		 rehearsals_free(struct rehearsals *);

#endif
