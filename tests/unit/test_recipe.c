/* SPDX-License-Identifier: MIT */
/* Broken recipes, and the exact lines that are told of them. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/provider_values.h"
#include "daemon/config/recipe_load.h"
#include "daemon/recipes/scope.h"
#include "tests/unit/conf_fixture.h"

#define PRINT "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"
#define HEAD "title = x\nbase = \"https://${host}\"\n" \
    "option host { help = h type = host required = true }\n"
#define GET "request r { path = \"/\" }\n"
#define WORDS "name, domain, names, fullchain, leaf, chain, key, " \
    "key_traditional, pkcs12, passphrase, serial, fingerprint_sha256, " \
    "label, time, host"

static const struct {
	const char *text;
	const char *want;		/* "" if it is right */
} cases[] = {
	{ HEAD GET, "" },
	{ HEAD "option n { help = h }\noption l { help = l type = list }\n"
	    "option b { help = h type = bool }\n"
	    "value v { of = { \"${n}\", \"${name|uuid}\" } filter = md5 }\n"
	    "value w { of = \"${n}\" map { a = 1 \"*\" = false } }\n"
	    "request look { path = \"/list\"\n"
	    " capture id { list = \"\" where { n = \"${v}\" } json = id "
	    "optional = true } }\n"
	    "request make { unless = id path = \"/new\" json { n = \"${n}\" "
	    "l = { \"${l}\" } sub { deep { x = \"$${x}\" } } list[] { } "
	    "list[] { w = \"${w}\" } } capture id { json = id } }\n"
	    "request put { only_if = { n, b } path = \"/${id}/${n}\" "
	    "text = \"${key}${n}\" type = \"a/b\" status = { 200, 404 } "
	    "expect { a.b = { c, d } } until { x = y } }\n"
	    "finish out { only_if = id path = \"/${id}\" }\n", "" },
	/* the file */
	{ "titel = x\n" HEAD GET,
	    "1: unknown key \"titel\"; did you mean \"title\"?\n" },
	{ HEAD "request r { path = \"/\" json { a { b = 1 }\n",
	    "4: request \"r\": json: syntax error: the file ends inside this "
	    "section; a \"}\" is missing\n" },
	{ HEAD "request r { path = \"/\" json { a = 1 a = 2 b { } b { }\n"
	    " c[] { } c[] { } } }\n",
	    "4: request \"r\": json: a is given twice; allowed: once, or "
	    "several blocks a[] { ... }\n"
	    "4: request \"r\": json: b is given twice; allowed: once, or "
	    "several blocks b[] { ... }\n" },
	{ "title = x\nbase = \"http://x\"\n",
	    "1: it has 0 requests; allowed: 1 to 32\n"
	    "2: base = \"http://x\"; allowed: https://... or ${OPTION}, of "
	    "the type url\n" },
	/* placeholders */
	{ HEAD "request r { path = \"/${hots}\" }\n",
	    "4: request \"r\": path: nothing is named \"hots\"; allowed: "
	    WORDS "\n" },
	{ HEAD "request r { path = \"/${host\" query { a = \"${name|rot13}\" "
	    "} }\n",
	    "4: request \"r\": path: a placeholder has no closing \"}\"\n"
	    "4: request \"r\": query: a: unknown filter; allowed: base64, "
	    "md5, sha256, uuid, xml\n" },
	{ HEAD "request r { path = \"/${key}\" headers { X = \"${pkcs12}\" } "
	    "}\n",
	    "4: request \"r\": path: ${key} is secret; allowed: in json, "
	    "form, multipart and text\n"
	    "4: request \"r\": headers: X: ${pkcs12} is secret; allowed: in "
	    "json, form, multipart and text\n" },
	{ HEAD "value v { of = \"${key|md5}\" }\n"
	    "request r { path = \"/\" query { a = \"${v}\" } }\n",
	    "5: request \"r\": query: a: ${v} is secret; allowed: in json, "
	    "form, multipart and text\n" },
	{ HEAD "option o { help = h }\noption p { help = h }\n"
	    "request r { path = \"/${o}\" query { a = \"x${p}\" b = \"${p}\" "
	    "} }\n",
	    "6: request \"r\": path: ${o} may have no value; allowed: with "
	    "only_if = \"o\"\n"
	    "6: request \"r\": query: a: ${p} may have no value; allowed: "
	    "with only_if = \"p\", or alone, which leaves this out then\n" },
	{ "title = x\nbase = \"https://${h}/${p}\"\n"
	    "option h { help = h }\noption p { help = h required = true }\n"
	    GET,
	    "2: base: ${h} cannot be a part of it; allowed: options of the "
	    "types host, url and int that are required or have a default\n"
	    "2: base: ${p} cannot be a part of it; allowed: options of the "
	    "types host, url and int that are required or have a default\n" },
	/* captures */
	{ HEAD "request a { path = \"/${t}\" }\n"
	    "request b { path = \"/\" capture t { json = t } }\n",
	    "4: request \"a\": path: ${t} is not known yet: a later request "
	    "captures it\n" },
	{ HEAD "request b { path = \"/\" capture t { json = t optional = true "
	    "} }\nrequest a { path = \"/${t}\" }\n",
	    "5: request \"a\": path: ${t} may have no value; allowed: with "
	    "only_if = \"t\"\n" },
	{ HEAD "request b { path = \"/\" capture t { json = t } }\n"
	    "finish c { path = \"/${t}\" }\n",
	    "5: finish \"c\": path: ${t} may have no value; allowed: with "
	    "only_if = \"t\"\n" },
	{ HEAD "option o { help = h }\nvalue v { of = \"${name}\" }\n"
	    "request b { path = \"/\" capture t { json = t } capture u { } }"
	    "\n",
	    "4: option \"o\": nothing uses this option; allowed: ${o} in a "
	    "request, or in only_if\n"
	    "5: value \"v\": nothing uses this value; allowed: ${v} in a "
	    "request, or in only_if\n"
	    "6: request \"b\": capture \"u\": allowed: one of json = "
	    "\"PATH\", header = \"NAME\", cookie = \"NAME\", xml = "
	    "\"ELEMENT\"\n"
	    "6: request \"b\": capture \"t\": nothing uses this capture; "
	    "allowed: ${t} in a request, or in only_if\n"
	    "6: request \"b\": capture \"u\": nothing uses this capture; "
	    "allowed: ${u} in a request, or in only_if\n" },
	/* options and values */
	{ HEAD "option o { type = uint }\noption proxy { help = h }\n"
	    "option name { help = h }\noption p { help = h type = int }\n"
	    "option s { help = h secret = true default = x }\n"
	    "request r { path = \"/\" json { a = \"${o}${proxy}${p}${s}\" } "
	    "only_if = { o, proxy, s } }\n",
	    "4: option \"o\": help is missing\n"
	    "4: option \"o\": type = \"uint\"; allowed: string, int, bool, "
	    "list, host, url\n"
	    "5: option \"proxy\": every recipe has such an option; allowed: "
	    "another name\n"
	    "6: option \"name\": \"name\" is the name of something else; "
	    "allowed: another one\n"
	    "7: option \"p\": an int needs a default, or required = true\n"
	    "8: option \"s\": a secret has no type and no default\n"
	    "9: request \"r\": json: a: ${p} may have no value; allowed: "
	    "with only_if = \"p\", or alone, which leaves this out then\n" },
	{ HEAD "value a { of = \"${b}\" }\nvalue b { of = \"${a}\" filter = "
	    "rot13 }\nrequest r { path = \"/${a}${b}\" }\n",
	    "4: value \"a\": of: ${b} is made after this value; allowed: "
	    "those above\n"
	    "5: value \"b\": filter = \"rot13\"; allowed: plain, base64, "
	    "md5, sha256, uuid, xml\n" },
	/* requests */
	{ HEAD "request r { method = HEAD path = x json { } form { } "
	    "interval = 1s status = { 20 } only_if = nothing }\n"
	    "request s { path = \"/a?b=c\" text = a until { a = b } interval "
	    "= 1s timeout = 10m query { a { } } }\n",
	    "4: request \"r\": method = \"HEAD\"; allowed: GET, POST, PUT, "
	    "PATCH, DELETE\n"
	    "4: request \"r\": only_if: nothing is named \"nothing\"; "
	    "allowed: an option, a value or a capture\n"
	    "4: request \"r\": path = \"x\"; allowed: a path below base, "
	    "which begins with \"/\"\n"
	    "4: request \"r\": it has several bodies; allowed: one of json, "
	    "json[], form, multipart, text\n"
	    "4: request \"r\": status = \"20\"; allowed: 200 to 599\n"
	    "4: request \"r\": interval and timeout are for a request with "
	    "until or until_text\n"
	    "5: request \"s\": path = \"/a?b=c\"; allowed: a path; what "
	    "stands behind \"?\" belongs into query { }\n"
	    "5: request \"s\": query: a { }: allowed here: NAME = TEXT\n"
	    "5: request \"s\": it would be asked 600 times; allowed: a "
	    "timeout of at most 450 intervals\n" },
};

static void
collect(enum conf_level level, const char *line, void *arg)
{
	char **all = arg, *longer;
	const char *path = fixture_path("recipes/x.conf");

	if (strncmp(line, path, strlen(path)) == 0)
		line += strlen(path) + 1;
	longer = xasprintf("%s%s\n", *all, line);
	free(*all);
	*all = longer;
}

static void
test_mistakes(void **state)
{
	int failed = 0;

	assert_int_equal(mkdir(fixture_path("recipes"), 0700), 0);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct mistakes m = { 0 };
		struct recipe *r;
		char *got = xstrdup(""), *conf;

		fixture_write("recipes/x.conf", 0600, cases[i].text);
		conf = xstrdup(fixture_path("acmed.conf"));
		r = recipe_load(RECIPE_DEPLOY, conf, "x", &m);
		free(conf);
		mistakes_report(&m, collect, &got);
		mistakes_clear(&m);
		if (strcmp(got, cases[i].want) != 0) {
			print_error("%s\n- want\n%s- got\n%s\n",
			    cases[i].text, cases[i].want, got);
			failed++;
		}
		assert_int_equal(r == NULL, got[0] != '\0');
		recipe_unref(r);
		free(got);
	}
	assert_int_equal(failed, 0);
}

/* What a section says that uses one. */
static void
test_section(void **state)
{
	static const struct { const char *text, *want; } sections[] = {
		{ "host = a.example token = t0ken port = 80", "" },
		{ "host = \"a b\" token = t0ken",
		    "host = \"a b\"; allowed: a name, an address, or [IPV6]" },
		{ "host = a tokn_file = x",
		    "unknown key \"tokn_file\"; did you mean \"token_file\"?" },
		{ "token = t0ken fingerprint = ab host = \"[::1]\"",
		    "fingerprint = \"ab\"; allowed: 64 digits of hex, as "
		    "openssl x509 -fingerprint -sha256 prints them" },
		{ "token = t0ken host = \"[::1]\" fingerprint = " PRINT
		    " proxy = \"https://proxy:3128\"",
		    "proxy = \"https://proxy:3128\"; allowed: with "
		    "fingerprint http://HOST:PORT, socks5h://HOST:PORT or "
		    "none" },
		{ "host = a token = x port = y",
		    "port = \"y\"; allowed: a whole number" },
		{ "host = a token = x mode = z",
		    "mode = \"z\"; allowed: fast, slow" },
		{ "host = a token = x q { }",
		    "q { }: allowed here: KEY = VALUE" },
		{ "host = a token = x at = \"https://a/b\"", "" },
		{ "host = a token = x at = \"https://a/b?c\"",
		    "at = \"https://a/b?c\"; allowed: https://HOST/PATH, "
		    "without a user, \"?\" and \"#\"" },
		{ "host = a token = x at = \"https://u@a\"",
		    "at = \"https://u@a\"; allowed: https://HOST/PATH, "
		    "without a user, \"?\" and \"#\"" },
	};

	fixture_write("recipes/x.conf", 0600, HEAD
	    "option token { help = t secret = true required = true }\n"
	    "option port { help = p type = int default = 443 }\n"
	    "option mode { help = m values = { fast, slow } }\n"
	    "option at { help = a type = url }\n"
	    "request r { path = \"/${port}/${token}\" query { m = \"${mode}\" "
	    "a = \"${at}\" } }\n");
	for (size_t i = 0; i < N_ELEMENTS(sections); i++) {
		char *text = xasprintf("account a { }\nprovider p { type = "
		    "bare }\ncertificate c { names = c.example\n deploy d "
		    "{\n recipe x { %s }\n } }\n", sections[i].text);
		char *want = sections[i].want[0] == '\0' ? xstrdup("") :
		    xasprintf("acmed.conf:5: certificate \"c\": deploy "
		    "\"d\": recipe \"x\": %s\n", sections[i].want);
		struct conf *conf;
		char *got;

		fixture_write("acmed.conf", 0600, text);
		conf = fixture_load("acmed.conf", &got);
		if (strstr(got, want) == NULL || (want[0] == '\0') !=
		    (got[0] == '\0')) {
			print_error("%s\n- want\n%s- got\n%s\n", text, want,
			    got);
			fail();
		}
		conf_unref(conf);
		free(got);
		free(want);
		free(text);
	}
	fixture_remove("acmed.conf");
	fixture_remove("recipes/x.conf");
}

/* A secret in another form is hidden as well, and one that no text can hold is
 * told. */
static void
test_secrets(void **state)
{
	struct mistakes m = { 0 };
	struct recipe_scope s = { 0 };
	struct recipe_found found = { .is_unset = false };
	const char *token = "a-token-of-length";
	char msg[100] = "it says: key YS10b2tlbi1vZi1sZW5ndGg= is wrong";
	struct provider_values *values;
	struct str out = { 0 };
	struct recipe *r;
	struct error err;
	char *conf;

	fixture_write("recipes/x.conf", 0600, HEAD
	    "option token { help = t secret = true required = true }\n"
	    "request r { path = \"/\" text = \"${token|base64}\" }\n");
	conf = xstrdup(fixture_path("acmed.conf"));
	r = recipe_load(RECIPE_DEPLOY, conf, "x", &m);
	free(conf);
	assert_non_null(r);
	s.recipe = r;
	s.values = values = provider_values_of(r->opts, NULL);
	recipe_scope_init(&s);
	assert_int_equal(provider_values_set(values, 1, &token, 1, &err), 0);
	assert_int_equal(recipe_render(&s, "k=${token|base64}", RECIPE_RAW,
	    &out, &found, &err), 0);
	assert_string_equal(str_text(&out), "k=YS10b2tlbi1vZi1sZW5ndGg=");
	assert_true(found.is_secret);
	recipe_hide(&s, msg);
	assert_string_equal(msg, "it says: key *** is wrong");
	token = "p\xe4ssword";
	assert_int_equal(provider_values_set(values, 1, &token, 1, &err), 0);
	str_clear(&out);
	assert_int_equal(recipe_render(&s, "${token}", RECIPE_RAW, &out,
	    &found, &err), -1);
	assert_string_equal(err.msg, "token_file: found bytes that are not "
	    "UTF-8; save it as UTF-8");
	str_clear(&out);
	provider_values_free(values);
	recipe_scope_clear(&s);
	recipe_unref(r);
	mistakes_clear(&m);
	fixture_remove("recipes/x.conf");
	fixture_remove("recipes");
}

/* A channel's secret is one, whether its template says so or not. */
static void
test_template(void **state)
{
	struct mistakes m = { 0 };
	struct recipe *r;
	char *conf;

	assert_int_equal(mkdir(fixture_path("templates"), 0700), 0);
	fixture_write("templates/x.conf", 0600, "title = x\nbase = "
	    "\"${webhook}\"\noption chat { help = c }\noption secret { help "
	    "= s }\nrequest r { path = \"\" json { a = \"${chat}\" b = "
	    "\"${secret}\" } }\n");
	conf = xstrdup(fixture_path("acmed.conf"));
	r = recipe_load(RECIPE_MESSAGE, conf, "x", &m);
	free(conf);
	assert_non_null(r);
	assert_false(r->opts[0].secret);
	assert_true(r->opts[1].secret);
	recipe_unref(r);
	mistakes_clear(&m);
	fixture_remove("templates/x.conf");
	fixture_remove("templates");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_section),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_template),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
