/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define UNIT_MAX 255

/* What a unit's name ends in; unit types that can be neither started nor
 * reloaded by name are not here. */
static const char *const suffixes[] = {
	".service", ".target", ".socket", ".timer", ".path", ".mount",
};

static bool
has_suffix(const char *unit)
{
	const char *dot = strrchr(unit, '.');

	for (size_t i = 0; dot != NULL &&
	    i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(dot, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/* As systemd.unit(5) says; a template without an instance is no unit. */
static bool
is_unit(const char *name)
{
	const char *at = strchr(name, '@');

	if (name[0] == '\0' || name[0] == '-' || name[0] == '.' ||
	    name[0] == '@' || (at != NULL && (at[1] == '.' || at[1] == '\0')))
		return false;
	for (const char *p = name; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) &&
		    strchr(":-_.\\@", *p) == NULL)
			return false;
	}
	return strlen(name) <= UNIT_MAX - strlen(".service");
}

static char **
check_units(struct check *c, const struct section *sec, const char *key)
{
	const struct item *item = tree_item(sec, key);
	char **units = xcalloc(item->n, sizeof(*units)), **list;

	if (item->n == 0)
		opt_mistake(c->m, sec, sec->line, "%s is empty; allowed: "
		    "names of systemd's units", key);
	for (size_t i = 0; i < item->n; i++) {
		const char *unit = item->values[i]->text;

		if (!is_unit(unit))
			opt_refuse(c->m, sec, key, item->values[i],
			    "names of systemd's units, such as "
			    "\"nginx.service\"");
		units[i] = has_suffix(unit) ? xstrdup(unit) :
		    xasprintf("%s.service", unit);
	}
	list = opt_list_new((const char *const *)units, item->n);
	for (size_t i = 0; i < item->n; i++)
		free(units[i]);
	free(units);
	return list;
}

void
check_deploy_reload(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	d->reload = check_units(c, sec, "reload");
}

void
check_deploy_restart(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	d->restart = check_units(c, sec, "restart");
}

void
check_deploy_start(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	d->start = check_units(c, sec, "start");
}

void
check_deploy_config_test(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct item *item = tree_item(sec, "config_test");
	const struct value *v = tree_value(sec, "config_test");

	if (item == NULL)
		return;
	if (d->reload == NULL && d->restart == NULL)
		opt_mistake(c->m, sec, v != NULL ? v->line : sec->line,
		    "config_test is there without reload or restart, which it "
		    "is for");
	d->config_test = opt_list(c->m, sec, "config_test");
	if (item->n == 0)
		opt_mistake(c->m, sec, sec->line, "config_test is empty; "
		    "allowed: none, or { \"PROGRAM\", \"ARGUMENT\", ... }");
	else if (item->n == 1 && strcmp(v->text, "none") == 0) {
		opt_list_free(d->config_test);
		d->config_test = opt_list_new(NULL, 0);
	} else if (item->n == 1 && strchr(v->text, ' ') != NULL)
		opt_refuse(c->m, sec, "config_test", v,
		    "none, or program and arguments one by one, as in "
		    "{ \"nginx\", \"-t\" }; there is no shell");
	else
		check_program(c, sec, "config_test", v->text, v->line);
}

void
check_free_deploy_reload(struct conf_deploy *d)
{
	opt_list_free(d->reload);
}

void
check_free_deploy_restart(struct conf_deploy *d)
{
	opt_list_free(d->restart);
}

void
check_free_deploy_start(struct conf_deploy *d)
{
	opt_list_free(d->start);
	opt_list_free(d->config_test);
}
