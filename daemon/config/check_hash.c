/* SPDX-License-Identifier: MIT */
/* What a section says as one number, by which two of them are compared. */
#include <string.h>

#include "daemon/config/check.h"

#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/* FNV-1a, the final NUL too. */
static uint64_t
hash_text(uint64_t h, const char *s)
{
	do {
		h = (h ^ (unsigned char)*s) * FNV_PRIME;
	} while (*s++ != '\0');
	return h;
}

/* The order of keys does not matter, that of values does. */
uint64_t
check_hash(const struct section *sec, check_hash_cb *is_meant)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sec->n_items; i++) {
		const struct item *item = &sec->items[i];
		uint64_t h = hash_text(FNV_BASIS, item->key);

		if (is_meant != NULL && !is_meant(item->key))
			continue;
		for (size_t j = 0; j < item->n; j++)
			h = hash_text(h, item->values[j]->text);
		sum += h;
	}
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];
		uint64_t h = hash_text(FNV_BASIS, sub->kind);

		if (is_meant != NULL && !is_meant(sub->kind))
			continue;
		h = hash_text(h, sub->title != NULL ? sub->title : "");
		sum += (h ^ check_hash(sub, is_meant)) * FNV_PRIME;
	}
	return sum;
}

void
check_hash_secret(struct check *c, const char *text)
{
	c->secrets += hash_text(FNV_BASIS, text);
}
