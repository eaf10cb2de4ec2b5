/* SPDX-License-Identifier: MIT */
/* cloud_call - a call of a cloud product without a runner: its requests as
 * they are sent at 2026-01-02T03:04:05Z, and what it makes of answers. */
#ifndef TESTS_UNIT_CLOUD_CALL_H
#define TESTS_UNIT_CLOUD_CALL_H

#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/clock.h"
#include "daemon/config/provider_values.h"
#include "daemon/rest/preq_run.h"
#include "daemon/rest/sign.h"
#include "providers/credentials.h"
#include "tests/unit/unit.h"

time_t __wrap_clock_now(void);
const char *__wrap_sign_nonce(char out[SIGN_NONCE]);

/* 2026-01-02T03:04:05Z */
time_t
__wrap_clock_now(void)
{
	return 1767323045;
}

const char *
__wrap_sign_nonce(char out[SIGN_NONCE])
{
	return memcpy(out, "00112233445566778899aabbccddeeff", SIGN_NONCE);
}

struct fixture {
	struct cloud_call call;
	struct provider_values *values, *credentials;
	const struct cloud *type;
};

static void
set(struct provider_values *values, const struct provider_opt *opts,
    const char *name, const char *text)
{
	struct error err;
	int i = 0;

	while (strcmp(opts[i].name, name) != 0)
		i++;
	assert_int_equal(provider_values_set(values, i, &text, 1, &err), 0);
}

static void
begin(struct fixture *f, const char *product, const char *id,
    const char *secret)
{
	static const char *const names[] = { "example.com", NULL };
	const struct credentials_type *keys;

	memset(f, 0, sizeof(*f));
	f->type = cloud_find(product);
	assert_non_null(f->type);
	keys = credentials_find(f->type->credentials);
	f->values = provider_values_of(f->type->opts, f->type->check);
	f->credentials = provider_values_of(keys->opts, NULL);
	set(f->credentials, keys->opts, keys->opts[0].name, id);
	if (secret != NULL)
		set(f->credentials, keys->opts, keys->opts[1].name, secret);
	f->call = (struct cloud_call){ .values = f->values,
	    .credentials = f->credentials, .service = f->type->service,
	    .bound_id = "",
	    .upload_name = "acmed-example.com-0123456789abcdef",
	    .cert = { .name = "example.com", .names = names,
	    .fullchain = "C", .leaf = "C", .chain = "D", .key = "K" } };
}

static inline void
option(struct fixture *f, const char *name, const char *text)
{
	set(f->values, f->type->opts, name, text);
}

static inline void
end(struct fixture *f)
{
	provider_values_free(f->values);
	provider_values_free(f->credentials);
	json_decref(f->call.memo);
}

/* The request of that step, as it is sent, ends its signature so. */
static inline void
expect(struct fixture *f, const struct cloud_api *api,
    const struct rest_step *step, const char *host, const char *signature)
{
	struct preq *rq = preq_new(api->base_url, false);
	struct error err;
	const char *got;

	assert_int_equal(step->request(&f->call, rq, &err), 0);
	assert_int_equal(api->prepare(&f->call, rq, &err), 0);
	assert_string_equal(preq_get_host(rq), host);
	got = preq_get_header(rq, "Authorization");
	assert_non_null(got);
	assert_true(strlen(got) > strlen(signature));
	assert_string_equal(got + strlen(got) - strlen(signature), signature);
	preq_free(rq);
}

/* The answer to a step of that text. */
static inline enum rest_next
answer(struct fixture *f, const struct rest_step *step, const char *text)
{
	struct rest_answer a = { .status = 200 };
	enum rest_next next;
	struct error err;
	json_t *json = jsonx_parse(text, strlen(text), &err);

	assert_non_null(json);
	a.json = json;
	next = step->reply(&f->call, &a, &err);
	json_decref(json);
	return next;
}

static inline void
expect_body(struct fixture *f, const struct rest_step *step,
    const char *method, const char *expected)
{
	struct preq *rq = preq_new("https://api.test", false);
	const char *body;
	struct error err;
	size_t len;

	assert_int_equal(step->request(&f->call, rq, &err), 0);
	body = preq_get_body(rq, &len);
	assert_string_equal(preq_get_method(rq), method);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(body, expected, len);
	preq_free(rq);
}

#endif
