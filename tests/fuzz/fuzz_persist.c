/* SPDX-License-Identifier: MIT */
/*
 * fuzz_persist - the values of TXT records at _validation-persist.NAME, one
 * in each line.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/persist.h"
#include "tests/fuzz/fuzz.h"

#define ACCOUNT "https://ca.test/acct/1"
#define MAX 20

static void
judge(const char *const *values, size_t n, const char *const *issuers)
{
	struct persist_want w = { .issuers = issuers, .account = ACCOUNT,
	    .now = 1700000000 };
	struct persist_verdict all, wild, one;
	bool is_right = false;

	persist_judge(values, n, &w, &all);
	assert((all.match == PERSIST_RIGHT) == (all.why[0] == '\0'));
	assert(memchr(all.why, '\0', sizeof(all.why)) != NULL);
	for (const char *p = all.why; *p != '\0'; p++)
		assert((unsigned char)*p >= ' ' && *p != 0x7f);
	assert(all.until >= 0 && all.until <= PERSIST_UNTIL_MAX);
	for (size_t i = 0; i < n; i++) {
		persist_judge(&values[i], 1, &w, &one);
		assert(one.match <= all.match);
		is_right = is_right || one.match == PERSIST_RIGHT;
		/* Nothing but the whole URL will do. */
		if (one.match == PERSIST_RIGHT)
			assert(strstr(values[i], ACCOUNT) != NULL &&
			    persist_is_own(values[i], &w));
	}
	assert(is_right == (all.match == PERSIST_RIGHT));
	w.wildcard = true;
	persist_judge(values, n, &w, &wild);
	assert(wild.match <= all.match);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const issuers[] = { "ca.test", "ca2.test", NULL };
	char *text = xmalloc(size + 1), *at = text, *zone;
	const char *values[MAX];
	size_t n = 0;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	while (at != NULL && n < MAX) {
		values[n++] = at;
		at = strchr(at, '\n');
		if (at != NULL)
			*at++ = '\0';
	}
	judge(values, n, issuers);
	judge(values, n, NULL);
	zone = persist_zone_text(values[0]);
	assert(strlen(zone) >= strlen(values[0]) + 2);
	free(zone);
	free(text);
	return 0;
}
