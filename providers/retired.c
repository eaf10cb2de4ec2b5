/* SPDX-License-Identifier: MIT */
/* Services that old configurations and other clients' documents name. */
#include <stddef.h>
#include <string.h>

#include "providers/provider.h"

static const struct {
	const char *type, *why;
} retired[] = {
	{ "cloudxns", "the service ended in 2021, choose another: move the "
	    "zone, or let _acme-challenge be a CNAME into a zone elsewhere" },
};

const char *
provider_retired(const char *type)
{
	for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++) {
		if (strcmp(retired[i].type, type) == 0)
			return retired[i].why;
	}
	return NULL;
}
