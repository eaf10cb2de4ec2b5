/* SPDX-License-Identifier: MIT */
/*
 * provider_values - the options of one configured DNS provider, of
 * credentials, or of a cloud product; read through provider_str() and its like
 * in providers/option.h.  Made by check_options.c, and by tests of providers.
 */
#ifndef DAEMON_CONFIG_PROVIDER_VALUES_H
#define DAEMON_CONFIG_PROVIDER_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "providers/provider.h"

/* Every option has its fallback, or nothing: NULL, 0, false, {}. */
struct provider_values *provider_values_new(const struct provider *type);
/* The same of any table; check (NULL: none) is as in struct provider. */
struct provider_values *provider_values_of(const struct provider_opt *,
	    int (*check)(const struct provider_values *, struct error *));
/*
 * From now on options that lender has by the same name are lender's, which is
 * borrowed: credentials that several use, whose files are looked at with each.
 */
void	provider_values_borrow(struct provider_values *,
	    struct provider_values *lender);
/* Has it an option of that name?  NULL has none. */
bool	provider_values_lends(const struct provider_values *,
	    const char *name);
/*
 * Give the option of that index a value: n texts as in a file, one unless it
 * is a list.  ERR_CONFIG tells what is allowed, and never shows a secret.
 */
int	provider_values_set(struct provider_values *, int opt,
	    const char *const *texts, size_t n, struct error *);
/* The same with a secret's file: of one secret, or a text of several lines. */
int	provider_values_set_file(struct provider_values *, int opt,
	    const char *path, bool is_text, struct error *);
/* The option of that name, in whatever table; NULL, false or an empty list if
 * the table has none, or it was not given. */
const char *provider_values_str(const struct provider_values *,
	    const char *name);
bool	provider_values_bool(const struct provider_values *,
	    const char *name);
const char *const *provider_values_list(const struct provider_values *,
	    const char *name);
/*
 * Before they are used: read again what is in files that have changed.  What
 * provider_str() has returned stays valid.  An error, of ERR_CONFIG, leaves
 * the values as they are.
 */
int	provider_values_look(struct provider_values *, struct error *);
/* Put what was fetched in the place of the option of that index, or after all
 * (providers/option.h); what provider_str() has returned of it ends.  NULL
 * takes it away. */
void	provider_values_fetched(struct provider_values *, int at,
	    const char *text);
/* Wipes.  NULL is allowed. */
void	provider_values_free(struct provider_values *);

#endif
