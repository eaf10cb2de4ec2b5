/* SPDX-License-Identifier: MIT */
#include "daemon/persist/persist_names.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/conf.h"

static struct persist_name *
find(struct persist_names *p, const char *base)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->list[i].base, base) == 0)
			return &p->list[i];
	}
	return NULL;
}

static void
add(struct persist_names *p, const struct conf_name *name, size_t max)
{
	const char *base = dname_base(name->name);
	struct persist_name *n = find(p, base);

	if (n == NULL) {
		n = &p->list[p->n++];
		n->base = base;
		n->names = xcalloc(max, sizeof(const struct conf_name *));
	}
	n->names[n->n_names++] = name;
	n->wildcard = n->wildcard || dname_is_wildcard(name->name);
}

void
persist_names_init(struct persist_names *p, const struct conf_cert *conf)
{
	p->n = 0;
	p->is_configured = false;
	p->list = xcalloc(conf->n_names, sizeof(*p->list));
	for (size_t i = 0; i < conf->n_names; i++)
		p->is_configured = p->is_configured ||
		    conf->names[i].challenge == CHALLENGE_DNS_PERSIST_01;
	for (size_t i = 0; i < conf->n_names; i++) {
		const struct conf_name *name = &conf->names[i];

		if (!p->is_configured ||
		    name->challenge == CHALLENGE_DNS_PERSIST_01)
			add(p, name, conf->n_names);
	}
}

void
persist_names_clear(struct persist_names *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].names);
	free(p->list);
	p->list = NULL;
	p->n = 0;
}
