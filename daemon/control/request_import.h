/* SPDX-License-Identifier: MIT */
/* request_import - POST /v1/import/account and /v1/import/certificate, which
 * bring private keys: for root and the daemon's own user only, not for the
 * group.  Nothing of a key is ever logged or answered. */
#ifndef DAEMON_CONTROL_REQUEST_IMPORT_H
#define DAEMON_CONTROL_REQUEST_IMPORT_H

struct call;

void	post_import_account(struct call *);
void	post_import_cert(struct call *);

#endif
