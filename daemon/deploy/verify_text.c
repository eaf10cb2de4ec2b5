/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/verify_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/kind.h"
#include "daemon/io/tls_cert.h"
#include "daemon/store/store.h"
#include "daemon/store/version.h"

const char *
verify_label(const struct conf_verify *v, const char *address,
    char out[VERIFY_LABEL_MAX])
{
	bool is_v6 = strchr(v->host, ':') != NULL;
	bool is_said = address == NULL || strcmp(address, v->host) == 0;

	(void)text_printf(out, VERIFY_LABEL_MAX, "%s%s%s:%u%s%s%s",
	    is_v6 ? "[" : "", v->host, is_v6 ? "]" : "", (unsigned)v->port,
	    is_said ? "" : " (", is_said ? "" : address, is_said ? "" : ")");
	return out;
}

/* Is there, or was there lately, such a version of ours? */
static bool
is_ours(const struct deploy_args *a, const char *serial)
{
	const char *slash = strrchr(a->version_dir, '/');
	struct store_version v;
	struct error ignored;
	struct stat st;
	char *path;
	bool found;

	if (slash == NULL || serial[0] == '\0')
		return false;
	path = xasprintf("%.*s/%s", (int)(slash - a->version_dir),
	    a->version_dir, serial);
	found = stat(path, &st) == 0;
	free(path);
	if (!found && a->env->store != NULL && store_version_read(
	    a->env->store, a->cert->name, serial, &v, &ignored) == 0) {
		store_version_clear(&v);	/* the second of a pair */
		found = true;
	}
	return found;
}

static const char *
unit_of(const struct conf_deploy *t)
{
	return t->reload != NULL ? t->reload[0] :
	    t->restart != NULL ? t->restart[0] : NULL;
}

/* A server that was reloaded, and shows the old one: it reads another file. */
static int
serves_old(const struct deploy_args *a, const char *label, const char *which,
    struct error *err)
{
	const struct conf_deploy *t = a->target;
	const char *unit = unit_of(t);

	if (unit == NULL)
		return error_set(err, ERR_TRANSIENT, VERIFY_ERR_OLD,
		    "%s still serves the old certificate %s", label, which);
	return error_set(err, ERR_TRANSIENT, VERIFY_ERR_OLD,
	    "%s still serves the old certificate %s; does %s read %s%s?",
	    label, which, unit, t->n_installs > 0 ? t->installs[0].path :
	    a->live_dir, t->n_installs > 0 ? "" : "/fullchain.pem");
}

int
verify_wrong(const struct deploy_args *a, const struct tls_reply *r,
    const char *label, struct error *err)
{
	char expiry[TEXT_EXPIRY_MAX], which[600];

	(void)text_printf(which, sizeof(which), "(%s; serial %s, by "
	    "\"%s\")", text_expiry(r->not_after - clock_now(), expiry),
	    r->serial, r->issuer);
	if (is_ours(a, r->serial) ||
	    strcmp(r->issuer, STORE_PLACEHOLDER_ISSUER) == 0)
		return serves_old(a, label, which, err);
	if (r->is_for_name)
		return error_set(err, ERR_TRANSIENT, VERIFY_ERR_OTHER,
		    "%s serves another certificate for that name %s", label,
		    which);
	return error_set(err, ERR_TRANSIENT, VERIFY_ERR_OTHER,
	    "%s serves a certificate for %s %s", label, r->name[0] != '\0' ?
	    r->name : "nobody", which);
}

void
verify_advise(const struct deploy_args *a, struct error *err)
{
	const char *unit = unit_of(a->target);
	size_t used = strlen(err->msg);

	if (strcmp(err->code, "tls:refused") != 0)
		return;
	if (unit != NULL)
		(void)text_printf(err->msg + used, sizeof(err->msg) - used,
		    " (does it run, and listen there?  The files are in place: "
		    "systemctl start %s)", unit);
	else
		(void)text_printf(err->msg + used, sizeof(err->msg) - used,
		    " (does it run, and listen there?)");
}
