/* SPDX-License-Identifier: MIT */
#include "daemon/publish/publish.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/step.h"
#include "daemon/io/loop.h"
#include "daemon/publish/manifest.h"
#include "daemon/publish/objects.h"
#include "daemon/publish/publish_waves.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/bundle.h"
#include "daemon/store/csr.h"
#include "daemon/store/identity.h"
#include "daemon/store/keys.h"
#include "daemon/store/seal.h"
#include "daemon/store/store.h"

#define CONFLICTS_MAX	5
#define WRAPS_A_TURN	50	/* 5 ms */
#define KEEP_S		(30 * 86400)	/* after a certificate has expired */

struct publish_op {
	struct step	 s;
	const struct conf_repository *repository;
	struct repo_keys keys;
	unsigned char	 key[CRYPT_KEY];	/* of hosts: the secret as it
					   is wrapped */
	struct identity_wraps *wraps;	/* half made; NULL: done */
	size_t		 next_host;
	struct timer	 turn;
	char		*secret;	/* of the files; NULL: not sealed */
	char		 tag[17];	/* of this publication's files, or "" */
	struct manifest	 manifest;	/* to be published */
	char		*stored[MANIFEST_FILES];	/* as it shall lie */
	int		 next_file;
	char		 seen[OBJECT_ETAG_SIZE];	/* of the manifest there
					   now; "": none */
	char		 etag[OBJECT_ETAG_SIZE];	/* the same as this
					   store takes it back */
	enum object_condition condition;
	unsigned	 conflicts, misread;
	struct store_sync_op *sync;	/* of the wave that begins */
	bool		 keeps_files;	/* those there are this version's */
	size_t		 sizes[MANIFEST_FILES];	/* of stored */
	struct object_op *object;
};

static void	read_manifest(struct publish_op *);
static void	put_manifest(struct publish_op *);

static void
publish_cancel(void *arg)
{
	struct publish_op *op = arg;

	step_clear(&op->s);
	store_sync_cancel(op->sync);
	timer_clear(&op->turn);
	identity_wraps_free(op->wraps);
	explicit_bzero(op->key, sizeof(op->key));
	object_cancel(op->object);
	for (int i = 0; i < MANIFEST_FILES; i++)
		freezero(op->stored[i], op->keeps_files ? op->sizes[i] :
		    op->manifest.files[i].size);
	manifest_clear(&op->manifest);
	freezero_str(op->secret);
	repo_keys_clear(&op->keys);
	free(op);
}

static void
finish(struct publish_op *op, const struct error *err)
{
	/* What is published for a cluster is no target of a certificate. */
	if (op->s.a.target->is_shared)
		op->s.done(err, op->s.arg);
	else
		step_tell(&op->s, "publish", err);
	publish_cancel(op);
}

static struct object_args
object_args(const struct publish_op *op, const char *key)
{
	return (struct object_args){ .loop = op->s.a.env->loop,
	    .http = op->s.a.env->http, .etcd = op->s.a.env->etcd,
	    .repository = op->repository, .key = key,
	    .timeout_ms = op->s.a.target->timeout_s * 1000 };
}

/* --- what is to be published --- */

/* Where it shall lie.  What hosts read under their keys is never replaced:
 * they may be reading it. */
static void
set_path(struct publish_op *op, enum manifest_file_id id)
{
	struct manifest_file *f = &op->manifest.files[id];
	const char *name = manifest_file_name(id);
	size_t n = strcspn(name, ".");

	(void)text_printf(f->path, sizeof(f->path), "%s/%.*s%s%s%s",
	    op->s.a.serial, (int)n, name, op->tag[0] != '\0' ? "-" : "",
	    op->tag, name + n);
}

/* A secret for this publication alone; wrap_cb() wraps it for each host. */
static void
make_secret(struct publish_op *op)
{
	struct manifest_file *f = &op->manifest.files[MANIFEST_KEYS];
	char hex[2 * CRYPT_KEY + 1], *aad;
	unsigned char tag[8];

	arc4random_buf(op->key, sizeof(op->key));
	arc4random_buf(tag, sizeof(tag));
	(void)text_hex(tag, sizeof(tag), op->tag);
	op->secret = xstrdup(text_hex(op->key, sizeof(op->key), hex));
	explicit_bzero(hex, sizeof(hex));
	set_path(op, MANIFEST_KEYS);
	aad = xasprintf("%s/%s", op->s.a.cert->name, f->path);
	op->wraps = identity_wraps_new(op->key, aad,
	    op->repository->n_hosts);
	free(aad);
}

/* Some of the configuration's hosts, if the certificate names them; the loop
 * has others to serve. */
static void
wrap_cb(void *arg)
{
	struct publish_op *op = arg;
	struct manifest_file *f = &op->manifest.files[MANIFEST_KEYS];
	const struct conf_repository *r = op->repository;
	unsigned n = 0;

	for (; n < WRAPS_A_TURN && op->next_host < r->n_hosts;
	    op->next_host++) {
		const struct conf_host *h = r->hosts[op->next_host];

		if (!conf_is_for_host(op->s.a.cert, h->name))
			continue;
		identity_wraps_add(op->wraps, h->public_key);
		n++;
	}
	if (op->next_host < r->n_hosts) {
		timer_set(&op->turn, 0);
		return;
	}
	op->stored[MANIFEST_KEYS] = identity_wraps_take(op->wraps, &f->size);
	op->wraps = NULL;
	seal_hash(op->stored[MANIFEST_KEYS], f->size, f->sha256);
	read_manifest(op);
}

static int
make_file(struct publish_op *op, const char *dir, enum manifest_file_id id,
    enum bundle_format format, struct error *err)
{
	struct manifest_file *f = &op->manifest.files[id];
	char *plain, *aad;
	size_t len;

	if (bundle_make(dir, format, op->s.a.cert->name, NULL,
	    &plain, &len, err) == -1)
		return -1;
	set_path(op, id);
	aad = xasprintf("%s/%s", op->s.a.cert->name, f->path);
	if (op->secret != NULL) {
		op->stored[id] = seal_close(op->secret, aad, plain, len,
		    &f->size);
		freezero(plain, len);
	} else {
		op->stored[id] = plain;
		f->size = len;
	}
	free(aad);
	seal_hash(op->stored[id], f->size, f->sha256);
	return 0;
}

static bool
has_csr(const char *dir)
{
	char *path = xasprintf("%s/csr.pem", dir);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

/* The request in the place of the key, for members of a cluster. */
static int
make_csr(struct publish_op *op, const char *dir, struct error *err)
{
	struct manifest_file *f = &op->manifest.files[MANIFEST_CSR];
	char *path = xasprintf("%s/csr.pem", dir), *plain, *aad;
	size_t len;
	int rc = file_read(AT_FDCWD, path, CSR_MAX, &plain, &len, err);

	free(path);
	if (rc == -1)
		return -1;
	set_path(op, MANIFEST_CSR);
	aad = xasprintf("%s/%s", op->s.a.cert->name, f->path);
	op->stored[MANIFEST_CSR] = seal_close(op->secret, aad, plain, len,
	    &f->size);
	seal_hash(op->stored[MANIFEST_CSR], f->size, f->sha256);
	free(aad);
	free(plain);
	return 0;
}

/* Both files of each certificate. */
static int
make_files(struct publish_op *op, struct error *err)
{
	const char *dir = op->s.a.version_dir, *second = bundle_second(dir);
	char *second_dir;
	int rc;

	if (make_file(op, dir, MANIFEST_FULLCHAIN, BUNDLE_FULLCHAIN,
	    err) == -1)
		return -1;
	/* Of csr the host has the key, and nobody else. */
	if (op->s.a.target->is_shared && has_csr(dir))
		rc = make_csr(op, dir, err);
	else
		rc = op->s.a.cert->csr != NULL ? 0 : make_file(op, dir,
		    MANIFEST_PRIVKEY, BUNDLE_PRIVKEY, err);
	if (rc == -1)
		return -1;
	if (second == NULL)
		return 0;
	op->manifest.is_pair = true;
	second_dir = xasprintf("%s/%s", dir, second);
	rc = make_file(op, second_dir, MANIFEST_SECOND_FULLCHAIN,
	    BUNDLE_FULLCHAIN, err) == -1 || make_file(op, second_dir,
	    MANIFEST_SECOND_PRIVKEY, BUNDLE_PRIVKEY, err) == -1 ? -1 : 0;
	free(second_dir);
	return rc;
}

static int
read_facts(struct publish_op *op, struct error *err)
{
	struct manifest *m = &op->manifest;
	struct cert_info info;
	char *pem;
	size_t len;
	int rc;

	if (bundle_make(op->s.a.version_dir, BUNDLE_FULLCHAIN,
	    op->s.a.cert->name, NULL, &pem, &len, err) == -1)
		return -1;
	rc = cert_info_read(pem, len, &info, err);
	free(pem);
	if (rc == -1)
		return -1;
	m->names = info.names;
	info.names = NULL;
	(void)text_printf(m->certificate, sizeof(m->certificate), "%s",
	    op->s.a.cert->name);
	(void)text_printf(m->serial, sizeof(m->serial), "%s", info.serial);
	m->not_before = info.not_before;
	m->not_after = info.not_after;
	m->published_at = clock_now();
	m->renew_at = op->s.a.renew_at;
	dname_of_host(m->publisher);
	m->encrypted = op->repository->encrypted;
	cert_info_clear(&info);
	return 0;
}

/* Only who may take it changes: its files stay as hosts read them.  Where
 * hosts have keys, who may open it may have changed as well, and the new files
 * lie beside the old ones. */
static void
keep_files(struct publish_op *op, const struct manifest *there)
{
	bool is_in_waves = op->s.a.target->is_shared && there->waves != NULL;

	if (op->repository->to_hosts ||
	    strcmp(there->serial, op->manifest.serial) != 0 ||
	    (!is_in_waves && publish_same_waves(there, &op->manifest)))
		return;
	for (int i = 0; i < MANIFEST_FILES && !op->keeps_files; i++)
		op->sizes[i] = op->manifest.files[i].size;
	memcpy(op->manifest.files, there->files, sizeof(there->files));
	op->keeps_files = true;
	op->next_file = MANIFEST_FILES;
}

/* --- step by step: the manifest there, files, the new manifest --- */

static void
manifest_put(const struct error *err, const struct object_reply *reply,
    void *arg)
{
	struct publish_op *op = arg;

	(void)reply;
	op->object = NULL;
	if (err == NULL) {
		finish(op, NULL);
	} else if (strcmp(err->code, "object:unconditional") == 0) {
		/* Publishers must not race there; acmed alone does not. */
		op->condition = OBJECT_ANY;
		put_manifest(op);
	} else if (strcmp(err->code, "object:condition") == 0 &&
	    op->conflicts++ < CONFLICTS_MAX) {
		read_manifest(op);
	} else {
		finish(op, err);
	}
}

static void
put_manifest(struct publish_op *op)
{
	char *key = xasprintf("%s/manifest.json", op->s.a.cert->name);
	char *text = manifest_make(&op->manifest, &op->keys);
	struct object_args a = object_args(op, key);

	a.data = text;
	a.len = strlen(text);
	a.condition = op->condition;
	a.etag = op->etag;
	a.fence = op->s.a.fence;
	op->object = object_put_start(&a, manifest_put, op);
	free(text);
	free(key);
}

static void	put_file(struct publish_op *);

static void
file_put(const struct error *err, const struct object_reply *reply,
    void *arg)
{
	struct publish_op *op = arg;

	(void)reply;
	op->object = NULL;
	if (err != NULL)
		finish(op, err);
	else
		put_file(op);
}

static void
put_file(struct publish_op *op)
{
	const struct manifest_file *f;
	struct object_args a;
	char *key;

	while (op->next_file < MANIFEST_FILES &&
	    op->stored[op->next_file] == NULL)
		op->next_file++;
	if (op->next_file == MANIFEST_FILES) {
		put_manifest(op);
		return;
	}
	f = &op->manifest.files[op->next_file];
	key = xasprintf("%s/%s", op->s.a.cert->name, f->path);
	a = object_args(op, key);
	/* Of each renewal there would be more in etcd; buckets have rules. */
	a.keep_until = op->manifest.not_after + KEEP_S;
	a.data = op->stored[op->next_file++];
	a.len = f->size;
	op->object = object_put_start(&a, file_put, op);
	free(key);
}

/* Have we had it ourselves?  Then it is what we have rolled back from. */
static bool
is_ours(const struct publish_op *op, const char *serial)
{
	char *path = xasprintf("%s/../%s", op->s.a.version_dir, serial);
	bool found = access(path, F_OK) == 0;

	free(path);
	return found;
}

/*
 * A refusal though the manifest is still the one we have seen: some stores
 * want the ETag without its quotes (radosgw), some do not know what it is.
 */
static void
choose_condition(struct publish_op *op, const char *etag)
{
	size_t n = strlen(etag);

	if (op->conflicts > 0 && strcmp(op->seen, etag) == 0)
		op->misread++;
	(void)text_printf(op->seen, sizeof(op->seen), "%s", etag);
	op->condition = n == 0 || op->misread > 1 ? OBJECT_ANY :
	    OBJECT_REPLACE;
	if (op->misread == 1 && n > 2 && etag[0] == '"')
		(void)text_printf(op->etag, sizeof(op->etag), "%.*s",
		    (int)(n - 2), etag + 1);
	else
		(void)text_printf(op->etag, sizeof(op->etag), "%s", etag);
}

/*
 * What is there is replaced, unless it is newer: then another host publishes
 * under this name, and the two would go on replacing each other's.  1: it
 * stays, as subscribers take no older one, and the other steps shall go on.
 */
static int
compare(struct publish_op *op, const struct object_reply *reply,
    struct error *err)
{
	struct manifest there;
	int rc = 0;

	choose_condition(op, reply->etag);
	if (manifest_read(reply->data, reply->len, &op->keys,
	    op->s.a.cert->name, &there, err) == -1) {
		(void)error_wrap(err, "repository \"%s\" has a manifest of "
		    "\"%s\" already, which is not ours to replace",
		    op->repository->name, op->s.a.cert->name);
		err->kind = ERR_CONFIG;
		return -1;
	}
	/* Its files are sealed with the old secret as well. */
	if (!manifest_is_old(reply->data, reply->len, &op->keys,
	    op->s.a.cert->name))
		keep_files(op, &there);
	if (there.not_before > op->manifest.not_before &&
	    strcmp(there.serial, op->manifest.serial) != 0 &&
	    strcmp(there.serial, op->manifest.withdrawn) != 0)
		rc = is_ours(op, there.serial) ? 1 : error_set(err,
		    op->s.a.target->is_shared ? ERR_TRANSIENT : ERR_CONFIG,
		    op->s.a.target->is_shared ? "cluster:newer" :
		    "deploy:publish", "repository \"%s\" has a "
		    "newer certificate \"%s\" (%s), of another publisher",
		    op->repository->name, op->s.a.cert->name, there.serial);
	manifest_clear(&there);
	return rc;
}

static void
keep_newer(struct publish_op *op)
{
	step_say(&op->s, "repository \"%s\" keeps the newer certificate: "
	    "subscribers take no older one", op->repository->name);
	finish(op, NULL);
}

static void
manifest_got(const struct error *err, const struct object_reply *reply,
    void *arg)
{
	struct publish_op *op = arg;
	struct error failed;
	int rc;

	op->object = NULL;
	if (err != NULL && strcmp(err->code, "object:missing") == 0) {
		op->condition = OBJECT_CREATE;
		put_file(op);
	} else if (err != NULL) {
		finish(op, err);
	} else {
		rc = compare(op, reply, &failed);
		if (rc == -1)
			finish(op, &failed);
		else if (rc == 1)
			keep_newer(op);
		else
			put_file(op);
	}
}

static void
read_manifest(struct publish_op *op)
{
	char *key = xasprintf("%s/manifest.json", op->s.a.cert->name);
	struct object_args a = object_args(op, key);

	op->next_file = op->conflicts > 0 ? MANIFEST_FILES : 0;
	a.max = MANIFEST_MAX;
	op->object = object_get_start(&a, manifest_got, op);
	free(key);
}

static int
prepare(struct publish_op *op, bool *is_begun, struct error *err)
{
	if (repo_keys_read(op->repository, op->s.a.env->store, &op->keys,
	    err) == -1 || read_facts(op, err) == -1)
		return -1;
	*is_begun = publish_waves(op->s.a.env->store, op->repository,
	    op->s.a.target->is_shared, &op->manifest);
	if (op->repository->to_hosts)
		make_secret(op);
	else if (op->repository->encrypted)
		op->secret = xstrdup(op->keys.secret);
	return make_files(op, err);
}

static void
go(struct publish_op *op)
{
	step_say(&op->s, "publishing %s in repository \"%s\"",
	    op->manifest.serial, op->repository->name);
	if (op->wraps != NULL)
		wrap_cb(op);
	else
		read_manifest(op);
}

/* Who forgot that the first wave has it would begin with that one again, and
 * who forgot that it was withdrawn would not say so to hosts that were away. */
static void
wave_kept(const struct error *err, void *arg)
{
	struct publish_op *op = arg;

	op->sync = NULL;
	if (err != NULL)
		finish(op, err);
	else
		go(op);
}

static void
begin_cb(void *arg)
{
	struct publish_op *op = arg;
	struct error err;
	bool is_begun;

	if (prepare(op, &is_begun, &err) == -1)
		finish(op, &err);
	else if (is_begun || op->manifest.withdrawn[0] != '\0')
		op->sync = store_sync_start(op->s.a.env->store, wave_kept,
		    op);
	else
		go(op);
}

static void *
publish_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct publish_op *op = xcalloc(1, sizeof(*op));

	op->repository = a->target->publish;
	timer_init(&op->turn, a->env->loop, wrap_cb, op);
	step_init(&op->s, a, begin_cb, op, done, arg);
	return op;
}

static bool
publish_is_wanted(const struct deploy_args *a)
{
	return a->target->publish != NULL;
}

const struct deploy_kind deploy_publish = {
	.name = "publish",
	.is_wanted = publish_is_wanted,
	.start = publish_start,
	.cancel = publish_cancel,
};
