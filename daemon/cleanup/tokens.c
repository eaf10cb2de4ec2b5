/* SPDX-License-Identifier: MIT */
#include "daemon/cleanup/tokens.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/http01/http01.h"
#include "daemon/http01/token.h"
#include "daemon/http01/webroot.h"
#include "daemon/io/loop.h"

#define WAKE_MAX_MS	3600000

struct token {
	TAILQ_ENTRY(token) link;
	struct tokens	*tokens;
	struct store_http row;		/* webroot "": our own server */
	unsigned	 users;	/* one token may be of two names */
	bool		 is_removed;	/* while its group is removed */
};

struct tokens {
	const struct cleanup_env *env;
	struct timer	 work;
	bool		 is_started;
	TAILQ_HEAD(, token) list;
};

static bool
is_file(const struct token *t)
{
	return t->row.webroot[0] != '\0';
}

static struct token *
token_new(struct tokens *ts)
{
	struct token *t = xcalloc(1, sizeof(*t));

	t->tokens = ts;
	TAILQ_INSERT_TAIL(&ts->list, t, link);
	return t;
}

static void
token_free(struct token *t)
{
	TAILQ_REMOVE(&t->tokens->list, t, link);
	free(t);
}

static void
load_cb(const struct store_http *row, void *arg)
{
	token_new(arg)->row = *row;
}

/* A CA may give one authorization, and its token, to two orders. */
static bool
is_shared(const struct token *t)
{
	const struct token *u;

	TAILQ_FOREACH(u, &t->tokens->list, link) {
		if (u != t && u->users > 0 &&
		    strcmp(u->row.token, t->row.token) == 0 &&
		    strcmp(u->row.webroot, t->row.webroot) == 0)
			return true;
	}
	return false;
}

/*
 * To be removed, and when?  Not while a run of its certificate may still
 * acquire it: the CA may be looking for what a resumed order has published.
 */
static bool
is_free(const struct token *t)
{
	const struct cert *cert;

	if (t->users > 0)
		return false;
	cert = certs_find(t->tokens->env->certs, t->row.cert);
	return cert == NULL || !cert->may_acquire;
}

static bool
is_due(const struct token *t, time_t now)
{
	return is_free(t) && due_planned(t->row.retry_at, now) <= now;
}

static bool
is_beside(const struct token *t, const struct store_http *first, time_t now)
{
	return strcmp(t->row.webroot, first->webroot) == 0 &&
	    strcmp(t->row.cert, first->cert) == 0 && is_due(t, now);
}

static void
remove_failed(struct token *t, const struct error *err, time_t now)
{
	t->is_removed = false;
	t->row.tries++;
	t->row.retry_at = due_soon_retry_at(t->row.tries, now);
	(void)text_printf(t->row.error, sizeof(t->row.error), "%s", err->msg);
	text_clean(t->row.error);
	store_http_put(t->tokens->env->store, &t->row);
}

/*
 * The files themselves; w NULL: the directory is gone, and they with it.  *n
 * counts those that were there.
 */
static int
remove_files(struct tokens *ts, struct webroot *w,
    const struct store_http *first, time_t now, size_t *n, struct error *err)
{
	struct token *t;
	int rc;

	TAILQ_FOREACH(t, &ts->list, link) {
		if (!is_beside(t, first, now))
			continue;
		rc = w == NULL || is_shared(t) ? 0 : webroot_remove(w,
		    t->row.token, t->row.text, err);
		if (rc == -1)
			return -1;
		*n += (size_t)rc;
		t->is_removed = true;
	}
	/* Also if a run before this one removed them, and then died. */
	return w != NULL ? webroot_sync(w, err) : 0;
}

static void
tell_failure(struct tokens *ts, const struct store_http *first, time_t now,
    time_t retry_at, const struct error *err)
{
	char span[TEXT_SPAN_MAX];

	event_emit(ts->env->certs, first->cert, STEP_END, LOGL_WARNING,
	    "challenge files in %s are not removed yet: %s; next try in %s",
	    first->webroot, err->msg, text_span(retry_at - now, span));
}

/* Remove what is due of one certificate in one webroot; one sync for all. */
static void
remove_group(struct tokens *ts, struct store_http first, time_t now)
{
	struct webroot *w;
	struct error err;
	struct token *t, *next;
	time_t retry_at = now;
	size_t n = 0;
	int rc = 0;

	w = webroot_open(first.webroot, false, &err);
	if (w == NULL && strcmp(err.code, "http01:missing") != 0)
		rc = -1;
	else
		rc = remove_files(ts, w, &first, now, &n, &err);
	webroot_close(w);
	for (t = TAILQ_FIRST(&ts->list); t != NULL; t = next) {
		next = TAILQ_NEXT(t, link);
		if (rc == -1 && is_beside(t, &first, now)) {
			remove_failed(t, &err, now);
			retry_at = t->row.retry_at;
		} else if (t->is_removed) {
			store_http_delete(ts->env->store, &t->row);
			token_free(t);
		}
	}
	if (rc == -1)
		tell_failure(ts, &first, now, retry_at, &err);
	else if (n > 0)
		event_emit(ts->env->certs, first.cert, STEP_END, LOGL_INFO,
		    "%zu challenge file%s removed from %s", n,
		    n == 1 ? " is" : "s are", first.webroot);
}

static const struct token *
find_due(const struct tokens *ts, time_t now)
{
	const struct token *t;

	TAILQ_FOREACH(t, &ts->list, link) {
		if (is_due(t, now))
			return t;
	}
	return NULL;
}

static void
work_cb(void *arg)
{
	struct tokens *ts = arg;
	time_t now = clock_now(), next = 0;
	const struct token *t;

	if (!ts->is_started)
		return;
	while ((t = find_due(ts, now)) != NULL)
		remove_group(ts, t->row, now);
	TAILQ_FOREACH(t, &ts->list, link) {
		if (is_free(t) && (next == 0 || t->row.retry_at < next))
			next = t->row.retry_at;
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&ts->work, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

struct tokens *
tokens_new(const struct cleanup_env *env)
{
	struct tokens *ts = xcalloc(1, sizeof(*ts));

	ts->env = env;
	TAILQ_INIT(&ts->list);
	timer_init(&ts->work, env->loop, work_cb, ts);
	store_http_each(env->store, load_cb, ts);
	return ts;
}

void
tokens_free(struct tokens *ts)
{
	struct token *t;

	if (ts == NULL)
		return;
	timer_clear(&ts->work);
	while ((t = TAILQ_FIRST(&ts->list)) != NULL)
		token_free(t);
	free(ts);
}

void
tokens_start(struct tokens *ts)
{
	ts->is_started = true;
	timer_set(&ts->work, 0);
}

void
tokens_retry(struct tokens *ts)
{
	struct token *t;

	TAILQ_FOREACH(t, &ts->list, link)
		t->row.retry_at = 0;
	tokens_kick(ts);
}

void
tokens_kick(struct tokens *ts)
{
	if (ts->is_started)
		timer_set(&ts->work, 0);
}

void
tokens_flush(struct tokens *ts)
{
	work_cb(ts);
}

static struct token *
find_row(struct tokens *ts, const struct store_http *row)
{
	struct token *t;

	TAILQ_FOREACH(t, &ts->list, link) {
		if (strcmp(t->row.cert, row->cert) == 0 &&
		    strcmp(t->row.webroot, row->webroot) == 0 &&
		    strcmp(t->row.token, row->token) == 0)
			return t;
	}
	return NULL;
}

struct token *
tokens_acquire(struct tokens *ts, const char *cert, const char *webroot,
    const char *token, const char *text)
{
	struct store_http row = { .created_at = clock_now() };
	struct token *t;

	(void)text_printf(row.cert, sizeof(row.cert), "%s", cert);
	(void)text_printf(row.webroot, sizeof(row.webroot), "%s",
	    webroot != NULL ? webroot : "");
	(void)text_printf(row.token, sizeof(row.token), "%s", token);
	(void)text_printf(row.text, sizeof(row.text), "%s", text);
	/* Of a run that was cut short, or another name of this one. */
	t = find_row(ts, &row);
	if (t == NULL)
		t = token_new(ts);
	t->row = row;
	t->users++;
	if (is_file(t))
		store_http_put(ts->env->store, &t->row);
	return t;
}

int
token_publish(struct token *t, struct error *err)
{
	struct webroot *w;
	int rc;

	if (!is_file(t))
		return http01_put(t->tokens->env->http01, t->row.token,
		    t->row.text, err);
	w = webroot_open(t->row.webroot, true, err);
	if (w == NULL)
		return -1;
	rc = webroot_add(w, t->row.token, t->row.text, err);
	webroot_close(w);
	return rc;
}

void
token_release(struct token *t)
{
	struct tokens *ts;

	if (t == NULL)
		return;
	ts = t->tokens;
	if (--t->users > 0)
		return;
	if (is_file(t)) {
		tokens_kick(ts);
		return;
	}
	if (!is_shared(t))
		http01_drop(ts->env->http01, t->row.token);
	token_free(t);
}

json_t *
tokens_json(const struct tokens *ts)
{
	json_t *list = json_array();
	const struct token *t;

	TAILQ_FOREACH(t, &ts->list, link) {
		char *path;

		if (!is_file(t))
			continue;
		path = xasprintf("%s/" HTTP01_DIR "/%s", t->row.webroot,
		    t->row.token);
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:s, s:o, s:i, s:o, s:o}",
		    "cert", t->row.cert, "path", path, "state",
		    t->users > 0 ? "in use" : "removing",
		    "created_at", jsonx_time(t->row.created_at),
		    "tries", (int)t->row.tries,
		    "next_at", jsonx_time(t->users > 0 ? 0 :
		    t->row.retry_at),
		    "error", t->row.error[0] != '\0' ?
		    json_string(t->row.error) : json_null()));
		free(path);
	}
	return list;
}

size_t
tokens_count(const struct tokens *ts)
{
	const struct token *t;
	size_t n = 0;

	TAILQ_FOREACH(t, &ts->list, link)
		n += is_file(t);
	return n;
}
