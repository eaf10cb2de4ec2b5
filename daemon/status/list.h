/* SPDX-License-Identifier: MIT */
/* list - the page's parts about all certificates. */
#ifndef DAEMON_STATUS_LIST_H
#define DAEMON_STATUS_LIST_H

#include <stdbool.h>

struct glance;
struct view;

/* How many there are of each mood, and what is wrong besides. */
void	list_summary(struct view *);
void	list_problems(struct view *);
/* What others renew. */
void	list_watched(struct view *);
/* One that needs attention, with its cause. */
void	list_card(struct view *, const char *name, const struct glance *);
void	list_more_cards(struct view *);
void	list_calendar(struct view *);

/* The table: its head, one row, and what follows it; last: of the rows there
 * are more behind; NULL: none. */
void	list_begin(struct view *);
void	list_row(struct view *, const char *name, const struct glance *);
void	list_end(struct view *, const char *last);

#endif
