/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_table.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/tsig.h"

#define LABEL_MAX 63
#define LABELS_MAX 128

/* --- names --- */

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

size_t
rname_from_wire(struct rname *name, const uint8_t *wire, size_t len)
{
	uint8_t starts[LABELS_MAX];
	size_t at = 0, n = 0;

	if (len > WIRE_NAME_MAX)
		len = WIRE_NAME_MAX;
	for (;;) {
		if (at >= len || wire[at] > LABEL_MAX)
			return 0;
		if (wire[at] == 0)
			break;
		starts[n++] = (uint8_t)at;
		at += wire[at] + 1u;
	}
	name->len = 0;
	while (n-- > 0) {
		const uint8_t *label = wire + starts[n];

		for (size_t i = 0; i <= label[0]; i++)
			name->key[name->len++] = lower(label[i]);
	}
	return at + 1;
}

int
rname_from_text(struct rname *name, const char *text, struct error *err)
{
	uint8_t wire[WIRE_NAME_MAX];
	size_t len;

	if (dnsmsg_name_wire(text, wire, &len, err) == -1)
		return -1;
	(void)rname_from_wire(name, wire, len);
	return 0;
}

bool
rname_is_in(const struct rname *name, const struct rname *zone)
{
	return name->len >= zone->len &&
	    memcmp(name->key, zone->key, zone->len) == 0;
}

bool
rname_equal(const struct rname *a, const struct rname *b)
{
	return a->len == b->len && rname_is_in(a, b);
}

/* The order of the tree: a name before all that is below it. */
static int
rname_cmp(const struct rname *a, const struct rname *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int rc = memcmp(a->key, b->key, n);

	return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

/* --- zones --- */

static int
put_wire(struct wire_name *w, const char *text, struct error *err)
{
	char name[DNAME_SIZE];

	if (dname_normalize(text, false, false, name, err) == -1)
		return -1;
	return dnsmsg_name_wire(name, w->wire, &w->len, err);
}

static int
put_addresses(struct responder_zone *z, const char *const *texts,
    struct error *err)
{
	for (; *texts != NULL; texts++) {
		struct in6_addr in6;
		struct in_addr in;

		if (inet_pton(AF_INET, *texts, &in) == 1 &&
		    z->n_in < RESPONDER_ADDRESSES_MAX)
			z->in[z->n_in++] = in;
		else if (inet_pton(AF_INET6, *texts, &in6) == 1 &&
		    z->n_in6 < RESPONDER_ADDRESSES_MAX)
			z->in6[z->n_in6++] = in6;
		else
			return error_set(err, ERR_CONFIG, "dns:address",
			    "ns_addresses: \"%s\" is not an IP address, or "
			    "one too many", *texts);
	}
	return 0;
}

/* Those that are addresses are no names of servers. */
static int
put_peers(struct responder_zone *z, const char *const *peers,
    struct error *err)
{
	for (; peers != NULL && *peers != NULL; peers++) {
		struct dns_server ignored;
		struct error no_address;
		char *host;
		int rc;

		if (dnsaddr_parse(*peers, &ignored, &no_address) == 0)
			continue;
		if (z->n_peers == RESPONDER_PEERS_MAX)
			return error_set(err, ERR_CONFIG, "builtin:peers",
			    "peers: at most %d", RESPONDER_PEERS_MAX);
		host = xstrndup(*peers, strcspn(*peers, ":"));
		rc = put_wire(&z->peers[z->n_peers], host, err);
		free(host);
		if (rc == -1)
			return error_wrap(err, "peers");
		z->n_peers++;
	}
	return 0;
}

int
responder_zone_init(struct responder_zone *z,
    const struct responder_zone_args *a, struct error *err)
{
	char mbox[DNAME_SIZE + 16];

	*z = (struct responder_zone){ .ttl = a->ttl };
	(void)text_printf(mbox, sizeof(mbox), "hostmaster.%s", a->apex);
	if (put_wire(&z->apex, a->apex, err) == -1)
		return error_wrap(err, "zones");
	if (put_wire(&z->ns, a->ns_name, err) == -1)
		return error_wrap(err, "ns_name");
	if (put_wire(&z->mbox, a->mbox != NULL ? a->mbox : mbox, err) == -1)
		return error_wrap(err, "mbox");
	if (put_addresses(z, a->ns_addresses, err) == -1 ||
	    put_peers(z, a->peers, err) == -1)
		return -1;
	(void)rname_from_wire(&z->name, z->apex.wire, z->apex.len);
	(void)rname_from_wire(&z->ns_name, z->ns.wire, z->ns.len);
	if (rname_is_in(&z->ns_name, &z->name) && z->n_in + z->n_in6 == 0)
		return error_set(err, ERR_CONFIG, "builtin:ns_addresses",
		    "ns_name \"%s\" is in the zone \"%s\", which only acmed "
		    "answers for: tell its public addresses as ns_addresses, "
		    "or take a name outside", a->ns_name, a->apex);
	return 0;
}

void
responder_table_init(struct responder_table *t)
{
	/* After a restart it must not be less than before. */
	*t = (struct responder_table){ .serial = (uint32_t)clock_now() };
}

static void
key_free(struct tsig_key *key)
{
	if (key == NULL)
		return;
	tsig_key_clear(key);
	free(key);
}

void
responder_table_drop_zones(struct responder_table *t)
{
	for (size_t i = 0; i < t->n_zones; i++)
		key_free(t->zones[i].key);
	free(t->zones);
	t->zones = NULL;
	t->n_zones = 0;
}

void
responder_table_clear(struct responder_table *t)
{
	responder_table_drop_zones(t);
	for (size_t i = 0; i < t->n_values; i++)
		free(t->values[i].text);
	free(t->values);
	t->values = NULL;
	t->n_values = 0;
}

void
responder_table_put_zone(struct responder_table *t,
    const struct responder_zone *z)
{
	for (size_t i = 0; i < t->n_zones; i++) {
		if (rname_equal(&t->zones[i].name, &z->name)) {
			key_free(t->zones[i].key);
			t->zones[i] = *z;
			return;
		}
	}
	t->zones = xreallocarray(t->zones, t->n_zones + 1, sizeof(*t->zones));
	t->zones[t->n_zones++] = *z;
}

const struct responder_zone *
responder_table_zone(const struct responder_table *t,
    const struct rname *name)
{
	const struct responder_zone *best = NULL;

	for (size_t i = 0; i < t->n_zones; i++) {
		const struct responder_zone *z = &t->zones[i];

		if (rname_is_in(name, &z->name) &&
		    (best == NULL || z->name.len > best->name.len))
			best = z;
	}
	return best;
}

/* --- values --- */

/* The index of the first value that is not before the name. */
static size_t
lower_bound(const struct responder_table *t, const struct rname *name)
{
	size_t from = 0, to = t->n_values;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (rname_cmp(&t->values[mid].name, name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

size_t
responder_table_find(const struct responder_table *t,
    const struct rname *name, size_t *n_at, size_t *n_below)
{
	size_t first = lower_bound(t, name), i = first;

	while (i < t->n_values && rname_equal(&t->values[i].name, name))
		i++;
	*n_at = i - first;
	/* One is enough to know that the name exists. */
	*n_below = i < t->n_values && rname_is_in(&t->values[i].name, name);
	return first;
}

/* The value there, or NULL. */
static struct responder_value *
find_value(const struct responder_table *t, const struct rname *name,
    const char *text)
{
	size_t n_at, n_below;
	size_t first = responder_table_find(t, name, &n_at, &n_below);

	for (size_t i = first; i < first + n_at; i++) {
		if (strcmp(t->values[i].text, text) == 0)
			return &t->values[i];
	}
	return NULL;
}

static int
put_value(struct responder_table *t, const struct rname *name,
    const char *text, int64_t until_ms, struct error *err)
{
	size_t n_at, n_below;
	size_t first = responder_table_find(t, name, &n_at, &n_below);

	if (n_at >= RESPONDER_VALUES_MAX ||
	    strlen(text) > RESPONDER_VALUE_MAX)
		return error_set(err, ERR_REJECTED, "builtin:values",
		    "a name holds at most %d values of %d bytes",
		    RESPONDER_VALUES_MAX, RESPONDER_VALUE_MAX);
	t->values = xreallocarray(t->values, t->n_values + 1,
	    sizeof(*t->values));
	memmove(&t->values[first + 1], &t->values[first],
	    (t->n_values - first) * sizeof(*t->values));
	t->n_values++;
	t->values[first] = (struct responder_value){ .name = *name,
	    .text = xstrdup(text), .until_ms = until_ms };
	t->serial++;
	return 0;
}

static void
drop_value(struct responder_table *t, struct responder_value *v)
{
	size_t i = (size_t)(v - t->values);

	free(v->text);
	t->n_values--;
	memmove(v, v + 1, (t->n_values - i) * sizeof(*v));
	t->serial++;
}

int
responder_table_add(struct responder_table *t, const struct rname *name,
    const char *value, struct error *err)
{
	struct responder_value *v = find_value(t, name, value);

	if (v == NULL)
		return put_value(t, name, value, 0, err);
	v->until_ms = 0;
	return 0;
}

void
responder_table_remove(struct responder_table *t, const struct rname *name,
    const char *value)
{
	struct responder_value *v = find_value(t, name, value);

	if (v != NULL)
		drop_value(t, v);
}

int
responder_table_lend(struct responder_table *t, const struct rname *name,
    const char *value, int64_t until_ms, struct error *err)
{
	struct responder_value *v = find_value(t, name, value);

	if (v == NULL && put_value(t, name, value, until_ms, err) == -1)
		return -1;
	if (v != NULL && v->until_ms != 0)
		v->until_ms = until_ms;
	if (t->expire_ms == 0 || until_ms < t->expire_ms)
		t->expire_ms = until_ms;
	return 0;
}

void
responder_table_return(struct responder_table *t, const struct rname *name,
    const char *value)
{
	struct responder_value *v = find_value(t, name, value);

	if (v != NULL && v->until_ms != 0)
		drop_value(t, v);
}

void
responder_table_expire(struct responder_table *t, int64_t now_ms)
{
	int64_t next_ms = 0;

	if (t->expire_ms == 0 || now_ms < t->expire_ms)
		return;
	for (size_t i = t->n_values; i > 0; i--) {
		struct responder_value *v = &t->values[i - 1];
		int64_t until_ms = v->until_ms;

		if (until_ms == 0)
			continue;
		if (until_ms <= now_ms)
			drop_value(t, v);
		else if (next_ms == 0 || until_ms < next_ms)
			next_ms = until_ms;
	}
	t->expire_ms = next_ms;
}
