/* SPDX-License-Identifier: MIT */
#include "daemon/dns/persist_look.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/txtget.h"
#include "daemon/dns/zone.h"

#define ZONE_TIMEOUT_MS 30000
#define ASK_TIMEOUT_MS 4000

struct persist_look_op {
	struct dns	*dns;
	struct persist_want want;
	char		**issuers;	/* NULL: any */
	char		*account;
	struct zone	 zone;
	struct zone_op	*zone_op;
	struct txtget_op *get;
	persist_look_done_cb *done;
	void		*arg;
};

void
persist_look_cancel(struct persist_look_op *op)
{
	if (op == NULL)
		return;
	zone_cancel(op->zone_op);
	txtget_cancel(op->get);
	zone_clear(&op->zone);
	strv_free(op->issuers);
	free(op->account);
	free(op);
}

static void
fail(struct persist_look_op *op, const struct error *err)
{
	struct error copy = *err;

	op->done(&copy, NULL, op->arg);
	persist_look_cancel(op);
}

/* Each value once; how many. */
static size_t
collect(const struct txtget_reply *got, const char **values)
{
	size_t n = 0;

	for (size_t i = 0; i < got->n_sets; i++) {
		const struct txtget_set *s = &got->sets[i];

		for (size_t k = 0; k < s->n_values; k++) {
			size_t j = 0;

			while (j < n && strcmp(values[j], s->values[k]) != 0)
				j++;
			if (j == n)
				values[n++] = s->values[k];
		}
	}
	return n;
}

/* The worst of them; which ends first, if all are right. */
static void
judge_all(struct persist_look_op *op, const struct txtget_reply *got,
    struct persist_verdict *worst)
{
	const char *where = "";
	bool differs = false;

	for (size_t i = 0; i < got->n_sets; i++) {
		const struct txtget_set *s = &got->sets[i];
		struct persist_verdict v;
		bool is_worse;

		persist_judge(s->values, s->n_values, &op->want, &v);
		is_worse = i == 0 || v.match < worst->match ||
		    (v.match == worst->match && v.until != 0 &&
		    (worst->until == 0 || v.until < worst->until));
		differs = differs || (i > 0 && v.match != worst->match);
		if (is_worse) {
			*worst = v;
			where = s->server;
		}
	}
	if (differs) {
		size_t len = strlen(worst->why);

		(void)text_printf(worst->why + len, sizeof(worst->why) - len,
		    " at %s", where);
	}
}

static void
got_values(const struct error *err, const struct txtget_reply *got, void *arg)
{
	struct persist_look_op *op = arg;
	struct persist_look_reply reply = { .zone = &op->zone };
	const char **values;
	size_t n = 0;

	op->get = NULL;
	if (err != NULL) {
		fail(op, err);
		return;
	}
	for (size_t i = 0; i < got->n_sets; i++)
		n += got->sets[i].n_values;
	values = xcalloc(n + 1, sizeof(*values));
	reply.n_values = collect(got, values);
	reply.values = values;
	memcpy(reply.note, got->note, sizeof(reply.note));
	judge_all(op, got, &reply.verdict);
	op->done(NULL, &reply, op->arg);
	free(values);
	persist_look_cancel(op);
}

static void
found_zone(const struct error *err, const struct zone *zone, void *arg)
{
	struct persist_look_op *op = arg;

	op->zone_op = NULL;
	if (err != NULL) {
		fail(op, err);
		return;
	}
	zone_copy(&op->zone, zone);
	op->get = txtget_start(op->dns, &op->zone, ASK_TIMEOUT_MS,
	    got_values, op);
}

struct persist_look_op *
persist_look_start(struct dns *dns, const char *name,
    const struct persist_want *want, persist_look_done_cb *done, void *arg)
{
	struct persist_look_op *op = xcalloc(1, sizeof(*op));
	char fqdn[PERSIST_FQDN_SIZE];

	op->dns = dns;
	op->issuers = strv_copy(want->issuers);
	op->account = xstrdup(want->account);
	op->want = *want;
	op->want.issuers = (const char *const *)op->issuers;
	op->want.account = op->account;
	op->want.wildcard = want->wildcard || dname_is_wildcard(name);
	op->done = done;
	op->arg = arg;
	persist_fqdn(name, fqdn);
	op->zone_op = zone_start(dns, fqdn, ZONE_TIMEOUT_MS, found_zone, op);
	return op;
}
