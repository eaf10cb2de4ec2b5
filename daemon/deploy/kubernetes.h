/* SPDX-License-Identifier: MIT */
/*
 * kubernetes - the deploy step `kubernetes "URL" { }`: write key and chain
 * into a Secret of type kubernetes.io/tls, by a server-side apply, which
 * makes it if there is none and leaves alone what others manage in it.
 */
#ifndef DAEMON_DEPLOY_KUBERNETES_H
#define DAEMON_DEPLOY_KUBERNETES_H

#include "daemon/deploy/kind.h"

/*
 * The API server's own words.  ERR_CONFIG "deploy:kubernetes" where a person
 * must help: the token, its rights, a namespace that is not there, a Secret
 * of another type; else ERR_TRANSIENT.
 */
extern const struct deploy_kind deploy_kubernetes;

#endif
