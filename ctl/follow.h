/* SPDX-License-Identifier: MIT */
/* follow - requests whose answer is a stream, shown as it comes. */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include <jansson.h>
#include <stddef.h>

#include "ctl/client.h"
#include "ctl/options.h"

/* What follow_events() calls a renewal that is only tried: that goes on unseen,
 * but is not resumed. */
#define FOLLOW_DRY_RUN "dry run"

/*
 * Send the request and show the events that answer it, to their end.  what is
 * "renewal", for messages; the first n names of the options are the
 * certificates.  Returns acmectl's exit code; all has been said.
 */
int	follow_events(const struct options *, const struct client_request *,
	    size_t n, const char *what);

/* GET path, and its events until Ctrl-C. */
int	follow_all(const struct options *, const char *path);

/*
 * POST /v1/check with this body, and its lines.  *failures, unless it is NULL:
 * how many there were, without those of deploy targets.  *records, unless it is
 * NULL: how many CAA records are, or are to be, written.
 */
int	follow_check(const struct options *, const json_t *body,
	    size_t *failures, size_t *records);

#endif
