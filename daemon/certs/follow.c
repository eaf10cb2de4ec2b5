/* SPDX-License-Identifier: MIT */
#include "daemon/certs/follow.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/cert_names.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/missing.h"

static bool
is_not_served(const char *name, const void *info)
{
	return !cert_info_serves(info, &name, 1);
}

static bool
conf_is_served(const struct conf_cert *conf, const struct cert_info *info)
{
	for (size_t i = 0; i < conf->n_names; i++) {
		if (is_not_served(conf->names[i].name, info))
			return false;
	}
	return true;
}

/*
 * The names of one that may have been issued without some of its names: the
 * row that told so may be lost.  They are tried at once.  NULL: it is not such
 * a one.
 */
static char *
follow_shrunk(struct cert *c, const struct cert_info *info, size_t n)
{
	struct conf_cert *less = c->conf == NULL || c->conf->on_name_failure !=
	    NAME_FAILURE_SHRINK ? NULL : conf_cert_without(c->conf,
	    is_not_served, info);
	char *names = NULL;

	if (less != NULL && less->n_names == n) {
		missing_installed(c, c->conf, less, NULL, clock_now());
		names = cert_names_of(less);
	}
	free(less);
	return names;
}

/*
 * live/NAME is what servers see.  Where it and the row differ (a restored
 * backup, files removed by hand, a crash before the row was written) the
 * files are believed, and to be deployed: the servers may not have them yet.
 */
void
cert_follow_live(struct cert *c, const struct cert_info *info)
{
	struct store_cert *row = &c->row;
	size_t n = 0;
	bool serves;

	cert_take_info(c, info);
	row->spread = due_spread();	/* the row may be a new one */
	free(row->names);
	while (info->names[n] != NULL)
		n++;
	/* Some CAs add names: it is what was asked for all the same.  Of what
	 * others have made, nothing may have been asked for. */
	serves = c->conf != NULL && c->conf->n_names > 0 &&
	    conf_is_served(c->conf, info);
	if (serves)
		missing_installed(c, c->conf, c->conf, NULL, 0);
	row->names = serves ? cert_names(c) : follow_shrunk(c, info, n);
	if (row->names == NULL)
		row->names = cert_names_json((const char **)info->names, n);
	/* It does not tell: most likely as it is wanted. */
	xstrset(&row->profile, c->conf != NULL ? c->conf->profile : NULL);
	ari_window_installed(c, info, info->ca.directory);
	/* Most likely it is of this order, and came just before a crash: a
	 * freeze does not hold what came in it. */
	if (row->order_url != NULL) {
		row->asked_at = 0;
		row->installed_at = clock_now();
	}
	cert_order_forget(c);
	cert_save(c);
}
