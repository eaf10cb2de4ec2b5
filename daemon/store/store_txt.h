/* SPDX-License-Identifier: MIT */
/* store_txt - for store.c only; the rest is in store.h. */
#ifndef DAEMON_STORE_STORE_TXT_H
#define DAEMON_STORE_STORE_TXT_H

struct store;

/* Find the id that the next new row gets. */
void	store_txt_init(struct store *);

#endif
