/* SPDX-License-Identifier: MIT */
#include "daemon/status/health.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/cluster/cluster.h"
#include "daemon/control/pieces.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/glance.h"

enum { REASONS_MAX = 20 };

struct health {
	struct engine	*engine;
	struct evbuffer	*reasons;	/* a line each */
	size_t		 n_reasons;
	char		*after;		/* the last certificate looked at */
};

static void
health_free(void *arg)
{
	struct health *h = arg;

	evbuffer_free(h->reasons);
	free(h->after);
	free(h);
}

static void
reason(struct health *h, const char *what, const char *word, const char *why)
{
	if (h->n_reasons++ < REASONS_MAX &&
	    evbuffer_add_printf(h->reasons, "%s: %s%s%s\n", what, word,
	    *word != '\0' && *why != '\0' ? ": " : "", why) == -1)
		abort();
}

static void
finish(struct pieces *p, struct health *h)
{
	struct evbuffer *out = pieces_out(p);

	if (h->n_reasons == 0) {
		(void)evbuffer_add_printf(out, "ok\n");
		return;
	}
	pieces_set_status(p, 503);
	(void)evbuffer_add_buffer(out, h->reasons);
	if (h->n_reasons > REASONS_MAX)
		(void)evbuffer_add_printf(out, "and %zu more\n",
		    h->n_reasons - REASONS_MAX);
}

/* Nothing is written before all have been looked at: the status comes first. */
static bool
fill(struct pieces *p, void *arg)
{
	struct health *h = arg;
	const char *name = engine_next_name(h->engine, h->after);
	struct glance g;
	char *next;

	if (name == NULL) {
		finish(p, h);
		return false;
	}
	if (engine_glance(h->engine, name, &g) && !g.is_good)
		reason(h, name, g.word,
		    g.err != NULL ? g.err->msg : "");
	next = xstrdup(name);
	free(h->after);
	h->after = next;
	return true;
}

static void
unwell(const char *name, const char *what, const char *word, const char *why,
    void *arg)
{
	char *both = xasprintf("%s: %s", name, what);

	reason(arg, both, word, why);
	free(both);
}

void
get_health(struct call *c)
{
	struct health *h = xcalloc(1, sizeof(*h));
	const char *mistake = engine_reload_error(c->server->engine);
	const struct error *trouble;
	time_t since;

	h->engine = c->server->engine;
	h->reasons = evbuffer_new();
	if (h->reasons == NULL)
		abort();
	h->after = xstrdup("");
	engine_each_unwell(h->engine, unwell, h);
	if (mistake != NULL)
		reason(h, "configuration", "", mistake);
	trouble = cluster_trouble(engine_cluster(h->engine), &since);
	if (trouble != NULL)
		reason(h, "cluster", "", trouble->msg);
	pieces_begin(c, "text/plain; charset=utf-8", fill, health_free, h);
}
