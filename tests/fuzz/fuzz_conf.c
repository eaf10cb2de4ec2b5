/* SPDX-License-Identifier: MIT */
/* acmed.conf: any text is either refused with reasons or makes sense. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"
#include "common/names.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_read.h"
#include "providers/provider.h"
#include "tests/fuzz/fuzz.h"

static const struct provider_opt opts[] = {
	{ .name = "server", .help = "x", .required = true },
	{ .name = "secret", .help = "x", .secret = true },
	{ .name = "ttl", .help = "x", .type = PROVIDER_OPT_INT, .min = 1,
	    .max = 9, .fallback = "5" },
	{ .name = "tcp", .help = "x", .type = PROVIDER_OPT_BOOL },
	{ .name = "wait", .help = "x", .type = PROVIDER_OPT_DURATION },
	{ .name = "zones", .help = "x", .type = PROVIDER_OPT_LIST },
	{ .name = NULL }
};
static const struct provider bare = { .name = "bare" };
static const struct provider full = { .name = "full", .opts = opts };

/* These win over providers/registry.c of the library. */
const struct provider *const provider_registry[] = { &bare, &full, NULL };

const struct provider *
provider_find(const char *type)
{
	if (strcmp(type, "bare") == 0)
		return &bare;
	return strcmp(type, "full") == 0 ? &full : NULL;
}

static void
need(bool ok)
{
	if (!ok)
		abort();
}

static void
report(enum conf_level level, const char *line, void *arg)
{
	unsigned *n = arg;

	need(strchr(line, '/') != NULL && strstr(line, ": ") != NULL);
	for (; *line != '\0'; line++)
		need((unsigned char)*line >= ' ' && *line != 0x7f);
	if (level == CONF_MISTAKE)
		(*n)++;
}

static void
check_values(const struct conf_provider *p)
{
	need(p->type != NULL && p->values != NULL);
	if (p->type != &full)
		return;
	need(provider_str(p->values, 0) != NULL);
	need(provider_int(p->values, 2) >= 1);
	need(provider_int(p->values, 2) <= 9);
	need(provider_int(p->values, 4) >= 0);
	need(provider_list(p->values, 5) != NULL);
}

static void
check_cert(const struct conf *conf, const struct conf_cert *cert)
{
	need(conf_find_cert(conf, cert->name) == cert);
	need(cert->account != NULL && cert->line > 0);
	need(cert->n_names >= 1 && cert->n_names <= 100);
	need(cert->renew_before_s >= 3600);
	need(cert->propagation_timeout_s >= 1);
	for (size_t i = 0; i < cert->n_names; i++) {
		need(cert->names[i].provider != NULL);
		need(strlen(cert->names[i].name) <= DNAME_MAX);
	}
	for (size_t i = 0; i < cert->n_deploys; i++) {
		need(cert->deploys[i]->exec[0] != NULL);
		need(cert->deploys[i]->timeout_s >= 1);
	}
}

static void
check_conf(const struct conf *conf)
{
	need(conf->state_dir[0] == '/' && conf->control_socket[0] == '/');
	for (size_t i = 0; i < conf->n_accounts; i++)
		need(strncasecmp(conf->accounts[i]->directory, "https://",
		    8) == 0);
	for (size_t i = 0; i < conf->n_providers; i++)
		check_values(conf->providers[i]);
	for (size_t i = 0; i < conf->n_certs; i++)
		check_cert(conf, conf->certs[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);
	unsigned n_reports = 0;
	struct conf *conf;
	char path[64];

	need(fd != -1 && file_write_all(fd, data, size) == 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = conf_load(path, report, &n_reports);
	need((conf == NULL) == (n_reports > 0));
	if (conf != NULL)
		check_conf(conf);
	conf_unref(conf);
	(void)close(fd);
	return 0;
}
