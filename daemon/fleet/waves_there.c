/* SPDX-License-Identifier: MIT */
/* waves_there - members that are dead are waited for by nobody. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster.h"
#include "daemon/fleet/env.h"
#include "daemon/fleet/waves_priv.h"

#define GOOD_MS	5000	/* an answer is, and then it is asked again */

struct asking {
	LIST_ENTRY(asking) link;
	struct waves	*all;
	char		*cert;
	size_t		 n;		/* that are asked for */
	struct cluster_present_op *op;	/* NULL: it is answered */
	bool		 is_any;
	int64_t		 at_ms;		/* the answer; monotonic */
};

static void
asking_free(struct asking *a)
{
	cluster_present_cancel(a->op);
	LIST_REMOVE(a, link);
	free(a->cert);
	free(a);
}

void
waves_there_stop(struct waves *all)
{
	struct asking *a;

	while ((a = LIST_FIRST(&all->askings)) != NULL)
		asking_free(a);
}

static void
answered(const struct error *err, bool any, void *arg)
{
	struct asking *a = arg;

	a->op = NULL;
	a->is_any = err != NULL || any;
	a->at_ms = clock_mono_ms();
	if (!a->is_any)
		timer_set(&a->all->tick, 0);
}

bool
waves_none_there(struct waves *all, const struct cert *c,
    const char *const *names, size_t n)
{
	struct asking *a;

	LIST_FOREACH(a, &all->askings, link) {
		if (strcmp(a->cert, c->row.name) == 0)
			break;
	}
	/* Of fewer it is as good. */
	if (a != NULL && a->op == NULL && n <= a->n &&
	    clock_mono_ms() - a->at_ms < GOOD_MS)
		return !a->is_any;
	if (a != NULL && a->op != NULL)
		return false;
	if (a != NULL)
		asking_free(a);
	a = xcalloc(1, sizeof(*a));
	a->all = all;
	a->cert = xstrdup(c->row.name);
	a->n = n;
	LIST_INSERT_HEAD(&all->askings, a, link);
	a->op = cluster_present_start(all->env->cluster, names, n, answered,
	    a);
	return false;
}
