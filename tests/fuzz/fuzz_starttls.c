/* SPDX-License-Identifier: MIT */
/*
 * fuzz_starttls - what servers say before TLS begins.  The first byte chooses
 * the protocol, the second how much comes at a time, the rest is what comes.
 */
#include <assert.h>
#include <string.h>

#include "common/error.h"
#include "daemon/io/starttls.h"
#include "tests/fuzz/fuzz.h"

/* As tls.c feeds it; the verdict. */
static int
talk(enum starttls kind, const char *in, size_t len, size_t piece)
{
	struct starttls_talk t = { .kind = kind, .host = "chat.test" };
	size_t have = 0, from = 0, used;
	struct error err;
	int rc = 0;

	for (;;) {
		do {
			rc = starttls_feed(&t, in + from, have - from, &used,
			    &err);
			assert(rc >= -1 && rc <= 1);
			assert(used <= have - from);
			assert(t.say_len <= sizeof(t.say));
			if (rc == -1) {
				assert(strcmp(err.code, "tls:starttls") == 0);
				return -1;
			}
			from += used;
		} while (rc == 0 && used > 0);
		if (rc != 0 || have == len)
			return rc;
		have += piece < len - have ? piece : len - have;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data + 2;
	enum starttls kind;
	int rc;

	if (size < 2)
		return 0;
	size -= 2;
	kind = (enum starttls)(data[0] % STARTTLS_END);
	rc = talk(kind, in, size, data[1] + 1u);
	/* TLS may begin a byte early or late, but not against a refusal. */
	if (rc == 1)
		assert(talk(kind, in, size, 1) == 1);
	return 0;
}
