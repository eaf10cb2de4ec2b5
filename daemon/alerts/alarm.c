/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/alarm.h"

#include <fnmatch.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/certs/due.h"
#include "daemon/certs/floor.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/rollout/rollout.h"
#include "daemon/watches/watches.h"

#define CLUSTER_S 60		/* so long etcd may be away */
#define DAY_S		86400
#define HOUR_S		3600
#define CHANGED_S	(6 * HOUR_S)	/* causes may alternate */
#define REVOKE_TRIES 3
#define REPEAT_SLACK_S	(2 * HOUR_S)	/* repeats go together */
#define CALM_S		HOUR_S
#define CALM_GATHER_S	600

enum alarm_stage
alarm_stage(time_t not_before, time_t not_after, int64_t renew_before_s,
    time_t now)
{
	int64_t lifetime = (int64_t)not_after - not_before;
	int64_t before = due_renew_before(not_before, not_after,
	    renew_before_s);
	int64_t left = (int64_t)not_after - now;
	int64_t quarter = lifetime / 4;

	/* Who renews late by choice is not warned before. */
	if (quarter > before * 3 / 4)
		quarter = before * 3 / 4;
	if (left <= 0)
		return STAGE_EXPIRED;
	if (left <= quarter / 2)
		return STAGE_EIGHTH;
	return left <= quarter ? STAGE_QUARTER : STAGE_FINE;
}

bool
alarm_is_credentials(const struct error *err)
{
	static const char *const codes[] = { "provider:credentials",
	    "dns:tsig", "dns:tsig-key", "dns:refused-update", "sign:key" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	}
	return false;
}

bool
alarm_is_tampered(const struct error *err)
{
	return strncmp(err->code, "manifest:", 9) == 0 ||
	    strcmp(err->code, "fetch:hash") == 0 ||
	    strcmp(err->code, "fetch:older") == 0 ||
	    strcmp(err->code, "seal:open") == 0 ||
	    strcmp(err->code, "identity:open") == 0;
}

bool
alarm_is_account(const struct error *err)
{
	static const char *const codes[] = { "acme:accountDoesNotExist",
	    "acme:externalAccountRequired", "acme:invalidContact",
	    "acme:rateLimited", "acme:unsupportedContact",
	    "acme:userActionRequired" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	}
	return strncmp(err->code, "acme:", 5) == 0 &&
	    (err->kind == ERR_RATELIMIT || err->kind == ERR_CONFIG);
}

static enum notify_level
level_of(enum alarm_stage stage)
{
	return stage >= STAGE_EIGHTH ? NLEV_CRITICAL : NLEV_WARNING;
}

static void
set_text(struct alarm_fact *f, const char *text)
{
	(void)text_printf(f->text, sizeof(f->text), "%s", text);
	text_clean(f->text);
}

/* Who is meant by an error: all certificates with it have one cause. */
static void
set_cause(struct alarm_fact *f, const struct alarm_cert *c)
{
	const char *code = c->error->code;
	bool is_ca = strncmp(code, "acme:", 5) == 0;
	bool is_dns = strncmp(code, "provider:", 9) == 0 ||
	    strncmp(code, "dns:", 4) == 0;
	const char *who = c->repository != NULL ? c->repository : is_ca ?
	    c->account : is_dns ? c->provider : "";

	(void)text_printf(f->cause, sizeof(f->cause), "%s%s%s", code,
	    who[0] != '\0' ? " " : "", who);
}

/* Nothing has failed: it is late, or will be. */
static void
judge_late(const struct alarm_cert *c, bool ends_first, struct alarm_fact *f)
{
	char at[TEXT_TIME_MAX], text[sizeof(f->text)];

	f->event = NEV_EXPIRING;
	f->events |= NEV_BIT(NEV_EXPIRING);
	f->is_ripe = true;
	(void)text_printf(f->cause, sizeof(f->cause), "%s", ends_first ?
	    "limit" : c->is_given ? "given" : "expiring");
	if (ends_first)
		f->level = NLEV_CRITICAL;
	if (c->waits == NULL)
		return;
	(void)text_printf(text, sizeof(text), "%s%s%s", c->waits->msg,
	    ends_first ? "; the certificate in use ends before that: " : "",
	    ends_first ? text_time(c->not_after, at) : "");
	set_text(f, text);
}

int
alarm_judge_cert(const struct alarm_cert *c, const struct conf_alarm *policy,
    time_t now, struct alarm_fact *f)
{
	enum alarm_stage stage = !c->has_cert ? STAGE_FINE :
	    alarm_stage(c->not_before, c->not_after, c->renew_before_s, now);
	bool fails = c->error != NULL && c->failures > 0;
	bool ends_first = c->has_cert && c->waits != NULL &&
	    c->waits->retry_at >= c->not_after;

	if (!fails && !ends_first && stage == STAGE_FINE)
		return -1;
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "failed %s", c->name);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", c->name);
	f->stage = stage;
	f->level = level_of(stage);
	if (stage != STAGE_FINE)
		f->events |= NEV_BIT(NEV_EXPIRING);
	if (!fails) {
		judge_late(c, ends_first, f);
		return 0;
	}
	f->is_shared = c->is_shared;
	f->event = NEV_FAILED;
	f->events |= NEV_BIT(NEV_FAILED);
	if (alarm_is_credentials(c->error)) {
		f->event = NEV_CREDENTIALS;
		f->events |= NEV_BIT(NEV_CREDENTIALS);
	} else if (alarm_is_tampered(c->error)) {
		f->event = NEV_REPOSITORY;
		f->events |= NEV_BIT(NEV_REPOSITORY);
		f->level = NLEV_CRITICAL;
	} else if (alarm_is_account(c->error)) {
		f->event = NEV_ACCOUNT;
		f->events |= NEV_BIT(NEV_ACCOUNT);
	}
	/* What only a person can mend does not get better by waiting. */
	f->is_ripe = stage != STAGE_FINE || f->event != NEV_FAILED ||
	    c->error->kind == ERR_CONFIG ||
	    strcmp(c->error->code, FLOOR_DUE_ON_ARRIVAL) == 0 ||
	    c->failures >= policy->after_tries;
	set_cause(f, c);
	set_text(f, c->error->msg);
	return 0;
}

/* A window holds it until an eighth is left, and then it takes its time. */
static bool
is_overdue(const struct deploy_open *o, time_t now)
{
	return o->served_after != 0 && o->served_after - now <=
	    (o->served_after - o->served_before) / 10;
}

int
alarm_judge_deploy(const char *cert, const struct deploy_open *o,
    const struct conf_alarm *policy, time_t now, struct alarm_fact *f)
{
	enum alarm_stage stage = o->served_after == 0 ? STAGE_FINE :
	    alarm_stage(o->served_before, o->served_after, INT64_MAX, now);

	if (o->tries == 0 && !o->serves_old && !is_overdue(o, now))
		return -1;
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "deploy %s %s", cert,
	    o->name);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", cert);
	(void)text_printf(f->cause, sizeof(f->cause), "%s %s",
	    o->serves_old ? "serving" : "deploy", o->name);
	f->event = o->serves_old ? NEV_SERVING_OLD : NEV_DEPLOY;
	f->events = NEV_BIT(f->event);
	if (stage != STAGE_FINE)
		f->events |= NEV_BIT(NEV_EXPIRING);
	f->stage = stage;
	f->level = level_of(stage);
	f->ends = o->served_after;
	/* Verifying has its own patience. */
	f->is_ripe = stage >= STAGE_EIGHTH || o->tries >= (o->serves_old ||
	    stage != STAGE_FINE ? 1 : policy->after_tries);
	set_text(f, o->error);
	return 0;
}

int
alarm_judge_txt(const char *cert, const char *provider, const char *fqdn,
    unsigned tries, time_t created_at, const char *error, time_t now,
    struct alarm_fact *f)
{
	if (tries == 0 || error[0] == '\0')
		return -1;
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "cleanup %s %s", provider,
	    fqdn);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", cert);
	(void)text_printf(f->cause, sizeof(f->cause), "cleanup %s", provider);
	f->event = NEV_CLEANUP;
	f->events = NEV_BIT(NEV_CLEANUP);
	f->level = NLEV_WARNING;
	f->is_ripe = cleanup_is_stuck(tries, created_at, now);
	set_text(f, error);
	return 0;
}

void
alarm_judge_revocation(const char *cert, const char *serial, unsigned tries,
    const struct error *err, struct alarm_fact *f)
{
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "revoke %s %s", cert,
	    serial);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", cert);
	(void)text_printf(f->cause, sizeof(f->cause), "%s", err->code);
	f->event = NEV_REVOCATION;
	f->events = NEV_BIT(NEV_REVOCATION);
	f->level = NLEV_WARNING;
	/* What passes by itself may do so first. */
	f->is_ripe = tries >= REVOKE_TRIES || (err->kind != ERR_TRANSIENT &&
	    err->kind != ERR_RATELIMIT);
	set_text(f, err->msg);
}

void
alarm_judge_missing(const char *cert, const char *text, struct alarm_fact *f)
{
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "names %s", cert);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", cert);
	(void)text_printf(f->cause, sizeof(f->cause), "names");
	f->event = NEV_NAMES;
	f->events = NEV_BIT(NEV_NAMES);
	f->level = NLEV_WARNING;
	f->is_ripe = true;
	set_text(f, text);
}

static enum alarm_stage
stage_of_watched(const struct watched *w, time_t now)
{
	switch (watched_left(w->row, w->warn_s, now)) {
	case WATCHED_FINE:
		break;
	case WATCHED_SOON:
		return STAGE_QUARTER;
	case WATCHED_URGENT:
		return STAGE_EIGHTH;
	case WATCHED_EXPIRED:
		return STAGE_EXPIRED;
	}
	return STAGE_FINE;
}

int
alarm_judge_watch(const struct watched *w, const struct conf_alarm *policy,
    time_t now, struct alarm_fact *f)
{
	const struct store_watch *row = w->row;
	enum alarm_stage stage = stage_of_watched(w, now);
	bool fails = row->err.code[0] != '\0';

	if (!fails && stage == STAGE_FINE)
		return -1;
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "watch %s %s", row->watch,
	    row->what);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", row->watch);
	(void)text_printf(f->cause, sizeof(f->cause), "watch %s", fails ?
	    row->err.code : "end");
	f->event = NEV_WATCHED;
	f->events = NEV_BIT(NEV_WATCHED);
	if (stage != STAGE_FINE)
		f->events |= NEV_BIT(NEV_EXPIRING);
	f->stage = stage;
	f->level = level_of(stage);
	f->ends = row->not_after;
	/* Who does not answer now may do so soon. */
	f->is_ripe = stage != STAGE_FINE || w->is_judged ||
	    row->tries >= policy->after_tries;
	set_text(f, row->err.msg);
	return 0;
}

void
alarm_judge_hosts(const char *cert, const char *text, enum alarm_stage stage,
    time_t ends, struct alarm_fact *f)
{
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "hosts %s", cert);
	(void)text_printf(f->cert, sizeof(f->cert), "%s", cert);
	(void)text_printf(f->cause, sizeof(f->cause), "publish:behind");
	f->event = NEV_FLEET;
	f->events = NEV_BIT(NEV_FLEET);
	f->stage = stage;
	f->level = level_of(stage);
	f->ends = ends;
	f->is_ripe = true;
	set_text(f, text);
}

void
alarm_judge_waves(const char *cert, const char *text, struct alarm_fact *f)
{
	alarm_judge_hosts(cert, text, STAGE_FINE, 0, f);
	(void)text_printf(f->key, sizeof(f->key), "waves %s", cert);
	(void)text_printf(f->cause, sizeof(f->cause), "publish:stopped");
}

void
alarm_judge_reload(const char *error, struct alarm_fact *f)
{
	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), "config");
	(void)text_printf(f->cause, sizeof(f->cause), "config");
	f->event = NEV_CONFIG;
	f->events = NEV_BIT(NEV_CONFIG);
	f->level = NLEV_WARNING;
	f->is_ripe = true;
	set_text(f, error);
}

void
alarm_judge_cluster(const struct error *err, time_t since, time_t now,
    struct alarm_fact *f)
{
	bool differs = strcmp(err->code, "cluster:differs") == 0;

	memset(f, 0, sizeof(*f));
	(void)text_printf(f->key, sizeof(f->key), differs ?
	    "cluster-differs" : "cluster");
	(void)text_printf(f->cause, sizeof(f->cause), "%s", err->code);
	f->event = NEV_CLUSTER;
	f->events = NEV_BIT(NEV_CLUSTER);
	f->level = NLEV_WARNING;
	/* etcd elects a leader, we have just begun, or members are reloaded
	 * one after the other. */
	f->is_ripe = (err->kind == ERR_CONFIG && !differs) ||
	    now - since >= CLUSTER_S;
	set_text(f, err->msg);
}

enum alarm_act
alarm_act(const struct alarm_fact *f, const struct store_alarm *told,
    const struct conf_alarm *policy, time_t now)
{
	time_t told_at = told != NULL ? told->told_at : 0;
	int64_t slack = policy->repeat_s / 4 < REPEAT_SLACK_S ?
	    policy->repeat_s / 4 : REPEAT_SLACK_S;

	if (told_at == 0) {
		if (f == NULL)
			return told != NULL ? ALARM_FORGET : ALARM_NOTHING;
		return f->is_ripe ? ALARM_NEW : ALARM_NOTHING;
	}
	if (f == NULL)
		return ALARM_RECOVERED;
	if (f->stage > told->stage || (int)f->level > told->level)
		return ALARM_WORSE;
	/* Told in a future that the clock has since been set back from. */
	if (told_at > now + slack)
		return ALARM_REPEAT;
	if (strcmp(f->cause, told->cause) != 0 && f->is_ripe &&
	    now - told_at >= (policy->repeat_s < CHANGED_S ?
	    policy->repeat_s : CHANGED_S))
		return ALARM_CHANGED;
	return now - told_at >= policy->repeat_s ? ALARM_REPEAT :
	    ALARM_NOTHING;
}

int64_t
alarm_gather_s(const struct conf_alarm *policy, enum alarm_act act,
    enum notify_level level, time_t group_told_at, time_t now)
{
	if (act == ALARM_WORSE || level == NLEV_CRITICAL ||
	    group_told_at == 0 || now - group_told_at >= CALM_S ||
	    group_told_at > now || policy->gather_s == 0)
		return policy->gather_s;
	return policy->gather_s > CALM_GATHER_S ? policy->gather_s :
	    CALM_GATHER_S;
}

time_t
alarm_shared_at(const struct conf_alarm *policy, time_t at, time_t told_at,
    time_t now)
{
	time_t repeat = told_at + (time_t)policy->repeat_s;

	return told_at == 0 || told_at > now || repeat < at ? at : repeat;
}

time_t
alarm_next_digest(time_t after, int at_s)
{
	struct tm tm;
	time_t at;

	if (localtime_r(&after, &tm) == NULL)
		return after + DAY_S;
	for (int days = 0; days < 3; days++) {
		struct tm then = tm;

		then.tm_mday += days;
		then.tm_hour = at_s / 3600;
		then.tm_min = at_s / 60 % 60;
		then.tm_sec = 0;
		then.tm_isdst = -1;
		at = mktime(&then);
		if (at != (time_t)-1 && at > after)
			return at;
	}
	return after + DAY_S;
}

bool
alarm_passes(const struct conf_notify *n, unsigned events,
    enum notify_level level, const char *cert)
{
	if (n->kind == NOTIFY_HEARTBEAT || (n->events & events) == 0 ||
	    level < n->level)
		return false;
	if (n->certs[0] == NULL || cert == NULL || cert[0] == '\0')
		return true;
	for (size_t i = 0; n->certs[i] != NULL; i++) {
		if (fnmatch(n->certs[i], cert, 0) == 0)
			return true;
	}
	return false;
}
