/* SPDX-License-Identifier: MIT */
/*
 * route53 - Amazon Route 53, API 2013-04-01
 * (https://docs.aws.amazon.com/Route53/latest/APIReference/).  Whole sets, in
 * XML, signed with Signature Version 4.
 *
 * A batch is carried out as one or not at all, and a DELETE must name the set
 * exactly as it is: DELETE of what was read and CREATE of what is wanted is a
 * compare-and-swap.  UPSERT would overwrite the values of others.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/xml.h"
#include "providers/aws.h"
#include "providers/provider.h"

#define API "/2013-04-01"
#define VALUE_SIZE 16400		/* 4000 characters, all escaped */

enum { OPT_KEY_ID, OPT_SECRET, OPT_TOKEN, OPT_ZONE_ID, OPT_REGION, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_KEY_ID] = { .name = "access_key_id", .required = true,
	    .help = "id of the access key, \"AKIA...\"" },
	[OPT_SECRET] = { .name = "secret_access_key", .required = true,
	    .secret = true, .help = "the access key's secret" },
	[OPT_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials" },
	[OPT_ZONE_ID] = { .name = "hosted_zone_id",
	    .help = "\"Z...\"; ListHostedZonesByName is not needed then" },
	[OPT_REGION] = { .name = "region", .fallback = "us-east-1",
	    .help = "any region of the account's part of AWS: \"cn-north-1\" "
	    "(China), \"us-gov-west-1\", \"eusc-de-east-1\"" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 0, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is {"ttl": "60", "values": [...]} as it was read, or NULL. */
struct route53 {
	char	change_id[64];
};

/*
 * Where requests go and which region they are signed for: one for each
 * partition of AWS, whatever region of it is configured (as botocore's
 * endpoints.json has it).  The longest prefix comes first.
 */
static const struct partition {
	const char	*prefix, *region, *base;
} partitions[] = {
	{ "aws-us-gov-", "us-gov-west-1",
	    "https://route53.us-gov.amazonaws.com" },
	{ "us-gov-", "us-gov-west-1", "https://route53.us-gov.amazonaws.com" },
	{ "aws-cn-", "cn-northwest-1", "https://route53.amazonaws.com.cn" },
	{ "cn-", "cn-northwest-1", "https://route53.amazonaws.com.cn" },
	{ "eusc-", "eusc-de-east-1",
	    "https://route53.eusc-de-east-1.amazonaws.eu" },
	{ "aws-iso-b-", "us-isob-east-1", "https://route53.sc2s.sgov.gov" },
	{ "us-isob-", "us-isob-east-1", "https://route53.sc2s.sgov.gov" },
	{ "aws-iso-", "us-iso-east-1", "https://route53.c2s.ic.gov" },
	{ "us-iso-", "us-iso-east-1", "https://route53.c2s.ic.gov" },
	{ "", "us-east-1", "https://route53.amazonaws.com" },
};

static const struct partition *
partition_of(const struct provider_values *values)
{
	const char *region = provider_str(values, OPT_REGION);
	const struct partition *p = partitions;

	while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
		p++;
	return p;
}

static int
check(const struct provider_values *values, struct error *err)
{
	const char *region = provider_str(values, OPT_REGION);

	if (aws_is_region(region))
		return 0;
	return error_set(err, ERR_CONFIG, "route53:region", "region: \"%s\" "
	    "is not the name of a region; most accounts need none", region);
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct partition *p = partition_of(c->values);

	preq_base(rq, p->base);
	aws_sign(rq, "route53", p->region, provider_str(c->values,
	    OPT_KEY_ID), provider_str(c->values, OPT_SECRET),
	    provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	char code[AWS_CODE_MAX];

	aws_xml_failed(a, "InvalidChangeBatch", code, err);
}

static enum rest_next
reply_lacks(const char *what, struct error *err)
{
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the answer has no usable %s", what);
	return REST_FAIL;
}

/* An id behind its last "/"; it goes into paths unencoded. */
static bool
id_copy(const char *id, char *out, size_t size)
{
	const char *slash = strrchr(id, '/');

	id = slash == NULL ? id : slash + 1;
	if (id[0] == '\0' || !text_printf(out, size, "%s", id))
		return false;
	for (; *id != '\0'; id++) {
		if (!isalnum((unsigned char)*id))
			return false;
	}
	return true;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *zone_id = provider_str(c->values, OPT_ZONE_ID);

	if (zone_id != NULL && !id_copy(zone_id, c->zone_id,
	    PROVIDER_ZONE_ID_SIZE))
		return error_set(err, ERR_CONFIG, "route53:zone-id",
		    "hosted_zone_id: \"%s\" is not an id", zone_id);
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", API "/hostedzonesbyname");
	preq_query(rq, "dnsname", c->zone);
	preq_query(rq, "maxitems", "100");
	return 0;
}

/* The list begins at the name asked for, and goes on with others. */
static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	char name[1025], is_private[8], id[128];
	struct xml list, z;

	if (!aws_xml_root(a, "ListHostedZonesByNameResponse", &list, err))
		return REST_FAIL;
	while (xml_next(&list, "HostedZone", &z)) {
		if (!xml_text(&z, "Name", name, sizeof(name)) ||
		    !provider_name_is(name, c->zone) ||
		    (xml_text(&z, "PrivateZone", is_private,
		    sizeof(is_private)) && strcmp(is_private, "true") == 0))
			continue;
		if (c->zone_id[0] != '\0') {
			c->zone_id[0] = '\0';
			(void)error_set(err, ERR_CONFIG, "route53:zones",
			    "there are several public hosted zones %s; set "
			    "hosted_zone_id", c->zone);
			return REST_FAIL;
		}
		if (!xml_text(&z, "Id", id, sizeof(id)) ||
		    !id_copy(id, c->zone_id, PROVIDER_ZONE_ID_SIZE)) {
			c->zone_id[0] = '\0';
			return reply_lacks("id of the zone", err);
		}
	}
	return c->zone_id[0] == '\0' ? REST_NO_ZONE : REST_NEXT;
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method,
    const char *rest)
{
	char path[PROVIDER_ZONE_ID_SIZE + 64];

	(void)text_printf(path, sizeof(path), API "/hostedzone/%s%s",
	    c->zone_id, rest);
	preq_start(rq, method, path);
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char fqdn[256];

	(void)text_printf(fqdn, sizeof(fqdn), "%s.", c->fqdn);
	zone_start(c, rq, "GET", "/rrset");
	preq_query(rq, "name", fqdn);
	preq_query(rq, "type", provider_type(c));
	preq_query(rq, "maxitems", "1");
	return 0;
}

/* The list begins at the name or, without such a set, behind it. */
static bool
is_our_set(const struct provider_call *c, const struct xml *set)
{
	char name[1025], type[16];

	return xml_text(set, "Name", name, sizeof(name)) &&
	    provider_name_is(name, c->fqdn) &&
	    xml_text(set, "Type", type, sizeof(type)) &&
	    provider_is_type(c, type);
}

static int
memo_set(struct provider_call *c, const struct xml *set, struct error *err)
{
	json_t *values = json_array();
	char ttl[16], text[VALUE_SIZE];
	struct xml rest = *set, r;

	json_decref(c->memo);
	c->memo = NULL;
	if (xml_text(set, "SetIdentifier", text, sizeof(text)) ||
	    !xml_text(set, "TTL", ttl, sizeof(ttl))) {
		json_decref(values);
		return error_set(err, ERR_CONFIG, "route53:policy",
		    "%s has a routing policy or is an alias: acmed changes "
		    "simple records only", c->fqdn);
	}
	while (xml_next(&rest, "ResourceRecord", &r)) {
		/* One value that is not understood would be deleted. */
		if (!xml_text(&r, "Value", text, sizeof(text)) ||
		    json_array_append_new(values, json_string(text)) == -1) {
			json_decref(values);
			(void)reply_lacks("value", err);
			return -1;
		}
	}
	c->memo = json_pack("{s:s, s:o}", "ttl", ttl, "values", values);
	return 0;
}

/* How many values of the batch does the set hold? */
static size_t
held(const struct provider_call *c)
{
	const json_t *values = json_object_get(c->memo, "values");
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(values); j++) {
			if (provider_value_is(c, json_string_value(
			    json_array_get(values, j)), c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct xml list, set;

	if (!aws_xml_root(a, "ListResourceRecordSetsResponse", &list, err))
		return REST_FAIL;
	if (xml_next(&list, "ResourceRecordSet", &set) &&
	    is_our_set(c, &set) && memo_set(c, &set, err) == -1)
		return REST_FAIL;
	return held(c) == provider_wanted(c) ? REST_DONE : REST_NEXT;
}

static void
put_value(FILE *f, const char *text)
{
	(void)fputs("<ResourceRecord><Value>", f);
	for (; *text != '\0'; text++) {
		if (strchr("<>&", *text) != NULL)
			(void)fprintf(f, "&#%d;", *text);
		else
			(void)fputc(*text, f);
	}
	(void)fputs("</Value></ResourceRecord>", f);
}

/* One change: the set with the values of old, then ours. */
static void
put_change(FILE *f, const struct provider_call *c, const char *action,
    const char *ttl, const json_t *old, bool with_ours)
{
	char text[PROVIDER_CONTENT_SIZE];

	if (json_array_size(old) == 0 && !with_ours)
		return;
	(void)fprintf(f, "<Change><Action>%s</Action><ResourceRecordSet>"
	    "<Name>%s.</Name><Type>%s</Type><TTL>%s</TTL><ResourceRecords>",
	    action, c->fqdn, provider_type(c), ttl);
	for (size_t i = 0; i < json_array_size(old); i++)
		put_value(f, json_string_value(json_array_get(old, i)));
	for (size_t i = 0; with_ours && i < c->n_batch; i++)
		put_value(f, provider_content(c, c->batch[i], text));
	(void)fputs("</ResourceRecords></ResourceRecordSet></Change>", f);
}

/* What the set holds beside the batch. */
static json_t *
others(const struct provider_call *c)
{
	const json_t *values = json_object_get(c->memo, "values");
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(values); i++) {
		json_t *v = json_array_get(values, i);

		if (!provider_in_batch(c, json_string_value(v)))
			json_array_append(out, v);
	}
	return out;
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *ttl = jsonx_str(c->memo, "ttl");
	json_t *rest = others(c);
	char fresh[16], *body;
	size_t len;
	FILE *f = open_memstream(&body, &len);

	if (f == NULL)
		abort();
	(void)text_printf(fresh, sizeof(fresh), "%ld",
	    provider_int(c->values, OPT_TTL));
	if (ttl == NULL)
		ttl = fresh;
	(void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
	    "<ChangeResourceRecordSetsRequest "
	    "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
	    "<ChangeBatch><Changes>", f);
	put_change(f, c, "DELETE", ttl, json_object_get(c->memo, "values"),
	    false);
	put_change(f, c, "CREATE", ttl, rest, c->is_add);
	(void)fputs("</Changes></ChangeBatch>"
	    "</ChangeResourceRecordSetsRequest>", f);
	if (fclose(f) != 0)
		abort();
	json_decref(rest);
	zone_start(c, rq, "POST", "/rrset/");
	preq_body(rq, body, len, "text/xml");
	free(body);
	return 0;
}

static enum rest_next
write_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct route53 *x = c->priv;
	struct xml change;
	char id[128];

	if (!aws_xml_root(a, "ChangeResourceRecordSetsResponse", &change, err))
		return REST_FAIL;
	if (!xml_text(&change, "Id", id, sizeof(id)) ||
	    !id_copy(id, x->change_id, sizeof(x->change_id)))
		return reply_lacks("id of the change", err);
	return REST_NEXT;
}

/* Somebody was faster, or is still being served. */
static enum rest_next
write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const char *const lost[] = { "not found", "already exists",
	    "do not match", "PriorRequestNotComplete", NULL };

	/* "... because a conflicting RRSet of type CNAME ... already exists" */
	return a->status == 400 && rest_says(a, lost) &&
	    !rest_is_lasting(a) ? REST_REPEAT : REST_FAIL;
}

/* INSYNC: all servers of Route 53 have it. */
static int
wait_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct route53 *x = c->priv;
	char path[128];

	(void)text_printf(path, sizeof(path), API "/change/%s", x->change_id);
	preq_start(rq, "GET", path);
	return 0;
}

static enum rest_next
wait_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct xml change;
	char status[16];

	if (!aws_xml_root(a, "GetChangeResponse", &change, err))
		return REST_FAIL;
	if (!xml_text(&change, "Status", status, sizeof(status)))
		return reply_lacks("status", err);
	return strcmp(status, "INSYNC") == 0 ? REST_DONE : REST_POLL;
}

/* Without GetChange: the wait for propagation has the last word. */
static enum rest_next
wait_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 403 ? REST_DONE : REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, NULL },
	{ "write records", write_request, write_reply, write_refused },
	{ "wait for change", wait_request, wait_reply, wait_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, NULL },
	{ "write records", write_request, write_reply, write_refused },
	{ .name = NULL }
};

const struct provider provider_route53 = {
	.name = "route53",
	.title = "Amazon Route 53",
	.doc = "IAM: an access key of a user whose policy allows "
	    "route53:ListHostedZonesByName and route53:GetChange, and for the "
	    "hosted zone route53:ListResourceRecordSets and "
	    "route53:ChangeResourceRecordSets (the condition "
	    "route53:ChangeResourceRecordSetsRecordTypes = TXT narrows it); or "
	    "the role of this machine or pod, which credentials of type aws "
	    "take.  lego's AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
	    "AWS_SESSION_TOKEN, AWS_HOSTED_ZONE_ID.",
	.opts = opts,
	.credentials = "aws",
	.check = check,
	.base_url = "https://route53.amazonaws.com",
	.no_zone_help = "private hosted zones do not count",
	.takes_batch = true,
	.takes_caa = true,
	.max_calls = 4,
	.gap_ms = 200,		/* 5 requests a second for an account */
	.plain_text = true,
	.priv_size = sizeof(struct route53),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
