/* SPDX-License-Identifier: MIT */
/*
 * pair - two certificates under one name, one with an EC and one with an RSA
 * key: what is known of the second, and of a first that waits for it.  The
 * row of the certificate is of the first, but for its dates: those are of the
 * one that ends first, as the two are renewed together.
 */
#ifndef DAEMON_CERTS_PAIR_H
#define DAEMON_CERTS_PAIR_H

#include <stdbool.h>

#include "daemon/store/store.h"

struct cert;
struct cert_info;

/* What state.db says. */
void	pair_load(struct cert *, const struct store_pair *);
/* That of a certificate, made if there is none. */
struct store_pair *pair_row(struct cert *);
/* Write it, if there is one; with cert_save(). */
void	pair_save(struct cert *);
void	pair_free(struct cert *);

/* What is installed now, the rest of cert_take_info(). */
void	pair_take_info(struct cert *, const struct cert_info *);
/* Has the row what was read now, of a second one? */
bool	pair_is(const struct cert *, const struct cert_info *);
/* The installed second one, or NULL. */
const struct store_pair *pair_installed(const struct cert *);
/* Is what is installed beside the first as the configuration wants it?  What is
 * there and not wanted goes with the next renewal. */
bool	pair_is_wanted(const struct cert *);

/* The names that a first one was issued for, which waits for its second; NULL:
 * there is none. */
const char *pair_first_names(const struct cert *);
/* It is used, or of no use: forget it; and remove its file, which otherwise
 * goes when the row is saved.  The row is not saved. */
void	pair_forget_first(struct cert *);
void	pair_drop_first(struct cert *);

#endif
