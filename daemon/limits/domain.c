/* SPDX-License-Identifier: MIT */
#include "daemon/limits/domain.h"

#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define V6_LEN 16

struct domains {
	psl_ctx_t	*list;		/* NULL: there is none */
};

struct domains *
domains_new(void)
{
	struct domains *d = xcalloc(1, sizeof(*d));

	/* The newer one of the package's file and the library's own. */
	d->list = psl_latest(NULL);
	return d;
}

void
domains_free(struct domains *d)
{
	if (d == NULL)
		return;
	psl_free(d->list);
	free(d);
}

static const char *
of_address(const char *name, char out[DOMAIN_SIZE])
{
	unsigned char bytes[V6_LEN];
	char text[DNAME_SIZE];

	if (address_bytes(name, bytes) != V6_LEN)
		return name;
	memset(bytes + V6_LEN / 2, 0, V6_LEN / 2);
	(void)text_printf(out, DOMAIN_SIZE, "%s/64", address_of_bytes(bytes,
	    V6_LEN, text));
	return out;
}

static const char *
last_two_labels(const char *name)
{
	while (strchr(dname_parent(name), '.') != NULL)
		name = dname_parent(name);
	return name;
}

const char *
domain_of(const struct domains *d, const char *name, char out[DOMAIN_SIZE])
{
	const char *found;

	if (name_is_address(name))
		return of_address(name, out);
	name = dname_base(name);
	if (d->list == NULL)
		return last_two_labels(name);
	found = psl_registrable_domain(d->list, name);
	return found != NULL ? found : name;
}
