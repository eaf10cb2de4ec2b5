/* SPDX-License-Identifier: MIT */
/*
 * polkit - why systemd refused to touch a unit: polkit is not there, has no
 * rule that allows it, or could not use the file of rules.
 */
#ifndef DAEMON_DEPLOY_POLKIT_H
#define DAEMON_DEPLOY_POLKIT_H

#include <stdbool.h>

struct error;

/* Is it such a refusal?  By the codes of sdbus.h. */
bool	polkit_is_refusal(const struct error *);

/* What reads polkit's log of late; its output is polkit_explain()'s log. */
extern const char *const polkit_log_argv[];

/* Append the reason and what helps.  log may be "". */
void	polkit_explain(const char *verb, const char *unit, const char *log,
	    struct error *);

#endif
