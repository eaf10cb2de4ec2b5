/* SPDX-License-Identifier: MIT */
#include "daemon/rest/hide.h"

#include <stddef.h>
#include <string.h>

#define MAX_SHOWN	8	/* bytes of a secret in a message */
#define MIN_SECRET	4	/* bytes: what is shorter could be any word */

void
rest_hide(const char *secret, char *msg)
{
	size_t len = strlen(secret), n;

	if (len < MIN_SECRET)
		return;
	for (; *msg != '\0'; msg++) {
		for (n = 0; n < len && msg[n] == secret[n]; n++)
			continue;
		if (n < len && n < MAX_SHOWN)
			continue;
		memcpy(msg, "***", 3);
		memmove(msg + 3, msg + n, strlen(msg + n) + 1);
		msg += 2;
	}
}
