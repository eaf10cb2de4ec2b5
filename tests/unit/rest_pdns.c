/* SPDX-License-Identifier: MIT */
/* PowerDNS's API, with and without EXTEND and PRUNE. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/text.h"
#include "providers/provider.h"
#include "tests/unit/rest_fake.h"

#define ZONE "/api/v1/servers/localhost/zones/example.test."

extern const struct provider provider_pdns;

static void
refuse(struct fake_answer *a, int status, const char *error)
{
	a->status = status;
	a->json = json_pack("{s:s}", "error", error);
}

/* The name without its final dot. */
static const char *
bare(const char *name)
{
	static char out[260];

	assert_int_equal(name[strlen(name) - 1], '.');
	(void)text_printf(out, sizeof(out), "%.*s", (int)strlen(name) - 1,
	    name);
	return out;
}

static void
show(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	json_t *records = json_array(), *sets = json_array();
	char name[300];
	long ttl = 0;

	assert_string_equal(fake_query(r, "rrset_type"), "TXT");
	(void)text_printf(name, sizeof(name), "%s",
	    fake_query(r, "rrset_name"));
	for (size_t i = 0; i < FAKE_MAX; i++) {
		const struct fake_record *rec = &f->records[i];

		if (!rec->used || strcmp(rec->name, bare(name)) != 0)
			continue;
		ttl = rec->ttl;
		json_array_append_new(records, json_pack("{s:s, s:b}",
		    "content", rec->content, "disabled", 0));
	}
	/* Old servers do not filter: another set comes first. */
	json_array_append_new(sets, json_pack("{s:s, s:s, s:i, s:[{s:s}]}",
	    "name", "example.test.", "type", "TXT", "ttl", 3600, "records",
	    "content", "\"v=spf1 -all\""));
	json_array_append_new(sets, json_pack("{s:s, s:s, s:i, s:o}", "name",
	    name, "type", "TXT", "ttl", (int)ttl, "records", records));
	a->json = json_pack("{s:s, s:s, s:o}", "kind", "Master", "id",
	    "example.test.", "rrsets", sets);
}

static struct fake_record *
find(struct fake *f, const char *name, const char *content)
{
	for (size_t i = 0; i < FAKE_MAX; i++) {
		struct fake_record *r = &f->records[i];

		if (r->used && strcmp(r->name, bare(name)) == 0 &&
		    (content == NULL || strcmp(r->content, content) == 0))
			return r;
	}
	return NULL;
}

static bool
change_one(struct fake *f, const char *name, const char *how,
    const char *content, long ttl, struct fake_answer *a)
{
	struct fake_record *r = find(f, name, NULL);

	assert_int_equal(content[0], '"');
	if (r != NULL && r->ttl != ttl) {
		refuse(a, 422, "RRset example.test. IN TXT: different TTLs");
		return false;
	}
	r = find(f, name, content);
	if (strcmp(how, "PRUNE") == 0) {
		if (r != NULL)
			r->used = false;
	} else if (r == NULL) {
		(void)fake_put(f, bare(name), content, ttl);
	}
	return true;
}

static void
change_set(struct fake *f, const char *name, const json_t *records, long ttl)
{
	struct fake_record *r;

	while ((r = find(f, name, NULL)) != NULL)
		r->used = false;
	for (size_t i = 0; i < json_array_size(records); i++) {
		const char *content = jsonx_str(json_array_get(records, i),
		    "content");

		assert_null(find(f, name, content));	/* 422 Duplicate */
		(void)fake_put(f, bare(name), content, ttl);
	}
}

static void
patch(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	const json_t *sets = jsonx_get(r->json, "rrsets"), *set, *records;
	char *name, *type, *how;
	int ttl;

	a->status = 204;
	for (size_t i = 0; i < json_array_size(sets); i++) {
		set = json_array_get(sets, i);
		records = jsonx_get(set, "records");
		assert_int_equal(json_unpack((json_t *)set,
		    "{s:s, s:s, s:i, s:s, s:o!}", "name", &name, "type", &type,
		    "ttl", &ttl, "changetype", &how, "records", &records), 0);
		assert_string_equal(type, "TXT");
		if (strcmp(how, "REPLACE") == 0 || strcmp(how, "DELETE") == 0) {
			assert_int_equal(strcmp(how, "DELETE") == 0,
			    json_array_size(records) == 0);
			change_set(f, name, records, ttl);
			continue;
		}
		if (f->arg != NULL) {
			refuse(a, 422, "Changetype not understood");
			return;
		}
		assert_int_equal(json_array_size(records), 1);
		if (!change_one(f, name, how, jsonx_str(records, "0.content"),
		    ttl, a))
			return;
	}
}

static void
handler(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	if (strcmp(fake_header(r, "X-API-Key"), "pdns-key") != 0) {
		a->status = 401;
		a->text = "Unauthorized";
		return;
	}
	assert_string_equal(fake_header(r, "Accept"), "application/json");
	if (strncmp(r->path, ZONE, strlen(ZONE)) != 0) {
		assert_string_equal(r->method, "GET");
		refuse(a, 404, "Not Found");
	} else if (strcmp(r->method, "PUT") == 0) {
		assert_string_equal(r->path, ZONE "/notify");
		a->json = json_pack("{s:s}", "result", "Notification queued");
	} else if (strcmp(r->method, "PATCH") == 0) {
		patch(f, r, a);
	} else {
		show(f, r, a);
	}
}

static void
old_handler(struct fake *f, const struct fake_request *r,
    struct fake_answer *a)
{
	f->arg = f;
	handler(f, r, a);
}

#define PDNS(name, fn) \
	.label = name, \
	.type = &provider_pdns, \
	.base = "", \
	.options = { { "api_key", "pdns-key" } }, \
	.bad = { "api_key", "pdns-wrong" }, \
	.bad_words = "Unauthorized", \
	.has_zones = true, \
	.handler = fn

const struct rest_vendor rest_pdns_new = { PDNS("pdns with EXTEND", handler) };
const struct rest_vendor rest_pdns_old = { PDNS("pdns", old_handler) };
