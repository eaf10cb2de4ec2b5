/* SPDX-License-Identifier: MIT */
/*
 * conf_text - sections of acmed.conf as text, for the files of conf_batch.h:
 *
 *	struct conf_text *t = conf_text_new("Written by acmectl.");
 *	conf_text_begin(t, "certificate", "example.com");
 *	conf_text_list(t, "names", names);
 *	conf_text_begin(t, "deploy", "nginx");
 *	conf_text_value(t, "reload", "nginx.service");
 *	conf_text_end(t);
 *	conf_text_end(t);
 *	text = conf_text_take(t);
 *
 * Values may be any text: they are quoted so that acmed's reader has them back
 * byte for byte.  They must be UTF-8, which is the reader's to tell.
 */
#ifndef CTL_CONF_TEXT_H
#define CTL_CONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct conf_text;

/* Begins with the comment, a line of # for each of its lines; NULL: none. */
struct conf_text *conf_text_new(const char *comment);
/* The text; t is freed.  The caller frees. */
char	*conf_text_take(struct conf_text *t);

/* kind "TITLE" {, at any depth, and its }. */
void	conf_text_begin(struct conf_text *, const char *kind,
	    const char *title);
void	conf_text_end(struct conf_text *);

/* key = "value"; nothing if value is NULL. */
void	conf_text_value(struct conf_text *, const char *key,
	    const char *value);
/* key = { "a", "b" }, NULL-terminated; nothing if list is NULL. */
void	conf_text_list(struct conf_text *, const char *key,
	    const char *const *list);
void	conf_text_bool(struct conf_text *, const char *key, bool value);
/* A line (or more) of # where the text is now. */
void	conf_text_comment(struct conf_text *, const char *text);

#endif
