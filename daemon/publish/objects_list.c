/* SPDX-License-Identifier: MIT */
#include "daemon/publish/objects_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/publish/objects_priv.h"
#include "daemon/rest/xml.h"

#define KEY_MAX		1024	/* bytes, in S3 and OSS */
#define PAGE		1000	/* objects; the most of both */
#define PAGE_MAX_BYTES	(2u << 20)
#define HOSTS_A_TURN	32	/* directories read before the loop goes on */

struct object_list_op {
	struct object_list_args a;
	char		*folder;	/* with the prefix */
	struct timer	 turn;
	struct rest_op	*rest;
	struct etcd_op	*etcd;
	char		 next[KEY_MAX * 2];	/* page; "": the first */
	size_t		 n;
	bool		 is_cut;
	struct dirent	**hosts;	/* of a directory */
	int		 n_hosts, next_host;
	object_list_cb	*done;
	void		*arg;
};

void
object_list_cancel(struct object_list_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->turn);
	rest_cancel(op->rest);
	etcd_cancel(op->etcd);
	for (int i = 0; i < op->n_hosts; i++)
		free(op->hosts[i]);
	free(op->hosts);
	free(op->folder);
	free(op);
}

static void
finish(struct object_list_op *op, struct error *err)
{
	if (err != NULL)
		(void)error_wrap(err, "repository \"%s\": list %s",
		    op->a.repository->name, op->folder);
	op->done(err, err == NULL && !op->is_cut, op->arg);
	object_list_cancel(op);
}

/* false: there may be no more. */
static bool
tell(struct object_list_op *op, const char *key, const char *version)
{
	size_t n = strlen(op->folder);

	if (strncmp(key, op->folder, n) != 0 || key[n] == '\0' ||
	    version[0] == '\0')
		return true;
	if (op->n == op->a.max) {
		op->is_cut = true;
		return false;
	}
	op->n++;
	op->a.each(key + n, version, op->arg);
	return true;
}

/* --- S3, OSS --- */

static int
build(void *user, struct preq *rq, struct error *err)
{
	struct object_list_op *op = user;

	object_http_start(op->a.repository, rq, "GET", "");
	preq_query(rq, "list-type", "2");
	preq_query_number(rq, "max-keys", PAGE);
	preq_query(rq, "prefix", op->folder);
	if (op->next[0] != '\0')
		preq_query(rq, "continuation-token", op->next);
	return object_http_sign(op->a.repository, rq, err);
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct object_list_op *op = user;
	struct xml doc = xml_document(a->body, a->body_len), list, all, item;
	char key[KEY_MAX + 1], etag[OBJECT_VERSION_SIZE], more[8] = "";

	if (!xml_child(&doc, "ListBucketResult", &list)) {
		(void)error_set(err, ERR_TRANSIENT, "object:http",
		    "the answer is not a list of objects");
		return REST_FAIL;
	}
	all = list;
	while (xml_next(&all, "Contents", &item)) {
		if (xml_text(&item, "Key", key, sizeof(key)) &&
		    xml_text(&item, "ETag", etag, sizeof(etag)) &&
		    !tell(op, key, etag))
			return REST_DONE;
	}
	(void)xml_text(&list, "IsTruncated", more, sizeof(more));
	if (strcmp(more, "true") != 0)
		return REST_DONE;
	if (!xml_text(&list, "NextContinuationToken", op->next,
	    sizeof(op->next)) || op->next[0] == '\0') {
		(void)error_set(err, ERR_TRANSIENT, "object:http",
		    "the answer does not say where the list goes on");
		return REST_FAIL;
	}
	return REST_AGAIN;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	char code[80], words[300];
	bool is_bucket;

	object_http_words(a, code, words);
	is_bucket = strcmp(code, "NoSuchBucket") == 0;
	(void)error_set(err, a->status == 408 || a->status == 429 ||
	    (a->status >= 500 && a->status != 501) ? ERR_TRANSIENT :
	    ERR_CONFIG, is_bucket ? "object:bucket" : a->status == 401 ||
	    a->status == 403 ? "object:denied" : "object:http",
	    "it answers %d%s%s%s%s", a->status, code[0] != '\0' ? " " : "",
	    code, words[0] != '\0' ? ": " : "", words);
}

static const struct rest_step steps[] = {
	{ .name = "", .request = build, .reply = listed },
	{ .name = NULL }
};

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct object_list_op *op = arg;

	op->rest = NULL;
	finish(op, end == REST_DONE ? NULL : err);
}

static void
http_begin(struct object_list_op *op)
{
	op->rest = rest_start(&(struct rest_args){
	    .loop = op->a.loop, .http = op->a.http, .steps = steps,
	    .user = op, .allow_http = true,
	    .ca_file = op->a.repository->ca_file,
	    .max_reply = PAGE_MAX_BYTES, .timeout_ms = op->a.timeout_ms,
	    .plain_text = true, .failed = failed }, rest_done, op);
}

/* --- etcd --- */

static void	etcd_begin(struct object_list_op *);

static void
tell_key(const struct etcd_kv *kv, void *arg)
{
	struct object_list_op *op = arg;
	char version[OBJECT_VERSION_SIZE], *key;

	object_etcd_version(kv, version);
	/* What stands before all keys behind this one. */
	(void)text_printf(op->next, sizeof(op->next), "%s%s\x01", op->folder,
	    kv->key);
	key = xasprintf("%s%s", op->folder, kv->key);
	(void)tell(op, key, version);
	free(key);
}

static void
ranged(const struct error *err, const json_t *reply, void *arg)
{
	struct object_list_op *op = arg;
	const json_t *kvs = json_object_get(reply, "kvs"), *kv;
	struct error told;
	size_t i, n_read = 0;

	op->etcd = NULL;
	if (err != NULL) {
		told = *err;
		finish(op, &told);
		return;
	}
	json_array_foreach(kvs, i, kv) {
		if (!op->is_cut)
			n_read += etcd_kv_read(kv, op->folder, false,
			    tell_key, op) == 0;
	}
	/* None that says where the next page begins. */
	if (!op->is_cut && n_read == 0 && json_array_size(kvs) > 0) {
		(void)error_set(&told, ERR_REJECTED, "etcd:refused",
		    "1000 keys in a row are none of acmed's: remove them");
		finish(op, &told);
		return;
	}
	if (op->is_cut || json_array_size(kvs) == 0 ||
	    !jsonx_bool(reply, "more", false))
		finish(op, NULL);
	else
		etcd_begin(op);
}

static void
etcd_begin(struct object_list_op *op)
{
	op->etcd = etcd_call_start(op->a.etcd, &(struct etcd_args){
	    .conf = op->a.repository->etcd, .max_reply = PAGE_MAX_BYTES,
	    .timeout_ms = op->a.timeout_ms }, "/v3/kv/range", json_pack(
	    "{s:o, s:o, s:s, s:b}", "key", etcd_text(op->next[0] != '\0' ?
	    op->next : op->folder), "range_end",
	    etcd_prefix_end(op->folder), "limit", "1000", "keys_only", 1),
	    ranged, op);
}

/* --- a directory --- */

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The files of one host; others may write there, so no link is followed. */
static bool
list_host(struct object_list_op *op, const char *root, const char *host)
{
	char *path = xasprintf("%s/%s", root, host);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *d;
	bool goes_on = true;

	free(path);
	if (dir == NULL && fd != -1)
		(void)close(fd);
	while (goes_on && dir != NULL && (d = readdir(dir)) != NULL) {
		char version[OBJECT_VERSION_SIZE], *key;
		struct stat st;

		if (!is_visible(d) || fstatat(dirfd(dir), d->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
			continue;
		(void)text_printf(version, sizeof(version),
		    "%lld.%09ld-%lld-%llu", (long long)st.st_mtim.tv_sec,
		    st.st_mtim.tv_nsec, (long long)st.st_size,
		    (unsigned long long)st.st_ino);
		key = xasprintf("%s%s/%s", op->folder, host, d->d_name);
		goes_on = tell(op, key, version);
		free(key);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return goes_on;
}

static void
directory_turn(struct object_list_op *op)
{
	char *root = xasprintf("%s/%.*s", op->a.repository->path,
	    (int)strlen(op->folder) - 1, op->folder);
	struct error err;
	bool goes_on = true;

	if (op->hosts == NULL) {
		op->n_hosts = scandir(root, &op->hosts, is_visible, NULL);
		if (op->n_hosts == -1) {
			int e = errno;

			op->n_hosts = 0;
			op->hosts = NULL;
			free(root);
			(void)error_set(&err, ERR_CONFIG, e == EACCES ?
			    "object:denied" : "object:directory", "%s",
			    strerror(e));
			finish(op, e == ENOENT ? NULL : &err);
			return;
		}
	}
	for (int i = 0; i < HOSTS_A_TURN && goes_on &&
	    op->next_host < op->n_hosts; i++)
		goes_on = list_host(op, root,
		    op->hosts[op->next_host++]->d_name);
	free(root);
	if (goes_on && op->next_host < op->n_hosts)
		timer_set(&op->turn, 0);
	else
		finish(op, NULL);
}

/* --- all of them --- */

/* A cluster that was made anew counts from 1: both revisions. */
void
object_etcd_version(const struct etcd_kv *kv, char out[OBJECT_VERSION_SIZE])
{
	(void)text_printf(out, OBJECT_VERSION_SIZE, "%lld-%lld",
	    (long long)kv->created, (long long)kv->modified);
}

static void
turn_cb(void *arg)
{
	struct object_list_op *op = arg;

	if (op->a.repository->type == REPOSITORY_DIRECTORY)
		directory_turn(op);
	else if (op->a.repository->type == REPOSITORY_ETCD)
		etcd_begin(op);
	else
		http_begin(op);
}

struct object_list_op *
object_list_start(const struct object_list_args *a, object_list_cb *done,
    void *arg)
{
	struct object_list_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->folder = xasprintf("%s%s", a->repository->prefix, a->folder);
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->loop, turn_cb, op);
	timer_set(&op->turn, 0);
	return op;
}
