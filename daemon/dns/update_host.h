/* SPDX-License-Identifier: MIT */
/*
 * update_host - an update (update.h) at a server as a person wrote it
 * (server.h): at the first of its addresses that hears it.  Called by the
 * providers rfc2136 and builtin.
 */
#ifndef DAEMON_DNS_UPDATE_HOST_H
#define DAEMON_DNS_UPDATE_HOST_H

#include "daemon/dns/update.h"

struct dns;
struct update_host_op;

/* As update_done_cb; server, borrowed, is the address that was asked last;
 * NULL: there is none. */
typedef void update_host_done_cb(const struct error *err, const char *zone,
    const struct dns_server *server, void *arg);

/* host and what args points to are borrowed until the end; its server is not
 * used.  Errors: those of update.h, and of server.h behind "server HOST". */
struct update_host_op *update_host_start(struct loop *, struct dns *,
		    const char *host, const struct update_args *,
		    update_host_done_cb *done, void *arg);
void		 update_host_cancel(struct update_host_op *);

#endif
