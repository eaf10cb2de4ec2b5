/* SPDX-License-Identifier: MIT */
/* limits_plan - when each of many that wait gets what it waits for. */
#include "daemon/limits/limits_priv.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/config/conf.h"

#define SLOTS_MIN 256

/* A bucket, once those before have taken theirs. */
struct slot {
	uint64_t	 hash;		/* 0: free */
	struct level	 level;
};

struct limits_plan {
	const struct limits *limits;
	int64_t		 now_ms;
	struct slot	*slots;		/* n_slots, a power of 2 */
	size_t		 n_slots, n;
};

struct limits_plan *
limits_plan_new(const struct limits *l)
{
	struct limits_plan *p = xcalloc(1, sizeof(*p));

	p->limits = l;
	p->now_ms = (int64_t)clock_now() * 1000;
	p->n_slots = SLOTS_MIN;
	p->slots = xcalloc(p->n_slots, sizeof(*p->slots));
	return p;
}

void
limits_plan_free(struct limits_plan *p)
{
	if (p == NULL)
		return;
	free(p->slots);
	free(p);
}

/* Where it is, or belongs. */
static struct slot *
slot_of(struct slot *slots, size_t n, uint64_t hash)
{
	size_t i = hash & (n - 1);

	while (slots[i].hash != 0 && slots[i].hash != hash)
		i = (i + 1) & (n - 1);
	return &slots[i];
}

static void
grow(struct limits_plan *p)
{
	size_t n = p->n_slots * 2;
	struct slot *slots = xcalloc(n, sizeof(*slots));

	for (size_t i = 0; i < p->n_slots; i++) {
		if (p->slots[i].hash != 0)
			*slot_of(slots, n, p->slots[i].hash) = p->slots[i];
	}
	free(p->slots);
	p->slots = slots;
	p->n_slots = n;
}

static struct slot *
find(struct limits_plan *p, const struct conf_account *a,
    enum limit_kind kind, const char *key)
{
	uint64_t hash;
	struct level v = limits_level(p->limits, a, kind, key, &hash);
	struct slot *s;

	if (p->n >= p->n_slots / 2)
		grow(p);
	hash |= 1;
	s = slot_of(p->slots, p->n_slots, hash);
	if (s->hash == 0) {
		*s = (struct slot){ hash, bucket_bounded(&a->limits[kind], v,
		    p->now_ms) };
		p->n++;
	}
	return s;
}

time_t
limits_plan_next(struct limits_plan *p, const struct limits_order *o)
{
	int64_t at = p->now_ms;
	char text[DOMAIN_SIZE];
	const char *key;

	for (int k = 0; k < LIMIT_KIND_END; k++) {
		enum limit_kind kind = (enum limit_kind)k;

		for (size_t i = 0; limits_counts(o, kind) && (key = limits_key(
		    p->limits, o, kind, i, text)) != NULL; i++) {
			int64_t own = bucket_planned_at(&o->account->limits[
			    kind], find(p, o->account, kind, key)->level,
			    p->now_ms);

			at = own > at ? own : at;
		}
	}
	for (int k = 0; k < LIMIT_KIND_END; k++) {
		enum limit_kind kind = (enum limit_kind)k;

		/* Failures count when they are there. */
		for (size_t i = 0; kind != LIMIT_FAILURES &&
		    limits_counts(o, kind) && (key = limits_key(p->limits, o,
		    kind, i, text)) != NULL; i++) {
			struct slot *s = find(p, o->account, kind, key);

			if (!limits_is_counted(p->limits, o, kind, i, key))
				s->level = bucket_plan(&o->account->limits[
				    kind], s->level, at);
		}
	}
	return (time_t)((at + 999) / 1000);
}
