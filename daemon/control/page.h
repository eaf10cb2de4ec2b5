/* SPDX-License-Identifier: MIT */
/* page - replies with something for each certificate, a piece at a time. */
#ifndef DAEMON_CONTROL_PAGE_H
#define DAEMON_CONTROL_PAGE_H

struct call;

void	get_status(struct call *);
void	get_receipts(struct call *);
void	get_metrics(struct call *);

#endif
