/* SPDX-License-Identifier: MIT */
/*
 * aws-elbv2 - listeners of application and network load balancers, query API
 * 2015-12-01 (https://docs.aws.amazon.com/elasticloadbalancing/latest/
 * APIReference/).  The certificate is in ACM and keeps its ARN, so that a
 * listener is changed once, and read ever after.
 */
#include <string.h>

#include "clouds/aws.h"
#include "providers/aws.h"

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

/* Flags in is_bound. */
enum { IS_OURS, HAS_OLD };

enum { OPT_LISTENER = AWS_ARN + 1, OPT_SNI, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[AWS_REGION] = { .name = "region", .required = true,
	    .help = "of the load balancer, \"eu-central-1\"" },
	AWS_ARN_OPT,
	[OPT_LISTENER] = { .name = "listener_arn", .required = true,
	    .help = "of an HTTPS or TLS listener, \"arn:aws:"
	    "elasticloadbalancing:...\"" },
	[OPT_SNI] = { .name = "sni", .type = PROVIDER_OPT_BOOL,
	    .help = "yes: one more certificate of the listener, chosen by "
	    "name; no: its default certificate" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "names whose port 443 the listener is, to be verified" },
	CLOUD_OPTS
};

/* arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:listener/... */
static int
check(const struct provider_values *values, struct error *err)
{
	const char *arn = provider_str(values, OPT_LISTENER);
	const char *region = provider_str(values, AWS_REGION), *at;

	if (aws_check_region(values, err) == -1)
		return -1;
	at = strstr(arn, ":elasticloadbalancing:");
	if (strncmp(arn, "arn:", 4) != 0 || at == NULL ||
	    strstr(at, ":listener/") == NULL)
		return error_set(err, ERR_CONFIG, "config:value",
		    "listener_arn = \"%.200s\"; allowed: arn:aws:"
		    "elasticloadbalancing:REGION:ACCOUNT:listener/...", arn);
	at += strlen(":elasticloadbalancing:");
	if (strncmp(at, region, strlen(region)) == 0 &&
	    at[strlen(region)] == ':')
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "listener_arn is of "
	    "region %.*s, but region = \"%.100s\"", (int)strcspn(at, ":"), at,
	    region);
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	return aws_prepare(user, rq, "elasticloadbalancing");
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	static const struct rest_code codes[] = {
		/* ACM and the load balancers agree some seconds later. */
		{ "CertificateNotFound", REST_UNAVAILABLE },
		{ "ListenerNotFound", ERR_CONFIG, "provider:refused" },
		{ "TooManyCertificates", REST_QUOTA },
		{ "UnsupportedCertificate", ERR_CONFIG, "provider:refused" },
		{ .word = NULL }
	};
	char code[AWS_CODE_MAX];

	aws_xml_failed(a, "", code, err);
	rest_judge(codes, REST_IS, code, err);
}

static const struct cloud_api api = { .prepare = prepare, .failed = failed,
    .plain_text = true };

static void
call(const struct cloud_call *c, struct preq *rq, const char *action)
{
	preq_start(rq, "POST", "/");
	aws_base(c, rq, "elasticloadbalancing");
	preq_form(rq, "Action", action);
}

/* What all have last. */
static void
call_end(struct preq *rq)
{
	preq_form(rq, "Version", "2015-12-01");
	preq_header(rq, "Content-Type", FORM);
}

/* --- what the listener has --- */

static int
describe(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	call(c, rq, "DescribeListeners");
	preq_form(rq, "ListenerArns.member.1", provider_str(c->values,
	    OPT_LISTENER));
	call_end(rq);
	return 0;
}

/* IS_OURS: as the default. */
static enum rest_next
described(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	char protocol[32], arn[CLOUD_ID_SIZE];
	struct xml root, listeners;

	if (!aws_xml_root(a, "DescribeListenersResponse", &root, err))
		return REST_FAIL;
	if (!xml_child(&root, "Listeners", &listeners) ||
	    !xml_text(&listeners, "Protocol", protocol, sizeof(protocol)))
		return cloud_lacks("listener", err);
	if (strcmp(protocol, "HTTPS") != 0 && strcmp(protocol, "TLS") != 0) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "the "
		    "listener speaks %s; allowed: a listener of HTTPS or TLS",
		    protocol);
		return REST_FAIL;
	}
	c->is_bound[IS_OURS] = xml_text(&listeners, "CertificateArn", arn,
	    sizeof(arn)) && c->id[0] != '\0' && strcmp(arn, c->id) == 0;
	return REST_NEXT;
}

/* Nothing is right before ACM has been asked; but the listener is there. */
static const struct rest_step look[] = {
	{ .name = "read listener", .request = describe, .reply = described },
	{ .name = NULL }
};

/* --- the default --- */

static bool
is_sni(const struct cloud_call *c)
{
	return provider_bool(c->values, OPT_SNI);
}

static void
certificates(const struct cloud_call *c, struct preq *rq, const char *action,
    const char *arn)
{
	call(c, rq, action);
	preq_form(rq, "Certificates.member.1.CertificateArn", arn);
	preq_form(rq, "ListenerArn", provider_str(c->values, OPT_LISTENER));
	call_end(rq);
}

static int
modify(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (is_sni(c) || c->is_bound[IS_OURS])
		return 0;
	cloud_say(c, "binding %s to the listener", c->id);
	certificates(c, rq, "ModifyListener", c->id);
	return 0;
}

/* --- beside the default --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	if (!is_sni(c))
		return 0;
	if (c->cursor[0] == '\0')
		c->is_bound[IS_OURS] = c->is_bound[HAS_OLD] = false;
	call(c, rq, "DescribeListenerCertificates");
	preq_form(rq, "ListenerArn", provider_str(c->values, OPT_LISTENER));
	if (c->cursor[0] != '\0')
		preq_form(rq, "Marker", c->cursor);
	call_end(rq);
	return 0;
}

/* The default is listed as well, and once more if it is one of these. */
static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	char arn[CLOUD_ID_SIZE], is_default[8];
	struct xml root, all, entry;

	if (!aws_xml_root(a, "DescribeListenerCertificatesResponse", &root,
	    err))
		return REST_FAIL;
	if (!xml_child(&root, "Certificates", &all))
		return cloud_lacks("Certificates", err);
	while (xml_next(&all, "member", &entry)) {
		if (!xml_text(&entry, "CertificateArn", arn, sizeof(arn)) ||
		    (xml_text(&entry, "IsDefault", is_default,
		    sizeof(is_default)) && strcmp(is_default, "true") == 0))
			continue;
		if (strcmp(arn, c->id) == 0)
			c->is_bound[IS_OURS] = true;
		else if (strcmp(arn, c->bound_id) == 0)
			c->is_bound[HAS_OLD] = true;
	}
	return xml_text(&root, "NextMarker", c->cursor, sizeof(c->cursor)) &&
	    c->cursor[0] != '\0' ? REST_AGAIN : REST_NEXT;
}

static int
add(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!is_sni(c) || c->is_bound[IS_OURS])
		return 0;
	cloud_say(c, "adding %s to the listener", c->id);
	certificates(c, rq, "AddListenerCertificates", c->id);
	return 0;
}

/* What this target had bound before certificate_arn was another: of two for
 * the same names the load balancer may choose the old one. */
static int
take_off(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (!is_sni(c) || !c->is_bound[HAS_OLD])
		return 0;
	cloud_say(c, "taking %s off the listener", c->bound_id);
	certificates(c, rq, "RemoveListenerCertificates", c->bound_id);
	return 0;
}

static const struct rest_step bind[] = {
	{ .name = "read listener", .request = describe, .reply = described },
	{ .name = "bind", .request = modify },
	{ .name = "list certificates", .request = list, .reply = listed },
	{ .name = "add certificate", .request = add },
	{ .name = "remove certificate", .request = take_off },
	{ .name = NULL }
};

const struct cloud cloud_aws_elbv2 = {
	.name = "aws-elbv2",
	.title = "AWS application and network load balancers",
	.doc = "Imports the certificate into ACM and binds it to a listener, "
	    "which is there already. Later renewals replace it in ACM under "
	    "the same ARN, and the listener is only read. Several targets of "
	    "a certificate in one region share the import.",
	.policy = "{\n"
	    "  \"Version\": \"2012-10-17\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"acm:ImportCertificate\",\n"
	    "      \"acm:DescribeCertificate\", \"acm:ListCertificates\",\n"
	    "      \"acm:AddTagsToCertificate\",\n"
	    "      \"elasticloadbalancing:DescribeListeners\",\n"
	    "      \"elasticloadbalancing:DescribeListenerCertificates\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"elasticloadbalancing:ModifyListener\",\n"
	    "      \"elasticloadbalancing:AddListenerCertificates\",\n"
	    "      \"elasticloadbalancing:RemoveListenerCertificates\" ],\n"
	    "    \"Resource\": \"LISTENER-ARN\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"eu-central-1\"\n"
	    "listener_arn = \"arn:aws:elasticloadbalancing:eu-central-1:"
	    "111122223333:listener/app/web/0123456789abcdef/"
	    "0123456789abcdef\"\n",
	.credentials = "aws",
	.opts = opts,
	.check = check,
	.store = &aws_acm_store,
	.within = (const char *const []){ "listener_arn", NULL },
	.api = &api,
	.look = look,
	.bind = bind,
};
