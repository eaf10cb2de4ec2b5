/* SPDX-License-Identifier: MIT */
/*
 * fake_rule - what a fake does instead of succeeding: fail, or never answer,
 * for some of the calls.  For the fakes below engine/.
 */
#ifndef TESTS_FAKE_FAKE_RULE_H
#define TESTS_FAKE_FAKE_RULE_H

#include <stdbool.h>

#include "common/error.h"

struct fake_rule {
	const char	*match;		/* only calls whose subject contains
					   this; NULL: all */
	unsigned	 skip;		/* calls that succeed first */
	unsigned	 times;		/* calls that the rule is for */
	bool		 hangs;		/* no answer at all */
	bool		 acts;		/* fails, but did what was asked */
	struct error	 err;
};

enum fake_verdict {
	FAKE_DOES,
	FAKE_FAILS,
	FAKE_HANGS_ON
};

/* The verdict for one more call; *err if it fails. */
enum fake_verdict fake_rule_next(struct fake_rule *, const char *subject,
		    struct error *err);
/* Fail the next calls with this error. */
void		 fake_rule_fail(struct fake_rule *, unsigned times,
		    enum err_kind, const char *code, const char *msg);
/* Let the next call hang. */
void		 fake_rule_hang(struct fake_rule *);

#endif
