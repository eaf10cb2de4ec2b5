/* SPDX-License-Identifier: MIT */
/*
 * clouds - the cloud products there are, and the options of each, as the
 * objects of doc/control-api.md.  Made from the tables of clouds/; called by
 * request.c, by main for --list-clouds, and for acmed-clouds(5).
 */
#ifndef DAEMON_CONTROL_CLOUDS_H
#define DAEMON_CONTROL_CLOUDS_H

#include <jansson.h>

struct error;

/* {"clouds": [{"name", "title"}]}; the caller decrefs. */
json_t	*clouds_list(void);
/* One of them; NULL and ERR_CONFIG API_ERR_UNKNOWN_CLOUD, which names the
 * nearest one, if there is none. */
json_t	*clouds_one(const char *product, struct error *);

#endif
