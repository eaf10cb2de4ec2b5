/* SPDX-License-Identifier: MIT */
#include "ctl/import/import.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/text.h"

static void
account_clear(struct import_account *a)
{
	free(a->from);
	free(a->name);
	free(a->directory);
	free(a->kid);
	freezero_str(a->pem);
	json_decref(a->jwk);
	free(a->contact);
	free(a->eab_kid);
	freezero_str(a->eab_hmac);
	free(a->ca_file);
	free(a->key);
	free(a->refused);
}

static void
provider_clear(struct import_provider *p)
{
	for (size_t i = 0; i < p->n_opts; i++) {
		free(p->opts[i].key);
		freezero_str(p->opts[i].value);
	}
	free(p->opts);
	free(p->from);
	free(p->type);
	free(p->name);
	json_decref(p->table);
}

static void
cert_clear(struct import_cert *c)
{
	for (size_t i = 0; i < c->n_deploys; i++)
		free(c->deploys[i].text);
	free(c->deploys);
	free(c->name);
	free(c->from);
	free(c->directory);
	freezero_str(c->key_pem);
	free(c->chain_pem);
	free(c->webroot);
	json_decref(c->ways);
	free(c->alias);
	free(c->preferred_chain);
	free(c->profile);
	json_decref(c->facts);
	free(c->skipped);
}

void
import_clear(struct import *p)
{
	for (size_t i = 0; i < p->n_accounts; i++)
		account_clear(&p->accounts[i]);
	for (size_t i = 0; i < p->n_providers; i++)
		provider_clear(&p->providers[i]);
	for (size_t i = 0; i < p->n_certs; i++)
		cert_clear(&p->certs[i]);
	for (size_t i = 0; i < p->n_hooks; i++) {
		free(p->hooks[i].name);
		free(p->hooks[i].from);
		free(p->hooks[i].text);
	}
	for (size_t i = 0; i < p->n_notes; i++) {
		free(p->notes[i].about);
		free(p->notes[i].text);
	}
	for (size_t i = 0; i < p->n_switches; i++) {
		free(p->switches[i].what);
		free(p->switches[i].unit);
		free(p->switches[i].crontab);
		free(p->switches[i].match);
	}
	free(p->accounts);
	free(p->providers);
	free(p->certs);
	free(p->hooks);
	free(p->notes);
	free(p->switches);
	free(p->dir);
	free(p->provider);
	json_decref(p->config);
	*p = (struct import){ .program = NULL };
}

struct import_account *
import_add_account(struct import *p)
{
	p->accounts = xreallocarray(p->accounts, p->n_accounts + 1,
	    sizeof(*p->accounts));
	p->accounts[p->n_accounts] = (struct import_account){ .name = NULL };
	return &p->accounts[p->n_accounts++];
}

struct import_provider *
import_add_provider(struct import *p)
{
	p->providers = xreallocarray(p->providers, p->n_providers + 1,
	    sizeof(*p->providers));
	p->providers[p->n_providers] = (struct import_provider){ .name = NULL };
	return &p->providers[p->n_providers++];
}

struct import_cert *
import_add_cert(struct import *p, const char *name)
{
	struct import_cert *c;

	p->certs = xreallocarray(p->certs, p->n_certs + 1, sizeof(*p->certs));
	c = &p->certs[p->n_certs++];
	*c = (struct import_cert){ .account = IMPORT_NONE,
	    .provider = IMPORT_NONE };
	c->name = xstrdup(name);
	c->ways = json_object();
	return c;
}

struct import_switch *
import_add_switch(struct import *p, const char *what)
{
	p->switches = xreallocarray(p->switches, p->n_switches + 1,
	    sizeof(*p->switches));
	p->switches[p->n_switches] = (struct import_switch){
	    .what = xstrdup(what) };
	return &p->switches[p->n_switches++];
}

void
import_note(struct import *p, const char *about, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	text_clean(text);
	for (size_t i = 0; i < p->n_notes; i++) {
		if (strcmp(p->notes[i].about, about) == 0 &&
		    strcmp(p->notes[i].text, text) == 0) {
			free(text);
			return;
		}
	}
	p->notes = xreallocarray(p->notes, p->n_notes + 1, sizeof(*p->notes));
	p->notes[p->n_notes] = (struct import_note){ .about = xstrdup(about),
	    .text = text };
	text_clean(p->notes[p->n_notes++].about);
}

void
import_note_webroot(struct import *p, const char *webroot)
{
	struct stat st;

	if (p->opens_webroots && stat(webroot, &st) == 0)
		return;
	import_note(p, "", "acmed must be allowed to write to %s/.well-known/"
	    "acme-challenge: HTTP-01 in acmed.conf(5) shows how", webroot);
}

void
import_skip(struct import_cert *c, const char *fmt, ...)
{
	va_list ap;

	if (c->skipped != NULL)
		return;
	va_start(ap, fmt);
	c->skipped = xvasprintf(fmt, ap);
	va_end(ap);
	text_clean(c->skipped);
}

void
import_hook(struct import *p, const char *name, const char *from,
    const char *text)
{
	for (size_t i = 0; i < p->n_hooks; i++) {
		if (strcmp(p->hooks[i].text, text) == 0)
			return;
	}
	p->hooks = xreallocarray(p->hooks, p->n_hooks + 1, sizeof(*p->hooks));
	p->hooks[p->n_hooks++] = (struct import_hook){ .name = xstrdup(name),
	    .from = xstrdup(from), .text = xstrdup(text) };
}

void
import_deploy(struct import_cert *c, enum import_step step, const char *format,
    const char *text)
{
	for (size_t i = 0; i < c->n_deploys; i++) {
		if (c->deploys[i].step == step &&
		    strcmp(c->deploys[i].text, text) == 0)
			return;
	}
	c->deploys = xreallocarray(c->deploys, c->n_deploys + 1,
	    sizeof(*c->deploys));
	c->deploys[c->n_deploys++] = (struct import_deploy){ .step = step,
	    .text = xstrdup(text), .format = format };
}

void
import_opt(struct import_provider *p, const char *key, const char *value)
{
	p->opts = xreallocarray(p->opts, p->n_opts + 1, sizeof(*p->opts));
	p->opts[p->n_opts++] = (struct import_opt){ .key = xstrdup(key),
	    .value = xstrdup(value) };
}

const char *
import_opt_get(const struct import_provider *p, const char *key)
{
	for (size_t i = 0; i < p->n_opts; i++) {
		if (strcmp(p->opts[i].key, key) == 0)
			return p->opts[i].value;
	}
	return NULL;
}

static bool
is_same_provider(const struct import_provider *a,
    const struct import_provider *b)
{
	if (strcmp(a->type, b->type) != 0 || a->n_opts != b->n_opts)
		return false;
	for (size_t i = 0; i < a->n_opts; i++) {
		const char *other = import_opt_get(b, a->opts[i].key);

		if (other == NULL || strcmp(other, a->opts[i].value) != 0)
			return false;
	}
	return true;
}

void
import_drop_provider(struct import *p)
{
	provider_clear(&p->providers[--p->n_providers]);
}

int
import_share_provider(struct import *p)
{
	struct import_provider *last = &p->providers[p->n_providers - 1];

	for (size_t i = 0; i + 1 < p->n_providers; i++) {
		if (is_same_provider(&p->providers[i], last)) {
			import_drop_provider(p);
			return (int)i;
		}
	}
	return (int)p->n_providers - 1;
}
