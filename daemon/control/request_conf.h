/* SPDX-License-Identifier: MIT */
/*
 * request_conf - the configuration: what is in force, what would be with other
 * files (drafts), and the reload.
 */
#ifndef DAEMON_CONTROL_REQUEST_CONF_H
#define DAEMON_CONTROL_REQUEST_CONF_H

#include <jansson.h>

struct call;
struct conf;

void	get_configuration(struct call *);
void	post_configuration(struct call *);
void	post_reload(struct call *);

/*
 * The configuration with the drafts of a request's "files"; the caller has one
 * reference.  NULL: the request is answered, with every mistake if it was good
 * but for them.
 */
const struct conf *request_drafts(struct call *, const json_t *files,
	    json_t *warnings);

#endif
