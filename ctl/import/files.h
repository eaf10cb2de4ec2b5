/* SPDX-License-Identifier: MIT */
/* files - a prepared plan as files of the configuration: one for each
 * certificate, one for accounts and providers, secrets, root hooks. */
#ifndef CTL_IMPORT_FILES_H
#define CTL_IMPORT_FILES_H

struct conf_batch;
struct error;
struct import;

/* Of all that is not skipped, for the configuration of main_file; nothing is
 * written.  Freed by conf_batch_free(). */
struct conf_batch *files_batch(const struct import *, const char *main_file);

/* The path of a root hook; the caller frees. */
char	*files_hook_path(const char *main_file, const char *name);
/* Write those of the plan that are not there already.  Another file under the
 * name of one is an error, and those that were written are removed then. */
int	files_write_hooks(struct import *, const char *main_file,
	    struct error *);
/* Take away again what was written. */
void	files_remove_hooks(const struct import *, const char *main_file);

#endif
