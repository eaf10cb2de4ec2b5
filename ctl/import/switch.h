/* SPDX-License-Identifier: MIT */
/* switch - ends the renewals of the program that was imported from: its timer,
 * or its line in a crontab.  Says how to go back. */
#ifndef CTL_IMPORT_SWITCH_H
#define CTL_IMPORT_SWITCH_H

#include "ctl/options.h"

struct import;

/* 0, or -1 if one of them could not be ended; all has been said. */
int	switch_off(const struct options *, const struct import *);

#endif
