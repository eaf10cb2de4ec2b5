/* SPDX-License-Identifier: MIT */
/*
 * netcup - what the two halves of the provider netcup share: netcup.c speaks
 * to the Customer Control Panel, netcup_cloud.c to the API of CloudDNS.  The
 * steps of both are in one table; those of the other half skip themselves.
 */
#ifndef PROVIDERS_NETCUP_H
#define PROVIDERS_NETCUP_H

#include <stdbool.h>

#include "providers/provider.h"

enum netcup_opt {
	NETCUP_CUSTOMER_NUMBER,
	NETCUP_API_KEY,
	NETCUP_API_PASSWORD
};

/* provider_call.priv */
struct netcup {
	bool		 is_fresh;	/* CCP: the login was made for this
					   call */
	bool		 is_empty;	/* CCP: the domain has no records, as
					   they say */
	unsigned	 looks;		/* CloudDNS: whether it is deployed */
};

/* Are these the credentials of CloudDNS, a key alone? */
bool	netcup_is_cloud(const struct provider_values *);
/* provider.failed */
void	netcup_cloud_failed(const struct rest_answer *, struct error *);

int	netcup_cloud_zone_request(struct provider_call *, struct preq *,
	    struct error *);
enum rest_next netcup_cloud_zone_reply(struct provider_call *,
	    const struct rest_answer *, struct error *);
enum rest_next netcup_cloud_zone_refused(struct provider_call *,
	    const struct rest_answer *, struct error *);
int	netcup_cloud_add_request(struct provider_call *, struct preq *,
	    struct error *);
int	netcup_cloud_wait_request(struct provider_call *, struct preq *,
	    struct error *);
enum rest_next netcup_cloud_add_reply(struct provider_call *,
	    const struct rest_answer *, struct error *);
enum rest_next netcup_cloud_wait_reply(struct provider_call *,
	    const struct rest_answer *, struct error *);
int	netcup_cloud_remove_request(struct provider_call *, struct preq *,
	    struct error *);
enum rest_next netcup_cloud_remove_refused(struct provider_call *,
	    const struct rest_answer *, struct error *);

#define NETCUP_CLOUD_ZONE \
	{ "find zone", netcup_cloud_zone_request, netcup_cloud_zone_reply, \
	    netcup_cloud_zone_refused }
#define NETCUP_CLOUD_ADD \
	{ "add challenge", netcup_cloud_add_request, netcup_cloud_add_reply, \
	    NULL }
#define NETCUP_CLOUD_WAIT \
	{ "wait", netcup_cloud_wait_request, netcup_cloud_wait_reply, NULL }
#define NETCUP_CLOUD_REMOVE \
	{ "delete challenge", netcup_cloud_remove_request, NULL, \
	    netcup_cloud_remove_refused }

#endif
