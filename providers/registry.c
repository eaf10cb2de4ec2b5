/* SPDX-License-Identifier: MIT */
/*
 * The list itself, providers/list.h, is made from $(PROVIDERS) in
 * providers/Makefile.inc: one PROVIDER(NAME) for each file NAME.c, sorted.
 */
#include <stddef.h>
#include <string.h>

#include "providers/provider.h"

#define PROVIDER(name) extern const struct provider provider_##name;
#include "providers/list.h"
#undef PROVIDER

#define PROVIDER(name) &provider_##name,
const struct provider *const provider_registry[] = {
#include "providers/list.h"
	NULL
};
#undef PROVIDER

const struct provider *
provider_find(const char *type)
{
	for (size_t i = 0; provider_registry[i] != NULL; i++) {
		if (strcmp(provider_registry[i]->name, type) == 0)
			return provider_registry[i];
	}
	return NULL;
}
