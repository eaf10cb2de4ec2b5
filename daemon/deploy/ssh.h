/* SPDX-License-Identifier: MIT */
/*
 * ssh - the deploy step `ssh "[USER@]HOST" { }`: copy files to another host
 * with the system's sftp(1), which all get their names at the end, then run
 * a command there with ssh(1).  Nobody is there to answer: BatchMode, and
 * only host keys that are known already.
 */
#ifndef DAEMON_DEPLOY_SSH_H
#define DAEMON_DEPLOY_SSH_H

#include "daemon/deploy/kind.h"

/* ERR_TRANSIENT "deploy:ssh" with exit status and last lines, ERR_CONFIG
 * "deploy:ssh" if there is no sftp or ssh on this machine. */
extern const struct deploy_kind deploy_ssh;

#endif
