/* SPDX-License-Identifier: MIT */
/* Broken configurations, and the exact lines that are told of them. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/unit/conf_fixture.h"

/* One account, one provider, in the first lines of a case. */
#define BASE "account \"le\" { }\nprovider \"dns\" { type = bare }\n"
#define VERIFY_ALLOWED "\"HOST:PORT\", and after a space " \
    "starttls=PROTOCOL, sni=NAME, connect=ADDRESS[:PORT], ca_file=FILE"
#define WINDOW_ALLOWED "\"HH:MM-HH:MM\", local time, such as " \
    "\"02:00-05:00\" or \"22:30-04:00\", with or without days of the week " \
    "(in English) in front, such as \"Mon-Thu 02:00-05:00\" or " \
    "\"Sat,Sun 02:00-05:00\""
#define FREEZE_ALLOWED "\"YYYY-MM-DD - YYYY-MM-DD\", the first and the last " \
    "day of it in local time, such as \"2026-12-20 - 2027-01-05\""
#define CERT BASE "certificate \"example.com\" {\n"
#define TSIG "provider \"p\" {\n type = tsig\n server = 192.0.2.1\n" \
    " key_name = k\n"
#define UNITS "allowed: names of systemd's units, such as " \
    "\"nginx.service\"\n"
#define AT "acmed.conf:"
/* Of 32 times "A", as privkey has it. */
#define PUBLIC_A "CymcNzaj2d4L41uzKAcfx9NlwbD8h8wc_NNTjy0u970" \
    "0Xpm4kBLmwR1BAryv85bCepk4UbN74YY73eS4o8ALLg"
#define HOST_KEY "the public key that acmectl host prints, of 86 letters"
#define CSR_NO_KEY "needs the private key, which is not on this machine " \
    "(csr, key_source); allowed: install, ssh and docker with format = " \
    "fullchain, cert, chain or der; exec, reload, restart, start, verify; " \
    "webhook without include_key\n"
/* 238 characters. */
#define LABEL_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_NAME LABEL_60 "." LABEL_60 "." LABEL_60 ".bbbbbbbbbbbbbbbbbbbbb" \
    "bbbbbbbbbbbbbbbbbbbbbbbbbb.example"

static const struct {
	const char *text;
	const char *want;		/* "" if it is right */
} cases[] = {
#include "tests/unit/conf_cases.h"
#include "tests/unit/conf_cases_notify.h"
};

/* For a.example and b.example. */
static const char request[] =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIIBADCBqAIBADAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggq\n"
    "hkjOPQMBBwNCAAQkr8iRxRd2iUR8O7oWnzRLcrKo4/Esb/VBKO6PyGN597gAnxUj\n"
    "XM61CiTIEdm2cwmgMxaHi0Lk/m49yTDxcZy5oDIwMAYJKoZIhvcNAQkOMSMwITAf\n"
    "BgNVHREEGDAWgglhLmV4YW1wbGWCCWIuZXhhbXBsZTAKBggqhkjOPQQDAgNHADBE\n"
    "AiBtV2qKO0TABWEHaOe8BTo1I9volpNx3GjhVwNVbMVFCAIgeAktpKfuoyU0Sx+X\n"
    "t67WbXBfrytedBOd+ijTR796SLc=\n"
    "-----END CERTIFICATE REQUEST-----\n";

static void
test_mistakes(void **state)
{
	int failed = 0;

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	fixture_write("secret", 0600, "c2VjcmV0\n");
	fixture_write("base64", 0600, "c2VjcmV+L2E\n");
	fixture_write("csr.pem", 0644, request);
	fixture_write("open", 0644, "c2VjcmV0\n");
	fixture_write("hostkey", 0600, "{\"format\": \"acmed-key-1\",\n"
	    "\"name\": \"web-1\", \"private_key\": "
	    "\"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE\"}\n");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct conf *conf;
		char *got;

		fixture_write("acmed.conf", 0600, cases[i].text);
		conf = fixture_load("acmed.conf", &got);
		if (strcmp(got, cases[i].want) != 0) {
			print_error("%s\n- want\n%s- got\n%s\n",
			    cases[i].text, cases[i].want, got);
			failed++;
		}
		assert_int_equal(conf == NULL, got[0] != '\0');
		conf_unref(conf);
		free(got);
	}
	fixture_remove("acmed.conf");
	fixture_remove("secret");
	fixture_remove("base64");
	fixture_remove("csr.pem");
	fixture_remove("open");
	fixture_remove("hostkey");
	assert_int_equal(failed, 0);
}

/* What can be used, but is hardly what is meant. */
static void
test_warnings(void **state)
{
	char *got, *text, *root = xstrdup(fixture_path(""));
	struct conf *conf;

	fixture_write("plain", 0600, "no program");
	text = xasprintf("state_dir = \"%sstate\"\n"
	    "account \"le\" { }\n"
	    "account \"own\" { directory = \"https://ca.example/dir\" }\n"
	    "provider \"dns\" { type = bare }\n"
	    "include(\"nowhere/*.conf\")\n"
	    "status_listen = { \"127.0.0.1:80\", \"[::]:80\" } "
	    "certificate \"w\" { account = le\n"
	    " names = { \"*.a.example\", \"www.a.example\", "
	    "\"a.example\", \"x.www.a.example\" } }\n"
	    "certificate \"W\" { account = le names = \"b.example\" }\n"
	    "certificate \"same\" { account = le names = \"b.example\" }\n"
	    "certificate \"rsa\" { account = le names = \"b.example\"\n"
	    " key = rsa2048 }\n"
	    "certificate \"web.example\" { account = own\n"
	    " challenge = http-01 webroot = /nowhere/www\n"
	    " deploy \"d\" { exec = \"/nowhere/hook\"\n"
	    "  install \"/nowhere/x/k.pem\" { format = cert } }\n"
	    " deploy \"e\" { exec = \"%splain\" }\n"
	    " deploy \"f\" { install \"%sstate/live/x/cert.pem\"\n"
	    "  { format = cert } } }\n", root, root, root);
	fixture_write("acmed.conf", 0600, text);
	conf = fixture_load_all("acmed.conf", &got);
	assert_non_null(conf);
	assert_string_equal(got, "warning: acmed.conf:2: account \"le\": "
	    "agree_tos is missing, and acme-v02.api.letsencrypt.org gives no "
	    "account without it; read the CA's terms of service and write "
	    "agree_tos = true\n"
	    "warning: acmed.conf:5: include: no file matches nowhere/*.conf\n"
	    "warning: acmed.conf:6: status_listen = \"[::]:80\": other "
	    "machines can read the status without a password; listen on "
	    "127.0.0.1 behind a reverse proxy that asks for one, or let a "
	    "firewall choose who may connect\n"
	    "warning: acmed.conf:6: certificate \"w\": names: "
	    "\"www.a.example\" is covered by \"*.a.example\"; some CAs (Let's "
	    "Encrypt) refuse both in one certificate: leave "
	    "\"www.a.example\" out\n"
	    "warning: acmed.conf:6: certificate \"w\": its name differs from "
	    "certificate \"W\" (acmed.conf:8) only in upper and lower case; "
	    "they are two certificates\n"
	    "warning: acmed.conf:9: certificate \"same\": it has the same "
	    "names as certificate \"W\" (acmed.conf:8): two orders for what "
	    "one certificate with several deploy sections does; CAs limit "
	    "how often the same names are issued\n"
	    "warning: acmed.conf:12: certificate \"web.example\": webroot: "
	    "there is no directory /nowhere/www; write the one that the web "
	    "server serves\n"
	    "warning: acmed.conf:12: certificate \"web.example\": deploy "
	    "\"d\": install \"/nowhere/x/k.pem\": there is no directory "
	    "/nowhere/x\n"
	    "warning: acmed.conf:12: certificate \"web.example\": deploy "
	    "\"f\": install \"state/live/x/cert.pem\" is in acmed's own "
	    "state, whose files it replaces; write another directory\n"
	    "warning: acmed.conf:14: certificate \"web.example\": deploy "
	    "\"d\": exec: there is no program /nowhere/hook\n"
	    "warning: acmed.conf:16: certificate \"web.example\": deploy "
	    "\"e\": exec: plain is not executable: chmod +x plain\n");
	conf_unref(conf);
	free(got);
	free(text);
	fixture_write("acmed.conf", 0600, "log_level = info\n");
	conf = fixture_load_all("acmed.conf", &got);
	assert_non_null(conf);
	assert_string_equal(got, "warning: acmed.conf: there is no "
	    "certificate; add a section certificate \"NAME\" { ... }\n");
	conf_unref(conf);
	free(got);
	fixture_remove("acmed.conf");
	fixture_remove("plain");
	free(root);
}

/* What a cloud serves that browsers would refuse. */
static void
test_domains(void **state)
{
	static const char *const wrong[] = { "domains: \"a.example\" is not in "
	    "the certificate, so that browsers would refuse it there; add it "
	    "to names, or take it out of domains\n",
	    "domains: \"x.www.a.example\" ", "domains: \".b.example\" " };
	struct conf *conf;
	size_t n = 0;
	char *got;

	fixture_write("acmed.conf", 0600, KEYS
	    "account \"own\" { directory = \"https://ca.example/dir\" }\n"
	    "provider \"dns\" { type = bare }\n"
	    "certificate \"c\" { account = own\n"
	    " names = { \"*.a.example\", \"b.example\" }\n"
	    " deploy \"cdn\" { cloud \"aliyun-cdn\" { domains = {\n"
	    "  \".a.example\", \"*.a.example\", \"www.a.example\",\n"
	    "  \"WWW.A.example\", \"b.example\", \"a.example\",\n"
	    "  \"x.www.a.example\", \".b.example\", \"no name\" } } } }\n");
	conf = fixture_load_all("acmed.conf", &got);
	assert_non_null(conf);
	for (const char *p = got; (p = strstr(p, "domains: \"")) != NULL;
	    p++) {
		assert_true(n < sizeof(wrong) / sizeof(wrong[0]));
		assert_memory_equal(p, wrong[n], strlen(wrong[n]));
		n++;
	}
	assert_int_equal(n, sizeof(wrong) / sizeof(wrong[0]));
	conf_unref(conf);
	free(got);
	fixture_remove("acmed.conf");
}

/* What is mistyped in a fleet's configuration, and can be used. */
static void
test_fleet_warnings(void **state)
{
	struct conf *conf;
	char *got;

	fixture_write("fleet", 0600, "0123456789abcdef0123456789abcdef\n");
	fixture_write("acmed.conf", 0600, "\n"
	    "account \"own\" { directory = \"https://ca.example/dir\" }\n"
	    "provider \"dns\" { type = bare }\n"
	    "http_listen = 127.0.0.1\n"
	    "cluster { encrypt_key_file = fleet\n"
	    " etcd = { \"http://h\", \"http://[::1]\", \"http://h:1\" } }\n"
	    "host \"web-1\" { public_key = \"" PUBLIC_A "\" }\n"
	    "repository \"p\" { type = directory path = /srv\n"
	    " encrypt_to = hosts wave_pause = 1m }\n"
	    "repository \"q\" { type = directory path = /srv/q\n"
	    " encrypt_key_file = fleet\n"
	    " waves = { \"a-*\", \"a-*\", \"*\", \"eu-*\" } }\n"
	    "certificate \"c\" { account = own names = \"c.example\"\n"
	    " hosts = { \"web-1\", \"web-2\", \"later-*\" }\n"
	    " deploy \"d\" { publish = p } }\n"
	    "certificate \"h\" { account = own names = \"h.example\"\n"
	    " challenge = http-01 }\n");
	conf = fixture_load_all("acmed.conf", &got);
	assert_non_null(conf);
	assert_string_equal(got,
	    "warning: acmed.conf:6: cluster: etcd = \"http://h\" has no port, "
	    "so that 80 is asked; etcd listens on 2379\n"
	    "warning: acmed.conf:6: cluster: etcd = \"http://[::1]\" has no "
	    "port, so that 80 is asked; etcd listens on 2379\n"
	    "warning: acmed.conf:9: repository \"p\": wave_pause has no effect "
	    "without waves, as all hosts take a new version at once\n"
	    "warning: acmed.conf:12: repository \"q\": waves: no host is left "
	    "for \"a-*\" after \"a-*\"; put it before that\n"
	    "warning: acmed.conf:12: repository \"q\": waves: no host is left "
	    "for \"eu-*\" after \"*\"; put it before that\n"
	    "warning: acmed.conf:14: certificate \"c\": hosts: there is no "
	    "host section \"web-2\", which therefore cannot open what is "
	    "published; see acmectl host add\n"
	    "warning: acmed.conf:16: certificate \"h\": challenge = http-01 in "
	    "a cluster: the member that renews answers, no other; where "
	    "\"h.example\" leads to several members, as behind a load "
	    "balancer, use dns-01, or a webroot that all of them share\n");
	conf_unref(conf);
	free(got);
	fixture_remove("acmed.conf");
	fixture_remove("fleet");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_fleet_warnings),
	};

	return cmocka_run_group_tests(tests, fixture_setup,
	    fixture_teardown);
}
