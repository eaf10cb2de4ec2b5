/* SPDX-License-Identifier: MIT */
/*
 * config_test - the check of a server's configuration before the server is
 * reloaded: the target's own program, or one that is known for the unit.
 *
 * A known one runs as acmed does, without privileges, and may not see all
 * that the server does.  Only a mistake that it names is a verdict then;
 * what it cannot see, and a failure that it does not explain, are none, and
 * the unit's own ExecReload=, which runs as root, decides.
 */
#ifndef DAEMON_DEPLOY_CONFIG_TEST_H
#define DAEMON_DEPLOY_CONFIG_TEST_H

#include <stdbool.h>

struct child_reply;
struct conf_deploy;
struct error;

enum config_verdict {
	CONFIG_GOOD,
	CONFIG_BAD,		/* the server must not be reloaded */
	CONFIG_UNSEEN		/* no verdict */
};

/* What to run before this unit ("nginx.service") is touched; NULL: nothing.
 * Borrowed from the target, or static.  is_root: we are. */
const char *const *config_test_argv(const struct conf_deploy *,
		    const char *unit, bool is_root);

/*
 * What a run of it (child_done_cb's err and reply) means.  is_own: it is the
 * target's, whose every failure counts.  is_root: it could see everything.
 * why is set unless CONFIG_GOOD: ERR_CONFIG, or ERR_TRANSIENT for a time
 * limit.
 */
enum config_verdict config_test_judge(const char *const *argv, bool is_own,
		    bool is_root, const struct error *err,
		    const struct child_reply *, struct error *why);

#endif
