/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "daemon/deploy/cloud.h"
#include "daemon/deploy/docker.h"
#include "daemon/deploy/exec.h"
#include "daemon/deploy/haproxy.h"
#include "daemon/deploy/hooks.h"
#include "daemon/deploy/install.h"
#include "daemon/deploy/kind.h"
#include "daemon/deploy/kubernetes.h"
#include "daemon/deploy/recipe.h"
#include "daemon/deploy/ssh.h"
#include "daemon/deploy/unit.h"
#include "daemon/deploy/verify.h"
#include "daemon/deploy/webhook.h"
#include "daemon/publish/publish.h"

/* In the order of a target that names none: files first, then who reads them,
 * at last who looks at the result. */
const struct deploy_kind *const deploy_kinds[] = {
	&deploy_install,
	&deploy_ssh,
	&deploy_publish,
	&deploy_kubernetes,
	&deploy_cloud,
	&deploy_recipe,
	&deploy_haproxy,
	&deploy_docker,
	&deploy_exec,
	&deploy_hooks,
	&deploy_reload,
	&deploy_restart,
	&deploy_start_unit,
	&deploy_webhook,
	&deploy_verify,
	&deploy_cloud_clean,
	NULL
};
