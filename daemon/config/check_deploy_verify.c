/* SPDX-License-Identifier: MIT */
/* verify = { "HOST[:PORT] [OPTION=VALUE ...]", ... } */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define VERIFY_MAX 20
#define VERIFY_TIMEOUT_S 60
#define CLOUD_TIMEOUT_S 1200		/* edges take up to 20 minutes */

#define ALLOWED "\"HOST:PORT\", and after a space starttls=PROTOCOL, " \
    "sni=NAME, connect=ADDRESS[:PORT], ca_file=FILE"

static bool
is_address(const char *s)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, buf) == 1 ||
	    inet_pton(AF_INET6, s, buf) == 1;
}

/* 1 to 65535, or 0. */
static uint16_t
parse_port(const char *s)
{
	char *end;
	unsigned long n;

	if (*s < '0' || *s > '9' || strlen(s) > 5)
		return 0;
	n = strtoul(s, &end, 10);
	return *end == '\0' && n <= 65535 ? (uint16_t)n : 0;
}

/* "HOST:PORT", "HOST", "[V6]:PORT", "V6"; cut in place.  *port 0: none. */
static int
split_port(char *text, char **host, uint16_t *port)
{
	char *end, *colon = strrchr(text, ':');

	*host = text;
	*port = 0;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -1;
		*host = text + 1;
		*end = '\0';
		if (end[1] == '\0')
			return 0;
		colon = end + 1;
	} else if (colon == NULL || strchr(text, ':') != colon) {
		return 0;	/* none, or an IPv6 address as it is */
	}
	*colon = '\0';
	*port = parse_port(colon + 1);
	return *port == 0 ? -1 : 0;
}

/* An address, a domain name, or one label; NULL if it is none of them. */
static char *
parse_host(const char *s)
{
	char name[DNAME_SIZE];
	struct error err;
	char *host;

	if (is_address(s))
		return xstrdup(s);
	if (dname_normalize(s, true, false, name, &err) == 0)
		return xstrdup(name);
	if (*s == '\0' || strlen(s) > 63 || s[strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
	    ] != '\0')
		return NULL;
	host = xstrdup(s);
	for (char *p = host; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return host;
}

/* One OPTION=VALUE; what is wrong with it, or NULL. */
static const char *
parse_option(const struct section *sec, struct conf_verify *v, char *word,
    bool *has_starttls)
{
	char *value = strchr(word, '='), *host;

	if (value == NULL || value[1] == '\0')
		return ALLOWED;
	*value++ = '\0';
	if (strcmp(word, "starttls") == 0) {
		*has_starttls = true;
		return starttls_parse(value, &v->starttls) == 0 ? NULL :
		    "starttls= one of " STARTTLS_ALL;
	}
	if (strcmp(word, "sni") == 0) {
		v->has_sni = true;
		free(v->sni);
		v->sni = strcmp(value, "none") == 0 ? NULL :
		    parse_host(value);
		return strcmp(value, "none") == 0 || (v->sni != NULL &&
		    !is_address(v->sni)) ? NULL : "sni= a name, or none";
	}
	if (strcmp(word, "connect") == 0) {
		free(v->connect);
		v->connect = NULL;
		if (split_port(value, &host, &v->connect_port) == 0)
			v->connect = parse_host(host);
		return v->connect != NULL ? NULL :
		    "connect= an address, or a name, and perhaps :PORT";
	}
	if (strcmp(word, "ca_file") == 0) {
		free(v->ca_file);
		v->ca_file = opt_path(sec->src, value);
		return access(v->ca_file, R_OK) == 0 ? NULL :
		    "ca_file= a file of PEM certificates that can be read";
	}
	return ALLOWED;
}

/* Cut the next word off; NULL: there is none. */
static char *
next_word(char **p)
{
	char *word = *p + strspn(*p, " \t"), *end = word + strcspn(word,
	    " \t");

	*p = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return *word != '\0' ? word : NULL;
}

/* What is wrong with it, or NULL. */
static const char *
parse_entry(const struct section *sec, struct conf_verify *v, char *text)
{
	char *word = next_word(&text), *host;
	const char *wrong = NULL;
	bool has_starttls = false;

	if (word == NULL || split_port(word, &host, &v->port) == -1 ||
	    (v->host = parse_host(host)) == NULL)
		return ALLOWED;
	while (wrong == NULL && (word = next_word(&text)) != NULL)
		wrong = parse_option(sec, v, word, &has_starttls);
	if (!has_starttls)
		v->starttls = starttls_of_port(v->port);
	if (v->port == 0)
		v->port = v->starttls == STARTTLS_NONE ? 443 :
		    starttls_port(v->starttls);
	if (!v->has_sni && !is_address(v->host))
		v->sni = xstrdup(v->host);
	v->has_sni = v->has_sni || v->sni != NULL;
	return wrong;
}

void
check_verify_entry(struct check *c, const struct section *sec,
    const char *key, const struct value *value, struct conf_verify *v)
{
	char *copy = xstrdup(value->text);
	const char *wrong = parse_entry(sec, v, copy);

	if (wrong != NULL)
		opt_refuse(c->m, sec, key, value, wrong);
	free(copy);
}

void
check_free_verify_entry(struct conf_verify *v)
{
	free(v->host);
	free(v->sni);
	free(v->connect);
	free(v->ca_file);
}

static bool
parse_failure(struct check *c, const struct section *sec)
{
	const struct value *v = tree_value(sec, "on_verify_failure");

	if (v == NULL || strcmp(v->text, "none") == 0)
		return false;
	if (strcmp(v->text, "rollback") != 0)
		opt_refuse(c->m, sec, "on_verify_failure", v,
		    "none, rollback");
	return true;
}

/* One that is configured nowhere. */
static void
add_host(struct conf_deploy *d, const char *name)
{
	struct conf_verify *v = &d->verify[d->n_verify];
	struct error err;
	char host[DNAME_SIZE];

	if (dname_normalize(name, true, false, host, &err) == -1)
		return;
	v->host = xstrdup(host);
	v->sni = xstrdup(host);
	v->has_sni = true;
	v->port = 443;
	d->n_verify++;
}

void
check_deploy_verify_hosts(struct check *c, const struct section *sec,
    struct conf_deploy *d, const char *const *hosts)
{
	size_t n = 0;

	while (hosts[n] != NULL)
		n++;
	d->verify = xcalloc(n + 1, sizeof(*d->verify));
	for (size_t i = 0; i < n; i++)
		add_host(d, hosts[i]);
	d->verify_timeout_s = (unsigned)opt_duration(c->m, sec,
	    "verify_timeout", 1, 3600, CLOUD_TIMEOUT_S);
	d->rollback = parse_failure(c, sec);
}

/* Nothing, where otherwise something would be. */
static bool
is_none(const struct section *sec, const struct item *item)
{
	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, "cloud") == 0)
			return item != NULL && item->n == 1 &&
			    strcmp(item->values[0]->text, "none") == 0;
	}
	return false;
}

void
check_deploy_verify(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct item *item = tree_item(sec, "verify");
	size_t n = item != NULL ? item->n : 0;

	if (is_none(sec, item))
		return;
	if (n == 0 || n > VERIFY_MAX) {
		opt_mistake(c->m, sec, sec->line, "verify has %zu entries; "
		    "allowed: 1 to %d of %s", n, VERIFY_MAX, ALLOWED);
		n = 0;
	}
	d->verify = xcalloc(n + 1, sizeof(*d->verify));
	for (size_t i = 0; i < n; i++)
		check_verify_entry(c, sec, "verify", item->values[i],
		    &d->verify[d->n_verify++]);
	d->verify_timeout_s = (unsigned)opt_duration(c->m, sec,
	    "verify_timeout", 1, 3600, d->cloud != NULL ? CLOUD_TIMEOUT_S :
	    VERIFY_TIMEOUT_S);
	d->rollback = parse_failure(c, sec);
}

void
check_free_deploy_verify(struct conf_deploy *d)
{
	for (size_t i = 0; i < d->n_verify; i++)
		check_free_verify_entry(&d->verify[i]);
	free(d->verify);
}
