/* SPDX-License-Identifier: MIT */
/*
 * saved - the texts of the last configuration without a mistake, kept in
 * STATE/last-good (0600: secrets that stand in it are in it, those of files are
 * not), for a start with one that has some.
 */
#ifndef DAEMON_CONFIG_SAVED_H
#define DAEMON_CONFIG_SAVED_H

#include <stddef.h>
#include <time.h>

struct error;
struct source;

struct saved_file {
	char		*path;
	char		*text;
	size_t		 len;
};

struct saved {
	struct saved_file *files;	/* the main file first */
	size_t		 n;
	time_t		 at;		/* when it was written */
};

/* What was kept for that main file; NULL if nothing was, or it is damaged. */
struct saved	*saved_read(const char *state_dir, const char *path);
const struct saved_file *saved_find(const struct saved *, const char *path);
void		 saved_free(struct saved *);

/* Keep these texts; nothing is written if they are kept already. */
int		 saved_write(const char *state_dir,
		    struct source *const *sources, size_t n, struct error *);

#endif
