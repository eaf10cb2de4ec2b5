/* SPDX-License-Identifier: MIT */
/*
 * as_daemon - root may read everything; to look at a configuration it becomes
 * the user that the daemon will be.
 */
#ifndef DAEMON_CONFIG_AS_DAEMON_H
#define DAEMON_CONFIG_AS_DAEMON_H

struct error;

/*
 * Give up root for the owner of the state directory, or before the first start
 * for User= of acmed.service.  Nothing is done where we are not root, or the
 * daemon is.  There is no way back.
 */
int	as_daemon(const char *conf_path, struct error *);

#endif
