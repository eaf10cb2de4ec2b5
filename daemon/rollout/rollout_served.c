/* SPDX-License-Identifier: MIT */
/* rollout_served - what targets serve while they do not have the certificate
 * in use, as far as is known: it decides how urgent that is. */
#include "daemon/rollout/rollout.h"

#include <string.h>

#include "common/clock.h"
#include "daemon/certs/due.h"
#include "daemon/rollout/rollout_priv.h"

void
rollout_serves(struct action *a, time_t not_before, time_t not_after)
{
	a->row.served_before = not_before;
	a->row.served_after = not_after;
}

void
rollout_seen(struct action *a, time_t not_before, time_t not_after,
    bool is_all)
{
	/* Who could not be asked may still serve what it did before. */
	if (!is_all && a->row.served_after != 0 &&
	    a->row.served_after < not_after)
		return;
	a->row.served_before = not_before;
	a->row.served_after = not_after;
	if (a->row.urgent_at > due_urgent_at(not_before, not_after))
		a->row.urgent_at = due_urgent_at(not_before, not_after);
}

time_t
rollout_served_until(const struct action *a)
{
	return a->row.done ? a->row.not_after : a->row.served_after;
}

size_t
rollout_serving_old(const struct cert *c)
{
	const struct action *a;
	size_t n = 0;

	TAILQ_FOREACH(a, &c->actions, link)
		n += a->row.is_old;
	return n;
}

size_t
rollout_not_deployed(const struct cert *c)
{
	const struct action *a;
	size_t n = 0;

	TAILQ_FOREACH(a, &c->actions, link)
		n += !a->row.done && rollout_target(c, a->row.action) !=
		    NULL && (a->row.error[0] != '\0' || a->row.done_at == 0);
	return n;
}

bool
rollout_is_first(const struct cert *c)
{
	const struct action *a;
	bool is_first = false;

	TAILQ_FOREACH(a, &c->actions, link) {
		if (!a->row.done && a->row.error[0] != '\0')
			return false;
		is_first |= !a->row.done && a->task != NULL;
	}
	return is_first;
}

static void
fill(const struct cert *c, const struct action *a, struct deploy_open *out)
{
	const struct conf_deploy *dep = rollout_target(c, a->row.action);

	*out = (struct deploy_open){
		.name = a->row.action,
		.tries = a->row.tries,
		.next_at = a->task != NULL || dep == NULL ? 0 :
		    rollout_action_at(a, dep, clock_now()),
		.error = a->row.error,
		.serves_old = a->row.is_old,
		.served_before = a->row.served_before,
		.served_after = a->row.served_after,
	};
}

void
rollout_open_each(const struct cert *c,
    void (*each)(const struct deploy_open *, void *), void *arg)
{
	const struct action *a;
	struct deploy_open o;

	TAILQ_FOREACH(a, &c->actions, link) {
		if (a->row.done)
			continue;
		fill(c, a, &o);
		each(&o, arg);
	}
}

int
rollout_open_get(const struct cert *c, const char *target,
    struct deploy_open *out)
{
	const struct action *a = rollout_find(c, target);

	if (a == NULL || a->row.done)
		return -1;
	fill(c, a, out);
	return 0;
}

/* names.h allows no quotes in either name. */

void
rollout_served(const struct cert *c, FILE *f)
{
	const struct action *a;

	TAILQ_FOREACH(a, &c->actions, link) {
		time_t until = rollout_served_until(a);

		if (until != 0 && rollout_target(c, a->row.action) != NULL)
			fprintf(f, "acmed_served_expiry_seconds{name=\"%s\","
			    "target=\"%s\"} %lld\n", a->row.cert,
			    a->row.action, (long long)until);
	}
}

void
rollout_old(const struct cert *c, FILE *f)
{
	const struct action *a;

	TAILQ_FOREACH(a, &c->actions, link) {
		if (rollout_target(c, a->row.action) != NULL)
			fprintf(f, "acmed_serves_old{name=\"%s\",target="
			    "\"%s\"} %d\n", a->row.cert, a->row.action,
			    a->row.is_old);
	}
}
