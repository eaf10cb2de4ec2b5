/* SPDX-License-Identifier: MIT */
/*
 * publish - the deploy step `publish = "REPOSITORY"`: put key and chain of a
 * version into a repository, then the manifest that names them, so that
 * nobody who reads the manifest finds half of it (manifest.h).
 */
#ifndef DAEMON_PUBLISH_PUBLISH_H
#define DAEMON_PUBLISH_PUBLISH_H

#include "daemon/deploy/kind.h"

/*
 * Errors: those of objects.h, with code "deploy:publish"; ERR_CONFIG
 * "deploy:publish" if a newer certificate is there, by another publisher.
 */
extern const struct deploy_kind deploy_publish;

#endif
