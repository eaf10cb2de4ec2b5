/* SPDX-License-Identifier: MIT */
#include "daemon/accounts/fault.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/account_key.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/issuer.h"

/* An account that has one. */
struct fault {
	struct fault	*next;
	char		*name;
	time_t		 at;
	struct error	 err;
};

static const struct fault *
find(const struct fault *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static void
free_list(struct fault *list)
{
	while (list != NULL) {
		struct fault *next = list->next;

		free(list->name);
		free(list);
		list = next;
	}
}

static void
look_at(struct certs *certs, const struct conf_account *a,
    const struct fault *old)
{
	const struct fault *was = find(old, a->name);
	struct fault *f;
	struct error err;
	EVP_PKEY *key = account_key_load(certs->store, a, &err);

	EVP_PKEY_free(key);
	if (key != NULL || strcmp(err.code, "store:no-key") == 0) {
		if (was != NULL)
			log_notice(NULL, "account \"%s\": its key is in order "
			    "again", a->name);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	f->name = xstrdup(a->name);
	f->err = err;
	f->at = was != NULL ? was->at : clock_now();
	f->next = certs->faults;
	certs->faults = f;
	if (was == NULL)
		log_error(NULL, "account \"%s\" cannot be used: %s", a->name,
		    err.msg);
}

void
fault_look(struct certs *certs)
{
	struct fault *old = certs->faults;

	certs->faults = NULL;
	for (size_t i = 0; i < certs->conf->n_accounts; i++)
		look_at(certs, certs->conf->accounts[i], old);
	free_list(old);
}

void
fault_look_again(struct certs *certs)
{
	if (certs->faults != NULL)
		fault_look(certs);
}

const struct error *
fault_of(const struct cert *c, time_t *at)
{
	const struct conf_account *a;
	const struct fault *f;

	if (c->certs->faults == NULL)
		return NULL;
	a = issuer_now(c);
	f = a == NULL ? NULL : find(c->certs->faults, a->name);
	if (f == NULL)
		return NULL;
	*at = f->at;
	return &f->err;
}

void
fault_clear(struct certs *certs)
{
	free_list(certs->faults);
	certs->faults = NULL;
}
