/* SPDX-License-Identifier: MIT */
/*
 * fake_check - what only a preflight asks: daemon/acme/meta.h,
 * daemon/dns/addrs.h, caa.h, dnssec.h, nscheck.h and reach.h, with answers that
 * the test sets.
 */
#ifndef TESTS_FAKE_FAKE_CHECK_H
#define TESTS_FAKE_FAKE_CHECK_H

#include <stdbool.h>

#include "common/error.h"
#include "daemon/dns/dnssec.h"

struct loop;

struct fake_check {
	struct loop	*loop;
	unsigned	 in_flight;
	unsigned	 n_metas, n_caas, n_dnssecs, n_nschecks, n_reaches;
	unsigned	 most;		/* in flight at once */
	struct error	 reach_err;	/* kind ERR_NONE: one answers */
	/* of the directory; kind ERR_NONE: it is there */
	struct error	 meta_err;
	const char	*terms;
	bool		 eab_required;
	const char	*identities[4];	/* NULL-terminated */
	const char	*caa_refused;	/* a name; NULL: none */
	char		 caa_account[200];	/* of the last question */
	enum dnssec_state dnssec;
	const char	*addresses;	/* NULL: there are none */
	char		 caa_method[32];	/* of the last question */
	const char	*dead_tcp;	/* zone whose server has no TCP */
};
extern struct fake_check fake_check;

void	fake_check_reset(struct loop *);

#endif
