/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/responder_table.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/tsig_text.h"

struct responder {
	struct responder_table table;
	struct responder_listen *sockets;
};

/* --- configuration --- */

struct responder *
responder_new(struct loop *loop)
{
	struct responder *r = xcalloc(1, sizeof(*r));

	responder_table_init(&r->table);
	r->sockets = responder_listen_new(loop, &r->table);
	return r;
}

void
responder_free(struct responder *r)
{
	if (r == NULL)
		return;
	responder_listen_free(r->sockets);
	responder_table_clear(&r->table);
	free(r);
}

static int
zone_init(struct responder_zone *z, const struct responder_args *a,
    const char *apex, struct error *err)
{
	const struct responder_zone_args za = { .apex = apex,
	    .ns_name = a->ns_name, .mbox = a->mbox,
	    .ns_addresses = a->ns_addresses, .peers = a->peers,
	    .ttl = a->ttl };

	return responder_zone_init(z, &za, err);
}

int
responder_key(const struct responder_args *a, struct tsig_key *key,
    struct error *err)
{
	struct tsig_text t;
	int rc;

	if (tsig_text_read(a->peer_key, NULL, &t, err) == -1)
		return error_wrap(err, "peer_key");
	if (t.name[0] == '\0' || t.algorithm[0] == '\0')
		rc = error_set(err, ERR_CONFIG, "dns:tsig-key", "peer_key: it "
		    "does not name key and algorithm; allowed: what "
		    "tsig-keygen writes");
	else
		rc = tsig_key_init(key, t.name, t.algorithm, t.secret, err);
	explicit_bzero(&t, sizeof(t));
	return rc == 0 ? 0 : -1;
}

int
responder_check(const struct responder_args *a, struct error *err)
{
	struct responder_zone z;
	struct dns_server s;
	struct tsig_key key;

	for (size_t i = 0; a->listen[i] != NULL; i++) {
		if (dnsaddr_parse(a->listen[i], &s, err) == -1)
			return error_wrap(err, "listen");
	}
	if (a->peers != NULL && a->peers[0] != NULL && a->peer_key == NULL)
		return error_set(err, ERR_CONFIG, "builtin:peers", "peers: "
		    "peer_key_file is missing: the file of tsig-keygen that "
		    "all of them have");
	if (a->peer_key != NULL) {
		if (responder_key(a, &key, err) == -1)
			return -1;
		tsig_key_clear(&key);
	}
	if (a->zones[0] == NULL)
		return error_set(err, ERR_CONFIG, "builtin:zones",
		    "zones: at least one is needed");
	for (size_t i = 0; a->zones[i] != NULL; i++) {
		if (zone_init(&z, a, a->zones[i], err) == -1)
			return -1;
	}
	return 0;
}

void
responder_begin(struct responder *r)
{
	if (r == NULL)
		return;
	responder_table_drop_zones(&r->table);
	responder_listen_begin(r->sockets);
}

int
responder_serve(struct responder *r, const struct responder_args *a,
    struct error *err)
{
	for (size_t i = 0; a->zones[i] != NULL; i++) {
		struct responder_zone z;

		if (zone_init(&z, a, a->zones[i], err) == -1)
			return -1;
		if (a->peer_key != NULL) {
			z.key = xcalloc(1, sizeof(*z.key));
			if (responder_key(a, z.key, err) == -1) {
				free(z.key);
				return -1;
			}
		}
		responder_table_put_zone(&r->table, &z);
	}
	return responder_listen_at(r->sockets, a->listen, err);
}

void
responder_end(struct responder *r)
{
	if (r != NULL)
		responder_listen_end(r->sockets);
}

/* --- what there is --- */

size_t
responder_places(struct responder *r, struct responder_place *out, size_t max)
{
	return responder_listen_places(r->sockets, out, max);
}

bool
responder_zone_of(const struct responder *r, const char *fqdn,
    char apex[DNAME_SIZE])
{
	const struct responder_zone *z;
	struct rname name, above;
	struct error ignored;

	if (rname_from_text(&name, fqdn, &ignored) == -1 ||
	    (z = responder_table_zone(&r->table, &name)) == NULL)
		return false;
	/* The part of fqdn that is its name. */
	while (rname_from_text(&above, fqdn, &ignored) == 0 &&
	    !rname_equal(&above, &z->name) && strchr(fqdn, '.') != NULL)
		fqdn = strchr(fqdn, '.') + 1;
	(void)text_printf(apex, DNAME_SIZE, "%s", fqdn);
	return true;
}

/* --- values --- */

int
responder_add(struct responder *r, const char *fqdn,
    const char *const *values, size_t n_values, struct error *err)
{
	struct rname name;

	if (rname_from_text(&name, fqdn, err) == -1)
		return -1;
	if (responder_table_zone(&r->table, &name) == NULL)
		return error_set(err, ERR_CONFIG, "builtin:zone",
		    "%s is in none of the zones that acmed answers for: "
		    "delegate it, or point it there by a CNAME", fqdn);
	if (responder_listen_again(r->sockets, err) == -1)
		return -1;
	for (size_t i = 0; i < n_values; i++) {
		if (responder_table_add(&r->table, &name, values[i],
		    err) == -1)
			return -1;
	}
	return 0;
}

int
responder_remove(struct responder *r, const char *fqdn,
    const char *const *values, size_t n_values, struct error *err)
{
	struct rname name;

	if (rname_from_text(&name, fqdn, err) == -1)
		return -1;
	for (size_t i = 0; i < n_values; i++)
		responder_table_remove(&r->table, &name, values[i]);
	return 0;
}
