/* SPDX-License-Identifier: MIT */
/*
 * docker_list - the containers that a docker step means, found in the engine's
 * list (Docker Engine API, ContainerList).  Pure.
 */
#ifndef DAEMON_DEPLOY_DOCKER_LIST_H
#define DAEMON_DEPLOY_DOCKER_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct conf_docker;
struct error;

struct docker_box {
	char	*path;		/* what it is called in the API's paths */
	char	*name;		/* for people */
};

struct docker_list {		/* all zero: empty */
	struct docker_box *boxes;
	size_t		 n;	/* 1 to 50 */
};

/* Is it an ID of the engine's: 1 to 64 hexadecimal digits?  NULL is none. */
bool	 docker_is_id(const char *);
/* The filter of the list, as JSON; the caller frees. */
char	*docker_list_filter(const struct conf_docker *);
/*
 * Read the answer.  -1: ERR_CONFIG, one is not there, or there are too many;
 * ERR_TRANSIENT, one does not run, or the answer is malformed.
 */
int	 docker_list_read(struct docker_list *, const struct conf_docker *,
	    const json_t *answer, struct error *);
void	 docker_list_clear(struct docker_list *);

#endif
