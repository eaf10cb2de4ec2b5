/* SPDX-License-Identifier: MIT */
/* request_import - POST /v1/import/account, /v1/import/certificate,
 * /v1/accounts/import, /v1/put, /v1/export and /v1/export/account, with private
 * keys: for root and the daemon's own user only, not for the group.  Nothing of
 * a key is ever logged. */
#ifndef DAEMON_CONTROL_REQUEST_IMPORT_H
#define DAEMON_CONTROL_REQUEST_IMPORT_H

#include <stdbool.h>

struct call;

void	post_import_account(struct call *);
void	post_import_cert(struct call *);
void	post_adopt_account(struct call *);
void	post_export(struct call *);
void	post_put(struct call *);
void	post_export_account(struct call *);

/* May this caller have keys, or hand them over?  If not, it is told. */
bool	request_may_have_keys(struct call *);

#endif
