/* SPDX-License-Identifier: MIT */
#include "tests/unit/acme_rig.h"

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"

/* Retries would take seconds: what was asked for is noted, and shortened. */
int64_t pauses_ms[16];
size_t n_pauses;
int64_t pause_divisor = 1000;

void	__real_timer_set(struct timer *, int64_t ms);
void	__wrap_timer_set(struct timer *, int64_t ms);

void
__wrap_timer_set(struct timer *t, int64_t ms)
{
	if (ms > 0 && n_pauses < N_ELEMENTS(pauses_ms))
		pauses_ms[n_pauses++] = ms;
	__real_timer_set(t, ms / pause_divisor);
}

void
world_open(struct world *w, struct acme_args args)
{
	memset(w, 0, sizeof(*w));
	n_pauses = 0;
	pause_divisor = 1000;
	w->loop = loop_new();
	w->http = http_new(w->loop, "test");
	w->key = EVP_EC_gen("P-256");
	args.key = w->key;
	if (args.directory == NULL)
		args.directory = CA "/dir";
	w->acme = acme_new(w->loop, w->http, &args);
}

void
world_new(struct world *w)
{
	world_open(w, (struct acme_args){ .kid = KID });
}

void
world_free(struct world *w)
{
	acme_free(w->acme);
	http_free(w->http);
	loop_free(w->loop);
	EVP_PKEY_free(w->key);
	acme_order_free(w->order);
	acme_authz_free(w->authz);
}

void
world_run(struct world *w)
{
	for (int i = 0; i < 300; i++)
		loop_turn(w->loop);
}

void
world_check(struct world *w)
{
	const char *problem = fake_http_check(w->http);

	if (problem != NULL)
		fail_msg("%s", problem);
	assert_int_equal(fake_http_in_flight(w->http), 0);
}

void
world_note(struct world *w, const struct error *err)
{
	struct acme_op *victim = w->victim;

	w->calls++;
	w->victim = NULL;
	memset(&w->err, 0, sizeof(w->err));
	if (err != NULL)
		w->err = *err;
	acme_cancel(victim);
}

void
account_cb(const struct error *err, const char *kid, void *arg)
{
	struct world *w = arg;

	world_note(w, err);
	(void)text_printf(w->kid, sizeof(w->kid), "%s",
	    kid == NULL ? "" : kid);
}

void
order_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	struct world *w = arg;

	world_note(w, err);
	acme_order_free(w->order);
	w->order = order == NULL ? NULL : acme_order_dup(order);
}

void
authz_cb(const struct error *err, const struct acme_authz *authz, void *arg)
{
	struct world *w = arg;

	world_note(w, err);
	acme_authz_free(w->authz);
	w->authz = authz == NULL ? NULL : acme_authz_dup(authz);
}

void
cert_cb(const struct error *err, const struct acme_cert *cert, void *arg)
{
	struct world *w = arg;

	world_note(w, err);
	w->alternates[0] = '\0';
	for (size_t i = 0; cert != NULL && cert->alternates[i] != NULL; i++) {
		strncat(w->alternates, cert->alternates[i], 100);
		strncat(w->alternates, " ", 2);
	}
	if (cert != NULL)
		assert_string_equal(cert->pem, CERT);
}

void
plain_cb(const struct error *err, void *arg)
{
	world_note(arg, err);
}

static const char *const two_names[] = { "a.test", "*.a.test" };
const struct acme_order_args two_names_order = { .names = two_names,
    .n_names = 2 };

struct acme_op *
new_order(struct world *w)
{
	return acme_order_new_start(w->acme, &two_names_order, order_cb, w);
}

void
get_order(struct world *w)
{
	(void)acme_order_get_start(w->acme, CA "/o/1", order_cb, w);
}

char *
signed_with(struct world *w, size_t n, const char *part, const char *member)
{
	const struct fake_sent *sent = fake_http_sent(w->http, n);
	json_t *jws = json_loads(sent->body, 0, NULL), *o;
	unsigned char *raw;
	char *value;
	size_t len;

	assert_int_equal(text_b64url_decode(json_string_value(
	    json_object_get(jws, part)), &raw, &len), 0);
	o = json_loadb((char *)raw, len, 0, NULL);
	value = json_dumps(json_object_get(o, member), JSON_COMPACT |
	    JSON_ENCODE_ANY);
	free(raw);
	json_decref(o);
	json_decref(jws);
	return value == NULL ? xstrdup("null") : value;
}
