/* SPDX-License-Identifier: MIT */
/* etcd_priv - shared by etcd.c and etcd_watch.c only. */
#ifndef DAEMON_ETCD_ETCD_PRIV_H
#define DAEMON_ETCD_ETCD_PRIV_H

#include "daemon/etcd/etcd.h"

/* The member that answered last, and "Authorization" there; token NULL: none.
 * Borrowed until the next call of that cluster ends. */
void	etcd_where(struct etcd *, const struct conf_etcd *, const char **member,
	    const char **token);
struct http *etcd_http(const struct etcd *);
/* Another member's turn. */
void	etcd_pass(struct etcd *, const struct conf_etcd *);

#endif
