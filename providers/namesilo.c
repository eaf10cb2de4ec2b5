/* SPDX-License-Identifier: MIT */
/*
 * namesilo - NameSilo, API v1 (https://www.namesilo.com/api-reference).  One
 * object for each value; its id may change, so that records are always found
 * by value.  Everything is a GET with the key in the URL and answered with
 * HTTP 200 and XML.  The zone is found by asking for its records: the list of
 * domains comes in pages, of which big accounts have many.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/xml.h"
#include "providers/provider.h"

#define CODE_SYNTAX 114			/* of the domain */
#define CODE_REGISTRY 115		/* does not respond */
#define CODE_FUNDS 119
#define CODE_NO_DOMAIN 200		/* not active, or another account's */
#define CODE_INTERNAL 201
#define CODE_DNS 280			/* exists already, or does not exist */
#define CODE_BUSY 400			/* an earlier request is at work */

enum { OPT_API_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "3600", .min = 3600, .max = 2592000,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct namesilo {
	char	record_id[64];
	char	refusal[300];		/* of the create, to be looked into */
};

/* <namesilo><reply>; false if that is not all of it. */
static bool
reply_of(const struct rest_answer *a, struct xml *reply)
{
	struct xml doc = xml_document(a->body, a->body_len), root;

	return xml_child(&doc, "namesilo", &root) &&
	    xml_child(&root, "reply", reply);
}

/* The vendor's code; 0 if there is none. */
static long
code_of(const struct rest_answer *a)
{
	struct xml reply;
	char text[16];

	if (!reply_of(a, &reply) ||
	    !xml_text(&reply, "code", text, sizeof(text)))
		return 0;
	return strtol(text, NULL, 10);
}

static bool
is_refusal(const struct rest_answer *a)
{
	long code = code_of(a);

	return code < 300 || code > 302;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	long code = code_of(a);
	enum err_kind kind = err->kind;
	struct xml reply;
	char detail[200] = "";
	const char *kind_code = err->code;

	if (code == 0) {
		/* No answer of theirs, whatever its status. */
		if (a->status >= 200 && a->status <= 299)
			err->kind = ERR_TRANSIENT;
		return;
	}
	if ((code >= 109 && code <= 113) || code == 116) {
		kind = ERR_CONFIG;		/* key, account, address */
		kind_code = "provider:credentials";
	} else if (code == 117 || code == 118 || code == CODE_FUNDS)
		kind = ERR_CONFIG;		/* what is paid with */
	else if (code == CODE_INTERNAL || code == CODE_REGISTRY) {
		kind = ERR_TRANSIENT;
		kind_code = "provider:unavailable";
	} else if (code == CODE_BUSY) {
		kind = ERR_RATELIMIT;
		kind_code = "provider:throttled";
	}
	if (reply_of(a, &reply))
		(void)xml_text(&reply, "detail", detail, sizeof(detail));
	(void)error_set(err, kind, kind_code, "code %ld: %s", code, detail);
}

static void
operation(struct provider_call *c, struct preq *rq, const char *path)
{
	preq_start(rq, "GET", path);
	preq_query(rq, "version", "1");
	preq_query(rq, "type", "xml");
	preq_secret_query(rq, "key", provider_str(c->values, OPT_API_KEY));
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	operation(c, rq, "/dnsListRecords");
	preq_query(rq, "domain", c->zone);
	return 0;
}

static enum rest_next
find_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	long code = code_of(a);

	return code == CODE_NO_DOMAIN || code == CODE_SYNTAX ?
	    REST_NO_ZONE : REST_FAIL;
}

static const char *
relative(const struct provider_call *c, char name[256])
{
	return provider_relative(c->fqdn, c->zone, "", name, 256);
}

static bool
is_ours(const struct provider_call *c, const struct xml *r)
{
	char type[16], host[1024], value[600];

	return xml_text(r, "type", type, sizeof(type)) &&
	    provider_is_txt(type) &&
	    xml_text(r, "host", host, sizeof(host)) &&
	    provider_is_at_name(c, host) &&
	    xml_text(r, "value", value, sizeof(value)) &&
	    provider_txt_is(value, c->value);
}

static int
find(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct namesilo *x = c->priv;
	struct xml reply, record;

	if (!reply_of(a, &reply))
		return error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer has no list of records");
	while (xml_next(&reply, "resource_record", &record)) {
		if (!is_ours(c, &record))
			continue;
		if (xml_text(&record, "record_id", x->record_id,
		    sizeof(x->record_id)) && x->record_id[0] != '\0')
			return 0;
		return error_set(err, ERR_TRANSIENT, "provider:reply",
		    "a record has no id");
	}
	return 0;
}

/* Before the create, and again if that was refused. */
static enum rest_next
add_find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct namesilo *x = c->priv;

	if (find(c, a, err) == -1)
		return REST_FAIL;
	if (x->record_id[0] != '\0') {
		(void)text_printf(c->new_handle, c->new_handle_size, "%s",
		    x->record_id);
		return REST_DONE;
	}
	if (x->refusal[0] == '\0')
		return REST_NEXT;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%s",
	    x->refusal);
	return REST_FAIL;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256];

	operation(c, rq, "/dnsAddRecord");
	preq_query(rq, "domain", c->zone);
	preq_query(rq, "rrtype", "TXT");
	preq_query(rq, "rrhost", relative(c, name));
	preq_query(rq, "rrvalue", c->value);
	preq_query_number(rq, "rrttl", provider_int(c->values, OPT_TTL));
	return 0;
}

static enum rest_next
create_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct xml reply;

	if (reply_of(a, &reply))
		(void)xml_text(&reply, "record_id", c->new_handle,
		    c->new_handle_size);
	return REST_DONE;
}

/* The same code for a record that is there and for all other causes. */
static enum rest_next
create_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct namesilo *x = c->priv;

	if (code_of(a) != CODE_DNS)
		return REST_FAIL;
	(void)text_printf(x->refusal, sizeof(x->refusal), "%s", err->msg);
	return REST_NEXT;
}

static enum rest_next
remove_find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct namesilo *x = c->priv;

	if (find(c, a, err) == -1)
		return REST_FAIL;
	if (x->record_id[0] == '\0')
		return REST_DONE;
	if (x->refusal[0] == '\0')
		return REST_NEXT;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%s",
	    x->refusal);
	return REST_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct namesilo *x = c->priv;

	operation(c, rq, "/dnsDeleteRecord");
	preq_query(rq, "domain", c->zone);
	preq_query(rq, "rrid", x->record_id);
	x->record_id[0] = '\0';
	return 0;
}

static enum rest_next
delete_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return REST_DONE;
}

static const struct provider_step add[] = {
	{ "find record", find_request, add_find_reply, find_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, add_find_reply, find_refused },
	{ .name = NULL }
};

/* A delete is refused with CODE_DNS, too, if somebody else was faster. */
static const struct provider_step remove_[] = {
	{ "find record", find_request, remove_find_reply, find_refused },
	{ "delete record", delete_request, delete_reply, create_refused },
	{ "find record", find_request, remove_find_reply, find_refused },
	{ .name = NULL }
};

const struct provider provider_namesilo = {
	.name = "namesilo",
	.title = "NameSilo",
	.doc = "namesilo.com, API Manager: an API key (not one of a "
	    "sub-account), best restricted to this machine's address; it can "
	    "do all that the account can. Zones are published every 15 "
	    "minutes: allow 30 for propagation. lego: NAMESILO_API_KEY.",
	.opts = opts,
	.propagation_s = 2400,	/* see doc */
	.max_calls = 1,
	.base_url = "https://www.namesilo.com/api",
	.no_zone_help = "only domains registered in this account are seen",
	.priv_size = sizeof(struct namesilo),
	.gap_ms = 1000,
	.plain_text = true,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
