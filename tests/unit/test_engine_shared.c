/* SPDX-License-Identifier: MIT */
/*
 * What an event of one certificate costs that shares its lock with other
 * daemons, beside a thousand others; the cluster is the test's.
 */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/cluster/cluster.h"
#include "daemon/config/conf_realm.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/reports.h"
#include "daemon/rollout/takeover.h"

#define MANY 1000

struct cluster_lock_op {
	struct cert	*cert;
	cluster_lock_done_cb *done;
	void		*arg;
};

static struct conf_realm realm;
static enum cluster_part part;		/* of all, but: */
static const struct cert *ours;
static unsigned looks;			/* at a certificate's lock */
static struct cluster_lock_op *asked[MANY];
static unsigned n_asked, n_open;

enum cluster_part __wrap_cluster_part(const struct cluster *, struct cert *,
    const char **);
bool	__wrap_cluster_holds(const struct cluster *, const struct cert *);
struct cluster_lock_op *__wrap_cluster_lock_start(struct cluster *,
    struct cert *, cluster_lock_done_cb *, void *);
void	__wrap_cluster_lock_cancel(struct cluster_lock_op *);
void	__wrap_takeover_follow(const struct rollout_env *, struct cert *,
    bool);
void	__wrap_hosts_apply(struct hosts *);
void	__wrap_reports_apply(struct reports *);

enum cluster_part
__wrap_cluster_part(const struct cluster *k, struct cert *c, const char **who)
{
	(void)k;
	if (who != NULL)
		*who = NULL;
	return c == ours ? CLUSTER_OURS : part;
}

bool
__wrap_cluster_holds(const struct cluster *k, const struct cert *c)
{
	(void)k;
	(void)c;
	looks++;
	return false;
}

struct cluster_lock_op *
__wrap_cluster_lock_start(struct cluster *k, struct cert *c,
    cluster_lock_done_cb *done, void *arg)
{
	struct cluster_lock_op *op = xcalloc(1, sizeof(*op));

	(void)k;
	*op = (struct cluster_lock_op){ c, done, arg };
	assert_true(n_asked < MANY);
	asked[n_asked++] = op;
	n_open++;
	return op;
}

void
__wrap_cluster_lock_cancel(struct cluster_lock_op *op)
{
	n_open -= op != NULL;
	free(op);
}

void
__wrap_takeover_follow(const struct rollout_env *env, struct cert *c,
    bool is_ours)
{
	(void)env;
	(void)c;
	(void)is_ours;
}

void
__wrap_hosts_apply(struct hosts *h)
{
	(void)h;
}

void
__wrap_reports_apply(struct reports *r)
{
	(void)r;
}

/* Another member has it. */
static void
refuse(struct cluster_lock_op *op)
{
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "cluster:locked", "no");
	n_open--;
	op->done(&err, op->arg);
	free(op);
}

static void
up(struct erig *r)
{
	char *text = xstrdup(""), *longer;
	struct certs *certs;

	for (int i = 0; i < MANY; i++) {
		longer = xasprintf("%scertificate \"c%d\" { names = { "
		    "\"c%d.test\" } provider = dns }\n", text, i, i);
		free(text);
		text = longer;
	}
	erig_conf(r, text);
	free(text);
	erig_open(r);
	certs = r->engine->certs;
	for (size_t i = 0; i < certs->n; i++)
		((struct conf_cert *)(uintptr_t)certs->list[i]->conf)->realm =
		    &realm;
	part = CLUSTER_AWAY;
	ours = NULL;
	n_asked = n_open = 0;
	engine_start(r->engine);
	fake_time_pass(MINUTE);
	assert_int_equal(n_asked, 0);
}

static void
down(struct erig *r)
{
	struct certs *certs = r->engine->certs;

	for (size_t i = 0; i < certs->n; i++)
		((struct conf_cert *)(uintptr_t)certs->list[i]->conf)->realm =
		    NULL;
	erig_crash(r);
	assert_int_equal(n_open, 0);
}

static void
tell(struct erig *r, struct cert *c)
{
	r->engine->cluster_env.changed(c, r->engine);
	fake_time_pass(100);
}

/* A lock that another member takes, or gives back, costs nothing; one of ours
 * what it costs itself. */
static void
test_event(void **state)
{
	struct erig *r = *state;

	up(r);
	looks = 0;
	for (int i = 0; i < 20; i++)
		tell(r, erig_cert(r, "c500"));
	assert_true(looks < 20);
	ours = erig_cert(r, "c501");
	tell(r, erig_cert(r, "c501"));
	assert_true(looks < 100);
	assert_int_equal(n_asked, 1);
	assert_string_equal(asked[0]->cert->row.name, "c501");
	/* All are looked at, once. */
	fake_time_pass(2 * SECOND);
	assert_true(looks >= MANY && looks < 3 * MANY);
	down(r);
}

/* The locks of a thousand that are due are asked for a few at a time, and an
 * answer about one is no reason to look at all. */
static void
test_due(void **state)
{
	struct erig *r = *state;
	unsigned most = 0;

	up(r);
	part = CLUSTER_OURS;
	looks = 0;
	tell(r, NULL);
	for (unsigned i = 0; i < n_asked; i++) {
		if (n_open > most)
			most = n_open;
		/* It is theirs, now that they have it. */
		asked[i]->cert->put_off = clock_now() + 5;
		refuse(asked[i]);
		fake_time_pass(1);
		if (n_asked == MANY)
			part = CLUSTER_OTHERS;
	}
	assert_int_equal(n_asked, MANY);
	assert_true(most <= 20);
	assert_true(looks < 200 * MANY);
	down(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_event),
		ERIG_TEST(test_due),
	};

	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
