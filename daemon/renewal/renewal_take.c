/* SPDX-License-Identifier: MIT */
/* A run for a certificate that somebody else has made: take it in. */
#include "daemon/renewal/renewal_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/event.h"
#include "daemon/rollout/given.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/store/store.h"

/* What we have is what is there: the end of an error, if there was one. */
static void
nothing_new(struct renewal *r, const struct given *g)
{
	struct store_cert *row = &r->cert->row;

	event_emit(r->env->certs, row->name, r->cert->step, LOGL_INFO,
	    strcmp(row->serial, g->info.serial) == 0 ? "certificate %s is "
	    "installed already" : "certificate %s is older than the installed "
	    "one, which stays", g->info.serial);
	row->failures = 0;
	row->retry_at = 0;
	free(row->error);
	row->error = NULL;
	cert_save(r->cert);
	renewal_finish(r, NULL);
}

static void
take(struct renewal *r, struct given *g)
{
	size_t n = 0;

	r->key = g->key;
	g->key = NULL;
	r->pem = g->pem;
	g->pem = NULL;
	r->pem_len = strlen(r->pem);
	if (r->cc->n_names == 0) {
		while (g->info.names[n] != NULL)
			n++;
		free(r->names_json);
		r->names_json = cert_names_json((const char **)(uintptr_t)
		    g->info.names, n);
	}
	renewal_goto(r, STEP_INSTALL);
}

/* What acmectl put handed over; 1: nothing, or nothing that is of use.  What is
 * not to be installed is not kept, or it would hide what comes into the files
 * later. */
static int
read_kept(struct renewal *r, struct given *g, struct error *err)
{
	struct store *store = r->env->store;
	const char *name = r->cert->row.name;
	int rc = given_read_kept(store, r->cc, g, err);

	if (rc == 0 && given_is_newer(&r->cert->row, &g->info))
		return 0;
	/* Where it cannot be read now, it may be later. */
	if (rc == -1 && strncmp(err->code, "given:", 6) != 0)
		return -1;
	store_pending_drop(store, name);
	if (rc == 0 && r->cc->given->fullchain != NULL) {
		given_clear(g);
		rc = 1;
	}
	return rc;
}

void
renewal_enter_take(struct renewal *r)
{
	const struct conf_given *files = r->cc->given;
	const char *name = r->cert->row.name;
	struct given g;
	struct error err;
	int rc;

	/* An order from before is of no use any more. */
	if (r->cert->row.order_url != NULL) {
		cert_order_forget(r->cert);
		cert_save(r->cert);
	}
	rc = read_kept(r, &g, &err);
	watch_reads(r->cert, rc == 1);
	if (rc == 1 && files->fullchain != NULL) {
		event_emit(r->env->certs, name, r->cert->step, LOGL_INFO,
		    "reading %s and %s", files->fullchain, files->privkey);
		rc = given_read_files(r->cc, &g, &err);
	} else if (rc == 1) {
		rc = error_set(&err, ERR_CONFIG, "given:none", "nobody has "
		    "handed over a certificate: acmectl put %s CHAIN KEY",
		    name);
	}
	if (rc == 0)
		rc = given_check_serial(&r->cert->row, &g.info, &err);
	if (rc == -1)
		renewal_fail(r, &err);
	else if (given_is_newer(&r->cert->row, &g.info))
		take(r, &g);
	else
		nothing_new(r, &g);
	given_clear(&g);
}
