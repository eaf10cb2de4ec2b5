/* SPDX-License-Identifier: MIT */
/*
 * jdcloud - JD Cloud DNS, domainservice v2
 * (https://docs.jdcloud.com/cn/jd-cloud-dns/api/overview).  One object for
 * each value; lists match parts of names.
 */
#include <string.h>
#include <strings.h>

#include "providers/provider.h"
#include "providers/scheme_v4.h"
#include "providers/sign.h"

#define PAGE_SIZE "50"
#define DEFAULT_VIEW (-1)

enum { OPT_ACCESS_KEY_ID, OPT_ACCESS_KEY_SECRET, OPT_REGION_ID, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ACCESS_KEY_ID] = { .name = "access_key_id", .required = true,
	    .help = "Access Key ID" },
	[OPT_ACCESS_KEY_SECRET] = { .name = "access_key_secret",
	    .required = true, .secret = true, .help = "Access Key Secret" },
	[OPT_REGION_ID] = { .name = "region_id", .fallback = "cn-north-1",
	    .help = "region named in the address and the signature" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 60, .max = 86400,
	    .help = "TTL of the records in seconds; below 600 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct jdcloud {
	int	page;			/* of the list, from 0 on */
	char	record_id[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	static const struct scheme_v4 scheme = {
		.algorithm = "JDCLOUD2-HMAC-SHA256", .key_prefix = "JDCLOUD2",
		.terminator = "jdcloud2_request",
		.date_header = "x-jdcloud-date", .service = "domainservice",
	};
	char hex[SIGN_NONCE], uuid[40];

	(void)sign_nonce(hex);
	(void)text_printf(uuid, sizeof(uuid), "%.8s-%.4s-4%.3s-8%.3s-%.12s",
	    hex, hex + 8, hex + 12, hex + 15, hex + 18);
	preq_header(rq, "Content-Type", "application/json");
	if (preq_get_header(rq, "x-jdcloud-nonce") == NULL)
		preq_header(rq, "x-jdcloud-nonce", uuid);
	scheme_v4_sign(rq, &scheme, provider_str(c->values, OPT_REGION_ID),
	    provider_str(c->values, OPT_ACCESS_KEY_ID),
	    provider_str(c->values, OPT_ACCESS_KEY_SECRET));
	return 0;
}

static bool
is_refusal(const struct provider_answer *a)
{
	return jsonx_get(a->json, "error.code") != NULL;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *status = jsonx_str(a->json, "error.status");

	if (status == NULL)
		return;
	if (strcmp(status, "UNAUTHENTICATED") == 0 ||
	    strcmp(status, "HTTP_FORBIDDEN") == 0)
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
	else if (strcmp(status, "QUOTA_EXCEEDED") == 0)
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg,
	    status);
	if (err->kind == ERR_CONFIG)
		provider_blame_clock(a, err);
}

/* The query in sorted order: it is signed as it is sent. */
static void
list_start(struct provider_call *c, struct preq *rq)
{
	const struct jdcloud *x = c->priv;
	char page[16];

	(void)text_printf(page, sizeof(page), "%d", x->page + 1);
	preq_query(rq, "pageNumber", page);
	preq_query(rq, "pageSize", PAGE_SIZE);
}

static void
domain_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/regions");
	preq_path(rq, provider_str(c->values, OPT_REGION_ID));
	preq_path(rq, "domain");
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	domain_start(c, rq, method);
	preq_path(rq, c->zone_id);
	preq_path(rq, "ResourceRecord");
}

static bool
has_more(struct provider_call *c, const struct provider_answer *a)
{
	struct jdcloud *x = c->priv;

	return ++x->page < jsonx_int(a->json, "result.totalPage", 0);
}

/* Lists that are empty may be null. */
static const json_t *
data_list(const struct provider_answer *a, struct error *err)
{
	const json_t *list = jsonx_get(a->json, "result.dataList");

	return json_is_null(list) ? list :
	    provider_array(a, "result.dataList", err);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	domain_start(c, rq, "GET");
	preq_query(rq, "domainName", c->zone);
	list_start(c, rq);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = data_list(a, err), *z;
	struct jdcloud *x = c->priv;
	const char *name;

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "domainName");
		if (name == NULL || strcasecmp(name, c->zone) != 0)
			continue;
		x->page = 0;
		return jsonx_copy_str(z, "id", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL :
		    PROVIDER_NEXT;
	}
	return has_more(c, a) ? PROVIDER_AGAIN : PROVIDER_NO_ZONE;
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char host[256];

	records_start(c, rq, "GET");
	list_start(c, rq);
	preq_query(rq, "search", provider_relative(c->fqdn, c->zone, "@",
	    host, sizeof(host)));
	return 0;
}

static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err, enum provider_next found, enum provider_next missing)
{
	const json_t *records = data_list(a, err), *r;
	struct jdcloud *x = c->priv;
	const char *host, *type, *value;
	char want[256];

	if (records == NULL)
		return PROVIDER_FAIL;
	(void)provider_relative(c->fqdn, c->zone, "@", want, sizeof(want));
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		host = jsonx_str(r, "hostRecord");
		type = jsonx_str(r, "type");
		value = jsonx_str(r, "hostValue");
		if (host != NULL && strcasecmp(host, want) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : found;
	}
	return has_more(c, a) ? PROVIDER_AGAIN : missing;
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct jdcloud *x = c->priv;
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

	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:{s:s, s:s, s:I, s:s, s:i}}", "req",
	    "hostRecord", provider_relative(c->fqdn, c->zone, "@", host,
	    sizeof(host)), "hostValue", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "type", "TXT", "viewValue", DEFAULT_VIEW));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "result.dataList.id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct jdcloud *x = c->priv;

	records_start(c, rq, "DELETE");
	preq_path(rq, x->record_id);
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 || jsonx_int(a->json, "error.code", 0) == 404 ?
	    PROVIDER_DONE : PROVIDER_FAIL;
}

static enum provider_next
delete_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	if (a->json == NULL || jsonx_get(a->json, "requestId") != NULL)
		return PROVIDER_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "an answer without requestId");
	return PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_add, NULL },
	{ "create record", create_request, create_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_remove, NULL },
	{ "delete record", delete_request, delete_reply, delete_refused },
	{ .name = NULL }
};

const struct provider provider_jdcloud = {
	.name = "jdcloud",
	.title = "JD Cloud",
	.doc = "Console, Access Key management; better the keys of an IAM user "
	    "with a policy for domainservice only (describeDomains, "
	    "describeResourceRecord, createResourceRecord, "
	    "deleteResourceRecord).  lego: JDCLOUD_ACCESS_KEY_ID, "
	    "JDCLOUD_ACCESS_KEY_SECRET, JDCLOUD_REGION_ID.",
	.opts = opts,
	.base_url = "https://domainservice.jdcloud-api.com/v2",
	.priv_size = sizeof(struct jdcloud),
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
