/* SPDX-License-Identifier: MIT */
/*
 * notifier_priv - what notifier.c (the alarms), notifier_facts.c (what is wrong
 * now) and notifier_send.c (messages) share.  Nobody else includes it.
 */
#ifndef DAEMON_ALERTS_NOTIFIER_PRIV_H
#define DAEMON_ALERTS_NOTIFIER_PRIV_H

#include "daemon/alerts/alarm.h"
#include "daemon/alerts/env.h"
#include "daemon/alerts/notifier.h"
#include "daemon/alerts/queue.h"
#include "daemon/certs/certs.h"
#include "daemon/io/loop.h"

struct heartbeats;

/* One key: what was told, and what is wrong now. */
struct alarm {
	TAILQ_ENTRY(alarm) link;
	struct notifier	*notifier;
	char		*key;
	/* What was told; told_at 0: nothing. */
	char		*told_cause;
	unsigned	 told_events;
	int		 told_level, told_stage;
	time_t		 since, told_at;
	bool		 is_stored;
	/* What is wrong now; is_wrong false: nothing. */
	bool		 is_wrong, is_shared;
	bool		 is_kept;	/* undecided: it stays as it was */
	char		*cause, *cert, *text;
	enum notify_event event;
	unsigned	 events;
	enum notify_level level;
	int		 stage;
	time_t		 ends;		/* as in alarm.h */
	/* What is to be told; tell_at 0: nothing. */
	enum alarm_act	 act;
	time_t		 tell_at;
};
TAILQ_HEAD(alarms, alarm);

struct notifier {
	const struct alerts_env *env;
	struct queue	*queue;
	struct heartbeats *beats;
	struct alarms	 alarms;
	void		*by_key;	/* tsearch(3) */
	struct timer	 look;
	time_t		 digest_at;	/* told last; 0: never */
	time_t		 recovered_at;	/* told last since the start */
	bool		 is_started;
	bool		 is_kicked;	/* look is set for soon */
	/* Of one look: the last answer of group_told(), by the stage that was
	 * told at least. */
	const char	*asked_cause;
	time_t		 asked_at[STAGE_EXPIRED + 1];
};

/* The alarm of that key; NULL if there is none and make is false. */
struct alarm	*notifier_alarm(struct notifier *, const char *key, bool make);
void		 notifier_forget(struct alarm *);
/* Mark what is wrong now. */
void		 notifier_find_facts(struct notifier *, time_t now);
/* Tell all that it is time for, with more of the same. */
void		 notifier_send_due(struct notifier *, time_t now);
void		 notifier_send_digest(struct notifier *, time_t now);
/* What was told, as a row. */
void		 notifier_told(const struct alarm *, struct store_alarm *row);

#endif
