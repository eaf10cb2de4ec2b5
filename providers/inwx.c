/* SPDX-License-Identifier: MIT */
/*
 * inwx - INWX DomRobot, JSON-RPC (https://www.inwx.com/en/help/apidoc).  One
 * object for each value; everything is a POST with the cookie of a login
 * session, which with two-factor authentication is unlocked by a TAN.
 */
#include <string.h>
#include <strings.h>

#include "daemon/rest/sign.h"
#include "providers/provider.h"

#define SANDBOX "https://api.ote.domrobot.com/jsonrpc"
#define PAGE_LIMIT 100
#define TAN_S 30			/* a TAN is good for, and only once */
#define TAN_SLACK_MS 500

#define CODE_NOT_LOGGED_IN 2200		/* or wrong credentials */
#define CODE_NOT_ALLOWED 2201
#define CODE_EXISTS 2302
#define CODE_MISSING 2303
#define CODE_FAILED 2400
#define CODE_CLOSING 2500
#define CODE_CLOSING_AUTH 2501
#define CODE_LIMIT 2502

enum { OPT_USERNAME, OPT_PASSWORD, OPT_SHARED_SECRET, OPT_SANDBOX, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_USERNAME] = { .name = "username", .required = true,
	    .help = "of the account, better of a sub-account for DNS" },
	[OPT_PASSWORD] = { .name = "password", .required = true,
	    .secret = true, .help = "its password" },
	[OPT_SHARED_SECRET] = { .name = "shared_secret", .secret = true,
	    .help = "TOTP secret (base32), if two-factor is on" },
	[OPT_SANDBOX] = { .name = "sandbox", .type = PROVIDER_OPT_BOOL,
	    .help = "use the test system OT&E" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 300, .max = 864000,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the id found, a string or (until 2025) a number. */
struct inwx {
	bool	is_fresh;		/* the login was made for this call */
	bool	has_tried;		/* a TAN */
	int	page;			/* of the list, from 0 on */
};

struct inwx_keep {
	char	cookie[1024];		/* "": not logged in */
	bool	is_locked;		/* a TAN is wanted */
	int64_t	last_tan;		/* number of its 30 seconds */
};

static int64_t
code_of(const struct rest_answer *a)
{
	return jsonx_number(a->json, "code", 0);
}

static void
method(struct preq *rq, const char *name, json_t *params /* taken */)
{
	preq_start(rq, "POST", "/");
	preq_json(rq, json_pack("{s:s, s:o}", "method", name, "params",
	    params));
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct inwx_keep *keep = c->keep;

	if (provider_bool(c->values, OPT_SANDBOX))
		preq_base(rq, SANDBOX);
	if (keep->cookie[0] != '\0')
		preq_secret_header(rq, "Cookie", keep->cookie);
	return 0;
}

/* EPP's codes: from 2000 on all is refused. */
static bool
is_refusal(const struct rest_answer *a)
{
	return code_of(a) >= 2000;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *reason = jsonx_str(a->json, "reason");
	const char *msg = jsonx_str(a->json, "msg");
	int64_t code = code_of(a);

	if (code == 0)
		return;
	if (code == CODE_NOT_LOGGED_IN || code == CODE_NOT_ALLOWED ||
	    code == CODE_CLOSING_AUTH) {
		err->kind = ERR_CONFIG;
		(void)text_printf(err->code, sizeof(err->code),
		    "provider:credentials");
	} else if (code == CODE_LIMIT) {
		err->kind = ERR_RATELIMIT;
		(void)text_printf(err->code, sizeof(err->code),
		    "provider:throttled");
	} else if (code == CODE_FAILED || code == CODE_CLOSING) {
		err->kind = ERR_TRANSIENT;
		(void)text_printf(err->code, sizeof(err->code),
		    "provider:unavailable");
	}
	(void)error_set(err, err->kind, err->code, "%s%s%s (%lld)",
	    msg == NULL ? "no message" : msg, reason == NULL ? "" : ": ",
	    reason == NULL ? "" : reason, (long long)code);
}

/* False, and err, of an answer that is none of theirs. */
static bool
is_done(const struct rest_answer *a, struct error *err)
{
	if (code_of(a) >= 1000)
		return true;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "an answer without code");
	return false;
}

static enum rest_next
done_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return is_done(a, err) ? REST_NEXT : REST_FAIL;
}

static int
login_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct inwx_keep *keep = c->keep;

	if (keep->cookie[0] != '\0' && !keep->is_locked)
		return 0;
	keep->cookie[0] = '\0';
	method(rq, "account.login", json_pack("{s:s, s:s}",
	    "user", provider_str(c->values, OPT_USERNAME),
	    "pass", provider_str(c->values, OPT_PASSWORD)));
	return 0;
}

static void
cookies_take(struct inwx_keep *keep, const struct rest_answer *a)
{
	const char *cookie;

	for (size_t i = 0; (cookie = rest_header_nth(a,
	    "Set-Cookie", i)) != NULL; i++) {
		size_t n = strlen(keep->cookie);

		(void)text_printf(keep->cookie + n, sizeof(keep->cookie) - n,
		    "%s%.*s", n == 0 ? "" : "; ", (int)strcspn(cookie, ";"),
		    cookie);
	}
}

static enum rest_next
login_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *tfa = jsonx_str(a->json, "resData.tfa");
	struct inwx_keep *keep = c->keep;
	struct inwx *x = c->priv;

	if (!is_done(a, err))
		return REST_FAIL;
	keep->is_locked = tfa != NULL && strcmp(tfa, "GOOGLE-AUTH") == 0;
	if (keep->is_locked &&
	    provider_str(c->values, OPT_SHARED_SECRET) == NULL) {
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "the account has two-factor authentication: set "
		    "shared_secret");
		return REST_FAIL;
	}
	cookies_take(keep, a);
	if (keep->cookie[0] == '\0') {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "a login without a cookie");
		return REST_FAIL;
	}
	x->is_fresh = true;
	return REST_NEXT;
}

/* The TAN of now, or if that one was used, of the next 30 seconds. */
static int
unlock_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct inwx_keep *keep = c->keep;
	int64_t now = clock_now(), tan = now / TAN_S;
	char code[7];

	if (!keep->is_locked)
		return 0;
	if (tan <= keep->last_tan)
		tan = keep->last_tan + 1;
	if (sign_totp(provider_str(c->values, OPT_SHARED_SECRET),
	    tan * TAN_S, code, err) == -1)
		return -1;
	keep->last_tan = tan;
	method(rq, "account.unlock", json_pack("{s:s}", "tan", code));
	if (tan * TAN_S > now)
		preq_wait(rq, (unsigned)(tan * TAN_S * 1000 - clock_now_ms()) +
		    TAN_SLACK_MS);
	return 0;
}

static enum rest_next
unlock_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct inwx_keep *keep = c->keep;

	if (!is_done(a, err))
		return REST_FAIL;
	keep->is_locked = false;
	return REST_NEXT;
}

/* Used already, by another program or before we were started: the next. */
static enum rest_next
unlock_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct inwx *x = c->priv;

	if (code_of(a) != CODE_NOT_LOGGED_IN || x->has_tried)
		return REST_FAIL;
	x->has_tried = true;
	return REST_AGAIN;
}

/* A session that ended meanwhile; one that was just begun did not. */
static enum rest_next
session_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct inwx_keep *keep = c->keep;
	const struct inwx *x = c->priv;

	if ((code_of(a) != CODE_NOT_LOGGED_IN &&
	    code_of(a) != CODE_NOT_ALLOWED) || x->is_fresh)
		return REST_FAIL;
	keep->cookie[0] = '\0';
	return REST_REPEAT;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct inwx *x = c->priv;

	if (c->zone_id[0] != '\0')
		return 0;
	method(rq, "nameserver.list", json_pack("{s:s, s:i, s:i}",
	    "domain", c->zone, "page", x->page + 1,
	    "pagelimit", PAGE_LIMIT));
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *zones = jsonx_get(a->json, "resData.domains");
	int64_t count = jsonx_number(a->json, "resData.count", 0);
	struct inwx *x = c->priv;
	const char *name;

	if (!is_done(a, err))
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		name = jsonx_str(json_array_get(zones, i), "domain");
		if (name == NULL || !provider_name_is(name, c->zone))
			continue;
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    c->zone);
		return REST_NEXT;
	}
	x->page++;
	return json_array_size(zones) > 0 &&
	    (int64_t)x->page * PAGE_LIMIT < count ? REST_AGAIN :
	    REST_NO_ZONE;
}

static enum rest_next
zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return code_of(a) == CODE_MISSING ? REST_NO_ZONE :
	    session_refused(c, a, err);
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	method(rq, "nameserver.info", json_pack("{s:s, s:s, s:s}",
	    "domain", c->zone_id, "name", c->fqdn, "type", "TXT"));
	return 0;
}

static enum rest_next
find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err, enum rest_next found, enum rest_next missing)
{
	const json_t *records = jsonx_get(a->json, "resData.record"), *r;
	const char *name, *type, *content;

	if (!is_done(a, err))
		return REST_FAIL;
	/* Where there is no record there is no list. */
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		name = jsonx_str(r, "name");
		type = jsonx_str(r, "type");
		content = jsonx_str(r, "content");
		if (name != NULL && provider_name_is(name, c->fqdn) &&
		    provider_is_txt(type) &&
		    content != NULL && provider_txt_is(content, c->value)) {
			c->memo = json_deep_copy(jsonx_get(r, "id"));
			return jsonx_copy_str(r, "id", c->new_handle,
			    c->new_handle_size, err) == -1 ? REST_FAIL :
			    found;
		}
	}
	return missing;
}

static enum rest_next
find_before_add(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return find_reply(c, a, err, REST_DONE, REST_NEXT);
}

static enum rest_next
find_before_remove(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return find_reply(c, a, err, REST_NEXT, REST_DONE);
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	method(rq, "nameserver.createRecord",
	    json_pack("{s:s, s:s, s:s, s:s, s:I}", "domain", c->zone_id,
	    "name", c->fqdn, "type", "TXT", "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum rest_next
create_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "resData.id", c->new_handle,
	    c->new_handle_size, err) == -1 ? REST_FAIL : REST_DONE;
}

/* Made since we looked: look again. */
static enum rest_next
create_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return code_of(a) != CODE_EXISTS ? session_refused(c, a, err) :
	    rest_is_lasting(a) ? REST_FAIL : REST_REPEAT;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	method(rq, "nameserver.deleteRecord", json_pack("{s:O}", "id",
	    c->memo));
	return 0;
}

static enum rest_next
delete_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return code_of(a) == CODE_MISSING ? REST_DONE :
	    session_refused(c, a, err);
}

static const struct provider_step add[] = {
	{ "log in", login_request, login_reply, NULL },
	{ "unlock", unlock_request, unlock_reply, unlock_refused },
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "find record", find_request, find_before_add, session_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "log in", login_request, login_reply, NULL },
	{ "unlock", unlock_request, unlock_reply, unlock_refused },
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "find record", find_request, find_before_remove, session_refused },
	{ "delete record", delete_request, done_reply, delete_refused },
	{ .name = NULL }
};

const struct provider provider_inwx = {
	.name = "inwx",
	.title = "INWX",
	.doc = "The account's user name and password, better those of a "
	    "sub-account with DNS rights only (Account, Sub-accounts).  With "
	    "mobile TAN or authenticator the secret shown at its activation "
	    "is wanted too; a TAN is good for one login in 30 seconds, so "
	    "give each program a sub-account of its own.  lego: "
	    "INWX_USERNAME, INWX_PASSWORD, INWX_SHARED_SECRET, INWX_SANDBOX.",
	.opts = opts,
	.base_url = "https://api.domrobot.com/jsonrpc",
	.keep_size = sizeof(struct inwx_keep),
	.max_calls = 1,			/* they share one session */
	.priv_size = sizeof(struct inwx),
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
