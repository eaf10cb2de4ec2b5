/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/addrs.h"
#include "daemon/dns/caa.h"
#include "daemon/dns/dnssec.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/persist_look.h"
#include "daemon/dns/zones.h"
#include "daemon/io/loop.h"
#include "daemon/publish/fetch.h"

/* Under way at once, in one preflight. */
enum { CERTS_MAX = 4, CHECKS_MAX = 32, PROBES_MAX = 8 };

static const char *const results[] = {
	[PF_OK] = "ok",
	[PF_WARN] = "warn",
	[PF_FAIL] = "fail",
};
_Static_assert(sizeof(results) / sizeof(results[0]) == PF_RESULT_END,
    "results");

/* --- one check --- */

static void
again_cb(void *arg)
{
	struct pf_check *c = arg;

	c->start(c);
}

struct pf_check *
pf_check_add(struct pf_cert *pc, const struct conf_name *name,
    const char *what, void (*start)(struct pf_check *))
{
	struct pf_check *c = xcalloc(1, sizeof(*c));

	c->pc = pc;
	c->name = name;
	c->what = what;
	c->start = start;
	timer_init(&c->again, pc->pf->env->loop, again_cb, c);
	TAILQ_INSERT_TAIL(&pc->checks, c, link);
	return c;
}

static void
check_free(struct pf_check *c)
{
	struct preflight *pf = c->pc->pf;

	timer_clear(&c->again);
	caa_cancel(c->caa);
	pf_caa_cancel(c->caa_own);
	dnssec_cancel(c->dnssec);
	nscheck_cancel(c->nscheck);
	dns_addrs_cancel(c->addrs);
	pf_page_cancel(c->page);
	pf_alpn_cancel(c->alpn);
	pf_target_cancel(c->target);
	pf_probe_cancel(c->probe);
	fetch_cancel(c->fetch);
	persist_look_cancel(c->look);
	zone_clear(&c->own);
	if (c->is_running) {
		pf->n_checks--;
		pf->n_probes -= c->is_probe;
	}
	TAILQ_REMOVE(&c->pc->checks, c, link);
	free(c->msg);
	free(c->fix);
	free(c->wait);
	free(c->record);
	free(c);
}

void
pf_tell(struct pf_check *c, enum pf_result result, const char *fix,
    const char *fmt, ...)
{
	struct preflight *pf = c->pc->pf;
	va_list ap;

	va_start(ap, fmt);
	c->msg = xvasprintf(fmt, ap);
	va_end(ap);
	if (c->ca != NULL && conf_n_issuers(c->pc->cc) > 1) {
		char *with = xasprintf("account \"%s\": %s",
		    c->ca->account->name, c->msg);

		free(c->msg);
		c->msg = with;
		/* What is wrong there keeps nothing from the first. */
		if (c->ca != c->pc->cas[0] && result == PF_FAIL)
			result = PF_WARN;
	}
	text_clean(c->msg);
	c->fix = fix != NULL ? xstrdup(fix) : NULL;
	if (c->fix != NULL)
		text_clean(c->fix);
	c->result = result;
	c->is_done = true;
	if (c->is_running) {
		c->is_running = false;
		pf->n_checks--;
		pf->n_probes -= c->is_probe;
	}
	timer_set(&pf->work, 0);
}

void
pf_wait(struct pf_check *c, const char *msg)
{
	free(c->wait);
	c->wait = xstrdup(msg);
	text_clean(c->wait);
	timer_set(&c->pc->pf->work, 0);
}

void
pf_random_value(const char *head, char *out, size_t size)
{
	unsigned char random[32];
	char *text;

	arc4random_buf(random, sizeof(random));
	text = text_b64url_encode(random, sizeof(random));
	(void)text_printf(out, size, "%s%s", head, text);
	free(text);
}

static void
check_start(struct pf_check *c)
{
	struct preflight *pf = c->pc->pf;

	c->is_running = true;
	pf->n_checks++;
	pf->n_probes += c->is_probe;
	c->start(c);
}

/* --- one certificate --- */

static void
cert_free(struct pf_cert *pc)
{
	struct pf_check *c;

	while ((c = TAILQ_FIRST(&pc->checks)) != NULL)
		check_free(c);
	pf_dns_clear(pc);
	TAILQ_REMOVE(&pc->pf->running, pc, link);
	pc->pf->n_running--;
	strv_free(pc->records);
	free(pc);
}

/* A name and its wildcard: Boulder refuses the order, other CAs do not. */
static void
plan_covered(struct pf_cert *pc, const struct conf_name *name)
{
	const char *wild = conf_wildcard_over(pc->cc, name->name);
	char *fix;

	if (wild == NULL)
		return;
	fix = xasprintf("leave \"%s\" out of the certificate's names",
	    name->name);
	pf_tell(pf_check_add(pc, name, "names", NULL), PF_WARN, fix,
	    "\"%s\" is covered by \"%s\"; some CAs (Let's Encrypt) refuse both "
	    "in one certificate", name->name, wild);
	free(fix);
}

/* What a name's challenge needs of others. */
static void
plan_name(struct pf_cert *pc, const struct conf_name *name)
{
	plan_covered(pc, name);
	switch (name->challenge) {
	case CHALLENGE_DNS_01:
	case CHALLENGE_DNS_ACCOUNT_01:
	case CHALLENGE_DNS_PERSIST_01:
		if (name->challenge == CHALLENGE_DNS_PERSIST_01)
			pf_persist_plan(pc, name);
		if (name->provider != NULL)
			pf_dns_plan(pc, name);
		pf_caa_plan(pc, name);
		if (name->provider != NULL && pc->pf->has_probe)
			pf_probe_plan(pc, name);
		break;
	case CHALLENGE_HTTP_01:
		pf_http_plan(pc, name);
		/* RFC 8738 leaves CAA to domain names. */
		if (!name_is_address(name->name))
			pf_caa_plan(pc, name);
		break;
	case CHALLENGE_TLS_ALPN_01:
		pf_alpn_plan(pc, name);
		if (!name_is_address(name->name))
			pf_caa_plan(pc, name);
		break;
	case CHALLENGE_TYPE_END:
		break;
	}
}

/* Nothing but the CAA records. */
static void
plan_caa(struct pf_cert *pc)
{
	for (size_t i = 0; pc->reach != NULL && !pf_is_cut_off(pc) &&
	    i < pc->cc->n_names; i++) {
		if (!name_is_address(pc->cc->names[i].name))
			pf_caa_plan(pc, &pc->cc->names[i]);
	}
	pc->is_planned = true;
	timer_set(&pc->pf->work, 0);
}

void
pf_step(struct pf_cert *pc)
{
	if (--pc->pending > 0)
		return;
	if (pc->pf->caa != PREFLIGHT_CAA_HINT) {
		plan_caa(pc);
		return;
	}
	if (!conf_is_issued(pc->cc))
		pf_source_plan(pc);
	pf_csr_plan(pc);
	pf_deploy_plan(pc);
	for (size_t i = 0; pc->reach != NULL && !pf_is_cut_off(pc) &&
	    i < pc->cc->n_names; i++)
		plan_name(pc, &pc->cc->names[i]);
	pc->is_planned = true;
	timer_set(&pc->pf->work, 0);
}

static void
cert_start(struct preflight *pf, const struct conf_cert *cc)
{
	struct pf_cert *pc = xcalloc(1, sizeof(*pc));

	pc->pf = pf;
	pc->cc = cc;
	TAILQ_INIT(&pc->checks);
	TAILQ_INSERT_TAIL(&pf->running, pc, link);
	pf->n_running++;
	pc->pending = 1;
	pc->is_elsewhere = pf_cluster_plan(pc);
	if (conf_is_issued(cc) && !pc->is_elsewhere) {
		pf_ca_start(pc);
		pf_dns_start(pc);
		pf_reach_start(pc);
	}
	pf_step(pc);
}

/* --- telling --- */

static void
tell(struct preflight *pf, json_t *line /* taken */)
{
	if (line == NULL)		/* a text that is not UTF-8 */
		return;
	pf->is_telling = true;
	pf->line(line, pf->arg);
	pf->is_telling = false;
	json_decref(line);
}

static void
tell_check(struct preflight *pf, const struct pf_check *c,
    const char *result, const char *msg)
{
	/* A hint of the first name; what the others need looks the same. */
	bool is_hint = c->is_done && c->result == PF_OK && c->fix != NULL;
	bool is_again = is_hint && c->pc->hint_is_told;
	json_t *line;

	c->pc->hint_is_told |= is_hint;
	line = json_pack("{s:I, s:s, s:s?, s:s, s:s, s:s, s:s?}",
	    "at", (json_int_t)clock_now(), "cert", c->pc->cc->name,
	    "name", c->name != NULL ? c->name->name : NULL,
	    "check", c->what, "result", result, "msg", msg,
	    "fix", is_again ? NULL : c->fix);
	if (line != NULL && c->record != NULL)
		(void)json_object_set_new(line, "record",
		    json_string(c->record));
	tell(pf, line);
}

static void
tell_end(struct preflight *pf, const struct pf_cert *pc)
{
	tell(pf, json_pack("{s:I, s:s, s:b, s:b, s:i, s:i}",
	    "at", (json_int_t)clock_now(), "cert", pc->cc->name,
	    "end", 1, "ok", pc->n_results[PF_FAIL] == 0,
	    "warnings", (int)pc->n_results[PF_WARN],
	    "failures", (int)pc->n_results[PF_FAIL]));
}

/* What is known and next in order.  False if line has cancelled. */
static bool
tell_all(struct preflight *pf)
{
	struct pf_cert *pc;
	struct pf_check *c;

	while ((pc = TAILQ_FIRST(&pf->running)) != NULL) {
		while ((c = TAILQ_FIRST(&pc->checks)) != NULL && c->is_done) {
			pc->n_results[c->result]++;
			tell_check(pf, c, results[c->result], c->msg);
			if (pf->is_cancelled)
				return false;
			check_free(c);
		}
		if (c != NULL && c->wait != NULL) {
			tell_check(pf, c, "wait", c->wait);
			free(c->wait);
			c->wait = NULL;
			return !pf->is_cancelled;
		}
		if (c != NULL || !pc->is_planned)
			return true;
		tell_end(pf, pc);
		if (pf->is_cancelled)
			return false;
		cert_free(pc);
	}
	return true;
}

static void
start_checks(struct preflight *pf)
{
	struct pf_cert *pc;
	struct pf_check *c;

	TAILQ_FOREACH(pc, &pf->running, link) {
		TAILQ_FOREACH(c, &pc->checks, link) {
			if (c->start == NULL || c->is_running || c->is_done ||
			    pf->n_checks >= CHECKS_MAX ||
			    (c->is_probe && pf->n_probes >= PROBES_MAX))
				continue;
			check_start(c);
		}
	}
}

static void
pf_free(struct preflight *pf)
{
	struct pf_cert *pc;
	struct pf_ca *ca;
	struct pf_reach *r;

	timer_clear(&pf->work);
	while ((pc = TAILQ_FIRST(&pf->running)) != NULL)
		cert_free(pc);
	while ((ca = TAILQ_FIRST(&pf->cas)) != NULL)
		pf_ca_free(ca);
	while ((r = TAILQ_FIRST(&pf->reaches)) != NULL)
		pf_reach_free(r);
	TAILQ_REMOVE(&pf->all->list, pf, link);
	conf_unref(pf->conf);
	free(pf->certs);
	free(pf);
}

static void
finish(struct preflight *pf, const struct error *err)
{
	pf->done(err, pf->arg);
	pf_free(pf);
}

static void
work_cb(void *arg)
{
	struct preflight *pf = arg;

	if (pf->err.kind != ERR_NONE) {
		finish(pf, &pf->err);
		return;
	}
	if (!tell_all(pf)) {
		pf_free(pf);
		return;
	}
	while (pf->n_running < CERTS_MAX && pf->next_cert < pf->n_certs)
		cert_start(pf, pf->certs[pf->next_cert++]);
	start_checks(pf);
	if (pf->n_running == 0)
		finish(pf, NULL);
}

void
preflight_cancel(struct preflight *pf)
{
	if (pf == NULL)
		return;
	if (pf->is_telling)
		pf->is_cancelled = true;	/* work_cb() frees it */
	else
		pf_free(pf);
}

void
preflights_stop(struct preflights *all)
{
	struct preflight *pf;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping");
	all->is_stopping = true;
	while ((pf = TAILQ_FIRST(&all->list)) != NULL)
		finish(pf, &err);
}

struct preflight *
preflight_start(struct preflights *all, const struct preflight_args *a,
    preflight_line_cb *line, preflight_done_cb *done, void *arg)
{
	struct preflight *pf = xcalloc(1, sizeof(*pf));

	pf->all = all;
	pf->env = all->env;
	pf->conf = conf_ref(a->conf != NULL ? a->conf :
	    all->env->certs->conf);
	pf->has_probe = a->has_probe;
	pf->caa = a->caa;
	pf->line = line;
	pf->done = done;
	pf->arg = arg;
	TAILQ_INIT(&pf->cas);
	TAILQ_INIT(&pf->reaches);
	TAILQ_INIT(&pf->running);
	TAILQ_INSERT_TAIL(&all->list, pf, link);
	timer_init(&pf->work, all->env->loop, work_cb, pf);
	timer_set(&pf->work, 0);
	pf->n_certs = a->n_names > 0 ? a->n_names : pf->conf->n_certs;
	pf->certs = xcalloc(pf->n_certs + 1, sizeof(const struct conf_cert *));
	for (size_t i = 0; i < pf->n_certs; i++) {
		pf->certs[i] = a->n_names == 0 ? pf->conf->certs[i] :
		    conf_find_cert(pf->conf, a->names[i]);
		if (pf->certs[i] == NULL)
			(void)error_set(&pf->err, ERR_CONFIG,
			    "engine:unknown-cert", "there is no certificate "
			    "\"%s\" in the configuration", a->names[i]);
	}
	if (all->is_stopping)
		(void)error_set(&pf->err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
	return pf;
}

struct preflights *
preflights_new(const struct preflight_env *env)
{
	struct preflights *all = xcalloc(1, sizeof(*all));

	all->env = env;
	TAILQ_INIT(&all->list);
	return all;
}

void
preflights_free(struct preflights *all)
{
	if (all == NULL)
		return;
	preflights_stop(all);
	free(all);
}
