/* SPDX-License-Identifier: MIT */
/* prepare - completes a plan with what the daemon says of it: whether it takes
 * each account and certificate, which names are free, which options secret. */
#ifndef CTL_IMPORT_PREPARE_H
#define CTL_IMPORT_PREPARE_H

#include <jansson.h>

#include "ctl/options.h"

struct import;
struct import_account;
struct import_cert;

/* Nothing is changed.  Returns acmectl's exit code; failures have been told. */
int	prepare(const struct options *, struct import *);

/* The bodies of POST /v1/import/account and /certificate; the caller decrefs.
 * NULL if a text is not UTF-8. */
json_t	*prepare_account(const struct import_account *, bool check);
json_t	*prepare_cert(const struct import *, const struct import_cert *,
	    bool check);

#endif
