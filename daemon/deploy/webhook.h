/* SPDX-License-Identifier: MIT */
/*
 * webhook - the deploy step `webhook "URL" { }`: tell a service of the new
 * certificate by a POST of JSON, described in acmed.conf(5).  The private key
 * is in it only where include_key asks for that.
 */
#ifndef DAEMON_DEPLOY_WEBHOOK_H
#define DAEMON_DEPLOY_WEBHOOK_H

#include "daemon/deploy/kind.h"

/* Any status but 2xx is an error "deploy:webhook" with the first words of the
 * answer: ERR_CONFIG for 401 and 403, ERR_REJECTED for other 4xx, else
 * ERR_TRANSIENT. */
extern const struct deploy_kind deploy_webhook;

#endif
