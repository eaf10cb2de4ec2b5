/* SPDX-License-Identifier: MIT */
/*
 * fuzz_import_tree - a directory of another ACME client, which acmectl reads as
 * root.  The first line is the client, and then come files: a line "== PATH",
 * the text.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "tests/fuzz/fuzz.h"

#define FILES_MAX 12
#define MARK "\n== "

static const struct {
	const char	*name;
	reader_fn	*read;
} clients[] = {
	{ "acme.sh", read_acmesh }, { "caddy", read_caddy },
	{ "certbot", read_certbot }, { "dehydrated", read_dehydrated },
	{ "lego", read_lego }, { "uacme", read_uacme },
};

static char *files[FILES_MAX];
static size_t n_files;

/* "a/b/c" below the folder, and nowhere else. */
static bool
is_below(const char *path)
{
	return path[0] != '\0' && path[0] != '/' && strlen(path) < 200 &&
	    strstr(path, "..") == NULL && strstr(path, "//") == NULL &&
	    path[strlen(path) - 1] != '/';
}

static void
put(const char *dir, const char *path, const char *text)
{
	char *whole = xasprintf("%s/%s", dir, path);
	int fd;

	for (char *p = whole + strlen(dir) + 1; (p = strchr(p, '/')) != NULL;
	    p++) {
		*p = '\0';
		(void)mkdir(whole, 0700);
		*p = '/';
	}
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1) {
		free(whole);
		return;
	}
	if (file_write_all(fd, text, strlen(text)) == -1)
		abort();
	(void)close(fd);
	files[n_files++] = whole;
}

/* With the folders that are empty then. */
static void
take_away(const char *dir)
{
	while (n_files > 0) {
		char *path = files[--n_files], *slash;

		(void)unlink(path);
		while ((slash = strrchr(path, '/')) != NULL &&
		    (size_t)(slash - path) > strlen(dir)) {
			*slash = '\0';
			if (rmdir(path) == -1)
				break;
		}
		free(path);
	}
}

/* What is kept of it is for a configuration and for people. */
static void
check_text(const char *s)
{
	for (; s != NULL && *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			abort();
	}
}

static void
check(const struct import *plan)
{
	for (size_t i = 0; i < plan->n_certs; i++) {
		const struct import_cert *c = &plan->certs[i];

		check_text(c->skipped);
		if (c->skipped != NULL)
			continue;
		check_text(c->name);
		if (c->key_pem == NULL || c->chain_pem == NULL)
			abort();
	}
	for (size_t i = 0; i < plan->n_notes; i++)
		check_text(plan->notes[i].text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char dir[64];
	char *text = xstrndup((const char *)data, size);
	char *at = strstr(text, MARK), *next;
	struct import plan = { .program = "fuzz" };
	struct reader_args args = { .dir = dir };
	struct error err;

	if (dir[0] == '\0') {
		(void)text_printf(dir, sizeof(dir), "%s/fuzz.XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		if (mkdtemp(dir) == NULL)
			abort();
	}
	for (; at != NULL && n_files < FILES_MAX; at = next) {
		char *path = at + strlen(MARK), *body = strchr(path, '\n');

		*at = '\0';
		if (body == NULL)
			break;
		*body++ = '\0';
		if ((next = strstr(body, MARK)) != NULL)
			next[1] = '\0';
		if (is_below(path))
			put(dir, path, body);
		if (next != NULL)
			next[1] = '=';
	}
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		if (strcmp(clients[i].name, text) == 0 &&
		    clients[i].read(&plan, &args, &err) == 0)
			check(&plan);
	}
	import_clear(&plan);
	take_away(dir);
	free(text);
	return 0;
}
