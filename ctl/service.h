/* SPDX-License-Identifier: MIT */
/* service - the running daemon, for commands that cannot do without. */
#ifndef CTL_SERVICE_H
#define CTL_SERVICE_H

#include <jansson.h>

#include "ctl/options.h"

/*
 * GET /v1/configuration into *conf, which the caller decrefs.  If acmed does
 * not run and systemd has its unit, it is enabled and started first, which is
 * said.  Returns acmectl's exit code; all has been said.
 */
int	service_configuration(const struct options *, json_t **conf);

/*
 * The file that the daemon reads, as --config or the object above says; the
 * caller frees.  NULL: it is not absolute, which has been said.
 */
char	*service_main_file(const struct options *, const json_t *conf);

#endif
