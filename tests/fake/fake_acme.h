/* SPDX-License-Identifier: MIT */
/*
 * fake_acme - daemon/acme/acme.h as a CA in memory: orders that live through
 * a restart of the engine, validation that looks into fake_dns, certificates
 * that are real.
 */
#ifndef TESTS_FAKE_FAKE_ACME_H
#define TESTS_FAKE_FAKE_ACME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/acme/acme.h"
#include "tests/fake/fake_rule.h"

enum fake_act {
	FAKE_ACCOUNT,		/* subject "" */
	FAKE_FIND,		/* "" */
	FAKE_UPDATE,		/* "" */
	FAKE_CLOCK,		/* "" */
	FAKE_NEW_ORDER,		/* the first name */
	FAKE_GET_ORDER,		/* the others: the URL */
	FAKE_GET_AUTHZ,
	FAKE_ANSWER,
	FAKE_FINALIZE,
	FAKE_CERT,
	FAKE_INFO,		/* the ARI-ID */
	FAKE_REVOKE,		/* "" */
	FAKE_ACT_END
};

#define FAKE_NAMES_MAX 8

struct fake_order {
	enum acme_status status;
	char		 at[64];	/* the directory of its CA */
	char		replaces[128];	/* "": nothing */
	char		*names[FAKE_NAMES_MAX];	/* as asked for */
	size_t		 n_names;
	enum acme_status authz[FAKE_NAMES_MAX];
	int64_t		 answered_ms[FAKE_NAMES_MAX];	/* 0: not yet */
	bool		 by_persist[FAKE_NAMES_MAX];	/* ... by that type */
	bool		 is_proved[FAKE_NAMES_MAX];	/* when answered */
	int64_t		 finalized_ms;
	char		*pem[2];	/* default chain, alternate chain */
};

struct fake_ca {
	struct fake_rule rules[FAKE_ACT_END];
	const char	*rules_at;	/* they are of the CA with this
					   directory; NULL: of each */
	unsigned	 calls[FAKE_ACT_END];
	unsigned	 in_flight;
	unsigned	 latency_ms;	/* of every answer */
	int64_t		 validation_ms, issuance_ms;	/* the CA needs */
	unsigned	 retry_after_s;	/* of unfinished orders; 0: none */
	int64_t		 lifetime_s;	/* of certificates */
	int64_t		 shift_s;	/* ... whose dates are off by this */
	int64_t		 goes_back_ms;	/* so long after finalize an order
					   is ready once more */
	unsigned	 lost_finalizes;	/* which the CA forgets */
	int64_t		 backdate_s;	/* notBefore lies so far in the past */
	int64_t		 authz_s;	/* an authorization lives; 0: it does
					   not say */
	const char	*valid_name;	/* authorized from the start */
	const char	*refused_name;	/* its challenge fails */
	char *const	*refused;	/* identifiers of every error; or
					   NULL */
	const char	*order_error;	/* of an order that became invalid */
	enum acme_status new_status;	/* of new orders */
	enum acme_status end_status;	/* of finalized ones */
	struct loop	*loop;		/* for meta.h, which is given none */
	bool		 no_dns01, no_http01;
	const char	*webroot;	/* of http-01; or NULL */
	const char	*persist;	/* dns-persist-01 is offered, and proved
					   by a record with this value */
	bool		 no_lookup;	/* validate without fake_dns */
	bool		 has_alternate;	/* a second chain, to "Other Root" */
	bool		 wrong_names;	/* in certificates */
	bool		 has_ari;	/* renewalInfo is offered: */
	int64_t		 ari_start, ari_end;	/* the window */
	int64_t		 ari_retry_s;	/* 0: 6 hours */
	const char	*ari_why;	/* explanation, or NULL */
	int64_t		 ahead_s;	/* our clock is, of the CA's; 0: it does
					   not say */
	bool		 has_lost_account;	/* until newAccount */
	char		 kid[64];
	unsigned	 accounts;	/* made so far */
	unsigned	 revoked;	/* certificates */
	char		 revoked_at[64];	/* the last: its directory */
	struct fake_order orders[256];
	size_t		 n_orders;
};
extern struct fake_ca fake_ca;

/* Forget all, begin with a CA that works. */
void		 fake_ca_reset(void);
/* The value of dns-01 for name i of order n. */
void		 fake_ca_value(size_t n, size_t i, char out[ACME_TXT_SIZE]);
/* Chains made by this CA, outside of any order; the caller frees. */
char		*fake_ca_issue(EVP_PKEY *, const char *const *names,
		    const char *serial, bool other_root);

#endif
