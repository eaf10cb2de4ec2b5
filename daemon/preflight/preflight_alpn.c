/* SPDX-License-Identifier: MIT */
/*
 * preflight_alpn - is port 443 of a name reachable from here, and does what
 * asks there for acme-tls/1 come to acmed?  A proof of a random text is put up
 * as for a challenge, and asked for as a CA would.
 */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/addrs.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/zones.h"
#include "daemon/io/tls.h"
#include "daemon/io/tls_alpn.h"
#include "daemon/io/tls_alpn_cert.h"

#define PORT		443
#define PROOF_HEAD	"acmed-probe-"
#define PROOF_LEN	43

struct pf_alpn {
	struct pf_check	*check;
	char		 proof[PROOF_LEN + 1];	/* "": none was put up */
	char		 hash[TLS_ALPN_ID_SIZE];
	char		 sni[DNAME_SIZE];
	struct dns_addrs_op *addrs;
	struct dns_server list[PF_ADDRESSES_MAX];
	size_t		 n, next;
	struct tls_op	*tls;
	size_t		 n_good;
	char		 missed[512];	/* addresses that were not reached */
};

void
pf_alpn_cancel(struct pf_alpn *p)
{
	if (p == NULL)
		return;
	dns_addrs_cancel(p->addrs);
	tls_cancel(p->tls);
	if (p->proof[0] != '\0')
		tls_alpn_drop(p->check->pc->pf->env->tls_alpn,
		    p->check->name->name, p->proof);
	free(p);
}

static void
conclude(struct pf_alpn *p)
{
	struct pf_check *c = p->check;
	const char *name = c->name->name;

	if (p->n_good == 0)
		/* Some networks hide a machine's public address from itself. */
		pf_tell(c, PF_WARN, "the CA must reach it: see that your "
		    "server, or acmed, listens there, and that no firewall "
		    "is before it", "tls-alpn-01 needs port 443 of %s, which "
		    "this machine does not reach: %s", name, p->missed);
	else if (p->missed[0] != '\0')
		pf_tell(c, PF_WARN, "the CA may ask any of the addresses: "
		    "have all of them answer, or remove their records",
		    "port 443 of %s answers at some of its addresses only: %s",
		    name, p->missed);
	else
		pf_tell(c, PF_OK, NULL, "acmed answers acme-tls/1 on port 443 "
		    "of %s", name);
}

/* The CA would refuse: what asks for the protocol comes to somebody else. */
static void
tell_wrong(struct pf_alpn *p, const char *label, const char *saw)
{
	char *fix = xasprintf("have the server on port 443 of %s pass "
	    "acme-tls/1 on to tls_alpn_listen: doc/tls-alpn-01.md",
	    p->check->name->name);

	pf_tell(p->check, PF_FAIL, fix, "acme-tls/1 on port 443 of %s at %s "
	    "does not come to acmed: %s", p->check->name->name, label, saw);
	free(fix);
}

static void	look_next(struct pf_alpn *);

static bool
is_unreached(const struct error *err)
{
	static const char *const codes[] = { "tls:refused", "tls:unroutable",
	    "tls:connect", "tls:timeout" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	}
	return false;
}

static void
answered(const struct error *err, const struct tls_reply *reply, void *arg)
{
	struct pf_alpn *p = arg;
	char label[DNSADDR_LABEL_MAX], saw[400];
	size_t used = strlen(p->missed);

	p->tls = NULL;
	(void)dnsaddr_label(&p->list[p->next - 1], label);
	if (err != NULL && is_unreached(err)) {
		(void)text_printf(p->missed + used, sizeof(p->missed) - used,
		    "%s%s: %s", used > 0 ? "; " : "", label, err->msg);
		look_next(p);
		return;
	}
	/* acmed's own word for a name that nobody proves just now. */
	if (p->proof[0] == '\0' ? err != NULL && strcmp(err->code,
	    "tls:no-name") == 0 : err == NULL && strcmp(reply->acme_id,
	    p->hash) == 0) {
		p->n_good++;
		look_next(p);
		return;
	}
	/* Another certificate of the same name is being proved. */
	if (err == NULL && reply->acme_id[0] != '\0') {
		pf_tell(p->check, PF_WARN, NULL, "port 443 of %s at %s shows "
		    "another proof just now; check again in a minute",
		    p->check->name->name, label);
		return;
	}
	if (err == NULL)
		(void)text_printf(saw, sizeof(saw), "a certificate of %s is "
		    "shown", reply->name[0] != '\0' ? reply->name : "no name");
	tell_wrong(p, label, err != NULL ? err->msg : saw);
}

static void
look_next(struct pf_alpn *p)
{
	struct tls_args args = {
		.sni = p->sni,
		.alpn = TLS_ALPN_PROTOCOL,
		.timeout_ms = PREFLIGHT_TIMEOUT_MS,
	};
	struct dns_server at, *s;

	if (p->next == p->n) {
		conclude(p);
		return;
	}
	s = &p->list[p->next++];
	dnsaddr_with_port(&at, "", s, PORT);
	args.addr = (const struct sockaddr *)&at.ss;
	args.addr_len = at.ss_len;
	p->tls = tls_start(p->check->pc->pf->env->loop, &args, answered, p);
}

static void
located(const struct error *err, const struct dns_addrs_reply *reply,
    void *arg)
{
	struct pf_alpn *p = arg;

	p->addrs = NULL;
	if (err == NULL)
		p->n = pf_routable(reply, p->list);
	if (p->n == 0)
		pf_tell(p->check, PF_WARN, NULL, "port 443 is not looked at: "
		    "%s has no address that this machine can reach",
		    p->check->name->name);
	else
		look_next(p);
}

/* Of files that are not in force yet, nobody listens so far. */
static bool
is_to_come(const struct preflight *pf)
{
	return pf->env->certs->conf->tls_alpn_listen[0] == NULL;
}

/* Put the proof up; false: it is told why not. */
static bool
put_up(struct pf_alpn *p)
{
	struct pf_check *c = p->check;
	struct error err;
	char proof[sizeof(p->proof)];

	pf_random_value(PROOF_HEAD, proof, sizeof(proof));
	if (tls_alpn_put(c->pc->pf->env->tls_alpn, c->name->name, proof, true,
	    &err) == 0) {
		memcpy(p->proof, proof, sizeof(proof));
		tls_alpn_id(proof, p->hash);
		return true;
	}
	if (is_to_come(c->pc->pf))
		pf_tell(c, PF_WARN, NULL, "port 443 is not looked at: acmed "
		    "listens for acme-tls/1 once this configuration is in "
		    "force");
	else if (err.kind == ERR_TRANSIENT)
		pf_tell(c, PF_WARN, NULL, "port 443 is not looked at: %s",
		    err.msg);
	else
		pf_tell(c, PF_FAIL, NULL, "%s", err.msg);
	return false;
}

static void
alpn_check(struct pf_check *c)
{
	const char *name = c->name->name;
	struct pf_alpn *p = xcalloc(1, sizeof(*p));
	struct dns_addrs_reply reply = { .n = 1 };
	struct error ignored;

	p->check = c;
	c->alpn = p;
	tls_alpn_sni(name, p->sni);
	if (c->pc->pf->has_probe && !put_up(p))
		return;
	if (name_is_address(name)) {
		(void)dnsaddr_parse(name, &reply.list[0], &ignored);
		located(NULL, &reply, p);
		return;
	}
	p->addrs = dns_addrs_start(zones_dns(c->pc->zones), name,
	    PREFLIGHT_TIMEOUT_MS, located, p);
}

void
pf_alpn_plan(struct pf_cert *pc, const struct conf_name *name)
{
	pf_address_plan(pc, name);
	(void)pf_check_add(pc, name, "port", alpn_check);
}
