/* SPDX-License-Identifier: MIT */
/* fake_hooks - daemon/deploy/hooks.h that only remembers what it ran. */
#ifndef TESTS_FAKE_FAKE_HOOKS_H
#define TESTS_FAKE_FAKE_HOOKS_H

#include "tests/fake/fake_rule.h"

struct loop;

struct fake_hooks {
	struct fake_rule rule;		/* subject: "WHEN CERT" */
	char		 log[1024];	/* "WHEN CERT SERIAL\n" */
};
extern struct fake_hooks fake_hooks;

void	fake_hooks_reset(struct loop *);

#endif
