/* SPDX-License-Identifier: MIT */
#include "daemon/certs/floor.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"

bool
floor_is_held(const struct store_cert *row)
{
	return row->error != NULL && strcmp(row->error->code,
	    FLOOR_DUE_ON_ARRIVAL) == 0;
}

/* Why it is due already. */
static void
tell(struct cert *c, time_t now, const char *clock)
{
	const struct store_cert *row = &c->row;
	char left[TEXT_SPAN_MAX], old[TEXT_SPAN_MAX], at[TEXT_TIME_MAX];
	int64_t lifetime = (int64_t)row->not_after - row->not_before;
	int64_t age = (int64_t)now - row->not_before;
	struct error err;

	if (clock == NULL)
		clock = age > lifetime / 8 ? "is this machine's clock right?" :
		    "";
	(void)error_set(&err, ERR_TRANSIENT, FLOOR_DUE_ON_ARRIVAL,
	    "the certificate was due when it arrived: valid for %s only, %s "
	    "old on arrival%s%s; no other is ordered before %s, unless by "
	    "acmectl renew-now", text_span(row->not_after - now, left),
	    text_span(age > 0 ? age : 0, old), clock[0] != '\0' ? "; " : "",
	    clock, text_time(row->retry_at, at));
	c->row.error = xmemdup(&err, sizeof(err));
	event_emit(c->certs, row->name, STEP_INSTALL, LOGL_WARNING, "%s",
	    err.msg);
}

void
floor_installed(struct cert *c, const char *names, const char *clock)
{
	struct store_cert *row = &c->row;
	time_t now = clock_now(), due;

	if (c->conf == NULL)
		return;
	due = due_at(row->not_before, row->not_after,
	    c->conf->renew_before_s, row->spread);
	if (!due_is_near(row->not_before, row->not_after, due, now)) {
		if (row->early != 0) {
			row->early = 0;
			cert_save(c);
		}
		return;
	}
	/* What only comes near to it does not make it a day. */
	row->early = due_is_near(0, 0, due, now) ? row->early + 1 : 1;
	row->failures = row->early;
	row->retry_at = due_floor(row->early, now, row->not_after);
	row->error_at = now;
	free(row->names_failed);
	row->names_failed = xstrdup(names);
	tell(c, now, clock);
	cert_save(c);
}

/* Is the certificate that was issued of no use, also when its time comes? */
static bool
is_unfit(const struct error *err)
{
	return strncmp(err->code, "cert:", 5) == 0 &&
	    strcmp(err->code, "cert:expired") != 0 &&
	    strcmp(err->code, "cert:not-yet") != 0;
}

void
floor_failed(struct cert *c, enum step step, const struct error *err)
{
	struct store_cert *row = &c->row;
	time_t at;

	/* What another host orders is only fetched here.
	 * An order that is kept is gone on with: that orders nothing, unless
	 * what it has brought does not fit.  The CA may mend that: the first
	 * such order is asked again for the hour that it is kept. */
	if (c->watch != NULL || step < STEP_FINALIZE ||
	    (row->order_url != NULL && !is_unfit(err)))
		return;
	if (row->order_url == NULL || row->error_at < row->order_sent_at)
		row->early++;
	if (row->order_url != NULL && row->early < 2)
		return;
	at = due_floor(row->early, clock_now(), 0);
	if (row->retry_at < at)
		row->retry_at = at;
}
