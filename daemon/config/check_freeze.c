/* SPDX-License-Identifier: MIT */
/* The key freeze, of all and of a certificate. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/check_profile.h"
#include "daemon/config/opt.h"

#define FREEZES_MAX 50
#define DATE_LEN 10		/* "2026-12-20" */

static const char allowed[] = "\"YYYY-MM-DD - YYYY-MM-DD\", the first and the "
    "last day of it in local time, such as \"2026-12-20 - 2027-01-05\"";

static int
number(const char *s, int digits)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n * 10 + s[i] - '0';
	}
	return n;
}

/* Midnight, here, that many days after the day s[0..9]; -1: there is no such
 * day. */
static time_t
parse_date(const char *s, int days)
{
	int year = number(s, 4), month = number(s + 5, 2),
	    day = number(s + 8, 2);
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1,
	    .tm_mday = day, .tm_hour = 12, .tm_isdst = -1 };

	/* At noon each day is there: mktime() moves only what is wrong. */
	if (s[4] != '-' || s[7] != '-' || year < 1970 || month < 1 ||
	    day < 1 || mktime(&tm) == (time_t)-1 ||
	    tm.tm_mon != month - 1 || tm.tm_mday != day)
		return -1;
	tm.tm_mday += days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return mktime(&tm);
}

static bool
parse_freeze(const char *s, struct conf_freeze *f)
{
	if (strlen(s) != 2 * DATE_LEN + 3 ||
	    strncmp(s + DATE_LEN, " - ", 3) != 0)
		return false;
	f->from = parse_date(s, 0);
	f->end = parse_date(s + DATE_LEN + 3, 1);
	return f->from != -1 && f->end != -1 && f->from < f->end;
}

static int
by_begin(const void *a, const void *b)
{
	const struct conf_freeze *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static unsigned
join(struct conf_freeze *list, unsigned n)
{
	unsigned kept = 0;

	if (n == 0)
		return 0;
	qsort(list, n, sizeof(*list), by_begin);
	for (unsigned i = 1; i < n; i++) {
		if (list[i].from > list[kept].end)
			list[++kept] = list[i];
		else if (list[i].end > list[kept].end)
			list[kept].end = list[i].end;
	}
	return kept + 1;
}

struct conf_freeze *
check_freeze(struct check *c, const struct section *sec, unsigned *n)
{
	const struct item *item = tree_item(sec, "freeze");
	size_t given = item != NULL ? item->n : 0;
	struct conf_freeze *list;

	*n = 0;
	if (given == 0)
		return NULL;
	if (given > FREEZES_MAX) {
		opt_mistake(c->m, sec, item->values[FREEZES_MAX]->line,
		    "freeze has %zu entries; allowed: up to %d", given,
		    FREEZES_MAX);
		given = FREEZES_MAX;
	}
	list = xcalloc(given, sizeof(*list));
	for (size_t i = 0; i < given; i++) {
		if (parse_freeze(item->values[i]->text, &list[*n]))
			++*n;
		else
			opt_refuse(c->m, sec, "freeze", item->values[i],
			    allowed);
	}
	*n = join(list, *n);
	return list;
}

/* What is known of its lifetime before it is there: that of its profile. */
static void
warn_short(struct check *c, const struct section *sec,
    const struct conf_cert *cert)
{
	int64_t life = check_profile_lifetime_s(cert);
	char days[CONF_FREEZE_TEXT_MAX], span[TEXT_SPAN_MAX];

	for (unsigned i = 0; life != 0 && i < cert->n_freezes; i++) {
		const struct conf_freeze *f = &cert->freezes[i];

		if (f->end <= clock_now() || f->end - f->from <=
		    life - life / 8)
			continue;
		opt_warn(c->m, sec, sec->line, "freeze: certificates of the "
		    "profile \"%s\" live for %s only, less than \"%s\": it "
		    "is renewed and deployed in it all the same",
		    cert->profile, text_span(life, span),
		    conf_freeze_text(f, days));
	}
}

void
check_cert_freeze(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	if (tree_item(sec, "freeze") != NULL) {
		cert->own_freezes = check_freeze(c, sec, &cert->n_freezes);
		cert->freezes = cert->own_freezes;
	} else {
		cert->freezes = c->conf->freezes;
		cert->n_freezes = c->conf->n_freezes;
	}
	warn_short(c, sec, cert);
}
