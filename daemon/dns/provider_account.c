/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_account.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "providers/provider.h"

#define MAX_CALLS 8			/* where the provider does not say */
#define MAX_ZONES 256			/* remembered for each account */
#define ZONE_MS (INT64_C(3600) * 1000)
#define CLOSED_MS (INT64_C(3600) * 1000)

struct known_zone {
	char		*fqdn;
	char		*zone;
	char		*id;
	int64_t		 at;		/* monotonic */
};

struct provider_account {
	struct provider_locks *locks;
	struct provider_account *next;
	char		*name;
	const struct provider *type;
	uint64_t	 print;		/* of the options */
	unsigned	 max_calls;
	unsigned	 refs;		/* runs; and one while in the list */
	void		*keep;
	unsigned	 n_active;		/* turns */
	struct known_zone zones[MAX_ZONES];	/* a ring */
	size_t		 next_zone;
	int64_t		 next_request_at;	/* monotonic */
	int64_t		 open_at;		/* monotonic */
};

struct provider_locks {
	struct provider_account *accounts;
	struct provider_turn *turns;	/* active and waiting, in order */
};

static int
option_index(const struct provider *type, const char *name,
    enum provider_opt_type want)
{
	for (int i = 0; type->opts != NULL && type->opts[i].name != NULL; i++) {
		if (type->opts[i].type == want &&
		    strcmp(type->opts[i].name, name) == 0)
			return i;
	}
	return -1;
}

const char *
provider_option(const struct provider *type,
    const struct provider_values *values, const char *name)
{
	int i = option_index(type, name, PROVIDER_OPT_STRING);

	return i == -1 ? NULL : provider_str(values, i);
}

bool
provider_option_bool(const struct provider *type,
    const struct provider_values *values, const char *name)
{
	int i = option_index(type, name, PROVIDER_OPT_BOOL);

	return i != -1 && provider_bool(values, i);
}

struct provider_locks *
provider_locks_new(void)
{
	return xcalloc(1, sizeof(struct provider_locks));
}

static uint64_t
print_add(uint64_t h, const char *s)
{
	return text_hash(h, s != NULL ? s : "\1");
}

/* Options are compared by value: a reload makes new ones in any case. */
static uint64_t
options_print(const struct conf_provider *p)
{
	const struct provider_opt *o = p->type->opts;
	uint64_t h = print_add(TEXT_HASH_BASIS, p->type->name);
	const char *const *l;
	long n;

	for (int i = 0; o != NULL && o[i].name != NULL; i++) {
		switch (o[i].type) {
		case PROVIDER_OPT_STRING:
			h = print_add(h, provider_str(p->values, i));
			break;
		case PROVIDER_OPT_INT:
		case PROVIDER_OPT_DURATION:
		case PROVIDER_OPT_BOOL:
			n = o[i].type == PROVIDER_OPT_BOOL ?
			    provider_bool(p->values, i) :
			    provider_int(p->values, i);
			h = (h ^ (uint64_t)n) * UINT64_C(1099511628211);
			break;
		case PROVIDER_OPT_LIST:
			for (l = provider_list(p->values, i); *l != NULL; l++)
				h = print_add(h, *l);
			h = print_add(h, NULL);
			break;
		}
	}
	return h;
}

static unsigned
max_calls(const struct conf_provider *p)
{
	unsigned n = p->type->calls_at_once == NULL ? 0 :
	    p->type->calls_at_once(p->values);

	if (n == 0)
		n = p->type->max_calls;
	return n == 0 ? MAX_CALLS : n;
}

static void
known_zone_clear(struct known_zone *z)
{
	free(z->fqdn);
	free(z->zone);
	free(z->id);
	memset(z, 0, sizeof(*z));
}

void
provider_account_release(struct provider_account *a)
{
	if (a == NULL || --a->refs > 0)
		return;
	for (size_t i = 0; i < MAX_ZONES; i++)
		known_zone_clear(&a->zones[i]);
	freezero(a->keep, a->type->keep_size);
	free(a->name);
	free(a);
}

struct provider_account *
provider_account_get(struct provider_locks *locks,
    const struct conf_provider *p)
{
	uint64_t print = options_print(p);
	struct provider_account **at = &locks->accounts, *a;

	while ((a = *at) != NULL && strcmp(a->name, p->name) != 0)
		at = &a->next;
	if (a != NULL && (a->type != p->type || a->print != print)) {
		*at = a->next;
		provider_account_release(a);
		a = NULL;
	}
	if (a == NULL) {
		a = xcalloc(1, sizeof(*a));
		a->locks = locks;
		a->name = xstrdup(p->name);
		a->type = p->type;
		a->print = print;
		a->max_calls = max_calls(p);
		a->keep = p->type->keep_size == 0 ? NULL :
		    xcalloc(1, p->type->keep_size);
		a->refs = 1;
		a->next = locks->accounts;
		locks->accounts = a;
	}
	a->refs++;
	return a;
}

void
provider_locks_free(struct provider_locks *locks)
{
	struct provider_account *a;

	if (locks == NULL)
		return;
	while ((a = locks->accounts) != NULL) {
		locks->accounts = a->next;
		provider_account_release(a);
	}
	free(locks);
}

void *
provider_account_keep(struct provider_account *a)
{
	return a->keep;
}

/*
 * Names are busy for all accounts, as two may lead to the same zone.  The
 * bound on calls includes those of an account that a reload has replaced.
 */
static bool
may_begin(const struct provider_turn *t)
{
	const struct provider_account *a = t->account;
	unsigned n = 0;

	if (a->n_active >= a->max_calls)
		return false;
	for (const struct provider_turn *u = a->locks->turns; u != NULL;
	    u = u->next) {
		if (!u->is_active)
			continue;
		if (strcmp(u->fqdn, t->fqdn) == 0)
			return false;
		n += strcmp(u->account->name, a->name) == 0;
	}
	return n < a->max_calls;
}

/* Let it begin if it may.  begin does not end a turn: it starts work. */
static void
turn_try(struct provider_turn *t)
{
	if (t->is_active || !may_begin(t))
		return;
	t->is_active = true;
	t->account->n_active++;
	t->begin(t->arg);
}

void
provider_turn_start(struct provider_turn *t, struct provider_account *a,
    const char *fqdn, void (*begin)(void *arg), void *arg)
{
	struct provider_turn **at = &a->locks->turns;

	*t = (struct provider_turn){ .account = a, .fqdn = fqdn,
	    .begin = begin, .arg = arg };
	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
	turn_try(t);
}

void
provider_turn_end(struct provider_turn *t)
{
	struct provider_account *a = t->account;
	struct provider_turn **at;

	if (a == NULL)
		return;
	for (at = &a->locks->turns; *at != t; at = &(*at)->next)
		continue;
	*at = t->next;
	t->account = NULL;
	if (!t->is_active)
		return;
	a->n_active--;
	for (t = a->locks->turns; t != NULL; t = t->next)
		turn_try(t);
}

size_t
provider_turn_left(const struct provider_turn *t)
{
	size_t n = 0;

	for (const struct provider_turn *u = t->account->locks->turns;
	    u != NULL; u = u->next) {
		if (u->is_add == t->is_add && u->cert != NULL &&
		    strcmp(u->cert, t->cert) == 0 &&
		    strcmp(u->account->name, t->account->name) == 0)
			n += u->n_left;
	}
	return n;
}

static const struct known_zone *
zone_find(const struct provider_account *a, const char *fqdn,
    const char *zone)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < MAX_ZONES; i++) {
		const struct known_zone *z = &a->zones[i];

		if (z->fqdn == NULL || now - z->at > ZONE_MS)
			continue;
		if ((fqdn == NULL || strcmp(z->fqdn, fqdn) == 0) &&
		    (zone == NULL || strcmp(z->zone, zone) == 0))
			return z;
	}
	return NULL;
}

const char *
provider_zone_of(const struct provider_account *a, const char *fqdn)
{
	const struct known_zone *z = zone_find(a, fqdn, NULL);

	return z == NULL ? NULL : z->zone;
}

const char *
provider_zone_id(const struct provider_account *a, const char *zone)
{
	const struct known_zone *z = zone_find(a, NULL, zone);

	return z == NULL ? "" : z->id;
}

void
provider_zone_put(struct provider_account *a, const char *fqdn,
    const char *zone, const char *zone_id)
{
	struct known_zone *z;

	if (zone_find(a, fqdn, zone) != NULL)
		return;
	z = &a->zones[a->next_zone];
	a->next_zone = (a->next_zone + 1) % MAX_ZONES;
	known_zone_clear(z);
	z->fqdn = xstrdup(fqdn);
	z->zone = xstrdup(zone);
	z->id = xstrdup(zone_id);
	z->at = clock_mono_ms();
}

void
provider_zone_forget(struct provider_account *a, const char *zone)
{
	for (size_t i = 0; i < MAX_ZONES; i++) {
		if (a->zones[i].zone != NULL &&
		    strcmp(a->zones[i].zone, zone) == 0)
			known_zone_clear(&a->zones[i]);
	}
}

int64_t
provider_account_pace(struct provider_account *a, unsigned gap_ms)
{
	int64_t now = clock_mono_ms(), at = a->next_request_at;

	if (at < now)
		at = now;
	a->next_request_at = at + gap_ms;
	return at - now;
}

void
provider_account_close(struct provider_account *a, int64_t ms)
{
	int64_t until = clock_mono_ms() + (ms > CLOSED_MS ? CLOSED_MS : ms);

	if (until > a->open_at)
		a->open_at = until;
}

int64_t
provider_account_closed(const struct provider_account *a)
{
	int64_t left = a->open_at - clock_mono_ms();

	return left > 0 ? left : 0;
}
