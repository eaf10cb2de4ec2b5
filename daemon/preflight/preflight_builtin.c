/* SPDX-License-Identifier: MIT */
/*
 * What the provider "builtin" needs: its own sockets, asked as anybody would,
 * and the NS record that leads there.
 */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/responder.h"
#include "daemon/dns/zones.h"
#include "providers/provider.h"

#define PLACES_MAX 32
#define TEXT_MAX 1500

static void
append(char *out, const char *sep, const char *text)
{
	size_t used = strlen(out);

	(void)text_printf(out + used, TEXT_MAX - used, "%s%s",
	    used > 0 ? sep : "", text);
}

static void
answered(const struct nscheck_reply *reply, void *arg)
{
	struct pf_check *c = arg;
	char good[TEXT_MAX] = "", bad[TEXT_MAX] = "", line[TEXT_MAX];

	c->nscheck = NULL;
	for (size_t i = 0; i < reply->n_servers; i++) {
		const struct nscheck_server *s = &reply->servers[i];

		if (s->udp[0] == '\0' && s->tcp[0] == '\0') {
			append(good, ", ", s->server->text);
			continue;
		}
		(void)text_printf(line, sizeof(line), "%s %s over %s",
		    s->server->text, s->udp[0] != '\0' ? s->udp : s->tcp,
		    s->tcp[0] == '\0' ? "UDP" : s->udp[0] == '\0' ? "TCP" :
		    "UDP and TCP");
		append(bad, "; ", line);
	}
	if (bad[0] == '\0')
		pf_tell(c, PF_OK, NULL, "acmed itself answers for %s at %s, "
		    "over UDP and TCP", c->own.apex, good);
	else
		pf_tell(c, PF_FAIL, "see whether a packet filter of this "
		    "machine drops it, or another program has taken the port "
		    "(ss -lnp)", "asked for %s where it listens, acmed itself: "
		    "%s", c->own.apex, bad);
}

static const char *
fix_of(const struct responder_place *p)
{
	return p->is_passed ?
	    "fix acmed-dns.socket (systemctl edit --full acmed-dns.socket); "
	    "then: systemctl daemon-reload; systemctl stop acmed; systemctl "
	    "restart acmed-dns.socket; systemctl start acmed" :
	    "free the port or allow it, then: systemctl reload acmed; see "
	    "\"Port 53\" in /usr/share/doc/acmed/builtin-responder.md";
}

static void
responder_check_start(struct pf_check *c)
{
	struct responder *r = c->pc->pf->env->providers->responder;
	struct responder_place *places = xcalloc(PLACES_MAX, sizeof(*places));
	size_t n = responder_places(r, places, PLACES_MAX);
	char bad[TEXT_MAX] = "";
	const struct responder_place *first = NULL;

	c->own.servers = xcalloc(n + 1, sizeof(*c->own.servers));
	for (size_t i = 0; i < n; i++) {
		c->own.servers[c->own.n_servers++] = places[i].server;
		if (places[i].err.kind == ERR_NONE)
			continue;
		append(bad, "; ", places[i].err.msg);
		if (first == NULL)
			first = &places[i];
	}
	if (first != NULL)
		pf_tell(c, PF_FAIL, fix_of(first), "%s", bad);
	else if (n == 0)
		pf_tell(c, PF_FAIL, "name addresses in \"listen\", or enable "
		    "acmed-dns.socket, then: systemctl restart acmed",
		    "acmed listens nowhere for %s", c->own.apex);
	else
		c->nscheck = nscheck_start(zones_dns(c->pc->zones), &c->own,
		    PREFLIGHT_TIMEOUT_MS / 3, answered, c);
	free(places);
}

/* The zone of ours that the TXT record goes to; looked at once. */
static void
plan_sockets(struct pf_cert *pc, const struct conf_name *name,
    const char *apex)
{
	struct pf_check *c;

	TAILQ_FOREACH(c, &pc->checks, link) {
		if (c->start == responder_check_start &&
		    strcmp(c->own.apex, apex) == 0)
			return;
	}
	c = pf_check_add(pc, name, "responder", responder_check_start);
	(void)text_printf(c->own.apex, sizeof(c->own.apex), "%s", apex);
}

void
pf_builtin_plan(struct pf_cert *pc, const struct conf_name *name,
    const char *fqdn, const struct zone *zone)
{
	const struct responder *r = pc->pf->env->providers->responder;
	char apex[DNAME_SIZE], *fix;
	struct pf_check *c;

	if (name->provider->type->serve == NULL || r == NULL)
		return;
	if (!responder_zone_of(r, fqdn, apex)) {
		pf_tell(pf_check_add(pc, name, "responder", NULL), PF_FAIL,
		    "put a zone that holds it into \"zones\", or a CNAME that "
		    "leads into one", "%s is in none of the zones that acmed "
		    "itself answers for", fqdn);
		return;
	}
	plan_sockets(pc, name, apex);
	if (zone != NULL && strcmp(zone->apex, apex) == 0)
		return;
	fix = xasprintf("in the zone above it: %s. NS NAME., where NAME is "
	    "ns_name and leads to this machine; port 53 must be reached from "
	    "outside, over UDP and TCP", apex);
	c = pf_check_add(pc, name, "responder", NULL);
	if (zone == NULL)
		pf_tell(c, PF_FAIL, fix, "the DNS does not lead to acmed: "
		    "nobody answers for %s", apex);
	else
		pf_tell(c, PF_FAIL, fix, "the DNS does not lead to acmed: %s "
		    "is in zone %s, and %s is not delegated", fqdn,
		    zone->apex, apex);
	free(fix);
}
