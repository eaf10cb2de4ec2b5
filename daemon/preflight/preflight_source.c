/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/config/conf_csr.h"
#include "daemon/publish/fetch.h"
#include "daemon/rollout/given.h"
#include "daemon/store/csr.h"

static void
looked(const struct error *err, const struct fetch_result *result, void *arg)
{
	struct pf_check *c = arg;
	const char *name = c->pc->cc->source->name;

	c->fetch = NULL;
	if (err != NULL && strcmp(err->code, "object:missing") == 0)
		pf_tell(c, PF_FAIL, "publish it there, under the same name of "
		    "the certificate, and see that the prefixes agree", "%s",
		    err->msg);
	else if (err != NULL)
		pf_tell(c, PF_FAIL, err->kind == ERR_TRANSIENT ? "try again; "
		    "check the repository and the network to it" : "fix the "
		    "repository's section here, or what is published", "%s",
		    err->msg);
	else
		pf_tell(c, PF_OK, NULL, "repository \"%s\" has certificate "
		    "%s%s",
		    name, result->serial, result->is_new ? ", which is newer "
		    "than the one here" : "");
}

static void
source_check(struct pf_check *c)
{
	const struct preflight *pf = c->pc->pf;
	const struct cert *cert = certs_find(pf->env->certs, c->pc->cc->name);

	c->fetch = fetch_start(&(struct fetch_args){
	    .loop = pf->env->loop, .http = pf->env->http,
	    .etcd = pf->env->etcd, .store = pf->env->store,
	    .cert = c->pc->cc, .repository = c->pc->cc->source,
	    .serial = cert != NULL ? cert_serial(cert) : "",
	    .not_before = cert != NULL ? cert->row.not_before : 0,
	    .published_at = cert != NULL ? cert->row.source_at : 0,
	    .etag = "", .only_look = true }, looked, c);
}

/* Of files: would they be taken? */
static void
files_check(struct pf_check *c)
{
	const struct preflight *pf = c->pc->pf;
	const struct conf_cert *cc = c->pc->cc;
	const struct cert *cert = certs_find(pf->env->certs, cc->name);
	struct given g;
	struct error err;

	if (cc->given->fullchain == NULL) {
		pf_tell(c, PF_OK, NULL, "it is handed over: acmectl put %s "
		    "CHAIN KEY", cc->name);
		return;
	}
	if (given_read_files(cc, &g, &err) == -1)
		pf_tell(c, PF_FAIL, "correct the files, or their paths",
		    "%s", err.msg);
	else
		pf_tell(c, PF_OK, NULL, "%s has certificate %s%s",
		    cc->given->fullchain, g.info.serial, cert != NULL &&
		    given_is_newer(&cert->row, &g.info) ? ", which is newer "
		    "than the one here" : "");
	given_clear(&g);
}

void
pf_source_plan(struct pf_cert *pc)
{
	if (pc->cc->given != NULL) {
		(void)pf_check_add(pc, NULL, "source", files_check);
		return;
	}
	(void)pf_check_add(pc, NULL, "source", source_check);
}

void
pf_csr_plan(struct pf_cert *pc)
{
	const struct conf_csr *cc = pc->cc->csr;
	struct csr csr;
	struct error err;

	if (cc == NULL || cc->is_hosts)
		return;
	if (conf_csr_read(pc->cc, &csr, &err) == -1) {
		pf_tell(pf_check_add(pc, NULL, "csr", NULL), PF_FAIL, "have "
		    "the request made where its key is, and put it there",
		    "%s", err.msg);
		return;
	}
	csr_clear(&csr);
	pf_tell(pf_check_add(pc, NULL, "csr", NULL), PF_OK, NULL, "%s asks "
	    "for these names", cc->path);
}
