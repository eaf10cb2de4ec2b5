/* SPDX-License-Identifier: MIT */
#include "daemon/dns/server.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/io/loop.h"

struct server_op {
	char		 host[DNAME_SIZE];	/* "": known without asking */
	uint16_t	 port;
	struct dns_server one;
	struct error	 err;		/* kind ERR_NONE: one is set */
	struct addresses_op *ask;
	struct timer	 turn;
	server_done_cb	*done;
	void		*arg;
};

/* A host's name, of one label or more, and a port. */
static int
split_name(const char *text, char host[DNAME_SIZE], uint16_t *port,
    struct error *err)
{
	size_t len = strcspn(text, ":");
	unsigned n = 0;

	*port = DNS_PORT;
	if (text[len] == ':') {
		const char *p = text + len + 1;

		if (strlen(p) == 0 || strlen(p) > 5 ||
		    strspn(p, "0123456789") != strlen(p))
			return -1;
		for (; *p != '\0'; p++)
			n = n * 10 + (unsigned)(*p - '0');
		if (n == 0 || n > 65535)
			return -1;
		*port = (uint16_t)n;
	}
	/* Digits and dots alone are an address that is misspelt. */
	if (len == 0 || len >= DNAME_SIZE ||
	    strspn(text, "0123456789.") >= len)
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (memchr(text, '.', len) == NULL)	/* of /etc/hosts */
		return strspn(host, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len ? 0 : -1;
	return dname_normalize(host, false, false, host, err);
}

static int
parse(const char *text, struct server_op *op, struct error *err)
{
	op->host[0] = '\0';
	if (dnsaddr_parse(text, &op->one, err) == 0 ||
	    split_name(text, op->host, &op->port, err) == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "dns:address", "\"%s\" is neither "
	    "an address nor a host's name; allowed: 192.0.2.1, "
	    "192.0.2.1:5353, [2001:db8::1]:5353, ns1.example.com, "
	    "ns1.example.com:5353", text);
}

int
server_check(const char *text, struct error *err)
{
	struct server_op op;

	return parse(text, &op, err);
}

void
server_cancel(struct server_op *op)
{
	if (op == NULL)
		return;
	addresses_cancel(op->ask);
	timer_clear(&op->turn);
	free(op);
}

static void
turn_cb(void *arg)
{
	struct server_op *op = arg;

	if (op->err.kind != ERR_NONE)
		op->done(&op->err, NULL, 0, op->arg);
	else
		op->done(NULL, &op->one, 1, op->arg);
	server_cancel(op);
}

static void
found(const struct error *err, const struct dns_server *list, size_t n,
    void *arg)
{
	struct server_op *op = arg;
	struct dns_server own[ADDRESSES_MAX];

	op->ask = NULL;
	for (size_t i = 0; i < n && err == NULL; i++)
		dnsaddr_with_port(&own[i], op->host, &list[i], op->port);
	op->done(err, err == NULL ? own : NULL, err == NULL ? n : 0, op->arg);
	server_cancel(op);
}

struct server_op *
server_start(struct dns *dns, const char *text, unsigned timeout_ms,
    server_done_cb *done, void *arg)
{
	struct server_op *op = xcalloc(1, sizeof(*op));
	struct error err;

	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, dns_loop(dns), turn_cb, op);
	if (parse(text, op, &err) == -1)
		op->err = err;
	if (op->err.kind != ERR_NONE || op->host[0] == '\0')
		timer_set(&op->turn, 0);
	else
		op->ask = addresses_start(dns, op->host, timeout_ms, found,
		    op);
	return op;
}
