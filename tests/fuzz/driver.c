/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer.  Arguments are files and folders of
 * files; without any, fuzz_NAME takes $srcdir/tests/fuzz/corpus/NAME.
 */
#include <dirent.h>
#include <err.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1024 * 1024)

static unsigned n_inputs;

static void
run_file(const char *path)
{
	uint8_t *buf = xmalloc(INPUT_MAX), *input;
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL)
		err(1, "%s", path);
	len = fread(buf, 1, INPUT_MAX, f);
	if (ferror(f))
		err(1, "%s", path);
	(void)fclose(f);
	/* A block of just its size, so that one byte too far is noticed. */
	input = xmemdup(buf, len);
	free(buf);
	if (LLVMFuzzerTestOneInput(input, len) != 0)
		errx(1, "%s: the target did not return 0", path);
	free(input);
	n_inputs++;
}

static void
run_path(const char *path)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (stat(path, &st) == -1)
		err(1, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	if ((dir = opendir(path)) == NULL)
		err(1, "%s", path);
	while ((entry = readdir(dir)) != NULL) {
		char *name;

		if (entry->d_name[0] == '.')
			continue;
		name = xasprintf("%s/%s", path, entry->d_name);
		run_file(name);
		free(name);
	}
	(void)closedir(dir);
}

static char *
own_corpus(char *argv0)
{
	const char *srcdir = getenv("srcdir"), *name = basename(argv0);

	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	return xasprintf("%s/tests/fuzz/corpus/%s",
	    srcdir == NULL ? "." : srcdir, name);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		char *corpus = own_corpus(argv[0]);

		run_path(corpus);
		free(corpus);
	}
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%u inputs\n", n_inputs);
	return n_inputs == 0;
}
