/* SPDX-License-Identifier: MIT */
/*
 * catalogue - every sentence of a message, in each language.  {WORD} is
 * replaced by what is known; what was put in is never looked at again.
 */
#ifndef DAEMON_NOTIFY_CATALOGUE_H
#define DAEMON_NOTIFY_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/conf_notify.h"

enum phrase {
	/* Subjects: {name}, and {left} where it is known. */
	P_SUBJ_FAILED,
	P_SUBJ_EXPIRING,
	P_SUBJ_EXPIRED,
	P_SUBJ_DEPLOY_EXPIRED,
	P_SUBJ_SERVES_EXPIRED,
	P_SUBJ_DEPLOY,
	P_SUBJ_SERVING_OLD,
	P_SUBJ_CLEANUP,
	P_SUBJ_ACCOUNT,
	P_SUBJ_CREDENTIALS,
	P_SUBJ_CONFIG,
	P_SUBJ_RECOVERED,
	P_SUBJ_RENEWED,
	P_SUBJ_DIGEST,
	P_SUBJ_REPOSITORY,
	P_SUBJ_START,
	P_SUBJ_REVOCATION,
	P_SUBJ_NAMES,
	P_SUBJ_FLEET,
	P_SUBJ_CLUSTER,
	P_SUBJ_DIFFERS,
	P_SUBJ_WATCHED,
	P_SUBJ_WATCHED_ENDS,
	P_SUBJ_GIVEN,
	P_SUBJ_GIVEN_ENDS,
	P_SUBJ_TEST,
	P_AND_MORE,		/* {name} and {n} more */
	P_NO_CERT,
	P_NOT_KNOWN,		/* what is served */
	P_LEFT,			/* {left} left */
	/* First sentences, in the order of enum notify_event, one and many. */
	P_LEAD_ONE,
	P_LEAD_MANY = P_LEAD_ONE + NEV_END,
	P_LEAD_TEST = P_LEAD_MANY + NEV_END,
	P_LEAD_GIVEN,		/* the first of those that follow */
	P_LEAD_GIVEN_MANY,
	P_LEAD_GIVEN_ENDS,
	P_LEAD_GIVEN_ENDS_MANY,
	P_LEAD_DIFFERS,
	P_RECOVERED_DEPLOY,
	P_RECOVERED_CLEANUP,
	P_RECOVERED_REVOCATION,
	P_RECOVERED_NAMES,
	P_RECOVERED_WATCHED,
	P_RECOVERED_FLEET,
	P_RECOVERED_CLUSTER,
	P_RECOVERED_CONFIG,
	P_AGAIN,		/* told before, since {since} */
	P_WORSE,
	P_CHANGED,
	/* Labels. */
	P_L_CERT,
	P_L_NAMES,
	P_L_EXPIRES,
	P_L_NEW,		/* ... the new certificate */
	P_L_FAILED,
	P_L_STEP,
	P_L_OBJECT,
	P_L_WHO,
	P_L_REPOSITORY,
	P_L_PUBLISHER,
	P_L_REASON,
	P_L_NEXT,
	P_L_HOST,
	P_L_TIME,
	P_L_LIST,
	P_TRIES,		/* {n} times */
	P_SINCE,		/* {n} times since {since} */
	P_ONCE,			/* once, at {since} */
	P_IN,			/* {at} (in {left}) */
	P_AGO,			/* {at} ({left} ago) */
	P_NOW,
	P_MORE,			/* and {n} more */
	P_DIGEST,		/* {n} certificates: ... */
	P_DIGEST_FINE,
	P_DROPPED,		/* {n} older messages ... */
	/* What the person can do; a line after a tab is a command. */
	P_DO,
	P_DO_DEFAULT,
	P_DO_LINK,		/* {link} */
	P_DO_RATE,
	P_DO_PAUSED,		/* {name} */
	P_DO_CAA,
	P_DO_AUTHZ,
	P_DO_ZONE,		/* {who} */
	P_DO_EAB,		/* {who} */
	P_DO_TOS,		/* {who} */
	P_DO_NAMES,
	P_DO_BAD_REPLY,
	P_DO_ANSWERS,
	P_DO_WAIT,
	P_DO_WORDS,
	P_DO_CERT,
	P_DO_DATES,
	P_DO_CHALLENGE,
	P_DO_REACH,
	P_DO_NETWORK,
	P_DO_TLS,
	P_DO_RESOLVERS,
	P_DO_UPDATE,		/* {who} */
	P_DO_CLOCK,
	P_DO_DISK,
	P_DO_STALE,
	P_DO_ON_ARRIVAL,
	P_DO_ACCOUNT,
	P_DO_CREDENTIALS,	/* {who} */
	P_DO_EXPIRING,
	P_DO_DEPLOY,
	P_DO_SERVING_OLD,
	P_DO_CLEANUP,
	P_DO_REVOCATION,
	P_DO_MISSING,
	P_DO_CSR,
	P_DO_GIVEN,
	P_DO_GIVEN_ENDS,
	P_DO_WATCHED,
	P_DO_BEHIND,
	P_DO_STOPPED,
	P_DO_WATCHED_ENDS,
	P_DO_CLUSTER,
	P_DO_CLUSTER_CONF,
	P_DO_DIFFERS,
	P_DO_ETCD_USER,
	P_DO_ETCD_SPACE,
	P_DO_CONFIG,
	P_DO_START,
	P_DO_SOURCE,		/* {publisher} */
	P_DO_FETCH,
	P_DO_REPOSITORY,
	P_A_PUBLISHER,		/* where it is not known which */
	/* Spans: {n}. */
	P_DAYS,
	P_HOURS,
	P_MINUTES,
	P_DAY,
	P_HOUR,
	P_MINUTE,
	P_END
};

const char	*phrase(enum phrase, bool is_chinese);

struct phrase_var {
	const char	*name;		/* NULL ends the list */
	const char	*value;
};
/* The phrase with its words put in; the caller frees. */
char		*phrase_fill(enum phrase, bool is_chinese,
		    const struct phrase_var *);
/* "12 days"; of what has passed too. */
char		*phrase_span(int64_t seconds, bool is_chinese);

/* Columns of a text on a terminal or a phone: 2 for what is wide. */
size_t		 text_columns(const char *);
/* Cut to columns, "..." at the end if it was longer; the caller frees. */
char		*text_fit(const char *, size_t columns);

#endif
