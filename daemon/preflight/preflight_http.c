/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/dns/addrs.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/zones.h"
#include "daemon/http01/token.h"
#include "daemon/io/http.h"

#define REPLY_MAX	(64 * 1024)
#define TOKEN_HEAD	"acmed-probe-"
#define TOKEN_LEN	43		/* as long as a real one */

/*
 * A file as a CA would look for it.  It goes the way of a challenge: journal,
 * webroot (or our own listener), and removed by the journal whatever happens.
 */
struct pf_page {
	struct pf_check	*check;
	char		 name[TOKEN_LEN + 1];
	char		*text;		/* what it holds; NULL: none was put
					   there, any answer will do */
	struct token	*token;
	struct store_sync_op *sync;
	struct dns_addrs_op *addrs;
	struct dns_server list[PF_ADDRESSES_MAX];
	size_t		 n, next;
	struct http_op	*http;
	size_t		 n_good;
	char		 missed[512];	/* addresses that were not reached */
};

void
pf_page_cancel(struct pf_page *p)
{
	if (p == NULL)
		return;
	store_sync_cancel(p->sync);
	dns_addrs_cancel(p->addrs);
	http_cancel(p->http);
	token_release(p->token);
	free(p->text);
	free(p);
}

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
		pf_tell(c, PF_FAIL, "add A or AAAA records: the CA connects "
		    "to them", "%s has no address", name);
	else
		pf_tell(c, PF_OK, NULL, "%s is at %s", name, reply->text);
}

static void
address_check(struct pf_check *c)
{
	c->addrs = dns_addrs_start(zones_dns(c->pc->zones), c->name->name,
	    PREFLIGHT_TIMEOUT_MS, addresses_seen, c);
}

/* Of an address that this machine cannot reach nothing can be said. */
size_t
pf_routable(const struct dns_addrs_reply *reply,
    struct dns_server out[PF_ADDRESSES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < reply->n && n < PF_ADDRESSES_MAX; i++) {
		if (!dnsaddr_is_routable(&reply->list[i]))
			continue;
		out[n] = reply->list[i];
		out[n++].name[0] = '\0';
	}
	return n;
}

/* --- the file at one address after the other --- */

static const char *
where(const struct pf_page *p)
{
	const char *webroot = p->check->name->webroot;

	return webroot != NULL ? webroot : "acmed's own listener";
}

static void
conclude(struct pf_page *p)
{
	struct pf_check *c = p->check;
	const char *name = c->name->name;

	if (p->n_good == 0)
		/* Some networks hide a machine's public address from itself. */
		pf_tell(c, PF_WARN, "the CA must reach it: see that a web "
		    "server, or acmed, listens there, and that no firewall "
		    "is before it", "http-01 needs port 80 of %s, which this "
		    "machine does not reach: %s", name, p->missed);
	else if (p->missed[0] != '\0')
		pf_tell(c, PF_WARN, "the CA may ask any of the addresses: "
		    "have all of them answer, or remove their records",
		    "port 80 of %s answers at some of its addresses only: %s",
		    name, p->missed);
	else if (p->text == NULL)
		pf_tell(c, PF_OK, NULL, "a web server answers at %s on port "
		    "80", name);
	else
		pf_tell(c, PF_OK, NULL, "a file put into %s was fetched from "
		    "http://%s/" HTTP01_DIR "/ and removed", where(p), name);
}

/* The CA would refuse: what is served there is not what we have put. */
static void
tell_wrong(struct pf_page *p, const char *label,
    const struct http_reply *reply)
{
	struct pf_check *c = p->check;
	char *fix = c->name->webroot != NULL ? xasprintf("see that the web "
	    "server of %s serves %s as /" HTTP01_DIR "/ (is webroot its "
	    "document root?), and that it redirects nothing away",
	    c->name->name, c->name->webroot) : xasprintf("see that port 80 "
	    "of %s leads to acmed's http_listen", c->name->name);

	if (reply->status == 200)
		pf_tell(c, PF_FAIL, fix, "%s at %s serves something else "
		    "than the file that was put into %s", c->name->name,
		    label, where(p));
	else
		pf_tell(c, PF_FAIL, fix, "%s at %s answers HTTP status %d for "
		    "the file that was put into %s", c->name->name, label,
		    reply->status, where(p));
	free(fix);
}

/* RFC 8555 section 8.3 allows white space at the end. */
static bool
is_text(const struct pf_page *p, const struct http_reply *reply)
{
	size_t len = strlen(p->text);

	return reply->status == 200 && reply->body_len >= len &&
	    memcmp(reply->body, p->text, len) == 0 &&
	    strspn(reply->body + len, " \t\r\n") == reply->body_len - len;
}

static void	look_next(struct pf_page *);

static void
fetched(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct pf_page *p = arg;
	char label[DNSADDR_LABEL_MAX];
	size_t used = strlen(p->missed);

	p->http = NULL;
	(void)dnsaddr_label(&p->list[p->next - 1], label);
	if (err != NULL) {
		(void)text_printf(p->missed + used, sizeof(p->missed) - used,
		    "%s%s: %s", used > 0 ? "; " : "", label, err->msg);
	} else if (p->text != NULL && !is_text(p, reply)) {
		tell_wrong(p, label, reply);
		return;
	} else {
		p->n_good++;
	}
	look_next(p);
}

static void
look_next(struct pf_page *p)
{
	const char *name = p->check->name->name;
	char label[DNSADDR_LABEL_MAX];
	struct http_args args = {
		.method = "GET",
		.max_reply = REPLY_MAX,
		.timeout_ms = PREFLIGHT_TIMEOUT_MS,
		.proxy = "",
		.allow_plain = true,
	};
	char *url;

	if (p->next == p->n) {
		conclude(p);
		return;
	}
	url = xasprintf(strchr(name, ':') != NULL ? "http://[%s]/" HTTP01_DIR
	    "/%s" : "http://%s/" HTTP01_DIR "/%s", name, p->name);
	args.url = url;
	args.address = dnsaddr_label(&p->list[p->next++], label);
	p->http = http_start(p->check->pc->pf->env->http, &args, fetched,
	    p);
	free(url);
}

static void
located(const struct error *err, const struct dns_addrs_reply *reply,
    void *arg)
{
	struct pf_page *p = arg;

	p->addrs = NULL;
	if (err == NULL)
		p->n = pf_routable(reply, p->list);
	if (p->n == 0)
		pf_tell(p->check, PF_WARN, NULL, "port 80 is not looked at: "
		    "%s has no address that this machine can reach",
		    p->check->name->name);
	else
		look_next(p);
}

static void
locate(struct pf_page *p)
{
	const char *name = p->check->name->name;
	struct dns_addrs_reply reply = { .n = 1 };
	struct error ignored;

	if (name_is_address(name)) {
		(void)dnsaddr_parse(name, &reply.list[0], &ignored);
		located(NULL, &reply, p);
		return;
	}
	p->addrs = dns_addrs_start(zones_dns(p->check->pc->zones),
	    name, PREFLIGHT_TIMEOUT_MS, located, p);
}

/* --- putting it there --- */

/* Of files that are not in force yet, nobody listens so far. */
static bool
is_to_come(const struct pf_check *c)
{
	return c->name->webroot == NULL &&
	    c->pc->pf->env->certs->conf->http_listen[0] == NULL;
}

static void
journaled(const struct error *err, void *arg)
{
	struct pf_page *p = arg;
	struct pf_check *c = p->check;
	struct error why;

	p->sync = NULL;
	if (err != NULL)
		pf_tell(c, PF_FAIL, "see this machine: its disk, memory and "
		    "descriptors", "%s", err->msg);
	else if (token_publish(p->token, &why) == 0)
		locate(p);
	else if (is_to_come(c))
		pf_tell(c, PF_WARN, NULL, "port 80 is not looked at: acmed "
		    "listens there once this configuration is in force");
	else
		/* The message says what mends it. */
		pf_tell(c, PF_FAIL, NULL, "%s", why.msg);
}

static void
port_check(struct pf_check *c)
{
	const struct preflight_env *env = c->pc->pf->env;
	struct pf_page *p = xcalloc(1, sizeof(*p));

	p->check = c;
	c->page = p;
	if (!c->pc->pf->has_probe) {
		(void)text_printf(p->name, sizeof(p->name), "acmed-check");
		locate(p);
		return;
	}
	pf_random_value(TOKEN_HEAD, p->name, sizeof(p->name));
	p->text = xasprintf("%s.of-acmectl-check", p->name);
	p->token = tokens_acquire(env->tokens, c->pc->cc->name,
	    c->name->webroot, p->name, p->text);
	p->sync = store_sync_start(env->store, journaled, p);
}

void
pf_address_plan(struct pf_cert *pc, const struct conf_name *name)
{
	if (!name_is_address(name->name))
		(void)pf_check_add(pc, name, "address", address_check);
}

void
pf_http_plan(struct pf_cert *pc, const struct conf_name *name)
{
	pf_address_plan(pc, name);
	(void)pf_check_add(pc, name, "port", port_check);
}
