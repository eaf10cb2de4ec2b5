/* SPDX-License-Identifier: MIT */
/*
 * fileset - replace several files in several directories, all or none.
 * Called by install and by the subscriber's side.
 */
#ifndef DAEMON_DEPLOY_FILESET_H
#define DAEMON_DEPLOY_FILESET_H

#include <stddef.h>
#include <sys/types.h>

struct error;

struct fileset_file {
	const char	*path;		/* absolute */
	const void	*data;
	size_t		 len;
	uid_t		 uid;		/* (uid_t)-1: the daemon's */
	gid_t		 gid;
	mode_t		 mode;
};

/*
 * Everything is written beside its place and synced first, then all are
 * renamed; if one cannot be, those before it are put back.  A reader sees an
 * old or a new file, never a part; after a crash some may be old: call it
 * again.  A symbolic link is replaced, not followed.  Files that are right
 * already are not touched.  Returns how many changed, or -1: ERR_CONFIG
 * "deploy:install" where a person must help (no such directory, no right to
 * write there or to give the file away), else ERR_TRANSIENT.  Blocks for a
 * few fsyncs.
 */
int	fileset_write(const struct fileset_file *, size_t n, struct error *);

/* Could they be written, and given to their owners?  data and len are not
 * looked at.  A temporary file is made and removed in each directory.  Errors
 * as above. */
int	fileset_check(const struct fileset_file *, size_t n, struct error *);

#endif
