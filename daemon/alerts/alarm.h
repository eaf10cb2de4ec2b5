/* SPDX-License-Identifier: MIT */
/*
 * alarm - the policy of telling people: what is wrong, how badly, and whether
 * it is to be told now.  Pure functions of what is known and of the time;
 * called by notifier, which owns the states and the messages.
 *
 * A fact is something that is wrong now.  A state (store.h) is what was told
 * of it.  Facts are made anew from the certificates again and again, so that
 * nothing is lost by a crash, and nothing is told twice by a restart.
 */
#ifndef DAEMON_ALERTS_ALARM_H
#define DAEMON_ALERTS_ALARM_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "daemon/config/conf_notify.h"
#include "daemon/store/store.h"

struct deploy_open;
struct error;
struct watched;

/* How much is left of a certificate. */
enum alarm_stage {
	STAGE_FINE,
	STAGE_QUARTER,		/* it should have been renewed */
	STAGE_EIGHTH,
	STAGE_EXPIRED
};

/* A quarter and an eighth of the lifetime; less where renewals are planned
 * later than that (renew_before_s). */
enum alarm_stage alarm_stage(time_t not_before, time_t not_after,
		    int64_t renew_before_s, time_t now);

struct alarm_fact {
	char		 key[256];	/* what it is about; "failed web" */
	char		 cause[256];	/* the same cause is told once */
	enum notify_event event;	/* that names it */
	unsigned	 events;	/* all that a filter may ask for */
	enum notify_level level;
	int		 stage;
	bool		 is_ripe;	/* may be told */
	bool		 is_shared;	/* many have it, of one event */
	time_t		 ends;		/* what is in use, if another one than
					   the installed; 0: the same, or not
					   known */
	char		 cert[128];	/* "" if it is of none */
	char		 text[2048];	/* peers' own words, with a link that
					   must not be cut (acme:paused) */
};

/* What is known of one certificate. */
struct alarm_cert {
	const char	*name;
	bool		 has_cert;
	time_t		 not_before, not_after;
	int64_t		 renew_before_s;
	unsigned	 failures;
	const struct error *error;	/* of the last run; NULL: none */
	bool		 is_shared;	/* ... of another for all its account */
	const struct error *waits;	/* for a limit of the CA's, until its
					   retry_at; NULL: it does not */
	const char	*account, *provider;	/* configured names */
	const char	*repository;	/* the same, where another host renews;
					   else NULL */
	bool		 is_given;	/* nobody renews it here */
};
/* 0 and *out, or -1 if nothing is wrong with its renewal. */
int	alarm_judge_cert(const struct alarm_cert *,
	    const struct conf_alarm *, time_t now, struct alarm_fact *out);
/*
 * The same of a deploy target that is not done.  How urgent that is depends on
 * what it serves meanwhile, as far as known, not on what is installed.
 */
int	alarm_judge_deploy(const char *cert, const struct deploy_open *,
	    const struct conf_alarm *, time_t now, struct alarm_fact *out);
/* The same of a TXT record. */
int	alarm_judge_txt(const char *cert, const char *provider,
	    const char *fqdn, unsigned tries, time_t created_at,
	    const char *error, time_t now, struct alarm_fact *out);
/* The same of a certificate that is to be revoked, and could not be. */
void	alarm_judge_revocation(const char *cert, const char *serial,
	    unsigned tries, const struct error *, struct alarm_fact *out);
/* The same of names that it was issued without; text says which, and why. */
void	alarm_judge_missing(const char *cert, const char *text,
	    struct alarm_fact *out);
/* The same of a certificate that others renew. */
int	alarm_judge_watch(const struct watched *, const struct conf_alarm *,
	    time_t now, struct alarm_fact *out);
/* The same of hosts that do not serve what is published; text says which. */
void	alarm_judge_hosts(const char *cert, const char *text,
	    enum alarm_stage, time_t ends, struct alarm_fact *out);
/* The same of a cluster that is away, or whose members differ, since then. */
void	alarm_judge_cluster(const struct error *, time_t since, time_t now,
	    struct alarm_fact *out);
/* The same of a roll-out that was stopped. */
void	alarm_judge_waves(const char *cert, const char *text,
	    struct alarm_fact *out);
void	alarm_judge_reload(const char *error, struct alarm_fact *out);

/* What the error of a renewal asks a person for. */
bool	alarm_is_account(const struct error *);
bool	alarm_is_credentials(const struct error *);
/* What another host published is not to be trusted. */
bool	alarm_is_tampered(const struct error *);

enum alarm_act {
	ALARM_NOTHING,
	ALARM_NEW,
	ALARM_REPEAT,
	ALARM_WORSE,
	ALARM_CHANGED,		/* another cause than was told */
	ALARM_RECOVERED,
	ALARM_FORGET		/* it was never told, and is over */
};
/*
 * What to do about a fact (NULL: it is wrong no more), of which *told says
 * what was told (NULL: nothing).
 */
enum alarm_act	alarm_act(const struct alarm_fact *,
		    const struct store_alarm *told,
		    const struct conf_alarm *, time_t now);

/*
 * When to tell one more that has what is shared, if it is told at that time of
 * its own: with the repeat of those that were told of it at told_at, of a
 * stage as late (0: none).
 */
time_t	alarm_shared_at(const struct conf_alarm *, time_t at, time_t told_at,
	    time_t now);

/*
 * How long to gather more of the same before it is told: short for the first,
 * longer if the same cause was told a while ago (group_told_at; 0: never), so
 * that certificates that fail one after the other do not each make a message.
 */
int64_t	alarm_gather_s(const struct conf_alarm *, enum alarm_act,
	    enum notify_level, time_t group_told_at, time_t now);

/* The first time after `after` at which the clock shows at_s seconds after
 * midnight, here. */
time_t	alarm_next_digest(time_t after, int at_s);

/* Does the channel want to be told?  cert NULL: it is about none. */
bool	alarm_passes(const struct conf_notify *, unsigned events,
	    enum notify_level, const char *cert);

#endif
