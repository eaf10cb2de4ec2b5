/* SPDX-License-Identifier: MIT */
#include "ctl/import/given.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "ctl/import/common.h"
#include "ctl/import/dns_map.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/shvars.h"
#include "ctl/import/source.h"

static const struct {
	const char	*host, *directory;
} cas[] = {
	{ "acme-v02.api.letsencrypt.org",
	    "https://acme-v02.api.letsencrypt.org/directory" },
	{ "acme-staging-v02.api.letsencrypt.org",
	    "https://acme-staging-v02.api.letsencrypt.org/directory" },
	{ "acme.zerossl.com", "https://acme.zerossl.com/v2/DV90" },
	{ "dv.acme-v02.api.pki.goog",
	    "https://dv.acme-v02.api.pki.goog/directory" },
	{ "api.buypass.com", "https://api.buypass.com/acme/directory" },
};

char *
given_host(const char *url)
{
	const char *at = strstr(url, "://");
	char *host;

	if (at == NULL)
		return xstrdup("");
	host = xstrndup(at + 3, strcspn(at + 3, "/"));
	for (char *s = host; *s != '\0'; s++) {
		if (*s == ':')
			*s = '_';
	}
	return host;
}

char *
given_directory(const struct reader_args *args, const char *host)
{
	char *given;
	bool same;

	for (size_t i = 0; i < sizeof(cas) / sizeof(cas[0]); i++) {
		if (strcmp(cas[i].host, host) == 0)
			return xstrdup(cas[i].directory);
	}
	if (args->directory == NULL)
		return NULL;
	given = given_host(args->directory);
	same = strcmp(given, host) == 0;
	free(given);
	return same ? xstrdup(args->directory) : NULL;
}

void
given_challenge(struct import *plan, struct import_cert *c,
    const struct source *s, const struct reader_args *args,
    const json_t *env)
{
	if (args->dns != NULL) {
		char *from = xasprintf("%s, %s", args->dns,
		    args->env_file != NULL ? args->env_file :
		    "the environment");

		common_dns(plan, c, s, DNS_LEGO, args->dns, env, from, args);
		free(from);
	} else if (args->webroot != NULL) {
		c->is_http = true;
		c->webroot = xstrdup(args->webroot);
	} else if (args->provider == NULL) {
		import_skip(c, "%s does not store how names are proved: add "
		    "--provider NAME for one of acmed.conf, --webroot DIR, or "
		    "--dns NAME with credentials in the environment (or "
		    "--env-file FILE), both by lego's names",
		    plan->program);
	}
}

/* Where NAME_FILE is set, NAME is read from that file. */
static void
read_files(json_t *env)
{
	static const char suffix[] = "_FILE";
	json_t *more = json_object(), *value;
	struct error ignored;
	const char *name;

	json_object_foreach(env, name, value) {
		size_t len = strlen(name), n = strlen(suffix);
		char *base, *text = NULL;

		if (len <= n || strcmp(name + len - n, suffix) != 0 ||
		    !json_is_string(value))
			continue;
		base = xstrndup(name, len - n);
		if (json_object_get(env, base) == NULL &&
		    file_read_private(json_string_value(value),
		    SOURCE_FILE_MAX, &text, &ignored) == 0)
			(void)json_object_set_new(more, base,
			    json_string(text));
		freezero_str(text);
		free(base);
	}
	(void)json_object_update(env, more);
	json_decref(more);
}

json_t *
given_env(const struct reader_args *args, struct error *err)
{
	json_t *env;
	char *text;

	if (args->env_file != NULL) {
		if (file_read_private(args->env_file, SOURCE_FILE_MAX, &text,
		    err) == -1)
			return NULL;
		env = shvars_parse(text);
		freezero_str(text);
	} else {
		env = json_object();
		for (char **p = environ; *p != NULL; p++) {
			size_t len = strcspn(*p, "=");
			char *name = xstrndup(*p, len);

			if ((*p)[len] == '=')
				(void)json_object_set_new(env, name,
				    json_string(*p + len + 1));
			free(name);
		}
	}
	read_files(env);
	return env;
}
