/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/mem.h"
#include "daemon/config/check.h"
#include "daemon/config/check_options.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"

/* The type, or NULL and a mistake. */
static const struct provider *
check_type(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "type");
	const struct provider *type;
	const char *names[256], *why;
	size_t n = 0;

	type = v != NULL ? provider_find(v->text) : NULL;
	if (type != NULL)
		return type;
	why = v != NULL ? provider_retired(v->text) : NULL;
	if (why != NULL) {
		opt_mistake(c->m, sec, v->line, "%s: %s", v->text, why);
		return NULL;
	}
	for (; provider_registry[n] != NULL && n < 256; n++)
		names[n] = provider_registry[n]->name;
	check_unknown_type(c, sec, "type", v != NULL ? v->text : NULL,
	    v != NULL ? v->line : sec->line, names, n);
	return NULL;
}

struct conf_provider *
check_provider(struct check *c, const struct section *sec)
{
	struct conf_provider *p = xcalloc(1, sizeof(*p));
	struct conf_credentials *lender = NULL;

	p->name = xstrdup(sec->title);
	p->type = check_type(c, sec);
	if (p->type == NULL)
		return p;
	if (p->type->credentials != NULL)
		lender = check_lender(c, sec, p->type->credentials,
		    p->type->name, false);
	p->values = check_options(c, sec, p->type->opts, p->type->check,
	    lender != NULL ? lender->values : NULL);
	p->credentials = lender;
	if (lender != NULL)
		c->secrets += lender->hash;
	return p;
}

void
check_free_provider(struct conf_provider *p)
{
	if (p == NULL)
		return;
	provider_values_free(p->values);
	free(p->name);
	free(p);
}
