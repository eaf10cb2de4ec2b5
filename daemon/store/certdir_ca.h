/* SPDX-License-Identifier: MIT */
/*
 * certdir_ca - ca.json in each version of the archive: which CA issued it, for
 * which account.  It is part of the version, so that it is known as long as
 * that is there, whatever becomes of state.db.
 */
#ifndef DAEMON_STORE_CERTDIR_CA_H
#define DAEMON_STORE_CERTDIR_CA_H

#include "daemon/store/keys.h"

#define CERTDIR_CA "ca.json"

/* The text of the file; NULL where the CA is not known.  The caller frees. */
char	*certdir_ca_text(const char *directory, const char *account);
/* That of the version dir is open at; both NULL where it has none (an
 * earlier acmed made it), or where that is damaged. */
void	 certdir_ca_read(int dir, struct cert_ca *);

#endif
