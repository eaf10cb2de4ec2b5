/* SPDX-License-Identifier: MIT */
/*
 * conf_read - a configuration is read: the files, what they mean, and what is
 * wrong with them.
 */
#ifndef DAEMON_CONFIG_CONF_READ_H
#define DAEMON_CONFIG_CONF_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/report.h"

struct conf;
struct load_rules;
struct mistakes;
struct source;

/*
 * Read the file and all it includes.  NULL if there was any mistake; every
 * one has been reported then.  The caller holds one reference.
 */
struct conf	*conf_load(const char *path, conf_report_cb *report,
		    void *arg);
/* The same for acmed --check-config: what only the service has (credentials of
 * systemd) is a note, and nothing can be kept of it. */
struct conf	*conf_check(const char *path, conf_report_cb *report,
		    void *arg);

/* A file that is to be, or, where there is one of that path, that is to take
 * its place; "": that one is to go. */
struct conf_draft {
	const char	*path;		/* as an include leads to it */
	const char	*text;
};

/*
 * As conf_load(), as if the drafts were written already.  One that no include
 * leads to is a mistake.
 */
struct conf	*conf_try(const char *path, const struct conf_draft *,
		    size_t n, conf_report_cb *report, void *arg);

/*
 * For conf_start.c: one reading, whatever comes of it.  With a mistake
 * (m->n_wrong) other than TOP_INCLUDE under rules the result may only be freed.
 */
struct conf	*conf_read(const char *path, struct load_rules *rules,
		    bool keep_texts, struct mistakes *m);
/* Its files, the main one first; none once they are forgotten. */
struct source *const *conf_sources(const struct conf *, size_t *n);
/* Nobody needs them any more: their texts, which may have secrets in them,
 * leave the memory.  What certificates have of them stays. */
void		 conf_forget_files(const struct conf *);

#endif
