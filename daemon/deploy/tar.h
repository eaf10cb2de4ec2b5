/* SPDX-License-Identifier: MIT */
/*
 * tar - a few small files as a POSIX ustar archive (pax(1), "ustar Interchange
 * Format"), in memory.  Used by the deploy step docker.
 */
#ifndef DAEMON_DEPLOY_TAR_H
#define DAEMON_DEPLOY_TAR_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define TAR_BLOCK 512

struct tar {			/* all zero: an empty one */
	char	*data;
	size_t	 len;
};

struct tar_file {
	const char	*name;		/* at most 100 bytes */
	const void	*data;
	size_t		 len;
	mode_t		 mode;
	uid_t		 uid;		/* at most 2097151, as gid */
	gid_t		 gid;
	time_t		 mtime;
};

void	tar_add(struct tar *, const struct tar_file *);
/* The two empty blocks behind the last file. */
void	tar_end(struct tar *);
/* Wipes what is in it. */
void	tar_clear(struct tar *);

#endif
