/* SPDX-License-Identifier: MIT */
/*
 * persist_record - one standing record of dns-persist-01: what the servers
 * show now; where that is wanted and not so yet, it is written or removed
 * through the provider, waited for and looked at again.
 */
#ifndef DAEMON_PERSIST_PERSIST_RECORD_H
#define DAEMON_PERSIST_PERSIST_RECORD_H

#include <jansson.h>
#include <time.h>

struct conf_cert;
struct dns;
struct persist_env;
struct persist_name;
struct persist_record;

enum persist_act {
	PERSIST_SHOW,
	PERSIST_WRITE,		/* add what is not right, then remove records
				   of the same CA and account it replaces */
	PERSIST_REMOVE		/* all of that CA and account */
};

struct persist_record_args {	/* borrowed until the end, but for the
				   structure itself */
	const struct persist_env *env;
	struct dns	*dns;		/* the certificate's */
	const struct conf_cert *cert;
	const struct persist_name *name;
	const char *const *issuers;	/* what the CA calls itself */
	const char	*kid;		/* the account's URL */
	enum persist_act act;
	time_t		 until;		/* persistUntil; 0: for ever */
	const char	*value;		/* of the record, as it is to be */
};

/*
 * An object of "records" of doc/control-api.md, which the callee takes.  What
 * failed is in it.
 */
typedef void persist_record_done_cb(json_t *record, void *arg);

struct persist_record *persist_record_start(const struct persist_record_args *,
		    persist_record_done_cb *done, void *arg);
void		 persist_record_cancel(struct persist_record *);

#endif
