/* SPDX-License-Identifier: MIT */
/* What acmectl prints, at several widths of the terminal. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/account.h"
#include "ctl/bar.h"
#include "ctl/check.h"
#include "ctl/persist.h"
#include "ctl/progress.h"
#include "ctl/runs.h"
#include "ctl/show.h"
#include "ctl/status.h"
#include "ctl/term.h"

#define NOW 1795300000
#define LONG_ERROR "authorize: _acme-challenge.broken.example.org: " \
    "ns2.example.org (192.0.2.53) did not show the new TXT record within " \
    "10 minutes; all other authoritative name servers do"
#define LONG_WORD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char status_text[] =
    "{\"version\": \"0.1.0\", \"config\": {\"file\": \"/etc/a/acmed.conf\","
    "  \"error\": \"conf.d/x.conf:3: unknown key \\u001b[31mnmaes\"},"
    "\"certificates\": ["
    "{\"name\": \"example.com\", \"condition\": \"valid\","
    "  \"ok\": true, \"not_after\": 1803076000,"
    "  \"next\": {\"action\": \"renew\", \"at\": 1800484000},"
    "  \"run\": null, \"error\": null, \"deploy\": ["
    "    {\"name\": \"nginx\", \"state\": \"done\", \"error\": null}]},"
    "{\"name\": \"broken.example.org\", \"condition\": \"expired\","
    "  \"not_after\": 1795200000,"
    "  \"next\": {\"action\": \"retry\", \"at\": 1795300540}, \"run\": null,"
    "  \"error\": {\"kind\": \"transient\", \"code\": \"dns:timeout\","
    "    \"msg\": \"" LONG_ERROR "\", \"at\": 1795299000}},"
    "{\"name\": \"a-very-long-name-that-nobody-would-choose-but-somebody-"
    "did.department.subsidiary.example.net\", \"condition\": \"missing\","
    "  \"next\": {\"action\": \"running\", \"at\": null},"
    "  \"run\": {\"step\": \"authorize\", \"started_at\": 1795299990,"
    "    \"msg\": \"waiting\"}},"
    "{\"name\": \"x.example\", \"condition\": \"not deployed\","
    "  \"not_after\": 1803076000,"
    "  \"next\": {\"action\": \"deploy\", \"at\": 1795300600}, \"run\": null,"
    "  \"error\": null, \"deploy\": [{\"name\": \"postfix\","
    "    \"state\": \"running\", \"error\": \"exited with " LONG_WORD "\"}]},"
    "{\"name\": \"stuck.example\", \"condition\": \"missing\","
    "  \"next\": {\"action\": \"none\", \"at\": null}, \"run\": null,"
    "  \"error\": {\"msg\": \"short\"}}"
    "],"
    "\"cleanup\": ["
    "{\"cert\": \"example.com\", \"provider\": \"aliyun\","
    "  \"name\": \"_acme-challenge.example.com\", \"state\": \"removing\","
    "  \"next_at\": 1795300600, \"error\": \"" LONG_ERROR "\"},"
    "{\"cert\": \"b\", \"provider\": \"p\", \"name\": \"_acme-challenge.b\","
    "  \"state\": \"removing\", \"next_at\": 0, \"error\": null},"
    "{\"cert\": \"c\", \"provider\": \"p\", \"name\": \"_acme-challenge.c\","
    "  \"state\": \"added\"}],"
    "\"http_files\": ["
    "{\"cert\": \"b\", \"path\": \"/srv/www/t1\", \"state\": \"removing\","
    "  \"next_at\": 1795300600, \"error\": \"" LONG_ERROR "\"},"
    "{\"cert\": \"b\", \"path\": \"/srv/www/t2\", \"state\": \"in use\"}],"
    "\"notify\": ["
    "{\"name\": \"chat\", \"state\": \"ok\", \"queued\": 0,"
    "  \"error\": null},"
    "{\"name\": \"ops\", \"state\": \"failing\", \"queued\": 2,"
    "  \"next_at\": 1795300600, \"error\": {\"msg\": \"" LONG_ERROR
    "\"}}]}";

static const char cert_text[] =
    "{\"name\": \"example.com\", \"names\": [\"example.com\","
    "  \"*.example.com\", \"" LONG_WORD ".example.com\"],"
    "\"condition\": \"failing\", \"ok\": false,"
    "\"serial\": \"03af\", \"issuer\": \"R11\","
    "\"not_before\": 1795300000, \"not_after\": 1803076000,"
    "\"next\": {\"action\": \"renew\", \"at\": 1800484000}, \"run\": null,"
    "\"failures\": 2, \"error\": {\"kind\": \"rejected\","
    "  \"code\": \"acme:caa\", \"msg\": \"" LONG_ERROR "\","
    "  \"at\": 1795299000},"
    "\"deploy\": [{\"name\": \"nginx\", \"state\": \"failed\","
    "  \"at\": 1795299000, \"next_at\": 1795300600, \"error\": \"no\"}],"
    "\"account\": \"letsencrypt\", \"provider\": \"aliyun\","
    "\"challenges\": [\"dns-01\", \"http-01\"],"
    "\"key\": \"ec256\", \"live_dir\": \"/var/lib/acmed/live/example.com\","
    "\"steps\": [{\"at\": 1795299000, \"step\": \"order\","
    "  \"level\": \"info\", \"msg\": \"begun\"},"
    "{\"at\": 1795299001, \"step\": \"authorize\", \"level\": \"warning\","
    "  \"msg\": \"" LONG_ERROR "\"}]}";

static struct term
plain_term(size_t width, FILE *out)
{
	return (struct term){ .out = out, .width = width, .is_utf8 = true };
}

static json_t *
parse(const char *text)
{
	struct error err;
	json_t *j = jsonx_parse(text, strlen(text), &err);

	if (j == NULL)
		fail_msg("%s", err.msg);
	return j;
}

typedef void print_fn(const struct term *, const json_t *, time_t);

static void
status_print(const struct term *t, const json_t *status, time_t now)
{
	struct status_table *table = status_table_new();
	const json_t *cert;
	size_t i;

	json_array_foreach(json_object_get(status, "certificates"), i, cert)
		status_table_add(table, cert, false);
	status_table_print(table, t, status, now);
	status_table_free(table);
}

/* The output as a string; every line is checked against the width. */
static char *
printed(print_fn *print, const char *text, size_t width)
{
	json_t *j = parse(text);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct term t = plain_term(width, f);

	print(&t, j, NOW);
	(void)fclose(f);
	json_decref(j);
	assert_null(strchr(out, '\033'));
	for (char *s = out, *nl; width != 0 && (nl = strchr(s, '\n')) != NULL;
	    s = nl + 1) {
		char *line = xstrndup(s, (size_t)(nl - s));

		if (term_columns(line) > width ||
		    (*line != '\0' && line[strlen(line) - 1] == ' '))
			fail_msg("%zu: \"%s\"", width, line);
		free(line);
	}
	return out;
}

static void
assert_has(const char *out, const char *want)
{
	if (strstr(out, want) == NULL)
		fail_msg("no \"%s\" in:\n%s", want, out);
}

/* Names beyond ASCII, as people read them, and as wide as they are. */
static void
test_unicode(void **state)
{
	static const char text[] = "{\"certificates\": ["
	    "{\"name\": \"xn--bcher-kva.example\","
	    "  \"names\": [\"xn--bcher-kva.example\", \"*.plain.example\"],"
	    "  \"condition\": \"valid\", \"ok\": true},"
	    "{\"name\": \"xn--fsqu00a.xn--0zwm56d\","
	    "  \"condition\": \"valid\", \"ok\": true},"
	    "{\"name\": \"xn--a.example\","
	    "  \"condition\": \"valid\", \"ok\": true}]}";
	json_t *j = parse(text);
	char *out = printed(status_print, text, 80), *one = NULL;
	size_t len;
	FILE *f = open_memstream(&one, &len);
	struct term t = plain_term(0, f);

	assert_has(out, "NAME            STATE");
	assert_has(out, "b\xc3\xbc" "cher.example  valid");
	assert_has(out, "\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95"
	    "       valid");
	assert_has(out, "xn--a.example   valid");
	free(out);
	status_print_cert(&t, json_array_get(json_object_get(j,
	    "certificates"), 0), NOW);
	t.is_utf8 = false;
	status_print(&t, j, NOW);
	(void)fclose(f);
	assert_has(one, "b\xc3\xbc" "cher.example (xn--bcher-kva.example), "
	    "*.plain.example\n");
	assert_has(one, "\nxn--bcher-kva.example    valid");
	free(one);
	json_decref(j);
}

static void
test_widths(void **state)
{
	static const size_t widths[] = { 40, 57, 80, 81, 120, 200, 0 };

	for (size_t i = 0; i < N_ELEMENTS(widths); i++) {
		char *out = printed(status_print, status_text, widths[i]);

		assert_has(out, "example.com");
		assert_has(out, "stuck.example");
		assert_has(out, "_acme-challenge.b \"");
		assert_has(out, "2 TXT records are still");
		assert_has(out, "1 challenge file is still");
		assert_has(out, "/srv/www/t1 of b");
		assert_null(strstr(out, "/srv/www/t2"));
		assert_null(strstr(out, "_acme-challenge.c"));
		free(out);
		free(printed(status_print_cert, cert_text, widths[i]));
	}
}

static void
test_table_80(void **state)
{
	char *out = printed(status_print, status_text, 80);

	assert_has(out, "NAME  ");
	assert_has(out, "\xe2\x80\xa6");
	assert_has(out, "expired       1d 3h ago   retry in 9m\n"
	    "    authorize: _acme-challenge.broken.example.org: "
	    "ns2.example.org");
	assert_has(out, "missing       -           now: authorize\n");
	assert_has(out, "not deployed  90d         deploy in 10m\n"
	    "    deploy postfix: exited with");
	assert_has(out, "valid         90d         renew in 60d\n");
	assert_has(out, "\nconfiguration: ");
	free(out);
}

/* To a file or a pipe: one line for each certificate, nothing cut. */
static void
test_table_unlimited(void **state)
{
	char *out = printed(status_print, status_text, 0);
	size_t lines = 0;

	assert_has(out, "somebody-did.department.subsidiary.example.net");
	assert_has(out, LONG_ERROR "\n");
	for (const char *s = out; (s = strchr(s, '\n')) != NULL; s++)
		lines++;
	/* Head and 5 rows, an empty line, head and 2 records, an empty line,
	   head and a file, an empty line, a channel, an empty line, the
	   mistake, an empty line, the summary. */
	assert_int_equal(lines, 1 + 5 + 1 + 3 + 1 + 2 + 1 + 1 + 1 + 1 + 2);
	free(out);
}

/* What is urgent comes first, of that what ends first; and it is counted. */
static void
test_urgency(void **state)
{
	static const char text[] = "{\"certificates\": ["
	    "{\"name\": \"a\", \"condition\": \"valid\", \"ok\": true,"
	    "  \"not_after\": 1803076000,"
	    "  \"next\": {\"action\": \"renew\", \"at\": 1800484000}},"
	    "{\"name\": \"b\", \"condition\": \"valid\", \"ok\": true,"
	    "  \"not_after\": 1803075000, \"paused\": {\"until\": null},"
	    "  \"next\": {\"action\": \"paused\", \"at\": null}},"
	    "{\"name\": \"c\", \"condition\": \"failing\","
	    "  \"not_after\": 1803076000,"
	    "  \"next\": {\"action\": \"retry\", \"at\": 1795303600}},"
	    "{\"name\": \"d\", \"condition\": \"failing\","
	    "  \"not_after\": 1795400000,"
	    "  \"next\": {\"action\": \"retry\", \"at\": 1795307200}},"
	    "{\"name\": \"e\", \"condition\": \"missing\", \"run\": {}},"
	    "{\"name\": \"f\", \"condition\": \"of a later acmed\"},"
	    "{\"name\": \"g\", \"condition\": \"expired\","
	    "  \"not_after\": 1795200000}]}";
	char *out = printed(status_print, text, 0), order[8] = "";
	const char *s = out;

	for (size_t i = 0; i < 7; i++) {
		s = strchr(s, '\n') + 1;
		order[i] = *s;
	}
	assert_string_equal(order, "gdcfeba");
	assert_has(out, "\n\n7 certificates: 1 valid, 1 expired, 2 failing, "
	    "1 other, 1 renewing, 1 paused; next attempt c in 1h 0m\n");
	free(out);
}

/* As many lines as there are, whatever there is to tell, each as wide as the
 * terminal at most, and what has no room is counted. */
static void
test_paint(void **state)
{
	static const struct { size_t width, height; } sizes[] = {
		{ 80, 23 }, { 80, 14 }, { 130, 40 }, { 40, 30 }, { 40, 10 },
	};
	json_t *j = parse(status_text);
	const json_t *cert;
	size_t i;

	for (size_t n = 0; n < N_ELEMENTS(sizes); n++) {
		struct status_table *table = status_table_new();
		char *out = NULL;
		size_t len, lines = 0;
		struct term t = plain_term(sizes[n].width,
		    open_memstream(&out, &len));

		t.is_tty = true;
		t.height = sizes[n].height;
		json_array_foreach(json_object_get(j, "certificates"), i, cert)
			status_table_add(table, cert, false);
		/* An event of the first: it stays one row. */
		status_table_add(table, json_array_get(json_object_get(j,
		    "certificates"), 0), true);
		assert_int_equal(status_table_count(table), 5);
		status_table_paint(table, &t, j, NOW);
		(void)fclose(t.out);
		assert_int_equal(strncmp(out, "5 certificates: 1 valid, ",
		    25), 0);
		for (char *s = out, *nl; (nl = strchr(s, '\n')) != NULL;
		    s = nl + 1, lines++) {
			*nl = '\0';
			if (term_columns(s) > sizes[n].width)
				fail_msg("%zu: \"%s\"", sizes[n].width, s);
		}
		if (lines > sizes[n].height)
			fail_msg("%zu lines of %zu", lines, sizes[n].height);
		free(out);
		status_table_free(table);
	}
	json_decref(j);
}

static void
test_bar(void **state)
{
	static const struct {
		struct bar bar; time_t now; bool lines; const char *want;
	} cases[] = {
		{ { 1000, 2000, 0 }, 1000, false, "----------" },
		{ { 1000, 2000, 1700 }, 1500, false, "#####--|--" },
		{ { 1000, 2000, 1200 }, 1500, false, "##|##-----" },
		{ { 1000, 2000, 1700 }, 2000, false, "#######|##" },
		{ { 1000, 2000, 2000 }, 9999, false, "##########" },
		/* The clock was set back. */
		{ { 1000, 2000, 500 }, 1, false, "----------" },
		{ { 0, 0, 0 }, 1500, false, "          " },
		{ { 1000, 2000, 1500 }, 1100, true, "\xe2\x94\x81"
		    "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
		    "\xe2\x94\xbc\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
		    "\xe2\x94\x80" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *out = NULL;
		size_t len;
		struct term t = plain_term(80, open_memstream(&out, &len));

		t.has_lines = cases[i].lines;
		bar_print(&t, TERM_GOOD, &cases[i].bar, 10, cases[i].now);
		(void)fclose(t.out);
		assert_string_equal(out, cases[i].want);
		free(out);
	}
}

static void
test_stacked(void **state)
{
	char *out = printed(status_print, status_text, 40);

	assert_null(strstr(out, "NAME"));
	assert_has(out, "example.com\n  valid, expires in 90d; renew in 60d\n");
	assert_has(out, "\n  missing; now: authorize\n");
	assert_has(out, "\n  expired 1d 3h ago; retry in 9m\n");
	free(out);
}

static void
test_no_certificates(void **state)
{
	char *out = printed(status_print, "{\"certificates\": [],"
	    "\"config\": {\"file\": \"/etc/a/acmed.conf\"}}", 80);

	assert_has(out, "/etc/a/acmed.conf");
	assert_has(out, "/etc/a/conf.d/");
	free(out);
	/* Of another daemon, or none at all: nothing to fall over. */
	free(printed(status_print, "{}", 80));
	free(printed(status_print, "{\"certificates\": [1, {}, null],"
	    "\"cleanup\": [3, {}], \"config\": []}", 80));
	free(printed(status_print_cert, "{\"names\": [1, {}], \"deploy\": [1],"
	    "\"steps\": [null, 5], \"error\": 4, \"next\": []}", 80));
}

static void
test_details(void **state)
{
	char *out = printed(status_print_cert, cert_text, 80);

	assert_has(out, "  account     letsencrypt\n");
	assert_has(out, "  challenge   dns-01, http-01\n");
	assert_has(out, "  next        renew in 60d (2027-01-20 ");
	assert_has(out, "  failures    2\n");
	assert_has(out, "acme:caa (rejected), 16m ago");
	assert_has(out, "nginx: failed, 16m ago, again in 10m: no\n");
	assert_has(out, "\nLast steps\n  11-");
	free(out);
}

/* A zone file: what is no record is a comment, whatever the daemon says. */
static void
test_persist(void **state)
{
	static const char text[] = "{\"certificate\": \"web\", \"configured\": "
	    "false, \"account\": \"le\", \"account_url\": \"https://ca/1\","
	    "\"records\": [{\"name\": \"_validation-persist.a.test\","
	    "\"for\": [\"a.test\", \"*.a.test\"], \"state\": \"missing\","
	    "\"why\": \"is not\\nthere\", \"provider\": \"dns\","
	    "\"line\": \"_validation-persist.a.test. 3600 IN TXT \\\""
	    LONG_WORD "\\\"\"}, {\"for\": [\"b.test\"], \"state\": "
	    "\"right\", \"why\": null, \"until\": 1795386400, \"action\": "
	    "\"written\", \"alias\": \"b.acme.test\", \"line\": \"L2\","
	    "\"error\": {\"msg\": \"oops\"}}]}";
	static const char *const right = "{\"records\": [{\"state\": "
	    "\"right\"}]}";
	char *out = printed(persist_print, text, 0);
	json_t *j = parse(text), *ok = parse(right);

	assert_non_null(strstr(out, "\n; a.test, *.a.test: missing, the "
	    "record is not there\n_validation-persist.a.test. 3600 IN TXT "
	    "\"" LONG_WORD "\"\n"));
	assert_non_null(strstr(out, "; b.test: right, ends in 1d"));
	assert_non_null(strstr(out, "(written)\n; oops\n; it is an alias: "
	    "the record belongs to b.acme.test\nL2\n"));
	assert_non_null(strstr(out, "acmectl persist --write web"));
	assert_non_null(strstr(out, "challenge = \"dns-persist-01\""));
	assert_true(persist_is_bad(j, false));
	assert_true(persist_is_bad(j, true));
	assert_false(persist_is_bad(ok, false));
	free(out);
	free(printed(persist_print, "{}", 80));
	free(printed(persist_print, "{\"records\": [1, {\"for\": 1}]}", 80));
	json_decref(j);
	json_decref(ok);
}

static void
test_persist_until(void **state)
{
	static const struct { const char *text; time_t want; } cases[] = {
		{ "365d", NOW + 365 * 86400 },
		{ "1h", NOW + 3600 },
		{ "2027-12-31", 1830297599 },
		{ "2026-11-22", 1795391999 },
		{ "2026-11-20", -1 },
		{ "2027-02-31", -1 },
		{ "2027-1-1", -1 },
		{ "2027-12-31x", -1 },
		{ "tomorrow", -1 },
		{ "0", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		time_t until = -1;
		int rc = persist_parse_until(cases[i].text, NOW, &until);

		if (until != cases[i].want || (rc == 0) !=
		    (cases[i].want != -1))
			fail_msg("%s: %d %ld", cases[i].text, rc,
			    (long)until);
	}
}

static void
test_is_bad(void **state)
{
	static const struct { const char *cert; bool bad; } cases[] = {
		{ "{\"condition\": \"valid\", \"ok\": true}", false },
		{ "{\"condition\": \"rolled back\", \"ok\": true}", false },
		{ "{\"condition\": \"renewing\", \"ok\": false}", true },
		{ "{}", true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		json_t *j = parse(cases[i].cert);

		if (status_is_bad(j) != cases[i].bad)
			fail_msg("%s", cases[i].cert);
		json_decref(j);
	}
}

static void
test_shorten(void **state)
{
	static const struct {
		const char *s; size_t width; bool utf8; const char *want;
	} cases[] = {
		{ "short", 5, true, "short" },
		{ "abcdefghij", 9, true, "abcd\xe2\x80\xa6ghij" },
		{ "abcdefghij", 8, true, "abc\xe2\x80\xa6ghij" },
		{ "abcdefghij", 8, false, "abc..hij" },
		{ "abcdefghij", 1, true, "a" },
		{ "abcdefghij", 0, true, "" },
		/* Wide characters are not cut in two. */
		{ "\xe8\xaf\x81\xe4\xb9\xa6\xe8\xaf\x81\xe4\xb9\xa6", 7, true,
		    "\xe8\xaf\x81\xe2\x80\xa6\xe4\xb9\xa6" },
		{ "\xe8\xaf\x81\xe4\xb9\xa6\xe8\xaf\x81\xe4\xb9\xa6", 6, true,
		    "\xe8\xaf\x81\xe2\x80\xa6\xe4\xb9\xa6" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct term t = { .is_utf8 = cases[i].utf8 };
		char *s = term_shorten(&t, cases[i].s, cases[i].width);

		if (strcmp(s, cases[i].want) != 0)
			fail_msg("%s at %zu: %s", cases[i].s, cases[i].width,
			    s);
		free(s);
	}
}

static void
test_wrap(void **state)
{
	static const struct {
		size_t width, at; const char *s, *want;
	} cases[] = {
		{ 20, 0, "", "\n" },
		{ 20, 0, "one two", "one two\n" },
		{ 20, 0, "one two three four five six",
		    "one two three four\n  five six\n" },
		{ 20, 10, "one two three", "one two\n  three\n" },
		{ 20, 0, "12345678901234567890 12345678901234567890x",
		    "12345678901234567890\n  123456789012345678\n  90x\n" },
		/* Six wide ones fill twelve columns. */
		{ 12, 0, "\xe8\xaf\x81\xe8\xaf\x81\xe8\xaf\x81\xe8\xaf\x81"
		    "\xe8\xaf\x81\xe8\xaf\x81\xe8\xaf\x81",
		    "\xe8\xaf\x81\xe8\xaf\x81\xe8\xaf\x81\xe8\xaf\x81"
		    "\xe8\xaf\x81\xe8\xaf\x81\n  \xe8\xaf\x81\n" },
		{ 0, 99, "no limit at all, whatever comes", "no limit at all, "
		    "whatever comes\n" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *out = NULL;
		size_t len;
		FILE *f = open_memstream(&out, &len);
		struct term t = plain_term(cases[i].width, f);

		term_wrap(&t, TERM_BAD, cases[i].at, 2, cases[i].s);
		(void)fclose(f);
		assert_string_equal(out, cases[i].want);
		free(out);
	}
}

static void
test_colour(void **state)
{
	json_t *j = parse(status_text);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct term t = plain_term(80, f);

	t.has_colour = true;
	status_print(&t, j, NOW);
	(void)fclose(f);
	assert_has(out, "\033[32mvalid\033[0m");
	assert_has(out, "\033[31mexpired\033[0m");
	assert_has(out, "\033[33mnot deployed\033[0m");
	/* The daemon's own text never brings an escape. */
	assert_has(out, "unknown key  [31mnmaes");
	free(out);
	json_decref(j);
}

static char *
progress_of(const char *const *events, size_t n, size_t n_names, size_t width,
    bool is_tty)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct term t = plain_term(width, f);
	struct progress p;

	t.is_tty = is_tty;
	progress_init(&p, &t, n_names, 10);
	for (size_t i = 0; i < n; i++) {
		json_t *j = parse(events[i]);

		progress_event(&p, j);
		json_decref(j);
	}
	progress_summary(&p);
	progress_clear(&p);
	(void)fclose(f);
	return out;
}

static void
test_progress(void **state)
{
	static const char *const events[] = {
		"{\"at\": 1795300001, \"cert\": \"a.example\","
		    "\"step\": \"order\", \"level\": \"info\","
		    "\"msg\": \"2 names\\u001b[2J\"}",
		"{\"at\": 1795300002, \"cert\": \"a.example\","
		    "\"step\": \"deploy\", \"level\": \"notice\","
		    "\"msg\": \"renewed\", \"end\": true, \"ok\": true}",
		"{\"at\": 1795300002, \"cert\": \"b.example\","
		    "\"step\": \"order\", \"level\": \"error\","
		    "\"msg\": \"failed\", \"end\": true, \"ok\": false,"
		    "\"error\": {\"msg\": \"order: no\"},"
		    "\"next\": {\"action\": \"retry\", \"at\": 1795300540}}",
		"{}", "{\"cert\": 1, \"end\": true}",
	};
	char *out;

	clock_test_set(NOW);
	(void)setenv("TZ", "UTC", 1);
	tzset();
	out = progress_of(events, 1, 1, 80, true);
	assert_has(out, "[  0.0s] order      2 names [2J\n");
	assert_null(strchr(out, '\033'));
	free(out);
	out = progress_of(events, 1, 1, 0, false);
	assert_has(out, "22:26:41 order      2 names");
	free(out);
	out = progress_of(events, 3, 2, 80, true);
	assert_has(out, "[  0.0s] a.example   deploy     renewed\n");
	assert_has(out, "failed\n    order: no\n    next: retry in 9m (");
	assert_has(out, "1 renewed, 1 failed: b.example\n");
	free(out);
	free(progress_of(events, N_ELEMENTS(events), 0, 40, true));
	clock_test_set(0);
}

/* One line for each in its place, each no wider than the terminal, and what
 * failed in whole words at the end. */
static void
test_runs(void **state)
{
	static const char *const names[] = { "a.example", "b.example",
	    "xn--fsqu00a.xn--0zwm56d", "d.example" };
	static const char *const events[] = {
		"{\"cert\": \"a.example\", \"step\": \"order\","
		    "\"msg\": \"begun\"}",
		"{\"cert\": \"b.example\", \"step\": \"authorize\","
		    "\"msg\": \"" LONG_ERROR " (2 of 3 do)\"}",
		"{\"cert\": \"a.example\", \"step\": \"deploy\","
		    "\"msg\": \"done\\u001b[2J\", \"end\": true,"
		    "\"ok\": true}",
		"{\"cert\": \"d.example\", \"step\": \"order\","
		    "\"msg\": \"failed\", \"end\": true, \"ok\": false,"
		    "\"error\": {\"msg\": \"" LONG_ERROR "\"},"
		    "\"next\": {\"action\": \"retry\","
		    "  \"at\": 1795300540}}",
		/* It has ended; of nobody; nothing at all. */
		"{\"cert\": \"d.example\", \"msg\": \"late\"}",
		"{\"cert\": \"z.example\", \"msg\": \"z\"}", "{}",
	};
	char *out = NULL, *last, *end;
	size_t len, lines = 0;
	struct term t = plain_term(80, open_memstream(&out, &len));
	struct runs *r;

	clock_test_set(NOW);
	t.is_tty = t.has_cursor = t.has_lines = true;
	r = runs_new(&t, names, N_ELEMENTS(names));
	for (size_t i = 0; i < N_ELEMENTS(events); i++) {
		json_t *j = parse(events[i]);

		runs_event(r, j);
		json_decref(j);
	}
	runs_tick(r);
	runs_end(r);
	runs_free(r);
	(void)fclose(t.out);
	clock_test_set(0);
	assert_null(strstr(out, "\033[2J"));
	/* The last time that it was written. */
	last = out;
	for (char *s = out; (s = strstr(s, "\033[5A\r")) != NULL; s++)
		last = s;
	assert_ptr_not_equal(last, out);
	end = strstr(last, "\033[J");
	assert_non_null(end);
	*end = '\0';
	for (char *s = last, *nl; (nl = strchr(s, '\n')) != NULL;
	    s = nl + 1, lines++) {
		*nl = '\0';
		s = strstr(s, "\033[K") + 3;
		if (term_columns(s) > 80)
			fail_msg("\"%s\"", s);
		if (lines == 0)
			assert_has(s, "\xe2\x9c\x93 a.example");
		else if (lines == 1)
			assert_has(s, "(2 of 3 do)");
		else if (lines == 2)
			assert_has(s, "\xe4\xbe\x8b\xe5\xad\x90.");
		else if (lines == 4)
			assert_has(s, "1 of 4 done, 1 failed, ");
	}
	assert_int_equal(lines, 5);
	assert_has(end + 1, "d.example\n  authorize: ");
	assert_has(end + 1, "\n  next: retry in 9m (");
	free(out);
}

static void
test_check_lines(void **state)
{
	static const char *const lines[] = {
		"{\"cert\": \"a\", \"name\": null, \"check\": \"directory\", "
		"\"result\": \"ok\", \"msg\": \"the CA answers\"}",
		"{\"cert\": \"a\", \"name\": \"a.test\", \"check\": \"caa\", "
		"\"result\": \"fail\", \"msg\": \"no\\u001b[2J\", \"fix\": "
		"\"add this\"}",
		"{\"cert\": \"a\", \"name\": \"a.test\", \"check\": \"probe\", "
		"\"result\": \"warn\", \"msg\": \"hm\"}",
		"{\"cert\": \"a\", \"end\": true, \"ok\": false, "
		"\"warnings\": 1, \"failures\": 1}",
		"{\"cert\": \"b\", \"result\": \"new\"}", "{}",
		"{\"cert\": \"b\", \"end\": true, \"ok\": true}",
	};
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	struct term t = plain_term(80, f);
	struct check c;

	check_init(&c, &t);
	for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
		json_t *j = parse(lines[i]);

		check_count(&c, j);
		check_print(&c, j);
		json_decref(j);
	}
	check_summary(&c);
	(void)fclose(f);
	assert_string_equal(out,
	    "certificate a\n"
	    "  ok    directory   the CA answers\n"
	    "a.test\n"
	    "  FAIL  caa         no [2J\n"
	    "                    -> add this\n"
	    "  warn  probe       hm\n"
	    "\n"
	    "certificate b\n"
	    "  ?     ?           ?\n"
	    "\n"
	    "1 failure, 1 warning: a renewal of 1 of 2 certificates would "
	    "fail\n");
	assert_int_equal(c.n_bad, 1);
	assert_null(c.error);
	check_clear(&c);
	free(out);
}

/* A name of a profile may have a dot. */
static void
test_account_profiles(void **state)
{
	json_t *j = json_pack("{s:s, s:{s:s, s:s, s:n}}", "status", "valid",
	    "profiles", "tls.server", "90 days", "classic", "the \033usual",
	    "bare");
	char *out = NULL;
	size_t len;
	struct options o = {
		.out = plain_term(80, open_memstream(&out, &len)) };

	assert_non_null(j);
	account_print(&o, j);
	(void)fclose(o.out.out);
	assert_has(out, "tls.server: 90 days\n");
	assert_has(out, "classic: the ");
	assert_has(out, " bare\n");
	assert_null(strchr(out, '\033'));
	free(out);
	json_decref(j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unicode),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_table_80),
		cmocka_unit_test(test_table_unlimited),
		cmocka_unit_test(test_urgency),
		cmocka_unit_test(test_paint),
		cmocka_unit_test(test_bar),
		cmocka_unit_test(test_stacked),
		cmocka_unit_test(test_no_certificates),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_persist),
		cmocka_unit_test(test_persist_until),
		cmocka_unit_test(test_is_bad),
		cmocka_unit_test(test_shorten),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_check_lines),
		cmocka_unit_test(test_account_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
