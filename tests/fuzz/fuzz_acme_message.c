/* SPDX-License-Identifier: MIT */
/* What a CA sends: every reader of daemon/acme gets the same bytes. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/acme/link.h"
#include "daemon/acme/message.h"
#include "daemon/acme/problem.h"
#include "daemon/acme/refusal.h"
#include "daemon/acme/url.h"
#include "tests/fuzz/fuzz.h"

static void
need(bool ok)
{
	if (!ok)
		abort();
}

static void
check_error(const struct error *err)
{
	need(err->kind > ERR_NONE && err->kind < ERR_KIND_END);
	need(memchr(err->msg, '\0', sizeof(err->msg)) != NULL);
	need(memchr(err->code, '\0', sizeof(err->code)) != NULL);
	for (const char *p = err->msg; *p != '\0'; p++)
		need((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void
read_directory(const char *text, size_t len)
{
	struct error err;
	struct directory *d = message_directory(text, len, false, &err);

	if (d == NULL) {
		check_error(&err);
		return;
	}
	need(url_is_ok(d->new_nonce, false));
	need(url_is_ok(d->new_account, false));
	need(url_is_ok(d->new_order, false));
	directory_free(d);
}

static void
read_order(const char *text, size_t len)
{
	struct error err;
	struct acme_order *o = message_order(text, len, "https://ca/o", false,
	    &err), *copy;

	if (o == NULL) {
		check_error(&err);
		return;
	}
	copy = acme_order_dup(o);
	acme_order_free(o);
	need(copy->n_authz <= MESSAGE_LIST_MAX);
	for (size_t i = 0; i < copy->n_authz; i++)
		need(url_is_ok(copy->authz_urls[i], false));
	need(copy->finalize_url == NULL ||
	    url_is_ok(copy->finalize_url, false));
	need(copy->cert_url == NULL || copy->status == ACME_VALID);
	if (copy->error != NULL)
		check_error(copy->error);
	acme_order_free(copy);
}

static void
read_authz(const char *text, size_t len)
{
	struct error err;
	struct acme_authz *a = message_authz(text, len, false, &err), *copy;

	if (a == NULL) {
		check_error(&err);
		return;
	}
	copy = acme_authz_dup(a);
	acme_authz_free(a);
	need(copy->n_challenges <= MESSAGE_LIST_MAX);
	need(strlen(copy->identifier) <= 253);
	for (size_t i = 0; i < copy->n_challenges; i++) {
		const struct acme_challenge *c = &copy->challenges[i];

		need(url_is_ok(c->url, false));
		need(c->token != NULL || strcmp(c->type, "dns-01") != 0);
		need((c->issuers != NULL) ==
		    (strcmp(c->type, "dns-persist-01") == 0));
		need(c->issuers == NULL || c->issuers[0] != NULL);
		need(c->account_uri == NULL || (c->account_uri[0] != '\0' &&
		    strpbrk(c->account_uri, "; \t\n") == NULL));
		if (c->error != NULL)
			check_error(c->error);
	}
	acme_authz_free(copy);
}

static void
read_renewal_info(const char *text, size_t len)
{
	struct acme_renewal_info info;
	struct error err;

	if (message_renewal_info(text, len, &info, &err) == -1) {
		check_error(&err);
		return;
	}
	need(info.start > 0 && info.end > info.start);
	for (const char *p = info.explanation; *p != '\0'; p++)
		need((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void
resolve(const char *target, void *arg)
{
	char *url = url_resolve("https://ca.test/cert/1", target, false);

	need(url == NULL || url_is_ok(url, false));
	free(url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* As http hands it over: with a NUL behind it. */
	char *body = xmalloc(size + 1);
	char domain[DNAME_SIZE];
	struct error err;

	if (size > 0)
		memcpy(body, data, size);
	body[size] = '\0';
	read_directory(body, size);
	read_order(body, size);
	read_authz(body, size);
	read_renewal_info(body, size);
	problem_from_reply(403, body, size, 0, &err);
	check_error(&err);
	if (refusal_about(&err, domain) == REFUSAL_DOMAIN)
		need(strlen(domain) <= DNAME_MAX);
	(void)refusal_retry_at(body);
	if (message_chain(body, size, &err) == -1)
		check_error(&err);
	link_each(body, "alternate", resolve, NULL);
	free(body);
	return 0;
}
