/* SPDX-License-Identifier: MIT */
/*
 * dnsaddr - one address of a server, and between text and struct dns_server.
 * Numeric only: nothing here asks anyone.
 */
#ifndef DAEMON_DNS_DNSADDR_H
#define DAEMON_DNS_DNSADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/names.h"

struct error;

#define DNS_PORT 53

/* One address of one server. */
struct dns_server {
	char		 name[DNAME_SIZE];	/* "" for a resolver */
	char		 text[64];	/* "192.0.2.1", "[2001:db8::1]:5353" */
	struct sockaddr_storage ss;
	socklen_t	 ss_len;
};

/*
 * "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353",
 * "fe80::1%eth0".  name becomes "".  ERR_CONFIG "dns:address" if it is none
 * of them.
 */
int	dnsaddr_parse(const char *text, struct dns_server *, struct error *);

/* The servers that resolv.conf(5) names, at most max of them. */
size_t	dnsaddr_of_resolv_conf(const char *text, struct dns_server *,
	    size_t max);

/* A server of that name at an address with that port (host byte order). */
void	dnsaddr_from_in(struct dns_server *, const char *name,
	    const struct in_addr *, uint16_t port);
void	dnsaddr_from_in6(struct dns_server *, const char *name,
	    const struct in6_addr *, uint16_t port);

/* The same address as of that one. */
void	dnsaddr_with_port(struct dns_server *, const char *name,
	    const struct dns_server *of, uint16_t port);
/* The same of a socket's own address, of either family. */
void	dnsaddr_from_ss(struct dns_server *, const struct sockaddr_storage *);

bool	dnsaddr_equal(const struct dns_server *, const struct dns_server *);

/* "ns1.example.test (192.0.2.1)", or only the address without a name. */
#define DNSADDR_LABEL_MAX 340
const char	*dnsaddr_label(const struct dns_server *,
		    char out[DNSADDR_LABEL_MAX]);

/* Has this machine a route to it?  Sends nothing. */
bool	dnsaddr_is_routable(const struct dns_server *);

#endif
