/* SPDX-License-Identifier: MIT */
/* Hosts with keys of their own: their sections, a repository that is for them,
 * and which of them may open a certificate. */
#include "daemon/config/check_host.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/opt.h"
#include "daemon/store/csr.h"
#include "daemon/store/identity.h"

#define PATTERNS_MAX 100
#define KEY_ALLOWED "the public key that acmectl host prints, of 86 letters"

/* --- host "NAME" { public_key = "..." } --- */

struct conf_host *
check_host(struct check *c, const struct section *sec)
{
	struct conf_host *h = xcalloc(1, sizeof(*h));
	const struct value *v = tree_value(sec, "public_key");

	h->name = xstrdup(sec->title);
	h->file = sec->src->path;
	h->line = sec->line;
	h->end_line = sec->end;
	h->public_key = xstrdup(v != NULL ? v->text : "");
	if (v == NULL)
		opt_mistake(c->m, sec, sec->line, "public_key is missing; "
		    "allowed: " KEY_ALLOWED);
	else if (!identity_is_public(v->text))
		opt_refuse(c->m, sec, "public_key", v, KEY_ALLOWED);
	return h;
}

void
check_free_host(struct conf_host *h)
{
	if (h == NULL)
		return;
	free(h->name);
	free(h->public_key);
	free(h);
}

static int
by_key(const void *a, const void *b)
{
	const struct table_row *x = a, *y = b;

	return strcmp(((const struct conf_host *)x->object)->public_key,
	    ((const struct conf_host *)y->object)->public_key);
}

/* Whoever has the key of two hosts is both. */
void
check_hosts_end(struct check *c)
{
	size_t n = c->hosts.n;
	struct table_row *rows = xcalloc(n + 1, sizeof(*rows));

	if (n > IDENTITY_WRAPS_MAX)
		opt_mistake(c->m, c->hosts.rows[n - 1].sec,
		    c->hosts.rows[n - 1].sec->line, "found %zu hosts; "
		    "allowed: at most %d", n, IDENTITY_WRAPS_MAX);
	for (size_t i = 0; i < n; i++)
		rows[i] = c->hosts.rows[i];
	qsort(rows, n, sizeof(*rows), by_key);
	for (size_t i = 1; i < n; i++) {
		if (by_key(&rows[i - 1], &rows[i]) == 0 &&
		    *((struct conf_host *)rows[i].object)->public_key != '\0')
			opt_mistake(c->m, rows[i].sec, rows[i].sec->line,
			    "public_key: it is that of host \"%s\"; allowed: "
			    "a key of its own", rows[i - 1].sec->title);
	}
	free(rows);
}

/* --- a repository --- */

/* The host's own key, and whom it believes. */
static void
check_subscriber(struct check *c, const struct section *sec,
    struct conf_repository *r)
{
	const struct value *v = tree_value(sec, "publisher_key");
	int line = tree_value(sec, "host_key_file")->line;
	struct identity *id;
	struct error err;

	r->host_key_file = opt_file(c->m, sec, "host_key_file");
	if (v != NULL && !identity_is_public(v->text))
		opt_refuse(c->m, sec, "publisher_key", v, KEY_ALLOWED);
	id = r->host_key_file != NULL ? identity_read(r->host_key_file,
	    &err) : NULL;
	if (id == NULL) {
		if (r->host_key_file != NULL)
			opt_mistake(c->m, sec, line, "host_key_file: %s",
			    err.msg);
		return;
	}
	r->host = xstrdup(identity_name(id));
	r->publisher_key = xstrdup(v != NULL ? v->text :
	    identity_publisher(id));
	check_hash_secret(c, identity_public(id));
	check_hash_secret(c, r->publisher_key);
	if (r->publisher_key[0] == '\0')
		opt_mistake(c->m, sec, line, "publisher_key is missing, and "
		    "%s has none; allowed: the key that acmectl host list "
		    "prints on the host that publishes", r->host_key_file);
	identity_free(id);
}

void
check_repository_hosts(struct check *c, const struct section *sec,
    struct conf_repository *r)
{
	const struct value *to = tree_value(sec, "encrypt_to");
	const struct value *publisher = tree_value(sec, "publisher_key");

	if (to != NULL) {
		if (strcmp(to->text, "hosts") != 0)
			opt_refuse(c->m, sec, "encrypt_to", to, "hosts");
		r->to_hosts = true;
		r->hosts = c->conf->hosts;
		r->n_hosts = c->conf->n_hosts;
	}
	if (tree_value(sec, "host_key_file") != NULL)
		check_subscriber(c, sec, r);
	else if (publisher != NULL)
		opt_mistake(c->m, sec, publisher->line, "publisher_key is "
		    "given without host_key_file; allowed: with it");
}

/* --- hosts = { ... } of a certificate --- */

/* Who may open it, as one number; most certificates have the patterns of the
 * one before. */
static uint64_t
hash_readers(struct check *c, const struct conf_cert *cert)
{
	uint64_t sum = 0;

	if (c->readers_of != NULL && strv_equal(c->readers_of, cert->hosts))
		return c->readers;
	for (size_t i = 0; i < c->conf->n_hosts; i++) {
		if (conf_is_for_host(cert, c->conf->hosts[i]->name))
			sum += text_hash(TEXT_HASH_BASIS,
			    c->conf->hosts[i]->public_key);
	}
	c->readers_of = cert->hosts;
	c->readers = sum;
	return sum;
}

static char **
read_patterns(struct check *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "hosts");

	if (item == NULL)
		return NULL;
	if (item->n == 0 || item->n > PATTERNS_MAX)
		opt_mistake(c->m, sec, item->n > 0 ? item->values[0]->line :
		    sec->line, "hosts: found %zu; allowed: 1 to %d names of "
		    "hosts, or patterns such as \"web-*\"", item->n,
		    PATTERNS_MAX);
	return opt_list(c->m, sec, "hosts");
}

/* --- key_source = host --- */

static void
check_word(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "key_source");

	if (strcmp(v->text, "host") != 0)
		opt_refuse(c->m, sec, "key_source", v, "host");
	if (tree_value(sec, "csr") != NULL)
		opt_mistake(c->m, sec, v->line, "key_source is given with "
		    "csr; allowed: one of them");
}

void
check_keeps_key(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct value *v = tree_value(sec, "key_source");
	const struct conf_repository *r = cert->source;

	if (v == NULL)
		return;
	check_word(c, sec);
	cert->keeps_key = true;
	cert->key = opt_key_type(c->m, sec, "key");
	if (tree_item(sec, "key") != NULL && tree_item(sec, "key")->n > 1)
		opt_mistake(c->m, sec, tree_value(sec, "key")->line, "key: "
		    "key_source = host is for one key; allowed: one type");
	if (r != NULL && r->host_key_file == NULL)
		opt_mistake(c->m, sec, v->line, "key_source = host needs a "
		    "repository with host_key_file, which says who asks; "
		    "\"%s\" has none", r->name);
	if (r != NULL && r->type == REPOSITORY_HTTPS)
		opt_mistake(c->m, sec, v->line, "key_source = host needs a "
		    "repository to write a request to; \"%s\" is of type "
		    "https, which is to fetch from only", r->name);
}

void
check_key_source(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	struct conf_csr *cc;
	struct error ignored;
	struct csr csr;

	if (tree_item(sec, "source") != NULL)
		return;			/* check_keeps_key() */
	check_word(c, sec);
	cc = xcalloc(1, sizeof(*cc));
	cc->path = xasprintf("%s/requests/%s.pem", c->conf->state_dir,
	    sec->title);
	cc->is_hosts = true;
	cc->line = tree_value(sec, "key_source")->line;
	cert->csr = cc;
	cert->key = KEY_TYPE_END;
	/* It comes when the host asks; the names are the configuration's. */
	if (csr_read(cc->path, &csr, &ignored) == -1)
		return;
	memcpy(cc->hash, csr.hash, sizeof(cc->hash));
	cert->key = key_type_of(csr.key);
	csr_clear(&csr);
}

/* Whose key it is: one host alone has it. */
static void
check_owner(struct check *c, const struct section *sec,
    const struct conf_cert *cert, const struct conf_repository *to)
{
	const char *name = cert->hosts != NULL ? cert->hosts[0] : NULL;

	if (to == NULL)
		opt_mistake(c->m, sec, cert->csr->line, "key_source = host is "
		    "for a certificate that is published in a repository with "
		    "encrypt_to = hosts");
	if (to == NULL || name == NULL)
		return;
	cert->csr->repository = to;
	cert->csr->host = table_find(&c->hosts, name);
	if (cert->hosts[1] != NULL || (cert->csr->host == NULL &&
	    !c->is_partial))
		opt_mistake(c->m, sec, tree_value(sec, "hosts")->line,
		    "hosts: key_source = host is for one host, whose key it "
		    "is; allowed: the name of one host section");
}

/* A pattern may be for hosts to come; a name that nobody has is mistyped. */
static void
warn_unknown(struct check *c, const struct section *sec,
    const struct conf_cert *cert)
{
	for (size_t i = 0; cert->hosts[i] != NULL; i++) {
		if (strpbrk(cert->hosts[i], "*?[\\") == NULL &&
		    table_find(&c->hosts, cert->hosts[i]) == NULL)
			opt_warn(c->m, sec, tree_value(sec, "hosts")->line,
			    "hosts: there is no host section \"%.200s\", which "
			    "therefore cannot open what is published; see "
			    "acmectl host add", cert->hosts[i]);
	}
}

void
check_cert_hosts(struct check *c, const struct section *sec,
    struct conf_cert *cert)
{
	const struct conf_repository *to = NULL;

	cert->hosts = read_patterns(c, sec);
	for (unsigned i = 0; i < cert->n_deploys; i++) {
		struct conf_deploy *d = cert->deploys[i];

		if (d->publish == NULL || !d->publish->to_hosts)
			continue;
		to = d->publish;
		/* Whoever comes or goes has it published again. */
		if (cert->hosts != NULL) {
			uint64_t readers = hash_readers(c, cert);

			d->hash += readers;
			d->whole_hash += readers;
			if (readers == 0 && cert->hosts[0] != NULL)
				opt_warn(c->m, sec, sec->line, "hosts: no "
				    "host section has such a name: nobody can "
				    "open what is published; see acmectl host "
				    "add");
			else if (!c->is_partial)
				warn_unknown(c, sec, cert);
		}
	}
	if (to != NULL && cert->hosts == NULL)
		opt_mistake(c->m, sec, sec->line, "hosts is missing; "
		    "repository \"%s\" encrypts to hosts: hosts = { "
		    "\"web-*\" } names those that may open this certificate",
		    to->name);
	if (cert->csr != NULL && cert->csr->is_hosts)
		check_owner(c, sec, cert, to);
	else if (to == NULL && cert->hosts != NULL && !c->is_partial)
		opt_mistake(c->m, sec, tree_item(sec, "hosts")->n > 0 ?
		    tree_value(sec, "hosts")->line : sec->line, "hosts is for "
		    "a certificate that is published in a repository with "
		    "encrypt_to = hosts");
}
