/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "tests/unit/scratch.h"

#include <ftw.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/text.h"

void
scratch_make(struct scratch *s)
{
	const char *tmp = getenv("TMPDIR");

	assert_true(text_printf(s->dir, sizeof(s->dir), "%s/acmed-test-XXXXXX",
	    tmp != NULL ? tmp : "/tmp"));
	assert_non_null(mkdtemp(s->dir));
}

static int
remove_cb(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void
scratch_remove(struct scratch *s)
{
	assert_int_equal(nftw(s->dir, remove_cb, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
scratch_path(struct scratch *s, const char *fmt, ...)
{
	char sub[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sub, sizeof(sub), fmt, ap);
	va_end(ap);
	assert_true(text_printf(s->path, sizeof(s->path), "%s/%s", s->dir,
	    sub));
	return s->path;
}

void
scratch_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

size_t
scratch_count(struct scratch *s, const char *pattern)
{
	glob_t g;
	size_t n;
	int rc = glob(scratch_path(s, "%s", pattern), 0, NULL, &g);

	assert_true(rc == 0 || rc == GLOB_NOMATCH);
	n = rc == 0 ? g.gl_pathc : 0;
	globfree(&g);
	return n;
}

mode_t
scratch_mode(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

void
scratch_limit(unsigned long bytes)
{
	struct rlimit rl;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = (rlim_t)bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}
