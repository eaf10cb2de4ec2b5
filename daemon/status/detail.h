/* SPDX-License-Identifier: MIT */
/* detail - the page's parts about one certificate. */
#ifndef DAEMON_STATUS_DETAIL_H
#define DAEMON_STATUS_DETAIL_H

struct view;

/* v->cert, or that there is none. */
void	detail(struct view *);

#endif
