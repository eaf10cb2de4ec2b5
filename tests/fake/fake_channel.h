/* SPDX-License-Identifier: MIT */
/* fake_channel - daemon/notify/channel.h, which remembers what it was given. */
#ifndef TESTS_FAKE_FAKE_CHANNEL_H
#define TESTS_FAKE_FAKE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/io/loop.h"

struct fake_message {
	char	*channel, *target, *id, *subject, *text;
};

#define FAKE_MESSAGES 400
extern struct fake_channel {
	struct fake_message got[FAKE_MESSAGES];
	size_t		 n;
	unsigned	 tries;
	/* The answer to all that follow: NULL: taken; a code such as
	   "smtp:connect", "smtp:refused" (of that target only). */
	const char	*failure;
	const char	*refused_target;
	bool		 hangs;
	unsigned	 in_flight;
} fake_channel;

void	fake_channel_reset(void);

#endif
