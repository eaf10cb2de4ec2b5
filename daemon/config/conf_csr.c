/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf_csr.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/store/csr.h"

#define SHOWN 3		/* names of either side */

static void
append(char **list, size_t *n, const char *name)
{
	char *longer;

	if ((*n)++ > SHOWN)
		return;
	longer = xasprintf("%s%s%s", *list, *n > 1 ? ", " : "",
	    *n > SHOWN ? "..." : name);
	free(*list);
	*list = longer;
}

static bool
has_name(const struct conf_cert *cc, const char *name)
{
	for (unsigned i = 0; i < cc->n_names; i++) {
		if (strcmp(cc->names[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
asks_for(const struct csr *csr, const char *name)
{
	for (size_t i = 0; i < csr->n_names; i++) {
		if (strcmp(csr->names[i], name) == 0)
			return true;
	}
	return false;
}

int
conf_csr_check_names(const struct conf_cert *cc, const struct csr *csr,
    struct error *err)
{
	char *more = xstrdup(""), *less = xstrdup("");
	size_t n_more = 0, n_less = 0;
	int rc = 0;

	for (size_t i = 0; i < csr->n_names; i++) {
		if (!has_name(cc, csr->names[i]))
			append(&more, &n_more, csr->names[i]);
	}
	for (unsigned i = 0; i < cc->n_names; i++) {
		if (!asks_for(csr, cc->names[i].name))
			append(&less, &n_less, cc->names[i].name);
	}
	if (n_more > 0 || n_less > 0)
		rc = error_set(err, ERR_CONFIG, "csr:names", "%s%s%s%s%s%s; %s",
		    n_more > 0 ? "it asks for " : "", more,
		    n_more > 0 && n_less > 0 ? ", and " : "",
		    n_less > 0 ? "it does not ask for " : "", less,
		    n_more > 0 && n_less == 0 ? " besides" : "",
		    cc->csr->gives_names ? "the configuration was read when "
		    "it asked for other names: acmectl reload" : "allowed: "
		    "the same names here and there, or names left out");
	free(more);
	free(less);
	return rc;
}

int
conf_csr_read(const struct conf_cert *cc, struct csr *csr, struct error *err)
{
	if (csr_read(cc->csr->path, csr, err) == -1) {
		if (!cc->csr->is_hosts || strcmp(err->code,
		    "file:missing") != 0)
			return -1;
		return error_set(err, ERR_TRANSIENT, "request:none", "host "
		    "\"%s\" has not asked for it yet: there is no request of "
		    "it in repository \"%s\"; look at acmectl status there",
		    cc->csr->host->name, cc->csr->repository->name);
	}
	if (conf_csr_check_names(cc, csr, err) == 0)
		return 0;
	csr_clear(csr);
	return error_wrap(err, "%s", cc->csr->path);
}
