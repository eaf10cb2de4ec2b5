/* SPDX-License-Identifier: MIT */
/*
 * source - reads the files of another ACME client.  It is hostile: acmectl
 * reads them as root, and they may be somebody else's.  So a file is only
 * believed if it belongs to whom the source's directory belongs to, not every
 * user can write to it, it is regular, and it is not long.  Where links lead
 * does not matter then: what another user owns is not read through them.
 */
#ifndef CTL_IMPORT_SOURCE_H
#define CTL_IMPORT_SOURCE_H

#include <sys/types.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

struct source {
	char	*dir;		/* absolute, without a final slash */
	uid_t	 uid;		/* of its owner */
};

enum { SOURCE_FILE_MAX = 64 * 1024 };	/* bytes; keys and chains are less */

/* ERR_CONFIG "import:source" says what is wrong with dir. */
int	source_open(struct source *, const char *dir, struct error *);
void	source_close(struct source *);

/* A path in the source: "a/b", or an absolute one as it is; the caller
 * frees. */
char	*source_path(const struct source *, const char *path);
/*
 * The whole text of a file, at most SOURCE_FILE_MAX, without NUL bytes; the
 * caller frees it with freezero_str().  NULL and ERR_CONFIG: "file:missing",
 * "import:owner", or another.
 */
char	*source_read(const struct source *, const char *path, struct error *);
/* The same, as a JSON object; the error shows nothing of it. */
json_t	*source_json(const struct source *, const char *path, struct error *);
bool	 source_has(const struct source *, const char *path);
/*
 * The names in a directory that end in suffix ("" for all) and do not begin
 * with a dot, sorted, a NULL at the end; at most max, more are an error.  A
 * directory that is not there is empty.  The caller frees with
 * source_list_free().
 */
char	**source_list(const struct source *, const char *path,
	    const char *suffix, size_t max, struct error *);
void	 source_list_free(char **);

#endif
