/* SPDX-License-Identifier: MIT */
#include "daemon/engine/turns.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/issuer.h"
#include "daemon/engine/priv.h"
#include "daemon/limits/limits.h"

#define KEPT_MS 5000
/* Of more, the rest is told the last one's: the loop is not held for long. */
#define TURNS_MAX 10000

struct turn {
	const struct cert *cert;
	time_t		 at;
};

struct turns {
	const struct engine *engine;
	struct turn	*list;		/* by the address of cert */
	size_t		 n;
	int64_t		 made_ms;	/* clock_mono_ms(); 0: not yet */
};

struct turns *
turns_new(const struct engine *e)
{
	struct turns *t = xcalloc(1, sizeof(*t));

	t->engine = e;
	return t;
}

void
turns_free(struct turns *t)
{
	if (t == NULL)
		return;
	free(t->list);
	free(t);
}

static int
by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct turn *)a)->cert;
	uintptr_t y = (uintptr_t)((const struct turn *)b)->cert;

	return x < y ? -1 : x > y;
}

static void
make(struct turns *t)
{
	const struct certs *certs = t->engine->certs;
	const struct cert **waiting;
	struct limits_plan *plan;
	time_t at = 0;

	free(t->list);
	t->n = 0;
	t->made_ms = clock_mono_ms();
	waiting = xcalloc(certs->n, sizeof(*waiting));
	for (size_t i = 0; i < certs->n; i++) {
		if (engine_limited_until(certs->list[i], NULL) != 0)
			waiting[t->n++] = certs->list[i];
	}
	qsort(waiting, t->n, sizeof(*waiting), engine_by_urgency);
	t->list = xcalloc(t->n, sizeof(*t->list));
	plan = limits_plan_new(certs->limits);
	for (size_t i = 0; i < t->n; i++) {
		if (i < TURNS_MAX)
			at = budget_plan(plan, waiting[i],
			    issuer_now(waiting[i]));
		t->list[i] = (struct turn){ waiting[i], at };
	}
	limits_plan_free(plan);
	free(waiting);
	qsort(t->list, t->n, sizeof(*t->list), by_address);
}

time_t
turns_at(struct turns *t, const struct cert *c)
{
	const struct turn key = { .cert = c }, *found;
	int64_t now = clock_mono_ms();

	if (t->made_ms == 0 || now - t->made_ms >= KEPT_MS)
		make(t);
	found = t->n == 0 ? NULL : bsearch(&key, t->list, t->n, sizeof(key),
	    by_address);
	return found != NULL ? found->at : 0;
}
