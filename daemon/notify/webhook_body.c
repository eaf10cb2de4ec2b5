/* SPDX-License-Identifier: MIT */
/*
 * The rules, each as its service publishes it:
 *   DingTalk  open.dingtalk.com, "Custom robot": timestamp (ms) and sign in
 *             the query; sign = base64(HMAC-SHA256(secret,
 *             timestamp "\n" secret)), percent-encoded; 20,000 bytes
 *   WeCom     developer.work.weixin.qq.com, "Group robot": text of 2048 bytes
 *   Feishu    open.feishu.cn, "Custom bot": timestamp (s) and sign in the
 *             body; sign = base64(HMAC-SHA256(timestamp "\n" secret, ""));
 *             20 kB
 *   Slack     docs.slack.dev, "Incoming webhooks": & < > escaped; 40,000
 *             characters
 *   Telegram  core.telegram.org/bots/api, sendMessage: 4096 UTF-16 units
 *   ntfy      docs.ntfy.sh/publish: 4096 bytes, title in a header
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/notify/mime.h"
#include "daemon/notify/webhook.h"
#include "daemon/rest/preq.h"
#include "daemon/rest/sign.h"

#define MORE "\n..."
#define JSON_TYPE "application/json; charset=utf-8"

/* The text, cut to max bytes at the end of a character. */
static char *
cut(char *text /* taken */, size_t max)
{
	size_t len = max - strlen(MORE);
	char *out;

	if (strlen(text) <= max)
		return text;
	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	out = xasprintf("%.*s" MORE, (int)len, text);
	free(text);
	return out;
}

static char *
whole_text(const struct channel_args *a, size_t max)
{
	return cut(xasprintf("%s\n\n%s", a->subject, a->text), max);
}

static void
put_text(struct preq *rq, char *text /* taken */, const char *content_type)
{
	preq_body(rq, text, strlen(text), content_type);
	free(text);
}

static void
put_json(struct preq *rq, json_t *j /* taken */)
{
	char *text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	put_text(rq, text != NULL ? text : xstrdup("{}"), JSON_TYPE);
}

static void
make_json(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	const char *secret = a->conf->secret;
	char sign[SIGN_HEX], *value;

	preq_url(rq, "POST", a->conf->url);
	put_text(rq, xstrdup(a->json), JSON_TYPE);
	if (secret == NULL)
		return;
	value = xasprintf("sha256=%s", sign_hmac_hex(SIGN_SHA256, secret,
	    strlen(secret), a->json, sign));
	preq_secret_header(rq, "X-Acmed-Signature", value);
	free(value);
}

static void
make_dingtalk(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	const char *secret = a->conf->secret;
	char *text = whole_text(a, 18000), *to_sign;
	char sign[SIGN_B64], stamp[32];

	preq_url(rq, "POST", a->conf->url);
	put_json(rq, json_pack("{s:s, s:{s:s}}", "msgtype", "text",
	    "text", "content", text));
	free(text);
	if (secret == NULL)
		return;
	(void)text_printf(stamp, sizeof(stamp), "%" PRId64, ms);
	to_sign = xasprintf("%s\n%s", stamp, secret);
	preq_query(rq, "timestamp", stamp);
	preq_secret_query(rq, "sign", sign_hmac_b64(SIGN_SHA256, secret,
	    strlen(secret), to_sign, sign));
	freezero_str(to_sign);
}

static void
make_wecom(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	char *text = whole_text(a, 2048);

	preq_url(rq, "POST", a->conf->url);
	put_json(rq, json_pack("{s:s, s:{s:s}}", "msgtype", "text",
	    "text", "content", text));
	free(text);
}

static void
make_feishu(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	char *text = whole_text(a, 18000), *key, sign[SIGN_B64], stamp[32];
	json_t *j = json_pack("{s:s, s:{s:s}}", "msg_type", "text",
	    "content", "text", text);

	free(text);
	preq_url(rq, "POST", a->conf->url);
	if (a->conf->secret != NULL && j != NULL) {
		(void)text_printf(stamp, sizeof(stamp), "%" PRId64, ms / 1000);
		key = xasprintf("%s\n%s", stamp, a->conf->secret);
		(void)sign_hmac_b64(SIGN_SHA256, key, strlen(key), "", sign);
		(void)json_object_set_new(j, "timestamp", json_string(stamp));
		(void)json_object_set_new(j, "sign", json_string(sign));
		freezero_str(key);
	}
	put_json(rq, j);
}

static void
make_slack(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	char *text = whole_text(a, 6000);
	char *out = xcalloc(strlen(text) + 1, 5), *to = out;

	for (const char *s = text; *s != '\0'; s++) {
		const char *code = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" :
		    *s == '>' ? "&gt;" : NULL;

		if (code == NULL)
			*to++ = *s;
		else
			to = stpcpy(to, code);
	}
	preq_url(rq, "POST", a->conf->url);
	put_json(rq, json_pack("{s:s}", "text", out));
	free(out);
	free(text);
}

static void
make_telegram(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	static const char method[] = "/sendMessage";
	size_t len = strlen(a->conf->url);
	/* Never more UTF-16 units than bytes. */
	char *text = whole_text(a, 4096);
	bool has_method = len > strlen(method) &&
	    strcmp(a->conf->url + len - strlen(method), method) == 0;
	char *url = xasprintf("%s%s", a->conf->url, has_method ? "" : method);

	preq_url(rq, "POST", url);
	put_json(rq, json_pack("{s:s, s:s, s:b}", "chat_id", a->conf->chat,
	    "text", text, "disable_web_page_preview", 1));
	freezero_str(url);
	free(text);
}

/* A header is one line. */
static char *
unfold(char *s)
{
	char *to = s;

	for (const char *from = s; *from != '\0'; from++) {
		if (*from != '\r' && *from != '\n')
			*to++ = *from;
	}
	*to = '\0';
	return s;
}

static void
make_ntfy(struct preq *rq, const struct channel_args *a, int64_t ms)
{
	static const char *const priorities[] = {
		[NLEV_NOTICE] = "3", [NLEV_WARNING] = "4",
		[NLEV_CRITICAL] = "5",
	};
	char *title = unfold(mime_header(a->subject));

	_Static_assert(sizeof(priorities) / sizeof(priorities[0]) == NLEV_END,
	    "priorities");
	preq_url(rq, "POST", a->conf->url);
	put_text(rq, cut(xstrdup(a->text), 4096), "text/plain; charset=utf-8");
	preq_header(rq, "Title", title);
	preq_header(rq, "Priority", priorities[a->level]);
	if (a->conf->secret != NULL)
		preq_token(rq, "Bearer", a->conf->secret);
	free(title);
}

/* --- what they answer --- */

static int
refuse(struct error *err, enum err_kind kind, const char *service,
    long long number, const char *words)
{
	const char *code = kind == ERR_CONFIG ? "notify:refused" :
	    kind == ERR_REJECTED ? "notify:rejected" : "notify:busy";

	return error_set(err, kind, code, "%s says: %.300s (%lld)", service,
	    words != NULL ? words : "no reason", number);
}

/* Numbers that waiting helps against; every other asks for a person. */
static enum err_kind
kind_of(long long number, const long long *passing, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (passing[i] == number)
			return ERR_TRANSIENT;
	}
	return ERR_CONFIG;
}

static int
read_errcode(const json_t *j, const char *service, struct error *err)
{
	/* -1 busy; 130101, 45009, 45033: too often. */
	static const long long passing[] = { -1, 130101, 45009, 45033, 88 };
	long long number = jsonx_int(j, "errcode", -2);

	if (number == 0)
		return 0;
	return refuse(err, kind_of(number, passing, sizeof(passing) /
	    sizeof(passing[0])), service, number, jsonx_str(j, "errmsg"));
}

static int
read_dingtalk(const json_t *j, time_t now, struct error *err)
{
	return read_errcode(j, "DingTalk", err);
}

static int
read_wecom(const json_t *j, time_t now, struct error *err)
{
	return read_errcode(j, "WeCom", err);
}

static int
read_feishu(const json_t *j, time_t now, struct error *err)
{
	/* 9499, 11232: too often; 11233: a tenant's limit. */
	static const long long passing[] = { 9499, 11232, 11233, 99991400 };
	long long number = jsonx_int(j, "code",
	    jsonx_int(j, "StatusCode", -2));

	if (number == 0)
		return 0;
	return refuse(err, kind_of(number, passing, sizeof(passing) /
	    sizeof(passing[0])), "Feishu", number, jsonx_str(j, "msg"));
}

static int
read_telegram(const json_t *j, time_t now, struct error *err)
{
	long long number = jsonx_int(j, "error_code", 0);
	int64_t after = jsonx_int(j, "parameters.retry_after", 0);

	if (jsonx_bool(j, "ok", false))
		return 0;
	(void)refuse(err, number == 429 ? ERR_RATELIMIT : number >= 500 ?
	    ERR_TRANSIENT : ERR_CONFIG, "Telegram", number,
	    jsonx_str(j, "description"));
	if (after > 0 && after < 86400)
		err->retry_at = now + (time_t)after;
	return -1;
}

static const struct {
	void	(*make)(struct preq *, const struct channel_args *,
		    int64_t now_ms);
	int	(*read)(const json_t *, time_t now, struct error *);
} templates[] = {
	[TEMPLATE_JSON] = { make_json, NULL },
	[TEMPLATE_DINGTALK] = { make_dingtalk, read_dingtalk },
	[TEMPLATE_WECOM] = { make_wecom, read_wecom },
	[TEMPLATE_FEISHU] = { make_feishu, read_feishu },
	[TEMPLATE_SLACK] = { make_slack, NULL },
	[TEMPLATE_TELEGRAM] = { make_telegram, read_telegram },
	[TEMPLATE_NTFY] = { make_ntfy, NULL },
};
_Static_assert(sizeof(templates) / sizeof(templates[0]) == TEMPLATE_END,
    "templates");

void
webhook_request(struct preq *rq, const struct channel_args *a, int64_t now_ms)
{
	templates[a->conf->template].make(rq, a, now_ms);
}

int
webhook_verdict(enum notify_template template, int status, const char *body,
    size_t len, time_t now, struct error *err)
{
	bool is_ok = status >= 200 && status < 300;
	struct error syntax;
	json_t *j = NULL;
	char words[200];
	int rc;

	if (templates[template].read != NULL)
		j = jsonx_parse(body, len, &syntax);
	if (j != NULL && json_is_object(j)) {
		rc = templates[template].read(j, now, err);
		json_decref(j);
		if (rc == -1 || is_ok)
			return rc;
	} else {
		json_decref(j);
	}
	if (is_ok && templates[template].read == NULL)
		return 0;
	(void)text_printf(words, sizeof(words), "%.*s", (int)(len > 190 ? 190 :
	    len), body);
	text_clean(words);
	return refuse(err, status == 429 ? ERR_RATELIMIT : status >= 500 ||
	    status == 408 || is_ok ? ERR_TRANSIENT : status == 400 ||
	    status == 413 ? ERR_REJECTED : ERR_CONFIG, "the service", status,
	    words);
}
