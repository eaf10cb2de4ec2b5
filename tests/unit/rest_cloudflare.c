/* SPDX-License-Identifier: MIT */
/* Cloudflare's API v4, as far as provider cloudflare asks. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/text.h"
#include "providers/provider.h"
#include "tests/unit/rest_fake.h"

#define ZONE_ID "023e105f4ecef8ad9ca31a8372d0c353"
#define RECORDS "/client/v4/zones/" ZONE_ID "/dns_records"

extern const struct provider provider_cloudflare;

static void
refuse(struct fake_answer *a, int status, int code, const char *message)
{
	a->status = status;
	a->json = json_pack("{s:b, s:[{s:i, s:s}], s:[], s:n}", "success", 0,
	    "errors", "code", code, "message", message, "messages", "result");
}

static void
accept_(struct fake_answer *a, json_t *result)
{
	a->json = json_pack("{s:b, s:[], s:[], s:o}", "success", 1, "errors",
	    "messages", "result", result);
}

static json_t *
record_json(const struct fake_record *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i}", "id", r->id, "name",
	    r->name, "type", "TXT", "content", r->content, "ttl",
	    (int)r->ttl);
}

static void
create(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	char *type, *name, *content;
	int ttl;

	assert_int_equal(json_unpack((json_t *)r->json,
	    "{s:s, s:s, s:s, s:i!}", "type", &type, "name", &name, "content",
	    &content, "ttl", &ttl), 0);
	assert_string_equal(type, "TXT");
	assert_int_equal(content[0], '"');
	assert_true(ttl >= 60);
	for (size_t i = 0; i < FAKE_MAX; i++) {
		if (f->records[i].used &&
		    strcmp(f->records[i].name, name) == 0 &&
		    strcmp(f->records[i].content, content) == 0) {
			refuse(a, 400, 81058,
			    "An identical record already exists.");
			return;
		}
	}
	accept_(a, record_json(fake_put(f, name, content, ttl)));
}

static void
list(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	json_t *found = json_array();
	char name[300];

	assert_string_equal(fake_query(r, "type"), "TXT");
	(void)text_printf(name, sizeof(name), "%s", fake_query(r, "name"));
	for (size_t i = 0; i < FAKE_MAX; i++) {
		if (f->records[i].used && strcmp(f->records[i].name, name) == 0)
			json_array_append_new(found,
			    record_json(&f->records[i]));
	}
	accept_(a, found);
}

static void
handler(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	struct fake_record *rec = NULL;

	if (strcmp(fake_header(r, "Authorization"), "Bearer cf-token-1") != 0) {
		refuse(a, 403, 10000, "Authentication error: cf-token-2");
		return;
	}
	if (strcmp(r->path, "/client/v4/zones") == 0) {
		assert_string_equal(r->method, "GET");
		accept_(a, strcmp(fake_query(r, "name"), "example.test") == 0 ?
		    json_pack("[{s:s, s:s}]", "id", ZONE_ID, "name",
		    "example.test") : json_array());
		return;
	}
	assert_int_equal(strncmp(r->path, RECORDS, strlen(RECORDS)), 0);
	if (strcmp(r->path, RECORDS) == 0) {
		if (strcmp(r->method, "POST") == 0) {
			create(f, r, a);
			return;
		}
		assert_string_equal(r->method, "GET");
		list(f, r, a);
		return;
	}
	assert_string_equal(r->method, "DELETE");
	/* Ids are opaque: ours need encoding. */
	for (size_t i = 0; i < FAKE_MAX && rec == NULL; i++) {
		char path[300];
		unsigned n;

		if (!f->records[i].used)
			continue;
		assert_int_equal(sscanf(f->records[i].id, "id/%u?", &n), 1);
		(void)text_printf(path, sizeof(path), RECORDS "/id%%2F%u%%3F",
		    n);
		if (strcmp(path, r->path) == 0)
			rec = &f->records[i];
	}
	if (rec == NULL) {
		refuse(a, 404, 81044, "Record does not exist.");
		return;
	}
	rec->used = false;
	accept_(a, json_pack("{s:s}", "id", rec->id));
}

const struct rest_vendor rest_cloudflare = {
	.label = "cloudflare",
	.type = &provider_cloudflare,
	.base = "/client/v4",
	.options = { { "api_token", "cf-token-1" } },
	.bad = { "api_token", "cf-token-2" },
	.bad_words = "Authentication error",
	.has_zones = true,
	.handler = handler,
};
