/* SPDX-License-Identifier: MIT */
/*
 * providers-man - prints acmed-providers(5), made from the tables of
 * providers/, when the tree is built.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "daemon/control/providers.h"
#include "doc/man.h"
#include "providers/provider.h"

/* Options that mean the same everywhere, and are told of once. */
static bool
is_common(const struct provider_opt *o)
{
	static const char *const names[] = { "zone", "base_url", "ca_file",
	    "proxy", "allow_http" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(o->name, names[i]) == 0)
			return !o->required;
	}
	return false;
}

static void
options(const struct provider *p)
{
	const struct provider_opt *o;
	bool any = false;

	for (o = p->opts; o->name != NULL; o++)
		any = any || !is_common(o);
	if (!any)
		return;
	(void)puts(".Bl -tag -width Ds");
	if (p->credentials != NULL)
		(void)printf(".It Cm credentials\nA section\n.Cm credentials"
		    "\nof type\n.Ql %s ,\nin place of the options that it "
		    "has.\n", p->credentials);
	for (o = p->opts; o->name != NULL; o++) {
		if (!is_common(o))
			man_option(o);
	}
	(void)puts(".El");
}

/* Which of the common options it has not. */
static void
lacks(const struct provider *p)
{
	bool has_zone = false;

	for (const struct provider_opt *o = p->opts; o->name != NULL; o++)
		has_zone = has_zone || strcmp(o->name, "zone") == 0;
	if (!has_zone)
		(void)puts("There is no option\n.Cm zone .");
}

/* What users stumble over, as far as the runner knows it. */
static void
quirks(const struct provider *p)
{
	(void)puts(".Pp");
	if (p->max_values > 0)
		(void)printf("A %s holds at most %u value%s: a name and its "
		    "wildcard %s.\n",
		    p->shares_values ? "zone" : "name", p->max_values,
		    p->max_values == 1 ? "" : "s", p->max_values == 1 ?
		    "need a certificate each" : "just fit");
	if (p->cannot_remove)
		(void)puts("Values cannot be removed; the next one takes the "
		    "place of the oldest.");
	if (p->takes_batch)
		(void)puts("All values of a name are written at once, with "
		    "those that are there.");
	if (p->max_calls == 1)
		(void)puts("Calls are made one after the other.");
	if (p->gap_ms > 0)
		(void)printf("There are at least %u ms between two requests.\n",
		    p->gap_ms);
	if (p->no_retry)
		(void)puts("A call that failed is not repeated at once.");
	lacks(p);
}

static void
provider(const struct provider *p)
{
	struct error err;
	json_t *j = providers_one(p->name, &err);

	if (j == NULL)
		abort();
	(void)printf(".Ss %s\n", p->name);
	man_prose(p->title);
	(void)puts(".Pp");
	man_prose(p->doc);
	options(p);
	quirks(p);
	man_literal(jsonx_str(j, "example"));
	json_decref(j);
}

static const char head[] =
".\\\" Made by doc/providers-man.c; do not edit.\n"
".Dd November 22, 2026\n"
".Dt ACMED-PROVIDERS 5\n"
".Os\n"
".Sh NAME\n"
".Nm acmed-providers\n"
".Nd DNS providers that acmed can use\n"
".Sh DESCRIPTION\n"
"A section\n"
".Cm provider\n"
"of\n"
".Xr acmed.conf 5\n"
"names one of the types below, and gives its options in the vendor's own "
"terms.\n"
"For each type this page tells where its credentials come from and the least\n"
"privilege that they need, the names that other ACME clients have for them\n"
"(environment variables of lego, mostly), the options, and an example with "
"what\n"
"must be given.\n"
".Pp\n"
"Each secret may be given as\n"
".Ar NAME Ns Cm _file ,\n"
"the path of a file that has nothing else in it; a literal one is refused in\n"
"a file that others can read.\n"
"Secrets are never logged.\n"
".Pp\n"
"These options mean the same with all types that speak HTTP:\n"
".Bl -tag -width Ds\n"
".It Cm zone No = Ar NAME\n"
"The zone of all names.\n"
"Otherwise the vendor is asked for each suffix of a name, beginning with the\n"
"one that the DNS shows to be a zone.\n"
".It Cm base_url No = Ar URL\n"
"Address of the API, if it is not the usual one.\n"
".It Cm ca_file No = Ar PATH\n"
"PEM file trusted for the API's TLS.\n"
".It Cm proxy No = Ar URL | Cm none\n"
"HTTP proxy.\n"
".It Cm allow_http No = Cm true\n"
"Speak plain HTTP to another host than this one.\n"
".El\n"
".Pp\n"
"All types keep what is at a name already, and remove just what they added.\n"
"What a vendor says when it refuses is in the error that\n"
".Ql acmectl status\n"
"shows, in the vendor's words.\n"
".Ql acmectl providers TYPE\n"
"and\n"
".Ql acmed --list-providers=TYPE\n"
"print what is here.\n"
".Sh PROVIDERS\n";

int
main(void)
{
	(void)fputs(head, stdout);
	for (size_t i = 0; provider_registry[i] != NULL; i++)
		provider(provider_registry[i]);
	(void)puts(".Sh SEE ALSO\n.Xr acmectl 1 ,\n.Xr acmed.conf 5 ,\n"
	    ".Xr acmed 8");
	return fflush(stdout) == EOF || ferror(stdout);
}
