/* SPDX-License-Identifier: MIT */
#include "daemon/engine/csrs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf_csr.h"
#include "daemon/engine/priv.h"
#include "daemon/store/csr.h"

struct csrs {
	struct engine	*engine;
	struct timer	 look;
};

/* What a file was like when it was looked at last; all zero: it was not
 * there. */
struct csr_watch {
	dev_t		 dev;
	ino_t		 ino;
	off_t		 size;
	struct timespec	 mtime;
};

static void
stamp(const char *path, struct csr_watch *w)
{
	struct stat st;

	memset(w, 0, sizeof(*w));
	if (stat(path, &st) == -1)
		return;
	w->dev = st.st_dev;
	w->ino = st.st_ino;
	w->size = st.st_size;
	w->mtime = st.st_mtim;
}

/* Has it changed since it was looked at last? */
static bool
is_other(struct cert *c)
{
	struct csr_watch now, *was = c->csr_watch;
	bool is_same;

	stamp(c->conf->csr->path, &now);
	is_same = was != NULL && was->dev == now.dev && was->ino == now.ino &&
	    was->size == now.size && was->mtime.tv_sec == now.mtime.tv_sec &&
	    was->mtime.tv_nsec == now.mtime.tv_nsec;
	if (was == NULL)
		c->csr_watch = xmalloc(sizeof(*c->csr_watch));
	*c->csr_watch = now;
	return !is_same;
}

/* What failed for the request of before may do with this one. */
static void
take(struct cert *c, const char *hash)
{
	event_emit(c->certs, c->row.name, STEP_ACCOUNT, LOGL_NOTICE,
	    "%s is another request: renewing with it", c->conf->csr->path);
	cert_csr_seen(c, hash);
	if (c->row.failures > 0) {
		c->row.retry_at = 0;
		cert_save(c);
	}
	certs_changed(c->certs);
}

/* A request that is of use is read again by the run: here it is only found that
 * there is one. */
static bool
look(struct cert *c)
{
	const char *wanted = cert_csr_wanted(c);
	struct error err;
	struct csr csr;

	if (conf_csr_read(c->conf, &csr, &err) == 0) {
		if (strcmp(csr.hash, wanted) != 0)
			take(c, csr.hash);
		csr_clear(&csr);
		return false;
	}
	if (c->conf->csr->gives_names && strcmp(err.code, "csr:names") == 0)
		return true;
	/* The run tells that, as long as there is none. */
	if (strcmp(err.code, "request:none") == 0)
		return false;
	event_emit(c->certs, c->row.name, STEP_ACCOUNT, LOGL_WARNING,
	    "%s; the installed certificate stays, and cannot be renewed with "
	    "this request", err.msg);
	return false;
}

static void
look_cb(void *arg)
{
	struct csrs *csrs = arg;
	struct engine *e = csrs->engine;
	const char *other = NULL;

	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];

		/* A run reads it itself. */
		if (c->conf != NULL && c->conf->csr != NULL &&
		    c->run == NULL && is_other(c) && look(c) && other == NULL)
			other = c->conf->csr->path;
	}
	csrs_apply(csrs);
	if (other == NULL || e->is_stopping)
		return;
	log_notice(NULL, "%s asks for other names: reading the configuration "
	    "again", other);
	e->a.reread(e->a.reread_arg);
}

struct csrs *
csrs_new(struct engine *e)
{
	struct csrs *csrs = xcalloc(1, sizeof(*csrs));

	csrs->engine = e;
	timer_init(&csrs->look, e->a.loop, look_cb, csrs);
	return csrs;
}

void
csrs_free(struct csrs *csrs)
{
	if (csrs == NULL)
		return;
	timer_clear(&csrs->look);
	free(csrs);
}

void
csrs_apply(struct csrs *csrs)
{
	const struct certs *certs = csrs->engine->certs;
	int64_t every = 0;

	for (size_t i = 0; i < certs->n; i++) {
		const struct conf_cert *cc = certs->list[i]->conf;

		if (cc != NULL && cc->csr != NULL &&
		    (every == 0 || cc->poll_s < every))
			every = cc->poll_s;
	}
	if (every > 0)
		timer_set(&csrs->look, every * 1000);
	else
		timer_clear(&csrs->look);
}

void
csrs_look(struct csrs *csrs)
{
	timer_set(&csrs->look, 0);
}
