/* SPDX-License-Identifier: MIT */
#include "daemon/alerts/start_failed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/alerts/alarm.h"
#include "daemon/config/conf.h"
#include "daemon/io/loop.h"
#include "daemon/notify/channel.h"
#include "daemon/notify/notice.h"

#define PATIENCE_MS	30000
#define REPEAT_S	86400

/* --- what acmectl finds --- */

static char *
kept_path(const char *socket)
{
	return xasprintf("%s" API_FAILED_SUFFIX, socket);
}

static bool
is_fresh(const char *path, const char *msg)
{
	struct error ignored;
	struct stat st;
	char *text;
	size_t len;
	bool is_same;

	if (stat(path, &st) == -1 || st.st_mtime + REPEAT_S < clock_now() ||
	    file_read(AT_FDCWD, path, API_FAILED_MAX, &text, &len,
	    &ignored) == -1)
		return false;
	is_same = strcmp(text, msg) == 0;
	free(text);
	return is_same;
}

int
start_failed_keep(const char *socket, const struct error *why)
{
	/* Another one runs, or it is another user's: that one can start. */
	static const char *const others[] = { "store:locked", "store:root",
	    "control:in-use" };
	struct error err;
	char *path;
	int rc;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(why->code, others[i]) == 0)
			return -1;
	}
	path = kept_path(socket);
	rc = is_fresh(path, why->msg) ? -1 : file_write_atomic(AT_FDCWD, path,
	    0640, why->msg, strlen(why->msg), &err);
	free(path);
	return rc;
}

void
start_failed_forget(const char *socket)
{
	char *path = kept_path(socket);

	(void)unlink(path);
	free(path);
}

/* --- telling --- */

struct round {
	const struct channel_env *env;
	size_t		 left;		/* that have not answered */
	struct call	*calls;
};

struct call {
	struct call	*next;
	struct round	*round;
	const struct conf_notify *conf;
	struct channel_op *op;
};

static void
told_cb(const struct error *err, void *arg)
{
	struct call *c = arg;

	c->op = NULL;
	if (err != NULL)
		log_warning(NULL, "notify \"%s\": not told that acmed cannot "
		    "start: %s", c->conf->name, err->msg);
	if (--c->round->left == 0)
		loop_stop(c->round->env->loop);
}

static void
late_cb(void *arg)
{
	const struct round *r = arg;

	loop_stop(r->env->loop);
}

/* All targets of this channel. */
static void
call_all(struct round *r, const struct conf_notify *conf,
    const struct error *why)
{
	const struct notice_item item = { .name = "", .words = why->msg };
	char *id = xasprintf("%lld.%08x%08x.%s@%s", (long long)clock_now(),
	    arc4random(), arc4random(), conf->name, r->env->host);
	const struct notice notice = { .event = NEV_START, .at = clock_now(),
	    .level = NLEV_CRITICAL, .id = id, .host = r->env->host,
	    .code = why->code, .who = "", .items = &item, .n_items = 1 };
	const char *const *targets = channel_targets(conf);
	struct notice_text t;

	notice_format(&notice, conf->is_chinese, &t);
	for (; *targets != NULL; targets++) {
		struct call *c = xcalloc(1, sizeof(*c));

		c->round = r;
		c->conf = conf;
		c->next = r->calls;
		r->calls = c;
		r->left++;
		c->op = channel_start(&(struct channel_args){ .env = r->env,
		    .conf = conf, .target = *targets, .id = id,
		    .subject = t.subject, .text = t.text, .json = t.json,
		    .at = notice.at, .level = notice.level }, told_cb, c);
	}
	notice_text_clear(&t);
	free(id);
}

void
start_failed_tell(const struct channel_env *env, const struct conf *conf,
    const struct error *why)
{
	struct round r = { .env = env };
	struct timer late;
	struct call *c;

	for (size_t i = 0; i < conf->n_notifies; i++) {
		const struct conf_notify *cn = conf->notifies[i];

		if (cn->kind != NOTIFY_HEARTBEAT && alarm_passes(cn,
		    NEV_BIT(NEV_START), NLEV_CRITICAL, NULL))
			call_all(&r, cn, why);
	}
	if (r.left > 0) {
		timer_init(&late, env->loop, late_cb, &r);
		timer_set(&late, PATIENCE_MS);
		loop_run(env->loop);
		timer_clear(&late);
	}
	while ((c = r.calls) != NULL) {
		r.calls = c->next;
		channel_cancel(c->op);
		free(c);
	}
}
