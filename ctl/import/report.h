/* SPDX-License-Identifier: MIT */
/* report - a prepared plan for people, and as JSON; no secret is in either. */
#ifndef CTL_IMPORT_REPORT_H
#define CTL_IMPORT_REPORT_H

#include <jansson.h>

#include "ctl/options.h"

struct conf_batch;
struct import;

void	report_print(const struct options *, const struct import *,
	    const struct conf_batch *, const char *main_file);
/* The caller decrefs. */
json_t	*report_json(const struct import *, const struct conf_batch *,
	    const char *main_file);
/* How many are to be imported, and how many are not (without those that acmed
 * has already). */
size_t	report_count(const struct import *);
size_t	report_left(const struct import *);

#endif
