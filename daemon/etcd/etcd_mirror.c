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
#include "daemon/rest/sign.h"

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
	unsigned char	*last;		/* key of it; NULL: none yet */
	size_t		 last_len;	/* bytes */
	unsigned	 page;		/* keys that are asked for */
	bool		 skips;		/* the next one alone is too much */
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
keep_last(struct etcd_mirror *m, unsigned char *key, size_t len)
{
	freezero(m->last, m->last_len);
	m->last = key;
	m->last_len = len;
}

/* The next page begins behind the last key of this one, whatever that is. */
static bool
go_behind(struct etcd_mirror *m, const json_t *kvs)
{
	const char *text = jsonx_str(json_array_get(kvs,
	    json_array_size(kvs) - 1), "key");
	size_t before = strlen(m->a.prefix), len;
	unsigned char *key;
	int order;

	if (text == NULL || sign_base64_decode(text, &key, &len) == -1)
		return false;
	order = m->last == NULL ? 1 : memcmp(key, m->last,
	    len < m->last_len ? len : m->last_len);
	if (len < before || memcmp(key, m->a.prefix, before) != 0 ||
	    order < 0 || (order == 0 && len <= m->last_len)) {
		freezero(key, len);
		return false;
	}
	keep_last(m, key, len);
	return true;
}

static void	page_start(struct etcd_mirror *);

/*
 * A page, or its first key alone, has more bytes than we take; true: ask for
 * less.  A value that nobody of us has written is as if it were not there.
 */
static bool
ask_for_less(struct etcd_mirror *m, const struct error *err)
{
	if (m->skips || strcmp(err->code, "http:too-large") != 0)
		return false;
	m->skips = m->page == 1;
	m->page = (m->page + 3) / 4;
	return true;
}

static void
listed(const struct error *err, const json_t *reply, void *arg)
{
	struct etcd_mirror *m = arg;
	const json_t *kvs = jsonx_get(reply, "kvs"), *kv;
	struct error bad;
	size_t i;

	m->call = NULL;
	if (err != NULL && ask_for_less(m, err)) {
		page_start(m);
		return;
	}
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
	json_array_foreach(kvs, i, kv) {
		if (!m->skips)
			(void)etcd_kv_read(kv, m->a.prefix, true, told, m);
	}
	if (json_array_size(kvs) > 0 && !go_behind(m, kvs)) {
		(void)error_set(&bad, ERR_REJECTED, "etcd:refused",
		    "etcd: list: keys that were not asked for");
		m->at = 0;
		again(m, &bad);
		return;
	}
	m->skips = false;
	m->page = m->page * 2 > PAGE_KEYS ? PAGE_KEYS : m->page * 2;
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
	/* Behind the last one: with a NUL. */
	size_t len = m->last != NULL ? m->last_len : strlen(m->a.prefix);
	char at[24], *from = xcalloc(1, len + 1);
	json_t *body;

	memcpy(from, m->last != NULL ? (const void *)m->last : m->a.prefix,
	    len);
	body = json_pack("{s:o, s:o, s:i, s:b}", "key", etcd_bytes(from,
	    len + (m->last != NULL)), "range_end",
	    etcd_prefix_end(m->a.prefix), "limit",
	    m->skips ? 1 : (int)m->page, "keys_only", m->skips);
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
	m->page = PAGE_KEYS;
	m->skips = false;
	keep_last(m, NULL, 0);
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
	keep_last(m, NULL, 0);
	free(m);
}
