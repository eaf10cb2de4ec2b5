/* SPDX-License-Identifier: MIT */
/*
 * cloud - the deploy step `cloud "PRODUCT" { }`: the skeleton that all
 * products of clouds/ run (clouds/cloud.h).  Two kinds of step: the first
 * uploads and binds; the second, which runs when the target has been verified,
 * removes what it has replaced, and never fails: what cannot be removed now is
 * tried again with the next certificate.
 */
#ifndef DAEMON_DEPLOY_CLOUD_H
#define DAEMON_DEPLOY_CLOUD_H

#include "daemon/deploy/kind.h"

extern const struct deploy_kind deploy_cloud;
extern const struct deploy_kind deploy_cloud_clean;	/* "cloud-clean" */

#endif
