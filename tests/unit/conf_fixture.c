/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf_read.h"
#include "tests/unit/conf_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "providers/provider.h"
#include "tests/unit/unit.h"

static char dir[64];
static bool with_warnings;

static const struct provider_opt tsig_opts[] = {
	[TSIG_SERVER] = { .name = "server", .help = "address of the server",
	    .required = true },
	[TSIG_NAME] = { .name = "key_name", .help = "name of the key",
	    .required = true },
	[TSIG_SECRET] = { .name = "key_secret", .help = "secret of the key",
	    .required = true, .secret = true },
	[TSIG_TTL] = { .name = "ttl", .help = "time to live", .fallback = "5",
	    .type = PROVIDER_OPT_INT, .min = 1, .max = 86400 },
	[TSIG_TCP] = { .name = "tcp", .help = "always TCP",
	    .type = PROVIDER_OPT_BOOL, .fallback = "yes" },
	[TSIG_WAIT] = { .name = "wait", .help = "a pause",
	    .type = PROVIDER_OPT_DURATION, .fallback = "2m" },
	[TSIG_ZONES] = { .name = "zones", .help = "only these",
	    .type = PROVIDER_OPT_LIST },
	{ .name = NULL }
};

/* As far as the sample uses it. */
static const struct provider_opt rfc2136_opts[] = {
	{ .name = "server", .help = "address of the server",
	    .required = true },
	{ .name = "key_file", .help = "a path", .required = true },
	{ .name = NULL }
};

static const struct provider_opt token_opts[] = {
	{ .name = "api_token", .help = "a token", .secret = true },
	/* A list in "tsig". */
	{ .name = "zones", .help = "one word", .fallback = "all" },
	{ .name = "limit", .help = "any number", .type = PROVIDER_OPT_INT },
	{ .name = "hosts_file", .help = "a path" },
	{ .name = NULL }
};

static int
token_check(const struct provider_values *values, struct error *err)
{
	const char *zones = provider_str(values, 1);
	const char *token = provider_str(values, 0);

	if (token != NULL && strcmp(token, "forbidden") == 0)
		return error_set(err, ERR_CONFIG, "token:token",
		    "api_token is not allowed here");
	if (strcmp(zones, "none") == 0)
		return error_set(err, ERR_CONFIG, "token:zones",
		    "zones = none makes no sense");
	return 0;
}

static const struct provider bare = { .name = "bare" };
static const struct provider tokens = { .name = "tokendns",
    .opts = token_opts, .credentials = "cloudflare",
    .check = token_check, .max_values = 1,
    .no_standing = true,
    .shares_values = true, .propagation_s = 1800 };
static const struct provider rfc2136 = { .name = "rfc2136",
    .opts = rfc2136_opts };
static const struct provider tsig = { .name = "tsig", .opts = tsig_opts };

/* These win over providers/registry.c of the library. */
const struct provider *const provider_registry[] = { &bare, &rfc2136,
    &tokens, &tsig, NULL };

const struct provider *
provider_find(const char *type)
{
	for (size_t i = 0; provider_registry[i] != NULL; i++) {
		if (strcmp(provider_registry[i]->name, type) == 0)
			return provider_registry[i];
	}
	return NULL;
}

int
fixture_setup(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/acmed-conf-XXXXXX");
	/* Open to all: what is refused in a public file must be refused. */
	return mkdtemp(dir) != NULL ? chmod(dir, 0755) : -1;
}

int
fixture_teardown(void **state)
{
	return rmdir(dir);
}

const char *
fixture_path(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

void
fixture_write(const char *name, mode_t mode, const char *text)
{
	FILE *fp;

	(void)unlink(fixture_path(name));
	fp = fopen(fixture_path(name), "w");
	assert_non_null(fp);
	assert_int_equal(fputs(text, fp) < 0, 0);
	assert_int_equal(fchmod(fileno(fp), mode), 0);
	assert_int_equal(fclose(fp), 0);
}

void
fixture_remove(const char *name)
{
	assert_int_equal(remove(fixture_path(name)), 0);
}

static void
collect(enum conf_level level, const char *line, void *arg)
{
	char **reports = arg, *longer, *p;
	char prefix[80];

	if (level != CONF_MISTAKE && !with_warnings)
		return;
	longer = xasprintf("%s%s%s\n", *reports, level == CONF_WARNING ?
	    "warning: " : level == CONF_NOTE ? "note: " : "", line);
	free(*reports);
	*reports = longer;
	(void)snprintf(prefix, sizeof(prefix), "%s/", dir);
	while ((p = strstr(longer, prefix)) != NULL)
		memmove(p, p + strlen(prefix),
		    strlen(p + strlen(prefix)) + 1);
}

struct conf *
fixture_load_all(const char *name, char **reports)
{
	struct conf *conf;

	with_warnings = true;
	conf = fixture_load(name, reports);
	with_warnings = false;
	return conf;
}

struct conf *
fixture_load(const char *name, char **reports)
{
	*reports = xstrdup("");
	return conf_load(fixture_path(name), collect, reports);
}
