/* SPDX-License-Identifier: MIT */
#include "daemon/certs/budget_order.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/certs/cert.h"
#include "daemon/limits/limits.h"

const struct conf_account *
budget_order_account(const struct cert *c)
{
	const struct store_cert *row = &c->row;
	unsigned n = c->conf != NULL && row->order_account != NULL ?
	    conf_n_issuers(c->conf) : 0;

	for (unsigned i = 0; i < n; i++) {
		const struct conf_account *a = conf_issuer(c->conf,
		    i).account;
		char *kid = store_account_kid(c->certs->store, a->name,
		    a->directory);
		bool same = kid != NULL && strcmp(kid,
		    row->order_account) == 0;

		free(kid);
		if (same)
			return a;
	}
	return NULL;
}

static void
each(const struct cert *c, unsigned taken, void (*act)(struct limits *,
    const struct limits_order *, unsigned))
{
	const struct conf_account *a = taken != 0 ? budget_order_account(c) :
	    NULL;
	json_t *names = a != NULL && c->row.order_names != NULL ?
	    json_loads(c->row.order_names, 0, NULL) : NULL;
	struct conf_cert cc = { .name = c->row.name };
	size_t n = json_array_size(names);

	if (n > 0) {
		cc.names = xcalloc(n, sizeof(*cc.names));
		for (size_t i = 0; i < n; i++) {
			const char *name = json_string_value(json_array_get(
			    names, i));

			if (name != NULL)
				cc.names[cc.n_names++].name =
				    (char *)(uintptr_t)name;
		}
		act(c->certs->limits, &(struct limits_order){ .account = a,
		    .cert = &cc }, taken);
		free(cc.names);
	}
	json_decref(names);
}

void
budget_order_issued(struct cert *c)
{
	each(c, c->row.order_limits, limits_issued);
	c->row.order_limits = 0;
}

void
budget_order_over(struct cert *c)
{
	if (c->row.order_sent_at != 0)
		each(c, c->row.order_limits, limits_issued);
	else
		each(c, c->row.order_limits & ~LIMIT_BIT(LIMIT_ORDERS),
		    limits_give);
	c->row.order_limits = 0;
}

void
budget_order_resume(const struct cert *c)
{
	each(c, c->row.order_limits, limits_resume);
}
