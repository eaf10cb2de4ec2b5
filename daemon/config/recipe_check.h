/* SPDX-License-Identifier: MIT */
/* recipe_check - all that can be wrong with a recipe whose file was read. */
#ifndef DAEMON_CONFIG_RECIPE_CHECK_H
#define DAEMON_CONFIG_RECIPE_CHECK_H

struct mistakes;
struct recipe;

void	recipe_check(const struct recipe *, struct mistakes *);

#endif
