/* SPDX-License-Identifier: MIT */
#include "ctl/status.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/receipts.h"
#include "ctl/show.h"
#include "ctl/term.h"

enum {
	LABEL_COLUMNS = 12,
	FIELD_COLUMN = 2 + LABEL_COLUMNS,
	TIME_COLUMNS = 16,		/* of a step */
	STEP_COLUMNS = 11
};

static void
field(const struct term *t, const char *label, enum term_colour colour,
    const char *text)
{
	(void)fputs("  ", t->out);
	term_cell(t, TERM_FAINT, label, LABEL_COLUMNS);
	term_wrap(t, colour, FIELD_COLUMN, FIELD_COLUMN, text);
}

/* A field that is left out if there is nothing to say. */
static void
str_field(const struct term *t, const char *label, const json_t *cert,
    const char *path)
{
	char *s = show_str(cert, path, NULL);

	if (s != NULL)
		field(t, label, TERM_PLAIN, s);
	free(s);
}

static void
when_field(const struct term *t, const char *label, const json_t *cert,
    const char *path, time_t now)
{
	time_t at = (time_t)jsonx_int(cert, path, 0);
	char when[SHOW_WHEN_MAX];

	if (at != 0)
		field(t, label, TERM_PLAIN, show_when(now, at, when));
}

static void
state_field(const struct term *t, const json_t *cert)
{
	bool is_staging = jsonx_bool(cert, "staging", false);
	bool is_other = jsonx_bool(cert, "other_ca", false);
	char *s = show_str(cert, "condition", "?");
	char *text = xasprintf("%s%s%s%s", s, jsonx_bool(cert, "placeholder",
	    false) ? "; the files are a self-signed placeholder" : "",
	    is_staging ? ", of a staging CA: "
	    "browsers do not trust it" : "", is_other ? ", of another CA than "
	    "the account names now: it is being replaced" : "");

	field(t, "state", summary_colour(cert), text);
	free(text);
	free(s);
}

static void
run_field(const struct term *t, const json_t *cert, time_t now)
{
	const json_t *run = json_object_get(cert, "run");
	char *step, *msg, *text, when[SHOW_WHEN_MAX];

	if (!json_is_object(run))
		return;
	step = show_str(run, "step", "?");
	msg = show_str(run, "msg", "");
	text = xasprintf("%s, begun %s%s%s", step, show_span(now,
	    (time_t)jsonx_int(run, "started_at", now), when),
	    *msg != '\0' ? ": " : "", msg);
	field(t, "running", TERM_WARN, text);
	free(text);
	free(msg);
	free(step);
}

/* Sentences, and after a tab commands, a line each. */
static void
advice_fields(const struct term *t, const char *advice)
{
	const char *label = "what to do";

	while (advice != NULL && *advice != '\0') {
		size_t len = strcspn(advice, "\n");
		char *line = xasprintf("%s%.*s", *advice == '\t' ? "  " : "",
		    (int)len - (*advice == '\t'), advice +
		    (*advice == '\t'));

		text_clean(line);
		field(t, label, TERM_PLAIN, line);
		free(line);
		label = "";
		advice += len + (advice[len] == '\n');
	}
}

static void
error_fields(const struct term *t, const json_t *cert, time_t now)
{
	const json_t *error = json_object_get(cert, "error");
	time_t at = (time_t)jsonx_int(error, "at", 0);
	char *msg, *kind, *code, *text, when[SHOW_WHEN_MAX];

	if (jsonx_int(cert, "failures", 0) > 0)
		str_field(t, "failures", cert, "failures");
	msg = show_error(error);
	if (msg == NULL)
		return;
	field(t, "last error", TERM_BAD, msg);
	free(msg);
	if (!json_is_object(error))
		return;
	kind = show_str(error, "kind", "?");
	code = show_str(error, "code", "?");
	text = xasprintf("%s (%s)%s%s", code, kind, at != 0 ? ", " : "",
	    at != 0 ? show_when(now, at, when) : "");
	field(t, "", TERM_FAINT, text);
	free(text);
	free(code);
	free(kind);
	advice_fields(t, jsonx_str(error, "advice"));
}

/* The other certificate of a pair. */
static void
second_field(const struct term *t, const json_t *cert, time_t now)
{
	const json_t *second = json_object_get(cert, "second");
	char *key, *serial, *folder, *text, when[SHOW_WHEN_MAX];
	time_t end = (time_t)jsonx_int(second, "not_after", 0);

	if (!json_is_object(second))
		return;
	key = show_str(second, "key", "?");
	serial = show_str(second, "serial", "");
	folder = show_str(second, "folder", "?");
	text = *serial != '\0' ? xasprintf("%s, in %s/; serial %s, expires "
	    "%s", key, folder, serial, show_when(now, end, when)) :
	    xasprintf("%s, in %s/: there is none yet", key, folder);
	field(t, "second", *serial != '\0' ? TERM_PLAIN : TERM_WARN, text);
	free(text);
	free(folder);
	free(serial);
	free(key);
}

static void
deploy_field(const struct term *t, const json_t *deploy, time_t thaw,
    time_t now)
{
	char *name = show_str(deploy, "name", "?");
	char *state = show_str(deploy, "state", "?");
	char *error = show_error(json_object_get(deploy, "error"));
	time_t at = (time_t)jsonx_int(deploy, "at", 0);
	time_t next_at = (time_t)jsonx_int(deploy, "next_at", 0);
	char done[SHOW_WHEN_MAX], next[SHOW_WHEN_MAX];
	bool is_old = jsonx_bool(deploy, "serving_old", false);
	bool is_held = jsonx_bool(deploy, "held", false);
	time_t until = strcmp(state, "done") == 0 ? 0 :
	    (time_t)jsonx_int(deploy, "served_not_after", 0);
	char served[SHOW_WHEN_MAX];
	char *text = xasprintf("%s: %s%s%s%s%s%s%s%s%s%s%s", name, state,
	    is_old ? ", serving old certificate" : "",
	    until == 0 ? "" : until > now ? ", what it serves expires " :
	    ", what it serves expired ",
	    until != 0 ? show_span(now, until, served) : "",
	    at != 0 ? ", " : "", at != 0 ? show_span(now, at, done) : "",
	    next_at == 0 ? "" : error != NULL ? ", again " : ", begins ",
	    next_at != 0 ? show_span(now, next_at < now ? now : next_at,
	    next) : "", !is_held ? "" : next_at == thaw ?
	    " (freeze)" : " (deploy_window)",
	    error != NULL ? ": " : "", error != NULL ? error : "");

	field(t, "deploy", strcmp(state, "failed") == 0 || is_old ? TERM_BAD :
	    TERM_PLAIN, text);
	free(text);
	free(error);
	free(state);
	free(name);
}

/* Are they of more than one account? */
static bool
has_accounts(const json_t *list)
{
	const char *first = jsonx_str(list, "0.account"), *own;
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		own = jsonx_str(o, "account");
		if (own != NULL && first != NULL && strcmp(own, first) != 0)
			return true;
	}
	return false;
}

/* "_validation-persist.example.com: right, ends in 90d" */
static void
persist_field(const struct term *t, const json_t *persist, bool says_account,
    time_t now)
{
	char *account = says_account ? show_str(persist, "account", NULL) :
	    NULL;
	char *name = show_str(persist, "name", "?");
	char *state = show_str(persist, "state", "?");
	char *problem = show_str(persist, "problem", NULL);
	time_t until = (time_t)jsonx_int(persist, "until", 0);
	char when[SHOW_WHEN_MAX];
	char *text = xasprintf("%s%s%s%s: %s%s%s", name,
	    account != NULL ? " (account " : "", account != NULL ? account :
	    "", account != NULL ? ")" : "", state,
	    until != 0 ? ", ends " : "",
	    until != 0 ? show_when(now, until, when) : "");

	field(t, "persist", problem == NULL ? TERM_PLAIN : TERM_WARN, text);
	if (problem != NULL)
		field(t, "", TERM_WARN, problem);
	free(text);
	free(problem);
	free(state);
	free(account);
	free(name);
}

static void
csr_field(const struct term *t, const json_t *cert)
{
	char *path = show_str(cert, "csr", ""), *line;

	if (*path != '\0') {
		line = xasprintf("%s; its key is elsewhere", path);
		field(t, "csr", TERM_PLAIN, line);
		free(line);
	}
	free(path);
}

/* "fleet, published by web1 1d ago" */
static void
source_field(const struct term *t, const json_t *cert)
{
	const json_t *there = json_object_get(cert, "published");
	char *name = show_str(cert, "source", NULL);
	char *host = show_str(there, "host", NULL);
	time_t at = (time_t)jsonx_int(there, "at", 0);
	char date[SHOW_WHEN_MAX], *text;

	if (name == NULL) {
		free(host);
		return;
	}
	text = xasprintf("%s%s%s%s%s", name, at != 0 ? ", published " : "",
	    at != 0 ? show_date(at, date) : "", host != NULL ? " by " : "",
	    host != NULL ? host : "");
	field(t, "source", TERM_PLAIN, text);
	free(text);
	free(host);
	free(name);
}

/* "r1", or "r2, this member" */
static void
renewer_field(const struct term *t, const json_t *cert)
{
	const json_t *there = json_object_get(cert, "renewer");
	char *name = show_str(there, "member", "?"), *text;

	text = xasprintf("%s%s", name, jsonx_bool(there, "self", false) ?
	    ", this member" : "");
	if (json_is_object(there))
		field(t, "renewed by", TERM_PLAIN, text);
	free(text);
	free(name);
}

/* "03af... (keycompromise), when its replacement is in use" */
static void
revocation_field(const struct term *t, const json_t *cert, time_t now)
{
	static const struct { const char *state, *words; } states[] = {
		{ "replacing", "when its replacement is in use" },
		{ "deploying", "when all targets have its replacement" },
		{ "revoking", "being revoked" },
		{ "retrying", "again " },
	};
	const json_t *v = json_object_get(cert, "revocation");
	char *serial = show_str(v, "serial", "?"), *text;
	char *reason = show_str(v, "reason", "?");
	char *error = show_str(v, "error", NULL);
	const char *state = jsonx_str(v, "state"), *words = "";
	time_t at = (time_t)jsonx_int(v, "next_at", 0);
	char when[SHOW_WHEN_MAX];

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (state != NULL && strcmp(state, states[i].state) == 0)
			words = states[i].words;
	}
	text = xasprintf("%s (%s), %s%s%s%s", serial, reason, words,
	    at != 0 ? show_span(now, at, when) : "", error != NULL ? ": " :
	    "", error != NULL ? error : "");
	if (json_is_object(v))
		field(t, "revoke", error != NULL ? TERM_BAD : TERM_WARN, text);
	free(text);
	free(error);
	free(reason);
	free(serial);
}

/* "b.example.com, since 2026-11-29 23:40; next try in 6h: DNS problem: ..." */
static void
missing_field(const struct term *t, const json_t *name, time_t now)
{
	char *which = show_str(name, "name", "?"), *text;
	char *error = show_str(name, "error.msg", "?");
	time_t at = (time_t)jsonx_int(name, "next_at", 0);
	char since[SHOW_WHEN_MAX], when[SHOW_WHEN_MAX];

	text = xasprintf("%s, since %s%s%s: %s", which,
	    show_date((time_t)jsonx_int(name, "since", 0), since),
	    at != 0 ? "; next try " : "", at != 0 ?
	    show_span(now, at, when) : "", error);
	field(t, "lacks", TERM_WARN, text);
	free(text);
	free(error);
	free(which);
}

/* "between 2026-12-01 10:00 and 2026-12-03 10:00; see https://..." */
static void
ari_field(const struct term *t, const json_t *ari)
{
	char *why, *text, start[SHOW_WHEN_MAX], end[SHOW_WHEN_MAX];

	if (!json_is_object(ari))
		return;
	why = show_str(ari, "explanation_url", NULL);
	text = xasprintf("between %s and %s%s%s",
	    show_date((time_t)jsonx_int(ari, "start", 0), start),
	    show_date((time_t)jsonx_int(ari, "end", 0), end),
	    why != NULL ? "; see " : "", why != NULL ? why : "");
	field(t, "CA suggests", TERM_PLAIN, text);
	free(text);
	free(why);
}

static void
freeze_field(const struct term *t, const json_t *freeze)
{
	char *days, *text;
	bool is_longer = jsonx_bool(freeze, "ends_first", false);

	if (!json_is_object(freeze))
		return;
	days = show_str(freeze, "days", "?");
	text = xasprintf("%s%s", days, is_longer ? "; longer than it lives: "
	    "it is renewed and deployed in it" : "");
	field(t, "freeze", is_longer ? TERM_WARN : TERM_PLAIN, text);
	free(text);
	free(days);
}

/* "12 of 500 hosts behind", then who, and why. */
static void
hosts_fields(const struct term *t, const json_t *cert, time_t now)
{
	long long known = jsonx_int(cert, "hosts.known", 0);
	long long behind = jsonx_int(cert, "hosts.behind", 0);
	char *text = receipts_behind(cert), *line;
	bool is_late = jsonx_int(cert, "hosts.late", 0) > 0;
	const json_t *h;
	size_t i = 0;

	if (known == 0)
		return;
	if (text == NULL)
		text = xasprintf("%lld host%s, and each has it", known,
		    known == 1 ? "" : "s");
	field(t, "hosts", behind == 0 ? TERM_GOOD : is_late ? TERM_BAD :
	    TERM_WARN, text);
	free(text);
	json_array_foreach(jsonx_get(cert, "hosts.list"), i, h) {
		line = receipts_line(h, now);
		field(t, "", TERM_PLAIN, line);
		free(line);
	}
	if ((long long)i >= behind)
		return;
	line = xasprintf("and %lld more: acmectl status --all-hosts",
	    behind - (long long)i);
	field(t, "", TERM_PLAIN, line);
	free(line);
}

/* "wave 2 of 3 in repository fleet, the next in 5m"; "... in the cluster" */
static void
rollout_field(const struct term *t, const json_t *cert, time_t now)
{
	const json_t *r = json_object_get(cert, "rollout");
	char *where = show_str(r, "repository", "?"), *text, *waves;
	char *state = show_str(r, "state", "?");
	char *why = show_str(r, "why", NULL), when[SHOW_WHEN_MAX];
	time_t at = (time_t)jsonx_int(r, "next_at", 0);
	bool is_shared = strcmp(where, "cluster") == 0;

	/* A rollback needs no waves. */
	waves = jsonx_int(r, "waves", 0) == 0 ? xstrdup("") : xasprintf(
	    ", wave %lld of %lld", (long long)jsonx_int(r, "wave", 0),
	    (long long)jsonx_int(r, "waves", 0));
	text = xasprintf("%s%s in %s%s%s%s%s%s",
	    state, waves, is_shared ? "the " : "repository ", where, at != 0 ?
	    ", the next " : "", at != 0 ? show_span(now, at < now ? now : at,
	    when) : "", why != NULL ? ": " : "", why != NULL ? why : "");
	if (json_is_object(r))
		field(t, "rollout", strcmp(state, "stopped") == 0 ? TERM_BAD :
		    TERM_PLAIN, text);
	free(waves);
	free(text);
	free(why);
	free(state);
	free(where);
}

static enum term_colour
level_colour(const json_t *step)
{
	const char *level = jsonx_str(step, "level");

	if (level == NULL)
		return TERM_PLAIN;
	if (strcmp(level, "error") == 0)
		return TERM_BAD;
	return strcmp(level, "warning") == 0 ? TERM_WARN : TERM_PLAIN;
}

static void
print_step(const struct term *t, const json_t *step)
{
	char *name = show_str(step, "step", "-");
	char *msg = show_str(step, "msg", "-");
	time_t at = (time_t)jsonx_int(step, "at", 0);
	size_t column = 2 + TIME_COLUMNS + (term_columns(name) >
	    STEP_COLUMNS ? term_columns(name) : STEP_COLUMNS);
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&at, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%m-%d %H:%M:%S", &tm);
	(void)fputs("  ", t->out);
	term_cell(t, TERM_FAINT, when, TIME_COLUMNS);
	term_cell(t, TERM_PLAIN, name, STEP_COLUMNS);
	term_wrap(t, level_colour(step), column, t->width == 0 ||
	    t->width > column + 30 ? column : 4, msg);
	free(msg);
	free(name);
}

static void
print_steps(const struct term *t, const json_t *steps)
{
	const json_t *step;
	size_t i;

	if (json_array_size(steps) == 0)
		return;
	(void)fputs("\nLast steps\n", t->out);
	json_array_foreach(steps, i, step)
		print_step(t, step);
}

void
status_print_cert(const struct term *t, const json_t *cert, time_t now)
{
	char *name = show_name(cert, t->is_utf8);
	char *names = show_names(cert, t->is_utf8);
	char *challenges = show_list(json_object_get(cert, "challenges"));
	char *next = show_next(cert, now, true);
	char *fallback = show_fallback(cert);
	const json_t *deploy, *missing, *persist;
	size_t i;

	term_wrap(t, TERM_BOLD, 0, 0, name);
	state_field(t, cert);
	if (*names != '\0')
		field(t, "names", TERM_PLAIN, names);
	json_array_foreach(json_object_get(cert, "missing_names"), i, missing)
		missing_field(t, missing, now);
	when_field(t, "expires", cert, "not_after", now);
	when_field(t, "issued", cert, "not_before", now);
	str_field(t, "issuer", cert, "issuer");
	str_field(t, "serial", cert, "serial");
	str_field(t, "key", cert, "key");
	second_field(t, cert, now);
	csr_field(t, cert);
	if (jsonx_bool(cert, "profile_missed", false)) {
		char *profile = show_str(cert, "profile", "?");
		char *line = xasprintf("%s; the CA does not offer it: this "
		    "certificate has its default", profile);

		field(t, "profile", TERM_WARN, line);
		free(line);
		free(profile);
	} else {
		str_field(t, "profile", cert, "profile");
	}
	if (fallback != NULL)
		field(t, "account", TERM_WARN, fallback);
	else
		str_field(t, "account", cert, "account");
	source_field(t, cert);
	renewer_field(t, cert);
	if (*challenges != '\0')
		field(t, "challenge", TERM_PLAIN, challenges);
	str_field(t, "provider", cert, "provider");
	str_field(t, "files", cert, "live_dir");
	if (json_is_object(json_object_get(cert, "run")))
		run_field(t, cert, now);
	else
		field(t, "next", TERM_PLAIN, next);
	str_field(t, "held", cert, "held.msg");
	revocation_field(t, cert, now);
	str_field(t, "clock", cert, "clock");
	ari_field(t, json_object_get(cert, "ari"));
	freeze_field(t, json_object_get(cert, "freeze"));
	error_fields(t, cert, now);
	str_field(t, "note", cert, "note");
	json_array_foreach(json_object_get(cert, "deploy"), i, deploy)
		deploy_field(t, deploy, (time_t)jsonx_int(cert,
		    "freeze.until", 0), now);
	json_array_foreach(json_object_get(cert, "persist"), i, persist)
		persist_field(t, persist, has_accounts(json_object_get(cert,
		    "persist")), now);
	rollout_field(t, cert, now);
	hosts_fields(t, cert, now);
	print_steps(t, json_object_get(cert, "steps"));
	free(fallback);
	free(next);
	free(challenges);
	free(names);
	free(name);
}
