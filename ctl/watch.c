/* SPDX-License-Identifier: MIT */
/*
 * `acmectl status --watch`: events say which certificates are to be asked
 * about again.  What has no event (a reload, a pause) is seen by a look at all
 * of them now and then.
 */
#include "ctl/watch.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/block.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/status.h"
#include "ctl/status_read.h"

enum {
	PAINT_MS = 1000,	/* times pass */
	LOOK_MS = 10000,	/* at all of them, MANY: a minute */
	MANY = 1000,
	CHANGED_MAX = 16,	/* more: look at all */
	AGAIN_S = 1		/* when acmed has gone */
};

struct watch {
	const struct options *o;
	struct term	 term;
	struct block	 block;
	const struct select *select;
	struct status_table *table;	/* NULL: nothing is known yet */
	json_t		*rest;
	char		*changed[CHANGED_MAX];
	size_t		 n_changed;
	bool		 look_at_all;
	int64_t		 looked_ms, painted_ms;
	const char	*note;		/* below the table; or NULL */
};

static void
paint(struct watch *w)
{
	struct term *page = block_begin(&w->block);

	if (w->note != NULL)
		page->height--;
	if (w->table != NULL)
		status_table_paint(w->table, page, w->rest, clock_now());
	if (w->note != NULL) {
		page->height++;
		term_wrap(page, TERM_WARN, 0, 0, w->note);
	}
	block_end(&w->block);
	w->painted_ms = clock_mono_ms();
}

/* --- what is asked --- */

struct look {
	struct watch	*w;
	struct status_table *table;
	json_t		*rest;
};

static void
look_rest(const json_t *rest, void *arg)
{
	struct look *l = arg;

	l->rest = json_copy((json_t *)(uintptr_t)rest);
	(void)json_object_del(l->rest, "certificates");
}

static void
look_cert(const json_t *cert, void *arg)
{
	struct look *l = arg;

	if (select_has(l->w->select, cert))
		status_table_add(l->table, cert, false);
	else
		status_table_hide(l->table);
}

static void
look_at_all(struct watch *w)
{
	struct look l = { w, status_table_new(), NULL };
	const struct status_sink sink = { look_rest, look_cert, &l };
	struct error err;

	w->look_at_all = false;
	w->looked_ms = clock_mono_ms();
	if (status_read_quietly(w->o, &sink, &err) == -1) {
		status_table_free(l.table);
		json_decref(l.rest);
		return;		/* the events will end, too */
	}
	status_table_free(w->table);
	json_decref(w->rest);
	w->table = l.table;
	w->rest = l.rest;
}

static void
look_at_one(struct watch *w, const char *name)
{
	char *path = client_path(API_PATH_CERT, name);
	const struct client_request request = {
		.socket = w->o->socket, .method = "GET", .path = path,
	};
	struct client_reply reply;
	struct error err;

	if (client_call(&request, &reply, &err) == 0) {
		if (reply.status == 200 && select_has(w->select, reply.body))
			status_table_add(w->table, reply.body, true);
		else
			w->look_at_all = true;
		client_reply_clear(&reply);
	}
	free(path);
}

/* --- events --- */

static void
forget_changed(struct watch *w)
{
	while (w->n_changed > 0)
		free(w->changed[--w->n_changed]);
}

static void
event_cb(const json_t *event, void *arg)
{
	struct watch *w = arg;
	const char *name = jsonx_str(event, "cert");

	for (size_t i = 0; name != NULL && i < w->n_changed; i++) {
		if (strcmp(w->changed[i], name) == 0)
			return;
	}
	if (name == NULL || w->n_changed == CHANGED_MAX)
		w->look_at_all = true;
	else
		w->changed[w->n_changed++] = xstrdup(name);
}

static void
tick_cb(void *arg)
{
	struct watch *w = arg;
	int64_t now_ms = clock_mono_ms();
	bool is_new = w->table == NULL || w->note != NULL;

	if (is_new || now_ms - w->looked_ms > (status_table_count(w->table) >
	    MANY ? 6 * LOOK_MS : LOOK_MS))
		w->look_at_all = true;
	if (!w->look_at_all && w->n_changed == 0 &&
	    now_ms - w->painted_ms < PAINT_MS && !term_resize(&w->term))
		return;
	w->note = NULL;
	for (size_t i = 0; !w->look_at_all && i < w->n_changed; i++)
		look_at_one(w, w->changed[i]);
	forget_changed(w);
	if (w->look_at_all)
		look_at_all(w);
	if (w->table != NULL)
		paint(w);
}

/* A second, unless Ctrl-C comes: then true. */
static bool
wait_or_stop(void)
{
	const struct timespec second = { .tv_sec = AGAIN_S };
	sigset_t set, old;
	bool stop;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)signal(SIGINT, SIG_DFL);	/* client_call() ignores it */
	stop = sigtimedwait(&set, NULL, &second) == SIGINT;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return stop;
}

/* One connection, to its end; -1: go on with another. */
static int
follow(struct watch *w)
{
	const struct client_request request = {
		.socket = w->o->socket, .method = "GET",
		.path = API_PATH_EVENTS, .line = event_cb, .tick = tick_cb,
		.arg = w,
	};
	struct client_reply reply;
	struct error err;
	int code;

	if (client_call(&request, &reply, &err) == 0) {
		code = reply.status == 200 ? -1 : ask_refused(w->o, &reply);
		client_reply_clear(&reply);
		return code;
	}
	if (strcmp(err.code, CLIENT_INTERRUPTED) == 0)
		return EXIT_OK;		/* the only way to end it */
	if (w->table != NULL)
		return -1;
	say_error(err.msg);
	return ask_exit_code(&err);
}

int
watch_status(const struct options *o, const struct select *select)
{
	struct watch w = { .o = o, .term = o->out, .select = select };
	int code;

	if (!o->out.has_cursor || o->json) {
		say_error("--watch is for a terminal; acmectl events shows "
		    "what happens line by line, with --json as JSON");
		return EXIT_USAGE;
	}
	block_init(&w.block, &w.term);
	while ((code = follow(&w)) == -1) {
		w.note = "acmed is not running; waiting for it";
		paint(&w);
		if (wait_or_stop()) {
			code = EXIT_OK;
			break;
		}
	}
	/* Ctrl-C may have been echoed there. */
	(void)fputs("\r\033[K", o->out.out);
	forget_changed(&w);
	status_table_free(w.table);
	json_decref(w.rest);
	return code;
}
