/* SPDX-License-Identifier: MIT */
#include "ctl/import/common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "ctl/import/command.h"
#include "ctl/import/dns_map.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/source.h"

#define WEBROOT "/var/www/acmed"

void
common_files(struct import_cert *c, const struct source *s,
    const char *key_path, const char *chain_path)
{
	struct error err;

	c->key_pem = source_read(s, key_path, &err);
	if (c->key_pem != NULL)
		c->chain_pem = source_read(s, chain_path, &err);
	if (c->key_pem == NULL || c->chain_pem == NULL)
		import_skip(c, "%s", err.msg);
}

/* Such as certbot's and lego's TSIG algorithms: "HMAC-SHA512", with a dot at
 * the end or not. */
static void
mend_algorithm(struct import_provider *p)
{
	for (size_t i = 0; i < p->n_opts; i++) {
		char *s = p->opts[i].value;
		size_t len = strlen(s);

		if (strcmp(p->opts[i].key, "key_algorithm") != 0)
			continue;
		if (len > 0 && s[len - 1] == '.')
			s[len - 1] = '\0';
		for (; *s != '\0'; s++) {
			if (*s >= 'A' && *s <= 'Z')
				*s += 'a' - 'A';
		}
	}
}

void
common_dns(struct import *plan, struct import_cert *c, const struct source *s,
    int client, const char *theirs, const json_t *vars, const char *from,
    const struct reader_args *args)
{
	const struct dns_map *m = dns_map_find((enum dns_client)client,
	    theirs);
	char *why = NULL;

	if (m != NULL) {
		c->provider = dns_map_add(plan, s, m, vars, from, &why);
		if (c->provider != IMPORT_NONE)
			mend_algorithm(&plan->providers[c->provider]);
	} else {
		why = xasprintf("acmed has no DNS provider for %s's \"%s\"",
		    plan->program, theirs);
	}
	if (c->provider == IMPORT_NONE && args->provider == NULL)
		import_skip(c, "%s; add a provider to acmed.conf, then: "
		    "acmectl import %s --provider NAME", why, plan->program);
	free(why);
}

/* A command that is run as root for this certificate, as a script. */
static char *
root_script(const struct import_cert *c, const char *what, const char *command)
{
	return xasprintf("#!/bin/sh\n# Imported by acmectl: %s of %s\n"
	    "[ \"${RENEWED_LINEAGE##*/}\" = '%s' ] || exit 0\n%s\n", what,
	    c->name, c->name, command);
}

void
common_hook(struct import *plan, struct import_cert *c, const struct source *s,
    const char *what, const char *command)
{
	char *name, *text;

	if (*command == '\0' || command_map(command, c))
		return;
	if (s->uid != 0) {
		import_note(plan, c->name, "its %s is not imported, because "
		    "another user than root wrote it: %s; put it into a "
		    "\"deploy\" section, see acmed.conf(5)", what, command);
		return;
	}
	name = xasprintf("%s-%s", plan->program, c->name);
	text = root_script(c, what, command);
	import_hook(plan, name, c->from, text);
	import_deploy(c, IMPORT_ROOT_HOOKS, NULL, "");
	free(text);
	free(name);
}

void
common_web_server(struct import *plan, struct import_cert *c,
    const char *server, const struct reader_args *args)
{
	bool is_nginx = strcmp(server, "nginx") == 0;

	c->is_http = true;
	c->webroot = xstrdup(args->webroot != NULL ? args->webroot : WEBROOT);
	if (args->webroot != NULL)
		return;
	/* Once, however many there are. */
	import_note(plan, "", "%s changed the configuration of %s for "
	    "each renewal; acmed puts files into a directory instead, which %s "
	    "must serve on port 80: add `%s`, and make the directory writable "
	    "for acmed as HTTP-01 in acmed.conf(5) shows; test it with "
	    "acmectl check (or use --webroot DIR with what %s serves "
	    "already)", plan->program, server, server, is_nginx ?
	    "location /.well-known/acme-challenge/ { root " WEBROOT "; }" :
	    "Alias /.well-known/acme-challenge/ "
	    WEBROOT "/.well-known/acme-challenge/", server);
}

void
common_standalone(struct import *plan, struct import_cert *c)
{
	c->is_http = true;
	plan->needs_http = true;
}

static bool
is_free(const struct import *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_certs; i++) {
		if (strcmp(plan->certs[i].name, name) == 0)
			return false;
	}
	return true;
}

char *
common_name(const struct import *plan, const char *domain, bool is_wild,
    const char *kind)
{
	for (int n = 0;; n++) {
		char *name = n == 0 ? xstrdup(domain) :
		    n == 1 && is_wild ? xasprintf("wildcard.%s", domain) :
		    n == 2 && kind != NULL ? xasprintf("%s-%s", domain, kind) :
		    n > 2 ? xasprintf("%s-%d", domain, n - 1) : NULL;

		if (name != NULL && is_free(plan, name))
			return name;
		free(name);
	}
}

long
common_span(const char *text)
{
	static const struct { const char *word; long s; } units[] = {
		{ "", 86400 }, { "d", 86400 }, { "day", 86400 },
		{ "days", 86400 }, { "week", 604800 }, { "weeks", 604800 },
		{ "h", 3600 }, { "hour", 3600 }, { "hours", 3600 },
		{ "month", 30 * 86400 }, { "months", 30 * 86400 },
	};
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || errno != 0 || n < 1 || n > 10000)
		return 0;
	end += strspn(end, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].word) == 0)
			return n * units[i].s;
	}
	return 0;
}
