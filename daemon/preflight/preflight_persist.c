/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/zones.h"

static void
looked(const struct error *err, const struct persist_look_reply *reply,
    void *arg)
{
	struct pf_check *c = arg;
	char fqdn[PERSIST_FQDN_SIZE], when[TEXT_TIME_MAX], *fix;
	bool has_provider = c->name->provider != NULL;

	c->look = NULL;
	persist_fqdn(c->name->name, fqdn);
	if (err == NULL && reply->verdict.match == PERSIST_RIGHT) {
		pf_tell(c, PF_OK, NULL, "the standing record at %s is right, "
		    "%s%s", fqdn, reply->verdict.until != 0 ? "until " :
		    "for ever", reply->verdict.until != 0 ?
		    text_time(reply->verdict.until, when) : "");
		return;
	}
	fix = xasprintf(has_provider ? "to be free of dns-01: acmectl persist "
	    "--write %s" : "acmectl persist %s prints the record to create",
	    c->pc->cc->name);
	pf_tell(c, has_provider ? PF_WARN : PF_FAIL, fix, "the standing "
	    "record at %s: %s%s", fqdn, err != NULL ? err->msg :
	    reply->verdict.why, has_provider ? "; dns-01 is used instead" :
	    "");
	free(fix);
}

static void
standing_check(struct pf_check *c)
{
	const struct pf_ca *ca = c->ca;
	const struct persist_want want = {
		.issuers = (const char *const *)ca->identities,
		.account = ca->kid,
		.now = clock_now(),
	};

	if (ca->err.kind != ERR_NONE || ca->kid == NULL)
		pf_tell(c, PF_WARN, NULL, "the standing record is not looked "
		    "at: %s", ca->kid == NULL ? "it names the account, which "
		    "is not registered yet" : "the CA does not answer");
	else
		c->look = persist_look_start(zones_dns(c->pc->zones),
		    c->name->name, &want, looked, c);
}

void
pf_persist_plan(struct pf_cert *pc, const struct conf_name *name)
{
	for (unsigned i = 0; i < conf_n_issuers(pc->cc); i++)
		pf_check_add(pc, name, "standing", standing_check)->ca =
		    pc->cas[i];
}
