/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "clouds/cloud.h"

/* clouds/list.h has a line for each product of Makefile.inc, sorted. */
#define CLOUD(name) extern const struct cloud cloud_##name;
#include "clouds/list.h"
#undef CLOUD

#define CLOUD(name) &cloud_##name,
const struct cloud *const cloud_registry[] = {
#include "clouds/list.h"
	NULL
};
#undef CLOUD

const struct cloud *
cloud_find(const char *name)
{
	for (size_t i = 0; cloud_registry[i] != NULL; i++) {
		if (strcmp(cloud_registry[i]->name, name) == 0)
			return cloud_registry[i];
	}
	return NULL;
}
