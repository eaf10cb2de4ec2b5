/* SPDX-License-Identifier: MIT */
/*
 * conf_start - a start in spite of mistakes: one bad file must not end the
 * renewal of all that is right.
 */
#ifndef DAEMON_CONFIG_CONF_START_H
#define DAEMON_CONFIG_CONF_START_H

#include "daemon/config/report.h"

struct conf;
struct error;

/*
 * As conf_load().  If there are mistakes, files are replaced by their last good
 * version, and what is still wrong, or refers to what is not there, is left
 * out; *problem (else NULL; the caller frees) says so in one line.  NULL if the
 * main file has no last good version and is mistaken itself.
 */
struct conf	*conf_load_start(const char *path, conf_report_cb *report,
		    void *arg, char **problem);

/*
 * Keep what conf_load() has read as the last good version, once.  Its texts,
 * which may have secrets in them, leave the memory, whatever comes of it.
 */
int		 conf_keep(const struct conf *, struct error *);

/*
 * A key of the main file, outside of sections, as far as it can be read even if
 * the file is mistaken; else the fallback.  The caller frees.
 */
char		*conf_guess(const char *path, const char *key,
		    const char *fallback);

#endif
