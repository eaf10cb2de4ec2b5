/* SPDX-License-Identifier: MIT */
/* certdir_priv - what certdir.c (installing) and certdir_find.c (finding what
 * is installed) share. */
#ifndef DAEMON_STORE_CERTDIR_PRIV_H
#define DAEMON_STORE_CERTDIR_PRIV_H

#include <sys/types.h>

#include "daemon/store/version.h"

struct error;

/* The files of a version. */
enum { F_PRIVKEY, F_CERT, F_CHAIN, F_FULLCHAIN, F_END };
struct certdir_file {
	const char	*name;
	mode_t		 mode;
};
extern const struct certdir_file certdir_files[];

/* The directories of one certificate, and a version of it. */
struct install {
	const char	*name;
	char		*content[F_END];	/* to be installed */
	int		 archive;	/* archive/NAME */
	int		 live;		/* live/ */
	char		 version[STORE_VERSION_SIZE];
};

int	certdir_open_dir(int dirfd, const char *path, struct error *);
/* Open both directories, made if they are missing.  Clear it in any case. */
int	certdir_open(struct install *, int dirfd, struct error *);
void	certdir_clear(struct install *);

#endif
