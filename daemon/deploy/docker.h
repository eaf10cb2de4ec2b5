/* SPDX-License-Identifier: MIT */
/*
 * docker - the deploy step `docker { }`: copy key and chain into containers,
 * and signal, restart or run a command in them, through the engine's socket
 * (Docker Engine API 1.24 to 1.56; podman's is the same).  What it asks for:
 *
 *	GET /_ping, GET /containers/json,
 *	PUT /containers/NAME/archive, POST /containers/NAME/kill, .../restart,
 *	.../exec, POST /exec/ID/start, GET /exec/ID/json
 *
 * NAME is the configured one, so that a proxy can allow that container only; of
 * containers found by their label it is the ID.
 */
#ifndef DAEMON_DEPLOY_DOCKER_H
#define DAEMON_DEPLOY_DOCKER_H

#include "daemon/deploy/kind.h"

/* ERR_TRANSIENT "deploy:docker" where the engine does not answer or a container
 * does not run, ERR_CONFIG where it is not there or the engine refuses. */
extern const struct deploy_kind deploy_docker;

#endif
