/* SPDX-License-Identifier: MIT */
#include "daemon/etcd/etcd_watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/etcd/etcd_priv.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"

#define CALL_TIMEOUT_MS	10000
#define STREAM_MS	900000	/* then it is begun anew, whatever it does */
#define RETRY_MS	1000
#define RETRY_MAX_MS	60000
#define LINE_MAX_BYTES	(4u << 20)	/* an event has one value, of 1.5 MiB */
#define WAITING_MAX	(16u << 20)

struct etcd_watch {
	struct etcd_watch_args a;
	struct timer	 turn;
	struct etcd_op	*call;
	struct http_op	*stream;
	struct timer	 parse;		/* what came: */
	char		*data;
	size_t		 len, size;
	int64_t		 next;		/* revision to be told of; 0: none was
					   seen yet */
	int64_t		 newest;	/* ... of all that were seen */
	int64_t		 retry_ms;
	bool		 is_told;	/* state() was, and how: */
	bool		 is_up;
	bool		 has_ended;	/* the rest of the stream is nothing,
					   for: */
	struct error	 why;
};

static void
tell(struct etcd_watch *w, const struct error *err)
{
	bool is_up = err == NULL;

	if (w->is_told && w->is_up == is_up)
		return;
	w->is_told = true;
	w->is_up = is_up;
	w->a.state(err, w->a.arg);
}

static void
again(struct etcd_watch *w, const struct error *err)
{
	tell(w, err);
	etcd_pass(w->a.etcd, w->a.conf);
	timer_set(&w->turn, w->retry_ms - w->retry_ms / 4 +
	    (int64_t)arc4random_uniform((uint32_t)(w->retry_ms / 2)));
	w->retry_ms = w->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS :
	    w->retry_ms * 2;
}

/* --- what comes --- */

/* The stream is of no use any more; it is closed from the loop. */
static void
refuse(struct etcd_watch *w, const char *words)
{
	(void)error_set(&w->why, ERR_TRANSIENT, "etcd:unavailable",
	    "etcd: watch: %s", words);
	w->has_ended = true;
	timer_set(&w->turn, 0);
}

static void
told(const struct etcd_kv *kv, void *arg)
{
	const struct etcd_watch *w = arg;

	if (kv->key[0] != '\0')
		w->a.changed(kv, w->a.arg);
}

static void
seen(struct etcd_watch *w, int64_t revision)
{
	if (revision >= w->next)
		w->next = revision + 1;
	if (revision > w->newest)
		w->newest = revision;
}

static void
tell_key(struct etcd_watch *w, const json_t *event)
{
	const json_t *kv = jsonx_get(event, "kv");
	const char *type = jsonx_str(event, "type");

	seen(w, jsonx_number(kv, "mod_revision", 0));
	(void)etcd_kv_read(kv, w->a.prefix, type == NULL ||
	    strcmp(type, "DELETE") != 0, told, w);
}

/* One message: {"result": {...}} or {"error": {...}}. */
static void
message(struct etcd_watch *w, const char *line, size_t len)
{
	struct error ignored;
	json_t *json = jsonx_parse(line, len, &ignored);
	const json_t *result = jsonx_get(json, "result"), *events, *event;
	const char *words;
	int64_t revision, before = w->next;
	size_t i;

	if (!json_is_object(result)) {
		words = jsonx_str(json, "error.message");
		refuse(w, words != NULL ? words : jsonx_str(json, "message") !=
		    NULL ? jsonx_str(json, "message") :
		    "this is no answer of etcd's");
		json_decref(json);
		return;
	}
	events = jsonx_get(result, "events");
	revision = etcd_revision(result);
	if (jsonx_bool(result, "canceled", false)) {
		words = jsonx_str(result, "cancel_reason");
		if (jsonx_number(result, "compact_revision", 0) > 0)
			w->next = 0;	/* it has forgotten what was since */
		refuse(w, words != NULL ? words : "it was canceled");
	} else if (jsonx_bool(result, "created", false)) {
		w->retry_ms = RETRY_MS;
		tell(w, NULL);
	} else if (json_array_size(events) == 0) {
		seen(w, revision);		/* told all up to it */
	}
	json_array_foreach(events, i, event)
		tell_key(w, event);
	/* The rest of a revision may be in the next part: if that does not come
	 * it is asked for again. */
	if (jsonx_bool(result, "fragment", false) && w->next > before)
		w->next--;
	json_decref(json);
}

/* What has come so far, line by line. */
static void
parse_cb(void *arg)
{
	struct etcd_watch *w = arg;
	size_t at = 0;
	const char *nl;

	while (!w->has_ended && w->len > at && (nl = memchr(w->data + at, '\n',
	    w->len - at)) != NULL) {
		size_t n = (size_t)(nl - w->data) - at;

		if (n > LINE_MAX_BYTES)
			break;
		if (n > 0)
			message(w, w->data + at, n);
		at += n + 1;
	}
	if (w->has_ended)
		return;			/* the rest is nothing */
	w->len -= at;
	if (w->len > 0)
		memmove(w->data, w->data + at, w->len);
	if (w->len > LINE_MAX_BYTES) {
		w->next = 0;		/* it may have been of some key */
		refuse(w, "a message has more than 4 MiB");
	}
}

/* From within libcurl: who is told may ask etcd again, which must not be from
 * there. */
static void
data_cb(const char *data, size_t len, void *arg)
{
	struct etcd_watch *w = arg;

	if (len == 0 || w->has_ended)
		return;			/* there may be no buffer yet */
	if (len > WAITING_MAX - w->len) {
		w->next = 0;
		refuse(w, "more comes than can be read");
		return;
	}
	if (w->len + len > w->size) {
		w->size = (w->len + len) * 2;
		w->data = xreallocarray(w->data, w->size, 1);
	}
	memcpy(w->data + w->len, data, len);
	w->len += len;
	timer_set(&w->parse, 0);
}

/* --- the request --- */

static void
stream_close(struct etcd_watch *w)
{
	http_cancel(w->stream);
	w->stream = NULL;
	timer_clear(&w->parse);
	freezero(w->data, w->size);
	w->data = NULL;
	w->len = w->size = 0;
	w->has_ended = false;
}

static void
stream_done(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct etcd_watch *w = arg;
	bool was_up = w->is_up;
	struct error why;

	w->stream = NULL;
	/* An answer without a newline behind it is one of a refusal. */
	parse_cb(w);
	if (!w->has_ended && w->len > 0)
		message(w, w->data, w->len);
	if (w->has_ended)
		return;			/* the timer goes on */
	stream_close(w);
	if (err == NULL)
		(void)error_set(&why, ERR_TRANSIENT, "etcd:unavailable",
		    "etcd: watch: it ended (HTTP %d)", reply->status);
	else
		why = *err;
	/* Its time is up: nothing has failed. */
	if (was_up && err != NULL && strcmp(err->code, "http:timeout") == 0)
		timer_set(&w->turn, 0);
	else
		again(w, &why);
}

static json_t *
range_end(const struct etcd_watch *w)
{
	return w->a.end != NULL ? etcd_text(w->a.end) :
	    etcd_prefix_end(w->a.prefix);
}

static void
stream_start(struct etcd_watch *w)
{
	const char *member, *token;
	/* From a member that has lost the others nothing would ever come. */
	struct http_header headers[3] = {
		{ "Content-Type", "application/json", false },
		{ "Grpc-Metadata-hasleader", "true", false } };
	size_t n = 2;
	char *url, *body;
	char from[24];
	json_t *json;

	etcd_where(w->a.etcd, w->a.conf, &member, &token);
	if (token != NULL)
		headers[n++] = (struct http_header){ "Authorization", token,
		    true };
	(void)text_printf(from, sizeof(from), "%lld", (long long)w->next);
	json = json_pack("{s:{s:o, s:o, s:s, s:b, s:b}}", "create_request",
	    "key", etcd_text(w->a.prefix),
	    "range_end", range_end(w),
	    "start_revision", from, "progress_notify", 1, "fragment", 1);
	body = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	url = xasprintf("%s/v3/watch", member);
	w->stream = http_start(etcd_http(w->a.etcd),
	    &(struct http_args){
	    .method = "POST", .url = url, .headers = headers, .n_headers = n,
	    .body = body, .body_len = strlen(body),
	    .timeout_ms = STREAM_MS, .ca_file = w->a.conf->ca_file,
	    .cert_file = w->a.conf->cert_file,
	    .key_file = w->a.conf->key_file, .allow_plain = true,
	    .once = true, .data = data_cb }, stream_done, w);
	free(url);
	free(body);
}

/* The cluster answers, and this is its revision. */
static void
looked(const struct error *err, const json_t *reply, void *arg)
{
	struct etcd_watch *w = arg;
	int64_t now;

	w->call = NULL;
	if (err != NULL) {
		again(w, err);
		return;
	}
	now = etcd_revision(reply);
	/* Smaller than it was: this cluster began anew, or was restored. */
	if (now < w->newest && w->a.anew != NULL)
		w->a.anew(w->a.arg);
	if (w->next == 0 || now < w->newest) {
		w->next = now + 1;
		w->newest = now;
		w->a.all(w->a.arg);
	}
	stream_start(w);
}

static void
turn_cb(void *arg)
{
	struct etcd_watch *w = arg;

	if (w->has_ended) {
		stream_close(w);
		again(w, &w->why);
		return;
	}
	/* It also logs in, and finds a member that is well. */
	w->call = etcd_call_start(w->a.etcd, &(struct etcd_args){
	    .conf = w->a.conf, .timeout_ms = CALL_TIMEOUT_MS }, "/v3/kv/range",
	    json_pack("{s:o, s:o, s:b}", "key", etcd_text(w->a.prefix),
	    "range_end", range_end(w), "count_only", 1),
	    looked, w);
}

struct etcd_watch *
etcd_watch_new(const struct etcd_watch_args *a)
{
	struct etcd_watch *w = xcalloc(1, sizeof(*w));

	w->a = *a;
	w->retry_ms = RETRY_MS;
	timer_init(&w->turn, a->loop, turn_cb, w);
	timer_init(&w->parse, a->loop, parse_cb, w);
	timer_set(&w->turn, 0);
	return w;
}

void
etcd_watch_kick(struct etcd_watch *w)
{
	if (w->call != NULL || w->stream != NULL || w->has_ended)
		return;
	w->retry_ms = RETRY_MS;
	timer_set(&w->turn, 0);
}

void
etcd_watch_free(struct etcd_watch *w)
{
	if (w == NULL)
		return;
	timer_clear(&w->turn);
	etcd_cancel(w->call);
	stream_close(w);
	free(w);
}
