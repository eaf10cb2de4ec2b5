/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/docker_list.h"
#include "daemon/deploy/docker_stream.h"
#include "daemon/deploy/tar.h"

static char said[1024];

static void
line_cb(const char *line, void *arg)
{
	size_t n = strlen(said);

	(void)snprintf(said + n, sizeof(said) - n, "%s|", line);
}

#define STREAM(text, max) (said[0] = '\0', docker_stream_read(text, \
    sizeof(text) - 1, max, line_cb, NULL))

/* A line may come in several frames, between those of the other output. */
static void
test_stream(void **state)
{
	assert_int_equal(STREAM("", 9), 0);
	assert_string_equal(said, "");
	assert_int_equal(STREAM("\1\0\0\0\0\0\0\3on" "e"
	    "\2\0\0\0\0\0\0\5bad\n\n" "\1\0\0\0\0\0\0\4\n\33[m"
	    "\1\0\0\0\0\0\0\0", 9), 0);
	assert_string_equal(said, "bad|one| [m|");
	assert_int_equal(STREAM("\1\0\0\0\0\0\0\6a\nb\nc\n", 2), 0);
	assert_string_equal(said, "a|b|");
	/* Cut inside a header, inside a frame; longer than memory; no frame */
	assert_int_equal(STREAM("\1\0\0\0\0\0\0\2a\n\1\0", 9), -1);
	assert_string_equal(said, "a|");
	assert_int_equal(STREAM("\1\0\0\0\0\0\0\7a\n", 9), -1);
	assert_int_equal(STREAM("\2\0\0\0\xff\xff\xff\xff" "a", 9), -1);
	assert_int_equal(STREAM("\3\0\0\0\0\0\0\1a", 9), -1);
	assert_int_equal(STREAM("hello, world\n", 9), -1);
	assert_string_equal(said, "");
}

/* The octal number at this offset of a header. */
static unsigned long
field(const char *header, size_t at)
{
	return strtoul(header + at, NULL, 8);
}

/* Sums that are wrong are refused by all readers (pax(1), ustar). */
static void
check_sum(const char *header)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
	assert_int_equal(field(header, 148), sum);
	assert_memory_equal(header + 257, "ustar\0" "00", 8);
	assert_int_equal(header[156], '0');
}

static void
test_tar(void **state)
{
	static const char zeros[2 * TAR_BLOCK];
	char data[TAR_BLOCK];
	struct tar t = { 0 };
	const char *second;

	memset(data, 'x', sizeof(data));
	tar_add(&t, &(struct tar_file){ .name = "key.pem", .data = data,
	    .len = 3, .mode = 0640, .uid = 101, .gid = 2097151,
	    .mtime = 86400 });
	tar_add(&t, &(struct tar_file){ .name = "full.pem", .data = data,
	    .len = sizeof(data), .mode = 0644 });
	tar_end(&t);
	assert_int_equal(t.len, 6 * TAR_BLOCK);
	check_sum(t.data);
	assert_string_equal(t.data, "key.pem");
	assert_int_equal(field(t.data, 100), 0640);
	assert_int_equal(field(t.data, 108), 101);
	assert_int_equal(field(t.data, 116), 2097151);
	assert_int_equal(field(t.data, 124), 3);
	assert_int_equal(field(t.data, 136), 86400);
	assert_memory_equal(t.data + TAR_BLOCK, "xxx\0", 4);
	second = t.data + 2 * TAR_BLOCK;
	check_sum(second);
	assert_string_equal(second, "full.pem");
	assert_int_equal(field(second, 124), TAR_BLOCK);
	assert_memory_equal(second + TAR_BLOCK, data, TAR_BLOCK);
	assert_memory_equal(second + 2 * TAR_BLOCK, zeros, sizeof(zeros));
	tar_clear(&t);
}

#define A "{\"Id\":\"aa11\",\"Names\":[\"/a\",\"/x/alias\"]," \
    "\"State\":\"running\"}"
#define B "{\"Id\":\"bb22\",\"Names\":[\"b.1\"],\"State\":\"exited\"}"
#define C "{\"Id\":\"cc33\",\"Names\":[],\"State\":\"running\"}"

static char *names[] = { (char *)"a", (char *)"b.1", NULL };
static char *none[] = { NULL };

/* What is found, as "PATH=NAME ", or the error; the caller frees nothing. */
static const char *
read_list(const struct conf_docker *k, const char *text)
{
	static char out[4096];
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	struct docker_list l = { 0 };
	struct error err;
	size_t n = 0;

	out[0] = '\0';
	if (docker_list_read(&l, k, json, &err) == -1)
		(void)snprintf(out, sizeof(out), "%d %s",
		    err.kind == ERR_CONFIG, err.msg);
	else
		for (size_t i = 0; i < l.n; i++)
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    "%s=%s ", l.boxes[i].path, l.boxes[i].name);
	docker_list_clear(&l);
	json_decref(json);
	return out;
}

static void
test_list(void **state)
{
	struct conf_docker k = { .socket = (char *)"/s", .containers = names,
	    .exec = none };
	char *filter = docker_list_filter(&k);

	assert_string_equal(filter,
	    "{\"name\":[\"^/?a$\",\"^/?b\\\\.1$\"]}");
	free(filter);
	assert_string_equal(read_list(&k, "[" B "," A "," C "]"),
	    "a=a b.1=b.1 ");
	assert_string_equal(read_list(&k, "[" A "]"), "1 /s: there is no "
	    "container \"b.1\" (docker ps -a lists them)");
	k.signal = (char *)"HUP";
	assert_string_equal(read_list(&k, "[" A "," B "]"), "0 container "
	    "\"b.1\" is not running (exited)");
	k.containers = none;
	k.label = (char *)"x=\"y\"";
	filter = docker_list_filter(&k);
	assert_string_equal(filter, "{\"label\":[\"x=\\\"y\\\"\"]}");
	free(filter);
	assert_string_equal(read_list(&k, "[" A "," B "," C "]"),
	    "aa11=a cc33=cc33 ");
	assert_string_equal(read_list(&k, "[" B "]"), "0 /s: no running "
	    "container has the label \"x=\"y\"\" (docker ps -a --filter "
	    "label=... lists them)");
	assert_string_equal(read_list(&k, "[]"), "1 /s: no container has the "
	    "label \"x=\"y\"\" (docker ps -a --filter label=... lists them)");
}

/* An ID goes into a path. */
static void
test_list_hostile(void **state)
{
	static const char *const answers[] = { "null", "{}", "[1]", "[{}]",
	    "[{\"Id\":\"../x\",\"Names\":[],\"State\":\"running\"}]",
	    "[{\"Id\":\"\",\"Names\":[],\"State\":\"running\"}]",
	    "[{\"Id\":\"aa\",\"Names\":[1],\"State\":\"running\"}]",
	    "[{\"Id\":\"aa\",\"Names\":{},\"State\":\"running\"}]",
	    "[{\"Id\":\"aa\",\"Names\":[],\"State\":1}]" };
	struct conf_docker k = { .socket = (char *)"/s", .containers = none,
	    .label = (char *)"x", .exec = none };
	char many[4096];
	size_t n;

	for (size_t i = 0; i < N_ELEMENTS(answers); i++)
		assert_string_equal(read_list(&k, answers[i]), "0 /s: the "
		    "answer is no list of containers");
	n = (size_t)snprintf(many, sizeof(many), "[" C);
	for (size_t i = 1; i < 51; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "," C);
	(void)snprintf(many + n, sizeof(many) - n, "]");
	assert_string_equal(read_list(&k, many), "1 /s: 51 containers have "
	    "the label \"x\"; allowed: 50");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_tar),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
