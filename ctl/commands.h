/* SPDX-License-Identifier: MIT */
/* commands - what acmectl can do.  Each returns acmectl's exit code. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/options.h"

int	cmd_add(const struct options *);
int	cmd_rename(const struct options *);
int	cmd_remove(const struct options *);
int	cmd_edit(const struct options *);
int	cmd_pause(const struct options *);
int	cmd_resume(const struct options *);
int	cmd_delete(const struct options *);
int	cmd_revoke(const struct options *);
int	cmd_account(const struct options *);
int	cmd_cluster(const struct options *);
int	cmd_host(const struct options *);
int	cmd_history(const struct options *);
int	cmd_show(const struct options *);
int	cmd_plan(const struct options *);
int	cmd_cleanup(const struct options *);
int	cmd_status(const struct options *);
int	cmd_check_status(const struct options *);
int	cmd_list(const struct options *);
int	cmd_renew_now(const struct options *);
int	cmd_check(const struct options *);
int	cmd_deploy(const struct options *);
int	cmd_rollback(const struct options *);
int	cmd_rollout(const struct options *);
int	cmd_events(const struct options *);
int	cmd_persist(const struct options *);
int	cmd_reload(const struct options *);
int	cmd_clouds(const struct options *);
int	cmd_providers(const struct options *);
int	cmd_notify_test(const struct options *);
int	cmd_export(const struct options *);
int	cmd_put(const struct options *);
int	cmd_import(const struct options *);
int	cmd_version(const struct options *);

#endif
