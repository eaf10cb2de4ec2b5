/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnssec.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define TEXT_MAX 1500
#define SECOND_LOOK_MS 5000

static void
append(char *out, const char *sep, const char *text)
{
	size_t used = strlen(out);

	(void)text_printf(out + used, TEXT_MAX - used, "%s%s",
	    used > 0 ? sep : "", text);
}

/* --- what is looked up before anything can be said --- */

static void
home_found(const struct error *err, const struct zone *zone, void *arg)
{
	struct pf_place *p = arg;

	p->op = NULL;
	if (err == NULL) {
		zone_copy(&p->home, zone);
		p->has_home = true;
	}
	pf_step(p->pc);
}

/* An alias is looked up in the zone that it stands in, by the CA, too. */
static void
look_home(struct pf_place *p, const struct zone *seen)
{
	if (seen == NULL || seen->n_aliases == 0)
		pf_step(p->pc);
	else
		p->op = zone_start_exact(zones_dns(p->pc->zones), p->fqdn,
		    PREFLIGHT_TIMEOUT_MS, home_found, p);
}

static void
seen_found(const struct error *err, const struct zone *zone, void *arg)
{
	struct pf_place *p = arg;

	p->op = NULL;
	if (err != NULL) {
		p->seen_err = *err;
		pf_step(p->pc);
		return;
	}
	zone_copy(&p->seen, zone);
	p->has_seen = true;
	look_home(p, &p->seen);
}

static void
zones_found(void *arg)
{
	struct pf_cert *pc = arg;
	struct error ignored;

	pc->has_zones = true;
	for (size_t i = 0; i < pc->n_places; i++) {
		struct pf_place *p = &pc->places[i];

		pc->pending++;
		/* Where acmed does not follow, the CA does. */
		if (p->name->challenge_alias != NULL ||
		    !pc->cc->follow_cname)
			p->op = zone_start(zones_dns(pc->zones), p->fqdn,
			    PREFLIGHT_TIMEOUT_MS, seen_found, p);
		else
			look_home(p, zones_get(pc->zones, p->name->name,
			    &ignored));
	}
	pf_step(pc);
}

void
pf_dns_give_up(struct pf_cert *pc)
{
	zones_wait(pc->zones, NULL, NULL);
	if (!pc->has_zones)
		pc->pending--;
	for (size_t i = 0; i < pc->n_places; i++) {
		if (pc->places[i].op == NULL)
			continue;
		zone_cancel(pc->places[i].op);
		pc->places[i].op = NULL;
		pc->pending--;
	}
}

void
pf_dns_start(struct pf_cert *pc)
{
	const struct conf_cert *cc = pc->cc;
	const struct preflight_env *env = pc->pf->env;
	const struct conf_account *a = conf_needs_kid(cc) ?
	    conf_issuer(cc, 0).account : NULL;
	char *kid = a != NULL ? store_account_kid(env->store, a->name,
	    a->directory) : NULL;

	pc->places = xcalloc(cc->n_names, sizeof(*pc->places));
	for (size_t i = 0; i < cc->n_names; i++) {
		struct pf_place *p = &pc->places[pc->n_places];

		if (!conf_name_needs_dns(&cc->names[i]) ||
		    cc->names[i].provider == NULL)
			continue;
		pc->n_places++;
		p->pc = pc;
		p->name = &cc->names[i];
		challenge_fqdn(p->name, kid, p->fqdn);
	}
	pc->pending++;
	pc->has_kid = kid != NULL;
	pc->zones = zones_start(env->loop, env->dns, cc, kid);
	free(kid);
	zones_wait(pc->zones, zones_found, pc);
}

void
pf_dns_clear(struct pf_cert *pc)
{
	for (size_t i = 0; i < pc->n_places; i++) {
		zone_cancel(pc->places[i].op);
		zone_clear(&pc->places[i].seen);
		zone_clear(&pc->places[i].home);
	}
	free(pc->places);
	zones_free(pc->zones);
}

/* --- the servers --- */

static void
servers_seen(const struct nscheck_reply *reply, void *arg)
{
	struct pf_check *c = arg;
	char good[TEXT_MAX] = "", bad[TEXT_MAX] = "", label[DNSADDR_LABEL_MAX];
	char line[TEXT_MAX], behind[TEXT_MAX] = "";

	c->nscheck = NULL;
	if (reply->n_bad == 0 && reply->n_behind > 0 && !c->is_second_look) {
		/* A change may be on its way to them. */
		c->is_second_look = true;
		pf_wait(c, "not all servers of the zone show the same serial; "
		    "looking again");
		timer_set(&c->again, SECOND_LOOK_MS);
		return;
	}
	for (size_t i = 0; i < reply->n_servers; i++) {
		const struct nscheck_server *s = &reply->servers[i];
		bool is_same = strcmp(s->udp, s->tcp) == 0;

		(void)dnsaddr_label(s->server, label);
		if (s->udp[0] == '\0' && s->tcp[0] == '\0') {
			append(good, ", ", label);
			(void)text_printf(line, sizeof(line), "%s shows "
			    "serial %lu", label, (unsigned long)s->serial);
			if (s->is_behind)
				append(behind, "; ", line);
			continue;
		}
		(void)text_printf(line, sizeof(line), "%s %s%s%s", label,
		    s->udp[0] != '\0' ? s->udp : s->tcp,
		    is_same ? "" : s->udp[0] != '\0' ? " over UDP" :
		    " over TCP", "");
		append(bad, "; ", line);
	}
	if (reply->homeless[0] != '\0') {
		(void)text_printf(line, sizeof(line), "%s: no address is "
		    "found for it", reply->homeless);
		append(bad, "; ", line);
	}
	if (bad[0] == '\0' && reply->n_behind > 0)
		pf_tell(c, PF_WARN, "see that the zone is transferred to them "
		    "after each change (NOTIFY, allow-transfer, their logs): "
		    "a renewal waits until all show the new value",
		    "zone %s: %s; still so after %d s; newest is serial %lu",
		    c->zone->apex, behind, SECOND_LOOK_MS / 1000,
		    (unsigned long)reply->newest);
	else if (bad[0] == '\0')
		pf_tell(c, PF_OK, NULL, "zone %s: %s; over UDP and TCP",
		    c->zone->apex, good);
	else if (good[0] != '\0')
		pf_tell(c, PF_WARN, "fix these servers, or remove their NS "
		    "records: the CA may ask any of them", "zone %s: %s; in "
		    "order: %s", c->zone->apex, bad, good);
	else
		pf_tell(c, PF_FAIL, "see that the zone's servers run, serve "
		    "the zone, and can be reached on port 53 over UDP and "
		    "TCP", "zone %s: %s", c->zone->apex, bad);
}

static void
servers_check(struct pf_check *c)
{
	if (c->zone->n_servers == 0 && c->zone->is_told)
		pf_tell(c, PF_WARN, "see that the zone is delegated; that only "
		    "these resolvers do not know it does no harm", "zone %s "
		    "is known from the provider's zone = alone: no resolver "
		    "names its servers, and the resolvers are asked instead",
		    c->zone->apex);
	else if (c->zone->n_servers == 0)
		pf_tell(c, PF_FAIL, "see that the zone has NS records, and "
		    "these names addresses", "zone %s: no address of an "
		    "authoritative server is found", c->zone->apex);
	else
		c->nscheck = nscheck_start(zones_dns(c->pc->zones), c->zone,
		    PREFLIGHT_TIMEOUT_MS / 3, servers_seen, c);
}

/* --- DNSSEC --- */

static void
dnssec_seen(const struct error *err, const struct dnssec_reply *reply,
    void *arg)
{
	struct pf_check *c = arg;
	const char *apex = c->zone->apex;

	c->dnssec = NULL;
	if (err != NULL) {
		pf_tell(c, PF_FAIL, "see why: the CA's resolver will not know "
		    "the zone, either", "DNSSEC: %s", err->msg);
		return;
	}
	switch (reply->state) {
	case DNSSEC_UNKNOWN:
		pf_tell(c, PF_OK, NULL, "zone %s: cannot tell whether DNSSEC "
		    "is in order: no resolver of this machine validates",
		    apex);
		break;
	case DNSSEC_INSECURE:
		pf_tell(c, PF_OK, NULL, "zone %s: not signed", apex);
		break;
	case DNSSEC_SECURE:
		pf_tell(c, PF_OK, NULL, "zone %s: signed, and %s says that "
		    "the signatures are good", apex, reply->resolver);
		break;
	case DNSSEC_BROKEN:
		pf_tell(c, PF_FAIL, "sign the zone again, or fix or remove "
		    "its DS record in the zone above; the CA refuses until "
		    "then", "zone %s: DNSSEC is broken: resolver %s answers "
		    "SERVFAIL, but without validation it knows the zone",
		    apex, reply->resolver);
		break;
	}
}

static void
dnssec_check(struct pf_check *c)
{
	c->dnssec = dnssec_start(zones_dns(c->pc->zones), c->zone->apex,
	    PREFLIGHT_TIMEOUT_MS, dnssec_seen, c);
}

/* Each zone is looked at once for a certificate. */
static void
plan_zone(struct pf_cert *pc, const struct conf_name *name,
    const struct zone *zone)
{
	const struct pf_check *c;

	if (zone->apex[0] == '\0')
		return;
	TAILQ_FOREACH(c, &pc->checks, link) {
		if (c->start == servers_check &&
		    strcmp(c->zone->apex, zone->apex) == 0)
			return;
	}
	pf_check_add(pc, name, "servers", servers_check)->zone = zone;
	/* The resolvers that would tell do not know the zone. */
	if (!zone->is_told)
		pf_check_add(pc, name, "dnssec", dnssec_check)->zone = zone;
}

/* --- the delegation --- */

/* "_acme-challenge.a.example -> b.example -> c.example" */
static void
describe_chain(const struct pf_place *p, const struct zone *z, char *out)
{
	out[0] = '\0';
	if (z->n_aliases == 0)
		append(out, "", p->fqdn);
	for (size_t i = 0; i < z->n_aliases; i++)
		append(out, " -> ", z->aliases[i]);
	if (z->n_aliases > 0)
		append(out, " -> ", z->fqdn);
}

/* The CA looks where the DNS leads; acmed adds where it is told. */
static bool
tell_mismatch(struct pf_check *c, const struct pf_place *p,
    const struct zone *target, const char *chain)
{
	const char *alias = p->name->challenge_alias;
	char *fix;

	if (!p->has_seen || strcmp(p->seen.fqdn, target->fqdn) == 0)
		return false;
	fix = alias != NULL ? xasprintf("add the record: %s. CNAME %s.",
	    p->fqdn, alias) : xasprintf("set follow_cname = true, or remove "
	    "the CNAME of %s", p->fqdn);
	pf_tell(c, PF_FAIL, fix, "the CA will look at %s, but the record "
	    "goes to %s (%s)", chain, target->fqdn, alias != NULL ?
	    "challenge_alias" : "follow_cname = false");
	free(fix);
	return true;
}

static void
tell_delegation(struct pf_check *c, const struct pf_place *p,
    const struct zone *z)
{
	const struct conf_provider *provider = zones_provider(c->pc->zones,
	    p->name->name);
	const struct zone *shown = p->has_seen ? &p->seen : z;
	char chain[TEXT_MAX];

	describe_chain(p, shown, chain);
	if (tell_mismatch(c, p, z, chain))
		return;
	if (z->apex[0] == '\0' || (strchr(z->apex, '.') == NULL &&
	    shown->n_aliases > 0))
		pf_tell(c, PF_FAIL, shown->n_aliases > 0 ? "make that zone, "
		    "or fix the CNAME" : "register the domain, or have its "
		    "zone delegated", "%s: there is no zone for %s", chain,
		    z->fqdn);
	else if (strchr(z->apex, '.') == NULL)
		pf_tell(c, PF_WARN, "unless that is a zone of your own: "
		    "register the domain, or have its zone delegated",
		    "%s: the nearest zone is the top-level domain %s", chain,
		    z->apex);
	else
		pf_tell(c, PF_OK, NULL, "%s, in zone %s, through provider "
		    "\"%s\" (%s)", chain, z->apex, provider->name,
		    provider->type->name);
}

/*
 * A zone that is not found may be one that validating resolvers refuse.  Its
 * apex is not known then; any name in it serves.
 */
static void
plan_lost_zone(struct pf_cert *pc, const struct conf_name *name,
    struct pf_place *p)
{
	if (p->has_home)
		return;
	(void)text_printf(p->home.apex, sizeof(p->home.apex), "%s",
	    dname_base(name->name));
	pf_check_add(pc, name, "dnssec", dnssec_check)->zone = &p->home;
}

static struct pf_place *
place_of(const struct pf_cert *pc, const struct conf_name *name)
{
	size_t i = 0;

	while (pc->places[i].name != name)
		i++;
	return &pc->places[i];
}

void
pf_dns_plan(struct pf_cert *pc, const struct conf_name *name)
{
	struct pf_place *p = place_of(pc, name);
	struct error err;
	const struct zone *z = zones_get(pc->zones, name->name, &err);
	struct pf_check *c;

	if (name->challenge == CHALLENGE_DNS_ACCOUNT_01 && !pc->has_kid) {
		c = pf_check_add(pc, name, "delegation", NULL);
		pf_tell(c, PF_WARN, "acmectl account register, then check "
		    "again", "the record of dns-account-01 has a name that is "
		    "made of the account, which is not registered yet");
		return;
	}
	if (z == NULL) {
		bool is_loop = strcmp(err.code, "dns:cname-loop") == 0;

		if (!is_loop)
			plan_lost_zone(pc, name, p);
		c = pf_check_add(pc, name, "delegation", NULL);
		pf_tell(c, PF_FAIL, is_loop ? "fix the CNAMEs: they go "
		    "round" : "see that the resolvers work, and that the "
		    "zone's servers answer them", "%s: %s", p->fqdn,
		    err.msg);
		pf_builtin_plan(pc, name, p->fqdn, NULL);
		return;
	}
	if (p->has_home)
		plan_zone(pc, name, &p->home);
	plan_zone(pc, name, z);
	c = pf_check_add(pc, name, "delegation", NULL);
	if (p->seen_err.kind != ERR_NONE)
		pf_tell(c, PF_FAIL, "fix the CNAMEs", "%s: %s", p->fqdn,
		    p->seen_err.msg);
	else
		tell_delegation(c, p, z);
	pf_builtin_plan(pc, name, z->fqdn, z);
}
