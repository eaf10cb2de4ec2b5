/* SPDX-License-Identifier: MIT */
/*
 * providers - the DNS providers there are, and the options of each, as the
 * objects of doc/control-api.md.  Made from the tables of providers/; called
 * by request.c, and by main for --list-providers.
 */
#ifndef DAEMON_CONTROL_PROVIDERS_H
#define DAEMON_CONTROL_PROVIDERS_H

#include <jansson.h>

struct error;

/* {"providers": [{"name", "title"}]}; the caller decrefs. */
json_t	*providers_list(void);
/* One of them; NULL and ERR_CONFIG API_ERR_UNKNOWN_PROVIDER, which names the
 * nearest one, if there is none. */
json_t	*providers_one(const char *type, struct error *);

#endif
