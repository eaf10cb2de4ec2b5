/* SPDX-License-Identifier: MIT */
/*
 * secret_file - secrets that are in files of their own.  They are read with the
 * configuration, and again before they are used when the file has changed, so
 * that a new password needs no reload.
 */
#ifndef DAEMON_CONFIG_SECRET_FILE_H
#define DAEMON_CONFIG_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct secret_file;

/* All zero: none. */
struct secret_files {
	struct secret_file *first;
};

/*
 * Read the file, of at most max bytes, into *slot, which must be NULL, is the
 * caller's to wipe and free, and must stay where it is.  A text may have many
 * lines (file_read_private()); else it is file_read_secret()'s.
 */
int	secret_files_add(struct secret_files *, char **slot, const char *path,
	    size_t max, bool is_text, struct error *);
/*
 * Read what has changed since.  What was in a slot stays valid for
 * two hours: an operation may still use it.  A file that is gone
 * changes nothing.  One that cannot be read, or with which check (NULL: none)
 * fails, is an error; the slot keeps what it has, and the next look tries
 * again.
 * NULL is allowed.
 */
int	secret_files_look(struct secret_files *,
	    int (*check)(const void *arg, struct error *), const void *arg,
	    struct error *);
/* Wipes what is not in a slot any more.  NULL is allowed. */
void	secret_files_clear(struct secret_files *);

#endif
