/* SPDX-License-Identifier: MIT */
/*
 * options - a table of options as doc/control-api.md has it, and what an
 * example of one is made of.
 */
#ifndef DAEMON_CONTROL_OPTIONS_H
#define DAEMON_CONTROL_OPTIONS_H

#include <jansson.h>

#define OPTION_SECRETS "/etc/acmed/secrets/"

struct provider_opt;

/* [{"name", "help", "type", ...}]; the caller decrefs. */
json_t	*options_json(const struct provider_opt *);
/* What to write for an option that must be given; the caller frees. */
char	*option_sample(const struct provider_opt *);
/* Append text, which is taken and freed. */
void	 option_append(char **all, char *text);

#endif
