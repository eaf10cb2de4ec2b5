/* SPDX-License-Identifier: MIT */
/* receipts - what the hosts of repositories serve, as they say. */
#ifndef CTL_RECEIPTS_H
#define CTL_RECEIPTS_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

#include "ctl/options.h"

/* `status --all-hosts [NAME|PATTERN]`: a line for each host and certificate;
 * returns the exit code. */
int	receipts_status(const struct options *);
/* "12 of 500 hosts behind", of a certificate; NULL: none is.  The caller
 * frees. */
char	*receipts_behind(const json_t *cert);
/* "web-7: WHY, for 2h", of one of its list; the caller frees. */
char	*receipts_line(const json_t *host, time_t now);

#endif
