/* SPDX-License-Identifier: MIT */
/* The watch begins before the list, so that nothing is missed between them;
 * which of the two tells the newer version of a key, its revision says. */
#include "daemon/etcd/etcd_mirror.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/etcd/etcd_watch.h"
#include "daemon/io/loop.h"

#define PAGE_KEYS	200
#define PAGE_MAX	(8u << 20)	/* bytes */
#define CALL_TIMEOUT_MS	20000
#define RETRY_MS	1000
#define RETRY_MAX_MS	60000

struct known {
	LIST_ENTRY(known) entry;
	int64_t		 modified;
	unsigned	 list;		/* number of the last that had it */
	bool		 is_there;	/* else it is gone since the list, which
					   may still have it, began */
	char		 key[];
};

struct etcd_mirror {
	struct etcd_mirror_args a;
	struct etcd_watch *watch;
	struct etcd_op	*call;
	struct timer	 turn;		/* list, or list again */
	int64_t		 retry_ms;
	void		*known;		/* tsearch(3), by key */
	LIST_HEAD(, known) all;		/* the same */
	unsigned	 list;		/* its number */
	int64_t		 at;		/* the list's revision; 0: it has not
					   begun */
	char		*last;		/* key of it, behind the prefix */
	bool		 is_listed;	/* whole */
	bool		 is_watching;
	bool		 is_told, is_up;	/* state() was, and how */
	int64_t		 revision;
};

static void
tell(struct etcd_mirror *m, const struct error *err)
{
	bool is_up = err == NULL;

	if (m->is_told && m->is_up == is_up)
		return;
	m->is_told = true;
	m->is_up = is_up;
	m->a.state(err, m->a.arg);
}

static void
tell_up(struct etcd_mirror *m)
{
	if (m->is_listed && m->is_watching)
		tell(m, NULL);
}

/* --- what is known --- */

static int
by_key(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static struct known *
find(struct etcd_mirror *m, const char *key, bool make)
{
	size_t size = strlen(key) + 1;
	struct known *k = xcalloc(1, sizeof(*k) + size);
	struct known **at;

	memcpy(k->key, key, size);
	at = make ? tsearch(k, &m->known, by_key) : tfind(k, &m->known,
	    by_key);
	if (make && at == NULL)
		abort();
	if (at != NULL && *at == k) {
		LIST_INSERT_HEAD(&m->all, k, entry);
		return k;
	}
	free(k);
	return at != NULL ? *at : NULL;
}

static void
forget(struct etcd_mirror *m, struct known *k)
{
	(void)tdelete(k, &m->known, by_key);
	LIST_REMOVE(k, entry);
	free(k);
}

/* What neither the list has had, nor the watch while it was made. */
static void
sweep(struct etcd_mirror *m)
{
	struct known *k, *next;

	for (k = LIST_FIRST(&m->all); k != NULL; k = next) {
		next = LIST_NEXT(k, entry);
		if (k->is_there && k->list == m->list)
			continue;
		if (k->is_there)
			m->a.gone(k->key, m->at, m->a.arg);
		forget(m, k);
	}
}

/* --- what comes --- */

static void
told(const struct etcd_kv *kv, void *arg)
{
	struct etcd_mirror *m = arg;
	struct known *k = find(m, kv->key, true);

	k->list = m->list;
	if (kv->modified <= k->modified)
		return;			/* it is known, or is over */
	k->modified = kv->modified;
	k->is_there = true;
	m->a.put(kv, m->a.arg);
}

static void
gone(struct etcd_mirror *m, const struct etcd_kv *kv)
{
	struct known *k = find(m, kv->key, !m->is_listed);
	bool was_there;

	if (k == NULL || kv->modified <= k->modified)
		return;
	was_there = k->is_there;
	k->modified = kv->modified;
	k->is_there = false;
	if (was_there)
		m->a.gone(kv->key, kv->modified, m->a.arg);
	if (m->is_listed)
		forget(m, k);
}

static void
changed(const struct etcd_kv *kv, void *arg)
{
	struct etcd_mirror *m = arg;

	if (kv->modified > m->revision)
		m->revision = kv->modified;
	if (kv->value != NULL)
		told(kv, m);
	else
		gone(m, kv);
}

static void
again(struct etcd_mirror *m, const struct error *err)
{
	tell(m, err);
	timer_set(&m->turn, m->retry_ms - m->retry_ms / 4 +
	    (int64_t)arc4random_uniform((uint32_t)(m->retry_ms / 2)));
	m->retry_ms = m->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS :
	    m->retry_ms * 2;
}

static void
keep_last(const struct etcd_kv *kv, void *arg)
{
	struct etcd_mirror *m = arg;

	xstrset(&m->last, kv->key);
	told(kv, m);
}

static void	page_start(struct etcd_mirror *);

static void
listed(const struct error *err, const json_t *reply, void *arg)
{
	struct etcd_mirror *m = arg;
	const json_t *kvs = jsonx_get(reply, "kvs"), *kv;
	struct error bad;
	size_t i, n_read = 0;

	m->call = NULL;
	if (err != NULL) {
		/* "required revision has been compacted" is among these. */
		m->at = 0;
		again(m, err);
		return;
	}
	m->retry_ms = RETRY_MS;
	if (m->at == 0)
		m->at = etcd_revision(reply);
	/* One that nobody of us has written, with a NUL in it, is left out. */
	json_array_foreach(kvs, i, kv)
		n_read += etcd_kv_read(kv, m->a.prefix, true, keep_last,
		    m) == 0;
	if (n_read == 0 && json_array_size(kvs) > 0) {
		(void)error_set(&bad, ERR_REJECTED, "etcd:refused",
		    "etcd: list: keys that were not asked for");
		m->at = 0;
		again(m, &bad);
		return;
	}
	if (jsonx_bool(reply, "more", false) && json_array_size(kvs) > 0) {
		page_start(m);
		return;
	}
	m->is_listed = true;
	sweep(m);
	if (m->at > m->revision)
		m->revision = m->at;
	tell_up(m);
}

static void
page_start(struct etcd_mirror *m)
{
	char at[24], *from = xasprintf("%s%s", m->a.prefix, m->last != NULL ?
	    m->last : "");
	/* Behind the last one: with its NUL. */
	json_t *body = json_pack("{s:o, s:o, s:i}", "key", etcd_bytes(from,
	    strlen(from) + (m->last != NULL)), "range_end",
	    etcd_prefix_end(m->a.prefix), "limit", PAGE_KEYS);

	free(from);
	if (m->at != 0) {
		(void)text_printf(at, sizeof(at), "%lld", (long long)m->at);
		json_object_set_new(body, "revision", json_string(at));
	}
	m->call = etcd_call_start(m->a.etcd, &(struct etcd_args){
	    .conf = m->a.conf, .max_reply = PAGE_MAX,
	    .timeout_ms = CALL_TIMEOUT_MS }, "/v3/kv/range", body, listed, m);
}

static void
turn_cb(void *arg)
{
	struct etcd_mirror *m = arg;

	etcd_cancel(m->call);
	m->list++;
	m->at = 0;
	free(m->last);
	m->last = NULL;
	page_start(m);
}

/* Nothing is known of the time before; also of a cluster that counts anew. */
static void
all(void *arg)
{
	struct etcd_mirror *m = arg;
	struct known *k;

	/* All is told again, and then the list says what is gone. */
	LIST_FOREACH(k, &m->all, entry)
		k->modified = 0;
	m->is_listed = false;
	m->revision = 0;
	timer_set(&m->turn, 0);
}

static void
anew(void *arg)
{
	struct etcd_mirror *m = arg;

	m->is_told = false;
	if (m->a.anew != NULL)
		m->a.anew(m->a.arg);
}

static void
state(const struct error *err, void *arg)
{
	struct etcd_mirror *m = arg;

	m->is_watching = err == NULL;
	if (err != NULL)
		tell(m, err);
	else
		tell_up(m);
}

struct etcd_mirror *
etcd_mirror_new(const struct etcd_mirror_args *a)
{
	struct etcd_mirror *m = xcalloc(1, sizeof(*m));

	m->a = *a;
	m->retry_ms = RETRY_MS;
	timer_init(&m->turn, a->loop, turn_cb, m);
	m->watch = etcd_watch_new(&(struct etcd_watch_args){ .loop = a->loop,
	    .etcd = a->etcd, .conf = a->conf, .prefix = a->prefix,
	    .changed = changed, .all = all, .anew = anew, .state = state,
	    .arg = m });
	return m;
}

void
etcd_mirror_kick(struct etcd_mirror *m)
{
	etcd_watch_kick(m->watch);
	if (m->call == NULL && timer_is_set(&m->turn))
		timer_set(&m->turn, 0);
}

int64_t
etcd_mirror_revision(const struct etcd_mirror *m)
{
	return m->revision;
}

void
etcd_mirror_free(struct etcd_mirror *m)
{
	struct known *k;

	if (m == NULL)
		return;
	timer_clear(&m->turn);
	etcd_cancel(m->call);
	etcd_watch_free(m->watch);
	while ((k = LIST_FIRST(&m->all)) != NULL)
		forget(m, k);
	free(m->last);
	free(m);
}
