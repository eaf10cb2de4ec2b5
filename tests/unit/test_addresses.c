/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "tests/unit/unit.h"

#include <string.h>

#include "common/error.h"
#include "daemon/dns/addresses.h"
#include "daemon/io/loop.h"
#include "tests/unit/fakedns.h"

static struct loop *loop;

static void
test_hosts(void **state)
{
	static const struct { const char *text, *host, *found; } cases[] = {
		{ "127.0.0.1 localhost\n", "localhost", "127.0.0.1 " },
		{ "127.0.0.1\tx localhost # me\n::1 localhost", "LocalHost",
		    "127.0.0.1 ::1 " },
		{ "127.0.0.1 localhost2 local #localhost\n", "localhost",
		    "" },
		{ "#127.0.0.1 a.test\n 192.0.2.1 a.test\r\n", "a.test",
		    "192.0.2.1 " },
		{ "nonsense a.test\n\n\n192.0.2.1\n", "a.test", "" },
		{ "", "a.test", "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct dns_server out[4];
		char all[256] = "";
		size_t n = addresses_of_hosts(cases[i].text, cases[i].host,
		    out, 4);

		for (size_t j = 0; j < n; j++) {
			strncat(all, out[j].text, 60);
			strncat(all, " ", 2);
		}
		assert_string_equal(all, cases[i].found);
	}
}

struct answer {
	int		 done;
	struct error	 err;
	size_t		 n;
	char		 first[64];
};

static void
done_cb(const struct error *err, const struct dns_server *list, size_t n,
    void *arg)
{
	struct answer *a = arg;

	a->done++;
	a->n = n;
	if (err != NULL)
		a->err = *err;
	else
		memcpy(a->first, list[0].text, sizeof(a->first));
}

static void
ask(struct dns *dns, const char *host, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	(void)addresses_start(dns, host, 2000, done_cb, a);
	assert_int_equal(a->done, 0);
	fakedns_run(loop, &a->done, 5000);
	assert_int_equal(a->done, 1);
}

static void
test_ask(void **state)
{
	static const struct fake_rr records[] = {
		{ .qname = "two.test", .qtype = 1, .type = 1,
		    .data = "192.0.2.7" },
		{ .qname = "two.test", .qtype = 28, .type = 28,
		    .data = "2001:db8::1" },
		{ .qname = NULL }
	};
	const char *resolvers[] = { NULL, NULL };
	struct fakedns ns;
	struct error err;
	struct answer a;
	struct dns *dns;

	fakedns_init(&ns, loop, 78, records);
	resolvers[0] = ns.server.text;
	dns = dns_new(loop, resolvers, &err);
	ask(dns, "two.test", &a);
	assert_int_equal(a.n, 2);
	ask(dns, "none.test", &a);
	assert_string_equal(a.err.code, "dns:no-address");
	ask(dns, "2001:db8::9", &a);
	assert_string_equal(a.first, "2001:db8::9");
	ns.mode = FAKE_SERVFAIL;
	ask(dns, "two.test", &a);
	assert_string_equal(a.err.code, "dns:resolver");
	addresses_cancel(NULL);
	addresses_cancel(addresses_start(dns, "two.test", 2000, done_cb, &a));
	addresses_cancel(addresses_start(dns, "::1", 2000, done_cb, &a));
	assert_int_equal(a.done, 1);
	dns_free(dns);
	fakedns_clear(&ns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_ask),
	};
	int rc;

	loop = loop_new();
	rc = cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
	loop_free(loop);
	return rc;
}
