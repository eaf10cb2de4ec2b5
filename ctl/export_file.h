/* SPDX-License-Identifier: MIT */
/* export_file - new files of keys and certificates; nothing that is there is
 * written over. */
#ifndef CTL_EXPORT_FILE_H
#define CTL_EXPORT_FILE_H

#include <sys/types.h>

#include <stddef.h>

struct error;

/* ERR_CONFIG "ctl:exists" if there is something at path. */
int	export_write(const char *path, mode_t, const void *data, size_t len,
	    struct error *);
/* The same, with what is in another file (at most 256 KiB). */
int	export_copy(const char *from, const char *to, mode_t, struct error *);

#endif
