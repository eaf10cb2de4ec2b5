/* SPDX-License-Identifier: MIT */
#include "daemon/certs/ari_window.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/cert.h"
#include "daemon/certs/due.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/pair.h"
#include "daemon/store/keys.h"

#define FIRST_S 30		/* after an installation, and up to twice it */

bool
ari_window_is_asked(const struct cert *c)
{
	const struct conf_account *account = issuer_account(c);

	return account != NULL && account->ari;
}

static time_t
own_due_at(const struct cert *c)
{
	return due_at(c->row.not_before, c->row.not_after,
	    c->conf->renew_before_s, c->row.spread);
}

/* What the CA has said of the second of a pair, or NULL. */
static const struct store_pair *
second_window(const struct cert *c)
{
	const struct store_pair *p = pair_installed(c);

	return p != NULL && p->ari_end != 0 ? p : NULL;
}

/* A pair is due when the one of the two is that is so first. */
time_t
ari_window_due_at(const struct cert *c, bool *by_ari)
{
	const struct store_cert *row = &c->row;
	const struct store_pair *p = second_window(c);
	time_t installed = row->installed_at <= clock_now() ?
	    row->installed_at : 0;
	time_t at = row->ari_end != 0 ? row->ari_at : 0;

	*by_ari = (row->ari_end != 0 || p != NULL) && ari_window_is_asked(c);
	if (p != NULL && (at == 0 || p->ari_at < at))
		at = p->ari_at;
	return *by_ari ? due_ari(row->not_before, row->not_after, at,
	    row->ari_pulled_at, installed) : own_due_at(c);
}

bool
ari_window_is_recalled(const struct cert *c)
{
	const struct store_cert *row = &c->row;
	const struct store_pair *p = second_window(c);
	int64_t life = (int64_t)row->not_after - row->not_before;
	time_t end = row->ari_end;

	if (p != NULL && (end == 0 || p->ari_end < end))
		end = p->ari_end;
	return end != 0 && ari_window_is_asked(c) && end <= clock_now() &&
	    end < due_at(row->not_before, row->not_after, life, 0) - life / 8;
}

void
ari_window_run_begins(struct cert *c)
{
	time_t now = clock_now();
	bool by_ari;

	c->is_pulled = !c->was_forced && ari_window_is_asked(c) &&
	    ari_window_due_at(c, &by_ari) <= now && by_ari && own_due_at(c) >
	    now;
}

static void
forget_window(struct store_cert *row)
{
	row->ari_start = row->ari_end = row->ari_at = 0;
	free(row->ari_url);
	row->ari_url = NULL;
}

void
ari_window_installed(struct cert *c, const struct cert_info *info,
    const char *directory)
{
	struct store_cert *row = &c->row;

	if (c->is_pulled)
		row->ari_pulled_at = clock_now();
	c->is_pulled = false;
	forget_window(row);
	xstrset(&row->ari_id, info->ari_id);
	xstrset(&row->ari_directory, directory);
	row->ari_poll_at = clock_now() + FIRST_S +
	    (time_t)arc4random_uniform(FIRST_S);
	c->ari_failures = 0;
}

/* Is one of the names of the installed certificate still wanted?  CAs refuse
 * what has nothing to do with the one it claims to replace. */
static bool
shares_name(const struct cert *c)
{
	json_t *list = c->row.names == NULL ? NULL : json_loads(c->row.names,
	    0, NULL);
	bool shares = false;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		for (size_t n = 0; n < c->conf->n_names; n++)
			shares = shares || strcmp(json_string_value(item),
			    c->conf->names[n].name) == 0;
	}
	json_decref(list);
	return shares;
}

const char *
ari_window_replaces(const struct cert *c, bool is_second)
{
	const struct store_cert *row = &c->row;
	const struct store_pair *p = pair_installed(c);
	const char *id = !is_second ? row->ari_id : p != NULL ? p->ari_id :
	    NULL;

	/* No CA knows what another one has issued. */
	if (!ari_window_is_asked(c) || row->ari_directory == NULL ||
	    issuer_account(c) != issuer_now(c) || id == NULL || id[0] == '\0' ||
	    row->not_after <= clock_now() ||
	    !shares_name(c))
		return NULL;
	return id;
}

void
ari_window_of_second(struct cert *c, time_t start, time_t end)
{
	struct store_pair *p = pair_row(c);

	p->ari_start = start;
	p->ari_end = end;
	p->ari_at = due_ari_draw(start, end, p->ari_at);
}

json_t *
ari_window_json(const struct cert *c)
{
	const struct store_cert *row = &c->row;

	if (row->ari_end == 0 || !ari_window_is_asked(c))
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}",
	    "start", jsonx_time(row->ari_start),
	    "end", jsonx_time(row->ari_end), "drawn", jsonx_time(row->ari_at),
	    "next_at", jsonx_time(row->ari_poll_at), "explanation_url",
	    row->ari_url != NULL ? json_string(row->ari_url) : json_null());
}
