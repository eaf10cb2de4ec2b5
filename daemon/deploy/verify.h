/* SPDX-License-Identifier: MIT */
/*
 * verify - the deploy step `verify`: is the new certificate really served?
 * Every address of every entry is asked until all serve it, or time is up
 * (servers take over a moment after a reload).  An address is right if
 *   - its leaf is the new one, byte for byte, and
 *   - the chain it sends verifies: by ca_file; or by the system's trust, if
 *     the new chain itself does.  (That of a private CA does not: then the
 *     leaf alone is compared.)
 * Addresses that this host has no route to at all do not count as long as
 * another one of the same entry is right.
 */
#ifndef DAEMON_DEPLOY_VERIFY_H
#define DAEMON_DEPLOY_VERIFY_H

#include "daemon/deploy/kind.h"
#include "daemon/deploy/verify_text.h"	/* VERIFY_ERR... */

extern const struct deploy_kind deploy_verify;

#endif
