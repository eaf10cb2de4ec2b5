/* SPDX-License-Identifier: MIT */
#include "daemon/acme/ca_clock.h"

#include <stddef.h>

#include "common/clock.h"
#include "daemon/io/http.h"

void
ca_clock_note(struct ca_clock *c, const struct http_reply *reply)
{
	time_t date = http_reply_date(reply);

	if (date == 0 || http_reply_header(reply, "Age", 0) != NULL)
		return;
	c->date = date;
	c->at_ms = clock_boot_ms();
}

time_t
ca_clock_now(const struct ca_clock *c)
{
	if (c->date == 0)
		return 0;
	return c->date + (time_t)((clock_boot_ms() - c->at_ms) / 1000);
}
