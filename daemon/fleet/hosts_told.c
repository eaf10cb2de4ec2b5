/* SPDX-License-Identifier: MIT */
/* hosts_told - what is known of hosts, for all who show it. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/fleet/hosts_priv.h"
#include "daemon/rollout/rollout.h"

#define LISTED_MAX	50	/* of those behind, in a certificate's status */
#define AWAITED_S	3600

/* What hosts are to have; serial NULL: it is being published just now. */
struct wanted {
	const char	*serial;
	time_t		 not_before, at;
	const struct conf_repository *conf;
	bool		 has_waves;	/* not all may take it yet, or it was
					   taken back: */
	struct store_wave wave;
};

static struct wanted
wanted_of(const struct publication *p)
{
	const struct conf_cert *conf = p->cert->conf;
	struct wanted w = { .not_before = p->cert->row.not_before };
	bool is_shared = conf != NULL && conf->realm != NULL &&
	    conf->realm->certs == p->conf;

	w.conf = p->conf;
	w.has_waves = p->conf != NULL && (p->cert->has_wave || !is_shared) &&
	    store_wave_get(p->cert->certs->store, p->cert->row.name,
	    p->repository, &w.wave) == 0;
	/* In a cluster it is published before it is installed. */
	if (is_shared) {
		w.serial = p->cert->row.serial;
		w.at = p->cert->row.installed_at;
	}
	for (unsigned i = 0; !is_shared && conf != NULL &&
	    i < conf->n_deploys; i++) {
		if (conf->deploys[i]->publish == p->conf && w.serial == NULL)
			w.at = rollout_done_get(p->cert,
			    conf->deploys[i]->name, &w.serial);
	}
	if (w.has_waves && w.wave.opened_at > w.at)
		w.at = w.wave.opened_at;
	return w;
}

/* Is it a later wave's turn to have what is published? */
static bool
waits_for_wave(const struct host *h, const struct wanted *w)
{
	if (!w->has_waves || w->serial == NULL ||
	    strcmp(w->wave.serial, w->serial) != 0 ||
	    w->wave.state == WAVE_DONE || w->wave.opened >= w->conf->n_waves)
		return false;
	return !conf_waves_have(w->conf->waves, w->wave.opened, h->name);
}

/* A newer one than ours is of another publisher, or we have rolled back, here
 * alone or for all. */
static bool
lacks(const struct host *h, const struct wanted *w)
{
	if (waits_for_wave(h, w))
		return false;
	if (w->has_waves && w->wave.state == WAVE_WITHDRAWN &&
	    strcmp(h->serial, w->wave.serial) == 0)
		return w->serial != NULL && strcmp(h->serial, w->serial) != 0;
	return w->serial != NULL && strcmp(h->serial, w->serial) != 0 &&
	    h->not_before <= w->not_before;
}

static struct host_told
told_of(const struct host *h, const struct wanted *w, time_t now)
{
	struct host_told t = { .host = h->name,
	    .cert = h->of->cert->row.name, .repository = h->of->repository,
	    .serial = h->serial, .sha256 = h->sha256, .second = h->second,
	    .not_before = h->not_before, .not_after = h->not_after,
	    .since = h->since, .at = h->at, .ok = h->ok, .code = h->code,
	    .error = h->error,
	    .is_silent = h->at != 0 && now - h->at > HOST_SILENT_S };

	t.is_behind = w->serial != NULL && (!h->ok || lacks(h, w));
	/* Who renews it has it before its own targets may. */
	if (t.is_behind && !h->ok && h->code[0] == '\0' &&
	    strcmp(h->serial, w->serial) == 0 && waits_for_wave(h, w))
		t.is_behind = false;
	/* By its own plan it has until then. */
	if (t.is_behind && h->next_at <= now)
		t.behind_since = h->next_at > w->at ? h->next_at : w->at;
	return t;
}

void
hosts_each(const struct cert *c,
    void (*each)(const struct host_told *, void *), void *arg)
{
	const struct publication *p;
	const struct host *h;
	time_t now = clock_now();

	LIST_FOREACH(p, &c->publications, link) {
		struct wanted w = wanted_of(p);

		TAILQ_FOREACH(h, &p->hosts, link) {
			struct host_told t;

			if (h->is_forgotten || p->conf == NULL)
				continue;
			t = told_of(h, &w, now);
			each(&t, arg);
		}
	}
}

bool
hosts_are_known(const struct cert *c, const struct conf_repository *conf)
{
	const struct publication *p = publication_find(c, conf);

	return p != NULL && p->repo != NULL && p->repo->is_known;
}

int64_t
publication_awaited_s(const struct publication *p)
{
	struct wanted w = wanted_of(p);
	int64_t s = (int64_t)clock_now() - w.at;
	const struct host *h;

	if (w.serial == NULL || s > AWAITED_S)
		return -1;
	TAILQ_FOREACH(h, &p->hosts, link) {
		if (!h->is_forgotten && (!h->ok || lacks(h, &w)))
			return s > 0 ? s : 0;
	}
	/* The first of all may just be about to come. */
	return !TAILQ_EMPTY(&p->hosts) ? -1 : s > 0 ? s : 0;
}

/* --- counted --- */

struct counting {
	struct hosts_count count;
	time_t		 now;
	int64_t		 after_s;
};

static void
count_one(const struct host_told *t, void *arg)
{
	struct counting *c = arg;
	struct hosts_count *n = &c->count;

	n->known++;
	n->behind += t->is_behind;
	if (t->behind_since == 0 || c->now - t->behind_since < c->after_s)
		return;
	n->late++;
	if (t->not_after != 0 && (n->ends == 0 || t->not_after < n->ends))
		n->ends = t->not_after;
}

/* Of more than one repository, the most patient. */
static int64_t
behind_after(const struct cert *c)
{
	const struct publication *p;
	int64_t s = 0;

	LIST_FOREACH(p, &c->publications, link) {
		if (p->conf != NULL && p->conf->behind_after_s > s)
			s = p->conf->behind_after_s;
	}
	return s;
}

struct hosts_count
hosts_count(const struct cert *c)
{
	struct counting counting = { .now = clock_now() };

	if (LIST_EMPTY(&c->publications))
		return counting.count;
	counting.after_s = behind_after(c);
	hosts_each(c, count_one, &counting);
	return counting.count;
}

char *
host_why(const struct host_told *t)
{
	char at[TEXT_TIME_MAX];

	if (t->is_silent)
		return xasprintf("not heard of since %s%s%s",
		    text_time(t->at, at), t->error[0] != '\0' ? ": " : "",
		    t->error);
	if (t->error[0] != '\0')
		return xstrdup(t->error);
	if (t->serial[0] == '\0')
		return xstrdup("it has no certificate yet");
	if (t->ok)
		return xasprintf("it still serves %s", t->serial);
	return xasprintf("it has %s, and is not done deploying it%s",
	    t->serial, t->behind_since == 0 ? " (deploy_window or freeze)" :
	    "");
}

/* --- told --- */

static json_t *
text_or_null(const char *s)
{
	return s[0] != '\0' ? json_string(s) : json_null();
}

static json_t *
host_json(const struct host_told *t)
{
	char *why = t->is_behind ? host_why(t) : NULL;
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, "
	    "s:o, s:b, s:b, s:o, s:o, s:o, s:o}",
	    "host", t->host, "certificate", t->cert,
	    "repository", t->repository, "serial", text_or_null(t->serial),
	    "sha256", text_or_null(t->sha256),
	    "second", text_or_null(t->second),
	    "not_before", jsonx_time(t->not_before),
	    "not_after", jsonx_time(t->not_after), "ok", (int)t->ok,
	    "since", jsonx_time(t->since), "behind", (int)t->is_behind,
	    "silent", (int)t->is_silent,
	    "behind_since", jsonx_time(t->behind_since),
	    "at", jsonx_time(t->at), "code", text_or_null(t->code),
	    "why", why != NULL ? json_string(why) : json_null());

	free(why);
	return o;
}

static void
add_behind(const struct host_told *t, void *arg)
{
	if (t->is_behind && json_array_size(arg) < LISTED_MAX)
		(void)json_array_append_new(arg, host_json(t));
}

json_t *
hosts_json(const struct cert *c)
{
	struct hosts_count n = hosts_count(c);
	json_t *list;

	if (n.known == 0)
		return json_null();
	list = json_array();
	hosts_each(c, add_behind, list);
	return json_pack("{s:i, s:i, s:i, s:o}", "known", (int)n.known,
	    "behind", (int)n.behind, "late", (int)n.late, "list", list);
}

static void
add_one(const struct host_told *t, void *arg)
{
	(void)json_array_append_new(arg, host_json(t));
}

json_t *
hosts_all_json(const struct cert *c)
{
	json_t *list = json_array();

	hosts_each(c, add_one, list);
	return list;
}

static void
put_metric(const struct certs *certs, FILE *f, const char *name,
    const char *help, bool is_behind)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
	for (size_t i = 0; i < certs->n; i++) {
		struct hosts_count n = hosts_count(certs->list[i]);

		if (n.known != 0)
			fprintf(f, "%s{name=\"%s\"} %zu\n", name,
			    certs->list[i]->row.name, is_behind ? n.behind :
			    n.known);
	}
}

void
hosts_metrics(const struct certs *certs, FILE *f)
{
	put_metric(certs, f, "acmed_hosts", "hosts that say what they serve of "
	    "a certificate published here.", false);
	put_metric(certs, f, "acmed_hosts_behind", "those of them that do not "
	    "serve what is published.", true);
}
