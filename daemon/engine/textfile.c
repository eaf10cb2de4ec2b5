/* SPDX-License-Identifier: MIT */
#include "daemon/engine/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/event.h"
#include "daemon/engine/priv.h"

#define EVERY_MS	60000
#define SOON_MS		2000	/* several runs may end together */
#define PIECE_CERTS	1000	/* the loop has others to serve */
#define MODE		0644	/* node_exporter is another user */

struct textfile {
	struct engine	*engine;
	struct event_sub *sub;
	struct timer	 timer;
	bool		 is_soon;
	char		*path;		/* NULL: none is wanted */
	char		*tmp;		/* is renamed to path */
	FILE		*f;		/* of tmp; NULL: nothing is written */
	enum engine_gauge gauge;
	char		*after;		/* the last certificate written */
	time_t		 written_at;	/* 0: not yet */
	struct error	*error;		/* of the last time; NULL: none */
};

/* What is half written is of no use. */
static void
give_up(struct textfile *t)
{
	if (t->f == NULL)
		return;
	(void)fclose(t->f);
	t->f = NULL;
	(void)unlink(t->tmp);
}

static void
wait(struct textfile *t)
{
	t->is_soon = false;
	timer_set(&t->timer, EVERY_MS);
}

/* errno, and what helps. */
static void
failed(struct textfile *t)
{
	int saved = errno;
	int dir_len = (int)(strrchr(t->path, '/') - t->path);
	struct error err;

	give_up(t);
	if (saved == EROFS)
		(void)error_set(&err, ERR_CONFIG, "metrics:textfile",
		    "metrics_textfile: %s: read-only for acmed: the sandbox of "
		    "its unit (ProtectSystem=strict) lets it write nowhere "
		    "else: systemctl edit acmed: [Service] ReadWritePaths="
		    "-%.*s; systemctl restart acmed", t->path, dir_len,
		    t->path);
	else
		(void)error_set(&err, ERR_CONFIG, "metrics:textfile",
		    "metrics_textfile: %s cannot be written: %s%s", t->path,
		    strerror(saved), saved == EACCES || saved == EPERM ?
		    "; let acmed's user write in its directory" : saved ==
		    ENOENT ? ": its directory is not there" : "");
	if (t->error == NULL || strcmp(t->error->msg, err.msg) != 0)
		log_warning(NULL, "%s", err.msg);
	free(t->error);
	t->error = xmemdup(&err, sizeof(err));
	wait(t);
}

static void
put_text(struct textfile *t, char *text)
{
	fputs(text, t->f);
	free(text);
}

/* What a crash left goes; O_EXCL follows no link and waits at no FIFO that
 * somebody else has put here. */
static int
open_tmp(const char *path)
{
	if (unlink(path) == -1 && errno != ENOENT)
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void
begin(struct textfile *t)
{
	int fd = open_tmp(t->tmp);

	t->f = fd == -1 ? NULL : fdopen(fd, "w");
	if (t->f == NULL) {
		failed(t);
		return;
	}
	t->gauge = 0;
	free(t->after);
	t->after = xstrdup("");
	put_text(t, engine_metrics(t->engine));
	put_text(t, engine_gauge(t->engine, t->gauge, NULL));
	timer_set(&t->timer, 0);
}

/* A file that is lost with the machine's power is there again in a minute: no
 * fsync. */
static void
end(struct textfile *t)
{
	FILE *f = t->f;

	if (fflush(f) != 0 || ferror(f) || fchmod(fileno(f), MODE) == -1 ||
	    rename(t->tmp, t->path) == -1) {
		failed(t);
		return;
	}
	t->f = NULL;
	(void)fclose(f);
	if (t->error != NULL)
		log_notice(NULL, "metrics_textfile: %s is written again",
		    t->path);
	free(t->error);
	t->error = NULL;
	t->written_at = clock_now();
	wait(t);
}

/* The next certificates; the table may have changed in between, so that the
 * place in it is a name. */
static void
piece(struct textfile *t)
{
	const char *name;

	for (int i = 0; i < PIECE_CERTS; i++) {
		name = engine_next_name(t->engine, t->after);
		if (name == NULL && ++t->gauge == ENGINE_GAUGE_END) {
			end(t);
			return;
		}
		put_text(t, engine_gauge(t->engine, t->gauge, name));
		name = xstrdup(name != NULL ? name : "");
		free(t->after);
		t->after = (char *)name;
	}
	timer_set(&t->timer, 0);
}

static void
timer_cb(void *arg)
{
	struct textfile *t = arg;

	if (t->f == NULL)
		begin(t);
	else
		piece(t);
}

static void
event_cb(const json_t *event, void *arg)
{
	struct textfile *t = arg;

	if (t->path == NULL || t->f != NULL || t->is_soon ||
	    !json_is_true(json_object_get(event, "end")))
		return;
	t->is_soon = true;
	timer_set(&t->timer, SOON_MS);
}

static void
forget(struct textfile *t)
{
	timer_clear(&t->timer);
	give_up(t);
	t->is_soon = false;
	t->written_at = 0;
	free(t->error);
	t->error = NULL;
	free(t->path);
	free(t->tmp);
	t->path = t->tmp = NULL;
}

struct textfile *
textfile_new(struct engine *e)
{
	struct textfile *t = xcalloc(1, sizeof(*t));

	t->engine = e;
	t->sub = event_subscribe(e->certs, event_cb, t);
	timer_init(&t->timer, e->a.loop, timer_cb, t);
	return t;
}

void
textfile_free(struct textfile *t)
{
	if (t == NULL)
		return;
	forget(t);
	event_unsubscribe(t->sub);
	free(t->after);
	free(t);
}

void
textfile_kick(struct textfile *t)
{
	const char *path = t->engine->conf->metrics_textfile;
	int dir_len;

	if (t->path != NULL && (path == NULL || strcmp(t->path, path) != 0)) {
		if (t->written_at != 0)
			(void)unlink(t->path);
		forget(t);
	}
	if (path == NULL)
		return;
	if (t->path == NULL) {
		dir_len = (int)(strrchr(path, '/') - path);
		t->path = xstrdup(path);
		/* node_exporter reads *.prom only. */
		t->tmp = xasprintf("%.*s/.%s.tmp", dir_len, path,
		    path + dir_len + 1);
	}
	if (t->f == NULL)
		timer_set(&t->timer, 0);
}

json_t *
textfile_json(const struct textfile *t)
{
	return t->path == NULL ? json_null() : json_pack("{s:s, s:o, s:o}",
	    "path", t->path, "written_at", jsonx_time(t->written_at),
	    "error", t->error != NULL ? json_string(t->error->msg) :
	    json_null());
}
