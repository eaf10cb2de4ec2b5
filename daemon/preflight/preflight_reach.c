/* SPDX-License-Identifier: MIT */
/*
 * preflight_reach - where no resolver answers, all questions to the DNS would
 * fail one after the other, each after its own time: it is told once.
 */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/reach.h"
#include "daemon/dns/zones.h"

#define REACH_MS 10000

/* Whether the resolvers of some certificates can be reached. */
struct pf_reach {
	TAILQ_ENTRY(pf_reach) link;
	struct preflight *pf;
	char		*const *resolvers;	/* NULL: those of all */
	struct dns	*own_dns;	/* NULL: those of all */
	struct reach_op	*op;
	bool		 is_known;
	struct error	 err;		/* kind ERR_NONE: one answers */
};

void
pf_reach_free(struct pf_reach *r)
{
	reach_cancel(r->op);
	dns_free(r->own_dns);
	TAILQ_REMOVE(&r->pf->reaches, r, link);
	free(r);
}

/* Nothing of the DNS is asked then.  A zone that the provider names is found
 * without resolvers. */
bool
pf_is_cut_off(const struct pf_cert *pc)
{
	struct dns *dns = pc->pf->env->dns;

	if (pc->reach->err.kind == ERR_NONE)
		return false;
	for (size_t i = 0; i < pc->cc->n_names; i++) {
		const struct dns_told *told = dns_told(dns,
		    dname_base(pc->cc->names[i].name));

		if (told == NULL || told->apex[0] == '\0')
			return true;
	}
	return false;
}

static void
known(struct pf_cert *pc)
{
	if (pf_is_cut_off(pc)) {
		pf_tell(pf_check_add(pc, NULL, "resolvers", NULL), PF_FAIL,
		    "see that they run, and that no firewall closes port 53 "
		    "(UDP and TCP) on the way to them, or name others: "
		    "resolvers = { ... } in acmed.conf, nameserver in "
		    "/etc/resolv.conf; then check again, for nothing else in "
		    "the DNS was looked at", "%s", pc->reach->err.msg);
		pf_dns_give_up(pc);
	}
	pf_ca_go_on(pc);
	pf_step(pc);
}

static void
reached(const struct error *err, void *arg)
{
	struct pf_reach *r = arg;
	struct pf_cert *pc;

	r->op = NULL;
	r->is_known = true;
	if (err != NULL)
		r->err = *err;
	TAILQ_FOREACH(pc, &r->pf->running, link) {
		if (pc->reach == r)
			known(pc);
	}
}

static bool
is_same(char *const *a, char *const *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0)
		a++, b++;
	return *a == NULL && *b == NULL;
}

bool
pf_reach_is_known(const struct pf_cert *pc)
{
	return pc->reach != NULL && pc->reach->is_known;
}

void
pf_reach_start(struct pf_cert *pc)
{
	const struct conf_cert *cc = pc->cc;
	struct preflight *pf = pc->pf;
	char *const *own = cc->resolvers != NULL && cc->resolvers[0] != NULL ?
	    cc->resolvers : NULL;
	struct pf_reach *r;

	TAILQ_FOREACH(r, &pf->reaches, link) {
		if (is_same(r->resolvers, own))
			break;
	}
	if (r == NULL) {
		r = xcalloc(1, sizeof(*r));
		r->pf = pf;
		r->resolvers = own;
		r->own_dns = zones_own_dns(pf->env->dns, cc);
		TAILQ_INSERT_TAIL(&pf->reaches, r, link);
		r->op = reach_start(r->own_dns != NULL ? r->own_dns :
		    pf->env->dns, dname_base(cc->names[0].name), REACH_MS,
		    reached, r);
	}
	pc->reach = r;
	pc->pending++;
	if (r->is_known)
		known(pc);
}
