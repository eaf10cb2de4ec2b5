/* SPDX-License-Identifier: MIT */
/*
 * namecheap - Namecheap, XML API (https://www.namecheap.com/support/api/).
 *
 * setHosts replaces all records of the domain: every host is read, with all
 * attributes that can be written, and written again, with EmailType.  What
 * does not look like the whole zone is never written; afterwards the zone is
 * read back and its hosts are counted.  One call at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/xml.h"
#include "providers/provider.h"

#define SANDBOX "https://api.sandbox.namecheap.com/xml.response"
#define PAGE_SIZE 100
#define MAX_ATTR 8192			/* bytes; of a DKIM key, say */

enum { OPT_API_USER, OPT_API_KEY, OPT_USER_NAME, OPT_CLIENT_IP, OPT_TTL,
    OPT_SANDBOX };

static const struct provider_opt opts[] = {
	[OPT_API_USER] = { .name = "api_user", .required = true,
	    .help = "user that the API key belongs to" },
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key" },
	[OPT_USER_NAME] = { .name = "user_name",
	    .help = "user to act for, if not api_user" },
	[OPT_CLIENT_IP] = { .name = "client_ip", .required = true,
	    .help = "this machine's public IPv4 address, as whitelisted in "
	    "the account" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 60000,
	    .help = "TTL of the records in seconds" },
	[OPT_SANDBOX] = { .name = "sandbox", .type = PROVIDER_OPT_BOOL,
	    .help = "use the sandbox, which has accounts of its own" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* What is read of a host, and how it is called when it is written. */
static const struct {
	const char	*attr, *field;
	bool		 required;
} fields[] = {
	{ "Name", "HostName", true }, { "Type", "RecordType", true },
	{ "Address", "Address", true }, { "MXPref", "MXPref", false },
	{ "TTL", "TTL", false }, { "Flag", "Flag", false },
	{ "Tag", "Tag", false },
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* c->memo is the array of hosts, each an object of fields[].attr. */
struct namecheap {
	int		 page;
	char		 email_type[32];
	bool		 is_written;
	size_t		 n_expected;	/* hosts after the write */
};

/* <ApiResponse>; false if it is not whole. */
static bool
response_of(const struct rest_answer *a, struct xml *out)
{
	struct xml doc = xml_document(a->body, a->body_len);

	return xml_child(&doc, "ApiResponse", out);
}

static bool
is_refusal(const struct rest_answer *a)
{
	struct xml response;
	char status[16];

	return !response_of(a, &response) ||
	    !xml_attr(&response, "Status", status, sizeof(status)) ||
	    strcasecmp(status, "OK") != 0;
}

/* The first error's number and text; 0 if there is none. */
static long
error_of(const struct rest_answer *a, char *text, size_t size)
{
	struct xml response, e;
	char number[16];

	text[0] = '\0';
	if (!response_of(a, &response) || !xml_child(&response, "Error", &e) ||
	    !xml_attr(&e, "Number", number, sizeof(number)))
		return 0;
	(void)xml_text(&e, NULL, text, size);
	return strtol(number, NULL, 10);
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	char text[300];
	long number = error_of(a, text, sizeof(text));
	enum err_kind kind = err->kind;
	const char *code = NULL;

	if (number == 0) {
		/* No answer of theirs, whatever its status. */
		if (a->status >= 200 && a->status <= 299)
			err->kind = ERR_TRANSIENT;
		return;
	}
	if (number / 10000 == 101) {		/* key, address */
		kind = ERR_CONFIG;
		code = "provider:credentials";
	} else if (number == 2030166 || number == 2030288)
		kind = ERR_CONFIG;		/* DNS elsewhere */
	else if (number == 500000 || strcasestr(text, "too many") != NULL)
		kind = ERR_RATELIMIT;
	else if (number == 3050900 || number == 4023330 || number == 5050900)
		kind = ERR_TRANSIENT;
	(void)error_set(err, kind, code == NULL ? err->code : code,
	    "error %ld: %s", number, text);
}

/* POST, so that neither the key nor a large zone is in the URL. */
static void
command(struct provider_call *c, struct preq *rq, const char *name)
{
	const char *user = provider_str(c->values, OPT_API_USER);
	const char *user_name = provider_str(c->values, OPT_USER_NAME);

	if (provider_bool(c->values, OPT_SANDBOX))
		preq_base(rq, SANDBOX);
	preq_start(rq, "POST", "");
	preq_form(rq, "ApiUser", user);
	preq_form(rq, "ApiKey", provider_str(c->values, OPT_API_KEY));
	preq_form(rq, "UserName", user_name != NULL ? user_name : user);
	preq_form(rq, "ClientIp", provider_str(c->values, OPT_CLIENT_IP));
	preq_form(rq, "Command", name);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct namecheap *x = c->priv;
	char text[16];

	if (c->zone_id[0] != '\0')
		return 0;
	command(c, rq, "namecheap.domains.getList");
	(void)text_printf(text, sizeof(text), "%d", x->page + 1);
	preq_form(rq, "Page", text);
	(void)text_printf(text, sizeof(text), "%d", PAGE_SIZE);
	preq_form(rq, "PageSize", text);
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct xml response, result, domain;
	struct namecheap *x = c->priv;
	char name[1024], total[24], size[24];

	if (!response_of(a, &response) ||
	    !xml_child(&response, "DomainGetListResult", &result) ||
	    !xml_text(&response, "TotalItems", total, sizeof(total)) ||
	    !xml_text(&response, "PageSize", size, sizeof(size))) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer has no list of domains");
		return REST_FAIL;
	}
	while (xml_next(&result, "Domain", &domain)) {
		if (!xml_attr(&domain, "Name", name, sizeof(name)) ||
		    !provider_name_is(name, c->zone))
			continue;
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    c->zone);
		return REST_NEXT;
	}
	x->page++;
	return strtol(size, NULL, 10) * x->page < strtol(total, NULL, 10) ?
	    REST_AGAIN : REST_NO_ZONE;
}

/* "example.co.uk" is SLD "example" and TLD "co.uk". */
static void
domain_command(struct provider_call *c, struct preq *rq, const char *name)
{
	size_t len = strcspn(c->zone, ".");
	char sld[256];

	(void)text_printf(sld, sizeof(sld), "%.*s", (int)len, c->zone);
	command(c, rq, name);
	preq_form(rq, "SLD", sld);
	preq_form(rq, "TLD", c->zone[len] == '.' ? c->zone + len + 1 : "");
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	domain_command(c, rq, "namecheap.domains.dns.getHosts");
	return 0;
}

static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	char text[8];
	long number = error_of(a, text, sizeof(text));

	return number == 2019166 || number == 2016166 ? REST_NO_ZONE :
	    REST_FAIL;
}

/* A host as an object; NULL and err if it could not be written again. */
static json_t *
host_of(const struct xml *host, struct error *err)
{
	json_t *h = json_object(), *v = NULL;
	char text[MAX_ATTR];

	for (size_t i = 0; i < N_FIELDS; i++) {
		bool is_there = xml_attr(host, fields[i].attr, text,
		    sizeof(text));

		v = is_there ? json_string(text) : NULL;
		if (v != NULL) {
			json_object_set_new(h, fields[i].attr, v);
		} else if (is_there || fields[i].required) {
			json_decref(h);
			(void)error_set(err, ERR_REJECTED, "namecheap:host",
			    "a record whose %s cannot be read: the zone is "
			    "left alone", fields[i].attr);
			return NULL;
		}
	}
	return h;
}

static int
read_hosts(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct namecheap *x = c->priv;
	struct xml response, result, host;
	char ours[16] = "";
	json_t *h;

	if (!response_of(a, &response) ||
	    !xml_child(&response, "DomainDNSGetHostsResult", &result))
		return error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer has no list of hosts");
	(void)xml_attr(&result, "IsUsingOurDNS", ours, sizeof(ours));
	if (strcasecmp(ours, "true") != 0)
		return error_set(err, ERR_CONFIG, "namecheap:dns",
		    "%s does not use Namecheap's name servers", c->zone);
	if (!xml_attr(&result, "EmailType", x->email_type,
	    sizeof(x->email_type)) || x->email_type[0] == '\0')
		return error_set(err, ERR_REJECTED, "namecheap:email",
		    "the answer has no EmailType, without which a write "
		    "could end mail for %s", c->zone);
	json_decref(c->memo);
	c->memo = json_array();
	while (xml_next(&result, "host", &host)) {
		if ((h = host_of(&host, err)) == NULL)
			return -1;
		json_array_append_new(c->memo, h);
	}
	return 0;
}

/* Is it a TXT record at our name with that value; NULL: any of ours? */
static bool
is_ours(const struct provider_call *c, const json_t *h, const char *value)
{
	const char *address = jsonx_str(h, "Address");

	return provider_is_txt(jsonx_str(h, "Type")) &&
	    provider_is_at_name(c, jsonx_str(h, "Name")) &&
	    (value != NULL ? provider_txt_is(address, value) :
	    provider_in_batch(c, address));
}

static size_t
held(const struct provider_call *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(c->memo); j++) {
			if (is_ours(c, json_array_get(c->memo, j),
			    c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

/* Before the change and after it: is it as it should be? */
static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct namecheap *x = c->priv;
	bool is_right;
	size_t n;

	if (read_hosts(c, a, err) == -1)
		return REST_FAIL;
	n = json_array_size(c->memo);
	is_right = held(c) == provider_wanted(c);
	if (is_right && x->is_written && n != x->n_expected) {
		(void)error_set(err, ERR_CONFIG, "namecheap:count",
		    "%s has %zu records after a write of %zu: check that "
		    "all of them are there", c->zone, n, x->n_expected);
		return REST_FAIL;
	}
	if (is_right)
		return REST_DONE;
	if (x->is_written)
		return REST_REPEAT;
	if (n == 0) {
		(void)error_set(err, ERR_REJECTED, "namecheap:empty",
		    "the answer lists no records for %s; acmed does not "
		    "overwrite the zone; look at it in Namecheap's panel",
		    c->zone);
		return REST_FAIL;
	}
	return REST_NEXT;
}

/* Add a host to the request, as number n from 1 on. */
static void
host_form(struct preq *rq, size_t n, const json_t *h)
{
	char name[32];
	const char *value;

	for (size_t i = 0; i < N_FIELDS; i++) {
		value = jsonx_str(h, fields[i].attr);
		if (value == NULL)
			continue;
		(void)text_printf(name, sizeof(name), "%s%zu",
		    fields[i].field, n);
		preq_form(rq, name, value);
	}
}

static json_t *
our_host(const struct provider_call *c, const char *value)
{
	char name[256], ttl[24];

	(void)text_printf(ttl, sizeof(ttl), "%ld",
	    provider_int(c->values, OPT_TTL));
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "Name",
	    provider_relative(c->fqdn, c->zone, "@", name, sizeof(name)),
	    "Type", "TXT", "Address", value, "MXPref", "10", "TTL", ttl);
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct namecheap *x = c->priv;
	size_t n = 0;

	domain_command(c, rq, "namecheap.domains.dns.setHosts");
	preq_form(rq, "EmailType", x->email_type);
	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		const json_t *h = json_array_get(c->memo, i);

		if (!is_ours(c, h, NULL))
			host_form(rq, ++n, h);
	}
	for (size_t i = 0; c->is_add && i < c->n_batch; i++) {
		json_t *h = our_host(c, c->batch[i]);

		host_form(rq, ++n, h);
		json_decref(h);
	}
	x->is_written = true;
	x->n_expected = n;
	return 0;
}

static enum rest_next
write_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct xml response, result;
	char ok[16] = "";

	if (response_of(a, &response) &&
	    xml_child(&response, "DomainDNSSetHostsResult", &result))
		(void)xml_attr(&result, "IsSuccess", ok, sizeof(ok));
	if (strcasecmp(ok, "true") == 0)
		return REST_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the answer does not say that the hosts were set");
	return REST_FAIL;
}

static const struct provider_step steps[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read zone", read_request, read_reply, read_refused },
	{ "write zone", write_request, write_reply, NULL },
	{ "read back", read_request, read_reply, NULL },
	{ .name = NULL }
};

const struct provider provider_namecheap = {
	.name = "namecheap",
	.title = "Namecheap",
	.doc = "Profile, Tools, API Access: turn it on (20 domains, or 50 "
	    "dollars of balance or of spending, are needed), take the key, "
	    "and whitelist client_ip. The key can do all that the account "
	    "can, and every change replaces the whole zone: a CNAME of "
	    "_acme-challenge into a zone elsewhere (acme-dns, say) is safer. "
	    "Changes take up to an hour to be seen. lego: "
	    "NAMECHEAP_API_USER, NAMECHEAP_API_KEY, NAMECHEAP_SANDBOX.",
	.opts = opts,
	.propagation_s = 3900,	/* see doc */
	.takes_batch = true,
	.max_calls = 1,
	.base_url = "https://api.namecheap.com/xml.response",
	.no_zone_help = "only domains registered in this account are seen",
	.priv_size = sizeof(struct namecheap),
	.plain_text = true,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = steps,
	.remove = steps,
};
