/* SPDX-License-Identifier: MIT */
/* reason - why a certificate is revoked (RFC 5280 section 5.3.1), as far as a
 * subscriber may say. */
#ifndef DAEMON_MANAGE_REASON_H
#define DAEMON_MANAGE_REASON_H

/* "unspecified", "keycompromise", ... in any case: 0 and its number, or -1. */
int		 revoke_reason_parse(const char *name, int *reason);
/* The first form; "?" for an unknown number. */
const char	*revoke_reason_name(int reason);

#endif
