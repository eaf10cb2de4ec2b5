/* SPDX-License-Identifier: MIT */
#include "daemon/engine/preflight_priv.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/dns/addrs.h"
#include "daemon/engine/zones.h"
#include "daemon/io/http.h"

#define REPLY_MAX (64 * 1024)

static void
addresses_seen(const struct error *err, const struct dns_addrs_reply *reply,
    void *arg)
{
	struct pf_check *c = arg;
	const char *name = c->name->name;

	c->addrs = NULL;
	if (err != NULL)
		pf_tell(c, PF_FAIL, "see that the resolvers work, and that "
		    "the zone's servers answer them", "%s: %s", name,
		    err->msg);
	else if (reply->n == 0)
		pf_tell(c, PF_FAIL, "add A or AAAA records: with http-01 the "
		    "CA connects to them", "%s has no address", name);
	else
		pf_tell(c, PF_OK, NULL, "%s is at %s", name, reply->text);
}

static void
address_check(struct pf_check *c)
{
	c->addrs = dns_addrs_start(zones_dns(c->pc->zones), c->name->name,
	    PREFLIGHT_TIMEOUT_MS, addresses_seen, c);
}

/* Any answer will do: what is asked for does not exist. */
static void
fetched(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct pf_check *c = arg;

	c->http = NULL;
	if (err == NULL)
		pf_tell(c, PF_OK, NULL, "a web server answers at %s on port "
		    "80", c->name->name);
	else
		/* Some networks hide a machine's public address from itself. */
		pf_tell(c, PF_WARN, "the CA must reach it: see that a web "
		    "server, or acmed, listens there, and that no firewall "
		    "is before it", "http-01 needs port 80 of %s, which this "
		    "machine does not reach: %s", c->name->name, err->msg);
}

static void
port_check(struct pf_check *c)
{
	char *url = xasprintf("http://%s/.well-known/acme-challenge/"
	    "acmed-check", c->name->name);
	const struct http_args args = {
		.method = "GET",
		.url = url,
		.max_reply = REPLY_MAX,
		.timeout_ms = PREFLIGHT_TIMEOUT_MS,
		.proxy = "",
		.allow_plain = true,
	};

	c->http = http_start(c->pc->pf->engine->a.http, &args, fetched, c);
	free(url);
}

void
pf_http_plan(struct pf_cert *pc, const struct conf_name *name)
{
	(void)pf_check_add(pc, name, "address", address_check);
	(void)pf_check_add(pc, name, "port", port_check);
}
