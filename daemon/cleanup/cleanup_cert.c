/* SPDX-License-Identifier: MIT */
/* The rows of one certificate among those of 100,000. */
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/cleanup/cleanup_priv.h"

struct owner {
	char		*cert;
	struct txtrecs	 recs;
};

static int
by_cert(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return strcmp(x->cert, y->cert);
}

static struct owner *
find(const struct cleanup *c, const char *cert)
{
	struct owner key = { .cert = (char *)(uintptr_t)cert };
	struct owner **at = tfind(&key, &c->owners, by_cert);

	return at != NULL ? *at : NULL;
}

struct txtrec *
txtrec_first(const struct cleanup *c, const char *cert)
{
	struct owner *o = find(c, cert);

	return o != NULL ? TAILQ_FIRST(&o->recs) : NULL;
}

struct txtrec *
txtrec_new(struct cleanup *c, const char *cert)
{
	struct txtrec *t = xcalloc(1, sizeof(*t));
	struct owner *o = find(c, cert);

	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		o->cert = xstrdup(cert);
		TAILQ_INIT(&o->recs);
		if (tsearch(o, &c->owners, by_cert) == NULL)
			abort();
	}
	t->cleanup = c;
	t->owner = o;
	(void)text_printf(t->row.cert, sizeof(t->row.cert), "%s", cert);
	TAILQ_INSERT_TAIL(&c->recs, t, link);
	TAILQ_INSERT_TAIL(&o->recs, t, of_cert);
	c->n_recs++;
	return t;
}

void
txtrec_unlink(struct txtrec *t)
{
	struct cleanup *c = t->cleanup;
	struct owner *o = t->owner;

	TAILQ_REMOVE(&c->recs, t, link);
	TAILQ_REMOVE(&o->recs, t, of_cert);
	c->n_recs--;
	if (!TAILQ_EMPTY(&o->recs))
		return;
	(void)tdelete(o, &c->owners, by_cert);
	free(o->cert);
	free(o);
}

bool
cleanup_has(const struct cleanup *c, const char *cert)
{
	const struct txtrec *t = txtrec_first(c, cert);

	while (t != NULL && txtrec_is_of_probe(t))
		t = TAILQ_NEXT(t, of_cert);
	return t != NULL;
}

bool
cleanup_is_busy(const struct cleanup *c, const char *cert)
{
	const struct txtrec *t;

	for (t = txtrec_first(c, cert); t != NULL; t = TAILQ_NEXT(t, of_cert)) {
		if (t->in_use || t->removal != NULL)
			return true;
	}
	return false;
}

void
cleanup_each(const struct cleanup *c, const char *cert,
    void (*each)(const struct store_txt *, void *), void *arg)
{
	const struct txtrec *t;

	for (t = txtrec_first(c, cert); t != NULL; t = TAILQ_NEXT(t, of_cert)) {
		if (!txtrec_is_of_probe(t))
			each(&t->row, arg);
	}
}

void
cleanup_adopt(struct cleanup *c, const struct store_txt *row)
{
	struct txtrec *t;

	for (t = txtrec_first(c, row->cert); t != NULL;
	    t = TAILQ_NEXT(t, of_cert)) {
		if (!txtrec_is_of_probe(t) &&
		    strcmp(t->row.provider, row->provider) == 0 &&
		    strcmp(t->row.fqdn, row->fqdn) == 0 &&
		    strcmp(t->row.value, row->value) == 0)
			return;
	}
	t = txtrec_load(c, row);
	t->row.id = 0;
	/* What another daemon could not do this one may. */
	t->row.retry_at = 0;
	store_txt_put(c->env->store, &t->row);
	cleanup_kick(c);
}

void
cleanup_drop(struct cleanup *c, const char *cert)
{
	struct txtrec *t, *next;

	for (t = txtrec_first(c, cert); t != NULL; t = next) {
		next = TAILQ_NEXT(t, of_cert);
		if (txtrec_is_of_probe(t) || t->in_use)
			continue;
		if (t->removal != NULL)
			removal_free(t->removal);
		store_txt_delete(c->env->store, &t->row);
		txtrec_free(t);
	}
	cleanup_check_waits(c);
	cleanup_kick(c);
}
