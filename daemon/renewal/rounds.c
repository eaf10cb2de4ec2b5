/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/rounds.h"

#include <string.h>

#include "daemon/config/conf.h"
#include "providers/provider.h"

unsigned
rounds_plan(struct round_item *items, size_t n)
{
	unsigned n_rounds = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned max = items[i].provider->type->max_values;
		unsigned before = 0;

		for (size_t k = 0; k < i; k++) {
			if (items[k].provider == items[i].provider &&
			    strcmp(items[k].place, items[i].place) == 0)
				before++;
		}
		items[i].round = max > 0 ? before / max : 0;
		if (items[i].round >= n_rounds)
			n_rounds = items[i].round + 1;
	}
	return n_rounds;
}
