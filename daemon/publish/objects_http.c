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
#include "daemon/store/seal.h"
#include "providers/xml.h"

#define HEADERS_MAX	12
#define SECRET_MAX	4096
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

static enum err_kind
kind_of(const struct object_op *op, int status, const char *code,
    const char **ours)
{
	bool on_condition = op->is_put && op->a.condition != OBJECT_ANY;

	*ours = "object:http";
	if (on_condition && (status == 412 || status == 409)) {
		*ours = "object:condition";
		return ERR_REJECTED;
	}
	if (on_condition && (status == 501 || status == 400)) {
		*ours = "object:unconditional";
		return ERR_REJECTED;
	}
	if (status == 401 || status == 403) {
		*ours = "object:denied";
		return strcmp(code, "RequestTimeTooSkewed") == 0 ?
		    ERR_TRANSIENT : ERR_CONFIG;
	}
	if (status == 404) {
		*ours = strcmp(code, "NoSuchBucket") == 0 || op->is_put ?
		    "object:bucket" : "object:missing";
		return strcmp(*ours, "object:bucket") == 0 ? ERR_CONFIG :
		    ERR_REJECTED;
	}
	return status >= 500 || status == 429 || status == 408 ?
	    ERR_TRANSIENT : ERR_REJECTED;
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
	    words, strcmp(code, "RequestTimeTooSkewed") == 0 ?
	    " (is this machine's clock right?)" : "");
	if (kind == ERR_TRANSIENT)
		err.retry_at = http_reply_retry_at(reply);
	object_finish(op, &err, NULL);
}

static void
answered(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct object_op *op = arg;
	struct object_reply mine = { .data = NULL };
	struct error failed;
	const char *etag;

	op->http = NULL;
	if (err != NULL) {
		failed = *err;
		(void)error_wrap(&failed, "repository \"%s\"",
		    op->a.repository->name);
		object_finish(op, &failed, NULL);
		return;
	}
	etag = http_reply_header(reply, "ETag", 0);
	if (etag != NULL && !text_printf(mine.etag, sizeof(mine.etag), "%s",
	    etag))
		mine.etag[0] = '\0';
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
	if (file_read_secret(file, SECRET_MAX, &secret, err) == -1)
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
