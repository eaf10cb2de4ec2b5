/* SPDX-License-Identifier: MIT */
/* rfc2136 - a name server of one's own that takes signed dynamic updates. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/server.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/tsig_text.h"
#include "daemon/dns/update_host.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define TIMEOUT_MS 30000

enum { OPT_SERVER, OPT_KEY, OPT_KEY_NAME, OPT_KEY_ALGORITHM, OPT_KEY_SECRET,
    OPT_ZONE, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_SERVER] = { .name = "server", .required = true,
	    .help = "the zone's primary server, a host's name or an address, "
	    "with :PORT if it is not 53; IPv6 with a port as "
	    "[ADDRESS]:PORT" },
	[OPT_KEY] = { .name = "key", .secret = true, .is_text = true,
	    .help = "the TSIG key as tsig-keygen writes it, with name and "
	    "algorithm" },
	[OPT_KEY_NAME] = { .name = "key_name",
	    .help = "without key_file: name of the TSIG key; with it: which, "
	    "if there are several" },
	[OPT_KEY_ALGORITHM] = { .name = "key_algorithm",
	    .help = "hmac-sha256 (the default), hmac-sha512, hmac-sha384, "
	    "hmac-sha224 or hmac-sha1" },
	[OPT_KEY_SECRET] = { .name = "key_secret", .secret = true,
	    .is_text = true,
	    .help = "without key_file: the TSIG key, base64" },
	[OPT_ZONE] = { .name = "zone",
	    .help = "the zone to update; default: asked of the server" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 1, .max = 86400,
	    .help = "time to live of the records, in seconds" },
	{ .name = NULL }
};

struct provider_op {
	const struct provider_call *call;
	provider_done_cb *done;
	void		*arg;
	char		 zone[DNAME_SIZE];	/* the configured one, or "" */
	struct tsig_key	 key;
	struct update_host_op *update;
	struct timer	 next;		/* tells err */
	struct error	 err;
};

/* The option, or "". */
static const char *
option(const struct provider_values *v, int opt)
{
	const char *s = provider_str(v, opt);

	return s == NULL ? "" : s;
}

/*
 * The key out of the options, or out of a file of BIND's or another program's.
 * A message begins with the option that it is about.
 */
static int
read_key(const struct provider_values *v, struct tsig_key *key,
    struct error *err)
{
	const char *name = provider_str(v, OPT_KEY_NAME);
	const char *algorithm = provider_str(v, OPT_KEY_ALGORITHM);
	const char *text = provider_str(v, OPT_KEY);
	const char *secret = provider_str(v, OPT_KEY_SECRET);
	const char *from = text != NULL ? "key" : "key_secret";
	struct tsig_text t;
	int rc;

	if (text != NULL && secret != NULL)
		return error_set(err, ERR_CONFIG, "dns:tsig-key",
		    "key_secret and key_file are given; allowed: one of "
		    "them");
	if (text == NULL && secret == NULL)
		return error_set(err, ERR_CONFIG, "dns:tsig-key", "key_file "
		    "is missing: the file of tsig-keygen (or key_name and "
		    "key_secret_file)");
	if (text == NULL)
		text = secret;
	if (secret != NULL && !tsig_text_is(secret)) {
		if (name == NULL)
			return error_set(err, ERR_CONFIG, "dns:tsig-key",
			    "key_secret is without a name: key_name is "
			    "missing (the name of the TSIG key)");
		return tsig_key_init(key, name, algorithm != NULL ?
		    algorithm : "hmac-sha256", secret, err);
	}
	if (tsig_text_read(text, name, &t, err) == -1)
		return error_wrap(err, "%s", from);
	if (name == NULL && t.name[0] == '\0')
		rc = error_set(err, ERR_CONFIG, "dns:tsig-key", "%s: it does "
		    "not name the key; add key_name", from);
	else if (algorithm == NULL && t.algorithm[0] == '\0')
		rc = error_set(err, ERR_CONFIG, "dns:tsig-key", "%s: it does "
		    "not name the algorithm; add key_algorithm, as the "
		    "server has it", from);
	else
		rc = tsig_key_init(key, t.name[0] != '\0' ? t.name : name,
		    t.algorithm[0] != '\0' ? t.algorithm : algorithm,
		    t.secret, err);
	if (rc == 0 && algorithm != NULL && t.algorithm[0] != '\0' &&
	    !tsig_key_has(key, algorithm)) {
		tsig_key_clear(key);
		rc = error_set(err, ERR_CONFIG, "dns:tsig-key",
		    "key_algorithm is \"%s\", but the key is for %s",
		    algorithm, t.algorithm);
	}
	explicit_bzero(&t, sizeof(t));
	return rc;
}

/* All options together; key is set on success. */
static int
read_options(const struct provider_values *v, struct tsig_key *key,
    char zone[DNAME_SIZE], struct error *err)
{
	zone[0] = '\0';
	if (server_check(option(v, OPT_SERVER), err) == -1)
		return error_wrap(err, "server");
	if (option(v, OPT_ZONE)[0] != '\0' &&
	    dname_normalize_zone(option(v, OPT_ZONE), zone, err) == -1)
		return error_wrap(err, "zone");
	return read_key(v, key, err);
}

static int
check(const struct provider_values *v, struct error *err)
{
	char zone[DNAME_SIZE];
	struct tsig_key key;

	if (read_options(v, &key, zone, err) == -1)
		return -1;
	tsig_key_clear(&key);
	return 0;
}

static void
cancel(struct provider_op *op)
{
	if (op == NULL)
		return;
	update_host_cancel(op->update);
	timer_clear(&op->next);
	tsig_key_clear(&op->key);
	free(op);
}

static void
updated(const struct error *err, const char *zone,
    const struct dns_server *server, void *arg)
{
	struct provider_op *op = arg;

	op->update = NULL;
	if (err == NULL && op->call->changed != NULL) {
		char label[DNSADDR_LABEL_MAX];

		(void)text_printf(op->call->changed->zone,
		    sizeof(op->call->changed->zone), "%s", zone);
		(void)text_printf(op->call->changed->server,
		    sizeof(op->call->changed->server), "%s",
		    dnsaddr_label(server, label));
	}
	op->done(err, op->arg);
	cancel(op);
}

static void
fail_cb(void *arg)
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
	struct update_args a = { .key = &op->key, .zone = op->zone,
	    .fqdn = c->fqdn, .values = c->batch, .n_values = c->n_batch,
	    .is_add = is_add, .is_caa = c->is_caa, .timeout_ms = TIMEOUT_MS,
	    .ttl = (uint32_t)provider_int(c->values, OPT_TTL) };

	op->call = c;
	op->done = done;
	op->arg = arg;
	timer_init(&op->next, env->loop, fail_cb, op);
	if (read_options(c->values, &op->key, op->zone, &op->err) == -1)
		timer_set(&op->next, 0);
	else
		op->update = update_host_start(env->loop, env->dns,
		    option(c->values, OPT_SERVER), &a, updated, op);
	return op;
}

const struct provider provider_rfc2136 = {
	.name = "rfc2136",
	.title = "DNS UPDATE with TSIG (BIND, Knot, PowerDNS)",
	.doc = "Make a key with tsig-keygen, give its file whole as key_file, "
	    "and let it change only the challenge's name: BIND: "
	    "update-policy { grant KEY name "
	    "_acme-challenge.example.com. TXT; }; (acmectl check "
	    "--write-caa needs the name's own CAA as well: grant KEY name "
	    "example.com. CAA;)  lego: "
	    "RFC2136_NAMESERVER, RFC2136_TSIG_KEY, RFC2136_TSIG_SECRET, "
	    "RFC2136_TSIG_ALGORITHM.",
	.opts = opts,
	.check = check,
	.takes_batch = true,
	.takes_caa = true,
	.start = start,
	.cancel = cancel,
};
