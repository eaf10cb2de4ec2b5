/* SPDX-License-Identifier: MIT */
#include "daemon/rest/hide.h"

#include <stddef.h>
#include <string.h>

#define MAX_SHOWN	8	/* bytes of a secret in a message */
#define MIN_SECRET	4	/* bytes: what is shorter could be any word */
#define MIN_PART	16

/* The first n bytes of msg become stars; what follows them. */
static char *
cover(char *msg, size_t n)
{
	memcpy(msg, "***", 3);
	memmove(msg + 3, msg + n, strlen(msg + n) + 1);
	return msg + 3;
}

void
rest_hide(const char *secret, char *msg)
{
	size_t len = strlen(secret), n;

	if (len < MIN_SECRET)
		return;
	while (*msg != '\0') {
		for (n = 0; n < len && msg[n] == secret[n]; n++)
			continue;
		if (n < len && n < MAX_SHOWN)
			msg++;
		else
			msg = cover(msg, n);
	}
}

void
rest_hide_part(const char *secret, char *msg)
{
	size_t len = strlen(secret), n;

	while (strlen(msg) >= MIN_PART) {
		n = MIN_PART;
		if (memmem(secret, len, msg, n) == NULL) {
			msg++;
			continue;
		}
		while (msg[n] != '\0' && memmem(secret, len, msg, n + 1) !=
		    NULL)
			n++;
		msg = cover(msg, n);
	}
}
