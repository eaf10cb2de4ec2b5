/* SPDX-License-Identifier: MIT */
/*
 * httpreq - a web service of the user's own that sets the record; the
 * protocol of lego's provider of that name, which acme.sh's acmeproxy speaks
 * as well: POST /present and POST /cleanup with the name and the value.
 */
#include "providers/provider.h"

enum { OPT_BASE_URL, OPT_USERNAME, OPT_PASSWORD };

static const struct provider_opt opts[] = {
	[OPT_BASE_URL] = { .name = "base_url", .required = true,
	    .help = "address of the service (lego's HTTPREQ_ENDPOINT)" },
	[OPT_USERNAME] = { .name = "username",
	    .help = "for HTTP Basic authentication" },
	[OPT_PASSWORD] = { .name = "password", .secret = true,
	    .help = "for HTTP Basic authentication" },
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
check(const struct provider_values *v, struct error *err)
{
	if ((provider_str(v, OPT_USERNAME) == NULL) !=
	    (provider_str(v, OPT_PASSWORD) == NULL))
		return error_set(err, ERR_CONFIG, "provider:options",
		    "username and password go together");
	return 0;
}

static int
post(struct provider_call *c, struct preq *rq, const char *path)
{
	char fqdn[256];

	(void)text_printf(fqdn, sizeof(fqdn), "%s.", c->fqdn);
	preq_start(rq, "POST", path);
	preq_header(rq, "Accept", "application/json");
	preq_json(rq, json_pack("{s:s, s:s}", "fqdn", fqdn, "value", c->value));
	if (provider_str(c->values, OPT_USERNAME) != NULL)
		preq_basic(rq, provider_str(c->values, OPT_USERNAME),
		    provider_str(c->values, OPT_PASSWORD));
	return 0;
}

static int
present_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	return post(c, rq, "/present");
}

static int
cleanup_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	return post(c, rq, "/cleanup");
}

static const struct provider_step add[] = {
	{ .name = "present", .request = present_request },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ .name = "cleanup", .request = cleanup_request },
	{ .name = NULL }
};

const struct provider provider_httpreq = {
	.name = "httpreq",
	.title = "HTTP request",
	.doc = "A service of your own that accepts POST /present and POST "
	    "/cleanup with {\"fqdn\": \"NAME.\", \"value\": \"TEXT\"}, does it "
	    "and answers 2xx.  lego: HTTPREQ_ENDPOINT, HTTPREQ_USERNAME, "
	    "HTTPREQ_PASSWORD.",
	.opts = opts,
	.check = check,
	.plain_text = true,		/* the status is all that counts */
	.add = add,
	.remove = remove_,
};
