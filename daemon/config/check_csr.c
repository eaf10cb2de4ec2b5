/* SPDX-License-Identifier: MIT */
#include "daemon/config/check_csr.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/check_host.h"
#include "daemon/config/conf_csr.h"
#include "daemon/config/opt.h"
#include "daemon/store/csr.h"

static int
line_of(const struct section *sec, const struct item *item)
{
	return item->n > 0 ? item->values[0]->line : sec->line;
}

void
check_csr(struct check *c, const struct section *sec, struct conf_cert *cert,
    struct csr *csr)
{
	const struct value *v = tree_value(sec, "csr");
	struct conf_csr *cc;
	struct error err;

	*csr = (struct csr){ .key = NULL };
	if (tree_value(sec, "key_source") != NULL) {
		check_key_source(c, sec, cert);
		return;
	}
	if (v == NULL)
		return;
	cc = xcalloc(1, sizeof(*cc));
	if (c->conf->cluster != NULL)
		opt_mistake(c->m, sec, v->line, "csr is not for a "
		    "configuration with cluster, of which each member would "
		    "order; allowed: one host that renews");
	cc->path = opt_file(c->m, sec, "csr");
	cc->gives_names = tree_item(sec, "names") == NULL;
	cc->line = v->line;
	cert->csr = cc;
	if (cc->path == NULL)
		cc->path = xstrdup(v->text);	/* told */
	else if (csr_read(cc->path, csr, &err) == -1)
		opt_mistake(c->m, sec, v->line, "csr: %s", err.msg);
	if (csr->key != NULL)
		memcpy(cc->hash, csr->hash, sizeof(cc->hash));
	cert->key = csr->key != NULL ? key_type_of(csr->key) : KEY_TYPE_END;
}

/* --- what needs the key --- */

static void
refuse(struct check *c, const struct section *sec, int line, const char *what)
{
	opt_mistake(c->m, sec, line, "%s needs the private key, which is not "
	    "on this machine (csr, key_source); allowed: install, ssh and "
	    "docker with format = fullchain, cert, chain or der; exec, "
	    "reload, restart, start, verify; webhook without include_key",
	    what);
}

/* install "PATH" { }, file "PATH" { } of ssh, copy "PATH" { } of docker */
static void
check_format(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "format");
	char what[64];

	for (int f = 0; v != NULL && f < BUNDLE_FORMAT_END; f++) {
		if (!bundle_has_key((enum bundle_format)f) ||
		    strcmp(v->text, bundle_format_name(
		    (enum bundle_format)f)) != 0)
			continue;
		(void)text_printf(what, sizeof(what), "format = %s", v->text);
		refuse(c, sec, v->line, what);
	}
}

static void
check_step(struct check *c, const struct section *step)
{
	static const char *const kinds[] = { "cloud", "kubernetes", "haproxy",
	    "recipe" };
	const struct value *v = tree_value(step, "include_key");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(step->kind, kinds[i]) == 0)
			refuse(c, step, step->line, kinds[i]);
	}
	if (strcmp(step->kind, "webhook") == 0 && v != NULL &&
	    opt_parse_bool(v->text) == 1)
		refuse(c, step, v->line, "include_key");
	check_format(c, step);
	for (size_t i = 0; i < step->n_subs; i++)
		check_format(c, step->subs[i]);
}

static void
check_deploys_keyless(struct check *c, const struct section *sec,
    bool is_hosts)
{
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *d = sec->subs[i];
		const struct value *publish;

		if (strcmp(d->kind, "deploy") != 0)
			continue;
		publish = tree_value(d, "publish");
		if (publish != NULL && !is_hosts)
			refuse(c, d, publish->line, "publish");
		for (size_t j = 0; j < d->n_subs; j++)
			check_step(c, d->subs[j]);
	}
}

void
check_csr_end(struct check *c, const struct section *sec,
    const struct conf_cert *cert, const struct csr *csr)
{
	static const char *const ours[] = { "key", "reuse_key",
	    "placeholder" };
	const char *with = cert->csr != NULL && cert->csr->is_hosts ?
	    "key_source = host" : "csr";
	const struct value *shrink = tree_value(sec, "on_name_failure");
	struct error err;

	if (cert->csr == NULL)
		return;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		const struct item *item = tree_item(sec, ours[i]);

		if (item != NULL)
			opt_mistake(c->m, sec, line_of(sec, item), "%s is not "
			    "for a certificate with %s: its key is where the "
			    "request was made; allowed: one of the two",
			    ours[i], with);
	}
	if (shrink != NULL && strcmp(shrink->text, "shrink") == 0)
		opt_mistake(c->m, sec, shrink->line, "on_name_failure = shrink "
		    "is not for a certificate with %s: the request names "
		    "what it is for; allowed: fail", with);
	check_deploys_keyless(c, sec, cert->csr->is_hosts);
	if (csr->key != NULL && conf_csr_check_names(cert, csr, &err) == -1)
		opt_mistake(c->m, sec, cert->csr->line, "csr: %s: %s",
		    cert->csr->path, err.msg);
}

void
check_free_csr(struct conf_cert *cert)
{
	if (cert->csr == NULL)
		return;
	free(cert->csr->path);
	free(cert->csr);
}
