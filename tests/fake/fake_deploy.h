/* SPDX-License-Identifier: MIT */
/* fake_deploy - daemon/deploy/deploy.h that only remembers what it ran. */
#ifndef TESTS_FAKE_FAKE_DEPLOY_H
#define TESTS_FAKE_FAKE_DEPLOY_H

#include <time.h>

#include "tests/fake/fake_rule.h"

struct loop;

struct fake_deploy {
	struct fake_rule rule;		/* subject: "CERT ACTION" */
	unsigned	 in_flight;
	unsigned	 latency_ms;
	const char	*step;		/* under way; NULL: "exec" */
	time_t		 seen_before, seen_after;	/* told when it fails;
					   0: nothing is */
	char		 log[4096];	/* "CERT ACTION SERIAL\n" as they
					   began; " KIND" if only that */
	char		 program[64];	/* exec's, of the last that began */
};
extern struct fake_deploy fake_deploy;

void	fake_deploy_reset(struct loop *);

#endif
