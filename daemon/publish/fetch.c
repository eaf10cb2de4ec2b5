/* SPDX-License-Identifier: MIT */
#include "daemon/publish/fetch.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/io/loop.h"
#include "daemon/publish/manifest.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/csr.h"
#include "daemon/store/identity.h"
#include "daemon/store/keys.h"
#include "daemon/store/seal.h"
#include "daemon/store/store.h"

#define TIMEOUT_MS	60000
#define AGAIN_MS	1000	/* and then twice as long */
#define AGAIN_MAX	3

struct fetch_op {
	struct fetch_args a;
	char		*serial, *etag, *host;
	struct repo_keys keys;
	char		*secret;	/* of keys; NULL: there are none */
	struct manifest	 manifest;
	char		*text[MANIFEST_FILES];	/* decrypted; wiped */
	size_t		 len[MANIFEST_FILES];
	int		 next_file, n_again;
	EVP_PKEY	*key, *second_key;
	struct csr	 csr;
	struct fetch_result result;
	struct timer	 turn;
	struct object_op *object;
	fetch_done_cb	*done;
	void		*arg;
};

static void	get_file(struct fetch_op *);

bool
fetch_found_no_better(const struct error *err)
{
	static const char *const codes[] = { "object:missing", "fetch:names",
	    "fetch:older", "fetch:expired" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(err->code, codes[i]) == 0)
			return true;
	}
	return false;
}

/* What was read of the manifest and its files. */
static void
drop(struct fetch_op *op)
{
	for (int i = 0; i < MANIFEST_FILES; i++) {
		freezero(op->text[i], op->len[i]);
		op->text[i] = NULL;
	}
	manifest_clear(&op->manifest);
	freezero_str(op->secret);
	op->secret = NULL;
	repo_keys_clear(&op->keys);
	memset(&op->result, 0, sizeof(op->result));
	op->next_file = 0;
}

void
fetch_cancel(struct fetch_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->turn);
	object_cancel(op->object);
	drop(op);
	EVP_PKEY_free(op->key);
	csr_clear(&op->csr);
	EVP_PKEY_free(op->second_key);
	EVP_PKEY_free(op->a.own[0]);
	EVP_PKEY_free(op->a.own[1]);
	free(op->serial);
	free(op->host);
	free(op->etag);
	free(op);
}

static void
finish(struct fetch_op *op, const struct error *err)
{
	struct error own;

	if (err != NULL) {
		own = *err;
		err = &own;
	}
	op->done(err, err == NULL ? &op->result : NULL, op->arg);
	fetch_cancel(op);
}

static struct object_op *
get(struct fetch_op *op, const char *file, size_t max, const char *etag,
    object_done_cb *done)
{
	char *key = xasprintf("%s/%s", op->a.cert->name, file);
	struct object_args a = { .loop = op->a.loop, .http = op->a.http,
	    .etcd = op->a.etcd, .repository = op->a.repository,
	    .key = key, .max = max,
	    .condition = etag[0] != '\0' ? OBJECT_CHANGED : OBJECT_ANY,
	    .etag = etag, .timeout_ms = TIMEOUT_MS };
	struct object_op *object = object_get_start(&a, done, op);

	free(key);
	return object;
}

/* --- what has come is right? --- */

static bool
has_name(char *const *names, const char *name)
{
	for (; *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static int
check_names(const struct fetch_op *op, struct error *err)
{
	const struct conf_cert *c = op->a.cert;
	unsigned n = 0;

	for (size_t i = 0; i < c->n_names; i++)
		n += has_name(op->manifest.names, c->names[i].name);
	/* Who publishes it could not have the others validated. */
	if (n > 0 && c->on_name_failure == NAME_FAILURE_SHRINK)
		return 0;
	for (size_t i = 0; i < c->n_names; i++) {
		if (!has_name(op->manifest.names, c->names[i].name))
			return error_set(err, ERR_REJECTED, "fetch:names",
			    "the published certificate %s does not have the "
			    "name %s%s", op->manifest.serial,
			    c->names[i].name, n > 0 ? "; on_name_failure = "
			    "shrink would take it without" : "");
	}
	return 0;
}

/* Does the key travel as both sides want it? */
static int
check_key_source(const struct fetch_op *op, struct error *err)
{
	bool is_there = op->manifest.files[MANIFEST_PRIVKEY].size > 0;

	/* Among members of a cluster none has the key. */
	if (is_there != op->a.cert->keeps_key ||
	    op->manifest.files[MANIFEST_CSR].size > 0)
		return 0;
	return error_set(err, ERR_REJECTED, "fetch:key", "repository \"%s\" "
	    "has the certificate %s %s: key_source = host must be given here "
	    "and on the publisher, or on neither", op->a.repository->name,
	    op->manifest.serial, is_there ? "with its private key, which was "
	    "to stay here" : "without its private key");
}

/* The one of ours that the chain is for. */
static int
choose_key(struct fetch_op *op, struct error *err)
{
	for (int i = 0; i < 2 && op->key == NULL; i++) {
		if (op->a.own[i] == NULL ||
		    !chain_is_for(op->text[MANIFEST_FULLCHAIN],
		    op->len[MANIFEST_FULLCHAIN], op->a.own[i]))
			continue;
		op->key = op->a.own[i];
		op->a.own[i] = NULL;
	}
	return op->key != NULL ? 0 : error_set(err, ERR_REJECTED,
	    "fetch:key", "the published certificate %s is for a key that this "
	    "host has not (any more): its next request brings one that is",
	    op->manifest.serial);
}

static int
open_csr(struct fetch_op *op, EVP_PKEY **key, struct error *err)
{
	if (csr_parse(op->text[MANIFEST_CSR], op->len[MANIFEST_CSR], &op->csr,
	    err) == -1)
		return -1;
	if (EVP_PKEY_up_ref(op->csr.key) == 1)
		*key = op->csr.key;
	return 0;
}

/* Key and chain belong together, and have the names. */
static int
check_part(struct fetch_op *op, enum manifest_file_id chain_id,
    enum manifest_file_id key_id, EVP_PKEY **key, struct error *err)
{
	const struct manifest *m = &op->manifest;
	size_t n = 0;

	if (op->text[key_id] != NULL)
		*key = key_from_pem(op->text[key_id], err);
	else if (op->text[MANIFEST_CSR] != NULL) {
		if (open_csr(op, key, err) == -1)
			return -1;
	} else if (choose_key(op, err) == -1)
		return -1;
	if (*key == NULL)
		return -1;
	while (m->names[n] != NULL)
		n++;
	return chain_verify(op->text[chain_id], op->len[chain_id], *key,
	    (const char *const *)m->names, n, err);
}

static int
check_parts(struct fetch_op *op, struct error *err)
{
	const struct manifest *m = &op->manifest;
	struct cert_info info;
	int rc;

	if (check_part(op, MANIFEST_FULLCHAIN, MANIFEST_PRIVKEY, &op->key,
	    err) == -1 || (m->is_pair && check_part(op,
	    MANIFEST_SECOND_FULLCHAIN, MANIFEST_SECOND_PRIVKEY,
	    &op->second_key, err) == -1) ||
	    cert_info_read(op->text[MANIFEST_FULLCHAIN],
	    op->len[MANIFEST_FULLCHAIN], &info, err) == -1)
		return -1;
	rc = strcmp(info.serial, m->serial) == 0 ? 0 : error_set(err,
	    ERR_REJECTED, "fetch:hash", "the published certificate is %s, "
	    "but the manifest says %s", info.serial, m->serial);
	cert_info_clear(&info);
	return rc;
}

/* What the other files are sealed with. */
static int
open_keys(struct fetch_op *op, const char *aad,
    const struct object_reply *reply, struct error *err)
{
	unsigned char key[CRYPT_KEY];
	char hex[2 * CRYPT_KEY + 1];
	int rc = identity_unwrap(op->keys.me, aad, reply->data, reply->len,
	    key, err);

	if (rc == 0)
		op->secret = xstrdup(text_hex(key, sizeof(key), hex));
	explicit_bzero(hex, sizeof(hex));
	explicit_bzero(key, sizeof(key));
	return rc;
}

static int
open_file(struct fetch_op *op, enum manifest_file_id id,
    const struct object_reply *reply, struct error *err)
{
	const struct manifest_file *f = &op->manifest.files[id];
	char hash[SEAL_MAC_SIZE], *aad;
	int rc;

	seal_hash(reply->data, reply->len, hash);
	if (reply->len != f->size || strcmp(hash, f->sha256) != 0)
		return error_set(err, ERR_REJECTED, "fetch:hash", "%s/%s is "
		    "not what the manifest says (size or SHA-256)",
		    op->a.cert->name, f->path);
	if (!op->manifest.encrypted) {
		op->len[id] = reply->len;
		op->text[id] = xmalloc(reply->len + 1);
		memcpy(op->text[id], reply->data, reply->len);
		op->text[id][reply->len] = '\0';
		return 0;
	}
	aad = xasprintf("%s/%s", op->a.cert->name, f->path);
	rc = id == MANIFEST_KEYS ? open_keys(op, aad, reply, err) :
	    seal_open(op->secret != NULL ? op->secret : op->keys.secret, aad,
	    reply->data, reply->len, &op->text[id], &op->len[id], err);
	free(aad);
	return rc;
}

/* --- step by step --- */

/* Who publishes the same version once more, as with another secret, replaces
 * its files before the manifest. */
static bool
try_again(struct fetch_op *op, const struct error *err)
{
	if (strcmp(err->code, "fetch:hash") != 0 || op->n_again == AGAIN_MAX)
		return false;
	drop(op);
	timer_set(&op->turn, AGAIN_MS << op->n_again++);
	return true;
}

static void
file_got(const struct error *err, const struct object_reply *reply,
    void *arg)
{
	struct fetch_op *op = arg;
	struct error failed;

	op->object = NULL;
	if (err != NULL)
		finish(op, err);
	else if (open_file(op, (enum manifest_file_id)op->next_file++, reply,
	    &failed) == 0)
		get_file(op);
	else if (!try_again(op, &failed))
		finish(op, &failed);
}

static void
get_file(struct fetch_op *op)
{
	struct error err;

	while (op->next_file < MANIFEST_FILES &&
	    op->manifest.files[op->next_file].size == 0)
		op->next_file++;
	if (op->next_file < MANIFEST_FILES) {
		op->object = get(op, op->manifest.files[op->next_file].path,
		    MANIFEST_FILE_MAX, "", file_got);
		return;
	}
	if (check_parts(op, &err) == -1) {
		finish(op, &err);
		return;
	}
	op->result.key = op->key;
	op->result.csr = op->csr.key != NULL ? &op->csr : NULL;
	op->result.pem = op->text[MANIFEST_FULLCHAIN];
	op->result.pem_len = op->len[MANIFEST_FULLCHAIN];
	if (op->manifest.is_pair) {
		op->result.second_key = op->second_key;
		op->result.second_pem = op->text[MANIFEST_SECOND_FULLCHAIN];
	}
	finish(op, NULL);
}

/* Is it another one than ours, and not an older one? */
static bool
is_newer(const struct fetch_op *op)
{
	return op->serial[0] == '\0' ||
	    (strcmp(op->manifest.serial, op->serial) != 0 &&
	    op->manifest.not_before >= op->a.not_before);
}

/* The publisher takes ours back. */
static bool
is_withdrawn(const struct fetch_op *op)
{
	return op->serial[0] != '\0' &&
	    strcmp(op->manifest.withdrawn, op->serial) == 0 &&
	    strcmp(op->manifest.serial, op->serial) != 0;
}

/* Others take it first, unless we have none, or ours is in the last eighth of
 * its life. */
static bool
is_held(const struct fetch_op *op)
{
	time_t left = op->a.not_after - clock_now();

	return op->host != NULL && op->serial[0] != '\0' &&
	    !manifest_is_for(&op->manifest, op->host) &&
	    left > (op->a.not_after - op->a.not_before) / 8;
}

/*
 * An older one than ours.  As long as nothing newer was ever seen there, ours
 * is from elsewhere, such as the time before this host became a subscriber.
 * Else somebody has put an old manifest back, which has a good signature.
 */
static int
check_older(const struct fetch_op *op, struct error *err)
{
	char at[TEXT_TIME_MAX], seen[TEXT_TIME_MAX];

	if (op->manifest.published_at >= op->a.published_at)
		return 0;
	return error_set(err, ERR_REJECTED, "fetch:older", "repository \"%s\" "
	    "went back to certificate %s, published %s; one published %s was "
	    "there before: an old manifest was put back, a backup was "
	    "restored, or the publisher's clock was fast then or is slow now",
	    op->a.repository->name, op->manifest.serial,
	    text_time(op->manifest.published_at, at),
	    text_time(op->a.published_at, seen));
}

/*
 * What a manifest takes back stays taken back, whether this host has it or
 * not: the manifest that brought it has a good signature for ever, and whoever
 * can write there may put it back.  Only one published later brings it again.
 * It is the version that is refused, not all that is published before: a clock
 * that was fast must not keep the next one away.
 */
static int
check_withdrawn(const struct fetch_op *op, struct error *err)
{
	const struct manifest *m = &op->manifest;
	const char *repository = op->a.repository->name;
	char at[TEXT_TIME_MAX], withdrawn[TEXT_TIME_MAX];
	time_t then;

	if (m->withdrawn[0] != '\0' && store_withdrawn_at(op->a.store,
	    m->certificate, repository, m->withdrawn) < m->published_at)
		store_withdrawn_put(op->a.store, m->certificate, repository,
		    m->withdrawn, m->published_at);
	then = strcmp(m->serial, op->serial) == 0 ? 0 : store_withdrawn_at(
	    op->a.store, m->certificate, repository, m->serial);
	if (then == 0 || m->published_at > then)
		return 0;
	return error_set(err, ERR_REJECTED, "fetch:older", "repository \"%s\" "
	    "went back to certificate %s, published %s, which the publisher "
	    "withdrew %s: an old manifest was put back, or a backup was "
	    "restored", repository, m->serial,
	    text_time(m->published_at, at), text_time(then, withdrawn));
}

static int
judge(struct fetch_op *op, const struct object_reply *reply,
    struct error *err)
{
	const struct conf_repository *r = op->a.repository;

	if (manifest_read(reply->data, reply->len, &op->keys,
	    op->a.cert->name, &op->manifest, err) == -1)
		return error_wrap(err, "repository \"%s\"", r->name);
	(void)text_printf(op->result.serial, sizeof(op->result.serial), "%s",
	    op->manifest.serial);
	op->result.is_old_secret = manifest_is_old(reply->data, reply->len,
	    &op->keys, op->a.cert->name);
	op->result.publisher = op->manifest.publisher;
	op->result.published_at = op->manifest.published_at;
	op->result.renew_at = op->manifest.renew_at;
	if (check_withdrawn(op, err) == -1 ||
	    (is_withdrawn(op) && check_older(op, err) == -1))
		return -1;
	if (!is_newer(op) && !is_withdrawn(op))
		return strcmp(op->manifest.serial, op->serial) == 0 ?
		    check_names(op, err) : check_older(op, err);
	/* Whoever can write there must not lead us past the encryption. */
	if (r->encrypted && !op->manifest.encrypted)
		return error_set(err, ERR_REJECTED, "manifest:syntax",
		    "repository \"%s\": the publisher does not encrypt, but "
		    "encrypt_key_file is set here", r->name);
	if (op->manifest.not_after <= clock_now())
		return error_set(err, ERR_REJECTED, "fetch:expired",
		    "repository \"%s\": the published certificate %s has "
		    "expired", r->name, op->manifest.serial);
	op->result.is_held = is_held(op);
	op->result.is_new = !op->result.is_held;
	/* Whether it is shall be looked at again though it does not change. */
	if (op->result.is_held)
		op->result.etag[0] = '\0';
	if (check_key_source(op, err) == -1)
		return -1;
	return check_names(op, err);
}

static void
manifest_got(const struct error *err, const struct object_reply *reply,
    void *arg)
{
	struct fetch_op *op = arg;
	struct error failed;

	op->object = NULL;
	if (err != NULL) {
		finish(op, err);
		return;
	}
	(void)text_printf(op->result.etag, sizeof(op->result.etag), "%s",
	    reply->is_unchanged ? op->etag : reply->etag);
	if (reply->is_unchanged)
		finish(op, NULL);
	else if (judge(op, reply, &failed) == -1)
		finish(op, &failed);
	else if (!op->result.is_new || op->a.only_look)
		finish(op, NULL);
	else
		get_file(op);
}

static void
begin_cb(void *arg)
{
	struct fetch_op *op = arg;
	struct error err;

	if (repo_keys_read(op->a.repository, NULL, &op->keys, &err) == -1)
		finish(op, &err);
	else
		op->object = get(op, "manifest.json", MANIFEST_MAX, op->etag,
		    manifest_got);
}

struct fetch_op *
fetch_start(const struct fetch_args *a, fetch_done_cb *done, void *arg)
{
	struct fetch_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->serial = xstrdup(a->serial);
	op->host = a->host != NULL ? xstrdup(a->host) : NULL;
	op->etag = xstrdup(a->etag);
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}
