/* SPDX-License-Identifier: MIT */
/* check_all - the trees of all files become one struct conf. */
#ifndef DAEMON_CONFIG_CHECK_ALL_H
#define DAEMON_CONFIG_CHECK_ALL_H

#include "daemon/config/check.h"

/* In the order that references need. */
void	check_all(struct check *);

#endif
