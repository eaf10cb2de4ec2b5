/* SPDX-License-Identifier: MIT */
/*
 * volcengine - Volcano Engine TrafficRoute DNS, API of 2018-08-01
 * (https://www.volcengine.com/docs/6758).  One object for each value.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "providers/provider.h"
#include "providers/scheme_v4.h"

#define PAGE_SIZE "500"			/* the most they give */

enum { OPT_ACCESS_KEY, OPT_SECRET_KEY, OPT_SESSION_TOKEN, OPT_REGION,
    OPT_LINE, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ACCESS_KEY] = { .name = "access_key", .required = true,
	    .help = "Access Key ID" },
	[OPT_SECRET_KEY] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "Secret Access Key" },
	[OPT_SESSION_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials" },
	[OPT_REGION] = { .name = "region", .fallback = "cn-beijing",
	    .help = "region named in the signature" },
	[OPT_LINE] = { .name = "line", .fallback = "default",
	    .help = "resolution line of the records" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 1, .max = 86400,
	    .help = "TTL of the records in seconds; below 600 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct volcengine {
	int	page;			/* of the list, from 0 on */
	int64_t	seen;			/* of its entries */
	char	record_id[64];
};

static const char *
code_of(const struct provider_answer *a)
{
	const char *code = jsonx_str(a->json, "ResponseMetadata.Error.Code");

	return code == NULL ? "" : code;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	static const struct scheme_v4 scheme = {
		.algorithm = "HMAC-SHA256", .key_prefix = "",
		.terminator = "request", .date_header = "X-Date",
		.hash_header = "X-Content-Sha256", .service = "dns",
	};
	const char *token = provider_str(c->values, OPT_SESSION_TOKEN);

	/* It is always signed. */
	if (preq_get_header(rq, "Content-Type") == NULL)
		preq_header(rq, "Content-Type",
		    "application/x-www-form-urlencoded");
	if (token != NULL)
		preq_secret_header(rq, "X-Security-Token", token);
	scheme_v4_sign(rq, &scheme, provider_str(c->values, OPT_REGION),
	    provider_str(c->values, OPT_ACCESS_KEY),
	    provider_str(c->values, OPT_SECRET_KEY));
	return 0;
}

static bool
is_refusal(const struct provider_answer *a)
{
	return jsonx_get(a->json, "ResponseMetadata.Error") != NULL;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	static const struct {
		const char *part;
		enum err_kind kind;
		const char *code;
	} kinds[] = {
		{ "Signature", ERR_CONFIG, "provider:credentials" },
		{ "AccessKey", ERR_CONFIG, "provider:credentials" },
		{ "Credential", ERR_CONFIG, "provider:credentials" },
		{ "SecurityToken", ERR_CONFIG, "provider:credentials" },
		{ "AccessDenied", ERR_CONFIG, "provider:credentials" },
		{ "Timestamp", ERR_CONFIG, "provider:credentials" },
		{ "Expired", ERR_CONFIG, "provider:credentials" },
		{ "FlowLimit", ERR_RATELIMIT, "provider:throttled" },
		{ "Internal", ERR_TRANSIENT, "provider:unavailable" },
	};
	const char *code = code_of(a);
	const char *msg = jsonx_str(a->json, "ResponseMetadata.Error.Message");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strstr(code, kinds[i].part) != NULL) {
			(void)error_set(err, kinds[i].kind, kinds[i].code,
			    "%s", err->msg);
			break;
		}
	}
	if (code[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s: %s", code,
		    msg == NULL ? "" : msg);
	if (err->kind == ERR_CONFIG)
		provider_blame_clock(a, err);
}

static void
action(struct preq *rq, const char *method, const char *name)
{
	preq_start(rq, method, "");
	preq_query(rq, "Action", name);
	preq_query(rq, "Version", "2018-08-01");
}

static void
query_page(struct provider_call *c, struct preq *rq)
{
	const struct volcengine *x = c->priv;
	char page[16];

	(void)text_printf(page, sizeof(page), "%d", x->page + 1);
	preq_query(rq, "PageNumber", page);
	preq_query(rq, "PageSize", PAGE_SIZE);
}

/* Is there more of the list than these n? */
static bool
has_more(struct provider_call *c, const struct provider_answer *a,
    const char *total, size_t n)
{
	struct volcengine *x = c->priv;

	x->page++;
	x->seen += (int64_t)n;
	return n > 0 && x->seen < jsonx_int(a->json, total, 0);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	action(rq, "GET", "ListZones");
	preq_query(rq, "Key", c->zone);
	preq_query(rq, "SearchMode", "exact");
	query_page(c, rq);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones, *z;
	struct volcengine *x = c->priv;
	const char *name;

	/* Of no zones at all there is no list. */
	if (jsonx_int(a->json, "Result.Total", -1) == 0)
		return PROVIDER_NO_ZONE;
	zones = provider_array(a, "Result.Zones", err);
	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "ZoneName");
		if (name == NULL || strcasecmp(name, c->zone) != 0)
			continue;
		memset(x, 0, sizeof(*x));
		return jsonx_copy_str(z, "ZID", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL :
		    PROVIDER_NEXT;
	}
	return has_more(c, a, "Result.Total", json_array_size(zones)) ?
	    PROVIDER_AGAIN : PROVIDER_NO_ZONE;
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char host[256];

	action(rq, "GET", "ListRecords");
	preq_query(rq, "ZID", c->zone_id);
	preq_query(rq, "Host", provider_relative(c->fqdn, c->zone, "@", host,
	    sizeof(host)));
	preq_query(rq, "Type", "TXT");
	preq_query(rq, "Value", c->value);
	preq_query(rq, "SearchMode", "exact");
	query_page(c, rq);
	return 0;
}

static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err, enum provider_next found, enum provider_next missing)
{
	const json_t *records, *r;
	struct volcengine *x = c->priv;
	const char *host, *type, *value;
	char want[256];

	if (jsonx_int(a->json, "Result.TotalCount", -1) == 0)
		return missing;
	records = provider_array(a, "Result.Records", err);
	if (records == NULL)
		return PROVIDER_FAIL;
	(void)provider_relative(c->fqdn, c->zone, "@", want, sizeof(want));
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		host = jsonx_str(r, "Host");
		type = jsonx_str(r, "Type");
		value = jsonx_str(r, "Value");
		if (host != NULL && strcasecmp(host, want) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "RecordID", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : found;
	}
	return has_more(c, a, "Result.TotalCount", json_array_size(records)) ?
	    PROVIDER_AGAIN : missing;
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct volcengine *x = c->priv;
	enum provider_next next = find_reply(c, a, err, PROVIDER_DONE,
	    PROVIDER_NEXT);

	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return next;
}

static enum provider_next
find_before_remove(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return find_reply(c, a, err, PROVIDER_NEXT, PROVIDER_DONE);
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char host[256];

	action(rq, "POST", "CreateRecord");
	preq_json(rq, json_pack("{s:I, s:s, s:s, s:s, s:I, s:s}",
	    "ZID", (json_int_t)strtoll(c->zone_id, NULL, 10),
	    "Host", provider_relative(c->fqdn, c->zone, "@", host,
	    sizeof(host)), "Type", "TXT", "Value", c->value,
	    "TTL", (json_int_t)provider_int(c->values, OPT_TTL),
	    "Line", provider_str(c->values, OPT_LINE)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "Result.RecordID", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

/* Made since we looked: look again. */
static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return strcmp(code_of(a), "ErrDBDuplicated") == 0 ? PROVIDER_REPEAT :
	    PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct volcengine *x = c->priv;

	action(rq, "POST", "DeleteRecord");
	preq_json(rq, json_pack("{s:s}", "RecordID", x->record_id));
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return strcmp(code_of(a), "ErrDBNotFound") == 0 ? PROVIDER_DONE :
	    PROVIDER_FAIL;
}

static enum provider_next
delete_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	if (jsonx_get(a->json, "ResponseMetadata") != NULL)
		return PROVIDER_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "an answer without ResponseMetadata");
	return PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_add, NULL },
	{ "create record", create_request, create_reply, create_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_remove, NULL },
	{ "delete record", delete_request, delete_reply, delete_refused },
	{ .name = NULL }
};

const struct provider provider_volcengine = {
	.name = "volcengine",
	.title = "Volcano Engine",
	.doc = "Console, Access Control (IAM): a user with programmatic access "
	    "and the policy DNSFullAccess, or a policy of your own with "
	    "dns:ListZones, dns:ListRecords, dns:CreateRecord and "
	    "dns:DeleteRecord; then its Access Keys.  lego: VOLC_ACCESSKEY, "
	    "VOLC_SECRETKEY, VOLC_REGION.",
	.opts = opts,
	.base_url = "https://open.volcengineapi.com",
	.priv_size = sizeof(struct volcengine),
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
