/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/dnsq.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define RESOLV_CONF "/etc/resolv.conf"
/* How long one resolver may take before the next is asked: a first answer
 * over a cold cache takes a second or two. */
#define TRY_MS 2500
#define ROUNDS 2

struct dns {
	struct loop	*loop;
	struct dns_server servers[RESOLVERS_MAX];
	size_t		 n_servers;
	size_t		 preferred;	/* the one that answered last */
	bool		 is_system;	/* from RESOLV_CONF */
	struct timespec	 mtime;		/* of it, when it was read */
	unsigned	 in_flight;
	struct dns_told	*told;
	size_t		 n_told;
};

struct resolver_op {
	struct dns	*dns;
	resolver_done_cb *done;
	void		*arg;
	char		 name[DNAME_SIZE];
	unsigned	 type;
	int64_t		 deadline;	/* monotonic ms */
	struct dns_server servers[RESOLVERS_MAX];
	size_t		 n_servers;
	size_t		 first;		/* index of the first asked */
	size_t		 n_tried;
	bool		 timed_out;	/* one did, in this round */
	char		 said[1024];	/* what each did, for the error */
	struct dnsq_op	*query;
	struct timer	 next;
};

/* Those of resolv.conf; without any, the local host as in resolv.conf(5). */
static void
read_resolv_conf(struct dns *dns)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[512], address[64];
	struct error ignored;

	dns->n_servers = 0;
	dns->preferred = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL &&
	    dns->n_servers < RESOLVERS_MAX) {
		if (sscanf(line, "nameserver %63s", address) == 1 &&
		    dnsaddr_parse(address, &dns->servers[dns->n_servers],
		    &ignored) == 0)
			dns->n_servers++;
	}
	if (f != NULL)
		(void)fclose(f);
	if (dns->n_servers == 0 &&
	    dnsaddr_parse("127.0.0.1", &dns->servers[0], &ignored) == 0)
		dns->n_servers = 1;
}

static void
refresh(struct dns *dns)
{
	struct stat st;

	if (!dns->is_system)
		return;
	if (stat(RESOLV_CONF, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (dns->n_servers > 0 &&
	    st.st_mtim.tv_sec == dns->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == dns->mtime.tv_nsec)
		return;
	dns->mtime = st.st_mtim;
	read_resolv_conf(dns);
}

int
dns_set_resolvers(struct dns *dns, const char *const *resolvers,
    struct error *err)
{
	struct dns_server servers[RESOLVERS_MAX];
	size_t n = 0;

	for (; resolvers != NULL && resolvers[n] != NULL; n++) {
		if (n == RESOLVERS_MAX)
			return error_set(err, ERR_CONFIG, "dns:address",
			    "more than %d resolvers", RESOLVERS_MAX);
		if (dnsaddr_parse(resolvers[n], &servers[n], err) == -1)
			return error_wrap(err, "resolvers");
	}
	dns->is_system = n == 0;
	dns->preferred = 0;
	dns->n_servers = n;
	memcpy(dns->servers, servers, n * sizeof(*servers));
	refresh(dns);
	return 0;
}

struct dns *
dns_new(struct loop *loop, const char *const *resolvers, struct error *err)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	dns->loop = loop;
	if (dns_set_resolvers(dns, resolvers, err) == -1) {
		free(dns);
		return NULL;
	}
	return dns;
}

static void
forget_told(struct dns *dns)
{
	for (size_t i = 0; i < dns->n_told; i++)
		free(dns->told[i].server);
	free(dns->told);
	dns->told = NULL;
	dns->n_told = 0;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	forget_told(dns);
	free(dns);
}

void
dns_tell(struct dns *dns, const char *apex, const char *server)
{
	struct dns_told *t;

	if (apex == NULL) {
		forget_told(dns);
		return;
	}
	dns->told = xreallocarray(dns->told, dns->n_told + 1,
	    sizeof(*dns->told));
	t = &dns->told[dns->n_told++];
	(void)text_printf(t->apex, sizeof(t->apex), "%s", apex);
	t->server = server != NULL ? xstrdup(server) : NULL;
}

const struct dns_told *
dns_told(const struct dns *dns, const char *name)
{
	const struct dns_told *best = NULL;

	for (size_t i = 0; i < dns->n_told; i++) {
		const struct dns_told *t = &dns->told[i];

		if ((t->apex[0] == '\0' || dname_is_in(name, t->apex)) &&
		    (best == NULL || strlen(t->apex) > strlen(best->apex)))
			best = t;
	}
	return best;
}

struct dns *
dns_new_like(const struct dns *like, const char *const *resolvers,
    struct error *err)
{
	struct dns *dns = dns_new(like->loop, resolvers, err);

	for (size_t i = 0; dns != NULL && i < like->n_told; i++)
		dns_tell(dns, like->told[i].apex, like->told[i].server);
	return dns;
}

struct loop *
dns_loop(const struct dns *dns)
{
	return dns->loop;
}

const struct dns_server *
dns_resolvers(struct dns *dns, size_t *n)
{
	refresh(dns);
	*n = dns->n_servers;
	return dns->servers;
}

unsigned *
dns_in_flight(struct dns *dns)
{
	return &dns->in_flight;
}

void
resolver_cancel(struct resolver_op *op)
{
	if (op == NULL)
		return;
	dnsq_cancel(op->query);
	timer_clear(&op->next);
	free(op);
}

static void
fail(struct resolver_op *op)
{
	char *type = ldns_rr_type2str((ldns_rr_type)op->type);
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "dns:resolver",
	    "no resolver answers for %s %s: %s", op->name,
	    type == NULL ? "?" : type, op->said[0] == '\0' ? "out of time" :
	    op->said);
	free(type);
	op->done(&err, NULL, op->arg);
	resolver_cancel(op);
}

/* Add "SERVER: WHAT" to the error that may come, each only once. */
static void
note(struct resolver_op *op, const char *text)
{
	size_t len = strlen(op->said);

	if (strstr(op->said, text) == NULL)
		(void)text_printf(op->said + len, sizeof(op->said) - len,
		    "%s%s", len == 0 ? "" : "; ", text);
}

static void
query_done(const struct error *err, const struct dnsq_reply *reply, void *arg)
{
	struct resolver_op *op = arg;
	size_t i = (op->first + op->n_tried - 1) % op->n_servers;
	char text[128], rcode[DNSMSG_RCODE_MAX];

	op->query = NULL;
	if (err != NULL && err->kind == ERR_CONFIG) {
		op->done(err, NULL, op->arg);
		resolver_cancel(op);
		return;
	}
	if (err == NULL) {
		unsigned rc = (unsigned)ldns_pkt_get_rcode(reply->pkt);

		/* A server for tests that knows no SOA: no zone is known. */
		if (rc == LDNS_RCODE_NOERROR || rc == LDNS_RCODE_NXDOMAIN ||
		    rc == LDNS_RCODE_NOTIMPL) {
			if (op->n_servers == op->dns->n_servers)
				op->dns->preferred = i;
			op->done(NULL, reply->pkt, op->arg);
			resolver_cancel(op);
			return;
		}
		(void)text_printf(text, sizeof(text), "%s: %s",
		    op->servers[i].text, dnsmsg_rcode(rc, rcode));
		note(op, text);
	} else {
		if (strcmp(err->code, "dns:timeout") == 0)
			op->timed_out = true;
		note(op, err->msg);
	}
	timer_set(&op->next, 0);
}

static void
next_cb(void *arg)
{
	struct resolver_op *op = arg;
	int64_t left = op->deadline - clock_mono_ms();
	struct dnsq_args a = { .name = op->name, .type = op->type,
	    .rd = true };

	/* Only a resolver that was silent is worth asking again. */
	if (left <= 0 || op->n_tried >= ROUNDS * op->n_servers ||
	    (op->n_tried == op->n_servers && !op->timed_out)) {
		fail(op);
		return;
	}
	a.server = &op->servers[(op->first + op->n_tried) % op->n_servers];
	op->n_tried++;
	/* The last of all may have all the time that is left. */
	a.timeout_ms = (unsigned)(left > TRY_MS &&
	    op->n_tried < ROUNDS * op->n_servers ? TRY_MS : left);
	op->query = dnsq_start(op->dns->loop, &a, query_done, op);
}

struct resolver_op *
resolver_start(struct dns *dns, const char *name, unsigned type,
    unsigned timeout_ms, resolver_done_cb *done, void *arg)
{
	struct resolver_op *op = xcalloc(1, sizeof(*op));

	refresh(dns);
	op->dns = dns;
	op->done = done;
	op->arg = arg;
	(void)text_printf(op->name, sizeof(op->name), "%s", name);
	op->type = type;
	op->deadline = clock_mono_ms() + timeout_ms;
	memcpy(op->servers, dns->servers, sizeof(op->servers));
	op->n_servers = dns->n_servers;
	op->first = dns->preferred;
	timer_init(&op->next, dns->loop, next_cb, op);
	/* A query never calls back from its start: begin at once. */
	if (timeout_ms > 0)
		next_cb(op);
	else
		timer_set(&op->next, 0);
	return op;
}
