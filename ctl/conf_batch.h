/* SPDX-License-Identifier: MIT */
/*
 * conf_batch - new files of the configuration, which come all together or not
 * at all: sections (conf_text.h) in conf.d/ beside acmed.conf, mode 0640 and of
 * acmed's group, and the secrets that they name in secrets/, mode 0600 and
 * acmed's own.  Nothing that is there is ever written over.
 *
 *	struct conf_batch *b = conf_batch_new("/etc/acmed/acmed.conf");
 *	path = conf_batch_secret(b, "aliyun-key", secret);
 *	... conf_text_value(t, "access_key_secret_file", path) ...
 *	conf_batch_file(b, "example.com", conf_text_take(t));
 *	if (conf_batch_install(b, &lines, &err) == -1)
 *		nothing was written, and lines has acmed's mistakes
 *	... reload; if that fails: conf_batch_undo(b) ...
 *	conf_batch_free(b);
 *
 * acmed reads none of it before it is told to (acmectl reload).
 */
#ifndef CTL_CONF_BATCH_H
#define CTL_CONF_BATCH_H

#include <stddef.h>

struct conf_batch;
struct error;

/* main_file: acmed.conf, wherever it is. */
struct conf_batch *conf_batch_new(const char *main_file);
/* What was written stays; secrets in memory are wiped.  NULL is allowed. */
void	conf_batch_free(struct conf_batch *);

/* Could files be written at all?  ERR_CONFIG "ctl:denied". */
int	conf_batch_may_write(const struct conf_batch *, struct error *);

/*
 * conf.d/NAME.conf is to be, with this text.  Those added first come first: a
 * file that others refer to.  Returns its path, which is the batch's.
 */
const char *conf_batch_file(struct conf_batch *, const char *name,
	    char *text /* taken */);
/*
 * secrets/NAME is to be, or where that is there already NAME-2, NAME-3, ...
 * Returns its path, which is the batch's.
 */
const char *conf_batch_secret(struct conf_batch *, const char *name,
	    const char *secret);

/* Are there files to be written, and the one at i: its path and, unless it is
 * a secret, its text; NULL at the end.  Borrowed. */
const char *conf_batch_path(const struct conf_batch *, size_t i);
const char *conf_batch_text(const struct conf_batch *, size_t i);

/*
 * Write all of them, durably.  After -1 none is there: ERR_CONFIG
 * "ctl:exists" names one that was there before, ERR_INTERNAL "sys:io".
 * The secrets alone may be written first.
 */
int	conf_batch_write_secrets(struct conf_batch *, struct error *);
int	conf_batch_write(struct conf_batch *, struct error *);
/* Take away again what was written. */
void	conf_batch_undo(struct conf_batch *);

/*
 * conf_batch_write(), and then the whole configuration is checked, as `acmed
 * --check-config` does it; if it has mistakes all is taken away again.  -1:
 * those errors, conf_batch_check()'s, and ERR_CONFIG "conf:invalid".  *lines:
 * what the check said, mistakes or warnings, one a line; NULL if it was not
 * run.  The caller frees.
 */
int	conf_batch_install(struct conf_batch *, char **lines,
	    struct error *);

/*
 * Check the configuration as it stands on the disk.  0: it is good, 1: it has
 * mistakes, -1 and *err: acmed could not be run.  *lines as above.
 */
int	conf_batch_check(const char *main_file, char **lines,
	    struct error *);

#endif
