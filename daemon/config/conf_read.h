/* SPDX-License-Identifier: MIT */
/*
 * conf_read - one reading of a configuration, whatever comes of it: for conf.c
 * and conf_start.c.
 */
#ifndef DAEMON_CONFIG_CONF_READ_H
#define DAEMON_CONFIG_CONF_READ_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct load_rules;
struct mistakes;
struct source;

/*
 * With a mistake (m->n_wrong) other than TOP_INCLUDE under rules the result may
 * only be freed.
 */
struct conf	*conf_read(const char *path, struct load_rules *rules,
		    bool keep_texts, struct mistakes *m);
/* Its files, the main one first. */
struct source *const *conf_sources(const struct conf *, size_t *n);

#endif
