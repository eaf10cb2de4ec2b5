/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

/* [USER@]HOST; it must not look like an option, nor like a path. */
static bool
is_host(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@";
	const char *at = strrchr(s, '@'), *host = at != NULL ? at + 1 : s;

	return s[0] != '-' && s[0] != '@' && host[0] != '-' &&
	    host[0] != '\0' && s[strspn(s, allowed)] == '\0';
}

void
check_deploy_ssh(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "ssh");
	struct conf_ssh *s = d->ssh = xcalloc(1, sizeof(*s));

	if (!is_host(sub->title))
		opt_mistake(c->m, sub, sub->line, "allowed: ssh "
		    "\"[USER@]HOST\" { ... }");
	s->host = xstrdup(sub->title);
	s->port = (unsigned)opt_int(c->m, sub, "port", 1, 65535, 0);
	s->identity_file = opt_file(c->m, sub, "identity_file");
	s->known_hosts_file = opt_file(c->m, sub, "known_hosts_file");
	s->files = check_files(c, sub, "file", sub->title, &s->n_files);
	s->command = opt_text(c->m, sub, "command");
	if (s->n_files == 0 && tree_value(sub, "command") == NULL)
		opt_mistake(c->m, sub, sub->line, "it says nothing to do; "
		    "allowed: file \"/PATH\" { format = ... }, command, or "
		    "both");
}

void
check_free_deploy_ssh(struct conf_deploy *d)
{
	if (d->ssh == NULL)
		return;
	free(d->ssh->host);
	free(d->ssh->identity_file);
	free(d->ssh->known_hosts_file);
	check_free_files(d->ssh->files, d->ssh->n_files);
	free(d->ssh->command);
	free(d->ssh);
}
