/* SPDX-License-Identifier: MIT */
/* The user's web service of provider httpreq. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/text.h"
#include "providers/provider.h"
#include "tests/unit/rest_fake.h"

extern const struct provider provider_httpreq;

static void
handler(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	char *fqdn, *value, name[260];
	bool is_add = strcmp(r->path, "/hook/present") == 0;

	/* user:secret-password */
	if (strcmp(fake_header(r, "Authorization"),
	    "Basic dXNlcjpzZWNyZXQtcGFzc3dvcmQ=") != 0) {
		a->status = 401;
		a->text = "go away\n";
		return;
	}
	assert_string_equal(r->method, "POST");
	assert_true(is_add || strcmp(r->path, "/hook/cleanup") == 0);
	assert_string_equal(fake_header(r, "Content-Type"),
	    "application/json");
	assert_int_equal(json_unpack((json_t *)r->json, "{s:s, s:s!}", "fqdn",
	    &fqdn, "value", &value), 0);
	assert_int_equal(fqdn[strlen(fqdn) - 1], '.');
	(void)text_printf(name, sizeof(name), "%.*s", (int)strlen(fqdn) - 1,
	    fqdn);
	if (is_add && fake_count(f, name, value) == 0)
		(void)fake_put(f, name, value, 60);
	for (size_t i = 0; !is_add && i < FAKE_MAX; i++) {
		if (f->records[i].used && strcmp(f->records[i].name, name) == 0
		    && strcmp(f->records[i].content, value) == 0)
			f->records[i].used = false;
	}
	a->text = "thank you";
}

const struct rest_vendor rest_httpreq = {
	.label = "httpreq",
	.type = &provider_httpreq,
	.base = "/hook/",
	.options = { { "username", "user" },
	    { "password", "secret-password" } },
	.bad = { "password", "wrong-password" },
	.bad_words = "go away",
	.bare_status = true,
	.handler = handler,
};
