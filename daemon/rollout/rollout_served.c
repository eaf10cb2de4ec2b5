/* SPDX-License-Identifier: MIT */
/* rollout_served - what targets serve while they do not have the certificate
 * in use, as far as is known: it decides how urgent that is. */
#include "daemon/rollout/rollout.h"

#include <string.h>

#include "common/clock.h"
#include "daemon/certs/due.h"
#include "daemon/rollout/rollout_priv.h"

void
rollout_serves(struct target *t, time_t not_before, time_t not_after)
{
	t->row.served_before = not_before;
	t->row.served_after = not_after;
}

void
rollout_seen(struct target *t, time_t not_before, time_t not_after,
    bool is_all)
{
	/* Who could not be asked may still serve what it did before. */
	if (!is_all && t->row.served_after != 0 &&
	    t->row.served_after < not_after)
		return;
	t->row.served_before = not_before;
	t->row.served_after = not_after;
	if (t->row.urgent_at > due_urgent_at(not_before, not_after))
		t->row.urgent_at = due_urgent_at(not_before, not_after);
}

time_t
rollout_served_until(const struct target *t)
{
	return t->row.done ? t->row.not_after : t->row.served_after;
}

size_t
rollout_serving_old(const struct cert *c)
{
	const struct target *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &c->targets, link)
		n += t->row.is_old;
	return n;
}

size_t
rollout_not_deployed(const struct cert *c)
{
	const struct target *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &c->targets, link)
		n += !t->row.done && rollout_conf(c, t->row.target) !=
		    NULL && (t->row.error != NULL || t->row.done_at == 0);
	return n;
}

bool
rollout_is_first(const struct cert *c)
{
	const struct target *t;
	bool is_first = false;

	TAILQ_FOREACH(t, &c->targets, link) {
		if (!t->row.done && t->row.error != NULL)
			return false;
		is_first |= !t->row.done && t->task != NULL;
	}
	return is_first;
}

static void
fill(const struct cert *c, const struct target *t, struct deploy_open *out)
{
	const struct conf_deploy *dep = rollout_conf(c, t->row.target);

	*out = (struct deploy_open){
		.name = t->row.target,
		.tries = t->row.tries,
		.next_at = t->task != NULL || dep == NULL ? 0 :
		    rollout_target_at(c, t, dep, clock_now()),
		.error = t->row.error != NULL ? t->row.error : "",
		.serves_old = t->row.is_old,
		.served_before = t->row.served_before,
		.served_after = t->row.served_after,
	};
}

void
rollout_open_each(const struct cert *c,
    void (*each)(const struct deploy_open *, void *), void *arg)
{
	const struct target *t;
	struct deploy_open o;

	TAILQ_FOREACH(t, &c->targets, link) {
		if (t->row.done)
			continue;
		fill(c, t, &o);
		each(&o, arg);
	}
}

int
rollout_open_get(const struct cert *c, const char *target,
    struct deploy_open *out)
{
	const struct target *t = rollout_find(c, target);

	if (t == NULL || t->row.done)
		return -1;
	fill(c, t, out);
	return 0;
}

time_t
rollout_done_at(const struct cert *c)
{
	time_t at = c->row.serial != NULL ? c->row.installed_at : 0;
	const struct target *t;

	TAILQ_FOREACH(t, &c->targets, link) {
		if (rollout_conf(c, t->row.target) == NULL)
			continue;
		if (!t->row.done)
			return 0;
		if (t->row.done_at > at)
			at = t->row.done_at;
	}
	return at;
}

time_t
rollout_done_get(const struct cert *c, const char *target,
    const char **serial)
{
	const struct target *t = rollout_find(c, target);

	if (t == NULL || !t->row.done)
		return 0;
	*serial = t->row.serial;
	return t->row.done_at;
}

/* names.h allows no quotes in either name. */

void
rollout_served(const struct cert *c, const char *metric, FILE *f)
{
	const struct target *t;

	TAILQ_FOREACH(t, &c->targets, link) {
		time_t until = rollout_served_until(t);

		if (until != 0 && rollout_conf(c, t->row.target) != NULL)
			fprintf(f, "%s{name=\"%s\",target=\"%s\"} %lld\n",
			    metric, t->row.cert, t->row.target,
			    (long long)until);
	}
}

void
rollout_match(const struct cert *c, const char *metric, FILE *f)
{
	const struct conf_deploy *dep;
	const struct target *t;

	TAILQ_FOREACH(t, &c->targets, link) {
		dep = rollout_conf(c, t->row.target);
		if (dep == NULL || !(t->row.is_old ||
		    (t->row.done && dep->n_verify > 0)))
			continue;
		fprintf(f, "%s{name=\"%s\",target=\"%s\"} %d\n", metric,
		    t->row.cert, t->row.target, !t->row.is_old);
	}
}
