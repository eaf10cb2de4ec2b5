/* SPDX-License-Identifier: MIT */
/*
 * textfile - the metrics as a file for node_exporter's textfile collector
 * (metrics_textfile): each minute, and soon after a run has ended.  It is
 * written beside and renamed, a piece in each turn of the loop.
 *
 * A file that cannot be written is a warning once, until it can be again or
 * the reason is another one; status has it.
 */
#ifndef DAEMON_ENGINE_TEXTFILE_H
#define DAEMON_ENGINE_TEXTFILE_H

#include <jansson.h>

struct engine;
struct textfile;

struct textfile	*textfile_new(struct engine *);
/* The file stays.  NULL is allowed. */
void		 textfile_free(struct textfile *);
/* At the start, and after a reload: a file that is not wanted any more is
 * removed, for its values would seem to hold for ever. */
void		 textfile_kick(struct textfile *);
/* "metrics_textfile" of doc/control-api.md. */
json_t		*textfile_json(const struct textfile *);

#endif
