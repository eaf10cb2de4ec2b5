/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "daemon/deploy/exec.h"
#include "daemon/deploy/install.h"
#include "daemon/deploy/kind.h"

/* Files first, then who reads them, at last who looks at the result. */
const struct deploy_kind *const deploy_kinds[] = {
	&deploy_install,
	&deploy_exec,
	NULL
};
