/* SPDX-License-Identifier: MIT */
/*
 * webhook - what each service wants to be sent, and how it says that it did
 * not like it.  Pure; webhook.c sends.
 */
#ifndef DAEMON_NOTIFY_WEBHOOK_H
#define DAEMON_NOTIFY_WEBHOOK_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/notify/channel.h"

struct error;
struct preq;

/* Build the request; now_ms goes into signatures. */
void	webhook_request(struct preq *, const struct channel_args *,
	    int64_t now_ms);

/*
 * 0 if the service has taken it.  Several say so with 200 and an error in the
 * body.  Errors: ERR_RATELIMIT and ERR_TRANSIENT "notify:busy", ERR_CONFIG
 * "notify:refused" (token, signature, address), ERR_REJECTED
 * "notify:rejected" (this message).
 */
int	webhook_verdict(enum notify_template, int status, const char *body,
	    size_t len, time_t now, struct error *);

#endif
