/* SPDX-License-Identifier: MIT */
#include "daemon/dns/addresses.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/resolver.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define HOSTS "/etc/hosts"
#define HOSTS_MAX (1024 * 1024)

enum { ASK_A, ASK_AAAA, ASK_END };

struct addresses_op {
	struct dns	*dns;
	char		*host;
	struct resolver_op *ask[ASK_END];
	struct dns_server list[ADDRESSES_MAX];
	size_t		 n;
	struct error	 err;		/* of a query that failed */
	bool		 has_failed;
	struct timer	 turn;		/* known without asking */
	addresses_done_cb *done;
	void		*arg;
};

void
addresses_set_port(struct dns_server *s, uint16_t port)
{
	if (s->ss.ss_family == AF_INET)
		((struct sockaddr_in *)&s->ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&s->ss)->sin6_port = htons(port);
}

/* Is host one of the names in the rest of a line? */
static bool
line_has(const char *p, const char *end, const char *host)
{
	size_t len = strlen(host);

	while (p < end) {
		size_t n;

		p += strspn(p, " \t\r");
		n = strcspn(p, " \t\r\n#");
		if (n == 0 || p >= end)
			return false;
		if (n == len && strncasecmp(p, host, n) == 0)
			return true;
		p += n;
	}
	return false;
}

size_t
addresses_of_hosts(const char *text, const char *host,
    struct dns_server *out, size_t max)
{
	size_t n = 0;

	for (const char *p = text; *p != '\0' && n < max;) {
		const char *end = p + strcspn(p, "\n");
		char address[64];
		struct error err;
		size_t len;

		p += strspn(p, " \t");
		len = strcspn(p, " \t\r\n#");
		if (len > 0 && len < sizeof(address) && p[len] != '#') {
			memcpy(address, p, len);
			address[len] = '\0';
			if (line_has(p + len, end, host) &&
			    dnsaddr_parse(address, &out[n], &err) == 0)
				n++;
		}
		p = *end == '\n' ? end + 1 : end;
	}
	return n;
}

static size_t
from_hosts(const char *host, struct dns_server *out)
{
	struct error err;
	char *text;
	size_t len, n;

	if (file_read(AT_FDCWD, HOSTS, HOSTS_MAX, &text, &len, &err) == -1)
		return 0;
	n = addresses_of_hosts(text, host, out, ADDRESSES_MAX);
	free(text);
	return n;
}

void
addresses_cancel(struct addresses_op *op)
{
	if (op == NULL)
		return;
	for (int i = 0; i < ASK_END; i++)
		resolver_cancel(op->ask[i]);
	timer_clear(&op->turn);
	free(op->host);
	free(op);
}

static void
finish(void *arg)
{
	struct addresses_op *op = arg;

	if (op->n == 0 && !op->has_failed)
		(void)error_set(&op->err, ERR_TRANSIENT, "dns:no-address",
		    "%s has no address: neither A nor AAAA record", op->host);
	op->done(op->n > 0 ? NULL : &op->err, op->list, op->n, op->arg);
	addresses_cancel(op);
}

static void
answered(struct addresses_op *op, int which, const struct error *err,
    const ldns_pkt *pkt)
{
	op->ask[which] = NULL;
	if (err != NULL) {
		op->has_failed = true;
		op->err = *err;
	} else {
		op->n += dnsmsg_addresses(pkt, op->host, op->list + op->n,
		    ADDRESSES_MAX - op->n);
	}
	if (op->ask[ASK_A] == NULL && op->ask[ASK_AAAA] == NULL)
		finish(op);
}

static void
a_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	answered(arg, ASK_A, err, pkt);
}

static void
aaaa_done(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	answered(arg, ASK_AAAA, err, pkt);
}

struct addresses_op *
addresses_start(struct dns *dns, const char *host, unsigned timeout_ms,
    addresses_done_cb *done, void *arg)
{
	struct addresses_op *op = xcalloc(1, sizeof(*op));
	struct error err;

	op->dns = dns;
	op->host = xstrdup(host);
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, dns_loop(dns), finish, op);
	if (dnsaddr_parse(host, &op->list[0], &err) == 0)
		op->n = 1;
	else
		op->n = from_hosts(host, op->list);
	if (op->n > 0) {
		timer_set(&op->turn, 0);
		return op;
	}
	op->ask[ASK_A] = resolver_start(dns, host, LDNS_RR_TYPE_A, timeout_ms,
	    a_done, op);
	op->ask[ASK_AAAA] = resolver_start(dns, host, LDNS_RR_TYPE_AAAA,
	    timeout_ms, aaaa_done, op);
	return op;
}
