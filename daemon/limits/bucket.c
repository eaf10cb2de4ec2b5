/* SPDX-License-Identifier: MIT */
#include "daemon/limits/bucket.h"

/* Rounded up: never more than the CA gives back. */
static int64_t
interval(const struct conf_limit *l)
{
	return (l->period_s * 1000 + l->count - 1) / l->count;
}

/* From empty to full. */
static int64_t
whole(const struct conf_limit *l)
{
	return interval(l) * l->count;
}

struct level
bucket_bounded(const struct conf_limit *l, struct level v, int64_t now)
{
	if (v.full_at_ms > now + whole(l)) {
		v.full_at_ms = now + whole(l);
		v.since_ms = 0;
	}
	return v;
}

struct level
bucket_pending(const struct conf_limit *l, struct level v, unsigned n,
    int64_t now)
{
	int64_t least = now + interval(l) * n;

	if (n == 0 || v.full_at_ms >= least)
		return v;
	/* As many are taken as before. */
	v.since_ms += least - v.full_at_ms;
	if (v.since_ms > now || v.full_at_ms <= now)
		v.since_ms = now;
	v.full_at_ms = least;
	return bucket_bounded(l, v, now);
}

int64_t
bucket_planned_at(const struct conf_limit *l, struct level v, int64_t now)
{
	int64_t at = v.full_at_ms + interval(l) - whole(l);

	/* Has it been there all the time, or has it come back? */
	return at <= v.since_ms ? now : at + BUCKET_SLACK_MS;
}

int64_t
bucket_free_at(const struct conf_limit *l, struct level v, int64_t now)
{
	return bucket_planned_at(l, bucket_bounded(l, v, now), now);
}

struct level
bucket_plan(const struct conf_limit *l, struct level v, int64_t at)
{
	if (v.full_at_ms <= at)
		v.since_ms = v.full_at_ms = at;
	v.full_at_ms += interval(l);
	return v;
}

struct level
bucket_take(const struct conf_limit *l, struct level v, int64_t now)
{
	return bucket_bounded(l, bucket_plan(l, v, now), now);
}

struct level
bucket_give(const struct conf_limit *l, struct level v)
{
	v.full_at_ms -= interval(l);
	return v;
}
