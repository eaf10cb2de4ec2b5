/* SPDX-License-Identifier: MIT */
/* What a section says as one number, by which two of them are compared. */
#include "common/text.h"
#include "daemon/config/check.h"

/* Any odd number would do; old hashes are to stay. */
#define MIX 0x100000001b3u

/* The order of keys does not matter, that of values does. */
uint64_t
check_hash(const struct section *sec, check_hash_cb *is_meant)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sec->n_items; i++) {
		const struct item *item = &sec->items[i];
		uint64_t h = text_hash(TEXT_HASH_BASIS, item->key);

		if (is_meant != NULL && !is_meant(item->key))
			continue;
		for (size_t j = 0; j < item->n; j++)
			h = text_hash(h, item->values[j]->text);
		sum += h;
	}
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];
		uint64_t h = text_hash(TEXT_HASH_BASIS, sub->kind);

		if (is_meant != NULL && !is_meant(sub->kind))
			continue;
		h = text_hash(h, sub->title != NULL ? sub->title : "");
		sum += (h ^ check_hash(sub, is_meant)) * MIX;
	}
	return sum;
}

void
check_hash_secret(struct check *c, const char *text)
{
	c->secrets += text_hash(TEXT_HASH_BASIS, text);
}
