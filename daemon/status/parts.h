/* SPDX-License-Identifier: MIT */
/* parts - what the list and the details of one certificate have in common. */
#ifndef DAEMON_STATUS_PARTS_H
#define DAEMON_STATUS_PARTS_H

#include <jansson.h>

#include "daemon/engine/glance.h"

struct view;

/* What the matter is: a sign and a word, which say the same. */
void	parts_state(struct view *, const json_t *cert, const struct glance *);
/* Its lifetime: how much is over, and when it is to be renewed. */
void	parts_bar(struct view *, const json_t *cert, const struct glance *);
/* <time>, relative to now, with the moment as its title; 0: nothing. */
void	parts_when(struct view *, time_t at);
/* What comes next. */
void	parts_next(struct view *, const struct glance *);
/* "62 days left". */
void	parts_left(struct view *, const struct glance *);
/* Why it needs attention, and what helps. */
void	parts_cause(struct view *, const json_t *cert);
void	parts_advice(struct view *, const json_t *cert, const struct glance *);

#endif
