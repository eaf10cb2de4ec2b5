/* SPDX-License-Identifier: MIT */
#include "daemon/certs/step.h"

static const char *const steps[] = {
	[STEP_ACCOUNT] = "account",
	[STEP_ORDER] = "order",
	[STEP_AUTHORIZE] = "authorize",
	[STEP_FINALIZE] = "finalize",
	[STEP_DOWNLOAD] = "download",
	[STEP_INSTALL] = "install",
	[STEP_DEPLOY] = "deploy",
	[STEP_END] = "cleanup",
	[STEP_COMMAND] = "command",
};
_Static_assert(sizeof(steps) / sizeof(steps[0]) == STEP_COMMAND + 1, "steps");

const char *
step_name(enum step step)
{
	return steps[step];
}
