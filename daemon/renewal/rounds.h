/* SPDX-License-Identifier: MIT */
/*
 * rounds - some providers hold one TXT value at a name, or two, and more are
 * needed: a name and its wildcard, or many names whose _acme-challenge leads
 * to one target.  Such values take turns.  Called by authorize.
 */
#ifndef DAEMON_RENEWAL_ROUNDS_H
#define DAEMON_RENEWAL_ROUNDS_H

#include <stddef.h>

struct conf_provider;

struct round_item {
	const char	*place;		/* what holds no more than max_values:
					   the record's name, or its zone if
					   the provider .shares_values */
	const struct conf_provider *provider;
	unsigned	 round;		/* out: counted from 0 */
};

/*
 * Give each of the values its round: in none of them a provider has more of
 * one place than it can hold, and each comes as early as possible.  Returns
 * the number of rounds; 0 if there is no value.
 */
unsigned	 rounds_plan(struct round_item *, size_t n);

#endif
