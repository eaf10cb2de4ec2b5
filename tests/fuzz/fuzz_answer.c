/* SPDX-License-Identifier: MIT */
/*
 * fuzz_answer - the readers that all vendors share: XML, the words of a
 * refusal, JSON of which only some is read, and numbers no int64 holds.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "daemon/rest/lean.h"
#include "daemon/rest/rest.h"
#include "daemon/rest/xml.h"
#include "tests/fuzz/fuzz.h"

#define DEPTH_MAX 20

static void
need(bool ok)
{
	if (!ok)
		abort();
}

/* What is written back is cut out of the document, tags and all. */
static void
walk_whole(const struct xml *in)
{
	const char *begin, *end, *last = in->at;
	struct xml left = *in, one;
	char name[16];

	while (xml_next_any(&left, name, sizeof(name), &one)) {
		xml_whole(&one, name, &begin, &end);
		need(begin >= last && begin < end && end <= in->end &&
		    *begin == '<' && end[-1] == '>' && end <= left.at);
		need(!xml_is_empty_tag(&one) || one.at == one.end);
		last = end;
	}
}

/* Every element is inside of the one that it was found in. */
static void
walk(const struct xml *in, unsigned depth)
{
	static const char *const names[] = { "a", "Zone", "Code" };
	char text[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct xml left = *in, one;
		const char *last = in->at;

		while (xml_next(&left, names[i], &one)) {
			need(one.at >= last && one.at <= one.end &&
			    one.end <= in->end && left.at >= one.end);
			need(one.attrs >= in->at && one.attrs_end <= one.at);
			last = left.at;
			if (xml_text(&one, NULL, text, sizeof(text)))
				need(strlen(text) < sizeof(text));
			(void)xml_attr(&one, "id", text, sizeof(text));
			if (depth < DEPTH_MAX)
				walk(&one, depth + 1);
		}
	}
	(void)xml_text(in, "Message", text, sizeof(text));
	walk_whole(in);
}

static void
read_words(const char *body, size_t len, const json_t *json)
{
	static const char *const words[] = { "no such zone", "404", NULL };
	struct rest_answer a = { .status = 400, .json = json, .body = body,
	    .body_len = len };
	char out[REST_WORDS_MAX];

	rest_plain_words(&a, out);
	need(memchr(out, '\0', sizeof(out)) != NULL);
	rest_vendor_words(&a, out);
	need(memchr(out, '\0', sizeof(out)) != NULL);
	(void)rest_says(&a, words);
	(void)rest_is_lasting(&a);
}

/* What is valid stays so, and does not grow. */
static void
read_lean(const char *text, size_t len, const json_t *json)
{
	size_t n;
	char *lean = lean_text(text, len, "records", "needle", &n);
	json_t *again;

	if (json != NULL)
		need(lean != NULL);
	if (lean == NULL)
		return;
	need(n <= len);
	again = jsonx_parse_any(lean, n);
	need(json == NULL || again != NULL);
	json_decref(again);
	free(lean);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = xmalloc(size + 1);	/* as http hands it over */
	struct xml root;
	json_t *json;

	if (size > 0)
		memcpy(body, data, size);
	body[size] = '\0';
	json = jsonx_parse_any(body, size);
	root = xml_document(body, size);
	need(root.at >= body && root.end <= body + size);
	walk(&root, 0);
	read_words(body, size, json);
	read_lean(body, size, json);
	json_decref(json);
	free(body);
	return 0;
}
