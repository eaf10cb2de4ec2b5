/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

void
check_deploy_webhook(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "webhook");
	const struct value *v = tree_value(sub, "token_file");
	struct conf_webhook *w = d->webhook = xcalloc(1, sizeof(*w));
	struct error err;
	char *secret;

	if (!opt_is_url(sub->title, false))
		opt_mistake(c->m, sub, sub->line, "allowed: webhook "
		    "\"https://HOST/PATH\" { ... }");
	w->url = xstrdup(sub->title);
	w->token_file = opt_file(c->m, sub, "token_file");
	w->ca_file = opt_ca_file(c->m, sub);
	w->include_key = opt_bool(c->m, sub, "include_key", false);
	if (w->token_file == NULL)
		return;
	if (file_read_secret(w->token_file, FILE_SECRET_MAX, &secret,
	    &err) == -1)
		opt_absent(c->m, sub, v->line, "token_file: %s", err.msg);
	else
		freezero_str(secret);
}

void
check_free_deploy_webhook(struct conf_deploy *d)
{
	if (d->webhook == NULL)
		return;
	freezero_str(d->webhook->url);
	free(d->webhook->token_file);
	free(d->webhook->ca_file);
	free(d->webhook);
}
