/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cloud - what clouds answer, to every product and what runs it: look,
 * find, upload and bind, then the removal of what was before, with a real
 * journal.  The first line is the product and "run" or "check", each other one
 * an option, of the product or of its credentials, and its value; then come
 * the answers (replies.h).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clouds/cloud.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/deploy/cloud.h"
#include "daemon/deploy/cloud_turns.h"
#include "daemon/rest/lease.h"
#include "daemon/store/store.h"
#include "providers/credentials.h"
#include "tests/fake/fake_time.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replies.h"
#include "tests/fuzz/version.h"

#define TARGET "web"
#define NOW 1800000000		/* the version is valid then */

static struct deploy_env env;

/* --- state --- */

int fsync(int);
int fdatasync(int);

/* No power is cut here. */
int
fsync(int fd)
{
	return 0;
}

int
fdatasync(int fd)
{
	return 0;
}

static char state_dir[] = "/tmp/acmed-fuzz-XXXXXX";

static void
remove_state(void)
{
	static const char *const names[] = { "state.db", "state.db-wal",
	    "state.db-shm", "lock", "reserve", "accounts", "archive", "live",
	    "pending", "" };

	store_close(env.store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/%s", state_dir, names[i]);

		if (unlink(path) == -1)
			(void)rmdir(path);
		free(path);
	}
}

static void
begin(void)
{
	struct error err;

	if (env.loop != NULL)
		return;
	env.loop = loop_new();
	env.http = (struct http *)env.loop;
	fake_time_start(NOW);
	need(mkdtemp(state_dir) != NULL);
	env.store = store_open(env.loop, state_dir, &err);
	need(env.store != NULL);
	env.clouds = cloud_turns_new(env.loop);
	(void)atexit(remove_state);
}

/* --- options --- */

static bool
set(struct provider_values *values, const struct provider_opt *opts,
    const char *name, const char *text)
{
	struct error ignored;

	for (int i = 0; opts[i].name != NULL; i++) {
		if (strcmp(opts[i].name, name) == 0)
			return provider_values_set(values, i, &text, 1,
			    &ignored) == 0;
	}
	return false;
}

static struct provider_values *
values_of(const struct provider_opt *opts,
    int (*check)(const struct provider_values *, struct error *))
{
	struct provider_values *values = provider_values_of(opts, check);

	for (int i = 0; opts[i].name != NULL; i++) {
		if (opts[i].required)
			(void)set(values, opts, opts[i].name, "x");
	}
	return values;
}

/* --- a run --- */

struct end {
	bool		 is_over, is_well;
};

static void
done_cb(const struct error *err, void *arg)
{
	struct end *end = arg;

	need(!end->is_over);
	end->is_over = true;
	end->is_well = err == NULL;
	if (err != NULL)
		check_error(err);
}

static void
line_cb(const char *line, void *arg)
{
	for (const char *p = line; *p != '\0'; p++)
		need((unsigned char)*p >= ' ' && *p != 0x7f);
}

static bool
run(const struct deploy_kind *kind, const struct deploy_args *a)
{
	struct end end = { false, false };

	(void)kind->start(a, done_cb, &end);
	replies_run(&end.is_over);
	return end.is_well;
}

/* What an earlier run has left: a certificate of before, which is bound. */
static void
put_old(const char *place)
{
	struct store_cloud old = { .cert = VERSION_NAME, .target = TARGET,
	    .sha256 = "00", .id = "old-1", .at = NOW - 86400,
	    .bound_at = NOW - 86400 };

	(void)text_printf(old.place, sizeof(old.place), "%s", place);
	store_cloud_put(env.store, &old);
}

static void
go(const struct cloud *type, bool is_check, const struct conf_cloud *cloud)
{
	const char *where = type->store->place == NULL ? NULL :
	    provider_values_str(cloud->values, type->store->place);
	char *place = xasprintf("%s keys %s", type->store->name,
	    where != NULL ? where : "");
	struct conf_name names[] = {
		{ .name = (char *)(uintptr_t)VERSION_NAME },
	};
	struct conf_cert cert = { .name = (char *)(uintptr_t)VERSION_NAME,
	    .names = names, .n_names = 1 };
	struct conf_deploy target = { .name = TARGET, .timeout_s = 600,
	    .cloud = (struct conf_cloud *)(uintptr_t)cloud };
	struct deploy_args a = { .env = &env, .cert = &cert,
	    .target = &target, .live_dir = version_dir(),
	    .version_dir = version_dir(), .serial = VERSION_SERIAL,
	    .is_check = is_check, .line = line_cb };

	put_old(place);
	free(place);
	env.leases = leases_new(env.loop, env.http);
	if (run(&deploy_cloud, &a) && !is_check &&
	    deploy_cloud_clean.is_wanted(&a))
		need(run(&deploy_cloud_clean, &a));
	leases_free(env.leases);
	store_cloud_forget(env.store, VERSION_NAME, TARGET);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *options = replies_begin(data, size), *line;
	char *verb = cut(&options, "\n"), *name = cut(&verb, " ");
	const struct cloud *type = verb != NULL ? cloud_find(name) : NULL;
	const struct credentials_type *keys;
	struct conf_credentials lender = { .name = (char *)(uintptr_t)"keys" };
	struct conf_cloud cloud = { .type = type, .credentials = &lender };
	struct error ignored;

	if (type == NULL)
		return 0;
	begin();
	fake_time_start(NOW);
	keys = credentials_find(type->credentials);
	lender.type = keys;
	lender.values = values_of(keys->opts, NULL);
	cloud.values = values_of(type->opts, type->check);
	while ((line = cut(&options, "\n")) != NULL) {
		char *value = line, *option = cut(&value, " ");

		if (value != NULL && !set(cloud.values, type->opts, option,
		    value))
			(void)set(lender.values, keys->opts, option, value);
	}
	/* Where it is spoken to is not the vendor's to say. */
	(void)set(cloud.values, type->opts, "base_url", "https://api.test");
	(void)set(lender.values, keys->opts, "address", "https://api.test");
	(void)set(lender.values, keys->opts, "sts_endpoint",
	    "https://api.test");
	if (type->check == NULL || type->check(cloud.values, &ignored) == 0)
		go(type, strcmp(verb, "check") == 0, &cloud);
	provider_values_free(cloud.values);
	provider_values_free(lender.values);
	return 0;
}
