/* SPDX-License-Identifier: MIT */
/* account - what acmectl account shows, and an account as a file. */
#ifndef CTL_ACCOUNT_H
#define CTL_ACCOUNT_H

#include <jansson.h>

#include "ctl/options.h"

/* The reply of POST /v1/accounts. */
void	account_print(const struct options *, const json_t *account);

/* Return exit codes; all has been said.  A file that is there is not written
 * over; what it holds is in acmectl(1). */
int	account_export(const struct options *, const char *name,
	    const char *path);
int	account_import(const struct options *, const char *name,
	    const char *path);

#endif
