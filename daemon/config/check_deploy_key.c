/* SPDX-License-Identifier: MIT */
/*
 * `key` of a target, or of a file in it: which one of a pair of certificates is
 * meant.  The certificate is one of a pair if its own `key` says so; what is
 * fetched may be one.
 */
#include <string.h>

#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

/* NULL, and a mistake: the certificate has no such key. */
static const char *
check_key(struct check *c, const struct section *sec,
    const struct conf_cert *cert)
{
	const struct value *v = tree_value(sec, "key");
	enum key_type type;

	if (v == NULL)
		return NULL;
	if (cert->source == NULL && !cert->is_pair) {
		opt_mistake(c->m, sec, v->line, "key is for a certificate with "
		    "two of them; allowed: with key = { \"ec256\", "
		    "\"rsa2048\" } in the certificate");
		return NULL;
	}
	type = opt_key_value(c->m, sec, "key", v);
	if (cert->source == NULL && type != cert->key &&
	    type != cert->second_key) {
		opt_mistake(c->m, sec, v->line, "key = \"%s\"; allowed: %s, "
		    "%s, as the certificate has", v->text,
		    key_type_name(cert->key), key_type_name(
		    cert->second_key));
		return NULL;
	}
	return key_type_family(type);
}

/* Of the files in sec that are called kind: the n-th of list is made of the
 * n-th. */
static void
check_files_keys(struct check *c, const struct section *sec, const char *kind,
    const struct conf_cert *cert, const char *target,
    struct conf_install *list)
{
	size_t n = 0;

	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];
		const struct value *v = tree_value(sub, "key");

		if (strcmp(sub->kind, kind) != 0)
			continue;
		if (v != NULL && target != NULL)
			opt_mistake(c->m, sub, v->line, "key is given for the "
			    "whole target already; allowed: one of them");
		else
			list[n].family = check_key(c, sub, cert);
		n++;
	}
}

void
check_deploy_key(struct check *c, const struct section *sec,
    const struct conf_cert *cert, struct conf_deploy *d)
{
	const struct value *v = tree_value(sec, "key");

	d->family = check_key(c, sec, cert);
	if (v != NULL && d->publish != NULL)
		opt_mistake(c->m, sec, v->line, "key is not for publish, which "
		    "takes both certificates; allowed: another deploy "
		    "section");
	check_files_keys(c, sec, "install", cert, d->family, d->installs);
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];

		if (strcmp(sub->kind, "ssh") == 0 && d->ssh != NULL)
			check_files_keys(c, sub, "file", cert, d->family,
			    d->ssh->files);
		else if (strcmp(sub->kind, "docker") == 0 && d->docker != NULL)
			check_files_keys(c, sub, "copy", cert, d->family,
			    d->docker->files);
	}
}
