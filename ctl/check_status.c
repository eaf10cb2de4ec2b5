/* SPDX-License-Identifier: MIT */
/*
 * check-status - what Nagios, Icinga and their like understand (Monitoring
 * Plugins Development Guidelines): one line with a verdict and performance
 * data, a line for each problem below, and the exit code is the verdict.  Of
 * 100,000 certificates no more is kept than is printed.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/row.h"
#include "ctl/show.h"
#include "ctl/status.h"
#include "ctl/status_read.h"

/* The exit codes, too. */
enum verdict { OK, WARNING, CRITICAL, UNKNOWN, VERDICT_END };

static const char *const words[] = {
	[OK] = "OK", [WARNING] = "WARNING", [CRITICAL] = "CRITICAL",
	[UNKNOWN] = "UNKNOWN",
};
_Static_assert(sizeof(words) / sizeof(words[0]) == VERDICT_END, "words");

enum {
	LINES_MAX = 50,		/* of each verdict */
	PERF_MAX = 20,		/* certificates with data of their own */
	DAY_S = 86400
};

/* The worst first: what is known to be critical is not hidden by a question
 * that has no answer (max_state_alt() of the Monitoring Plugins). */
static const enum verdict by_weight[] = { CRITICAL, UNKNOWN, WARNING };
enum { N_PROBLEMS = sizeof(by_weight) / sizeof(by_weight[0]) };

struct lines {
	char	*text[LINES_MAX];
	size_t	 n;		/* all there were */
};

struct check {
	const struct options *o;
	time_t		 now;
	double		 warn, crit;	/* days; -1: by the lifetime */
	bool		*is_found;	/* each of o->names */
	struct lines	 lines[VERDICT_END];
	size_t		 n, by_verdict[VERDICT_END];
	char		*perf[PERF_MAX];	/* the first of them */
	char		*next;		/* the first to end */
	time_t		 next_end;
};

/* "|" would begin the performance data. */
static char *
plain(char *s)
{
	for (char *p = s; *p != '\0'; p++) {
		if (*p == '|')
			*p = '/';
	}
	return s;
}

static void problem(struct check *, enum verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
problem(struct check *c, enum verdict v, const char *fmt, ...)
{
	struct lines *l = &c->lines[v];
	va_list ap;

	if (l->n++ >= LINES_MAX)
		return;
	va_start(ap, fmt);
	l->text[l->n - 1] = plain(xvasprintf(fmt, ap));
	va_end(ap);
}

static enum verdict
worse(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

/* Of what ends then: a quarter of its lifetime, and an eighth, are where acmed
 * itself begins to warn. */
static enum verdict
of_end(const struct check *c, time_t begin, time_t end)
{
	double left = (double)(end - c->now);
	double life = (double)(end - begin);
	double warn = c->warn >= 0 ? c->warn * DAY_S : life / 4;
	double crit = c->crit >= 0 ? c->crit * DAY_S : life / 8;

	return left <= 0 || left <= crit ? CRITICAL :
	    left <= warn ? WARNING : OK;
}

/* Of what a server shows instead of the certificate. */
static enum verdict
of_deploys(const struct check *c, const json_t *cert)
{
	time_t begin = (time_t)jsonx_int(cert, "not_before", 0);
	time_t end = (time_t)jsonx_int(cert, "not_after", 0);
	enum verdict v = OK;
	const json_t *deploy;
	size_t i;

	json_array_foreach(json_object_get(cert, "deploy"), i, deploy) {
		time_t served = (time_t)jsonx_int(deploy, "served_not_after",
		    0);

		if (served != 0)
			v = worse(v, of_end(c, served - (end - begin),
			    served));
	}
	return v;
}

static enum verdict
judge(const struct check *c, const json_t *cert)
{
	time_t end = (time_t)jsonx_int(cert, "not_after", 0);
	bool has_failed = json_is_object(json_object_get(cert, "error"));
	enum verdict v = status_is_bad(cert) ? WARNING : OK;

	if (end == 0)
		return has_failed ? CRITICAL : WARNING;
	v = worse(v, of_end(c, (time_t)jsonx_int(cert, "not_before", 0), end));
	return worse(v, of_deploys(c, cert));
}

/* "web: failing, ends in 5d; next: renew in 3h: the CA's words" */
static void
tell(struct check *c, enum verdict v, const json_t *cert)
{
	char *name = show_str(cert, "name", "?");
	char *word = show_str(cert, "condition", "?");
	char *next = show_next(cert, c->now, false);
	char *error = row_last_error(cert);
	time_t end = (time_t)jsonx_int(cert, "not_after", 0);
	char when[SHOW_WHEN_MAX];

	problem(c, v, "%s: %s%s%s; next: %s%s%s", name, word, end == 0 ? "" :
	    end <= c->now ? ", ended " : ", ends ", end == 0 ? "" :
	    show_span(c->now, end, when), next,
	    error[0] == '\0' ? "" : ": ", error);
	free(error);
	free(next);
	free(word);
	free(name);
}

/* "'web'=29.50;22.50;11.25": days left, and where it becomes worse. */
static char *
perf_of(const struct check *c, const char *name, time_t begin, time_t end)
{
	double life = (double)(end - begin) / DAY_S;

	return xasprintf("'%s'=%.2f;%.2f:;%.2f:", name,
	    (double)(end - c->now) / DAY_S, c->warn >= 0 ? c->warn : life / 4,
	    c->crit >= 0 ? c->crit : life / 8);
}

static bool
is_wanted(struct check *c, const char *name)
{
	bool is = c->o->n_names == 0;

	for (size_t i = 0; i < c->o->n_names; i++) {
		if (fnmatch(c->o->names[i], name, 0) == 0)
			is = c->is_found[i] = true;
	}
	return is;
}

static void
cert_cb(const json_t *cert, void *arg)
{
	struct check *c = arg;
	char *name = show_str(cert, "name", "?");
	time_t begin = (time_t)jsonx_int(cert, "not_before", 0);
	time_t end = (time_t)jsonx_int(cert, "not_after", 0);
	enum verdict v;

	if (is_wanted(c, name)) {
		v = judge(c, cert);
		c->by_verdict[v]++;
		if (v != OK)
			tell(c, v, cert);
		if (end != 0 && c->n < PERF_MAX)
			c->perf[c->n] = perf_of(c, name, begin, end);
		if (end != 0 && (c->next == NULL || end < c->next_end)) {
			free(c->next);
			c->next = xstrdup(name);
			c->next_end = end;
		}
		c->n++;
	}
	free(name);
}

/* What others renew: by its end, and whatever is wrong with it. */
static void
watch_cb(struct check *c, const json_t *w)
{
	char *name = show_str(w, "name", "?");
	char *target = show_str(w, "target", "?");
	char *word = show_str(w, "condition", "?");
	char *error = show_error(json_object_get(w, "error"));
	time_t begin = (time_t)jsonx_int(w, "not_before", 0);
	time_t end = (time_t)jsonx_int(w, "not_after", 0);
	enum verdict v = jsonx_bool(w, "ok", false) ? OK : WARNING;
	char when[SHOW_WHEN_MAX];

	if (is_wanted(c, name)) {
		if (end != 0)
			v = worse(v, of_end(c, begin, end));
		if (v != OK)
			problem(c, v, "%s: %s: %s%s%s%s%s", name, target, word,
			    end == 0 ? "" : end <= c->now ? ", ended " :
			    ", ends ", end == 0 ? "" : show_span(c->now, end,
			    when), error != NULL ? ": " : "", error != NULL ?
			    error : "");
	}
	free(error);
	free(word);
	free(target);
	free(name);
}

/* Of acmed itself; not where only some certificates are asked for. */
static void
rest_cb(const json_t *rest, void *arg)
{
	struct check *c = arg;
	const char *keys[] = { "config.error", "metrics_textfile.error",
	    "cluster.error" };
	const json_t *channel, *w;
	size_t i;

	json_array_foreach(json_object_get(rest, "watches"), i, w)
		watch_cb(c, w);
	if (c->o->n_names > 0)
		return;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *error = show_error(jsonx_get(rest, keys[i]));

		if (error != NULL)
			problem(c, WARNING, "%s%s", i == 0 ?
			    "configuration: " : i == 2 ? "cluster: " : "",
			    error);
		free(error);
	}
	if (status_has_stuck(rest))
		problem(c, WARNING, "TXT records cannot be removed; see: "
		    "acmectl cleanup");
	json_array_foreach(json_object_get(rest, "notify"), i, channel) {
		char *error = show_error(json_object_get(channel, "error"));
		char *name = show_str(channel, "name", "?");

		if (error != NULL)
			problem(c, WARNING, "notify: channel %s fails: %s",
			    name, error);
		free(name);
		free(error);
	}
}

static enum verdict
verdict_of(const struct check *c)
{
	for (int i = 0; i < N_PROBLEMS; i++) {
		if (c->lines[by_weight[i]].n > 0)
			return by_weight[i];
	}
	return OK;
}

static void
print_perf(const struct check *c)
{
	printf("|certificates=%zu;;;0 ok=%zu;;;0 warning=%zu;;;0 "
	    "critical=%zu;;;0", c->n, c->by_verdict[OK],
	    c->by_verdict[WARNING], c->by_verdict[CRITICAL]);
	if (c->next != NULL)
		printf(" days_left=%.2f",
		    (double)(c->next_end - c->now) / DAY_S);
	for (size_t i = 0; i < PERF_MAX && c->n <= PERF_MAX; i++) {
		if (c->perf[i] != NULL)
			printf(" %s", c->perf[i]);
	}
	putchar('\n');
}

static void
print_lines(const struct check *c)
{
	for (int k = 0; k < N_PROBLEMS; k++) {
		enum verdict v = by_weight[k];
		const struct lines *l = &c->lines[v];

		for (size_t i = 0; i < l->n && i < LINES_MAX; i++)
			printf("[%s] %s\n", words[v], l->text[i]);
		if (l->n > LINES_MAX)
			printf("[%s] and %zu more: acmectl status --failing\n",
			    words[v], l->n - LINES_MAX);
	}
}

static enum verdict
print(const struct check *c)
{
	enum verdict v = verdict_of(c);
	size_t n = c->lines[UNKNOWN].n + c->lines[CRITICAL].n +
	    c->lines[WARNING].n;
	char when[SHOW_WHEN_MAX];

	printf("ACMED %s - ", words[v]);
	if (n == 1)
		printf("%s", c->lines[v].text[0]);
	else if (n > 1)
		printf("%zu problems: %s", n, c->lines[v].text[0]);
	else if (c->next == NULL)
		printf("no certificates are configured");
	else
		printf("%zu certificate%s, the first ends %s (%s)", c->n,
		    c->n == 1 ? "" : "s", show_span(c->now, c->next_end, when),
		    c->next);
	print_perf(c);
	if (n > 1)
		print_lines(c);
	return v;
}

static void
check_clear(struct check *c)
{
	for (int v = 0; v < VERDICT_END; v++) {
		for (size_t i = 0; i < c->lines[v].n && i < LINES_MAX; i++)
			free(c->lines[v].text[i]);
	}
	for (size_t i = 0; i < PERF_MAX; i++)
		free(c->perf[i]);
	free(c->next);
	free(c->is_found);
}

/* A number of days; NULL: none was given. */
static int
parse_days(const char *text, double *days)
{
	char *end;

	*days = -1;
	if (text == NULL)
		return 0;
	if (!isdigit((unsigned char)text[0]))
		return -1;
	*days = strtod(text, &end);
	return *end == '\0' && *days <= 100000 ? 0 : -1;
}

static int
unknown(const char *why)
{
	printf("ACMED %s - %s\n", words[UNKNOWN], why);
	return UNKNOWN;
}

int
cmd_check_status(const struct options *o)
{
	struct check c = { .o = o, .now = clock_now() };
	struct error err;
	const struct status_sink sink = { rest_cb, cert_cb, &c };
	int code;

	if (parse_days(o->warning, &c.warn) == -1 ||
	    parse_days(o->critical, &c.crit) == -1)
		return unknown("--warning and --critical need a number of "
		    "days");
	if (c.warn >= 0 && c.crit > c.warn)
		return unknown("--critical must not be more days than "
		    "--warning");
	c.is_found = xcalloc(o->n_names + 1, sizeof(*c.is_found));
	/* Some who run plugins take the first line of stderr as well. */
	code = status_read_quietly(o, &sink, &err) == 0 ? EXIT_OK :
	    ask_exit_code(&err);
	for (size_t i = 0; code == EXIT_OK && i < o->n_names; i++) {
		if (!c.is_found[i])
			problem(&c, UNKNOWN, "there is no certificate %s",
			    o->names[i]);
	}
	if (code == EXIT_OK) {
		code = (int)print(&c);
	} else if (code == EXIT_NOT_RUNNING) {
		printf("ACMED %s - %s\n", words[CRITICAL], plain(err.msg));
		code = CRITICAL;
	} else {
		code = unknown(code == EXIT_DENIED ? "this user may not ask "
		    "acmed; add it to the group acmed" :
		    "acmed's answer is of no use");
	}
	check_clear(&c);
	return code;
}
