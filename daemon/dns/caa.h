/* SPDX-License-Identifier: MIT */
/*
 * caa - may a CA issue for a name?  The CAA records of RFC 8659, with the
 * account and the validation method of RFC 8657, seen through the resolvers.
 * For checks before an order; the CA looks for itself.
 */
#ifndef DAEMON_DNS_CAA_H
#define DAEMON_DNS_CAA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/names.h"

struct caa_op;
struct dns;
struct error;

/* Who wants what.  Borrowed; caa_start() copies. */
struct caa_args {
	const char	*name;		/* may begin with "*." */
	const char *const *identities;	/* of the CA, as its directory says
					   ("letsencrypt.org");
					   NULL-terminated */
	const char	*account;	/* URL of the account; "": not known */
	const char	*method;	/* "dns-01" */
	const char	*methods;	/* all that the account uses, by commas;
					   NULL: not known */
	unsigned	 timeout_ms;
};

/* One CAA record. */
struct caa_record {
	unsigned	 flags;
	const char	*tag;
	const char	*value;
};

/* Why not, and what to do about it: both one line for a person. */
struct caa_refusal {
	char		 why[512];	/* "" if it is allowed */
	char		 fix[768];	/* names the record to add or change */
};

/* Do these records, which are those of the name at, allow it? */
bool	caa_allows(const struct caa_record *, size_t n, const char *at,
	    const struct caa_args *, struct caa_refusal *);

/*
 * The record that lets only this account issue, and only by its methods
 * (RFC 8657), in place of what these records, which allow it, say: "a.test. CAA
 * 0 issue ...".  "" if they let nobody else of this CA, or account or methods
 * are not known.  n may be 0.
 */
void	caa_narrow(const struct caa_record *, size_t n, const char *at,
	    const struct caa_args *, char *out, size_t size);

/*
 * The same as a record that can be added beside these: of this account, by its
 * methods.  content is as a zone file has it (0 issue "..."); "" if it is there
 * already (is_there), or account or methods are not known.
 */
struct caa_own {
	char		 content[768];
	bool		 is_there;
	char		 wide[200];	/* one of these that lets all accounts
					   of the CA issue, which makes it of
					   no use; "": none does */
};
void	caa_own(const struct caa_record *, size_t n, const struct caa_args *,
	    struct caa_own *);

struct caa_reply {
	bool		 is_allowed;
	char		 at[DNAME_SIZE];	/* whose records decide; "":
						   none, all may issue */
	struct caa_refusal refusal;	/* not allowed: as of caa_allows() */
	char		 narrow[768];	/* allowed: as of caa_narrow() */
	char		 own_at[DNAME_SIZE];	/* where own belongs */
	struct caa_own	 own;
};

/* Climbs from the name to the top until there are CAA records.  Errors:
 * ERR_TRANSIENT "dns:resolver"; a CA would refuse then. */
typedef void caa_done_cb(const struct error *err, const struct caa_reply *,
    void *arg);
struct caa_op	*caa_start(struct dns *, const struct caa_args *,
		    caa_done_cb *done, void *arg);
void		 caa_cancel(struct caa_op *);

#endif
