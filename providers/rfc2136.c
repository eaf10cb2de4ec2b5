/* SPDX-License-Identifier: MIT */
/* rfc2136 - a name server of one's own that takes signed dynamic updates. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/server.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/tsig_text.h"
#include "daemon/dns/update.h"
#include "daemon/io/loop.h"
#include "providers/provider.h"

#define TIMEOUT_MS 30000
#define FIND_MS 15000			/* the addresses of a host's name */

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
	struct provider_env *env;
	const struct provider_call *call;
	bool		 is_add;
	provider_done_cb *done;
	void		*arg;
	char		 zone[DNAME_SIZE];	/* the configured one, or "" */
	struct tsig_key	 key;
	struct server_op *find;
	struct dns_server servers[ADDRESSES_MAX];
	size_t		 n_servers, at;
	struct update_op *update;
	struct timer	 next;		/* another address, or tells err */
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
	server_cancel(op->find);
	update_cancel(op->update);
	timer_clear(&op->next);
	tsig_key_clear(&op->key);
	free(op);
}

/* Did nobody hear the question, so that another address may be better? */
static bool
is_unheard(const struct error *err)
{
	return strcmp(err->code, "dns:refused") == 0 ||
	    strcmp(err->code, "dns:unreachable") == 0 ||
	    strcmp(err->code, "dns:timeout") == 0;
}

static void
update_done(const struct error *err, const char *zone, void *arg)
{
	struct provider_op *op = arg;

	op->update = NULL;
	/* To add twice, or to remove, does no harm. */
	if (err != NULL && is_unheard(err) && op->at + 1 < op->n_servers) {
		op->at++;
		timer_set(&op->next, 0);
		return;
	}
	if (err == NULL && op->call->changed != NULL) {
		char label[DNSADDR_LABEL_MAX];

		(void)text_printf(op->call->changed->zone,
		    sizeof(op->call->changed->zone), "%s", zone);
		(void)text_printf(op->call->changed->server,
		    sizeof(op->call->changed->server), "%s",
		    dnsaddr_label(&op->servers[op->at], label));
	}
	op->done(err, op->arg);
	cancel(op);
}

static void
next_cb(void *arg)
{
	struct provider_op *op = arg;
	const struct provider_call *c = op->call;
	struct update_args a = { .key = &op->key, .zone = op->zone,
	    .fqdn = c->fqdn, .values = c->batch, .n_values = c->n_batch,
	    .is_add = op->is_add, .timeout_ms = TIMEOUT_MS,
	    .ttl = (uint32_t)provider_int(c->values, OPT_TTL) };

	if (op->err.kind != ERR_NONE) {
		op->done(&op->err, op->arg);
		cancel(op);
		return;
	}
	a.server = &op->servers[op->at];
	/* So that each of many addresses has its turn. */
	if (op->at + 1 < op->n_servers)
		a.timeout_ms = TIMEOUT_MS / (unsigned)op->n_servers;
	op->update = update_start(op->env->loop, &a, update_done, op);
}

static void
server_found(const struct error *err, const struct dns_server *list,
    size_t n, void *arg)
{
	struct provider_op *op = arg;

	op->find = NULL;
	if (err != NULL) {
		op->err = *err;
		(void)error_wrap(&op->err, "server %s",
		    option(op->call->values, OPT_SERVER));
	}
	for (size_t i = 0; i < n && i < ADDRESSES_MAX; i++)
		op->servers[op->n_servers++] = list[i];
	next_cb(op);
}

static struct provider_op *
start(struct provider_env *env, const struct provider_call *c, bool is_add,
    provider_done_cb *done, void *arg)
{
	struct provider_op *op = xcalloc(1, sizeof(*op));
	const char *server = option(c->values, OPT_SERVER);
	struct error err;

	op->env = env;
	op->call = c;
	op->is_add = is_add;
	op->done = done;
	op->arg = arg;
	timer_init(&op->next, env->loop, next_cb, op);
	if (read_options(c->values, &op->key, op->zone, &err) == -1) {
		op->err = err;
		timer_set(&op->next, 0);
	} else if (dnsaddr_parse(server, &op->servers[0], &err) == 0) {
		op->n_servers = 1;
		timer_set(&op->next, 0);
	} else {
		op->find = server_start(env->dns, server, FIND_MS,
		    server_found, op);
	}
	return op;
}

const struct provider provider_rfc2136 = {
	.name = "rfc2136",
	.title = "DNS UPDATE with TSIG (BIND, Knot, PowerDNS)",
	.doc = "Make a key with tsig-keygen, give its file whole as key_file, "
	    "and let it change only the challenge's name: BIND: "
	    "update-policy { grant KEY name "
	    "_acme-challenge.example.com. TXT; };  lego: "
	    "RFC2136_NAMESERVER, RFC2136_TSIG_KEY, RFC2136_TSIG_SECRET, "
	    "RFC2136_TSIG_ALGORITHM.",
	.opts = opts,
	.check = check,
	.takes_batch = true,
	.start = start,
	.cancel = cancel,
};
