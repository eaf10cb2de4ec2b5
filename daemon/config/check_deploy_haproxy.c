/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"
#include "daemon/io/exchange.h"

/* It is a word of a command. */
static bool
is_word(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= 0x20 || *s == 0x7f ||
		    strchr("\\;<\"'#", *s) != NULL)
			return false;
	}
	return true;
}

void
check_deploy_haproxy(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "haproxy");
	struct conf_haproxy *h = d->haproxy = xcalloc(1, sizeof(*h));

	if (!exchange_is_address(sub->title))
		opt_mistake(c->m, sub, sub->line, "allowed: haproxy "
		    "\"/PATH/OF/ITS/SOCKET\" { ... }, at most 107 bytes, or "
		    "\"ADDRESS:PORT\", in numbers");
	h->socket = xstrdup(sub->title);
	h->file = opt_text(c->m, sub, "file");
	if (tree_value(sub, "file") == NULL)
		opt_mistake(c->m, sub, sub->line, "file is missing; allowed: "
		    "the certificate's path as in HAProxy's configuration "
		    "(\"show ssl cert\" lists them)");
	else if (h->file != NULL && !is_word(h->file))
		opt_refuse(c->m, sub, "file", tree_value(sub, "file"),
		    "a path without spaces and special characters");
	else if (h->file != NULL)
		check_claim(c, sub, "certificate of HAProxy", h->socket,
		    h->file);
}

void
check_free_deploy_haproxy(struct conf_deploy *d)
{
	if (d->haproxy == NULL)
		return;
	free(d->haproxy->socket);
	free(d->haproxy->file);
	free(d->haproxy);
}
