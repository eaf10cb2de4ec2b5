/* SPDX-License-Identifier: MIT */
#include "daemon/dns/zones.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/dns/account_label.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/provider_account.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define ZONE_TIMEOUT_MS 30000

/* One name to be looked up.  example.com is one for *.example.com as well. */
struct place {
	struct zones	*zones;
	char		 fqdn[CHALLENGE_FQDN_SIZE];
	bool		 is_exact;
	struct zone_op	*op;
	struct zone	 zone;
	struct error	 err;		/* kind ERR_NONE: zone is found */
};

struct zones {
	const struct conf_cert *conf;
	char		*kid;		/* NULL: not known, or not needed */
	struct dns	*dns;
	struct dns	*own_dns;	/* NULL: dns is borrowed */
	struct place	*places;
	size_t		 n_places;
	size_t		 pending;
	struct timer	 tell;
	void		(*done)(void *);
	void		*arg;
};

static void
tell_cb(void *arg)
{
	struct zones *z = arg;
	void (*done)(void *) = z->done;

	z->done = NULL;
	if (done != NULL)
		done(z->arg);
}

static void
found(const struct error *err, const struct zone *zone, void *arg)
{
	struct place *p = arg;

	p->op = NULL;
	if (err != NULL)
		p->err = *err;
	else
		zone_copy(&p->zone, zone);
	if (--p->zones->pending == 0 && p->zones->done != NULL)
		timer_set(&p->zones->tell, 0);
}

void
zones_wait(struct zones *z, void (*done)(void *arg), void *arg)
{
	z->done = done;
	z->arg = arg;
	if (done != NULL && z->pending == 0)
		timer_set(&z->tell, 0);
}

static struct place *
find(const struct zones *z, const char *fqdn)
{
	for (size_t i = 0; i < z->n_places; i++) {
		if (strcmp(z->places[i].fqdn, fqdn) == 0)
			return &z->places[i];
	}
	return NULL;
}

static const struct conf_name *
find_name(const struct zones *z, const char *name)
{
	size_t i = 0;

	while (strcmp(z->conf->names[i].name, name) != 0)
		i++;
	return &z->conf->names[i];
}

/* Where the records of a name go. */
static struct place *
find_place(const struct zones *z, const struct conf_name *name)
{
	char fqdn[CHALLENGE_FQDN_SIZE];

	if (name->challenge_alias != NULL)
		return find(z, name->challenge_alias);
	challenge_fqdn(name, z->kid, fqdn);
	return find(z, fqdn);
}

const struct zone *
zones_get(const struct zones *z, const char *name, struct error *err)
{
	const struct place *p = find_place(z, find_name(z, name));

	if (p->err.kind == ERR_NONE)
		return &p->zone;
	*err = p->err;
	return NULL;
}

const struct conf_provider *
zones_provider(const struct zones *z, const char *name)
{
	const struct conf_name *n = find_name(z, name);
	const struct place *p = find_place(z, n), *home;
	char fqdn[CHALLENGE_FQDN_SIZE];
	bool is_elsewhere = p->zone.is_elsewhere;

	if (n->has_own_provider || z->conf->alias_provider == NULL)
		return n->provider;
	if (n->challenge_alias != NULL) {
		challenge_fqdn(n, z->kid, fqdn);
		home = find(z, fqdn);
		is_elsewhere = home == NULL || home->err.kind != ERR_NONE ||
		    strcmp(home->zone.apex, p->zone.apex) != 0;
	}
	return is_elsewhere ? z->conf->alias_provider : n->provider;
}

struct dns *
zones_dns(const struct zones *z)
{
	return z->dns;
}

struct dns *
zones_own_dns(const struct dns *dns, const struct conf_cert *conf)
{
	struct error ignored;	/* the configuration was checked */

	/* A certificate with source has none at all. */
	if (conf == NULL || conf->resolvers == NULL ||
	    conf->resolvers[0] == NULL)
		return NULL;
	return dns_new_like(dns, (const char *const *)conf->resolvers,
	    &ignored);
}

void
zones_tell(struct dns *dns, const struct conf *conf)
{
	dns_tell(dns, NULL, NULL);
	for (size_t i = 0; i < conf->n_providers; i++) {
		const struct conf_provider *p = conf->providers[i];
		const char *zone = provider_option(p->type, p->values, "zone");
		const char *server = provider_option(p->type, p->values,
		    "server");
		char apex[DNAME_SIZE] = "";
		struct error ignored;	/* the provider's own check tells */

		if (zone != NULL && zone[0] != '\0' &&
		    dname_normalize_zone(zone, apex, &ignored) == -1)
			continue;
		if (apex[0] != '\0' || server != NULL)
			dns_tell(dns, apex, server);
	}
}

void
zones_free(struct zones *z)
{
	if (z == NULL)
		return;
	timer_clear(&z->tell);
	for (size_t i = 0; i < z->n_places; i++) {
		zone_cancel(z->places[i].op);
		zone_clear(&z->places[i].zone);
	}
	free(z->places);
	free(z->kid);
	dns_free(z->own_dns);
	free(z);
}

static void
add(struct zones *z, const char *fqdn, bool is_exact)
{
	struct place *p = &z->places[z->n_places];

	if (find(z, fqdn) != NULL)
		return;
	p->zones = z;
	p->is_exact = is_exact;
	(void)text_printf(p->fqdn, sizeof(p->fqdn), "%s", fqdn);
	z->n_places++;
	z->pending++;
	p->op = (is_exact ? zone_start_exact : zone_start)(z->dns, fqdn,
	    ZONE_TIMEOUT_MS, found, p);
}

struct zones *
zones_start(struct loop *loop, struct dns *dns, const struct conf_cert *conf,
    const char *kid)
{
	struct zones *z = xcalloc(1, sizeof(*z));
	char fqdn[CHALLENGE_FQDN_SIZE];

	timer_init(&z->tell, loop, tell_cb, z);
	z->conf = conf;
	z->kid = kid != NULL ? xstrdup(kid) : NULL;
	z->own_dns = zones_own_dns(dns, conf);
	z->dns = z->own_dns != NULL ? z->own_dns : dns;
	z->places = xcalloc(2 * conf->n_names, sizeof(*z->places));
	for (size_t i = 0; i < conf->n_names; i++) {
		const struct conf_name *name = &conf->names[i];

		if (!conf_name_needs_dns(name) || name->provider == NULL)
			continue;
		challenge_fqdn(name, z->kid, fqdn);
		if (name->challenge_alias == NULL)
			add(z, fqdn, !conf->follow_cname);
		else
			add(z, name->challenge_alias, true);
		/* Is the alias outside of the name's zone? */
		if (name->challenge_alias != NULL &&
		    conf->alias_provider != NULL && !name->has_own_provider)
			add(z, fqdn, true);
	}
	return z;
}
