/* SPDX-License-Identifier: MIT */
/* certdir_priv - what certdir.c (installing) and certdir_find.c (finding what
 * is installed) share. */
#ifndef DAEMON_STORE_CERTDIR_PRIV_H
#define DAEMON_STORE_CERTDIR_PRIV_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/store/version.h"

struct error;

/* The files of a version.  It has the key, or the request of a key that is
 * elsewhere (csr.h): never both. */
enum { F_PRIVKEY, F_CERT, F_CHAIN, F_FULLCHAIN, F_CSR, F_END };
struct certdir_file {
	const char	*name;
	mode_t		 mode;
};
extern const struct certdir_file certdir_files[];

/* Where versions are, below the state directory: real ones, and what stands in
 * live/ for a certificate that was never issued. */
#define CERTDIR_ARCHIVE "archive"
#define CERTDIR_PLACEHOLDER "placeholder"

/* The directories of one certificate, and a version of it. */
struct install {
	const char	*home;		/* one of these */
	const char	*name;
	char		*content[F_END];	/* to be installed; NULL: it has
					   no such file */
	char		*second[F_END];	/* the same of a pair's second ... */
	const char	*folder;	/* ... in this folder of it; NULL: it is
					   no pair */
	char		*ca;		/* certdir_ca.h's; NULL: none */
	int		 archive;	/* HOME/NAME */
	int		 live;		/* live/ */
	char		 version[STORE_VERSION_SIZE];
};

int	certdir_open_dir(int dirfd, const char *path, struct error *);
/* The folder of a version that has the second of a pair, and its name; -1: the
 * version has none. */
int	certdir_open_second(int version, const char **folder);
/* The serial of the second of a pair in that version of archive/NAME; false: it
 * has none. */
bool	certdir_second_serial(int archive, const char *version,
	    const char **folder, char serial[64]);
/* Open both directories, made if they are missing.  Clear it in any case. */
int	certdir_open(struct install *, int dirfd, struct error *);
void	certdir_clear(struct install *);
/* Write content into HOME/NAME/VERSION, which is not there; durable. */
int	certdir_build(const struct install *, struct error *);
/* The one moment in which that becomes live/NAME. */
int	certdir_switch(const struct install *, struct error *);
/* Is live/NAME a placeholder? */
bool	certdir_is_placeholder(int dirfd, const char *name);
/* Remove that of NAME, which live/NAME is no longer. */
void	certdir_drop_placeholder(int dirfd, const char *name);

#endif
