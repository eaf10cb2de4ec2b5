/* SPDX-License-Identifier: MIT */
/*
 * budget_order - what becomes of what an order was counted for
 * (limits/limits.h), once that order is in the row of its certificate: of the
 * names that it was made for, whatever the configuration says now.
 */
#ifndef DAEMON_CERTS_BUDGET_ORDER_H
#define DAEMON_CERTS_BUDGET_ORDER_H

struct cert;
struct conf_account;

/* At which account of its configuration it was made, also where the next run
 * begins elsewhere; NULL: not known, or there is no order. */
const struct conf_account *budget_order_account(const struct cert *);
/* It has brought a certificate.  The caller saves the row. */
void	budget_order_issued(struct cert *);
/* It is given up: what it has not brought is given back, unless the CA may have
 * issued all the same.  The same. */
void	budget_order_over(struct cert *);
/* At a start: it is under way still. */
void	budget_order_resume(const struct cert *);

#endif
