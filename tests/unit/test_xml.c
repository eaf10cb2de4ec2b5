/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/xml.h"

static const char sample[] =
    "<?xml version=\"1.0\"?>\n<!-- <Zone><Name>no</Name></Zone> -->"
    "<List xmlns='https://x.test/'>\n"
    " <Zone kind=\"a>b\" Id = 'q&quot;1'><Name>example.test.</Name>"
    "<Empty/><Config><Private>false</Private></Config></Zone>\n"
    " <Zones>not one</Zones>"
    " <Zone><Name>a &amp;&lt;&gt;&quot;&apos; &#65;&#x42;&#xe9;"
    "<![CDATA[<&>]]><!-- x -->.</Name></Zone>"
    "<Zone/></List>";

static void
test_sample(void **state)
{
	struct xml doc = xml_document(sample, strlen(sample)), list, z, e;
	char out[64];

	assert_true(xml_child(&doc, "List", &list));
	assert_true(xml_attr(&list, "xmlns", out, sizeof(out)));
	assert_string_equal(out, "https://x.test/");

	assert_true(xml_next(&list, "Zone", &z));
	assert_true(xml_attr(&z, "kind", out, sizeof(out)));
	assert_string_equal(out, "a>b");
	assert_true(xml_attr(&z, "Id", out, sizeof(out)));
	assert_string_equal(out, "q\"1");
	assert_false(xml_attr(&z, "id", out, sizeof(out)));
	assert_true(xml_text(&z, "Name", out, sizeof(out)));
	assert_string_equal(out, "example.test.");
	assert_true(xml_text(&z, "Private", out, sizeof(out)));
	assert_string_equal(out, "false");
	assert_true(xml_child(&z, "Empty", &e));
	assert_true(xml_text(&e, NULL, out, sizeof(out)));
	assert_string_equal(out, "");
	/* Not text, does not fit, not there. */
	assert_false(xml_text(&z, "Config", out, sizeof(out)));
	assert_false(xml_text(&z, "Name", out, strlen("example.test.")));
	assert_string_equal(out, "");
	assert_false(xml_text(&z, "Zones", out, sizeof(out)));

	assert_true(xml_next(&list, "Zone", &z));
	assert_true(xml_text(&z, "Name", out, sizeof(out)));
	assert_string_equal(out, "a &<>\"' AB\xc3\xa9<&>.");
	assert_true(xml_next(&list, "Zone", &z));
	assert_false(xml_text(&z, "Name", out, sizeof(out)));
	assert_false(xml_next(&list, "Zone", &z));
	assert_false(xml_next(&list, "Zone", &z));
}

static void
test_nested(void **state)
{
	static const char text[] = "<a>1<a>2</a><a/>3</a><a>4</a>";
	struct xml doc = xml_document(text, strlen(text)), e;
	char out[8];

	assert_true(xml_next(&doc, "a", &e));
	assert_int_equal(e.end - e.at, strlen("1<a>2</a><a/>3"));
	assert_true(xml_next(&doc, "a", &e));
	assert_true(xml_text(&e, NULL, out, sizeof(out)));
	assert_string_equal(out, "4");
	assert_false(xml_next(&doc, "a", &e));
}

/* None of these has an element x with text. */
static void
test_hostile(void **state)
{
	static const char *const bad[] = {
		"", "<", "<x", "<x>", "<x>y", "<x>y<", "<x>y</", "<x>y</x",
		"</x><x>y</x>", "<x a='>y</x>", "<x><x>y</x>", "<!--<x>y</x>",
		"<![CDATA[<x>y</x>", "<?<x>y</x>", "<?pi?", "<!-->", "<!",
		"<!DOCTYPE x [<!ENTITY e \"y\">]><x>&e;</x>", "<x>&e;</x>",
		"<x>&</x>", "<x>&amp</x>", "<x>&#0;</x>", "<x>&#;</x>",
		"<x>&#x;</x>", "<x>&#xd800;</x>", "<x>&#x110000;</x>",
		"<x>&#99999999999;</x>", "<x>&#12a;</x>", "<x>&#x</x>",
		"<x><y></x>", "<x>0123456789</x>", "< x>y</x>", "<X>y</X>",
		"<n:x>y</n:x>", "<x>a</y></x>", "<>y</>", "{\"x\":1}",
	};
	char out[8];

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		/* No NUL behind it: a reader beyond the end is seen. */
		size_t len = strlen(bad[i]);
		char *copy = malloc(len + (len == 0));
		struct xml doc;

		memcpy(copy, bad[i], len);
		doc = xml_document(copy, len);
		if (xml_text(&doc, "x", out, sizeof(out)))
			fail_msg("found \"%s\" in %s", out, bad[i]);
		assert_string_equal(out, "");
		free(copy);
	}
}

static void
test_hostile_attrs(void **state)
{
	static const char *const bad[] = { "<x a>", "<x a=>", "<x a=1>",
		"<x a='1>", "<x b a>", "<x b='1' a>", "<x a='&e;'>",
		"<x a='12345678'>", "<x ab='1'>", "<x ='1'>", "<x>" };
	char text[64], out[8];

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct xml doc, e;

		(void)snprintf(text, sizeof(text), "%s</x>", bad[i]);
		doc = xml_document(text, strlen(text));
		if (xml_next(&doc, "x", &e) &&
		    xml_attr(&e, "a", out, sizeof(out)))
			fail_msg("found \"%s\" in %s", out, bad[i]);
	}
}

/* Every prefix and every damaged byte of the sample, for the sanitizers. */
static void
test_damage(void **state)
{
	size_t len = strlen(sample);
	char out[64];

	for (size_t i = 0; i < 2 * len; i++) {
		size_t n = i < len ? i : len;
		char *copy = malloc(n + 1);
		struct xml doc, z, e;

		memcpy(copy, sample, n);
		if (i >= len)
			copy[i - len] = "<>&;'\"/\0"[i % 8];
		doc = xml_document(copy, n);
		if (i < len)
			assert_false(xml_child(&doc, "List", &e));
		while (xml_next(&doc, "Zone", &z)) {
			(void)xml_text(&z, "Name", out, sizeof(out));
			(void)xml_attr(&z, "kind", out, sizeof(out));
		}
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hostile_attrs),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
