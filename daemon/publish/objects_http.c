/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/publish/objects_priv.h"
#include "daemon/publish/objsign.h"
#include "daemon/rest/xml.h"
#include "daemon/store/seal.h"

#define HEADERS_MAX	12
#define REPLY_MAX	65536
#define UNSIGNED	"UNSIGNED-PAYLOAD"

/* One request while it is made. */
struct request {
	const struct conf_repository *r;
	struct object_op *op;
	char		*url, *host, *path;	/* path as it is signed */
	char		 stamp[OBJSIGN_STAMP_SIZE];
	char		 hash[SEAL_MAC_SIZE];
	struct objsign_header signed_[HEADERS_MAX];
	size_t		 n_signed;
	struct http_header headers[HEADERS_MAX + 3];
	size_t		 n_headers;
	char		*authorization;
};

/* --- the answer --- */

/* The store's own code and words, if its answer has any. */
static void
describe(const struct http_reply *reply, char code[80], char words[300])
{
	struct xml doc = xml_document(reply->body, reply->body_len), e;

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
refused(struct object_op *op, const struct http_reply *reply)
{
	char code[80], words[300];
	struct error err;
	const char *ours;
	enum err_kind kind;

	describe(reply, code, words);
	kind = kind_of(op, reply->status, code, &ours);
	(void)error_set(&err, kind, ours, "repository \"%s\": %s %s: it "
	    "answers %d%s%s%s%s%s", op->a.repository->name,
	    op->is_put ? "put" : "get", op->key, reply->status,
	    code[0] != '\0' ? " " : "", code, words[0] != '\0' ? ": " : "",
	    words, hint(op, code));
	if (kind == ERR_TRANSIENT)
		err.retry_at = http_reply_retry_at(reply);
	object_finish(op, &err, NULL);
}

static void
failed(struct object_op *op, const struct error *err)
{
	struct error own = *err;

	(void)error_wrap(&own, "repository \"%s\"",
	    op->a.repository->name);
	/* So much text is the error page of something before the store. */
	if (op->is_put && strcmp(own.code, "http:too-large") == 0)
		own.kind = ERR_TRANSIENT;
	object_finish(op, &own, NULL);
}

/* It is sent back as it came, so it must be one. */
static void
read_etag(const struct http_reply *reply, char etag[OBJECT_ETAG_SIZE])
{
	const char *value = http_reply_header(reply, "ETag", 0), *p;

	etag[0] = '\0';
	for (p = value; p != NULL && *p > ' ' && *p < 0x7f; p++)
		continue;
	if (p != NULL && *p == '\0' && !text_printf(etag, OBJECT_ETAG_SIZE,
	    "%s", value))
		etag[0] = '\0';
}

static void
answered(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct object_op *op = arg;
	struct object_reply mine = { .data = NULL };

	op->http = NULL;
	if (err != NULL) {
		failed(op, err);
		return;
	}
	read_etag(reply, mine.etag);
	if (reply->status == 304 && op->a.condition == OBJECT_CHANGED) {
		mine.is_unchanged = true;
		object_finish(op, NULL, &mine);
	} else if (reply->status == 200 ||
	    (op->is_put && reply->status / 100 == 2)) {
		mine.data = reply->body;
		mine.len = reply->body_len;
		object_finish(op, NULL, &mine);
	} else {
		refused(op, reply);
	}
}

/* --- the request --- */

/* Signed headers are put in the order of their names. */
static void
add_signed(struct request *q, const char *name, const char *value)
{
	q->signed_[q->n_signed++] = (struct objsign_header){ name, value };
	if (strcmp(name, "host") != 0)	/* curl's own */
		q->headers[q->n_headers++] = (struct http_header){ name,
		    value, false };
}

static void
add_header(struct request *q, const char *name, const char *value,
    bool secret)
{
	q->headers[q->n_headers++] = (struct http_header){ name, value,
	    secret };
}

/* As curl writes it: without the scheme's own port. */
static char *
host_of(const char *url)
{
	const char *begin = strstr(url, "://") + 3;
	char *host = xasprintf("%.*s", (int)strcspn(begin, "/"), begin);
	const char *standard = strncasecmp(url, "https", 5) == 0 ? ":443" :
	    ":80";
	size_t n = strlen(host), cut = strlen(standard);

	if (n > cut && strcmp(host + n - cut, standard) == 0)
		host[n - cut] = '\0';
	return host;
}

static void
make_url(struct request *q)
{
	const struct conf_repository *r = q->r;
	char *plain = xasprintf("%s%s", r->prefix, q->op->key);
	char *key = objsign_encode(plain);
	const char *host = strstr(r->url, "://") + 3;

	if (r->type == REPOSITORY_HTTPS)
		q->url = xasprintf("%s/%s", r->url, key);
	else if (r->path_style)
		q->url = xasprintf("%s/%s/%s", r->url, r->bucket, key);
	else
		q->url = xasprintf("%.*s%s.%s/%s", (int)(host - r->url),
		    r->url, r->bucket, host, key);
	/* OSS signs the bucket, wherever it stands in the URL. */
	q->path = r->type == REPOSITORY_OSS || r->path_style ?
	    xasprintf("/%s/%s", r->bucket != NULL ? r->bucket : "", key) :
	    xasprintf("/%s", key);
	q->host = host_of(q->url);
	free(plain);
	free(key);
}

static void
add_conditions(struct request *q)
{
	const struct object_op *op = q->op;
	bool is_oss = q->r->type == REPOSITORY_OSS;

	if (op->a.condition == OBJECT_CREATE && !is_oss)
		add_header(q, "If-None-Match", "*", false);
	if (op->a.condition == OBJECT_REPLACE && !is_oss)
		add_header(q, "If-Match", op->etag, false);
	if (op->a.condition == OBJECT_CHANGED && op->etag[0] != '\0')
		add_header(q, "If-None-Match", op->etag, false);
}

static void
add_s3_headers(struct request *q)
{
	if (q->op->is_put)
		add_signed(q, "content-type", "application/octet-stream");
	add_signed(q, "host", q->host);
	seal_hash(q->op->data != NULL ? q->op->data : "", q->op->a.len,
	    q->hash);
	add_signed(q, "x-amz-content-sha256", q->hash);
	add_signed(q, "x-amz-date", q->stamp);
	if (q->op->is_put && q->r->encryption != NULL) {
		add_signed(q, "x-amz-server-side-encryption",
		    q->r->encryption);
		if (q->r->kms_key_id != NULL)
			add_signed(q, "x-amz-server-side-encryption-aws-kms-"
			    "key-id", q->r->kms_key_id);
	}
}

static void
add_oss_headers(struct request *q)
{
	if (q->op->is_put)
		add_signed(q, "content-type", "application/octet-stream");
	(void)text_printf(q->hash, sizeof(q->hash), "%s", UNSIGNED);
	add_signed(q, "x-oss-content-sha256", q->hash);
	add_signed(q, "x-oss-date", q->stamp);
	if (q->op->is_put && q->op->a.condition == OBJECT_CREATE)
		add_signed(q, "x-oss-forbid-overwrite", "true");
	if (q->op->is_put && q->r->encryption != NULL) {
		add_signed(q, "x-oss-server-side-encryption",
		    q->r->encryption);
		if (q->r->kms_key_id != NULL)
			add_signed(q, "x-oss-server-side-encryption-key-id",
			    q->r->kms_key_id);
	}
}

static int
authorize(struct request *q, struct error *err)
{
	const struct conf_repository *r = q->r;
	const char *file = r->type == REPOSITORY_HTTPS ? r->token_file :
	    r->secret_access_key_file;
	struct objsign_args a = {
		.scheme = r->type == REPOSITORY_S3 ? OBJSIGN_S3 : OBJSIGN_OSS,
		.region = r->region, .key_id = r->access_key_id,
		.method = q->op->is_put ? "PUT" : "GET", .path = q->path,
		.query = "", .payload = q->hash, .headers = q->signed_,
		.now = clock_now(),
	};
	char *secret;

	if (file == NULL)
		return 0;
	if (file_read_secret(file, FILE_SECRET_MAX, &secret, err) == -1)
		return -1;
	(void)objsign_stamp(a.now, q->stamp);
	if (r->type == REPOSITORY_S3)
		add_s3_headers(q);
	else if (r->type == REPOSITORY_OSS)
		add_oss_headers(q);
	a.n_headers = q->n_signed;
	a.secret = secret;
	q->authorization = r->type == REPOSITORY_HTTPS ?
	    xasprintf("Bearer %s", secret) : objsign(&a);
	freezero_str(secret);
	add_header(q, "Authorization", q->authorization, true);
	return 0;
}

void
object_http_begin(struct object_op *op)
{
	struct request q = { .r = op->a.repository, .op = op };
	struct error err;
	int rc;

	make_url(&q);
	rc = authorize(&q, &err);
	if (rc == 0) {
		add_conditions(&q);
		op->http = http_start(op->a.http, &(struct http_args){
		    .method = op->is_put ? "PUT" : "GET", .url = q.url,
		    .headers = q.headers, .n_headers = q.n_headers,
		    .body = op->data, .body_len = op->a.len,
		    .max_reply = op->is_put ? REPLY_MAX : op->a.max,
		    .timeout_ms = op->a.timeout_ms, .ca_file = q.r->ca_file,
		    .allow_plain = strncmp(q.url, "http://", 7) == 0 },
		    answered, op);
	}
	free(q.url);
	free(q.host);
	free(q.path);
	freezero_str(q.authorization);
	if (rc == -1)
		object_finish(op, &err, NULL);
}
