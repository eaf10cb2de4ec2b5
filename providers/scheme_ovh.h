/* SPDX-License-Identifier: MIT */
/*
 * scheme_ovh - OVHcloud's signature of requests, "$1$" and a SHA-1.  Used by
 * ovh alone; apart, so that the published vectors can be tried on it.
 */
#ifndef PROVIDERS_SCHEME_OVH_H
#define PROVIDERS_SCHEME_OVH_H

struct preq;

struct scheme_ovh {
	const char	*application_key, *application_secret, *consumer_key;
	long long	 time;		/* by OVH's clock */
};

/* Sets the four headers; the last thing that is done to a request. */
void	scheme_ovh_sign(struct preq *, const char *url_scheme,
	    const struct scheme_ovh *);

#endif
