/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/check_options.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"

/* The product, or NULL and a mistake. */
static const struct cloud *
check_product(struct check *c, const struct section *sub)
{
	const struct cloud *type = cloud_find(sub->title);
	const char *names[128];
	size_t n = 0;

	if (type != NULL)
		return type;
	for (; cloud_registry[n] != NULL && n < 128; n++)
		names[n] = cloud_registry[n]->name;
	check_unknown_type(c, sub, "product", sub->title, sub->line, names,
	    n);
	return NULL;
}

/* "WHAT VALUE ..." of these options; the caller frees. */
static char *
place_of(const char *what, const struct conf_cloud *cloud,
    const char *const *options)
{
	char *place = xstrdup(what);

	for (; options != NULL && *options != NULL; options++) {
		const char *value = provider_values_str(cloud->values,
		    *options);
		char *longer = xasprintf("%s %s", place,
		    value != NULL ? value : "");

		free(place);
		place = longer;
	}
	return place;
}

/* What the first of these options names, in the place of the others, is
 * written by one target; is_shared: by those of one certificate. */
static void
claim_option(struct check *c, const struct section *sub,
    const struct conf_cloud *cloud, const char *what,
    const char *const *options, bool is_shared)
{
	const char *value = options == NULL ? NULL :
	    provider_values_str(cloud->values, options[0]);
	char *place;

	if (value == NULL)
		return;
	place = place_of(what, cloud, options + 1);
	if (is_shared)
		check_claim_shared(c, sub, options[0], place, value);
	else
		check_claim(c, sub, options[0], place, value);
	free(place);
}

/* Each name is bound to one certificate; and where names need not be given,
 * what they belong to. */
static void
check_domains(struct check *c, const struct section *sub,
    const struct conf_cloud *cloud, const char *const *domains)
{
	const struct item *item = tree_item(sub, CLOUD_DOMAINS);
	size_t n = item != NULL ? item->n : 0;
	char *place = place_of(cloud->type->name, cloud, cloud->type->within);

	if (n > CLOUD_HOSTS_MAX)
		opt_mistake(c->m, sub, item->values[0]->line, CLOUD_DOMAINS
		    " has %zu entries; allowed: 1 to %d, and another deploy "
		    "section", n, CLOUD_HOSTS_MAX);
	for (size_t i = 0; domains[i] != NULL; i++)
		check_claim(c, sub, "domain", place, domains[i]);
	if (domains[0] == NULL && cloud->type->within_is_whole)
		claim_option(c, sub, cloud, cloud->type->name,
		    cloud->type->within, false);
	free(place);
}

/* What is replaced in place holds one certificate. */
static void
check_object(struct check *c, const struct section *sub,
    const struct conf_cloud *cloud)
{
	char *what;

	if (cloud->credentials == NULL)
		return;
	what = xasprintf("%s %s", cloud->type->store->name,
	    cloud->credentials->name);
	/* Of several that bind it each writes something of its own. */
	claim_option(c, sub, cloud, what, cloud->type->store->object,
	    cloud->type->bind != NULL);
	free(what);
}

void
check_deploy_cloud(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "cloud");
	struct conf_cloud *cloud = xcalloc(1, sizeof(*cloud));
	const char *const *domains;

	d->cloud = cloud;
	cloud->type = check_product(c, sub);
	if (cloud->type == NULL)
		return;
	cloud->credentials = check_lender(c, sub, cloud->type->credentials,
	    cloud->type->name, true);
	cloud->values = check_options(c, sub, cloud->type->opts,
	    cloud->type->check, NULL);
	domains = provider_values_list(cloud->values, CLOUD_DOMAINS);
	check_domains(c, sub, cloud, domains);
	check_object(c, sub, cloud);
	if (tree_item(sec, "verify") == NULL)
		check_deploy_verify_hosts(c, sec, d, domains);
}

void
check_free_deploy_cloud(struct conf_deploy *d)
{
	if (d->cloud == NULL)
		return;
	provider_values_free(d->cloud->values);
	free(d->cloud);
}
