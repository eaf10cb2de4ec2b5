/* SPDX-License-Identifier: MIT */
/*
 * fuzz_service - what other services answer.  The first line says which:
 * "zerossl"; "get" or "put" and the type of repository (s3, oss, https);
 * "list" and its type (s3, oss, etcd); "notify" and the number of a template.
 * Then come the answers (replies.h).
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/accounts/zerossl.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_notify.h"
#include "daemon/config/conf_repository.h"
#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"
#include "daemon/notify/webhook.h"
#include "daemon/publish/objects.h"
#include "daemon/publish/objects_list.h"
#include "daemon/publish/receipt.h"
#include "tests/fake/fake_time.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replies.h"

#define TEXT(s) ((char *)(uintptr_t)(s))
#define NOW 1800000000
#define LIST_MAX 20

static struct loop *loop;

/* --- ZeroSSL --- */

static void
eab_cb(const struct error *err, const char *kid, const char *hmac_key,
    void *arg)
{
	*(bool *)arg = true;
	if (err != NULL) {
		check_error(err);
		return;
	}
	need(kid[0] != '\0' && strlen(kid) <= 256);
	need(hmac_key[0] != '\0' && strlen(hmac_key) <= 256);
	for (const char *p = kid; *p != '\0'; p++)
		need(*p > ' ' && *p <= '~');
}

static void
zerossl(void)
{
	char *contact[] = { TEXT("mailto:a@example.test"), NULL };
	struct conf_account account = { .name = TEXT("z"),
	    .contact = contact };
	bool is_over = false;

	(void)zerossl_start((struct http *)loop, &account, eab_cb, &is_over);
	replies_run(&is_over);
}

/* --- repositories --- */

static void
object_cb(const struct error *err, const struct object_reply *reply,
    void *arg)
{
	*(bool *)arg = true;
	if (err != NULL) {
		check_error(err);
		return;
	}
	need(strlen(reply->etag) < OBJECT_ETAG_SIZE);
	for (const char *p = reply->etag; *p != '\0'; p++)
		need(*p > ' ' && *p < 0x7f);
	need(reply->data == NULL || reply->data[reply->len] == '\0');
}

static void
object(bool is_put, const char *type)
{
	struct conf_repository r = { .name = TEXT("r"),
	    .type = strcmp(type, "s3") == 0 ? REPOSITORY_S3 :
	    strcmp(type, "oss") == 0 ? REPOSITORY_OSS : REPOSITORY_HTTPS,
	    .url = TEXT("https://store.test"), .bucket = TEXT("b"),
	    .region = TEXT("eu"), .prefix = TEXT("p/"),
	    .access_key_id = TEXT("id") };
	struct object_args a = { .loop = loop, .http = (struct http *)loop,
	    .repository = &r, .key = "web/manifest", .max = 65536,
	    .data = "x", .len = 1, .etag = "\"1\"", .timeout_ms = 1000,
	    .condition = is_put ? OBJECT_REPLACE : OBJECT_CHANGED };
	bool is_over = false;

	(void)(is_put ? object_put_start : object_get_start)(&a, object_cb,
	    &is_over);
	replies_run(&is_over);
}

/* --- what lies there --- */

struct listed {
	bool		 is_over;
	unsigned	 n;
};

static void
each_cb(const char *key, const char *version, void *arg)
{
	struct listed *l = arg;
	char host[RECEIPT_HOST_SIZE], certificate[RECEIPT_HOST_SIZE];

	need(++l->n <= LIST_MAX && key[0] != '\0' && version[0] != '\0' &&
	    strlen(version) < OBJECT_VERSION_SIZE);
	(void)receipt_key_read(key, host, certificate);
}

static void
list_cb(const struct error *err, bool is_whole, void *arg)
{
	struct listed *l = arg;

	l->is_over = true;
	need(!is_whole || err == NULL);
	if (err != NULL)
		check_error(err);
}

static void
list(const char *type)
{
	char *members[] = { TEXT("https://etcd.test:2379"), NULL };
	struct conf_etcd conf = { .members = members };
	struct conf_repository r = { .name = TEXT("r"),
	    .type = strcmp(type, "s3") == 0 ? REPOSITORY_S3 :
	    strcmp(type, "oss") == 0 ? REPOSITORY_OSS : REPOSITORY_ETCD,
	    .url = TEXT("https://store.test"), .bucket = TEXT("b"),
	    .region = TEXT("eu"), .prefix = TEXT("p/"),
	    .access_key_id = TEXT("id"), .etcd = &conf };
	struct etcd *etcd = etcd_new(loop, (struct http *)loop);
	struct listed l = { .is_over = false };
	const char *folder = receipt_folder(&r);

	(void)object_list_start(&(struct object_list_args){ .loop = loop,
	    .http = (struct http *)loop, .etcd = etcd, .repository = &r,
	    .folder = folder, .max = LIST_MAX, .timeout_ms = 1000,
	    .each = each_cb }, list_cb, &l);
	replies_run(&l.is_over);
	etcd_free(etcd);
}

/* --- webhooks of notify --- */

static void
notify(const char *template)
{
	unsigned which = (unsigned)strtoul(template, NULL, 10);
	struct error err;
	size_t len;
	char *body = replies_next(&len), *behind, *status;

	if (body == NULL || which >= TEMPLATE_END)
		return;
	behind = body + len;
	status = cut(&body, "\n\n");
	if (body == NULL)
		body = behind;
	if (webhook_verdict((enum notify_template)which, (int)(strtoul(status,
	    NULL, 10) % 600), body, (size_t)(behind - body), NOW, &err) == -1)
		check_error(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *more = replies_begin(data, size), *what = cut(&more, " ");

	if (loop == NULL)
		loop = loop_new();
	fake_time_start(NOW);
	if (strcmp(what, "zerossl") == 0)
		zerossl();
	else if (more != NULL && strcmp(what, "notify") == 0)
		notify(more);
	else if (more != NULL && strcmp(what, "list") == 0)
		list(more);
	else if (more != NULL && (strcmp(what, "put") == 0 ||
	    strcmp(what, "get") == 0))
		object(strcmp(what, "put") == 0, more);
	return 0;
}
