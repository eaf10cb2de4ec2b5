/* SPDX-License-Identifier: MIT */
/*
 * provider_values - the options of one configured DNS provider; read through
 * provider_str() and its like in providers/provider.h.  Made by
 * check_provider.c, and by tests of providers.
 */
#ifndef DAEMON_CONFIG_PROVIDER_VALUES_H
#define DAEMON_CONFIG_PROVIDER_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "providers/provider.h"

/* Every option has its fallback, or nothing: NULL, 0, false, {}. */
struct provider_values *provider_values_new(const struct provider *type);
/*
 * Give the option of that index a value: n texts as in a file, one unless it
 * is a list.  ERR_CONFIG tells what is allowed, and never shows a secret.
 */
int	provider_values_set(struct provider_values *, int opt,
	    const char *const *texts, size_t n, struct error *);
/* The same with a secret's file: of one secret, or a text of several lines. */
int	provider_values_set_file(struct provider_values *, int opt,
	    const char *path, bool is_text, struct error *);
/*
 * Before they are used: read again what is in files that have changed.  What
 * provider_str() has returned stays valid.  An error, of ERR_CONFIG, leaves
 * the values as they are.
 */
int	provider_values_look(struct provider_values *, struct error *);
/* Wipes.  NULL is allowed. */
void	provider_values_free(struct provider_values *);

#endif
