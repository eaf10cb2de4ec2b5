/* SPDX-License-Identifier: MIT */
/*
 * summary - how urgent what a certificate's condition says is, and the line
 * that counts: "42 certificates: 39 valid, 2 failing, 1 paused; next renewal
 * example.com in 3d".
 */
#ifndef CTL_SUMMARY_H
#define CTL_SUMMARY_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

#include "ctl/term.h"

/* The most urgent first; those of doc/control-api.md, and SUMMARY_PAUSED of
 * one that is well otherwise. */
enum summary_rank {
	SUMMARY_EXPIRED,
	SUMMARY_MISSING,
	SUMMARY_FAILING,
	SUMMARY_SERVING_OLD,
	SUMMARY_NOT_DEPLOYED,
	SUMMARY_NAMES_MISSING,
	SUMMARY_ROLLED_BACK,
	SUMMARY_UNKNOWN,	/* what a later acmed may say */
	SUMMARY_RENEWING,
	SUMMARY_DEPLOYING,
	SUMMARY_OTHER_CA,
	SUMMARY_STAGING,
	SUMMARY_PAUSED,
	SUMMARY_VALID,
	SUMMARY_END
};

enum summary_rank summary_rank(const json_t *cert);
/* Of the word for its condition. */
enum term_colour summary_colour(const json_t *cert);

struct summary {
	size_t		 n[SUMMARY_END];
	size_t		 hidden;	/* that a filter keeps out */
	const char	*next;		/* whose turn is next; lent, or NULL */
	time_t		 next_at;
	int		 is_retry;	/* of a failed one */
};

/* Without a newline; the caller frees. */
char	*summary_text(const struct summary *, time_t now);

#endif
