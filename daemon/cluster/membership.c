/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/membership.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "config.h"
#include "daemon/cluster/secret.h"
#include "daemon/config/conf_cluster.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"

#define LEASE_FILE	"cluster-lease"
#define LEASE_TEXT_MAX	32
#define RETRY_MS	1000
#define LEAVE_MS	2000

enum part {
	PART_SECRET, PART_OLD, PART_GRANT, PART_REGISTER, PART_KEEP, PART_TELL
};

/* What we are to renew. */
struct has {
	bool		 is_known;
	size_t		 n_certs;
	uint64_t	 digest;
};

struct membership {
	struct membership_args a;
	enum part	 part;		/* what is asked for, or next */
	struct secret_op *check;
	struct etcd_op	*call;
	struct timer	 next;		/* the next call */
	struct timer	 end;		/* the deadline */
	time_t		 since;
	int64_t		 lease;		/* 0: none */
	int64_t		 key_made;	/* revision; of our key under it */
	int64_t		 sent_ms;	/* the call under way */
	int64_t		 deadline_ms;	/* clock_boot_ms(); of lease */
	struct has	 has;
	struct has	 sent;		/* by the call under way */
	struct has	 told;		/* stands in our key */
	bool		 has_joined;
	bool		 has_left;
	void		(*left)(void *arg);
	void		*left_arg;
};

/* --- the lease's ID on disk --- */

static int64_t
read_lease(const struct membership *m)
{
	char *path = xasprintf("%s/%s", m->a.state_dir, LEASE_FILE), *text;
	struct error ignored;
	int64_t id = 0;
	size_t len;

	if (file_read(AT_FDCWD, path, LEASE_TEXT_MAX, &text, &len,
	    &ignored) == 0) {
		id = strtoll(text, NULL, 10);
		free(text);
	}
	free(path);
	return id;
}

/* Without it a daemon that is started again has to wait for the lease's end. */
static void
write_lease(const struct membership *m)
{
	int dir = open(m->a.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[LEASE_TEXT_MAX];
	struct error ignored;

	if (dir == -1)
		return;
	(void)text_printf(text, sizeof(text), "%lld\n", (long long)m->lease);
	(void)file_write_atomic(dir, LEASE_FILE, 0600, text, strlen(text),
	    &ignored);
	(void)close(dir);
}

/* --- calls --- */

static int64_t
lease_ms(const struct membership *m)
{
	return (int64_t)m->a.conf->lease_s * 1000;
}

static void
call_for(struct membership *m, const char *path, json_t *body,
    etcd_done_cb *done, unsigned ms)
{
	m->sent_ms = clock_boot_ms();
	/* Neither a member that does not answer, nor the 100,000 certificates
	 * that are looked at when one has left, must cost the lease. */
	m->call = etcd_call_start(m->a.etcd, &(struct etcd_args){
	    .conf = m->a.conf->etcd, .timeout_ms = ms,
	    .try_ms = (unsigned)lease_ms(m) / 5, .urgent = true },
	    path, body, done, m);
}

static void
call(struct membership *m, const char *path, json_t *body, etcd_done_cb *done)
{
	call_for(m, path, body, done, (unsigned)lease_ms(m));
}

static void
ask_no_more(struct membership *m)
{
	secret_check_cancel(m->check);
	m->check = NULL;
	etcd_cancel(m->call);
	m->call = NULL;
}

static json_t *
id_json(int64_t id)
{
	return json_sprintf("%lld", (long long)id);
}

static char *
key_of(const struct membership *m, bool renews)
{
	return xasprintf("%s/%s/%s", m->a.conf->prefix, renews ? "run/member" :
	    "host", m->a.conf->name);
}

static char *
member_key(const struct membership *m)
{
	return key_of(m, m->a.conf->role != CLUSTER_SERVE);
}

static void
go_on(struct membership *m, enum part part, int64_t ms)
{
	m->part = part;
	timer_set(&m->next, ms);
}

static void
failed(struct membership *m, const struct error *err)
{
	int64_t ms = RETRY_MS;

	m->a.asked(err, m->a.arg);
	if (m->has_left)
		return;
	/* A refusal stays one, a lease does not wait. */
	if (err->kind != ERR_TRANSIENT && m->part != PART_KEEP)
		ms = lease_ms(m) / 3;
	timer_set(&m->next, ms);
}

static void
lose(struct membership *m, const struct error *err)
{
	bool had = m->has_joined;

	m->has_joined = false;
	m->deadline_ms = 0;
	timer_clear(&m->end);
	timer_clear(&m->next);
	ask_no_more(m);
	/* The old one, if it still is, is ended first. */
	go_on(m, PART_SECRET, 0);
	if (had)
		m->a.lost(err, m->a.arg);
}

static void
end_cb(void *arg)
{
	struct membership *m = arg;
	struct error err;

	/* The timer does not go on while the machine sleeps. */
	if (membership_left_ms(m) > 0) {
		timer_set(&m->end, membership_left_ms(m));
		return;
	}
	(void)error_set(&err, ERR_TRANSIENT, "cluster:away", "the lease of "
	    "this member ended: etcd was not reached for %d s",
	    m->a.conf->lease_s);
	lose(m, &err);
}

static void
extend(struct membership *m, int64_t ttl_s)
{
	int64_t ms = ttl_s * 1000 < lease_ms(m) ? ttl_s * 1000 : lease_ms(m);

	m->deadline_ms = m->sent_ms + ms;
	timer_set(&m->end, m->deadline_ms - clock_boot_ms());
}

static bool
is_told(const struct membership *m)
{
	return m->told.is_known == m->has.is_known &&
	    m->told.n_certs == m->has.n_certs &&
	    m->told.digest == m->has.digest;
}

static void
kept(const struct error *err, const json_t *reply, void *arg)
{
	struct membership *m = arg;
	int64_t ttl = jsonx_number(reply, "result.TTL", 0);
	struct error gone;

	m->call = NULL;
	if (err != NULL) {
		failed(m, err);
		return;
	}
	m->a.asked(NULL, m->a.arg);
	/* One that came back after its deadline has told so already, and asks
	 * for another lease. */
	if (ttl <= 0 || membership_left_ms(m) == 0) {
		(void)error_set(&gone, ERR_TRANSIENT, "cluster:away",
		    "the lease of this member ended in etcd");
		lose(m, &gone);
		return;
	}
	extend(m, ttl);
	if (is_told(m))
		go_on(m, PART_KEEP, lease_ms(m) / 3);
	else
		go_on(m, PART_TELL, 0);
}

static void
name_taken(struct membership *m)
{
	struct error err;

	(void)error_set(&err, ERR_CONFIG, "cluster:name", "the cluster has a "
	    "member \"%s\" already: give each its own name; if it was this "
	    "one that died, its lease ends in %d s", m->a.conf->name,
	    m->a.conf->lease_s);
	failed(m, &err);
}

static void
registered(const struct error *err, const json_t *reply, void *arg)
{
	struct membership *m = arg;

	m->call = NULL;
	if (err != NULL) {
		failed(m, err);
		return;
	}
	if (!jsonx_bool(reply, "succeeded", false) && jsonx_number(reply,
	    "responses.0.response_range.kvs.0.lease", 0) != m->lease) {
		name_taken(m);
		return;
	}
	if (membership_left_ms(m) == 0) {	/* it took too long */
		go_on(m, PART_OLD, 0);
		return;
	}
	m->key_made = jsonx_bool(reply, "succeeded", false) ?
	    etcd_revision(reply) : jsonx_number(reply,
	    "responses.0.response_range.kvs.0.create_revision", 0);
	m->told = m->sent;
	m->has_joined = true;
	timer_set(&m->end, membership_left_ms(m));
	m->a.asked(NULL, m->a.arg);
	m->a.joined(m->a.arg);
	go_on(m, PART_KEEP, is_told(m) ? lease_ms(m) / 3 : 0);
}

/* The sealed value of our key, or NULL. */
static char *
member_value(struct membership *m, const char *path, size_t *len,
    struct error *err)
{
	char *text, *sealed, digest[17];
	json_t *json = json_pack("{s:s, s:s, s:I}", "role",
	    cluster_role_name(m->a.conf->role), "version", PACKAGE_VERSION,
	    "since", (json_int_t)m->since);

	if (m->has.is_known) {
		(void)text_printf(digest, sizeof(digest), "%016llx",
		    (unsigned long long)m->has.digest);
		json_object_set_new(json, "certificates",
		    json_integer((json_int_t)m->has.n_certs));
		json_object_set_new(json, "digest", json_string(digest));
	}
	m->sent = m->has;
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	sealed = secret_seal(m->a.conf, path, text, len, err);
	free(text);
	return sealed;
}

static void
register_start(struct membership *m)
{
	char *path = member_key(m), *sealed;
	/* No two have one name, whatever they do. */
	char *other = key_of(m, m->a.conf->role == CLUSTER_SERVE);
	json_t *key = etcd_text(path), *other_key = etcd_text(other);
	struct error err;
	size_t len;

	sealed = member_value(m, path, &len, &err);
	free(path);
	free(other);
	if (sealed == NULL) {
		json_decref(key);
		json_decref(other_key);
		failed(m, &err);
		return;
	}
	call(m, "/v3/kv/txn", json_pack("{s:[{s:O, s:s, s:s, s:s}, "
	    "{s:o, s:s, s:s, s:s}], s:[{s:{s:O, s:o, s:o}}], s:[{s:{s:o}}]}",
	    "compare", "key", key, "target", "VERSION", "result", "EQUAL",
	    "version", "0",
	    "key", other_key, "target", "VERSION", "result", "EQUAL",
	    "version", "0",
	    "success", "request_put", "key", key,
	    "value", etcd_bytes(sealed, len), "lease", id_json(m->lease),
	    "failure", "request_range", "key", key), registered);
	free(sealed);
}

/* The lease goes before: it is kept when it would have been kept. */
static void
keep_next(struct membership *m)
{
	int64_t ms = lease_ms(m) / 3 - (clock_boot_ms() - m->sent_ms);

	go_on(m, PART_KEEP, ms > 0 ? ms : 0);
}

static void
told(const struct error *err, const json_t *reply, void *arg)
{
	struct membership *m = arg;

	m->call = NULL;
	m->a.asked(err, m->a.arg);
	/* A key that is not ours any more: the deletion is told, too. */
	if (err == NULL && jsonx_bool(reply, "succeeded", false))
		m->told = m->sent;
	keep_next(m);
}

/* Just after the lease was kept, and in less time than that allows for. */
static void
tell_start(struct membership *m)
{
	char *path = member_key(m), *sealed;
	json_t *key = etcd_text(path);
	struct error err;
	size_t len;

	sealed = member_value(m, path, &len, &err);
	free(path);
	if (sealed == NULL) {
		json_decref(key);
		m->sent_ms = clock_boot_ms();
		m->a.asked(&err, m->a.arg);
		keep_next(m);
		return;
	}
	call_for(m, "/v3/kv/txn", json_pack("{s:[{s:O, s:s, s:s, s:o}], "
	    "s:[{s:{s:o, s:o, s:o}}]}",
	    "compare", "key", key, "target", "CREATE", "result", "EQUAL",
	    "create_revision", id_json(m->key_made),
	    "success", "request_put", "key", key,
	    "value", etcd_bytes(sealed, len), "lease", id_json(m->lease)),
	    told, (unsigned)lease_ms(m) / 5);
	free(sealed);
}

static void
granted(const struct error *err, const json_t *reply, void *arg)
{
	struct membership *m = arg;
	int64_t id = jsonx_number(reply, "ID", 0);
	int64_t ttl = jsonx_number(reply, "TTL", 0);
	struct error bad;

	m->call = NULL;
	if (err == NULL && (id == 0 || ttl <= 0)) {
		(void)error_set(&bad, ERR_REJECTED, "etcd:refused",
		    "etcd grants a lease without ID or TTL");
		err = &bad;
	}
	if (err != NULL) {
		failed(m, err);
		return;
	}
	m->lease = id;
	write_lease(m);
	m->deadline_ms = 0;
	extend(m, ttl);
	timer_clear(&m->end);		/* nothing is held yet */
	go_on(m, PART_REGISTER, 0);
}

static void
old_ended(const struct error *err, const json_t *reply, void *arg)
{
	struct membership *m = arg;

	(void)reply;
	m->call = NULL;
	/* One that has ended is refused. */
	if (err != NULL && err->kind != ERR_REJECTED) {
		failed(m, err);
		return;
	}
	m->lease = 0;
	go_on(m, PART_GRANT, 0);
}

static void
checked(const struct error *err, void *arg)
{
	struct membership *m = arg;

	m->check = NULL;
	if (err != NULL)
		failed(m, err);
	else
		go_on(m, PART_OLD, 0);
}

static void
next_cb(void *arg)
{
	struct membership *m = arg;
	char ttl[24];

	switch (m->part) {
	case PART_SECRET:
		m->check = secret_check_start(m->a.loop, m->a.etcd,
		    m->a.conf, (unsigned)lease_ms(m), checked, m);
		break;
	case PART_OLD:
		if (m->lease == 0)
			m->lease = read_lease(m);
		if (m->lease == 0)
			go_on(m, PART_GRANT, 0);
		else
			call(m, "/v3/lease/revoke", json_pack("{s:o}", "ID",
			    id_json(m->lease)), old_ended);
		break;
	case PART_GRANT:
		(void)text_printf(ttl, sizeof(ttl), "%d", m->a.conf->lease_s);
		call(m, "/v3/lease/grant", json_pack("{s:s}", "TTL", ttl),
		    granted);
		break;
	case PART_REGISTER:
		if (membership_left_ms(m) == 0)
			go_on(m, PART_OLD, 0);
		else
			register_start(m);
		break;
	case PART_KEEP:
		call(m, "/v3/lease/keepalive", json_pack("{s:o}", "ID",
		    id_json(m->lease)), kept);
		break;
	case PART_TELL:
		tell_start(m);
		break;
	}
}

/* --- for others --- */

struct membership *
membership_new(const struct membership_args *a)
{
	struct membership *m = xcalloc(1, sizeof(*m));

	m->a = *a;
	m->since = clock_now();
	timer_init(&m->next, a->loop, next_cb, m);
	timer_init(&m->end, a->loop, end_cb, m);
	timer_set(&m->next, 0);
	return m;
}

bool
membership_is_held(const struct membership *m)
{
	return m->has_joined && membership_left_ms(m) > 0;
}

int64_t
membership_lease(const struct membership *m)
{
	return m->has_joined ? m->lease : 0;
}

void
membership_tell(struct membership *m, size_t n_certs, uint64_t digest)
{
	m->has = (struct has){ true, n_certs, digest };
	/* Else with the call under way, or after it. */
	if (m->has_joined && m->call == NULL && !is_told(m))
		go_on(m, PART_KEEP, 0);
}

int64_t
membership_left_ms(const struct membership *m)
{
	int64_t left = m->deadline_ms - clock_boot_ms();

	return left > 0 ? left : 0;
}

void
membership_drop(struct membership *m, int64_t revision,
    const struct error *err)
{
	/* It may be the one of the daemon before this one. */
	if (m->has_joined && revision >= m->key_made)
		lose(m, err);
}

static void
leave_end(void *arg)
{
	struct membership *m = arg;

	ask_no_more(m);
	timer_clear(&m->end);
	m->left(m->left_arg);
}

static void
left(const struct error *err, const json_t *reply, void *arg)
{
	struct membership *m = arg;

	(void)err;
	(void)reply;
	m->call = NULL;
	timer_clear(&m->end);
	m->left(m->left_arg);
}

void
membership_leave(struct membership *m, void (*done)(void *arg), void *arg)
{
	m->has_left = true;
	m->has_joined = false;
	m->left = done;
	m->left_arg = arg;
	timer_clear(&m->next);
	timer_clear(&m->end);
	ask_no_more(m);
	timer_init(&m->end, m->a.loop, leave_end, m);
	timer_set(&m->end, m->lease != 0 ? LEAVE_MS : 0);
	if (m->lease != 0)
		call(m, "/v3/lease/revoke", json_pack("{s:o}", "ID",
		    id_json(m->lease)), left);
}

void
membership_free(struct membership *m)
{
	if (m == NULL)
		return;
	timer_clear(&m->next);
	timer_clear(&m->end);
	ask_no_more(m);
	free(m);
}
