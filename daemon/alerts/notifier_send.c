/* SPDX-License-Identifier: MIT */
/* notifier_send - those that are told together become one message. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/condition.h"
#include "daemon/alerts/notifier_priv.h"
#include "daemon/certs/origin.h"
#include "daemon/rollout/rollout.h"
#include "daemon/watches/watches.h"

#define JOIN_S		7200	/* repeats of one cause go together */
#define HISTORY		20	/* events looked at for the failed step */

/* A message in the making. */
struct batch {
	struct notifier	*notifier;
	time_t		 now;
	struct alarm	**alarms;	/* the worst first */
	size_t		 n;
	struct notice_item *items;
	char		**strings;	/* to be freed */
	size_t		 n_strings;
};

static bool
is_over(const struct alarm *a)
{
	return a->act == ALARM_RECOVERED;
}

static const char *
own(struct batch *b, char *s /* taken */)
{
	b->strings = xreallocarray(b->strings, b->n_strings + 1,
	    sizeof(*b->strings));
	b->strings[b->n_strings++] = s;
	return s;
}

/* Others renew it: its name is that of a section, not of a certificate. */
static bool
is_watch(const struct alarm *a)
{
	return strncmp(a->key, "watch ", 6) == 0;
}

static const struct cert *
cert_of(const struct alarm *a)
{
	const struct cert *c = a->cert[0] != '\0' && !is_watch(a) ?
	    certs_find(a->notifier->env->certs, a->cert) : NULL;

	return c != NULL && c->conf != NULL ? c : NULL;
}

/* The part of a key behind its first n words. */
static const char *
word(const char *key, int n)
{
	while (n-- > 0 && key != NULL) {
		key = strchr(key, ' ');
		if (key != NULL)
			key++;
	}
	return key;
}

/* NULL: it is not watched any more. */
static const struct store_watch *
watched_row(const struct alarm *a)
{
	const char *what = word(a->key, 2), *name = word(a->key, 1);
	char watch[128];

	if (what == NULL)
		return NULL;
	(void)text_printf(watch, sizeof(watch), "%.*s", (int)(what - name) -
	    1, name);
	return watches_find(a->notifier->env->watches, watch, what);
}

static bool
is_deploy(const struct alarm *a)
{
	return !is_over(a) && (a->event == NEV_DEPLOY ||
	    a->event == NEV_SERVING_OLD);
}

/* What was seen last; 0: nothing. */
static time_t
ends_of_watched(const struct alarm *a)
{
	const struct store_watch *row = watched_row(a);

	return row != NULL ? row->not_after : 0;
}

/* The end of what is in use; 0: there is none, or nothing is known. */
static time_t
not_after_of(const struct alarm *a)
{
	const struct cert *c = cert_of(a);

	if (is_watch(a))
		return ends_of_watched(a);
	if (is_deploy(a))
		return a->ends;
	return c != NULL && c->row.serial != NULL ? c->row.not_after : 0;
}

static int
by_urgency(const void *x, const void *y)
{
	const struct alarm *a = *(struct alarm *const *)x;
	const struct alarm *b = *(struct alarm *const *)y;
	time_t ta = not_after_of(a), tb = not_after_of(b);

	if (ta != tb && (ta == 0 || tb == 0))
		return ta == 0 ? 1 : -1;
	if (ta != tb)
		return ta < tb ? -1 : 1;
	return strcmp(a->key, b->key);
}

/* --- which --- */

/* What was told of it, where nothing is wrong any more. */
static enum notify_event
event_of(const struct alarm *a)
{
	static const struct { const char *prefix; enum notify_event event; }
	kinds[] = {
		{ "deploy ", NEV_DEPLOY }, { "cleanup ", NEV_CLEANUP },
		{ "config", NEV_CONFIG }, { "cluster", NEV_CLUSTER },
		{ "revoke ", NEV_REVOCATION },
		{ "names ", NEV_NAMES }, { "watch ", NEV_WATCHED },
		{ "hosts ", NEV_FLEET }, { "waves ", NEV_FLEET },
	};

	if (!is_over(a))
		return a->event;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(a->key, kinds[i].prefix,
		    strlen(kinds[i].prefix)) == 0)
			return kinds[i].event;
	}
	return NEV_FAILED;
}

static bool
is_same_group(const struct alarm *a, const struct alarm *b)
{
	if (is_over(a) != is_over(b) || event_of(a) != event_of(b))
		return false;
	if (is_over(a))
		return a->told_level == b->told_level &&
		    ((event_of(a) != NEV_DEPLOY &&
		    event_of(a) != NEV_CLUSTER) ||
		    strcmp(a->told_cause, b->told_cause) == 0);
	return a->level == b->level && strcmp(a->cause, b->cause) == 0;
}

/* Would it be repeated soon anyway? */
static bool
joins(const struct alarm *a, time_t now)
{
	const struct conf_alarm *policy = &a->notifier->env->certs->conf->alarm;
	int64_t slack = policy->repeat_s / 4 < JOIN_S ? policy->repeat_s / 4 :
	    JOIN_S;

	return a->is_wrong && a->told_at != 0 && a->act == ALARM_NOTHING &&
	    a->event != NEV_RENEWED &&
	    now - a->told_at >= policy->repeat_s - slack;
}

static void
gather(struct batch *b, struct alarm *first)
{
	struct alarm *a;
	size_t room = 0;

	TAILQ_FOREACH(a, &b->notifier->alarms, link) {
		if (a->tell_at == 0 && !joins(a, b->now))
			continue;
		if (!is_same_group(first, a))
			continue;
		if (b->n == room) {
			room = room * 2 + 16;
			b->alarms = xreallocarray(b->alarms, room,
			    sizeof(struct alarm *));
		}
		b->alarms[b->n++] = a;
	}
	qsort(b->alarms, b->n, sizeof(struct alarm *), by_urgency);
}

/* --- what --- */

struct found_step {
	char	name[32];
};

static void
step_cb(const struct store_event *ev, void *arg)
{
	struct found_step *f = arg;

	if (ev->level <= LOGL_WARNING && strcmp(ev->step, "cleanup") != 0)
		(void)text_printf(f->name, sizeof(f->name), "%s", ev->step);
}

static char *
names_of(const struct conf_cert *cc)
{
	char *all = xstrdup("");

	/* The message shows 300 bytes of it. */
	for (size_t i = 0; i < cc->n_names && strlen(all) < 400; i++) {
		char *longer = xasprintf("%s%s%s", all, i > 0 ? ", " : "",
		    cc->names[i].name);

		free(all);
		all = longer;
	}
	return all;
}

static void
fill_renewal(struct batch *b, struct notice_item *i, const struct cert *c)
{
	struct found_step f = { "" };
	const struct alerts_env *env = b->notifier->env;
	struct condition_failure failure = condition_failure(c);

	i->tries = failure.err != NULL ? failure.times : c->row.failures;
	if (failure.err != NULL)
		i->words = failure.err->msg;
	i->next_at = env->next_at(c, env->arg);
	if (i->next_at == 0)
		i->next_at = b->now;
	if (i->next_at < 0)
		i->next_at = 0;
	/* Another may have asked for it: every error of a run begins with the
	 * step. */
	if (c->waits != NULL && i->words != NULL)
		i->step = own(b, xstrndup(i->words, strcspn(i->words, ":")));
	if (c->row.error == NULL || c->waits != NULL)
		return;
	store_event_each(b->notifier->env->store, c->row.name, HISTORY,
	    step_cb, &f);
	if (f.name[0] != '\0')
		i->step = own(b, xstrdup(f.name));
}

/* Another host renews it. */
static void
fill_source(struct notice_item *i, const struct cert *c)
{
	if (c->conf->given != NULL) {
		i->is_given = true;
		/* That the files are looked at is no try. */
		i->next_at = i->words != NULL && i->words[0] != '\0' ?
		    i->next_at : 0;
	}
	if (origin_repository(c) == NULL)
		return;
	i->repository = origin_repository(c)->name;
	i->publisher = c->row.source_host != NULL ? c->row.source_host : "";
}

static void
fill_deploy(struct batch *b, struct notice_item *i, const struct cert *c)
{
	struct deploy_open o;

	i->new_not_after = c->row.not_after;
	if (rollout_open_get(c, i->object, &o) == -1)
		return;
	i->tries = o.tries;
	i->next_at = o.next_at > b->now ? o.next_at : b->now;
}

static void
fill_watched(struct notice_item *i, const struct alarm *a)
{
	const struct store_watch *row = watched_row(a);

	if (row == NULL)
		return;
	if (row->subject[0] != '\0')
		i->names = row->subject;
	i->tries = row->tries;
	i->next_at = row->tries > 0 ? row->next_at : 0;
}

static void
fill_item(struct batch *b, size_t index)
{
	const struct alarm *a = b->alarms[index];
	struct notice_item *i = &b->items[index];
	const struct cert *c = cert_of(a);
	enum notify_event event = event_of(a);

	i->name = a->cert;
	i->since = a->since;
	i->not_after = not_after_of(a);
	if (a->cert[0] == '\0' && is_over(a) && word(a->key, 1) != NULL) {
		const char *name = word(a->key, 1);

		i->name = own(b, xstrndup(name, strcspn(name, " ")));
		c = is_watch(a) ? NULL :
		    certs_find(b->notifier->env->certs, i->name);
		if (c != NULL && c->conf != NULL)
			i->not_after = c->row.not_after;
	}
	if (event == NEV_DEPLOY || event == NEV_SERVING_OLD ||
	    event == NEV_CLEANUP || event == NEV_WATCHED)
		i->object = word(a->key, 2);
	if (index >= NOTICE_LISTED)
		return;
	if (c != NULL && c->conf != NULL)
		i->names = own(b, names_of(c->conf));
	if (is_over(a))
		return;
	i->words = a->text;
	if (c != NULL && (event == NEV_FAILED || event == NEV_EXPIRING ||
	    event == NEV_ACCOUNT || event == NEV_CREDENTIALS ||
	    event == NEV_REPOSITORY)) {
		fill_renewal(b, i, c);
		fill_source(i, c);
	}
	if (c != NULL && is_deploy(a))
		fill_deploy(b, i, c);
	if (is_watch(a))
		fill_watched(i, a);
}

static enum notice_what
what_of(const struct batch *b)
{
	bool is_new = false, is_worse = false, is_changed = false;

	for (size_t i = 0; i < b->n; i++) {
		is_new |= b->alarms[i]->act == ALARM_NEW;
		is_worse |= b->alarms[i]->act == ALARM_WORSE;
		is_changed |= b->alarms[i]->act == ALARM_CHANGED;
	}
	if (is_over(b->alarms[0]))
		return NOTICE_RECOVERED;
	return is_new ? NOTICE_NEW : is_worse ? NOTICE_WORSE :
	    is_changed ? NOTICE_CHANGED : NOTICE_REPEAT;
}

/* "acme:rateLimited le": a code, and whose it is. */
static void
split_cause(struct batch *b, const struct alarm *a, struct notice *notice)
{
	size_t len = strcspn(a->cause, " ");

	notice->code = notice->who = "";
	if (is_over(a) || strchr(a->cause, ':') == NULL)
		return;
	notice->code = own(b, xstrndup(a->cause, len));
	if (a->cause[len] != '\0')
		notice->who = a->cause + len + 1;
}

/* It is told: remember that, in the transaction of the message. */
static void
mark(struct alarm *a, time_t now)
{
	struct store_alarm row;

	a->tell_at = 0;
	if (is_over(a) || a->event == NEV_RENEWED) {
		notifier_forget(a);
		return;
	}
	free(a->told_cause);
	a->told_cause = xstrdup(a->cause);
	a->told_events = a->events;
	a->told_level = (int)a->level;
	a->told_stage = a->stage;
	a->told_at = now;
	a->act = ALARM_NOTHING;
	a->is_stored = true;
	notifier_told(a, &row);
	store_alarm_put(a->notifier->env->store, &row);
}

static void
tell(struct notifier *n, struct alarm *first, time_t now)
{
	struct batch b = { .notifier = n, .now = now };
	struct notice notice = { .event = event_of(first), .at = now };
	unsigned events = 0;

	gather(&b, first);
	b.items = xcalloc(b.n, sizeof(*b.items));
	for (size_t i = 0; i < b.n; i++) {
		fill_item(&b, i);
		events |= b.alarms[i]->events;
	}
	notice.what = what_of(&b);
	notice.level = is_over(first) || first->event == NEV_RENEWED ?
	    NLEV_NOTICE : first->level;
	notice.items = b.items;
	notice.n_items = b.n;
	split_cause(&b, first, &notice);
	if (is_over(first)) {
		n->recovered_at = now;
		/* Who was told of the trouble is told of its end. */
		queue_put(n->queue, &notice, NEV_BIT(NEV_RECOVERED),
		    (enum notify_level)first->told_level);
	} else {
		queue_put(n->queue, &notice, events, notice.level);
	}
	for (size_t i = 0; i < b.n; i++)
		mark(b.alarms[i], now);
	for (size_t i = 0; i < b.n_strings; i++)
		free(b.strings[i]);
	free(b.strings);
	free(b.items);
	free(b.alarms);
}

void
notifier_send_due(struct notifier *n, time_t now)
{
	struct alarm *a = TAILQ_FIRST(&n->alarms);

	while (a != NULL) {
		if (a->tell_at == 0 || a->tell_at > now) {
			a = TAILQ_NEXT(a, link);
			continue;
		}
		tell(n, a, now);
		a = TAILQ_FIRST(&n->alarms);	/* some may be gone */
	}
}

/* A target that is tried again, or does not serve what it should. */
static void
failing_cb(const struct deploy_open *o, void *arg)
{
	time_t *served = arg;

	if (o->tries > 0 || o->serves_old)
		*served = o->served_after != 0 && (*served <= 0 ||
		    o->served_after < *served) ? o->served_after :
		    *served == -1 ? 0 : *served;
}

void
notifier_send_digest(struct notifier *n, time_t now)
{
	const struct certs *certs = n->env->certs;
	struct notice notice = { .event = NEV_DIGEST, .level = NLEV_NOTICE,
	    .at = now, .code = "", .who = "" };
	struct notice_item *items = xcalloc(certs->n + 1, sizeof(*items));

	for (size_t i = 0; i < certs->n; i++) {
		const struct store_cert *row = &certs->list[i]->row;
		time_t served = -1, end = row->serial != NULL ?
		    row->not_after : 0;

		if (certs->list[i]->conf == NULL)
			continue;
		rollout_open_each(certs->list[i], failing_cb, &served);
		if (served > 0 && served < end)
			end = served;
		notice.n_certs++;
		notice.n_valid += end > now;
		if (condition_error(certs->list[i]) == NULL && served == -1)
			continue;
		notice.n_failing++;
		items[notice.n_items++] = (struct notice_item){
		    .name = row->name, .not_after = end };
	}
	notice.items = items;
	queue_put(n->queue, &notice, NEV_BIT(NEV_DIGEST), NLEV_NOTICE);
	free(items);
}
