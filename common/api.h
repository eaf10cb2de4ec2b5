/* SPDX-License-Identifier: MIT */
/*
 * api - the names that acmed's control server and acmectl share.  What they
 * mean is in doc/control-api.md.
 */
#ifndef COMMON_API_H
#define COMMON_API_H

/* Where the socket is unless acmed.conf, --socket or $ACMED_SOCKET say so. */
#define API_SOCKET	"/run/acmed/acmed.sock"
#define API_SOCKET_ENV	"ACMED_SOCKET"

/* Beside the socket: why the last start failed, in one line.  Gone once acmed
 * has started. */
#define API_FAILED_SUFFIX ".failed"
#define API_FAILED_MAX	1024

/* Members of this group may use the socket. */
#define API_GROUP	"acmed"

#define API_PATH_STATUS	"/v1/status"
#define API_PATH_CERT	"/v1/certificates/"	/* + NAME, percent-encoded */
#define API_PATH_RENEW	"/v1/renew"
#define API_PATH_CHECK	"/v1/check"
#define API_PATH_PERSIST "/v1/persist"
#define API_PATH_DEPLOY	"/v1/deploy"
#define API_PATH_ROLLBACK "/v1/rollback"
#define API_PATH_REVOKE	"/v1/revoke"
#define API_PATH_ACCOUNTS "/v1/accounts"
#define API_PATH_PAUSE	"/v1/pause"
#define API_PATH_RESUME	"/v1/resume"
#define API_PATH_DELETE	"/v1/delete"
#define API_PATH_EVENTS	"/v1/events"		/* [?cert=NAME] */
#define API_PATH_CONF	"/v1/configuration"
#define API_PATH_RELOAD	"/v1/reload"
#define API_PATH_CLOUDS "/v1/clouds"
#define API_PATH_CLOUD "/v1/clouds/"	/* + NAME, percent-encoded */
#define API_PATH_PROVIDERS "/v1/providers"
#define API_PATH_PROVIDER "/v1/providers/"	/* + NAME, percent-encoded */
#define API_PATH_NOTIFY	"/v1/notify-test"
#define API_PATH_NOTIFIED "/v1/notify-test/results"
#define API_PATH_IMPORT_ACCOUNT "/v1/import/account"
#define API_PATH_ADOPT_ACCOUNT "/v1/accounts/import"
#define API_PATH_EXPORT	"/v1/export"
#define API_PATH_EXPORT_ACCOUNT "/v1/export/account"
#define API_PATH_IMPORT_CERT "/v1/import/certificate"
#define API_PATH_PUT	"/v1/put"
#define API_PATH_CLUSTER "/v1/cluster"
#define API_PATH_HOSTS	"/v1/hosts"
#define API_PATH_ROLLOUT "/v1/rollout"
#define API_PATH_RECEIPTS "/v1/receipts"
#define API_PATH_RECEIPTS_FORGET "/v1/receipts/forget"
#define API_PATH_HOST	"/v1/hosts/"		/* + NAME, percent-encoded */
#define API_PATH_HOST_KEY "/v1/host-key"
#define API_PATH_METRICS "/metrics"
#define API_PATH_HEALTH	"/healthz"		/* of the status listener */

/*
 * Bytes of a request's body; more is answered with 413.  A file of the
 * configuration is sent as a whole, to be looked at before it is written.
 */
#define API_BODY_MAX	(1 << 20)

/* What the name of a certificate begins with in the events of a renewal that is
 * only tried; no object of the configuration can have such a name. */
#define API_DRY_RUN	"dry-run:"

/* Stable codes of errors that the control server itself makes. */
#define API_ERR_FORBIDDEN	"control:forbidden"	/* 403 */
#define API_ERR_NOT_FOUND	"control:not-found"	/* 404, the path */
#define API_ERR_METHOD		"control:method"	/* 405 */
#define API_ERR_HOST		"status:host"		/* 421 */
#define API_ERR_REQUEST		"control:request"	/* 400 */
#define API_ERR_BUSY		"control:busy"		/* 503 */
#define API_ERR_UNKNOWN_CERT	"engine:unknown-cert"	/* 404 */
#define API_ERR_UNKNOWN_CHANNEL	"notify:unknown-channel"	/* 404 */
#define API_ERR_UNKNOWN_HOST "engine:unknown-host"
#define API_ERR_UNKNOWN_CLOUD	"control:unknown-cloud"	/* 404 */
#define API_ERR_UNKNOWN_PROVIDER "control:unknown-provider"	/* 404 */

#endif
