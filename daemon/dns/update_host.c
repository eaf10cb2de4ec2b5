/* SPDX-License-Identifier: MIT */
#include "daemon/dns/update_host.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/server.h"
#include "daemon/io/loop.h"

#define FIND_MS 15000			/* the addresses of a host's name */

struct update_host_op {
	struct loop	*loop;
	const char	*host;
	struct update_args a;
	update_host_done_cb *done;
	void		*arg;
	struct server_op *find;
	struct dns_server servers[ADDRESSES_MAX];
	size_t		 n_servers, at;
	struct update_op *update;
	struct timer	 next;		/* another address */
};

void
update_host_cancel(struct update_host_op *op)
{
	if (op == NULL)
		return;
	server_cancel(op->find);
	update_cancel(op->update);
	timer_clear(&op->next);
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
updated(const struct error *err, const char *zone, void *arg)
{
	struct update_host_op *op = arg;

	op->update = NULL;
	/* To add twice, or to remove, does no harm. */
	if (err != NULL && is_unheard(err) && op->at + 1 < op->n_servers) {
		op->at++;
		timer_set(&op->next, 0);
		return;
	}
	op->done(err, zone, &op->servers[op->at], op->arg);
	update_host_cancel(op);
}

static void
next_cb(void *arg)
{
	struct update_host_op *op = arg;
	struct update_args a = op->a;

	a.server = &op->servers[op->at];
	/* So that each of many addresses has its turn. */
	if (op->at + 1 < op->n_servers)
		a.timeout_ms /= (unsigned)op->n_servers;
	op->update = update_start(op->loop, &a, updated, op);
}

static void
found(const struct error *err, const struct dns_server *list, size_t n,
    void *arg)
{
	struct update_host_op *op = arg;
	struct error told;

	op->find = NULL;
	if (err != NULL) {
		told = *err;
		(void)error_wrap(&told, "server %s", op->host);
		op->done(&told, "", NULL, op->arg);
		update_host_cancel(op);
		return;
	}
	for (size_t i = 0; i < n && i < ADDRESSES_MAX; i++)
		op->servers[op->n_servers++] = list[i];
	next_cb(op);
}

struct update_host_op *
update_host_start(struct loop *loop, struct dns *dns, const char *host,
    const struct update_args *a, update_host_done_cb *done, void *arg)
{
	struct update_host_op *op = xcalloc(1, sizeof(*op));
	struct error ignored;

	op->loop = loop;
	op->host = host;
	op->a = *a;
	op->done = done;
	op->arg = arg;
	timer_init(&op->next, loop, next_cb, op);
	if (dnsaddr_parse(host, &op->servers[0], &ignored) == 0) {
		op->n_servers = 1;
		timer_set(&op->next, 0);
	} else {
		op->find = server_start(dns, host, FIND_MS, found, op);
	}
	return op;
}
