/* SPDX-License-Identifier: MIT */
/*
 * cloud_run - what both steps of a cloud product begin with (cloud.h): the
 * call, the version, the journal, and the running of one table of steps.
 */
#ifndef DAEMON_DEPLOY_CLOUD_RUN_H
#define DAEMON_DEPLOY_CLOUD_RUN_H

#include "clouds/cloud.h"
#include "daemon/deploy/cloud_journal.h"
#include "daemon/deploy/cloud_version.h"
#include "daemon/deploy/step.h"
#include "daemon/rest/run.h"

struct cloud_run {
	struct cloud_call call;		/* first: say gets it */
	struct step	 s;
	const struct cloud *type;
	struct cloud_version version;
	struct cloud_journal journal;
	char		 bound_id[CLOUD_ID_SIZE];
	char		*place;		/* store, credentials and where: two
					   targets of the same share uploads */
	struct lease	*lease;		/* of the credentials */
	bool		 has_doubted;	/* these, once */
	struct rest_op	*rest;
	void		(*done)(struct cloud_run *, struct error *);
};

/* begin(run) is called in the next turn of the loop. */
void	cloud_run_init(struct cloud_run *, const struct deploy_args *,
	    void (*begin)(void *run), deploy_done_cb *done, void *arg);
/* Ends what is under way, and wipes. */
void	cloud_run_clear(struct cloud_run *);
/* What is installed, credentials as they are now, and what was journalled. */
int	cloud_run_read(struct cloud_run *, struct error *);
/* Make the credentials good, which they are then until the end; done with
 * NULL, or why not. */
void	cloud_run_lease(struct cloud_run *, void (*done)(struct cloud_run *,
	    struct error *));
/* Was it refused for credentials that may only be old?  Then begin again with
 * cloud_run_lease(). */
bool	cloud_run_doubts(struct cloud_run *, const struct error *);
/* What the journal says now: another target may have written. */
void	cloud_run_recall(struct cloud_run *);
/* The same, and what steps have found out is no longer true. */
void	cloud_run_forget(struct cloud_run *);
/* Run a table; done with NULL, or why not. */
void	cloud_run_table(struct cloud_run *, const struct cloud_api *,
	    const struct rest_step *, void (*done)(struct cloud_run *,
	    struct error *));

#endif
