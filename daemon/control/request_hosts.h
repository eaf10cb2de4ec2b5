/* SPDX-License-Identifier: MIT */
/* request_hosts - hosts with keys of their own. */
#ifndef DAEMON_CONTROL_REQUEST_HOSTS_H
#define DAEMON_CONTROL_REQUEST_HOSTS_H

struct call;

void	get_hosts(struct call *);
void	get_host(struct call *);
void	post_host_key(struct call *);

#endif
