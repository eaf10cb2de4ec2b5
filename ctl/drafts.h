/* SPDX-License-Identifier: MIT */
/* drafts - files of the configuration that are to be, for the daemon to look
 * at before they are. */
#ifndef CTL_DRAFTS_H
#define CTL_DRAFTS_H

#include <jansson.h>

#include "ctl/options.h"

struct conf_batch;

/* "files" of POST /v1/check and /v1/configuration; the caller decrefs. */
json_t	*drafts_json(const struct conf_batch *);
/* The path of the last of them; borrowed. */
const char *drafts_last(const struct conf_batch *);

/* Would the configuration be good with that file in its place?  EXIT_OK, or
 * another exit code, and the mistakes have been told. */
int	drafts_try(const struct options *, const char *path,
	    const char *text);

/* Reload; a failure is not told: of a file that was taken back. */
void	drafts_reload_quietly(const struct options *);

#endif
