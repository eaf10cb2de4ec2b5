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
#include "daemon/dns/addrs.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/io/loop.h"

#define HOSTS "/etc/hosts"
#define HOSTS_MAX (1024 * 1024)

_Static_assert(ADDRESSES_MAX >= DNS_ADDRS_MAX, "ADDRESSES_MAX");

struct addresses_op {
	char		*host;
	struct dns_addrs_op *ask;
	struct dns_server list[ADDRESSES_MAX];
	size_t		 n;
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
	dns_addrs_cancel(op->ask);
	timer_clear(&op->turn);
	free(op->host);
	free(op);
}

static void
turn_cb(void *arg)
{
	struct addresses_op *op = arg;

	op->done(NULL, op->list, op->n, op->arg);
	addresses_cancel(op);
}

static void
asked(const struct error *err, const struct dns_addrs_reply *reply, void *arg)
{
	struct addresses_op *op = arg;
	struct error none;

	op->ask = NULL;
	if (err == NULL && reply->n == 0) {
		(void)error_set(&none, ERR_TRANSIENT, "dns:no-address",
		    "%s has no address: neither A nor AAAA record", op->host);
		err = &none;
	}
	if (err != NULL)
		op->done(err, NULL, 0, op->arg);
	else
		op->done(NULL, reply->list, reply->n, op->arg);
	addresses_cancel(op);
}

struct addresses_op *
addresses_start(struct dns *dns, const char *host, unsigned timeout_ms,
    addresses_done_cb *done, void *arg)
{
	struct addresses_op *op = xcalloc(1, sizeof(*op));
	struct error err;

	op->host = xstrdup(host);
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, dns_loop(dns), turn_cb, op);
	if (dnsaddr_parse(host, &op->list[0], &err) == 0)
		op->n = 1;
	else
		op->n = from_hosts(host, op->list);
	if (op->n > 0)
		timer_set(&op->turn, 0);
	else
		op->ask = dns_addrs_start(dns, host, timeout_ms, asked, op);
	return op;
}
