/* SPDX-License-Identifier: MIT */
/*
 * lost - what of live/ is missing or damaged: linked again from archive/ where
 * that still has it, and else renewed, spread over an hour where it is more
 * than a few certificates (a file system is not mounted, a backup was put back
 * in part).
 */
#ifndef DAEMON_ENGINE_LOST_H
#define DAEMON_ENGINE_LOST_H

#include <stdbool.h>

struct cert;
struct engine;

/* At start: bring the rows in line with live/, after mending that. */
void	lost_start(struct engine *);
/* Has live/NAME been lost, and is it there again now?  The row follows it. */
bool	lost_mend(struct engine *, struct cert *);

#endif
