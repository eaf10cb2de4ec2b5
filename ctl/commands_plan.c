/* SPDX-License-Identifier: MIT */
/*
 * plan: what is done next, when and why.  Each certificate is one line, and
 * lines below tell what holds it, or when its targets are deployed to.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/shorter.h"
#include "ctl/show.h"
#include "ctl/status_read.h"

enum { PLAN_DAYS = 30, DAY = 86400 };

struct row {
	time_t	 at;
	json_t	*cert;			/* what is shown of it */
};

struct plan {
	time_t		 until;
	struct row	*rows;
	size_t		 n;
	json_t		*paused;	/* names, without an end */
	json_t		*held;		/* names that wait for a person, and
					   why */
	json_t		*freezes;	/* an object: the days of each */
	struct shorter	 shorter;
};

/* --- what there is --- */

static void
add_cert(const json_t *cert, void *arg)
{
	static const char *const members[] = { "name", "next", "held",
	    "freeze", "not_after", "failures", "fallback" };
	char *days = show_str(cert, "freeze.days", NULL);
	struct plan *p = arg;
	time_t at = (time_t)jsonx_int(cert, "next.at", 0);
	const char *action = jsonx_str(cert, "next.action");
	json_t *shorter = shorter_add(&p->shorter, cert), *kept;

	if (at == 0 && action != NULL && strcmp(action, "paused") == 0)
		(void)json_array_append(p->paused, json_object_get(cert,
		    "name"));
	if (action != NULL && strcmp(action, "held") == 0)
		(void)json_object_set(p->held, jsonx_str(cert, "name"),
		    jsonx_get(cert, "held.msg"));
	if (days != NULL && jsonx_int(cert, "freeze.from", 0) <= p->until)
		(void)json_object_set_new(p->freezes, days, json_true());
	free(days);
	if (at == 0 || at > p->until) {
		json_decref(shorter);
		return;
	}
	kept = json_object();
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		(void)json_object_set(kept, members[i], json_object_get(cert,
		    members[i]));
	if (shorter != NULL)
		(void)json_object_set_new(kept, "shorter", shorter);
	p->rows = xreallocarray(p->rows, p->n + 1, sizeof(*p->rows));
	p->rows[p->n++] = (struct row){ at, kept };
}

static int
by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* --- how it is shown --- */

/* ", as the CA suggests"; the caller frees. */
static char *
why(const json_t *cert, const char *action)
{
	static const struct { const char *reason, *words; } reasons[] = {
		{ "ari", ", as the CA suggests" },
		{ "other-ca", ", the account is of another CA now" },
		{ "missing", ", there is no certificate yet" },
		{ "names", ", its names have changed" },
		{ "missing-names", ", it lacks names, which are tried again" },
		{ "key", ", another type of key is configured" },
		{ "csr", ", its request (csr) is another" },
		{ "profile", ", another profile is configured" },
		{ "asked", ", a person has asked for it" },
		{ "begun", ", its order is under way" },
	};
	const char *reason = jsonx_str(cert, "next.reason");
	time_t end = (time_t)jsonx_int(cert, "not_after", 0);
	char date[SHOW_WHEN_MAX], *days, *text;

	if (strcmp(action, "retry") == 0)
		return xasprintf(", failed %lld times",
		    (long long)jsonx_int(cert, "failures", 0));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reason != NULL && strcmp(reasons[i].reason, reason) == 0)
			return xstrdup(reasons[i].words);
	}
	if (reason != NULL && strcmp(reason, "freeze") == 0 &&
	    jsonx_int(cert, "next.at", 0) < jsonx_int(cert, "freeze.from",
	    0)) {
		days = show_str(cert, "freeze.days", "?");
		text = xasprintf(", before the freeze %s", days);
		free(days);
		return text;
	}
	if (reason != NULL && strcmp(reason, "lifetime") == 0 && end != 0)
		return xasprintf(", it expires %.10s", show_date(end, date));
	return xstrdup(strcmp(action, "paused") == 0 ? ", renewals may begin "
	    "again" : "");
}

/* The freeze that holds it, or that does not. */
static void
print_freeze(const struct options *o, const json_t *cert)
{
	char *days = show_str(cert, "freeze.days", NULL);

	if (days != NULL && jsonx_int(cert, "next.at", 0) ==
	    jsonx_int(cert, "freeze.until", 0))
		(void)fprintf(o->out.out, "    held: freeze %s\n", days);
	if (days != NULL && jsonx_bool(cert, "freeze.ends_first", false))
		(void)fprintf(o->out.out, "    freeze %s is longer than it "
		    "lives: it is renewed and deployed in it\n", days);
	free(days);
}

/* What holds the renewal, and when its targets are deployed to. */
static void
print_below(const struct options *o, const json_t *cert)
{
	char *held = show_str(cert, "held.msg", NULL);
	char when[SHOW_WHEN_MAX];
	const json_t *w;
	size_t i;

	if (held != NULL) {
		(void)fputs("    held: ", o->out.out);
		term_wrap(&o->out, TERM_WARN, 10, 10, held);
	}
	free(held);
	held = show_fallback(cert);
	if (held != NULL) {
		(void)fputs("    account: ", o->out.out);
		term_wrap(&o->out, TERM_WARN, 13, 13, held);
	}
	free(held);
	print_freeze(o, cert);
	json_array_foreach(jsonx_get(cert, "next.windows"), i, w) {
		char *target = show_str(w, "target", "?");

		(void)fprintf(o->out.out, "    deploy %s: %s "
		    "(deploy_window)\n", target, show_date(
		    (time_t)jsonx_int(w, "at", 0), when));
		free(target);
	}
}

static void
print_row(const struct options *o, const struct row *row, time_t now)
{
	char *name = show_str(row->cert, "name", "?");
	char *action = show_str(row->cert, "next.action", "?");
	char *words = why(row->cert, action);
	char date[SHOW_WHEN_MAX], span[SHOW_WHEN_MAX];

	(void)fprintf(o->out.out, "%s  %s: %s %s%s\n", show_date(row->at,
	    date), name, action, show_span(now, row->at < now ? now : row->at,
	    span), words);
	print_below(o, row->cert);
	free(words);
	free(action);
	free(name);
}

static void
print_rest(const struct options *o, const struct plan *p)
{
	char *names, *text;
	const char *days;
	json_t *w;

	if (p->n == 0)
		(void)fputs("nothing is due by then\n", o->out.out);
	if (json_array_size(p->paused) > 0) {
		names = show_list(p->paused);
		text = xasprintf("paused, until acmectl resume: %s", names);
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
		free(text);
		free(names);
	}
	json_object_foreach(p->held, days, w) {
		text = xasprintf("%s: held until acmectl renew-now %s: %s",
		    days, days, json_string_value(w));
		term_wrap(&o->out, TERM_WARN, 0, 2, text);
		free(text);
	}
	json_object_foreach(p->freezes, days, w) {
		(void)fprintf(o->out.out, "freeze %s: nothing is renewed or "
		    "deployed; what is due then, before\n", days);
	}
	shorter_print(&p->shorter, &o->out);
}

static int
parse_days(const struct options *o, time_t now, time_t *until)
{
	char *end;
	long days = PLAN_DAYS;

	if (o->days != NULL) {
		days = strtol(o->days, &end, 10);
		if (*o->days == '\0' || *end != '\0' || days < 0 ||
		    days > 36500) {
			say_error("--days needs a number of days");
			return EXIT_USAGE;
		}
	}
	*until = now + (time_t)days * DAY;
	return EXIT_OK;
}

int
cmd_plan(const struct options *o)
{
	time_t now = clock_now();
	struct plan p = { .until = 0 };
	const struct status_sink sink = { NULL, add_cert, &p };
	json_t *list;
	int code = parse_days(o, now, &p.until);

	if (code != EXIT_OK)
		return code;
	p.paused = json_array();
	p.held = json_object();
	p.freezes = json_object();
	shorter_init(&p.shorter, now);
	code = status_read(o, &sink);
	if (p.n > 0)
		qsort(p.rows, p.n, sizeof(*p.rows), by_time);
	list = json_array();
	for (size_t i = 0; i < p.n; i++) {
		if (code == EXIT_OK && !o->json)
			print_row(o, &p.rows[i], now);
		(void)json_array_append_new(list, p.rows[i].cert);
	}
	if (code == EXIT_OK && o->json)
		print_json(o, list, JSON_INDENT(2));
	else if (code == EXIT_OK)
		print_rest(o, &p);
	json_decref(list);
	json_decref(p.paused);
	json_decref(p.held);
	json_decref(p.freezes);
	shorter_clear(&p.shorter);
	free(p.rows);
	return code;
}
