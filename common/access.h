/* SPDX-License-Identifier: MIT */
/*
 * access - why the user that runs this may not read a file, and the command
 * of root that mends it.
 */
#ifndef COMMON_ACCESS_H
#define COMMON_ACCESS_H

#include <stdbool.h>
#include <sys/stat.h>

struct stat;

/*
 * For a path that open(2) refused with EACCES: "user acmed cannot read PATH
 * (root:root, mode 0600): chgrp acmed PATH && chmod 0640 PATH", or the same
 * of the directory above it that is closed.  The caller frees.
 */
char	*access_fault(const char *path);

/*
 * The same for a program that may not be run: "PATH is not executable: chmod +x
 * PATH", or the rights or the mount that keep this user from it.
 */
char	*access_run_fault(const char *path);

/* May nobody but root and ourselves write to a file of this owner and mode? */
bool	access_is_trusted(const struct stat *);

/* "PATH (owner:group, mode 0644)".  The caller frees. */
char	*access_describe(const char *path, const struct stat *);

/*
 * The command that takes a file away from all other users ("chmod o-BITS"), but
 * not from this one.  The caller frees.
 */
char	*access_close(const char *path, const char *bits);

/*
 * NULL, or why a program that runs as root must not believe this file: others
 * than root can write it, or put another one in its place; with the command
 * that mends it.  NULL if we are not root.  The caller frees.  st is of
 * lstat(2).  folder begins as NULL and keeps, for the next file, which folder
 * has been found good; the caller frees that, too.
 */
char	*access_others(const char *path, const struct stat *st,
	    char **folder);

#endif
