/* SPDX-License-Identifier: MIT */
/* builtin - acmed answers for names that are delegated to it. */
#include <stdlib.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/responder.h"
#include "daemon/dns/responder_update.h"
#include "daemon/dns/server.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/update_host.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define PEER_MS 15000			/* one that is away holds up no more */

enum { OPT_ZONES, OPT_NS_NAME, OPT_NS_ADDRESSES, OPT_LISTEN, OPT_PEERS,
    OPT_PEER_KEY, OPT_MBOX, OPT_TTL };

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
	[OPT_PEERS] = { .name = "peers", .type = PROVIDER_OPT_LIST,
	    .help = "other hosts whose acmed serves the same zones, by their "
	    "names in the NS records; they have our values, and we theirs" },
	[OPT_PEER_KEY] = { .name = "peer_key", .secret = true,
	    .is_text = true,
	    .help = "the TSIG key that all of them share, as tsig-keygen "
	    "writes it" },
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
	struct tsig_key	 key;		/* of the peers */
	char		 zone[DNAME_SIZE];
	size_t		 peer;		/* whose turn it is */
	size_t		 sent;		/* values that it has */
	size_t		 n_sending;
	struct update_host_op *update;
	struct error	 err;		/* of a peer, or ERR_NONE */
};

static struct responder_args
args_of(const struct provider_values *v)
{
	return (struct responder_args){
	    .listen = provider_list(v, OPT_LISTEN),
	    .zones = provider_list(v, OPT_ZONES),
	    .ns_name = provider_str(v, OPT_NS_NAME),
	    .ns_addresses = provider_list(v, OPT_NS_ADDRESSES),
	    .peers = provider_list(v, OPT_PEERS),
	    .peer_key = provider_str(v, OPT_PEER_KEY),
	    .mbox = provider_str(v, OPT_MBOX),
	    .ttl = (uint32_t)provider_int(v, OPT_TTL) };
}

static int
check(const struct provider_values *v, struct error *err)
{
	struct responder_args a = args_of(v);

	for (size_t i = 0; a.peers[i] != NULL; i++) {
		if (server_check(a.peers[i], err) == -1)
			return error_wrap(err, "peers");
	}
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
	update_host_cancel(op->update);
	tsig_key_clear(&op->key);
	free(op);
}

static void
finish(struct provider_op *op, const struct error *err)
{
	op->done(err, op->arg);
	cancel(op);
}

static void	send_next(struct provider_op *);

/*
 * To prove a name, one server will do where another is away: there are two for
 * that.  But what it has is to be removed there, and a key that is wrong is
 * for a person to mend.
 */
static void
updated(const struct error *err, const char *zone,
    const struct dns_server *server, void *arg)
{
	struct provider_op *op = arg;
	const char *peer = provider_list(op->call->values, OPT_PEERS)[op->peer];

	(void)zone;
	(void)server;
	op->update = NULL;
	if (err == NULL) {
		op->sent += op->n_sending;
		send_next(op);
		return;
	}
	if (op->is_add && err->kind == ERR_TRANSIENT) {
		log_warning(NULL, "provider \"%s\": peer %s does not have the "
		    "values of %s: %s", op->call->provider, peer,
		    op->call->fqdn, err->msg);
	} else if (op->err.kind == ERR_NONE) {
		op->err = *err;
		(void)error_wrap(&op->err, "peer %s", peer);
	}
	op->peer++;
	op->sent = 0;
	send_next(op);
}

static void
send_next(struct provider_op *op)
{
	const struct provider_call *c = op->call;
	const char *const *peers = provider_list(c->values, OPT_PEERS);
	struct update_args a = { .key = &op->key, .zone = op->zone,
	    .fqdn = c->fqdn, .is_add = op->is_add, .timeout_ms = PEER_MS,
	    .ttl = (uint32_t)provider_int(c->values, OPT_TTL) };

	if (op->sent == c->n_batch) {
		op->sent = 0;
		op->peer++;
	}
	if (peers[op->peer] == NULL) {
		finish(op, op->err.kind != ERR_NONE ? &op->err : NULL);
		return;
	}
	op->n_sending = c->n_batch - op->sent < RESPONDER_UPDATE_MAX ?
	    c->n_batch - op->sent : RESPONDER_UPDATE_MAX;
	a.values = c->batch + op->sent;
	a.n_values = op->n_sending;
	op->update = update_host_start(op->env->loop, op->env->dns,
	    peers[op->peer], &a, updated, op);
}

static void
next_cb(void *arg)
{
	struct provider_op *op = arg;
	const struct provider_call *c = op->call;
	const struct responder_args a = args_of(c->values);
	struct responder *r = op->env->responder;
	struct error err;
	int rc;

	if (op->is_add)
		rc = responder_add(r, c->fqdn, c->batch, c->n_batch, &err);
	else
		rc = responder_remove(r, c->fqdn, c->batch, c->n_batch, &err);
	/* Where the zone is not ours any more, no peer was told for it. */
	if (rc == 0 && a.peers[0] != NULL &&
	    responder_zone_of(r, c->fqdn, op->zone)) {
		rc = responder_key(&a, &op->key, &err);
		if (rc == 0) {
			send_next(op);
			return;
		}
	}
	finish(op, rc == -1 ? &err : NULL);
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
	    "acmed stopped, or give acmed CAP_NET_BIND_SERVICE. So that one "
	    "host may be away, delegate to two, each with the other as peers "
	    "and one peer_key_file (tsig-keygen acmed-peers).",
	.opts = opts,
	.check = check,
	.takes_batch = true,
	.start = start,
	.cancel = cancel,
	.no_standing = true,
	.serve = serve,
};
