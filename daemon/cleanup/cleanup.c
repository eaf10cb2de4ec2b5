/* SPDX-License-Identifier: MIT */
#include "daemon/cleanup/cleanup.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cleanup/cleanup_priv.h"
#include "daemon/io/loop.h"

#define STUCK_TRIES	5
#define STUCK_AGE_S	(6 * 3600)
#define REMOVALS_MAX	50	/* at once */
#define WAKE_MAX_MS	60000

static void
txtrec_keep_handle(struct txtrec *t, const char *handle)
{
	char *old = (char *)(uintptr_t)t->row.handle;

	t->row.handle = handle == NULL ? NULL : xstrdup(handle);
	free(old);
}

void
txtrec_free(struct txtrec *t)
{
	conf_unref(t->conf);
	zone_clear(&t->zone);
	txtrec_keep_handle(t, NULL);
	txtrec_unlink(t);
	free(t);
}

struct txtrec *
txtrec_load(struct cleanup *c, const struct store_txt *row)
{
	struct txtrec *t = txtrec_new(c, row->cert);

	t->row = *row;
	t->row.handle = NULL;
	txtrec_keep_handle(t, row->handle);
	return t;
}

static void
load_cb(const struct store_txt *row, void *arg)
{
	(void)txtrec_load(arg, row);
}

static void
work_cb(void *arg)
{
	struct cleanup *c = arg;
	time_t now = clock_now(), next = 0;
	struct txtrec *t;

	if (!c->is_started)
		return;
	TAILQ_FOREACH(t, &c->recs, link) {
		if (!txtrec_is_free(t))
			continue;
		if (txtrec_is_due(t, now) && c->n_removals < REMOVALS_MAX)
			removal_start(c, t, now);
		else if (!txtrec_is_due(t, now) &&
		    (next == 0 || t->row.retry_at < next))
			next = t->row.retry_at;
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&c->work, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

struct cleanup *
cleanup_new(const struct cleanup_env *env)
{
	struct cleanup *c = xcalloc(1, sizeof(*c));

	c->env = env;
	TAILQ_INIT(&c->recs);
	TAILQ_INIT(&c->removals);
	TAILQ_INIT(&c->waits);
	timer_init(&c->work, env->loop, work_cb, c);
	store_txt_each(env->store, load_cb, c);
	return c;
}

void
cleanup_free(struct cleanup *c)
{
	struct txtrec *t;

	if (c == NULL)
		return;
	cleanup_pause(c);
	while ((t = TAILQ_FIRST(&c->recs)) != NULL)
		txtrec_free(t);
	free(c);
}

void
cleanup_start(struct cleanup *c)
{
	c->is_started = true;
	timer_set(&c->work, 0);
}

void
cleanup_pause(struct cleanup *c)
{
	struct removal *r;

	c->is_started = false;
	timer_clear(&c->work);
	while ((r = TAILQ_FIRST(&c->removals)) != NULL)
		removal_free(r);
}

void
cleanup_kick(struct cleanup *c)
{
	if (c->is_started)
		timer_set(&c->work, 0);
}

void
cleanup_retry(struct cleanup *c)
{
	struct txtrec *t;

	TAILQ_FOREACH(t, &c->recs, link)
		t->row.retry_at = 0;
	cleanup_kick(c);
}

struct txtrec *
cleanup_acquire(struct cleanup *c, const char *cert, const char *provider,
    const char *identifier, const struct zone *zone, const char *value)
{
	struct txtrec *t;

	for (t = txtrec_first(c, cert); t != NULL; t = TAILQ_NEXT(t, of_cert)) {
		if (!t->in_use && strcmp(t->row.provider, provider) == 0 &&
		    strcmp(t->row.fqdn, zone->fqdn) == 0 &&
		    strcmp(t->row.value, value) == 0)
			break;
	}
	if (t == NULL) {
		t = txtrec_new(c, cert);
		(void)text_printf(t->row.provider, sizeof(t->row.provider),
		    "%s", provider);
		(void)text_printf(t->row.fqdn, sizeof(t->row.fqdn), "%s",
		    zone->fqdn);
		(void)text_printf(t->row.value, sizeof(t->row.value), "%s",
		    value);
		t->row.created_at = clock_now();
	} else {
		t->may_be_there |= t->row.state != TXT_REFUSED;
	}
	if (t->removal != NULL) {
		struct removal *r = t->removal;

		/* The others of that removal begin again. */
		removal_free(r);
		timer_set(&c->work, 0);
	}
	(void)text_printf(t->row.identifier, sizeof(t->row.identifier), "%s",
	    identifier);
	(void)text_printf(t->row.zone, sizeof(t->row.zone), "%s", zone->apex);
	zone_clear(&t->zone);
	zone_copy(&t->zone, zone);
	t->has_zone = true;
	t->in_use = true;
	t->remove_now = false;
	t->is_probe = false;
	t->was_tried = false;
	t->is_absent = false;
	t->row.state = TXT_ADDING;
	t->row.retry_at = 0;
	t->row.tries = 0;
	t->row.error[0] = '\0';
	store_txt_put(c->env->store, &t->row);
	return t;
}

void
txtrec_set_added(struct txtrec *t, const char *handle)
{
	t->row.state = TXT_ADDED;
	txtrec_set_handle(t, handle);
}

void
txtrec_set_handle(struct txtrec *t, const char *handle)
{
	txtrec_keep_handle(t, handle);
	store_txt_put(t->cleanup->env->store, &t->row);
}

void
txtrec_set_refused(struct txtrec *t)
{
	if (t->may_be_there)
		return;
	t->row.state = TXT_REFUSED;
	store_txt_put(t->cleanup->env->store, &t->row);
}

void
txtrec_release(struct txtrec *t)
{
	if (t == NULL)
		return;
	t->in_use = false;
	cleanup_kick(t->cleanup);
}

void
txtrec_remove(struct txtrec *t)
{
	t->remove_now = true;
	txtrec_release(t);
}

void
txtrec_set_probe(struct txtrec *t)
{
	t->is_probe = true;
}

void
txtrec_set_conf(struct txtrec *t, const struct conf *conf)
{
	conf_unref(t->conf);
	t->conf = conf_ref(conf);
}

void
txtrec_remove_and_tell(struct txtrec *t, txtrec_gone_cb *gone, void *arg)
{
	t->gone = gone;
	t->gone_arg = arg;
	txtrec_remove(t);
}

void
txtrec_untell(struct txtrec *t)
{
	t->gone = NULL;
}

bool
txtrec_is_of_probe(const struct txtrec *t)
{
	static const char head[] = CLEANUP_PROBE_HEAD;

	return t->is_probe || strncmp(t->row.value, head, sizeof(head) - 1) ==
	    0 || strncmp(txtrec_handle(t), head, sizeof(head) - 1) == 0;
}

/* --- where several daemons share a certificate --- */

bool
txtrec_is_ours(const struct txtrec *t)
{
	struct error err;

	return txtrec_is_of_probe(t) || certs_check_held(
	    t->cleanup->env->certs, t->row.cert, &err) == 0;
}

unsigned
cleanup_count_others(const struct cleanup *c, const char *cert,
    const char *provider, const char *place, bool is_zone,
    const char **other)
{
	const struct txtrec *t;
	unsigned n = 0;

	TAILQ_FOREACH(t, &c->recs, link) {
		if (strcmp(is_zone ? t->row.zone : t->row.fqdn, place) != 0 ||
		    strcmp(t->row.provider, provider) != 0 ||
		    (cert != NULL && !t->is_probe &&
		    strcmp(t->row.cert, cert) == 0))
			continue;
		if (t->in_use ||
		    (t->removal != NULL && t->removal->run != NULL)) {
			*other = t->row.cert;
			n++;
		}
	}
	return n;
}

const char *
txtrec_fqdn(const struct txtrec *t)
{
	return t->row.fqdn;
}

const char *
txtrec_value(const struct txtrec *t)
{
	return t->row.value;
}

const char *
txtrec_handle(const struct txtrec *t)
{
	return t->row.handle == NULL ? "" : t->row.handle;
}

const char *
txtrec_provider(const struct txtrec *t)
{
	return t->row.provider;
}

const char *
txtrec_identifier(const struct txtrec *t)
{
	return t->row.identifier;
}

const struct zone *
txtrec_zone(const struct txtrec *t)
{
	return &t->zone;
}

bool
cleanup_is_stuck(unsigned tries, time_t created_at, time_t now)
{
	return tries >= STUCK_TRIES || now - created_at > STUCK_AGE_S;
}

/* Is it time for a person? */
static bool
is_stuck(const struct txtrec *t)
{
	return !t->in_use && !t->is_absent && t->row.tries > 0 &&
	    t->row.error[0] != '\0' && cleanup_is_stuck(t->row.tries,
	    t->row.created_at, clock_now());
}

json_t *
cleanup_json(const struct cleanup *c)
{
	json_t *list = json_array();
	const struct txtrec *t;

	TAILQ_FOREACH(t, &c->recs, link) {
		json_t *o = json_pack(
		    "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:o, s:o,"
		    " s:b, s:b}",
		    "cert", t->row.cert, "provider", t->row.provider,
		    "zone", t->row.zone, "name", t->row.fqdn,
		    "value", t->row.value,
		    "state", t->in_use ? "in use" :
		    txt_state_name(t->row.state),
		    "created_at", jsonx_time(t->row.created_at),
		    "tries", (int)t->row.tries,
		    "next_at", jsonx_time(t->in_use ? 0 : t->row.retry_at),
		    "error", t->row.error[0] != '\0' ?
		    json_string(t->row.error) : json_null(),
		    "absent", t->is_absent, "stuck", is_stuck(t));

		if (o != NULL)
			(void)json_array_append_new(list, o);
	}
	return list;
}

size_t
cleanup_count(const struct cleanup *c)
{
	return c->n_recs;
}

size_t
cleanup_count_stuck(const struct cleanup *c)
{
	const struct txtrec *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &c->recs, link)
		n += is_stuck(t);
	return n;
}
