/* SPDX-License-Identifier: MIT */
/*
 * waves - hosts take a new version one wave after the other (`waves` of a
 * repository): the next is opened when all hosts of those before serve it, as
 * they report, and wave_pause has passed.  A host that fails to deploy or to
 * verify stops the roll-out, until a person decides.  The state is a row of
 * state.db (store.h), which the publish step reads; to open a wave is to
 * publish the manifest again.
 *
 * The same of what members of a cluster share (`waves` of cluster { }): who
 * renews the certificate opens the waves, with its lock, and the row is part
 * of its document (cluster/document.h), which all members have.
 */
#ifndef DAEMON_FLEET_WAVES_H
#define DAEMON_FLEET_WAVES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct cert;
struct error;
struct fleet_env;
struct waves;

/* env is borrowed. */
struct waves	*waves_new(const struct fleet_env *);
/* NULL is allowed. */
void		 waves_free(struct waves *);
/* The configuration of env->certs is new. */
void		 waves_apply(struct waves *);
void		 waves_stop(struct waves *);

/* Something may have become due about this certificate: it is ours, its row
 * is another one, or may be changed now. */
void		 waves_look(struct waves *, struct cert *);
/* Is its manifest being published again?  Its lock is to be kept then. */
bool		 waves_is_telling(const struct waves *, const struct cert *);

enum waves_act { WAVES_CONTINUE, WAVES_STOP, WAVES_WITHDRAW };
/*
 * Of all repositories of a certificate: open the next wave now, also of one
 * that was stopped; open none; or let those who have this version go back to
 * the one before, which the caller then has published (in a cluster, waves do).
 * ERR_CONFIG "waves:none": none is under way.
 */
int		 waves_do(struct waves *, struct cert *, enum waves_act,
		    struct error *);

/* Of what its cluster shares: 0 and the version that is taken in waves, and how
 * many may take it; or -1: none is known. */
int		 waves_shared(const struct waves *, const struct cert *,
		    char serial[64], unsigned *opened);

/* "rollout" of a certificate in doc/control-api.md; null: none is known. */
json_t		*waves_json(const struct waves *, const struct cert *);
/* Why one of its roll-outs was stopped by a host; -1: none was. */
int		 waves_stopped(const struct waves *, const struct cert *,
		    char *why, size_t size);

#endif
