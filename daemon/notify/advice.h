/* SPDX-License-Identifier: MIT */
/*
 * advice - what a person can do about an error, by its code: one table for
 * messages and for `acmectl status`.  doc/troubleshooting.md says the same, and
 * a test compares them.
 */
#ifndef DAEMON_NOTIFY_ADVICE_H
#define DAEMON_NOTIFY_ADVICE_H

#include "daemon/notify/catalogue.h"

struct error;

/* The sentences for this code; P_END if there are none of its own. */
enum phrase	 advice_phrase(const char *code);
/* Where a peer wants a person to go: the first link in its words, or NULL; the
 * caller frees. */
char		*advice_link(const char *words);
/*
 * The sentences, filled in: name is the certificate's, who the account's or the
 * provider's.  A line after a tab is a command.  NULL if there
 * are none; the caller frees.
 */
char		*advice_text(const struct error *, const char *name,
		    const char *who, bool is_chinese);

#endif
