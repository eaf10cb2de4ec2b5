/* SPDX-License-Identifier: MIT */
#include "daemon/certs/pair.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/certs/cert.h"
#include "daemon/store/keys.h"

struct store_pair *
pair_row(struct cert *c)
{
	if (c->pair == NULL) {
		c->pair = xcalloc(1, sizeof(*c->pair));
		c->pair->cert = xstrdup(c->row.name);
		c->pair->key = KEY_TYPE_END;
	}
	return c->pair;
}

void
pair_load(struct cert *c, const struct store_pair *p)
{
	struct store_pair *to = pair_row(c);

	xstrset(&to->serial, p->serial);
	to->not_before = p->not_before;
	to->not_after = p->not_after;
	to->key = p->key;
	xstrset(&to->ari_id, p->ari_id);
	to->ari_start = p->ari_start;
	to->ari_end = p->ari_end;
	to->ari_at = p->ari_at;
	xstrset(&to->first_names, p->first_names);
	xstrset(&to->first_account, p->first_account);
	xstrset(&to->first_profile, p->first_profile);
	to->first_at = p->first_at;
}

void
pair_save(struct cert *c)
{
	if (c->pair != NULL)
		store_pair_put(c->certs->store, c->pair);
}

void
pair_free(struct cert *c)
{
	if (c->pair != NULL)
		store_pair_clear(c->pair);
	free(c->pair);
	c->pair = NULL;
}

void
pair_take_info(struct cert *c, const struct cert_info *info)
{
	const struct cert_info *second = info->second;
	struct store_pair *p;

	if (second == NULL && c->pair == NULL)
		return;
	p = pair_row(c);
	xstrset(&p->serial, second != NULL ? second->serial : NULL);
	xstrset(&p->ari_id, second != NULL ? second->ari_id : NULL);
	p->not_before = second != NULL ? second->not_before : 0;
	p->not_after = second != NULL ? second->not_after : 0;
	p->key = second != NULL ? second->key : KEY_TYPE_END;
	p->ari_start = p->ari_end = p->ari_at = 0;
	if (second != NULL && second->not_after < c->row.not_after) {
		c->row.not_before = second->not_before;
		c->row.not_after = second->not_after;
	}
}

bool
pair_is(const struct cert *c, const struct cert_info *info)
{
	const struct store_pair *p = pair_installed(c);

	if (p == NULL || info->second == NULL)
		return p == NULL && info->second == NULL;
	return strcmp(p->serial, info->second->serial) == 0;
}

const struct store_pair *
pair_installed(const struct cert *c)
{
	return c->pair != NULL && c->pair->serial != NULL ? c->pair : NULL;
}

bool
pair_is_wanted(const struct cert *c)
{
	const struct store_pair *p = pair_installed(c);

	return !conf_is_issued(c->conf) || !c->conf->is_pair ||
	    (p != NULL && p->key == c->conf->second_key);
}

const char *
pair_first_names(const struct cert *c)
{
	return c->pair != NULL ? c->pair->first_names : NULL;
}

void
pair_forget_first(struct cert *c)
{
	if (c->pair == NULL)
		return;
	xstrset(&c->pair->first_names, NULL);
	xstrset(&c->pair->first_account, NULL);
	xstrset(&c->pair->first_profile, NULL);
	c->pair->first_at = 0;
}

void
pair_drop_first(struct cert *c)
{
	store_first_drop(c->certs->store, c->row.name);
	pair_forget_first(c);
}
