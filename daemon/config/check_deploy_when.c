/* SPDX-License-Identifier: MIT */
/* When targets run, and what is known of them again after a reload. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define WINDOWS_MAX 20

/* "HH:MM" at *p; minutes of the day, or -1. */
static int
parse_clock(const char **p)
{
	const char *s = *p;
	int h, m;

	for (int i = 0; i < 5; i++) {
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return -1;
	}
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	*p += 5;
	return h < 24 && m < 60 ? h * 60 + m : h == 24 && m == 0 ? 1440 : -1;
}

/* "Mon" at *p; as tm_wday, or -1. */
static int
parse_day(const char **p)
{
	static const char *const names[] = { "Sun", "Mon", "Tue", "Wed",
	    "Thu", "Fri", "Sat" };

	for (int i = 0; i < 7; i++) {
		if (strncasecmp(*p, names[i], 3) == 0) {
			*p += 3;
			return i;
		}
	}
	return -1;
}

/* "Mon-Thu,Sat " at *p as bits, 0 if there are no days; -1: a mistake. */
static int
parse_days(const char **p)
{
	int bits = 0, day, last;

	if (**p >= '0' && **p <= '9')
		return 0;
	for (;;) {
		day = last = parse_day(p);
		if (day != -1 && **p == '-') {
			++*p;
			last = parse_day(p);
			if (last == day)
				return -1;	/* one day, or eight? */
		}
		if (day == -1 || last == -1)
			return -1;
		for (bits |= 1 << day; day != last; bits |= 1 << day)
			day = (day + 1) % 7;
		if (**p != ',')
			break;
		++*p;
	}
	return *(*p)++ == ' ' ? bits : -1;
}

static bool
parse_window(const char *s, struct conf_window *w)
{
	int days = parse_days(&s);

	if (days == -1)
		return false;
	w->days = (unsigned)days;
	w->from = parse_clock(&s);
	if (w->from == -1 || w->from == 1440 || *s++ != '-')
		return false;
	w->to = parse_clock(&s);
	return w->to != -1 && *s == '\0' && w->from != w->to;
}

void
check_deploy_window(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct item *item = tree_item(sec, "deploy_window");
	size_t n = item != NULL ? item->n : 0;

	if (item == NULL)
		return;
	if (n > WINDOWS_MAX) {
		opt_mistake(c->m, sec, sec->line, "deploy_window has %zu "
		    "entries; allowed: up to %d", n, WINDOWS_MAX);
		n = WINDOWS_MAX;
	}
	free(d->windows);
	d->windows = xcalloc(n + 1, sizeof(*d->windows));
	d->n_windows = 0;
	for (size_t i = 0; i < n; i++) {
		if (parse_window(item->values[i]->text,
		    &d->windows[d->n_windows]))
			d->n_windows++;
		else
			opt_refuse(c->m, sec, "deploy_window",
			    item->values[i], "\"HH:MM-HH:MM\", local time, "
			    "such as \"02:00-05:00\" or \"22:30-04:00\", with "
			    "or without days of the week (in English) in "
			    "front, such as \"Mon-Thu 02:00-05:00\" or "
			    "\"Sat,Sun 02:00-05:00\"");
	}
}

bool
check_deploy_order(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "deploy_order");

	if (v == NULL || strcmp(v->text, "sequential") == 0)
		return false;
	if (strcmp(v->text, "parallel") != 0)
		opt_refuse(c->m, sec, "deploy_order", v,
		    "sequential, parallel");
	return true;
}

/* These say when and how patiently, not what is done. */
static bool
is_what(const char *key)
{
	static const char *const others[] = { "timeout", "verify_timeout",
	    "deploy_window", "on_verify_failure" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(key, others[i]) == 0)
			return false;
	}
	return true;
}

void
check_deploy_hash(const struct section *sec, bool is_usual,
    struct conf_deploy *d)
{
	uint64_t order = 0;

	for (size_t i = 0; !is_usual && d->steps[i] != NULL; i++) {
		for (const char *p = d->steps[i]; *p != '\0'; p++)
			order = order * 33 + (unsigned char)*p;
	}
	d->hash = check_hash(sec, is_what) + order;
	d->whole_hash = check_hash(sec, NULL) + order;
}
