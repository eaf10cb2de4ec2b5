/* SPDX-License-Identifier: MIT */
/* recipe - the deploy step `recipe`: as a file describes it. */
#ifndef DAEMON_DEPLOY_RECIPE_H
#define DAEMON_DEPLOY_RECIPE_H

#include "daemon/deploy/kind.h"

extern const struct deploy_kind deploy_recipe;

#endif
