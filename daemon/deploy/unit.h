/* SPDX-License-Identifier: MIT */
/*
 * unit - the deploy steps `reload`, `restart` and `start`: units of systemd,
 * one after the other, whose jobs are waited for.  Before, key and
 * certificate are checked to belong together (Apache exits and Dovecot goes
 * silent if they do not), and the server's configuration is tested.  A unit
 * that fails keeps no other from its turn.
 */
#ifndef DAEMON_DEPLOY_UNIT_H
#define DAEMON_DEPLOY_UNIT_H

#include "daemon/deploy/kind.h"

/*
 * Errors, "deploy:VERB:WORD" with the WORD of io/sdbus.h's codes; a failed
 * unit's last lines of log are in the message, if the journal can be read.
 * ERR_CONFIG "deploy:VERB:config-test", ERR_INTERNAL "deploy:VERB:files".
 */
extern const struct deploy_kind deploy_reload;
extern const struct deploy_kind deploy_restart;
extern const struct deploy_kind deploy_start_unit;

/* Does this target want that step (reload, restart, start) of that unit? */
bool	unit_is_wanted(const struct conf_deploy *, const char *step,
	    const char *unit);

#endif
