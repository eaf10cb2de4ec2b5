/* SPDX-License-Identifier: MIT */
/*
 * haproxy - the deploy step `haproxy "SOCKET" { }`: give a running HAProxy
 * (2.1 or later) the new certificate through its runtime API, without a
 * reload: `set ssl cert` and `commit ssl cert` (HAProxy management guide,
 * section 9.3).  What is on disk for its next start is install's matter.
 */
#ifndef DAEMON_DEPLOY_HAPROXY_H
#define DAEMON_DEPLOY_HAPROXY_H

#include "daemon/deploy/kind.h"

/* ERR_TRANSIENT "deploy:haproxy" where the socket does not answer,
 * ERR_CONFIG "deploy:haproxy" with HAProxy's words where it refuses. */
extern const struct deploy_kind deploy_haproxy;

#endif
