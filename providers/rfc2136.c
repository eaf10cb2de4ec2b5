/* SPDX-License-Identifier: MIT */
/* rfc2136 - a name server of one's own that takes signed dynamic updates. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/update.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define TIMEOUT_MS 30000

enum { OPT_SERVER, OPT_KEY_NAME, OPT_KEY_ALGORITHM, OPT_KEY_SECRET, OPT_ZONE,
    OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_SERVER] = { .name = "server", .required = true,
	    .help = "address of the zone's primary server, with :PORT if it "
	    "is not 53; IPv6 with a port as [ADDRESS]:PORT" },
	[OPT_KEY_NAME] = { .name = "key_name", .required = true,
	    .help = "name of the TSIG key" },
	[OPT_KEY_ALGORITHM] = { .name = "key_algorithm",
	    .fallback = "hmac-sha256",
	    .help = "hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224 or "
	    "hmac-sha1" },
	[OPT_KEY_SECRET] = { .name = "key_secret", .required = true,
	    .secret = true, .help = "the TSIG key, base64" },
	[OPT_ZONE] = { .name = "zone",
	    .help = "the zone to update; default: asked of the server" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 1, .max = 86400,
	    .help = "time to live of the records, in seconds" },
	{ .name = NULL }
};

struct provider_op {
	provider_done_cb *done;
	void		*arg;
	struct update_op *update;
	struct timer	 failed;	/* tells err from the loop */
	struct error	 err;
};

/* The option, or "". */
static const char *
option(const struct provider_values *v, int opt)
{
	const char *s = provider_str(v, opt);

	return s == NULL ? "" : s;
}

/* All options together; key and *server are set on success. */
static int
read_options(const struct provider_values *v, struct dns_server *server,
    struct tsig_key *key, char zone[DNAME_SIZE], struct error *err)
{
	zone[0] = '\0';
	if (dnsaddr_parse(option(v, OPT_SERVER), server, err) == -1)
		return error_wrap(err, "server");
	if (option(v, OPT_ZONE)[0] != '\0' &&
	    dname_normalize(option(v, OPT_ZONE), false, false, zone,
	    err) == -1)
		return error_wrap(err, "zone");
	return tsig_key_init(key, option(v, OPT_KEY_NAME),
	    option(v, OPT_KEY_ALGORITHM), option(v, OPT_KEY_SECRET), err);
}

static int
check(const struct provider_values *v, struct error *err)
{
	struct dns_server server;
	char zone[DNAME_SIZE];
	struct tsig_key key;

	if (read_options(v, &server, &key, zone, err) == -1)
		return -1;
	tsig_key_clear(&key);
	return 0;
}

static void
cancel(struct provider_op *op)
{
	if (op == NULL)
		return;
	update_cancel(op->update);
	timer_clear(&op->failed);
	free(op);
}

static void
update_done(const struct error *err, void *arg)
{
	struct provider_op *op = arg;

	op->update = NULL;
	op->done(err, op->arg);
	cancel(op);
}

static void
failed_cb(void *arg)
{
	struct provider_op *op = arg;

	op->done(&op->err, op->arg);
	cancel(op);
}

static struct provider_op *
start(struct provider_env *env, const struct provider_call *c, bool is_add,
    provider_done_cb *done, void *arg)
{
	struct provider_op *op = xcalloc(1, sizeof(*op));
	struct dns_server server;
	char zone[DNAME_SIZE];
	struct tsig_key key;
	struct update_args a = { .server = &server, .key = &key,
	    .zone = zone, .fqdn = c->fqdn, .values = c->batch,
	    .n_values = c->n_batch, .is_add = is_add, .timeout_ms = TIMEOUT_MS,
	    .ttl = (uint32_t)provider_int(c->values, OPT_TTL) };

	op->done = done;
	op->arg = arg;
	timer_init(&op->failed, env->loop, failed_cb, op);
	if (read_options(c->values, &server, &key, zone, &op->err) == -1) {
		timer_set(&op->failed, 0);
		return op;
	}
	op->update = update_start(env->loop, &a, update_done, op);
	tsig_key_clear(&key);
	return op;
}

const struct provider provider_rfc2136 = {
	.name = "rfc2136",
	.title = "DNS UPDATE with TSIG (BIND, Knot, PowerDNS)",
	.doc = "Make a key with tsig-keygen, and let it change only the "
	    "challenge's name: BIND: update-policy { grant KEY name "
	    "_acme-challenge.example.com. TXT; };  lego: "
	    "RFC2136_NAMESERVER, RFC2136_TSIG_KEY, RFC2136_TSIG_SECRET, "
	    "RFC2136_TSIG_ALGORITHM.",
	.opts = opts,
	.check = check,
	.takes_batch = true,
	.start = start,
	.cancel = cancel,
};
