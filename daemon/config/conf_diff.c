/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf_diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* One kind of object in two configurations, each sorted by name. */
struct side {
	void *const	*objects;
	size_t		 n;
	const char	*(*name)(const void *object);
	uint64_t	 (*hash)(const void *object);
};

static void
walk(const struct side *old, const struct side *new, const char *kind,
    conf_diff_cb *tell, void *arg)
{
	size_t i = 0, j = 0;

	while (i < old->n || j < new->n) {
		const char *a = i < old->n ? old->name(old->objects[i]) : NULL;
		const char *b = j < new->n ? new->name(new->objects[j]) : NULL;
		int rc = a == NULL ? 1 : b == NULL ? -1 : strcmp(a, b);

		if (rc != 0)
			tell(kind, rc < 0 ? a : b, arg);
		else if (old->hash(old->objects[i]) !=
		    new->hash(new->objects[j]))
			tell(kind, b, arg);
		i += rc <= 0;
		j += rc >= 0;
	}
}

#define KIND(type)							\
static const char *							\
type##_name(const void *object)					\
{									\
	return ((const struct conf_##type *)object)->name;		\
}									\
static uint64_t								\
type##_hash(const void *object)					\
{									\
	return ((const struct conf_##type *)object)->hash;		\
}
KIND(account)
KIND(credentials)
KIND(provider)
KIND(host)
KIND(repository)
KIND(notify)
KIND(watch)
KIND(cert)

#define WALK(type, list, kind)						\
	walk(&(struct side){ (void *const *)old->list, old->n_##list,	\
	    type##_name, type##_hash }, &(struct side){			\
	    (void *const *)new->list, new->n_##list, type##_name,	\
	    type##_hash }, kind, tell, arg)

static const struct conf_deploy *
find_deploy(const struct conf_cert *cert, const char *name)
{
	for (size_t i = 0; i < cert->n_deploys; i++) {
		if (strcmp(cert->deploys[i]->name, name) == 0)
			return cert->deploys[i];
	}
	return NULL;
}

static void
tell_deploy(const struct conf_cert *cert, const char *name,
    conf_diff_cb *tell, void *arg)
{
	char *both = xasprintf("%s/%s", cert->name, name);

	tell("deploys", both, arg);
	free(both);
}

static void
diff_deploys(const struct conf_cert *old, const struct conf_cert *new,
    conf_diff_cb *tell, void *arg)
{
	for (size_t i = 0; i < new->n_deploys; i++) {
		const struct conf_deploy *d = new->deploys[i];
		const struct conf_deploy *was = find_deploy(old, d->name);

		if (was == NULL || was->whole_hash != d->whole_hash)
			tell_deploy(new, d->name, tell, arg);
	}
	for (size_t i = 0; i < old->n_deploys; i++) {
		if (find_deploy(new, old->deploys[i]->name) == NULL)
			tell_deploy(new, old->deploys[i]->name, tell, arg);
	}
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_freezes(const struct conf *a, const struct conf *b)
{
	for (unsigned i = 0; i < a->n_freezes && i < b->n_freezes; i++) {
		if (a->freezes[i].from != b->freezes[i].from ||
		    a->freezes[i].end != b->freezes[i].end)
			return false;
	}
	return a->n_freezes == b->n_freezes;
}

static bool
same_list(char *const *a, char *const *b)
{
	return a == NULL || b == NULL ? a == b : strv_equal(a, b);
}

static bool
same_cluster(const struct conf_cluster *a, const struct conf_cluster *b)
{
	return a == NULL || b == NULL ? a == b : a->hash == b->hash &&
	    same_list(a->waves, b->waves) &&
	    a->wave_pause_s == b->wave_pause_s;
}

static void
diff_settings(const struct conf *old, const struct conf *new,
    conf_diff_cb *tell, void *arg)
{
	const struct { const char *key; bool same; } settings[] = {
		{ "hooks_dir", same_text(old->hooks_dir, new->hooks_dir) },
		{ "resolvers", strv_equal(old->resolvers, new->resolvers) },
		{ "http_listen",
		    strv_equal(old->http_listen, new->http_listen) },
		{ "tls_alpn_listen",
		    strv_equal(old->tls_alpn_listen, new->tls_alpn_listen) },
		{ "status_listen",
		    strv_equal(old->status_listen, new->status_listen) },
		{ "status_hosts",
		    strv_equal(old->status_hosts, new->status_hosts) },
		{ "metrics_textfile", same_text(old->metrics_textfile,
		    new->metrics_textfile) },
		{ "host_name", same_text(old->host_name, new->host_name) },
		{ "log_level", old->log_level == new->log_level },
		{ "max_renewals", old->max_renewals == new->max_renewals },
		{ "freeze", same_freezes(old, new) },
		{ "on_name_failure", old->on_name_failure ==
		    new->on_name_failure },
		{ "alarm_after_tries",
		    old->alarm.after_tries == new->alarm.after_tries },
		{ "alarm_gather", old->alarm.gather_s == new->alarm.gather_s },
		{ "alarm_repeat", old->alarm.repeat_s == new->alarm.repeat_s },
		{ "cluster", same_cluster(old->cluster, new->cluster) },
		{ "digest_at", old->alarm.digest_at_s ==
		    new->alarm.digest_at_s },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!settings[i].same)
			tell("settings", settings[i].key, arg);
	}
}

void
conf_diff(const struct conf *old, const struct conf *new, conf_diff_cb *tell,
    void *arg)
{
	diff_settings(old, new, tell, arg);
	WALK(account, accounts, "accounts");
	WALK(credentials, credentials, "credentials");
	WALK(provider, providers, "providers");
	WALK(host, hosts, "hosts");
	WALK(repository, repositories, "repositories");
	WALK(notify, notifies, "notify");
	WALK(watch, watches, "watches");
	WALK(cert, certs, "certificates");
	for (size_t i = 0; i < new->n_certs; i++) {
		const struct conf_cert *was = conf_find_cert(old,
		    new->certs[i]->name);

		if (was != NULL)
			diff_deploys(was, new->certs[i], tell, arg);
	}
}
