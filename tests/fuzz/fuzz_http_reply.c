/* SPDX-License-Identifier: MIT */
/*
 * fuzz_http_reply - the head of a reply, line by line: what may be kept of it,
 * and the dates of Date and Retry-After.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/io/http_priv.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1800000000
#define YEAR (365 * 86400)

static void
need(bool ok)
{
	if (!ok)
		abort();
}

static void
read_head(const struct http_headers *headers)
{
	static const char *const names[] = { "Date", "Retry-After", "Link",
	    "Location", "Replay-Nonce", "X" };
	struct http_reply reply = { .status = 200, .body = "",
	    .headers = headers };
	struct ca_clock clock = { 0 };
	time_t at = http_reply_retry_at(&reply);
	const char *value;

	need(at == 0 || (at >= NOW && at <= NOW + YEAR));
	need(http_reply_date(&reply) >= 0);
	ca_clock_note(&clock, &reply);
	need(clock.date >= 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t n = 0; (value = http_reply_header(&reply,
		    names[i], n)) != NULL; n++)
			need(value > headers->buf &&
			    value < headers->buf + headers->len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct http_headers headers = { 0 };

	clock_test_set(NOW);
	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol != NULL ? eol + 1 : end) - at);
		char *line = xmemdup(at, len);	/* of just its size */
		bool more = http_headers_add(&headers, line, len);

		free(line);
		if (!more)
			break;
		at += len;
	}
	need(headers.n <= 100 && headers.len <= 64 * 1024);
	read_head(&headers);
	http_headers_clear(&headers);
	return 0;
}
