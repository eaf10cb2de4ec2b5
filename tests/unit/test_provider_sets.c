/* SPDX-License-Identifier: MIT */
/*
 * What providers keep of a list in which several sets are ours, as of several
 * lines or views.  jansson's allocations are counted, so that what is left
 * behind is seen without a sanitizer, too.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "providers/provider.h"

#define FQDN "_acme-challenge.w.example.test"

static long n_live;

static void *
counted_malloc(size_t size)
{
	n_live++;
	return xmalloc(size);
}

static void
counted_free(void *p)
{
	if (p != NULL)
		n_live--;
	free(p);
}

static const struct provider_step *
step_of(const struct provider *type, const char *name)
{
	const struct provider_step *s = type->add;

	while (s->name != NULL && strcmp(s->name, name) != 0)
		s++;
	assert_non_null(s->name);
	return s;
}

/* Read twice, as after a poll, and then released, as the runner does. */
static void
read_and_release(const char *type_name, const char *text)
{
	const struct provider *type = provider_find(type_name);
	const struct provider_step *s = step_of(type, "read records");
	const char *value = "v";
	char zone_id[PROVIDER_ZONE_ID_SIZE] = "z";
	struct provider_call c = { .is_add = true, .fqdn = FQDN,
	    .zone = "example.test", .value = value, .batch = &value,
	    .n_batch = 1, .zone_id = zone_id,
	    .priv = xcalloc(1, type->priv_size) };
	long before = n_live;

	for (int i = 0; i < 2; i++) {
		struct error err = { 0 };
		struct rest_answer a = { .status = 200, .body = text };
		json_t *json = jsonx_parse(text, strlen(text), &err);

		assert_non_null(json);
		a.json = json;
		assert_int_equal(s->reply(&c, &a, &err), REST_NEXT);
		assert_non_null(c.memo);
		json_decref(json);
	}
	json_decref(c.memo);
	free(c.priv);
	assert_int_equal(n_live, before);
}

static void
test_huaweicloud(void **state)
{
	read_and_release("huaweicloud", "{\"recordsets\":["
	    "{\"id\":\"1\",\"name\":\"" FQDN ".\",\"type\":\"TXT\","
	    "\"records\":[\"\\\"a\\\"\"],\"status\":\"ACTIVE\"},"
	    "{\"id\":\"2\",\"name\":\"" FQDN ".\",\"type\":\"TXT\","
	    "\"records\":[\"\\\"b\\\"\"],\"status\":\"ACTIVE\"}]}");
}

static void
test_gcloud(void **state)
{
	read_and_release("gcloud", "{\"kind\":\"k\",\"rrsets\":["
	    "{\"name\":\"" FQDN ".\",\"type\":\"TXT\",\"ttl\":60,"
	    "\"rrdatas\":[\"\\\"a\\\"\"]},"
	    "{\"name\":\"" FQDN ".\",\"type\":\"TXT\",\"ttl\":60,"
	    "\"rrdatas\":[\"\\\"b\\\"\"]}]}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_huaweicloud),
		cmocka_unit_test(test_gcloud),
	};

	json_set_alloc_funcs(counted_malloc, counted_free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
