/* SPDX-License-Identifier: MIT */
#include "daemon/engine/ari.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/accounts/hold.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/pair.h"
#include "daemon/engine/priv.h"
#include "daemon/io/loop.h"
#include "daemon/store/keys.h"

#define POLLS_MAX 4
#define DAY_S 86400
#define START_SPREAD_S 10
#define STARTS_PER_S 10		/* ... and more time for more of them */
#define REJECTED_S (6 * 3600)
#define ASK_MAX_S (DAY_S + DAY_S / 5)	/* with jitter */
#define TICK_MAX_S 3600		/* the wall clock may jump */
#define BUSY_S 10		/* while certificates are renewed, ... */
#define PATIENCE_S 3600		/* ... for so long */

struct poll {
	TAILQ_ENTRY(poll) link;
	struct ari	*ari;
	struct cert	*cert;
	const struct conf *conf;	/* one reference */
	char		*serial;	/* asked about */
	struct account_op *account_op;
	struct account	*account;
	struct acme_op	*acme_op;
	struct acme_renewal_info first;	/* while the second of a pair is asked
					   about */
};

struct ari {
	struct engine	*engine;
	struct timer	 tick;
	bool		 is_stopped;
	size_t		 cursor;	/* in the engine's certificates */
	TAILQ_HEAD(, poll) polls;
	size_t		 n_polls;
};

static void	tick_cb(void *);

struct ari *
ari_new(struct engine *e)
{
	struct ari *a = xcalloc(1, sizeof(*a));

	a->engine = e;
	TAILQ_INIT(&a->polls);
	timer_init(&a->tick, e->a.loop, tick_cb, a);
	return a;
}

static void
poll_free(struct poll *p)
{
	struct ari *a = p->ari;

	acme_cancel(p->acme_op);
	account_cancel(p->account_op);
	account_release(a->engine->accounts, p->account);
	conf_unref(p->conf);
	p->cert->ari_polling = false;
	TAILQ_REMOVE(&a->polls, p, link);
	a->n_polls--;
	free(p->serial);
	free(p);
}

void
ari_stop(struct ari *a)
{
	struct poll *p;

	a->is_stopped = true;
	timer_clear(&a->tick);
	while ((p = TAILQ_FIRST(&a->polls)) != NULL)
		poll_free(p);
}

void
ari_free(struct ari *a)
{
	if (a == NULL)
		return;
	ari_stop(a);
	free(a);
}

/* --- the answer --- */

/* Tell of a renewal that comes much earlier than it was planned. */
static void
tell_if_pulled(struct cert *c, time_t was)
{
	const struct store_cert *row = &c->row;
	char start[TEXT_TIME_MAX], end[TEXT_TIME_MAX], old[TEXT_TIME_MAX];
	bool by_ari;
	time_t now = clock_now(), due = ari_window_due_at(c, &by_ari);

	if (was <= now || was - due < (row->not_after - row->not_before) / 30)
		return;
	event_emit(c->certs, row->name, STEP_ORDER, LOGL_NOTICE,
	    "the CA asks for an earlier renewal: between %s and %s, instead "
	    "of %s%s%s", text_time(row->ari_start, start),
	    text_time(row->ari_end, end), text_time(was, old),
	    row->ari_url != NULL ? "; it explains why at " : "",
	    row->ari_url != NULL ? row->ari_url : "");
}

static void
take(struct cert *c, const struct acme_renewal_info *info)
{
	struct store_cert *row = &c->row;
	struct log_ctx ctx = { .cert = row->name };
	char start[TEXT_TIME_MAX], end[TEXT_TIME_MAX];
	bool by_ari, is_new = info->start != row->ari_start ||
	    info->end != row->ari_end;
	time_t was = ari_window_due_at(c, &by_ari);

	if (row->ari_directory == NULL)		/* it knows the certificate */
		row->ari_directory = xstrdup(issuer_account(
		    c)->directory);
	row->ari_start = info->start;
	row->ari_end = info->end;
	row->ari_at = due_ari_draw(info->start, info->end, row->ari_at);
	free(row->ari_url);
	row->ari_url = info->explanation[0] != '\0' ?
	    xstrdup(info->explanation) : NULL;
	if (!is_new)
		return;
	log_info(&ctx, "the CA suggests a renewal between %s and %s",
	    text_time(info->start, start), text_time(info->end, end));
	tell_if_pulled(c, was);
	certs_changed(c->certs);
}

/* +-10 %, so that those asked together part. */
static time_t
later(int64_t s)
{
	return clock_now() + (time_t)(s - s / 10 +
	    (int64_t)arc4random_uniform((uint32_t)(s / 5 + 1)));
}

static time_t
after_error(struct cert *c, const struct error *err)
{
	static const int64_t pauses[] = { 600, 3600, REJECTED_S };
	size_t n = sizeof(pauses) / sizeof(pauses[0]);
	time_t now = clock_now();

	if (strcmp(err->code, "acme:no-renewal-info") == 0)
		return later(DAY_S);
	if (err->retry_at > now + 60)
		return err->retry_at < now + DAY_S ? err->retry_at :
		    now + DAY_S;
	/* RFC 9773 section 4.3.3. */
	if (err->kind == ERR_REJECTED || err->kind == ERR_CONFIG)
		return later(REJECTED_S);
	if (c->ari_failures < n)
		c->ari_failures++;
	return later(pauses[c->ari_failures - 1]);
}

/* It does not matter much, and nobody can do anything about it. */
static void
failed(struct cert *c, const struct error *err)
{
	struct log_ctx ctx = { .cert = c->row.name };

	c->row.ari_poll_at = after_error(c, err);
	log_debug(&ctx, "when to renew is not known from the CA: %s",
	    err->msg);
}

/* A run may have begun meanwhile, or another certificate come. */
static bool
is_current(const struct poll *p)
{
	const struct cert *c = p->cert;

	return ari_window_is_asked(c) && c->run == NULL &&
	    strcmp(c->row.serial, p->serial) == 0;
}

static void
poll_end(struct poll *p, const struct error *err,
    const struct acme_renewal_info *info)
{
	struct ari *a = p->ari;
	struct cert *c = p->cert;

	if (is_current(p)) {
		if (err == NULL) {
			c->ari_failures = 0;
			take(c, info);
			c->row.ari_poll_at = later(info->retry_at -
			    clock_now());
		} else {
			failed(c, err);
		}
		cert_save(c);
	}
	poll_free(p);
	timer_set(&a->tick, 0);
}

/* Of the second of a pair.  Whatever becomes of that, what is known of the
 * first stands. */
static void
second_informed(const struct error *err, const struct acme_renewal_info *info,
    void *arg)
{
	struct poll *p = arg;
	struct cert *c = p->cert;
	bool by_ari;
	time_t was;

	p->acme_op = NULL;
	if (err == NULL && is_current(p) && pair_installed(c) != NULL) {
		was = ari_window_due_at(c, &by_ari);
		ari_window_of_second(c, info->start, info->end);
		if (ari_window_due_at(c, &by_ari) < was)
			certs_changed(c->certs);
	} else if (err != NULL) {
		struct log_ctx ctx = { .cert = c->row.name };

		log_debug(&ctx, "when to renew the second of the pair is not "
		    "known from the CA: %s", err->msg);
	}
	poll_end(p, NULL, &p->first);
}

static void
informed(const struct error *err, const struct acme_renewal_info *info,
    void *arg)
{
	struct poll *p = arg;

	const struct store_pair *second = pair_installed(p->cert);

	p->acme_op = NULL;
	if (err != NULL || !is_current(p) || second == NULL ||
	    second->ari_id == NULL || second->ari_id[0] == '\0') {
		poll_end(p, err, info);
		return;
	}
	p->first = *info;
	p->acme_op = acme_renewal_info_start(p->account->acme, second->ari_id,
	    second_informed, p);
}

static void
account_done(const struct error *err, struct account *account, void *arg)
{
	struct poll *p = arg;

	p->account_op = NULL;
	p->account = account;
	if (err != NULL)
		poll_end(p, err, NULL);
	else
		p->acme_op = acme_renewal_info_start(account->acme,
		    p->cert->row.ari_id, informed, p);
}

/* --- asking --- */

/* Rows of older versions do not have it. */
static void
read_id(struct cert *c)
{
	struct cert_info info;
	struct error ignored;

	if (store_live_info(c->certs->store, c->row.name, &info,
	    &ignored) != 0)
		return;
	if (strcmp(info.serial, c->row.serial) == 0)
		xstrset(&c->row.ari_id, info.ari_id);
	cert_info_clear(&info);
}

static void
begin(struct ari *a, struct cert *c)
{
	const struct conf_account *account = issuer_account(c);
	char *kid = store_account_kid(a->engine->a.store, account->name,
	    account->directory);
	struct poll *p;

	/* Should its answer be lost, this is when to ask again. */
	c->row.ari_poll_at = later(REJECTED_S);
	if (c->row.ari_id == NULL)
		read_id(c);
	/* No account is made for this only. */
	if (kid == NULL || c->row.ari_id == NULL) {
		free(kid);
		return;
	}
	free(kid);
	p = xcalloc(1, sizeof(*p));
	p->ari = a;
	p->cert = c;
	p->conf = conf_ref(a->engine->conf);
	p->serial = xstrdup(c->row.serial);
	c->ari_polling = true;
	TAILQ_INSERT_TAIL(&a->polls, p, link);
	a->n_polls++;
	p->account_op = account_start(a->engine->accounts, account,
	    account_done, p);
}

/* RFC 9773 section 4.3: not for those that have expired. */
static bool
is_polled(const struct cert *c, time_t now)
{
	return ari_window_is_asked(c) && c->run == NULL && !c->is_queued &&
	    !c->ari_polling && c->row.not_after > now;
}

static void
tick_cb(void *arg)
{
	struct ari *a = arg;
	struct engine *e = a->engine;
	time_t now = clock_now(), next = 0;

	for (size_t k = 0; k < e->certs->n; k++) {
		struct cert *c = e->certs->list[(a->cursor + k) % e->certs->n];
		time_t at = c->row.ari_poll_at;

		if (!is_polled(c, now))
			continue;
		if (at > now + ASK_MAX_S)	/* the clock was set back */
			at = 0;
		if (at <= now && hold_is_down(e->holds,
		    issuer_account(c))) {
			next = now + BUSY_S;
			continue;
		}
		/* Renewals go first, and Pebble's store locks up for half a
		   minute when this overlaps with new orders (turns.h). */
		if (at <= now && e->certs->places.running > 0 && now - at <
		    PATIENCE_S) {
			next = now + BUSY_S;
			continue;
		}
		if (at <= now && a->n_polls == POLLS_MAX) {
			/* The end of one of them comes back here. */
			a->cursor = (a->cursor + k) % e->certs->n;
			return;
		}
		if (at <= now) {
			begin(a, c);
			at = c->row.ari_poll_at;
		}
		if (next == 0 || at < next)
			next = at;
	}
	if (next != 0)
		timer_set(&a->tick, (next - now < TICK_MAX_S ? next - now :
		    TICK_MAX_S) * 1000);
}

void
ari_kick(struct ari *a)
{
	if (!a->is_stopped)
		timer_set(&a->tick, 1000);
}

void
ari_start(struct ari *a)
{
	struct engine *e = a->engine;
	time_t now = clock_now();
	uint32_t spread, n_due = 0;

	for (size_t i = 0; i < e->certs->n; i++)
		n_due += e->certs->list[i]->row.ari_poll_at <= now;
	spread = START_SPREAD_S + n_due / STARTS_PER_S;
	for (size_t i = 0; i < e->certs->n; i++) {
		struct store_cert *row = &e->certs->list[i]->row;

		if (row->ari_poll_at <= now)
			row->ari_poll_at = now +
			    (time_t)arc4random_uniform(spread);
	}
	ari_kick(a);
}
