/* SPDX-License-Identifier: MIT */
/* report - what is told of a configuration while it is read. */
#ifndef DAEMON_CONFIG_REPORT_H
#define DAEMON_CONFIG_REPORT_H

enum conf_level {
	CONF_MISTAKE,		/* the configuration cannot be used */
	CONF_WARNING,		/* it can, but it is hardly what is meant */
	CONF_NOTE		/* conf_check() could not look at this */
};

/* Called for everything found, in the order of the files: one line each,
 * "FILE:LINE: KEY: what was found; what is allowed". */
typedef void conf_report_cb(enum conf_level, const char *line, void *arg);

#endif
