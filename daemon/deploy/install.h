/* SPDX-License-Identifier: MIT */
/*
 * install - the deploy step `install "PATH" { }`: copies of key and chain
 * where and how a server wants them; all of a target or none (fileset.h).
 */
#ifndef DAEMON_DEPLOY_INSTALL_H
#define DAEMON_DEPLOY_INSTALL_H

#include "daemon/deploy/kind.h"

/* Errors: those of bundle_make() and fileset_write(). */
extern const struct deploy_kind deploy_install;

#endif
