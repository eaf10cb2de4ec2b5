/* SPDX-License-Identifier: MIT */
/* watch - `acmectl status --watch`. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "ctl/options.h"
#include "ctl/select.h"

/* The table of those that are selected, until Ctrl-C.  Returns an exit code. */
int	watch_status(const struct options *, const struct select *);

#endif
