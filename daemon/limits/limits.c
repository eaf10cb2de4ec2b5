/* SPDX-License-Identifier: MIT */
#include "daemon/limits/limits_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/store/store.h"

#define HEADS_MIN 64
#define SWEEP_S 3600
/* No order lives longer (Let's Encrypt: 7 days): whatever became of it. */
#define PENDING_MS (INT64_C(8) * 86400 * 1000)
#define SET_KEY_SIZE 17		/* 16 hexadecimal digits */

struct bucket {
	SLIST_ENTRY(bucket) link;
	uint64_t	 hash;
	struct store_budget row;
	unsigned	 pending;	/* taken, and not issued yet */
	int64_t		 pending_ms;	/* ... the last */
};
SLIST_HEAD(buckets, bucket);

struct limits {
	struct store	*store;
	struct domains	*domains;
	struct buckets	*heads;		/* by hash; n_heads is a power of 2 */
	size_t		 n_heads, n;
	size_t		 n_of[LIMIT_KIND_END];
	time_t		 swept_at;
	time_t		 seen_at;	/* the latest time */
	unsigned	 generation;
};

/* --- the table --- */

static uint64_t
hash_of(enum limit_kind kind, const char *directory, const char *account,
    const char *key)
{
	uint64_t h = text_hash(TEXT_HASH_BASIS, directory);

	return text_hash(text_hash(text_hash(h, limit_kind_name(kind)),
	    account), key);
}

static struct bucket *
find_hash(const struct limits *l, uint64_t hash, enum limit_kind kind,
    const char *directory, const char *account, const char *key)
{
	struct bucket *b;

	SLIST_FOREACH(b, &l->heads[hash & (l->n_heads - 1)], link) {
		if (b->hash == hash && b->row.kind == kind &&
		    strcmp(b->row.directory, directory) == 0 &&
		    strcmp(b->row.account, account) == 0 &&
		    strcmp(b->row.key, key) == 0)
			return b;
	}
	return NULL;
}

static void
grow(struct limits *l)
{
	size_t n = l->n_heads * 2;
	struct buckets *heads = xcalloc(n, sizeof(*heads));
	struct bucket *b;

	for (size_t i = 0; i < l->n_heads; i++) {
		while ((b = SLIST_FIRST(&l->heads[i])) != NULL) {
			SLIST_REMOVE_HEAD(&l->heads[i], link);
			SLIST_INSERT_HEAD(&heads[b->hash & (n - 1)], b, link);
		}
	}
	free(l->heads);
	l->heads = heads;
	l->n_heads = n;
}

static struct bucket *
add(struct limits *l, uint64_t hash, const struct store_budget *row)
{
	struct bucket *b = xcalloc(1, sizeof(*b));

	if (l->n >= l->n_heads)
		grow(l);
	b->hash = hash;
	b->row = (struct store_budget){ .kind = row->kind,
	    .directory = xstrdup(row->directory),
	    .account = xstrdup(row->account), .key = xstrdup(row->key),
	    .since_ms = row->since_ms, .full_at_ms = row->full_at_ms };
	SLIST_INSERT_HEAD(&l->heads[hash & (l->n_heads - 1)], b, link);
	l->n++;
	l->n_of[row->kind]++;
	return b;
}

static void
bucket_free(struct bucket *b)
{
	free(b->row.directory);
	free(b->row.account);
	free(b->row.key);
	free(b);
}

static int64_t
now_ms(void)
{
	return (int64_t)clock_now() * 1000;
}

/* What is full again needs no row. */
static void
sweep(struct limits *l)
{
	int64_t now = now_ms();

	l->swept_at = clock_now();
	for (size_t i = 0; i < l->n_heads; i++) {
		struct bucket *b = SLIST_FIRST(&l->heads[i]), *next;

		for (; b != NULL; b = next) {
			next = SLIST_NEXT(b, link);
			if (b->row.full_at_ms > now || (b->pending > 0 &&
			    b->pending_ms > now - PENDING_MS))
				continue;
			SLIST_REMOVE(&l->heads[i], b, bucket, link);
			store_budget_delete(l->store, &b->row);
			l->n--;
			l->n_of[b->row.kind]--;
			bucket_free(b);
		}
	}
}

static void
sweep_sometimes(struct limits *l)
{
	time_t now = clock_now();

	if (now < l->swept_at || now - l->swept_at >= SWEEP_S)
		sweep(l);
}

static void
load_cb(const struct store_budget *row, void *arg)
{
	struct limits *l = arg;

	(void)add(l, hash_of(row->kind, row->directory, row->account,
	    row->key), row);
}

struct limits *
limits_new(struct store *store)
{
	struct limits *l = xcalloc(1, sizeof(*l));

	l->store = store;
	l->domains = domains_new();
	l->n_heads = HEADS_MIN;
	l->heads = xcalloc(l->n_heads, sizeof(*l->heads));
	l->seen_at = clock_now();
	store_budget_each(store, load_cb, l);
	sweep(l);
	return l;
}

void
limits_free(struct limits *l)
{
	struct bucket *b;

	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_heads; i++) {
		while ((b = SLIST_FIRST(&l->heads[i])) != NULL) {
			SLIST_REMOVE_HEAD(&l->heads[i], link);
			bucket_free(b);
		}
	}
	domains_free(l->domains);
	free(l->heads);
	free(l);
}

/* --- what an order counts for --- */

static bool
is_of_ca(enum limit_kind kind)
{
	return kind == LIMIT_CERTIFICATES || kind == LIMIT_DUPLICATES;
}

/* The same whatever the order of the names. */
static const char *
set_key(const struct conf_cert *cert, char out[SET_KEY_SIZE])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < cert->n_names; i++)
		sum += text_hash(TEXT_HASH_BASIS, cert->names[i].name);
	(void)text_printf(out, SET_KEY_SIZE, "%016llx",
	    (unsigned long long)sum);
	return out;
}

bool
limits_counts(const struct limits_order *o, enum limit_kind kind)
{
	const struct conf_limit *limit = &o->account->limits[kind];

	return limit->count != 0 && !o->replaces &&
	    !(o->renews && limit->spares_renewals);
}

const char *
limits_key(const struct limits *l, const struct limits_order *o,
    enum limit_kind kind, size_t i, char out[DOMAIN_SIZE])
{
	bool is_one = kind == LIMIT_ORDERS || kind == LIMIT_DUPLICATES;

	if (i >= (is_one ? 1 : o->cert->n_names))
		return NULL;
	switch (kind) {
	case LIMIT_CERTIFICATES:
		return domain_of(l->domains, o->cert->names[i].name, out);
	case LIMIT_DUPLICATES:
		return set_key(o->cert, out);
	case LIMIT_FAILURES:
		return dname_base(o->cert->names[i].name);
	case LIMIT_ORDERS:
	case LIMIT_KIND_END:
		break;
	}
	return "";
}

static struct bucket *
find(const struct limits *l, const struct conf_account *a,
    enum limit_kind kind, const char *key)
{
	const char *account = is_of_ca(kind) ? "" : a->name;

	return find_hash(l, hash_of(kind, a->directory, account, key), kind,
	    a->directory, account, key);
}

static struct level
level_of(const struct bucket *b, const struct conf_limit *limit)
{
	return bucket_pending(limit, (struct level){ b->row.since_ms,
	    b->row.full_at_ms }, b->pending, now_ms());
}

struct level
limits_level(const struct limits *l, const struct conf_account *a,
    enum limit_kind kind, const char *key, uint64_t *hash)
{
	const struct bucket *b = find(l, a, kind, key);

	*hash = hash_of(kind, a->directory, is_of_ca(kind) ? "" : a->name,
	    key);
	return b != NULL ? level_of(b, &a->limits[kind]) :
	    (struct level){ .full_at_ms = 0 };
}

static void
set_level(struct limits *l, struct bucket *b, struct level v)
{
	b->row.since_ms = v.since_ms;
	b->row.full_at_ms = v.full_at_ms;
	store_budget_put(l->store, &b->row);
}

/* As limits_until(), of one kind; w keeps what is longer. */
static time_t
kind_until(const struct limits *l, const struct limits_order *o,
    enum limit_kind kind, struct limits_wait *w)
{
	const struct conf_limit *limit = &o->account->limits[kind];
	int64_t now = now_ms(), at, until_ms = 0;
	char text[DOMAIN_SIZE];
	const char *key;

	for (size_t i = 0; (key = limits_key(l, o, kind, i, text)) != NULL;
	    i++) {
		const struct bucket *b = find(l, o->account, kind, key);

		at = b == NULL ? 0 : bucket_free_at(limit,
		    level_of(b, limit), now);
		if (at <= now || at <= until_ms)
			continue;
		until_ms = at;
		if (w == NULL || (int64_t)w->until * 1000 >= at)
			continue;
		w->until = (time_t)((at + 999) / 1000);
		w->kind = kind;
		w->limit = *limit;
		(void)text_printf(w->key, sizeof(w->key), "%s",
		    kind == LIMIT_DUPLICATES ? "" : key);
	}
	return (time_t)((until_ms + 999) / 1000);
}

time_t
limits_until(const struct limits *l, const struct limits_order *o,
    struct limits_wait *w)
{
	time_t until = 0;

	if (w != NULL)
		*w = (struct limits_wait){ .until = 0 };
	for (int k = 0; k < LIMIT_KIND_END; k++) {
		enum limit_kind kind = (enum limit_kind)k;
		time_t at = l->n_of[k] == 0 || !limits_counts(o, kind) ? 0 :
		    kind_until(l, o, kind, w);

		if (until < at)
			until = at;
		/* The account's is the first, and takes no look at names. */
		if (until != 0 && w == NULL)
			break;
	}
	return until;
}

/* "3h", as it was written, most likely. */
static const char *
show_period(int64_t s, char out[TEXT_SPAN_MAX])
{
	static const struct { int64_t s; char unit; } units[] = {
		{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (s % units[i].s == 0) {
			(void)text_printf(out, TEXT_SPAN_MAX, "%lld%c",
			    (long long)(s / units[i].s), units[i].unit);
			return out;
		}
	}
	return text_span(s, out);
}

void
limits_error(const struct limits_wait *w, struct error *err)
{
	static const struct { const char *what, *per; } words[] = {
		[LIMIT_ORDERS] = { "order", "per account" },
		[LIMIT_CERTIFICATES] = { "certificate",
		    "per registered domain" },
		[LIMIT_DUPLICATES] = { "certificate", "with the same names" },
		[LIMIT_FAILURES] = { "failed validation", "per name" },
	};
	char period[TEXT_SPAN_MAX], in[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];
	time_t now = clock_now();

	(void)error_set(err, ERR_RATELIMIT, "engine:held",
	    "waits for the CA's limit of %u %s%s %s in %s%s%s%s until %s "
	    "(%s)", w->limit.count, words[w->kind].what, w->limit.count == 1 ?
	    "" : "s", words[w->kind].per, show_period(w->limit.period_s,
	    period), w->key[0] != '\0' ? " (" : "", w->key,
	    w->key[0] != '\0' ? ")" : "", text_time(w->until, at),
	    text_span(w->until > now ? w->until - now : 0, in));
	err->retry_at = w->until;
}

/* --- what changes --- */

static struct bucket *
find_or_add(struct limits *l, const struct conf_account *a,
    enum limit_kind kind, const char *key)
{
	struct bucket *b = find(l, a, kind, key);
	const char *account = is_of_ca(kind) ? "" : a->name;

	if (b == NULL)
		b = add(l, hash_of(kind, a->directory, account, key),
		    &(struct store_budget){ .kind = kind,
		    .directory = a->directory,
		    .account = (char *)(uintptr_t)account,
		    .key = (char *)(uintptr_t)key });
	return b;
}

static void
resume(struct limits *l, const struct conf_account *a, enum limit_kind kind,
    const char *key)
{
	struct bucket *b;

	if (!is_of_ca(kind))
		return;
	b = find_or_add(l, a, kind, key);
	b->pending++;
	b->pending_ms = now_ms();
}

static void
take(struct limits *l, const struct conf_account *a, enum limit_kind kind,
    const char *key)
{
	struct bucket *b = find_or_add(l, a, kind, key);

	set_level(l, b, bucket_take(&a->limits[kind], level_of(b,
	    &a->limits[kind]), now_ms()));
	resume(l, a, kind, key);
}

static void
issued(struct limits *l, const struct conf_account *a, enum limit_kind kind,
    const char *key)
{
	struct bucket *b = find(l, a, kind, key);

	if (b == NULL || b->pending == 0)
		return;
	set_level(l, b, level_of(b, &a->limits[kind]));
	b->pending--;
}

static void
give(struct limits *l, const struct conf_account *a, enum limit_kind kind,
    const char *key)
{
	struct bucket *b = find(l, a, kind, key);

	if (b == NULL)
		return;
	/* The next sweep takes it away where it is full. */
	set_level(l, b, bucket_give(&a->limits[kind], level_of(b,
	    &a->limits[kind])));
	if (b->pending > 0)
		b->pending--;
}

void
limits_set(struct limits *l, const struct store_budget *row)
{
	uint64_t hash = hash_of(row->kind, row->directory, row->account,
	    row->key);
	struct bucket *b = find_hash(l, hash, row->kind, row->directory,
	    row->account, row->key);

	if (b == NULL && row->full_at_ms <= now_ms())
		return;
	if (b == NULL)
		b = add(l, hash, row);
	else if (row->full_at_ms < b->row.full_at_ms)
		l->generation++;
	set_level(l, b, (struct level){ row->since_ms, row->full_at_ms });
}

bool
limits_is_counted(const struct limits *l, const struct limits_order *o,
    enum limit_kind kind, size_t i, const char *key)
{
	char text[DOMAIN_SIZE];

	for (size_t n = 0; n < i; n++) {
		if (strcmp(limits_key(l, o, kind, n, text), key) == 0)
			return true;
	}
	return false;
}

static void
each_key(struct limits *l, const struct limits_order *o, enum limit_kind kind,
    void (*act)(struct limits *, const struct conf_account *,
    enum limit_kind, const char *))
{
	char text[DOMAIN_SIZE];
	const char *key;

	for (size_t i = 0; (key = limits_key(l, o, kind, i, text)) != NULL;
	    i++) {
		if (!limits_is_counted(l, o, kind, i, key))
			act(l, o->account, kind, key);
	}
}

unsigned
limits_take(struct limits *l, const struct limits_order *o)
{
	unsigned taken = 0;

	sweep_sometimes(l);
	for (int k = 0; k < LIMIT_KIND_END; k++) {
		/* Failures count when they are there. */
		if (k == LIMIT_FAILURES ||
		    !limits_counts(o, (enum limit_kind)k))
			continue;
		each_key(l, o, (enum limit_kind)k, take);
		taken |= LIMIT_BIT(k);
	}
	return taken;
}

static void
each_taken(struct limits *l, const struct limits_order *o, unsigned taken,
    void (*act)(struct limits *, const struct conf_account *,
    enum limit_kind, const char *))
{
	for (int k = 0; k < LIMIT_KIND_END; k++) {
		if ((taken & LIMIT_BIT(k)) != 0 &&
		    o->account->limits[k].count != 0)
			each_key(l, o, (enum limit_kind)k, act);
	}
}

void
limits_give(struct limits *l, const struct limits_order *o, unsigned taken)
{
	each_taken(l, o, taken, give);
	if (taken != 0)
		l->generation++;
}

void
limits_issued(struct limits *l, const struct limits_order *o, unsigned taken)
{
	each_taken(l, o, taken, issued);
}

void
limits_resume(struct limits *l, const struct limits_order *o, unsigned taken)
{
	each_taken(l, o, taken, resume);
}

void
limits_failed(struct limits *l, const struct conf_account *a,
    const char *name)
{
	sweep_sometimes(l);
	if (a->limits[LIMIT_FAILURES].count != 0)
		take(l, a, LIMIT_FAILURES, dname_base(name));
}

unsigned
limits_generation(struct limits *l)
{
	time_t now = clock_now();

	if (now < l->seen_at)
		l->generation++;
	l->seen_at = now;
	return l->generation;
}
