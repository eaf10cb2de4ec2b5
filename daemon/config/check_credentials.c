/* SPDX-License-Identifier: MIT */
/* credentials "NAME" { type = ... }, and those who refer to them. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/check_options.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"
#include "providers/credentials.h"

void
check_unknown_type(struct check *c, const struct section *sec,
    const char *key, const char *text, int line, const char *const *names,
    size_t n)
{
	const char *near = text == NULL ? NULL : text_nearest(text, names, n);
	char allowed[1024] = "";

	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(allowed);

		(void)text_printf(allowed + used, sizeof(allowed) - used,
		    "%s%s", i > 0 ? ", " : "", names[i]);
	}
	if (text == NULL)
		opt_mistake(c->m, sec, line, "%s is missing; allowed: %s",
		    key, allowed);
	else if (near != NULL)
		opt_mistake(c->m, sec, line, "%s = \"%.200s\"; did you mean "
		    "\"%s\"?", key, text, near);
	else
		opt_mistake(c->m, sec, line, "%s = \"%.200s\"; allowed: %s",
		    key, text, allowed);
}

struct conf_credentials *
check_credentials(struct check *c, const struct section *sec)
{
	struct conf_credentials *object = xcalloc(1, sizeof(*object));
	const struct value *v = tree_value(sec, "type");
	const char *names[64];
	size_t n = 0;

	object->name = xstrdup(sec->title);
	object->type = v != NULL ? credentials_find(v->text) : NULL;
	if (object->type != NULL) {
		object->values = check_options(c, sec, object->type->opts,
		    object->type->check, NULL);
		return object;
	}
	for (; credentials_registry[n] != NULL && n < 64; n++)
		names[n] = credentials_registry[n]->name;
	check_unknown_type(c, sec, "type", v != NULL ? v->text : NULL,
	    v != NULL ? v->line : sec->line, names, n);
	return object;
}

void
check_free_credentials(struct conf_credentials *object)
{
	if (object == NULL)
		return;
	provider_values_free(object->values);
	free(object->name);
	free(object);
}

/* Those of that type. */
static struct table
of_type(const struct check *c, const char *type)
{
	struct table some = { 0 };

	for (size_t i = 0; i < c->credentials.n; i++) {
		const struct table_row *row = &c->credentials.rows[i];
		const struct conf_credentials *object = row->object;

		if (object->type != NULL &&
		    strcmp(object->type->name, type) == 0)
			table_add(&some, row->sec, row->object);
	}
	return some;
}

/* Where none are named: the only ones of that type; or a mistake. */
static struct conf_credentials *
only_lender(struct check *c, const struct section *sec, const char *type)
{
	struct table some = of_type(c, type);
	struct conf_credentials *found = NULL;

	if (some.n > 0 || c->credentials.n < 2)
		found = check_reference(c, sec, "credentials", some.n > 0 ?
		    &some : &c->credentials);
	else if (!c->is_partial)
		opt_mistake(c->m, sec, sec->line, "credentials is missing; "
		    "none is of type %s", type);
	table_clear(&some);
	return found;
}

struct conf_credentials *
check_lender(struct check *c, const struct section *sec, const char *type,
    const char *what, bool is_needed)
{
	const struct value *v = tree_value(sec, "credentials");
	struct conf_credentials *found;

	if (v == NULL && !is_needed)
		return NULL;
	found = v == NULL ? only_lender(c, sec, type) :
	    check_reference(c, sec, "credentials", &c->credentials);
	if (found == NULL)
		return NULL;
	found->is_used = true;
	/* Of one without a type it was told already. */
	if (found->type == NULL || strcmp(found->type->name, type) == 0)
		return found->type == NULL ? NULL : found;
	opt_mistake(c->m, sec, v != NULL ? v->line : sec->line, "credentials "
	    "\"%s\" are of type %s; allowed for %s: type %s", found->name,
	    found->type->name, what, type);
	return NULL;
}

void
check_unused_credentials(struct check *c)
{
	for (size_t i = 0; i < c->credentials.n; i++) {
		const struct table_row *row = &c->credentials.rows[i];
		const struct conf_credentials *object = row->object;

		if (!object->is_used && !c->is_partial)
			opt_warn(c->m, row->sec, row->sec->line, "nothing "
			    "uses these credentials; name them in a provider "
			    "or a cloud section, as in credentials = \"%s\"",
			    object->name);
	}
}
