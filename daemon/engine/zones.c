/* SPDX-License-Identifier: MIT */
#include "daemon/engine/zones.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

#define ZONE_TIMEOUT_MS 30000

/* One base name: example.com for itself and for *.example.com. */
struct base {
	struct zones	*zones;
	const char	*name;
	struct zone_op	*op;
	struct zone	 zone;
	struct error	 err;		/* kind ERR_NONE: zone is found */
};

struct zones {
	struct base	*bases;
	size_t		 n_bases;
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
	struct base *b = arg;

	b->op = NULL;
	if (err != NULL)
		b->err = *err;
	else
		zone_copy(&b->zone, zone);
	if (--b->zones->pending == 0 && b->zones->done != NULL)
		timer_set(&b->zones->tell, 0);
}

void
zones_wait(struct zones *z, void (*done)(void *arg), void *arg)
{
	z->done = done;
	z->arg = arg;
	if (done != NULL && z->pending == 0)
		timer_set(&z->tell, 0);
}

static struct base *
find(const struct zones *z, const char *name)
{
	for (size_t i = 0; i < z->n_bases; i++) {
		if (strcmp(z->bases[i].name, dname_base(name)) == 0)
			return &z->bases[i];
	}
	return NULL;
}

const struct zone *
zones_get(const struct zones *z, const char *name, struct error *err)
{
	const struct base *b = find(z, name);

	if (b->err.kind == ERR_NONE)
		return &b->zone;
	*err = b->err;
	return NULL;
}

void
zones_free(struct zones *z)
{
	if (z == NULL)
		return;
	timer_clear(&z->tell);
	for (size_t i = 0; i < z->n_bases; i++) {
		zone_cancel(z->bases[i].op);
		zone_clear(&z->bases[i].zone);
	}
	free(z->bases);
	free(z);
}

struct zones *
zones_start(struct loop *loop, struct dns *dns, const struct conf_cert *conf)
{
	struct zones *z = xcalloc(1, sizeof(*z));
	char fqdn[DNAME_SIZE + 32];

	timer_init(&z->tell, loop, tell_cb, z);
	z->bases = xcalloc(conf->n_names, sizeof(*z->bases));
	for (size_t i = 0; i < conf->n_names; i++) {
		const char *name = dname_base(conf->names[i].name);
		struct base *b = &z->bases[z->n_bases];

		if (find(z, name) != NULL)
			continue;
		b->zones = z;
		b->name = name;
		z->n_bases++;
		z->pending++;
		(void)text_printf(fqdn, sizeof(fqdn), "_acme-challenge.%s",
		    name);
		b->op = zone_start(dns, fqdn, ZONE_TIMEOUT_MS, found, b);
	}
	return z;
}
