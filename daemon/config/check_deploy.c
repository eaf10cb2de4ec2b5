/* SPDX-License-Identifier: MIT */
#include "daemon/config/check_deploy.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/opt.h"

#define STEP_TIMEOUT_S 120
#define CLOUD_CLEAN "cloud-clean"
#define HOOKS_TARGET "deploy.d"

/* The kinds of step: a key that asks for it, what reads it. */
static const struct {
	const char	*key;
	void		(*check)(struct check *, const struct section *,
			    struct conf_deploy *);
	void		(*free)(struct conf_deploy *);
} kinds[] = {
	{ "install", check_deploy_install, check_free_deploy_install },
	{ "ssh", check_deploy_ssh, check_free_deploy_ssh },
	{ "publish", check_deploy_publish, check_free_deploy_publish },
	{ "kubernetes", check_deploy_kubernetes,
	    check_free_deploy_kubernetes },
	{ "cloud", check_deploy_cloud, check_free_deploy_cloud },
	{ "recipe", check_deploy_recipe, check_free_deploy_recipe },
	{ "haproxy", check_deploy_haproxy, check_free_deploy_haproxy },
	{ "docker", check_deploy_docker, check_free_deploy_docker },
	{ "exec", check_deploy_exec, check_free_deploy_exec },
	{ "reload", check_deploy_reload, check_free_deploy_reload },
	{ "restart", check_deploy_restart, check_free_deploy_restart },
	{ "start", check_deploy_start, check_free_deploy_start },
	{ "webhook", check_deploy_webhook, check_free_deploy_webhook },
	{ "verify", check_deploy_verify, check_free_deploy_verify },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct section *
check_one_section(struct check *c, const struct section *sec,
    const char *kind)
{
	const struct section *found = NULL;

	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, kind) != 0)
			continue;
		if (found == NULL)
			found = sec->subs[i];
		else
			opt_mistake(c->m, sec->subs[i], sec->subs[i]->line,
			    "it is the second %s of this target; allowed: "
			    "one, and another deploy section", kind);
	}
	return found;
}

static bool
has_key(const struct section *sec, const char *key)
{
	if (tree_item(sec, key) != NULL)
		return true;
	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, key) == 0)
			return true;
	}
	return false;
}

/* A target without a step does nothing, and nobody would notice. */
static bool
has_step(const struct section *sec)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (has_key(sec, kinds[i].key))
			return true;
	}
	return false;
}

static long
place_of(const char *key, const long *place)
{
	size_t i = 0;

	while (strcmp(kinds[i].key, key) != 0)
		i++;
	return place[i];
}

/* Files that are written when their reader has read are hardly meant. */
static void
warn_of_order(struct check *c, const struct section *sec)
{
	static const char *const readers[] = { "reload", "restart",
	    "docker" };
	long files = tree_place(sec, "install");

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (files > 0 && tree_place(sec, readers[i]) >= 0 &&
		    tree_place(sec, readers[i]) < files)
			opt_warn(c->m, sec, sec->line, "%s stands before "
			    "install, and steps run in the order of the file: "
			    "the server reads the files of before",
			    readers[i]);
	}
}

/*
 * The steps run in the order of the file.  But verify looks at what all others
 * have done: a webhook may tell of the result, what else stands behind it comes
 * first.  Returns whether it is the order of the table.
 */
static bool
sort_steps(const struct section *sec, struct conf_deploy *d)
{
	const char *steps[N_KINDS + 3] = { NULL };
	long place[N_KINDS], verify = 0;
	bool is_usual = true;
	size_t n = 0;

	for (size_t i = 0; i < N_KINDS; i++) {
		place[i] = 2 * tree_place(sec, kinds[i].key);
		if (place[i] > verify && strcmp(kinds[i].key, "webhook") != 0)
			verify = place[i];
	}
	place[N_KINDS - 1] += place[N_KINDS - 1] < 0 ? 0 :
	    verify + 1 - place[N_KINDS - 1];
	for (size_t i = 0; i < N_KINDS; i++) {
		size_t at = n;

		if (place[i] < 0)
			continue;
		for (; at > 0 && place_of(steps[at - 1], place) > place[i];
		    at--)
			steps[at] = steps[at - 1];
		is_usual &= at == n;
		steps[at] = kinds[i].key;
		n++;
	}
	/* What a cloud serves is verified by default; what it served before is
	 * removed at last. */
	if (has_key(sec, "cloud")) {
		if (!has_key(sec, "verify"))
			steps[n++] = "verify";
		steps[n++] = CLOUD_CLEAN;
	}
	if (n > 1)
		d->steps = xmemdup(steps, (n + 1) * sizeof(*steps));
	return is_usual;
}

/* In a cluster: once, by who renews it, or by each host that serves it?  What
 * reaches out to another place is the same from everywhere. */
static bool
check_run_on(struct check *c, const struct section *sec)
{
	static const char *const reaching[] = { "ssh", "publish",
	    "kubernetes", "cloud", "recipe" };
	const struct value *v = tree_value(sec, "run_on");

	if (v != NULL && strcmp(v->text, "holder") != 0 &&
	    strcmp(v->text, "hosts") != 0)
		opt_refuse(c->m, sec, "run_on", v, "holder, hosts");
	if (v != NULL)
		return strcmp(v->text, "holder") == 0;
	for (size_t i = 0; i < sizeof(reaching) / sizeof(reaching[0]); i++) {
		if (has_key(sec, reaching[i]))
			return true;
	}
	return false;
}

/* What only says how to verify does not verify. */
static void
check_alone(struct check *c, const struct section *sec)
{
	static const char *const keys[] = { "verify_timeout",
	    "on_verify_failure" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (tree_item(sec, keys[i]) != NULL &&
		    tree_item(sec, "verify") == NULL &&
		    !has_key(sec, "cloud"))
			opt_mistake(c->m, sec, sec->line, "%s without verify; "
			    "allowed: with it", keys[i]);
	}
}

static void
check_deploy(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	bool is_usual;

	is_usual = sort_steps(sec, d);
	d->at_holder = check_run_on(c, sec);
	c->m->is_elsewhere = d->at_holder ? c->only_serves : c->only_renews;
	warn_of_order(c, sec);
	check_deploy_hash(sec, is_usual, d);
	check_deploy_window(c, sec, d);
	check_alone(c, sec);
	if (!has_step(sec))
		opt_mistake(c->m, sec, sec->line, "it says nothing to do; "
		    "allowed: a step, such as exec, install, reload or "
		    "verify");
	for (size_t i = 0; i < N_KINDS; i++) {
		if (has_key(sec, kinds[i].key))
			kinds[i].check(c, sec, d);
	}
	c->m->is_elsewhere = false;
	check_deploy_config_test(c, sec, d);
	d->timeout_s = (unsigned)opt_duration(c->m, sec, "timeout", 1, 3600,
	    STEP_TIMEOUT_S);
}

/* The certificate's windows, until the target names its own. */
static void
copy_windows(struct conf_deploy *d, const struct conf_deploy *all)
{
	if (all->n_windows > 0)
		d->windows = xmemdup(all->windows, (all->n_windows + 1) *
		    sizeof(*all->windows));
	d->n_windows = all->n_windows;
}

static struct conf_deploy *
deploy_new(const char *name)
{
	struct conf_deploy *d = xcalloc(1, sizeof(*d) + strlen(name) + 1);

	d->name = memcpy(d + 1, name, strlen(name) + 1);
	return d;
}

static struct conf_deploy *
hooks_new(const char *dir)
{
	struct conf_deploy *d = deploy_new(HOOKS_TARGET);

	d->timeout_s = STEP_TIMEOUT_S;
	d->hooks_dir = xstrdup(dir);
	return d;
}

/* The hooks of conf.h's hooks_dir are a target of every certificate; the
 * rollout passes over it as long as there is no such directory. */
static void
add_hooks(struct check *c, const struct section *sec, struct conf_cert *cert,
    const struct conf_deploy *all)
{
	const char *dir = c->conf->hooks_dir;
	struct conf_deploy *d;

	if (dir == NULL)
		return;
	for (size_t i = 0; i < cert->n_deploys; i++) {
		if (strcmp(cert->deploys[i]->name, HOOKS_TARGET) == 0) {
			opt_mistake(c->m, sec, sec->line, "deploy \""
			    HOOKS_TARGET "\" is the target of the hooks in "
			    "%s; allowed: another name", dir);
			return;
		}
	}
	if (all->n_windows > 0) {
		d = hooks_new(dir);
		copy_windows(d, all);
	} else {
		if (c->conf->hooks == NULL) {
			c->conf->hooks = hooks_new(dir);
			c->conf->hooks->is_shared = true;
		}
		d = c->conf->hooks;
	}
	cert->deploys[cert->n_deploys++] = d;
}

static size_t
count_deploys(const struct section *sec)
{
	size_t n = 0;

	for (size_t i = 0; i < sec->n_subs; i++)
		n += strcmp(sec->subs[i]->kind, "deploy") == 0;
	return n;
}

void
check_deploys(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	struct conf_deploy all = { .windows = NULL };
	struct error err;

	check_deploy_window(c, sec, &all);
	cert->deploy_parallel = check_deploy_order(c, sec);
	cert->deploys = xcalloc(count_deploys(sec) + 1,
	    sizeof(*cert->deploys));
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];
		struct conf_deploy *d;

		if (strcmp(sub->kind, "deploy") != 0)
			continue;
		if (object_name_check(sub->title, &err) == -1)
			opt_mistake(c->m, sub, sub->line, "%s", err.msg);
		for (size_t j = 0; j < cert->n_deploys; j++) {
			if (strcmp(cert->deploys[j]->name, sub->title) == 0)
				opt_mistake(c->m, sub, sub->line, "it is "
				    "given twice; allowed: once");
		}
		d = deploy_new(sub->title);
		cert->deploys[cert->n_deploys++] = d;
		copy_windows(d, &all);
		check_deploy(c, sub, d);
		check_deploy_key(c, sub, cert, d);
	}
	add_hooks(c, sec, cert, &all);
	free(all.windows);
}

void
check_free_deploy(struct conf_deploy *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < N_KINDS; i++)
		kinds[i].free(d);
	free(d->hooks_dir);
	free(d->windows);
	free(d->steps);
	free(d);
}

void
check_free_deploys(struct conf_cert *cert)
{
	for (size_t i = 0; i < cert->n_deploys; i++) {
		if (!cert->deploys[i]->is_shared)
			check_free_deploy(cert->deploys[i]);
	}
	free(cert->deploys);
}
