/* SPDX-License-Identifier: MIT */
/* fuzz_tsig_text - TSIG keys as other programs write them. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/tsig_text.h"
#include "tests/fuzz/fuzz.h"

static void
read_key(const char *text, const char *name)
{
	struct tsig_text t;
	struct tsig_key key;
	struct error err;

	if (tsig_text_read(text, name, &t, &err) == -1) {
		if (strcmp(err.code, "dns:tsig-key") != 0)
			abort();
		return;
	}
	if (t.secret[0] == '\0' || strlen(t.name) >= TSIG_TEXT_MAX ||
	    strlen(t.algorithm) >= TSIG_TEXT_MAX)
		abort();
	if (name != NULL && t.name[0] == '\0' && tsig_text_is(text) == 0)
		abort();
	if (tsig_key_init(&key, t.name[0] != '\0' ? t.name : "k",
	    t.algorithm[0] != '\0' ? t.algorithm : "hmac-sha256", t.secret,
	    &err) == 0)
		tsig_key_clear(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);

	(void)tsig_text_is(text);
	read_key(text, NULL);
	read_key(text, "acmed");
	free(text);
	return 0;
}
