/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_acme.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_dns.h"
#include "tests/unit/pki.h"

#define URL "https://ca.test/"

struct acme {
	struct loop	*loop;
	char		*kid;		/* NULL: none */
	char		*directory;
};

struct acme_op {
	struct acme	*acme;
	enum fake_act	 act;
	size_t		 n, i;		/* order and name of the URL */
	bool		 by_persist;	/* ... of a dns-persist-01 challenge */
	struct fake_order new;		/* a new order's names */
	unsigned char	*csr;
	size_t		 csr_len;
	enum fake_verdict verdict;
	struct error	 err;
	struct timer	 answer;
	union {
		acme_account_cb	*account;
		acme_order_cb	*order;
		acme_authz_cb	*authz;
		acme_cert_cb	*cert;
		acme_cb		*plain;
		acme_renewal_info_cb *info;
	} done;
	void		*arg;
};

struct fake_ca fake_ca;

void
fake_ca_reset(void)
{
	for (size_t n = 0; n < fake_ca.n_orders; n++) {
		struct fake_order *o = &fake_ca.orders[n];

		for (size_t i = 0; i < o->n_names; i++)
			free(o->names[i]);
		free(o->pem[0]);
		free(o->pem[1]);
	}
	memset(&fake_ca, 0, sizeof(fake_ca));
	fake_ca.latency_ms = 2;
	fake_ca.validation_ms = 15;
	fake_ca.issuance_ms = 10;
	fake_ca.lifetime_s = 90 * 86400;
	fake_ca.backdate_s = 3600;
	fake_ca.new_status = ACME_PENDING;
	fake_ca.end_status = ACME_VALID;
}

char *const *
acme_refused(const struct acme *a)
{
	return fake_ca.refused;
}

/* --- certificates --- */

char *
fake_ca_issue(EVP_PKEY *key, const char *const *names, const char *serial,
    bool other_root)
{
	EVP_PKEY *root_key = pki_key();
	struct pki_args root_args = {
		.cn = other_root ? "Other Root" : "Fake Root",
		.key = root_key,
	};
	X509 *chain[2] = { NULL, pki_cert(&root_args) };
	struct pki_args args = {
		.serial = serial,
		.names = names,
		.not_before = clock_now() + fake_ca.shift_s -
		    fake_ca.backdate_s,
		.not_after = clock_now() + fake_ca.shift_s -
		    fake_ca.backdate_s +
		    fake_ca.lifetime_s,
		.key = key,
		.aki = "0102",
		.issuer = chain[1],
		.issuer_key = root_key,
	};
	char *pem;

	chain[0] = pki_cert(&args);
	pem = pki_pem(chain, 2);
	X509_free(chain[0]);
	X509_free(chain[1]);
	EVP_PKEY_free(root_key);
	return pem;
}

static void
issue(struct fake_order *o, size_t n, const unsigned char *csr, size_t len)
{
	X509_REQ *req = d2i_X509_REQ(NULL, &csr, (long)len);
	const char *names[FAKE_NAMES_MAX + 1] = { NULL };
	EVP_PKEY *key;
	char serial[16];

	assert(req != NULL);
	key = X509_REQ_get_pubkey(req);
	assert(key != NULL && X509_REQ_verify(req, key) == 1);
	for (size_t i = 0; i < o->n_names; i++)
		names[i] = o->names[i];
	if (fake_ca.wrong_names)
		names[0] = "wrong.test";
	(void)text_printf(serial, sizeof(serial), "AB%04zX", n + 1);
	o->pem[0] = fake_ca_issue(key, names, serial, false);
	o->pem[1] = fake_ca_issue(key, names, serial, true);
	EVP_PKEY_free(key);
	X509_REQ_free(req);
}

/* --- what the CA does meanwhile --- */

void
fake_ca_value(size_t n, size_t i, char out[ACME_TXT_SIZE])
{
	(void)text_printf(out, ACME_TXT_SIZE, "txt-%zu-%zu", n, i);
}

/* Does a web server that has this directory serve the right file? */
static bool
is_served(size_t n, size_t i)
{
	char path[512], want[64], got[64];
	size_t len;
	FILE *f;

	if (fake_ca.webroot == NULL)
		return false;
	(void)text_printf(path, sizeof(path),
	    "%s/.well-known/acme-challenge/%zu-%zu", fake_ca.webroot, n, i);
	(void)text_printf(want, sizeof(want), "%zu-%zu.thumbprint", n, i);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	len = fread(got, 1, sizeof(got), f);
	(void)fclose(f);
	return len == strlen(want) && memcmp(got, want, len) == 0;
}

/* Look into the DNS now, tell later. */
static bool
is_proved(const struct fake_order *o, size_t n, size_t i, bool by_persist)
{
	char fqdn[DNAME_SIZE + 30], value[ACME_TXT_SIZE];
	const char *base = dname_base(o->names[i]);

	if (by_persist) {
		(void)text_printf(fqdn, sizeof(fqdn),
		    "_validation-persist.%s", base);
		return fake_dns_has(fqdn, fake_ca.persist);
	}
	(void)text_printf(fqdn, sizeof(fqdn), "_acme-challenge.%s", base);
	if (fake_dns.cname_from != NULL &&
	    strcmp(fqdn, fake_dns.cname_from) == 0)
		(void)text_printf(fqdn, sizeof(fqdn), "%s", fake_dns.cname_to);
	fake_ca_value(n, i, value);
	return fake_ca.no_lookup || fake_dns_has(fqdn, value) ||
	    is_served(n, i);
}

static void
judge(struct fake_order *o, size_t i)
{
	if (!o->is_proved[i] || (fake_ca.refused_name != NULL &&
	    strcmp(dname_base(o->names[i]), fake_ca.refused_name) == 0))
		o->authz[i] = o->status = ACME_INVALID;
	else
		o->authz[i] = ACME_VALID;
}

static void
live_on(struct fake_order *o)
{
	size_t valid = 0;

	for (size_t i = 0; i < o->n_names; i++) {
		if (o->authz[i] == ACME_PENDING && o->answered_ms[i] != 0 &&
		    clock_mono_ms() >= o->answered_ms[i] +
		    fake_ca.validation_ms)
			judge(o, i);
		valid += o->authz[i] == ACME_VALID;
	}
	if (o->status == ACME_PENDING && valid == o->n_names)
		o->status = ACME_READY;
	if (o->status == ACME_PROCESSING && o->finalized_ms != 0 &&
	    clock_mono_ms() >= o->finalized_ms + fake_ca.issuance_ms)
		o->status = fake_ca.end_status;
}

/* --- answers --- */

static void
answer_order(struct acme_op *op, size_t n)
{
	struct fake_order *o = &fake_ca.orders[n];
	struct acme_order order = { .status = ACME_PENDING };
	struct error why;

	live_on(o);
	order.status = o->status;
	if (o->finalized_ms != 0 && clock_mono_ms() < o->finalized_ms +
	    fake_ca.goes_back_ms)
		order.status = ACME_READY;
	order.url = xasprintf(URL "order/%zu", n);
	order.finalize_url = xasprintf(URL "finalize/%zu", n);
	if (order.status == ACME_VALID)
		order.cert_url = xasprintf(URL "cert/%zu/0", n);
	order.n_authz = o->n_names;
	order.authz_urls = xcalloc(o->n_names + 1, sizeof(char *));
	for (size_t i = 0; i < o->n_names; i++)
		order.authz_urls[i] = xasprintf(URL "authz/%zu/%zu", n, i);
	if (fake_ca.retry_after_s != 0)
		order.retry_at = clock_now() + fake_ca.retry_after_s;
	if (o->status == ACME_INVALID && fake_ca.order_error != NULL) {
		(void)error_set(&why, ERR_REJECTED, "acme:orderError", "%s",
		    fake_ca.order_error);
		order.error = xmemdup(&why, sizeof(why));
	}
	op->done.order(NULL, &order, op->arg);
	free(order.error);
	for (size_t i = 0; i < o->n_names; i++)
		free(order.authz_urls[i]);
	free(order.authz_urls);
	free(order.url);
	free(order.finalize_url);
	free(order.cert_url);
}

static void
answer_new_order(struct acme_op *op)
{
	size_t n = fake_ca.n_orders++;
	struct fake_order *o = &fake_ca.orders[n];

	assert(n < sizeof(fake_ca.orders) / sizeof(fake_ca.orders[0]));
	*o = op->new;
	op->new.n_names = 0;
	(void)text_printf(o->at, sizeof(o->at), "%s", op->acme->directory);
	o->status = fake_ca.new_status;
	for (size_t i = 0; i < o->n_names; i++)
		o->authz[i] = (fake_ca.valid_name != NULL && strcmp(
		    o->names[i], fake_ca.valid_name) == 0) ||
		    o->status != ACME_PENDING ? ACME_VALID : ACME_PENDING;
	answer_order(op, n);
}

static void
answer_authz(struct acme_op *op)
{
	struct fake_order *o = &fake_ca.orders[op->n];
	char *url = xasprintf(URL "chal/%zu/%zu", op->n, op->i);
	char *token = xasprintf("%zu-%zu", op->n, op->i);
	char *identifier = xstrdup(dname_base(o->names[op->i]));
	char *persist_url = xasprintf(URL "persist/%zu/%zu", op->n, op->i);
	char http01[] = "http-01", dns01[] = "dns-01";
	char persist01[] = "dns-persist-01", issuer[] = "ca.test";
	char *issuers[] = { issuer, NULL };
	const struct acme_challenge all[] = {
		{ .type = http01, .url = url, .token = token },
		{ .type = persist01, .url = persist_url, .issuers = issuers },
		{ .type = dns01, .url = url, .token = token },
	};
	const bool offered[] = { !fake_ca.no_http01, fake_ca.persist != NULL,
	    !fake_ca.no_dns01 };
	struct acme_challenge list[3];
	struct acme_authz a = {
		.identifier = identifier,
		.wildcard = dname_is_wildcard(o->names[op->i]),
		.challenges = list,
	};
	struct error why;

	live_on(o);
	a.status = o->authz[op->i];
	a.expires = fake_ca.authz_s != 0 ? clock_now() + fake_ca.authz_s : 0;
	(void)error_set(&why, ERR_REJECTED, "acme:dns",
	    "no TXT record was right");
	for (size_t k = 0; k < 3; k++) {
		struct acme_challenge *c = &list[a.n_challenges];
		bool is_answered = o->answered_ms[op->i] != 0;
		bool is_meant = is_answered ?
		    o->by_persist[op->i] == (k == 1) : k == 2;

		if (!offered[k])
			continue;
		a.n_challenges++;
		*c = all[k];
		c->status = a.status == ACME_PENDING && is_answered &&
		    is_meant ? ACME_PROCESSING : a.status;
		if (a.status == ACME_INVALID && is_meant)
			c->error = &why;
	}
	op->done.authz(NULL, &a, op->arg);
	free(url);
	free(persist_url);
	free(token);
	free(identifier);
}

static void
answer_challenge(struct acme_op *op)
{
	struct fake_order *o = &fake_ca.orders[op->n];
	struct error err;

	if (o->answered_ms[op->i] != 0) {
		(void)error_set(&err, ERR_REJECTED, "acme:malformed",
		    "the challenge is not pending");
		op->done.plain(&err, op->arg);
		return;
	}
	o->answered_ms[op->i] = clock_mono_ms();
	o->by_persist[op->i] = op->by_persist;
	o->is_proved[op->i] = is_proved(o, op->n, op->i, op->by_persist);
	op->done.plain(NULL, op->arg);
}

static void
answer_finalize(struct acme_op *op)
{
	struct fake_order *o = &fake_ca.orders[op->n];
	struct error err;

	live_on(o);
	if (o->status != ACME_READY) {
		(void)error_set(&err, ERR_REJECTED, "acme:orderNotReady",
		    "the order is %s", acme_status_name(o->status));
		op->done.order(&err, NULL, op->arg);
		return;
	}
	if (fake_ca.lost_finalizes > 0) {
		fake_ca.lost_finalizes--;
		answer_order(op, op->n);
		return;
	}
	issue(o, op->n, op->csr, op->csr_len);
	o->finalized_ms = clock_mono_ms();
	o->status = ACME_PROCESSING;
	answer_order(op, op->n);
}

static void
answer_cert(struct acme_op *op)
{
	struct fake_order *o = &fake_ca.orders[op->n];
	char *alternate = xasprintf(URL "cert/%zu/1", op->n);
	char *list[2] = { fake_ca.has_alternate ? alternate : NULL, NULL };
	struct acme_cert cert = { .alternates = list };
	struct error err;

	if (o->pem[op->i] == NULL) {
		(void)error_set(&err, ERR_REJECTED, "acme:malformed",
		    "there is no such certificate");
		op->done.cert(&err, NULL, op->arg);
	} else {
		cert.pem = o->pem[op->i];
		cert.pem_len = strlen(cert.pem);
		op->done.cert(NULL, &cert, op->arg);
	}
	free(alternate);
}

static void
answer_info(struct acme_op *op)
{
	struct acme_renewal_info info = { .start = fake_ca.ari_start,
	    .end = fake_ca.ari_end };
	struct error err;

	if (!fake_ca.has_ari) {
		(void)error_set(&err, ERR_REJECTED, "acme:no-renewal-info",
		    "the CA offers none");
		op->done.info(&err, NULL, op->arg);
		return;
	}
	info.retry_at = clock_now() + (fake_ca.ari_retry_s != 0 ?
	    fake_ca.ari_retry_s : 6 * 3600);
	(void)text_printf(info.explanation, sizeof(info.explanation), "%s",
	    fake_ca.ari_why != NULL ? fake_ca.ari_why : "");
	op->done.info(NULL, &info, op->arg);
}

static void
answer_account(struct acme_op *op)
{
	struct acme *a = op->acme;

	if (a->kid == NULL) {
		fake_ca.has_lost_account = false;
		if (fake_ca.kid[0] == '\0')
			(void)text_printf(fake_ca.kid, sizeof(fake_ca.kid),
			    URL "acct/%u", ++fake_ca.accounts);
		/* Another CA's is another one. */
		a->kid = strcmp(a->directory, URL "dir") == 0 ?
		    xstrdup(fake_ca.kid) : xasprintf("%s@%s", fake_ca.kid,
		    a->directory);
	}
	op->done.account(NULL, a->kid, op->arg);
}

static void
answer_update(struct acme_op *op)
{
	op->done.plain(NULL, op->arg);
}

static void
answer_revoke(struct acme_op *op)
{
	fake_ca.revoked++;
	(void)text_printf(fake_ca.revoked_at, sizeof(fake_ca.revoked_at), "%s",
	    op->acme->directory);
	op->done.plain(NULL, op->arg);
}

static void
fail_op(struct acme_op *op)
{
	switch (op->act) {
	case FAKE_ACCOUNT:
	case FAKE_FIND:
		op->done.account(&op->err, NULL, op->arg);
		break;
	case FAKE_NEW_ORDER:
	case FAKE_GET_ORDER:
	case FAKE_FINALIZE:
		op->done.order(&op->err, NULL, op->arg);
		break;
	case FAKE_GET_AUTHZ:
		op->done.authz(&op->err, NULL, op->arg);
		break;
	case FAKE_UPDATE:
	case FAKE_CLOCK:
	case FAKE_ANSWER:
	case FAKE_REVOKE:
		op->done.plain(&op->err, op->arg);
		break;
	case FAKE_CERT:
		op->done.cert(&op->err, NULL, op->arg);
		break;
	case FAKE_INFO:
		op->done.info(&op->err, NULL, op->arg);
		break;
	case FAKE_ACT_END:
		abort();
	}
}

static void
ignore_order(const struct error *err, const struct acme_order *order,
    void *arg)
{
}

static void
ignore(const struct error *err, void *arg)
{
}

/* Do what was asked, though the answer says otherwise or is lost. */
static void
act_unseen(struct acme_op *op)
{
	struct acme_op copy = *op;

	if (op->act == FAKE_ANSWER) {
		copy.done.plain = ignore;
		answer_challenge(&copy);
	} else if (op->act == FAKE_FINALIZE) {
		copy.done.order = ignore_order;
		answer_finalize(&copy);
	}
}

static void
answer_find(struct acme_op *op)
{
	op->done.account(NULL, fake_ca.kid, op->arg);
}

static void
answer_cb(void *arg)
{
	static void (*const answers[])(struct acme_op *) = {
		[FAKE_ACCOUNT] = answer_account,
		[FAKE_FIND] = answer_find,
		[FAKE_UPDATE] = answer_update,
		[FAKE_CLOCK] = answer_update,
		[FAKE_NEW_ORDER] = answer_new_order,
		[FAKE_GET_AUTHZ] = answer_authz,
		[FAKE_ANSWER] = answer_challenge,
		[FAKE_FINALIZE] = answer_finalize,
		[FAKE_CERT] = answer_cert,
		[FAKE_INFO] = answer_info,
		[FAKE_REVOKE] = answer_revoke,
	};
	struct acme_op *op = arg;

	if (op->verdict != FAKE_DOES && fake_ca.rules[op->act].acts)
		act_unseen(op);
	if (op->verdict == FAKE_HANGS_ON)
		return;
	if (op->verdict == FAKE_FAILS)
		fail_op(op);
	else if (op->act == FAKE_GET_ORDER)
		answer_order(op, op->n);
	else
		answers[op->act](op);
	acme_cancel(op);
}

/* --- acme.h --- */

static struct acme_op *
start(struct acme *a, enum fake_act act, const char *subject, void *arg)
{
	struct acme_op *op = xcalloc(1, sizeof(*op));

	op->acme = a;
	op->act = act;
	op->arg = arg;
	fake_ca.calls[act]++;
	fake_ca.in_flight++;
	op->verdict = fake_ca.rules_at != NULL && strcmp(fake_ca.rules_at,
	    a->directory) != 0 ? FAKE_DOES : fake_rule_next(
	    &fake_ca.rules[act], subject, &op->err);
	if (op->verdict == FAKE_DOES && act == FAKE_FIND &&
	    (fake_ca.has_lost_account || fake_ca.kid[0] == '\0')) {
		op->verdict = FAKE_FAILS;
		(void)error_set(&op->err, ERR_CONFIG,
		    "acme:accountDoesNotExist", "who are you?");
	} else if (op->verdict == FAKE_DOES && act != FAKE_ACCOUNT &&
	    act != FAKE_FIND && act != FAKE_INFO && act != FAKE_CLOCK) {
		if (a->kid == NULL) {
			op->verdict = FAKE_FAILS;
			(void)error_set(&op->err, ERR_INTERNAL,
			    "acme:no-account", "no account");
		} else if (fake_ca.has_lost_account) {
			op->verdict = FAKE_FAILS;
			(void)error_set(&op->err, ERR_CONFIG,
			    "acme:accountDoesNotExist", "who are you?");
		}
	}
	timer_init(&op->answer, a->loop, answer_cb, op);
	if (op->verdict != FAKE_HANGS_ON || fake_ca.rules[act].acts)
		timer_set(&op->answer, fake_ca.latency_ms);
	return op;
}

static struct acme_op *
start_at(struct acme *a, enum fake_act act, const char *url, void *arg)
{
	struct acme_op *op = start(a, act, url, arg);
	char *end;

	assert(strncmp(url, URL, strlen(URL)) == 0);
	op->by_persist = strncmp(url, URL "persist/",
	    strlen(URL "persist/")) == 0;
	url = strchr(url + strlen(URL), '/');
	assert(url != NULL);
	op->n = strtoul(url + 1, &end, 10);
	if (*end == '/')
		op->i = strtoul(end + 1, NULL, 10);
	assert(op->n < fake_ca.n_orders);
	return op;
}

struct acme *
acme_new(struct loop *loop, struct http *http, const struct acme_args *args)
{
	struct acme *a = xcalloc(1, sizeof(*a));

	assert(args->key != NULL);
	a->loop = loop;
	a->kid = args->kid != NULL ? xstrdup(args->kid) : NULL;
	a->directory = xstrdup(args->directory);
	return a;
}

void
acme_free(struct acme *a)
{
	if (a == NULL)
		return;
	assert(fake_ca.in_flight == 0);
	free(a->kid);
	free(a->directory);
	free(a);
}

void
acme_dns01_value(const struct acme *a, const char *token,
    char out[ACME_TXT_SIZE])
{
	(void)text_printf(out, ACME_TXT_SIZE, "txt-%s", token);
}

void
acme_dns01_value_of(const char *key_authorization, char out[ACME_TXT_SIZE])
{
	(void)text_printf(out, ACME_TXT_SIZE, "txt-%.*s",
	    (int)strcspn(key_authorization, "."), key_authorization);
}

char *
acme_key_authorization(const struct acme *a, const char *token)
{
	return xasprintf("%s.thumbprint", token);
}

struct acme_op *
acme_account_start(struct acme *a, acme_account_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_ACCOUNT, "", arg);

	op->done.account = done;
	return op;
}

struct acme_op *
acme_account_find_start(struct acme *a, acme_account_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_FIND, "", arg);

	op->done.account = done;
	return op;
}

struct acme_op *
acme_account_update_start(struct acme *a, acme_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_UPDATE, "", arg);

	op->done.plain = done;
	return op;
}

/* Of a person, whom these tests have none of. */
struct acme_op *
acme_account_get_start(struct acme *a, acme_object_cb *done, void *arg)
{
	abort();
}

struct acme_op *
acme_account_deactivate_start(struct acme *a, acme_cb *done, void *arg)
{
	abort();
}

struct acme_op *
acme_key_change_start(struct acme *a, EVP_PKEY *new_key, acme_cb *done,
    void *arg)
{
	abort();
}

struct acme_op *
acme_revoke_start(struct acme *a, const void *der, size_t der_len,
    int reason, EVP_PKEY *key, acme_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_REVOKE, "", arg);

	op->done.plain = done;
	return op;
}

struct acme_op *
acme_clock_start(struct acme *a, acme_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_CLOCK, "", arg);

	op->done.plain = done;
	return op;
}

const json_t *
acme_profiles(const struct acme *a)
{
	return NULL;
}

const struct ca_clock *
acme_clock(const struct acme *a)
{
	static struct ca_clock clock;

	clock.date = fake_ca.ahead_s == 0 ? 0 : clock_now() - fake_ca.ahead_s;
	clock.at_ms = clock_boot_ms();
	return &clock;
}

bool
acme_offers_renewal_info(const struct acme *a)
{
	return fake_ca.has_ari;
}

void
acme_account_forget(struct acme *a)
{
	free(a->kid);
	a->kid = NULL;
	fake_ca.kid[0] = '\0';	/* it makes another */
}

struct acme_op *
acme_order_new_start(struct acme *a, const struct acme_order_args *args,
    acme_order_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_NEW_ORDER, args->names[0], arg);

	assert(args->n_names <= FAKE_NAMES_MAX);
	for (size_t i = 0; i < args->n_names; i++)
		op->new.names[i] = xstrdup(args->names[i]);
	op->new.n_names = args->n_names;
	(void)text_printf(op->new.replaces, sizeof(op->new.replaces), "%s",
	    args->replaces != NULL && fake_ca.has_ari ? args->replaces : "");
	op->done.order = done;
	return op;
}

struct acme_op *
acme_order_get_start(struct acme *a, const char *url, acme_order_cb *done,
    void *arg)
{
	struct acme_op *op = start_at(a, FAKE_GET_ORDER, url, arg);

	op->done.order = done;
	return op;
}

struct acme_op *
acme_authz_get_start(struct acme *a, const char *url, acme_authz_cb *done,
    void *arg)
{
	struct acme_op *op = start_at(a, FAKE_GET_AUTHZ, url, arg);

	op->done.authz = done;
	return op;
}

struct acme_op *
acme_challenge_start(struct acme *a, const char *url, acme_cb *done,
    void *arg)
{
	struct acme_op *op = start_at(a, FAKE_ANSWER, url, arg);

	op->done.plain = done;
	return op;
}

struct acme_op *
acme_finalize_start(struct acme *a, const char *url, const void *csr,
    size_t csr_len, const char *order_url, acme_order_cb *done, void *arg)
{
	struct acme_op *op = start_at(a, FAKE_FINALIZE, url, arg);

	op->csr = xmemdup(csr, csr_len);
	op->csr_len = csr_len;
	op->done.order = done;
	return op;
}

struct acme_op *
acme_cert_start(struct acme *a, const char *url, acme_cert_cb *done,
    void *arg)
{
	struct acme_op *op = start_at(a, FAKE_CERT, url, arg);

	op->done.cert = done;
	return op;
}

struct acme_op *
acme_renewal_info_start(struct acme *a, const char *ari_id,
    acme_renewal_info_cb *done, void *arg)
{
	struct acme_op *op = start(a, FAKE_INFO, ari_id, arg);

	op->done.info = done;
	return op;
}

void
acme_cancel(struct acme_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->answer);
	fake_ca.in_flight--;
	for (size_t i = 0; i < op->new.n_names; i++)
		free(op->new.names[i]);
	free(op->csr);
	free(op);
}

unsigned long
acme_requests(const struct acme *a)
{
	unsigned long n = 0;

	for (size_t i = 0; i < FAKE_ACT_END; i++)
		n += fake_ca.calls[i];
	return n;
}
