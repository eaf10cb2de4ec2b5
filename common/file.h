/* SPDX-License-Identifier: MIT */
/*
 * file - durable and bounded file work.  Everything here blocks for as long
 * as the disk needs, which is why only small files go through it.
 */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

/* All of data, in spite of EINTR and short writes; -1 and errno. */
int	file_write_all(int fd, const void *data, size_t len);

/*
 * The whole of a regular file of at most max bytes, relative to dirfd
 * (AT_FDCWD for a plain path).  *out carries a final NUL not counted in *len;
 * the caller frees.  A longer file, or one that is not regular, is
 * ERR_CONFIG; a missing one is ERR_CONFIG with code "file:missing".
 */
int	file_read(int dirfd, const char *path, size_t max, char **out,
	    size_t *len, struct error *);

/*
 * May users other than its owner and group come to this file at all?  Not if
 * a directory above it is closed to them, whatever its own mode is.
 */
bool	file_is_reachable(const char *path);

/* What a password, token or HMAC key may have. */
#define FILE_SECRET_MAX 4096

/*
 * Read a file of secrets: as file_read(), then a byte order mark and trailing
 * newlines are cut.  A file that every user can read or write, in a place that
 * they reach, is refused (ERR_CONFIG, with the command that mends it), and so
 * is an empty one, or one with a NUL byte.
 */
int	file_read_private(const char *path, size_t max, char **out,
	    struct error *);

/*
 * The same for a secret that machines share: one line, or two, the second of
 * which is the one that it was before, or will be (store/seal.h): *out has "\n"
 * between them, and no other blanks.
 */
int	file_read_shared(const char *path, size_t max, char **out,
	    struct error *);

/*
 * The same for a file that holds one secret: blanks at its ends are cut, and
 * what is not the secret alone is refused (secret.h).
 */
int	file_read_secret(const char *path, size_t max, char **out,
	    struct error *);

/*
 * Replace dirfd/name by data with the given mode: temporary file, fsync,
 * rename, fsync of the directory.  After a crash the old or the new content
 * is there, never a mixture.
 */
int	file_write_atomic(int dirfd, const char *name, mode_t mode,
	    const void *data, size_t len, struct error *);

/* fsync() of a directory; error names it. */
int	file_sync_dir(int dirfd, const char *what, struct error *);

/* mkdir with this exact mode whatever the umask; an existing directory is
 * kept as it is.  What is there but no directory is an error. */
int	file_mkdir(int dirfd, const char *name, mode_t mode, struct error *);

#endif
