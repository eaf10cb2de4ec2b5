/* SPDX-License-Identifier: MIT */
/*
 * persist_names - which dns-persist-01 records a certificate's names want:
 * example.com and *.example.com share one.  For persist_job and
 * persist_watch.
 */
#ifndef DAEMON_PERSIST_PERSIST_NAMES_H
#define DAEMON_PERSIST_PERSIST_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct conf_cert;
struct conf_name;

#define PERSIST_TTL_S 3600		/* proposed for the record */

/* One record; borrows from the configuration. */
struct persist_name {
	const char	*base;		/* without "*." */
	const struct conf_name **names;	/* all it is for, at least one */
	size_t		 n_names;
	bool		 wildcard;	/* one of them has "*." */
};

struct persist_names {
	struct persist_name *list;
	size_t		 n;
	bool		 is_configured;	/* for dns-persist-01 */
};

/* If no name is configured for dns-persist-01, as if all were. */
void	persist_names_init(struct persist_names *, const struct conf_cert *);
void	persist_names_clear(struct persist_names *);

#endif
