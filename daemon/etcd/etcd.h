/* SPDX-License-Identifier: MIT */
/*
 * etcd - calls of etcd v3 (3.4 and newer) through its JSON gateway: POST, keys
 * and values in base64, 64-bit numbers as strings
 * (https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/).
 *
 * Of each cluster that is used it keeps the token of the login and the member
 * that answered last.  A member that cannot be reached, or has no leader, is
 * passed over for the next, so that a call may reach the cluster twice:
 * what must not happen twice is a transaction with a condition.
 */
#ifndef DAEMON_ETCD_ETCD_H
#define DAEMON_ETCD_ETCD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/conf_etcd.h"

struct error;
struct etcd;
struct etcd_op;
struct http;
struct loop;

/* http is borrowed. */
struct etcd	*etcd_new(struct loop *, struct http *);
/* All calls and watches must be finished or cancelled before.  NULL is
 * allowed. */
void		 etcd_free(struct etcd *);

/* Passwords may be others now: the next calls log in anew, and tell at once of
 * one that is wrong, not when a token ends. */
void		 etcd_log_in_anew(struct etcd *);

struct etcd_args {			/* copied; what it points to borrowed */
	const struct conf_etcd *conf;
	size_t		 max_reply;	/* bytes; 0: 64 KiB */
	unsigned	 timeout_ms;	/* of all tries together */
	unsigned	 try_ms;	/* of one, at least; 0: 2 s */
	bool		 urgent;	/* before all others that wait */
};

/*
 * reply is the answer's JSON object, borrowed; or err: ERR_CONFIG
 * "etcd:denied" (user, password, rights); ERR_TRANSIENT "etcd:space" (the
 * cluster takes no writes until a person makes room), "etcd:unavailable";
 * ERR_REJECTED "etcd:refused"; and those of io/http.h.  Of the members' errors
 * the last is told.
 */
typedef void etcd_done_cb(const struct error *err, const json_t *reply,
    void *arg);

/* path: "/v3/kv/range", ...; a constant. */
struct etcd_op	*etcd_call_start(struct etcd *, const struct etcd_args *,
		    const char *path, json_t *body /* taken */,
		    etcd_done_cb *done, void *arg);
/* NULL is allowed. */
void		 etcd_cancel(struct etcd_op *);

/* A key and its value, as an answer or a watch has it. */
struct etcd_kv {
	const char	*key;		/* behind the prefix */
	const char	*value;		/* with a NUL behind it; NULL: the key
					   was deleted */
	size_t		 len;		/* bytes */
	int64_t		 created, modified;	/* revisions */
	int64_t		 lease;		/* 0: none */
};

/*
 * Call told with the key, and its value if wants_value, of an answer's "kvs.0"
 * or a watch's event.  -1: it is no key below the prefix, or malformed, and
 * told was not called.
 */
int		 etcd_kv_read(const json_t *kv, const char *prefix,
		    bool wants_value, void (*told)(const struct etcd_kv *,
		    void *arg), void *arg);

/* A text as keys and values are sent, and bytes. */
json_t		*etcd_text(const char *text);
json_t		*etcd_bytes(const void *data, size_t len);
/* The one behind the last key that begins with prefix ("range_end"). */
json_t		*etcd_prefix_end(const char *prefix);
/* The store's revision when it answered; 0: it does not say. */
int64_t		 etcd_revision(const json_t *reply);

#endif
