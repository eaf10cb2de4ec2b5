/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/publish/objects_priv.h"
#include "daemon/rest/scheme_v4.h"
#include "daemon/rest/xml.h"

#define REPLY_MAX 65536

static const struct scheme_v4 s3 = { .algorithm = "AWS4-HMAC-SHA256",
    .key_prefix = "AWS4", .terminator = "aws4_request",
    .date_header = "x-amz-date", .hash_header = "x-amz-content-sha256",
    .service = "s3" };
static const struct scheme_v4 oss = { .algorithm = "OSS4-HMAC-SHA256",
    .key_prefix = "aliyun_v4", .terminator = "aliyun_v4_request",
    .date_header = "x-oss-date", .hash_header = "x-oss-content-sha256",
    .service = "oss", .payload = "UNSIGNED-PAYLOAD",
    .own_headers = "x-oss-" };

/* --- the answer --- */

void
object_http_words(const struct rest_answer *a, char code[80],
    char words[300])
{
	struct xml doc = xml_document(a->body, a->body_len), e;

	code[0] = words[0] = '\0';
	if (xml_child(&doc, "Error", &e)) {
		(void)xml_text(&e, "Code", code, 80);
		(void)xml_text(&e, "Message", words, 300);
	}
	text_clean(code);
	text_clean(words);
}

/* What the store says in a code of its own, whatever the status is. */
static const struct {
	const char	*code;
	enum err_kind	 kind;
	const char	*ours;
} known[] = {
	{ "RequestTimeTooSkewed", ERR_TRANSIENT, "object:denied" },
	{ "NoSuchBucket", ERR_CONFIG, "object:bucket" },
	{ "RequestTimeout", ERR_TRANSIENT, "object:http" },
	{ "IncompleteBody", ERR_TRANSIENT, "object:http" },
	{ "OperationAborted", ERR_TRANSIENT, "object:http" },
};

/*
 * Has a conditional put met another object (1), or a store that knows no
 * conditions (2)?  404: If-Match, and there is nothing any more.
 */
static int
on_condition(const struct object_op *op, int status, const char *code)
{
	if (!op->is_put || op->a.condition == OBJECT_ANY)
		return 0;
	if (status == 412 || status == 409 ||
	    (status == 404 && strcmp(code, "NoSuchKey") == 0))
		return 1;
	return status == 501 || status == 400 ? 2 : 0;
}

static enum err_kind
kind_of(const struct object_op *op, int status, const char *code,
    const char **ours)
{
	int met = on_condition(op, status, code);

	if (met != 0) {
		*ours = met == 1 ? "object:condition" :
		    "object:unconditional";
		return ERR_REJECTED;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].code, code) == 0) {
			*ours = known[i].ours;
			return known[i].kind;
		}
	}
	*ours = status == 401 || status == 403 ? "object:denied" :
	    status == 404 ? op->is_put ? "object:bucket" :
	    "object:missing" : "object:http";
	if (status == 404 && !op->is_put)
		return ERR_REJECTED;
	/* 501: what is asked for, such as encryption, it has not. */
	return status == 408 || status == 429 ||
	    (status >= 500 && status != 501) ? ERR_TRANSIENT : ERR_CONFIG;
}

static const char *
hint(const struct object_op *op, const char *code)
{
	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		return " (is this machine's clock right?)";
	/* S3 does not tell strangers what there is. */
	if (!op->is_put && op->a.repository->type == REPOSITORY_S3 &&
	    strcmp(code, "AccessDenied") == 0)
		return " (what is not there looks so too, unless "
		    "s3:ListBucket is allowed)";
	return "";
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const struct object_op *op = user;
	char code[80], words[300];
	const char *ours;
	enum err_kind kind;

	object_http_words(a, code, words);
	kind = kind_of(op, a->status, code, &ours);
	(void)error_set(err, kind, ours, "%s %s: it answers %d%s%s%s%s%s",
	    op->is_put ? "put" : "get", op->key, a->status,
	    code[0] != '\0' ? " " : "", code, words[0] != '\0' ? ": " : "",
	    words, hint(op, code));
}

/* It is sent back as it came, so it must be one. */
static void
read_etag(const struct rest_answer *a, char etag[OBJECT_ETAG_SIZE])
{
	const char *value = rest_header(a, "ETag"), *p;

	etag[0] = '\0';
	for (p = value; p != NULL && *p > ' ' && *p < 0x7f; p++)
		continue;
	if (p != NULL && *p == '\0' && !text_printf(etag, OBJECT_ETAG_SIZE,
	    "%s", value))
		etag[0] = '\0';
}

static enum rest_next
answered(void *user, const struct rest_answer *a, struct error *err)
{
	struct object_op *op = user;

	if (a->status != 200 && !op->is_put) {
		failed(op, a, err);
		return REST_FAIL;
	}
	read_etag(a, op->reply.etag);
	op->reply.data = a->body;
	op->reply.len = a->body_len;
	return REST_DONE;
}

static enum rest_next
refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct object_op *op = user;

	if (a->status != 304 || op->a.condition != OBJECT_CHANGED)
		return REST_FAIL;
	read_etag(a, op->reply.etag);
	op->reply.is_unchanged = true;
	return REST_DONE;
}

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct object_op *op = arg;

	op->rest = NULL;
	if (end == REST_DONE) {
		object_finish(op, NULL, &op->reply);
		return;
	}
	(void)error_wrap(err, "repository \"%s\"", op->a.repository->name);
	/* So much text is the error page of something before the store. */
	if (op->is_put && strcmp(err->code, "http:too-large") == 0)
		err->kind = ERR_TRANSIENT;
	object_finish(op, err, NULL);
}

/* --- the request --- */

void
object_http_start(const struct conf_repository *r, struct preq *rq,
    const char *method, const char *key)
{
	const char *host = strstr(r->url, "://") + 3;
	char *base = r->type == REPOSITORY_HTTPS || r->path_style ?
	    xstrdup(r->url) : xasprintf("%.*s%s.%s", (int)(host - r->url),
	    r->url, r->bucket, host);

	preq_base(rq, base);
	preq_start(rq, method, "");
	if (r->type != REPOSITORY_HTTPS && r->path_style)
		preq_path(rq, r->bucket);
	preq_subpath(rq, key);
	free(base);
}

/* It signs the bucket, wherever it stands in the URL. */
static void
sign_oss(const struct conf_repository *r, struct preq *rq,
    const char *secret)
{
	struct scheme_v4 scheme = oss;
	char *path = r->path_style ? NULL : xasprintf("/%s%s", r->bucket,
	    preq_get_path(rq));

	scheme.path = path;
	scheme_v4_sign(rq, &scheme, r->region, r->access_key_id, secret);
	free(path);
}

int
object_http_sign(const struct conf_repository *r, struct preq *rq,
    struct error *err)
{
	const char *file = r->type == REPOSITORY_HTTPS ? r->token_file :
	    r->secret_access_key_file;
	char *secret;

	if (file == NULL)
		return 0;
	if (file_read_secret(file, FILE_SECRET_MAX, &secret, err) == -1)
		return -1;
	if (r->type == REPOSITORY_S3)
		scheme_v4_sign(rq, &s3, r->region, r->access_key_id, secret);
	else if (r->type == REPOSITORY_OSS)
		sign_oss(r, rq, secret);
	else
		preq_token(rq, "Bearer", secret);
	freezero_str(secret);
	return 0;
}

/* What is put, and how the store is to keep it. */
static void
add_data(const struct object_op *op, struct preq *rq)
{
	const struct conf_repository *r = op->a.repository;
	bool is_oss = r->type == REPOSITORY_OSS;

	preq_body(rq, op->data, op->a.len, "application/octet-stream");
	if (is_oss && op->a.condition == OBJECT_CREATE)
		preq_header(rq, "x-oss-forbid-overwrite", "true");
	if (r->encryption == NULL)
		return;
	preq_header(rq, is_oss ? "x-oss-server-side-encryption" :
	    "x-amz-server-side-encryption", r->encryption);
	if (r->kms_key_id != NULL)
		preq_header(rq, is_oss ? "x-oss-server-side-encryption-key-"
		    "id" : "x-amz-server-side-encryption-aws-kms-key-id",
		    r->kms_key_id);
}

/* Not signed: stores take them so.  OSS has a header of its own for writes. */
static void
add_conditions(const struct object_op *op, struct preq *rq)
{
	bool is_oss = op->a.repository->type == REPOSITORY_OSS;

	if (op->a.condition == OBJECT_CREATE && !is_oss)
		preq_header(rq, "If-None-Match", "*");
	if (op->a.condition == OBJECT_REPLACE && !is_oss)
		preq_header(rq, "If-Match", op->etag);
	if (op->a.condition == OBJECT_CHANGED && op->etag[0] != '\0')
		preq_header(rq, "If-None-Match", op->etag);
}

static int
build(void *user, struct preq *rq, struct error *err)
{
	struct object_op *op = user;
	char *key = xasprintf("%s%s", op->a.repository->prefix, op->key);
	int rc;

	object_http_start(op->a.repository, rq, op->is_put ? "PUT" : "GET",
	    key);
	free(key);
	if (op->is_put)
		add_data(op, rq);
	rc = object_http_sign(op->a.repository, rq, err);
	add_conditions(op, rq);
	return rc;
}

static const struct rest_step steps[] = {
	{ .name = "", .request = build, .reply = answered,
	    .refused = refused },
	{ .name = NULL }
};

void
object_http_begin(struct object_op *op)
{
	op->rest = rest_start(&(struct rest_args){
	    .loop = op->a.loop, .http = op->a.http, .steps = steps,
	    .user = op, .allow_http = true,
	    .ca_file = op->a.repository->ca_file,
	    .max_reply = op->is_put ? REPLY_MAX : op->a.max,
	    .timeout_ms = op->a.timeout_ms, .plain_text = true,
	    .is_idempotent = true, .failed = failed }, rest_done, op);
}
