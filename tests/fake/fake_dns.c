/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/provider_env.h"
#include "tests/fake/fake_dns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/txtget.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define RECORDS_MAX	64
#define ITEMS_MAX	32
#define VALUE_MAX	256

struct dns {
	struct loop	*loop;
};

static struct {
	char	 fqdn[DNAME_SIZE];
	char	 value[VALUE_MAX];
} records[RECORDS_MAX];
static size_t n_records;

struct fake_dns fake_dns;

void
fake_dns_reset(void)
{
	memset(&fake_dns, 0, sizeof(fake_dns));
	fake_dns.latency_ms = 2;
	n_records = 0;
}

static size_t
find(const char *fqdn, const char *value)
{
	size_t i = 0;

	while (i < n_records && (strcmp(records[i].fqdn, fqdn) != 0 ||
	    strcmp(records[i].value, value) != 0))
		i++;
	return i;
}

bool
fake_dns_has(const char *fqdn, const char *value)
{
	return find(fqdn, value) < n_records;
}

void
fake_dns_put(const char *fqdn, const char *value)
{
	if (fake_dns_has(fqdn, value))
		return;
	assert(n_records < RECORDS_MAX);
	(void)text_printf(records[n_records].fqdn,
	    sizeof(records[n_records].fqdn), "%s", fqdn);
	(void)text_printf(records[n_records].value,
	    sizeof(records[n_records].value), "%s", value);
	n_records++;
}

size_t
fake_dns_count(void)
{
	return n_records;
}

static void
drop(const char *fqdn, const char *value)
{
	size_t i = find(fqdn, value);

	if (i < n_records)
		records[i] = records[--n_records];
}

/* One call of any of the three modules, until its answer. */
struct call {
	struct timer	 answer;
	enum fake_verdict verdict;
	struct error	 err;
};

static void
call_init(struct call *c, struct loop *loop, enum fake_dns_act act,
    const char *subject, loop_cb *answer, void *arg)
{
	fake_dns.calls[act]++;
	fake_dns.in_flight++;
	c->verdict = fake_rule_next(&fake_dns.rules[act], subject, &c->err);
	timer_init(&c->answer, loop, answer, arg);
	if (c->verdict != FAKE_HANGS_ON)
		timer_set(&c->answer, fake_dns.latency_ms);
}

static void
call_clear(struct call *c)
{
	timer_clear(&c->answer);
	fake_dns.in_flight--;
}

/* --- zone --- */

struct zone_op {
	struct call	 call;
	char		 fqdn[DNAME_SIZE];
	bool		 is_exact;
	zone_done_cb	*done;
	void		*arg;
};

int
dns_set_resolvers(struct dns *dns, const char *const *resolvers,
    struct error *err)
{
	if (resolvers[0] != NULL && strcmp(resolvers[0], "192.0.2.99") == 0)
		return error_set(err, ERR_CONFIG, "dns:address", "fake");
	(void)text_printf(fake_dns.resolver, sizeof(fake_dns.resolver), "%s",
	    resolvers[0] != NULL ? resolvers[0] : "");
	return 0;
}

struct dns *
dns_new(struct loop *loop, const char *const *resolvers, struct error *err)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	if (dns_set_resolvers(dns, resolvers, err) == -1) {
		free(dns);
		return NULL;
	}
	dns->loop = loop;
	return dns;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	assert(fake_dns.in_flight == 0);
	free(dns);
}

/* What was told is of use where no SOA is to be had, which never happens
 * here. */
void
dns_tell(struct dns *dns, const char *apex, const char *server)
{
}

const struct dns_told *
dns_told(const struct dns *dns, const char *name)
{
	return NULL;
}

struct dns *
dns_new_like(const struct dns *like, const char *const *resolvers,
    struct error *err)
{
	return dns_new(like->loop, resolvers, err);
}

void
zone_clear(struct zone *z)
{
	free(z->servers);
	free(z->aliases);
	memset(z, 0, sizeof(*z));
}

void
zone_copy(struct zone *to, const struct zone *from)
{
	*to = *from;
	to->servers = xmemdup(from->servers,
	    from->n_servers * sizeof(*from->servers));
	to->aliases = NULL;
	if (from->n_aliases > 0)
		to->aliases = xmemdup(from->aliases,
		    from->n_aliases * sizeof(*from->aliases));
}

static const char *
apex_of(const char *fqdn)
{
	const char *at = fqdn + strlen(fqdn);
	int dots = 0;

	while (at > fqdn && (at[-1] != '.' || ++dots < 2))
		at--;
	return at;
}

static void
zone_answer_cb(void *arg)
{
	struct zone_op *op = arg;
	struct dns_server server = { .text = "192.0.2.1" };
	struct zone zone = { .servers = &server, .n_servers = 1 };
	char alias[DNAME_SIZE];
	bool has_cname = !op->is_exact && fake_dns.cname_from != NULL &&
	    strcmp(op->fqdn, fake_dns.cname_from) == 0;

	(void)text_printf(zone.fqdn, sizeof(zone.fqdn), "%s",
	    has_cname ? fake_dns.cname_to : op->fqdn);
	(void)text_printf(zone.apex, sizeof(zone.apex), "%s",
	    apex_of(zone.fqdn));
	if (has_cname) {
		(void)text_printf(alias, sizeof(alias), "%s", op->fqdn);
		zone.aliases = &alias;
		zone.n_aliases = 1;
	}
	zone.is_elsewhere = has_cname &&
	    strcmp(apex_of(op->fqdn), zone.apex) != 0;
	if (op->call.verdict == FAKE_FAILS)
		op->done(&op->call.err, NULL, op->arg);
	else
		op->done(NULL, &zone, op->arg);
	zone_cancel(op);
}

struct zone_op *
zone_start(struct dns *dns, const char *fqdn, unsigned timeout_ms,
    zone_done_cb *done, void *arg)
{
	struct zone_op *op = xcalloc(1, sizeof(*op));

	assert(timeout_ms > 0);
	(void)text_printf(op->fqdn, sizeof(op->fqdn), "%s", fqdn);
	op->done = done;
	op->arg = arg;
	call_init(&op->call, dns->loop, FAKE_ZONE, fqdn, zone_answer_cb, op);
	return op;
}

/* Only the fake's own CNAME is left out. */
struct zone_op *
zone_start_exact(struct dns *dns, const char *fqdn, unsigned timeout_ms,
    zone_done_cb *done, void *arg)
{
	struct zone_op *op = zone_start(dns, fqdn, timeout_ms, done, arg);

	op->is_exact = true;
	return op;
}

void
zone_cancel(struct zone_op *op)
{
	if (op == NULL)
		return;
	call_clear(&op->call);
	free(op);
}

/* --- txtwait --- */

struct txtwait_op {
	struct call	 call;
	struct timer	 limit;
	char		 fqdns[ITEMS_MAX][DNAME_SIZE];
	char		 values[ITEMS_MAX][VALUE_MAX];
	size_t		 n;
	bool		 present;
	txtwait_done_cb	*done;
	void		*arg;
};

static bool
is_as_wanted(const struct txtwait_op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		if (fake_dns_has(op->fqdns[i], op->values[i]) != op->present)
			return false;
	}
	return true;
}

bool
txtwait_is_late(const struct txtwait_op *op, const char *fqdn)
{
	for (size_t i = 0; i < op->n; i++) {
		if (strcmp(op->fqdns[i], fqdn) == 0 && fake_dns_has(
		    op->fqdns[i], op->values[i]) != op->present)
			return true;
	}
	return false;
}

static void
txtwait_answer_cb(void *arg)
{
	struct txtwait_op *op = arg;
	struct txtwait_reply reply = { .note = "" };

	if (op->call.verdict == FAKE_FAILS) {
		op->done(&op->call.err, NULL, op->arg);
	} else if (!is_as_wanted(op)) {
		timer_set(&op->call.answer, 1000);
		return;
	} else {
		if (fake_dns.note != NULL)
			(void)text_printf(reply.note, sizeof(reply.note), "%s",
			    fake_dns.note);
		op->done(NULL, &reply, op->arg);
	}
	txtwait_cancel(op);
}

static void
txtwait_limit_cb(void *arg)
{
	struct txtwait_op *op = arg;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "dns:stale", "%s is still %s",
	    op->fqdns[0], op->present ? "missing" : "there");
	op->done(&err, NULL, op->arg);
	txtwait_cancel(op);
}

struct txtwait_op *
txtwait_start(struct dns *dns, const struct txtwait_args *a,
    txtwait_done_cb *done, void *arg)
{
	struct txtwait_op *op = xcalloc(1, sizeof(*op));

	assert(a->n_items > 0 && a->n_items <= ITEMS_MAX);
	op->n = a->n_items;
	op->present = a->items[0].present;
	if (op->present)
		fake_dns.shown_ms = a->timeout_ms;
	for (size_t i = 0; i < op->n; i++) {
		assert(a->items[i].present == op->present);
		(void)text_printf(op->fqdns[i], sizeof(op->fqdns[i]), "%s",
		    a->items[i].zone->fqdn);
		(void)text_printf(op->values[i], sizeof(op->values[i]), "%s",
		    a->items[i].value);
	}
	op->done = done;
	op->arg = arg;
	call_init(&op->call, dns->loop, op->present ? FAKE_SHOWN : FAKE_GONE,
	    op->fqdns[0], txtwait_answer_cb, op);
	timer_init(&op->limit, dns->loop, txtwait_limit_cb, op);
	timer_set(&op->limit, a->timeout_ms);
	if (a->progress != NULL)
		a->progress("waiting for the fake DNS", arg);
	return op;
}

void
txtwait_cancel(struct txtwait_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->limit);
	call_clear(&op->call);
	free(op);
}

/* --- txtget --- */

struct txtget_op {
	struct call	 call;
	char		 fqdn[DNAME_SIZE];
	txtget_done_cb	*done;
	void		*arg;
};

static void
txtget_answer_cb(void *arg)
{
	struct txtget_op *op = arg;
	const char *values[RECORDS_MAX];
	struct txtget_set set = { .server = "192.0.2.1", .values = values };
	struct txtget_reply reply = { .sets = &set, .n_sets = 1 };

	for (size_t i = 0; i < n_records; i++) {
		if (strcmp(records[i].fqdn, op->fqdn) == 0)
			values[set.n_values++] = records[i].value;
	}
	if (op->call.verdict == FAKE_FAILS)
		op->done(&op->call.err, NULL, op->arg);
	else
		op->done(NULL, &reply, op->arg);
	txtget_cancel(op);
}

struct txtget_op *
txtget_start(struct dns *dns, const struct zone *zone, unsigned timeout_ms,
    txtget_done_cb *done, void *arg)
{
	struct txtget_op *op = xcalloc(1, sizeof(*op));

	assert(timeout_ms > 0);
	(void)text_printf(op->fqdn, sizeof(op->fqdn), "%s", zone->fqdn);
	op->done = done;
	op->arg = arg;
	call_init(&op->call, dns->loop, FAKE_GET, op->fqdn, txtget_answer_cb,
	    op);
	return op;
}

void
txtget_cancel(struct txtget_op *op)
{
	if (op == NULL)
		return;
	call_clear(&op->call);
	free(op);
}

/* --- provider_run --- */

struct provider_run_op {
	struct call	 call;
	bool		 is_add;
	char		 provider[64];
	char		 fqdn[DNAME_SIZE];
	char		 values[ITEMS_MAX][VALUE_MAX];
	size_t		 n;
	provider_run_done_cb *done;
	void		*arg;
};

void
provider_env_init(struct provider_env *env, struct loop *loop,
    struct http *http, struct dns *dns, struct children *children)
{
	memset(env, 0, sizeof(*env));
	env->loop = loop;
	env->dns = dns;
}

void
provider_env_clear(struct provider_env *env)
{
	assert(fake_dns.in_flight == 0);
}

void
provider_env_metrics(const struct provider_env *env, FILE *f)
{
}

static void
act(struct provider_run_op *op)
{
	size_t used = strlen(fake_dns.log);

	(void)text_printf(fake_dns.log + used, sizeof(fake_dns.log) - used,
	    "%s %s %s", op->is_add ? "+" : "-", op->provider, op->fqdn);
	for (size_t i = 0; i < op->n; i++) {
		used = strlen(fake_dns.log);
		(void)text_printf(fake_dns.log + used,
		    sizeof(fake_dns.log) - used, " %s", op->values[i]);
		if (op->is_add)
			fake_dns_put(op->fqdn, op->values[i]);
		else
			drop(op->fqdn, op->values[i]);
	}
	used = strlen(fake_dns.log);
	(void)text_printf(fake_dns.log + used, sizeof(fake_dns.log) - used,
	    "\n");
}

static void
run_answer_cb(void *arg)
{
	struct provider_run_op *op = arg;
	const char *handles[ITEMS_MAX];
	struct provider_run_reply reply = { .handles = handles,
	    .zone = "", .server = "" };
	struct fake_rule *rule = &fake_dns.rules[op->is_add ? FAKE_ADD :
	    FAKE_REMOVE];

	for (size_t i = 0; i < op->n; i++)
		handles[i] = "handle";
	if (op->call.verdict != FAKE_FAILS || rule->acts)
		act(op);
	if (op->call.verdict == FAKE_FAILS)
		op->done(&op->call.err, &reply, op->arg);
	else
		op->done(NULL, &reply, op->arg);
	provider_run_cancel(op);
}

struct provider_run_op *
provider_run_start(struct provider_env *env,
    const struct provider_run_args *a, provider_run_done_cb *done, void *arg)
{
	struct provider_run_op *op = xcalloc(1, sizeof(*op));
	char subject[2 * DNAME_SIZE];

	assert(a->n_values > 0 && a->n_values <= ITEMS_MAX);
	assert(a->timeout_ms > 0 && a->provider != NULL);
	op->is_add = a->is_add;
	(void)text_printf(op->provider, sizeof(op->provider), "%s",
	    a->provider->name);
	(void)text_printf(op->fqdn, sizeof(op->fqdn), "%s", a->fqdn);
	op->n = a->n_values;
	for (size_t i = 0; i < op->n; i++)
		(void)text_printf(op->values[i], sizeof(op->values[i]), "%s",
		    a->values[i]);
	if (!op->is_add)
		(void)text_printf(fake_dns.removed, sizeof(fake_dns.removed),
		    "%s", a->handles == NULL ? "" : a->handles[0]);
	op->done = done;
	op->arg = arg;
	(void)text_printf(subject, sizeof(subject), "%s %s", op->provider,
	    op->fqdn);
	call_init(&op->call, env->loop, op->is_add ? FAKE_ADD : FAKE_REMOVE,
	    subject, run_answer_cb, op);
	return op;
}

void
provider_run_cancel(struct provider_run_op *op)
{
	if (op == NULL)
		return;
	call_clear(&op->call);
	free(op);
}

/* Nobody here looks at servers. */
struct addresses_op *
addresses_start(struct dns *d, const char *host, unsigned timeout_ms,
    addresses_done_cb *done, void *arg)
{
	abort();
}

void
addresses_cancel(struct addresses_op *op)
{
	assert(op == NULL);
}

void
addresses_set_port(struct dns_server *s, uint16_t port)
{
	abort();
}
