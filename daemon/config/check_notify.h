/* SPDX-License-Identifier: MIT */
/* check_notify - the notify sections, and the keys alarm_*. */
#ifndef DAEMON_CONFIG_CHECK_NOTIFY_H
#define DAEMON_CONFIG_CHECK_NOTIFY_H

#include "daemon/config/check.h"

struct conf_notify *check_notify(struct check *, const struct section *);
void	check_free_notify(struct conf_notify *);

/* One for each kind, in check_notify_kinds.c. */
void	check_notify_mail(struct check *, const struct section *,
	    struct conf_notify *);
void	check_notify_syslog(struct check *, const struct section *,
	    struct conf_notify *);
void	check_notify_webhook(struct check *, const struct section *,
	    struct conf_notify *);
void	check_notify_exec(struct check *, const struct section *,
	    struct conf_notify *);
void	check_notify_heartbeat(struct check *, const struct section *,
	    struct conf_notify *);

#endif
