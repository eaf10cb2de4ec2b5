/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/verify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/verify_text.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/io/tls.h"
#include "daemon/io/tls_cert.h"
#include "daemon/store/bundle.h"
#include "daemon/store/keys.h"

#define ASK_MS		10000		/* for each connection and name */
#define ASK_LEAST_MS	2000		/* ... also when time is nearly up */
#define AT_ONCE		8		/* connections */
#define PAUSE_FIRST_MS	100
#define PATIENT_MS	2000
#define PAUSE_MAX_MS	5000
#define PEM_MAX		(256 * 1024)
#define TOLD_MAX	3		/* failures in one error */

struct entry {
	struct verify_op *op;
	const struct conf_verify *v;
	struct addresses_op *ask;
	bool		 is_known;	/* its addresses are */
	struct error	 err;		/* ... or why they are not */
};

/* A certificate that is to be served. */
struct want {
	struct cert_info info;
	enum tls_key	 key;
	bool		 is_trusted;	/* its chain, by this system */
};

/* One address of one entry, asked for one certificate. */
struct spot {
	struct verify_op *op;
	const struct entry *entry;
	const struct want *want;
	struct dns_server where;
	struct slot	*slot;
	struct tls_op	*ask;
	bool		 is_asked;	/* in this round */
	bool		 is_told;	/* that it is not right yet */
	bool		 any_key;	/* it has none of the new one's type */
	bool		 is_right;
	bool		 is_unroutable;
	time_t		 not_before, not_after;	/* of what it served the last
						   time; 0: nothing */
	struct error	 err;		/* of the last time */
};

struct verify_op {
	struct deploy_args a;
	struct want	 wants[2];	/* of a pair both, if servers are to
					   have both: a client that knows one
					   kind of key only gets that */
	size_t		 n_wants;
	bool		 is_trust_told;
	int64_t		 end_ms;	/* monotonic */
	int64_t		 pause_ms;
	int64_t		 patient_ms;	/* till then an old one is not told */
	struct entry	*entries;
	size_t		 n_entries;
	struct spot	*spots[20 * ADDRESSES_MAX * 2];
	size_t		 n_spots;
	unsigned	 in_flight;
	struct timer	 turn;		/* the next round */
	deploy_done_cb	*done;
	void		*arg;
};

static void	round_go(struct verify_op *);

static void
verify_cancel(void *arg)
{
	struct verify_op *op = arg;

	if (op == NULL)
		return;
	for (size_t i = 0; i < op->n_entries; i++)
		addresses_cancel(op->entries[i].ask);
	for (size_t i = 0; i < op->n_spots; i++) {
		tls_cancel(op->spots[i]->ask);
		slot_give(op->spots[i]->slot);
		free(op->spots[i]);
	}
	timer_clear(&op->turn);
	for (size_t i = 0; i < op->n_wants; i++)
		cert_info_clear(&op->wants[i].info);
	free(op->entries);
	free(op);
}

static void
finish(struct verify_op *op, const struct error *err)
{
	op->done(err, op->arg);
	verify_cancel(op);
}

static void
say(const struct verify_op *op, const char *text)
{
	if (op->a.line != NULL)
		op->a.line(text, op->arg);
}

/* --- the end of a round --- */

/* Is every address right, or out of our reach beside one that is? */
static bool
entry_is_right(const struct verify_op *op, const struct entry *e)
{
	unsigned right = 0;

	if (!e->is_known)
		return false;
	for (size_t i = 0; i < op->n_spots; i++) {
		const struct spot *s = op->spots[i];

		if (s->entry != e)
			continue;
		if (s->is_right)
			right++;
		else if (!s->is_unroutable)
			return false;
	}
	return right > 0;
}

/* Which failure says most: an old certificate, then any other. */
static int
weight(const struct error *err)
{
	if (strcmp(err->code, VERIFY_ERR_OLD) == 0)
		return 3;
	if (strcmp(err->code, VERIFY_ERR_OTHER) == 0)
		return 2;
	return strcmp(err->code, VERIFY_ERR_CHAIN) == 0;
}

static void
add_failure(struct error *all, const struct error *err, unsigned n)
{
	char msg[sizeof(all->msg)];

	if (n == 0) {
		*all = *err;
		return;
	}
	if (weight(err) > weight(all))
		(void)text_printf(all->code, sizeof(all->code), "%s",
		    err->code);
	if (n >= TOLD_MAX)
		return;
	(void)text_printf(msg, sizeof(msg), "%s; %s", all->msg, err->msg);
	memcpy(all->msg, msg, sizeof(msg));
}

/* What is served until when, where it is not (only) the new one. */
static void
tell_seen(const struct verify_op *op)
{
	const struct spot *first = NULL;
	bool is_all = true;

	for (size_t i = 0; i < op->n_entries; i++)
		is_all = is_all && op->entries[i].is_known;
	for (size_t i = 0; i < op->n_spots; i++) {
		const struct spot *s = op->spots[i];

		if (s->not_after == 0)
			is_all = is_all && s->is_unroutable;
		else if (first == NULL || s->not_after < first->not_after)
			first = s;
	}
	if (first != NULL && op->a.seen != NULL)
		op->a.seen(first->not_before, first->not_after, is_all,
		    op->arg);
}

static void
fail(struct verify_op *op)
{
	struct error all = { .kind = ERR_TRANSIENT };
	unsigned n = 0;

	for (size_t i = 0; i < op->n_entries; i++) {
		const struct entry *e = &op->entries[i];

		if (entry_is_right(op, e))
			continue;
		if (!e->is_known)
			add_failure(&all, &e->err, n++);
		for (size_t j = 0; j < op->n_spots; j++) {
			const struct spot *s = op->spots[j];

			if (s->entry == e && !s->is_right)
				add_failure(&all, &s->err, n++);
		}
	}
	if (n > TOLD_MAX) {
		size_t len = strlen(all.msg);

		(void)text_printf(all.msg + len, sizeof(all.msg) - len,
		    "; and %u more", n - TOLD_MAX);
	}
	tell_seen(op);
	finish(op, &all);
}

static void
round_end(struct verify_op *op)
{
	bool all = true, hopeless = false;

	for (size_t i = 0; i < op->n_entries; i++)
		all = all && entry_is_right(op, &op->entries[i]);
	for (size_t i = 0; i < op->n_spots; i++)
		hopeless = hopeless || (!op->spots[i]->is_right &&
		    op->spots[i]->err.kind == ERR_CONFIG);
	if (all) {
		finish(op, NULL);
	} else if (hopeless ||
	    clock_mono_ms() + op->pause_ms >= op->end_ms) {
		fail(op);
	} else {
		timer_set(&op->turn, op->pause_ms);
		op->pause_ms += op->pause_ms / 2;
		if (op->pause_ms > PAUSE_MAX_MS)
			op->pause_ms = PAUSE_MAX_MS;
	}
}

/* --- one address --- */

static unsigned
ask_ms(const struct verify_op *op)
{
	int64_t left = op->end_ms - clock_mono_ms();

	return left > ASK_MS ? ASK_MS : left < ASK_LEAST_MS ? ASK_LEAST_MS :
	    (unsigned)left;
}

static void
spot_right(struct spot *s, const char *label)
{
	char text[VERIFY_LABEL_MAX + 96];

	s->is_right = true;
	(void)text_printf(text, sizeof(text), "%s serves the new certificate"
	    "%s%s", label, s->op->n_wants > 1 ? " with the key " : "",
	    s->op->n_wants > 1 ? key_type_name(s->want->info.key) : "");
	say(s->op, text);
}

/* A chain that this system does not trust, for the reason that it is not a
 * public one. */
static void
tell_trust(struct verify_op *op, const struct tls_reply *r)
{
	char text[256];

	if (op->is_trust_told)
		return;
	op->is_trust_told = true;
	(void)text_printf(text, sizeof(text), "the CA is not one that this "
	    "system trusts, so the chain is not checked (%s); ca_file= names "
	    "its root", r->why_not);
	say(op, text);
}

/* A server that has but the other one of a pair shows that to whoever takes
 * it. */
static void
judge_other(struct spot *s, const struct tls_reply *r, const char *label)
{
	const struct verify_op *op = s->op;
	const char *key = key_type_name(s->want->info.key);

	for (size_t i = 0; i < op->n_wants; i++) {
		if (strcmp(r->sha256, op->wants[i].info.sha256) != 0)
			continue;
		(void)error_set(&s->err, ERR_TRANSIENT, VERIFY_ERR_OTHER,
		    "%s serves the new certificate with the key %s, but not "
		    "that with %s; does the server read %s/%s as well?",
		    label, key_type_name(op->wants[i].info.key), key,
		    op->a.live_dir, i == 0 ? key_type_family(
		    s->want->info.key) : "fullchain.pem");
		return;
	}
	(void)verify_wrong(&op->a, r, label, &s->err);
}

static void
judge(struct spot *s, const struct tls_reply *r, const char *label)
{
	struct verify_op *op = s->op;

	if (strcmp(r->sha256, s->want->info.sha256) != 0) {
		judge_other(s, r, label);
	} else if (!r->is_trusted && (s->entry->v->ca_file != NULL ||
	    s->want->is_trusted)) {
		(void)error_set(&s->err, ERR_TRANSIENT, VERIFY_ERR_CHAIN,
		    "%s serves the new certificate, but its chain does not "
		    "verify: %s; does the server have fullchain.pem?", label,
		    r->why_not);
	} else {
		if (!r->is_trusted)
			tell_trust(op, r);
		spot_right(s, label);
	}
}

static void	spot_ask(struct spot *);

static void
spot_done(const struct error *err, const struct tls_reply *r, void *arg)
{
	struct spot *s = arg;
	struct verify_op *op = s->op;
	char label[VERIFY_LABEL_MAX];

	s->ask = NULL;
	slot_give(s->slot);
	s->slot = NULL;
	op->in_flight--;
	(void)verify_label(s->entry->v, s->where.text, label);
	if (err != NULL && strcmp(err->code, "tls:no-shared") == 0 &&
	    s->want->key != TLS_KEY_ANY && !s->any_key) {
		/* None of the new one's type: see what it has. */
		s->any_key = true;
		spot_ask(s);
		return;
	}
	s->not_before = err == NULL ? r->not_before : 0;
	s->not_after = err == NULL ? r->not_after : 0;
	if (err == NULL) {
		judge(s, r, label);
	} else {
		s->is_unroutable = strcmp(err->code, "tls:unroutable") == 0;
		s->err = *err;
		verify_advise(&op->a, &s->err);
		(void)text_printf(s->err.code, sizeof(s->err.code), "%s",
		    VERIFY_ERR);
		(void)error_wrap(&s->err, "%s", label);
	}
	/* A server needs a moment after its reload. */
	if (!s->is_right && !s->is_told && (clock_mono_ms() > op->patient_ms ||
	    strcmp(s->err.code, VERIFY_ERR_OLD) != 0)) {
		s->is_told = true;
		say(op, s->err.msg);
	}
	round_go(op);
}

/* The name to ask for, where the entry says nothing. */
static const char *
first_name(const struct conf_cert *cert)
{
	for (size_t i = 0; i < cert->n_names; i++) {
		if (!dname_is_wildcard(cert->names[i].name))
			return cert->names[i].name;
	}
	return NULL;
}

static void
slot_taken(void *arg)
{
	struct spot *s = arg;
	struct verify_op *op = s->op;
	const struct conf_verify *v = s->entry->v;
	struct tls_args a = {
		.addr = (const struct sockaddr *)&s->where.ss,
		.addr_len = s->where.ss_len,
		.sni = v->has_sni ? v->sni : first_name(op->a.cert),
		.starttls = v->starttls,
		.key = s->any_key ? TLS_KEY_ANY : s->want->key,
		.ca_file = v->ca_file,
		.timeout_ms = ask_ms(op),
	};

	s->ask = tls_start(op->a.env->loop, &a, spot_done, s);
}

static void
spot_ask(struct spot *s)
{
	s->is_asked = true;
	s->op->in_flight++;
	s->slot = slot_take(s->op->a.env->asking, slot_taken, s);
}

/* --- a round --- */

/* Ask those that are left; at the end of the round judge all. */
static void
round_go(struct verify_op *op)
{
	for (size_t i = 0; i < op->n_entries; i++) {
		if (op->entries[i].ask != NULL)
			return;
	}
	for (size_t i = 0; i < op->n_spots && op->in_flight < AT_ONCE; i++) {
		if (!op->spots[i]->is_asked && !op->spots[i]->is_right)
			spot_ask(op->spots[i]);
	}
	if (op->in_flight == 0)
		round_end(op);
}

static void
known(const struct error *err, const struct dns_server *list, size_t n,
    void *arg)
{
	struct entry *e = arg;
	struct verify_op *op = e->op;
	uint16_t port = e->v->connect_port != 0 ? e->v->connect_port :
	    e->v->port;
	char label[VERIFY_LABEL_MAX];

	e->ask = NULL;
	if (err != NULL) {
		e->err = *err;
		(void)text_printf(e->err.code, sizeof(e->err.code), "%s",
		    VERIFY_ERR);
		(void)error_wrap(&e->err, "%s",
		    verify_label(e->v, NULL, label));
	} else {
		e->is_known = true;
	}
	for (size_t i = 0; err == NULL && i < n * op->n_wants &&
	    op->n_spots < sizeof(op->spots) / sizeof(op->spots[0]); i++) {
		struct spot *s = xcalloc(1, sizeof(*s));

		s->op = op;
		s->entry = e;
		s->want = &op->wants[i % op->n_wants];
		s->where = list[i / op->n_wants];
		addresses_set_port(&s->where, port);
		op->spots[op->n_spots++] = s;
	}
	round_go(op);
}

static void
round_cb(void *arg)
{
	struct verify_op *op = arg;
	bool asking = false;

	for (size_t i = 0; i < op->n_spots; i++) {
		op->spots[i]->is_asked = false;
		op->spots[i]->any_key = false;
	}
	for (size_t i = 0; i < op->n_entries; i++) {
		struct entry *e = &op->entries[i];

		if (e->is_known)
			continue;
		asking = true;
		e->ask = addresses_start(op->a.env->dns,
		    e->v->connect != NULL ? e->v->connect : e->v->host,
		    ask_ms(op), known, e);
	}
	if (!asking)
		round_go(op);
}

/* --- */

static enum tls_key
key_of(enum key_type type)
{
	switch (type) {
	case KEY_EC256:
	case KEY_EC384:
		return TLS_KEY_EC;
	case KEY_RSA2048:
	case KEY_RSA3072:
	case KEY_RSA4096:
		return TLS_KEY_RSA;
	case KEY_TYPE_END:
		break;
	}
	return TLS_KEY_ANY;
}

static int
read_want(struct verify_op *op, const char *dir, struct error *err)
{
	char *path = xasprintf("%s/fullchain.pem", dir), *pem;
	struct want *w = &op->wants[op->n_wants];
	size_t len;
	int rc = file_read(AT_FDCWD, path, PEM_MAX, &pem, &len, err);

	if (rc == 0) {
		rc = cert_info_read(pem, len, &w->info, err);
		w->key = key_of(w->info.key);
		w->is_trusted = rc == 0 && tls_is_trusted_here(pem, len);
		free(pem);
	}
	free(path);
	if (rc == 0)
		op->n_wants++;
	else
		(void)text_printf(err->code, sizeof(err->code), "%s",
		    VERIFY_ERR);
	return rc;
}

static bool
has_file_of(const struct conf_install *list, size_t n, const char *family)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].family != NULL &&
		    strcmp(list[i].family, family) == 0)
			return true;
	}
	return false;
}

/*
 * Is the second of a pair brought to the servers?  Not by what uploads one
 * certificate; of files, if one is made of it; by a reload, which makes them
 * read live/NAME, and all of it.
 */
static bool
brings_second(const struct conf_deploy *d, const char *family)
{
	size_t n_ssh = d->ssh != NULL ? d->ssh->n_files : 0;
	size_t n_docker = d->docker != NULL ? d->docker->n_files : 0;

	if (d->cloud != NULL || d->recipe != NULL || d->kubernetes != NULL ||
	    d->haproxy != NULL)
		return false;
	if (d->n_installs + n_ssh + n_docker == 0)
		return true;
	return has_file_of(d->installs, d->n_installs, family) ||
	    (d->ssh != NULL && has_file_of(d->ssh->files, n_ssh, family)) ||
	    (d->docker != NULL && has_file_of(d->docker->files, n_docker,
	    family));
}

/* What is to be served. */
static int
read_version(struct verify_op *op, struct error *err)
{
	const char *second = bundle_second(op->a.version_dir);
	char *dir;
	int rc = read_want(op, op->a.version_dir, err);

	if (rc == -1 || second == NULL ||
	    !brings_second(op->a.target, second))
		return rc;
	dir = xasprintf("%s/%s", op->a.version_dir, second);
	rc = read_want(op, dir, err);
	free(dir);
	return rc;
}

/* The name that this asks for, if it is one that the certificate was issued
 * without; or NULL. */
static const char *
missing_name(const struct verify_op *op, const struct conf_verify *v)
{
	const struct conf_cert *cc = op->a.wanted;

	for (unsigned i = 0; cc != NULL && i < cc->n_names; i++) {
		const char *name = cc->names[i].name;

		if (strcasecmp(name, v->has_sni && v->sni != NULL ? v->sni :
		    v->host) == 0 && !cert_info_serves(
		    &op->wants[0].info, &name, 1))
			return name;
	}
	return NULL;
}

/* Who is asked for such a name need not have this certificate. */
static void
drop_missing(struct verify_op *op)
{
	size_t n = 0;

	for (size_t i = 0; i < op->n_entries; i++) {
		const char *name = missing_name(op, op->entries[i].v);
		char text[VERIFY_LABEL_MAX + DNAME_SIZE + 64];
		char label[VERIFY_LABEL_MAX];

		if (name == NULL) {
			op->entries[n++] = op->entries[i];
			continue;
		}
		(void)text_printf(text, sizeof(text), "%s is not asked: the "
		    "certificate lacks %s", verify_label(op->entries[i].v,
		    NULL, label), name);
		say(op, text);
	}
	op->n_entries = n;
}

static void
begin_cb(void *arg)
{
	struct verify_op *op = arg;
	struct error err;

	if (read_version(op, &err) == -1) {
		finish(op, &err);
		return;
	}
	drop_missing(op);
	if (op->n_entries == 0) {
		finish(op, NULL);
		return;
	}
	timer_init(&op->turn, op->a.env->loop, round_cb, op);
	round_cb(op);
}

static void *
verify_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct verify_op *op = xcalloc(1, sizeof(*op));
	const struct conf_deploy *d = a->target;

	op->a = *a;
	op->done = done;
	op->arg = arg;
	op->n_entries = d->n_verify;
	op->entries = xcalloc(d->n_verify, sizeof(*op->entries));
	for (size_t i = 0; i < d->n_verify; i++) {
		op->entries[i].op = op;
		op->entries[i].v = &d->verify[i];
	}
	op->pause_ms = PAUSE_FIRST_MS;
	op->patient_ms = clock_mono_ms() + PATIENT_MS;
	op->end_ms = clock_mono_ms() + (int64_t)d->verify_timeout_s * 1000;
	timer_init(&op->turn, a->env->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

static bool
verify_is_wanted(const struct deploy_args *a)
{
	return a->target->n_verify > 0;
}

const struct deploy_kind deploy_verify = {
	.name = "verify",
	.is_wanted = verify_is_wanted,
	.start = verify_start,
	.cancel = verify_cancel,
	.is_wait = true,
	.start_checks = true,
};
