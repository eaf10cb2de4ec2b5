/* SPDX-License-Identifier: MIT */
/*
 * fault - accounts whose key is there and cannot be used: found when acmed
 * starts and when the configuration is read, not only when the next renewal
 * fails for it, which may be two months later.
 */
#ifndef DAEMON_ACCOUNTS_FAULT_H
#define DAEMON_ACCOUNTS_FAULT_H

#include <time.h>

struct cert;
struct certs;
struct error;

/* Read the keys of all configured accounts; what is found is logged, and so is
 * its end. */
void	fault_look(struct certs *);
/* The same, only where something was found before: it may be mended. */
void	fault_look_again(struct certs *);
/* What keeps the account of the certificate's next renewal from being used, and
 * when that was found; NULL: nothing.  Borrowed until the next look. */
const struct error *fault_of(const struct cert *, time_t *at);
void	fault_clear(struct certs *);

#endif
