/* SPDX-License-Identifier: MIT */
/* step - the steps of a run, in order. */
#ifndef DAEMON_CERTS_STEP_H
#define DAEMON_CERTS_STEP_H

enum step {
	STEP_ACCOUNT,
	STEP_ORDER,
	STEP_AUTHORIZE,
	STEP_FINALIZE,
	STEP_DOWNLOAD,
	STEP_INSTALL,
	STEP_DEPLOY,
	STEP_END,		/* the clean-up, which belongs to no run */
	STEP_COMMAND		/* nor does what a person has done */
};
/* As in acmectl status and the log. */
const char	*step_name(enum step);

#endif
