/* SPDX-License-Identifier: MIT */
/*
 * clouds-man - prints acmed-clouds(5), made from the tables of clouds/, when
 * the tree is built.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/error.h"
#include "common/json.h"
#include "daemon/control/clouds.h"
#include "doc/man.h"
#include "providers/credentials.h"
#include "providers/provider.h"

/* Options that mean the same everywhere, and are told of once. */
static bool
is_common(const struct provider_opt *o)
{
	static const char *const names[] = { "base_url", "ca_file", "proxy",
	    "allow_http" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(o->name, names[i]) == 0)
			return true;
	}
	return false;
}

static void
options(const struct provider_opt *opts)
{
	(void)puts(".Bl -tag -width Ds");
	for (const struct provider_opt *o = opts; o->name != NULL; o++) {
		if (!is_common(o))
			man_option(o);
	}
	(void)puts(".El");
}

static bool
has_own(const struct provider_opt *opts)
{
	return opts->name != NULL && !is_common(opts);
}

static void
product(const struct cloud *t)
{
	struct error err;
	json_t *j = clouds_one(t->name, &err);

	if (j == NULL)
		abort();
	(void)printf(".Ss %s\n", t->name);
	man_prose(t->title);
	(void)puts(".Pp");
	man_prose(t->doc);
	(void)printf("Credentials:\n.Cm %s .\n", t->credentials);
	(void)puts(t->store->is_in_place ? "One object is replaced at each "
	    "renewal." : "Each upload is an object of its own; the one before "
	    "is removed.");
	if (has_own(t->opts))
		options(t->opts);
	(void)puts(".Pp\nThe least privilege:");
	man_literal(t->policy);
	(void)puts("An example:");
	man_literal(jsonx_str(j, "example"));
	json_decref(j);
}

/* The providers and products of that type. */
static void
users(const char *type)
{
	const char *comma = ".Cm ";

	(void)puts(".Pp\nFor");
	for (size_t i = 0; provider_registry[i] != NULL; i++) {
		const struct provider *p = provider_registry[i];

		if (p->credentials == NULL || strcmp(p->credentials, type) != 0)
			continue;
		(void)printf("%s%s", comma, p->name);
		comma = " , ";
	}
	for (size_t i = 0; cloud_registry[i] != NULL; i++) {
		if (strcmp(cloud_registry[i]->credentials, type) != 0)
			continue;
		(void)printf("%s%s", comma, cloud_registry[i]->name);
		comma = " , ";
	}
	(void)puts(" .");
}

static void
type(const struct credentials_type *t)
{
	(void)printf(".Ss %s\n", t->name);
	man_prose(t->title);
	(void)puts(".Pp");
	man_prose(t->doc);
	users(t->name);
	options(t->opts);
}

static const char head[] =
".\\\" Made by doc/clouds-man.c; do not edit.\n"
".Dd November 29, 2026\n"
".Dt ACMED-CLOUDS 5\n"
".Os\n"
".Sh NAME\n"
".Nm acmed-clouds\n"
".Nd cloud products that acmed brings certificates to\n"
".Sh DESCRIPTION\n"
"A deploy target of a certificate in\n"
".Xr acmed.conf 5\n"
"names one of the products below:\n"
".Bd -literal -offset indent\n"
"deploy \\(dqNAME\\(dq {\n"
"    cloud \\(dqPRODUCT\\(dq { credentials = \\(dqNAME\\(dq ... }\n"
"}\n"
".Ed\n"
".Pp\n"
"The keys are in a section\n"
".Cm credentials\n"
"of the product's type.\n"
"What is bound is read first, and nothing is written if it is right.\n"
"Uploads are named\n"
".Ql acmed- Ns Ar NAME Ns - Ns Ar FINGERPRINT ;\n"
"those of others are never changed or removed.\n"
"Names in\n"
".Cm domains\n"
"are verified at the edge when they are bound, unless the target has a\n"
".Cm verify\n"
"of its own.\n"
".Ql acmectl check\n"
"proves credentials and rights with a read.\n"
".Pp\n"
"These options mean the same with all products:\n"
".Bl -tag -width Ds\n"
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
".Ql acmectl clouds PRODUCT\n"
"and\n"
".Ql acmed --list-clouds=PRODUCT\n"
"print what is here.\n"
".Sh PRODUCTS\n";

int
main(void)
{
	(void)fputs(head, stdout);
	for (size_t i = 0; cloud_registry[i] != NULL; i++)
		product(cloud_registry[i]);
	(void)puts(".Sh CREDENTIALS");
	for (size_t i = 0; credentials_registry[i] != NULL; i++)
		type(credentials_registry[i]);
	(void)puts(".Sh SEE ALSO\n.Xr acmectl 1 ,\n.Xr acmed-providers 5 ,\n"
	    ".Xr acmed.conf 5 ,\n.Xr acmed 8");
	return fflush(stdout) == EOF || ferror(stdout);
}
