/* SPDX-License-Identifier: MIT */
/* builtin - acmed answers for names that are delegated to it. */
#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/responder.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

enum { OPT_ZONES, OPT_NS_NAME, OPT_NS_ADDRESSES, OPT_LISTEN, OPT_MBOX,
    OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ZONES] = { .name = "zones", .type = PROVIDER_OPT_LIST,
	    .required = true,
	    .help = "the zones that are delegated to this machine" },
	[OPT_NS_NAME] = { .name = "ns_name", .required = true,
	    .help = "this machine's name in the NS records of the "
	    "delegation" },
	[OPT_NS_ADDRESSES] = { .name = "ns_addresses",
	    .type = PROVIDER_OPT_LIST,
	    .help = "its public addresses; needed if ns_name is in one of "
	    "the zones" },
	[OPT_LISTEN] = { .name = "listen", .type = PROVIDER_OPT_LIST,
	    .help = "addresses to listen on, with :PORT if it is not 53; "
	    "default: the sockets of acmed-dns.socket, else 0.0.0.0 and "
	    "[::]" },
	[OPT_MBOX] = { .name = "mbox",
	    .help = "mail address for the SOA record, written as a name; "
	    "default: hostmaster.ZONE" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "1", .min = 0, .max = 3600,
	    .help = "time to live of the TXT records, in seconds" },
	{ .name = NULL }
};

struct provider_op {
	struct provider_env *env;
	const struct provider_call *call;
	bool		 is_add;
	provider_done_cb *done;
	void		*arg;
	struct timer	 next;		/* done must not be called at once */
};

static struct responder_args
args_of(const struct provider_values *v)
{
	return (struct responder_args){
	    .listen = provider_list(v, OPT_LISTEN),
	    .zones = provider_list(v, OPT_ZONES),
	    .ns_name = provider_str(v, OPT_NS_NAME),
	    .ns_addresses = provider_list(v, OPT_NS_ADDRESSES),
	    .mbox = provider_str(v, OPT_MBOX),
	    .ttl = (uint32_t)provider_int(v, OPT_TTL) };
}

static int
check(const struct provider_values *v, struct error *err)
{
	struct responder_args a = args_of(v);

	return responder_check(&a, err);
}

static int
serve(struct provider_env *env, const struct provider_values *v,
    struct error *err)
{
	struct responder_args a = args_of(v);

	return responder_serve(env->responder, &a, err);
}

static void
cancel(struct provider_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->next);
	free(op);
}

static void
next_cb(void *arg)
{
	struct provider_op *op = arg;
	const struct provider_call *c = op->call;
	struct responder *r = op->env->responder;
	struct error err;
	int rc;

	if (op->is_add)
		rc = responder_add(r, c->fqdn, c->batch, c->n_batch, &err);
	else
		rc = responder_remove(r, c->fqdn, c->batch, c->n_batch, &err);
	op->done(rc == -1 ? &err : NULL, op->arg);
	cancel(op);
}

static struct provider_op *
start(struct provider_env *env, const struct provider_call *c, bool is_add,
    provider_done_cb *done, void *arg)
{
	struct provider_op *op = xcalloc(1, sizeof(*op));

	op->env = env;
	op->call = c;
	op->is_add = is_add;
	op->done = done;
	op->arg = arg;
	timer_init(&op->next, env->loop, next_cb, op);
	timer_set(&op->next, 0);
	return op;
}

const struct provider provider_builtin = {
	.name = "builtin",
	.title = "acmed itself, as the name server of the challenges",
	.doc = "Needs no DNS API. Create once, at your DNS provider: "
	    "for one name, an NS record that delegates the challenge itself: "
	    "_acme-challenge.example.com. NS ns.example.net. with zones = { "
	    "\"_acme-challenge.example.com\" }; for many names, a zone of "
	    "their own: acme.example.net. NS ns.example.net. with zones = { "
	    "\"acme.example.net\" }, and for each name "
	    "_acme-challenge.example.com. CNAME "
	    "example.com.acme.example.net.; ns.example.net. has the A and "
	    "AAAA records of this machine, and is ns_name. Port 53 (UDP and "
	    "TCP) must be open: systemctl enable --now acmed-dns.socket, with "
	    "acmed stopped, or give acmed CAP_NET_BIND_SERVICE.",
	.opts = opts,
	.check = check,
	.takes_batch = true,
	.start = start,
	.cancel = cancel,
	.no_standing = true,
	.serve = serve,
};
