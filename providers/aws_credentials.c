/* SPDX-License-Identifier: MIT */
/*
 * aws_credentials - credentials of Amazon: a key, and what is fetched instead:
 * the role of an EC2 instance (IMDSv2,
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/
 * instance-metadata-security-credentials.html), of a container (ECS, and pods
 * of EKS), of a web identity, a profile of the shared file, the environment;
 * and from any of these or a key another role (STS, API of 2011-06-15).
 * Sources have the names that credential_source has in AWS' own configuration,
 * options those of its other settings.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "providers/aws.h"
#include "providers/aws_profile.h"
#include "providers/credentials.h"
#include "providers/keyless.h"

/* The same for all instances; no name, no TLS. */
#define METADATA "http://169.254.169.254/latest/"
#define METADATA_KEYS METADATA "meta-data/iam/security-credentials"
#define METADATA_TTL "300"		/* seconds; for two requests */
#define CONTAINER "http://169.254.170.2"
#define PROFILES_MAX (256u << 10)	/* bytes of the shared file */
#define ENV_LIFE_S 3600			/* of what has no end */

enum { MEMO_TOKEN, MEMO_ROLE };		/* metadata; TOKEN: also a pod's */

static const struct provider_opt opts[] = {
	[AWS_KEY_ID] = { .name = "access_key_id", .is_usual = true,
	    .help = "id of the access key, \"AKIA...\"" },
	[AWS_SECRET] = { .name = "secret_access_key", .is_usual = true,
	    .secret = true, .help = "the access key's secret" },
	[AWS_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials" },
	[AWS_SOURCE] = { .name = "source", .fallback = "access_key",
	    .help = "access_key: the one given here; Ec2InstanceMetadata: "
	    "the role of the instance (IMDSv2); EcsContainer: the role of the "
	    "task, or of a pod with EKS Pod Identity; web_identity: the role "
	    "of a service account (IRSA); profile: of a shared credentials "
	    "file; Environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
	    "AWS_SESSION_TOKEN" },
	[AWS_PROFILE] = { .name = "profile",
	    .help = "with profile: which one, if it is not \"default\"" },
	[AWS_PROFILE_FILE] = { .name = "shared_credentials_file",
	    .help = "with profile: the file, if it is not "
	    "AWS_SHARED_CREDENTIALS_FILE" },
	[AWS_ROLE_ARN] = { .name = "role_arn",
	    .help = "with web_identity: the role, if it is not AWS_ROLE_ARN; "
	    "else a role that is assumed with these credentials "
	    "(AssumeRole)" },
	[AWS_SESSION] = { .name = "role_session_name", .fallback = "acmed",
	    .help = "name of the session of role_arn" },
	[AWS_DURATION] = { .name = "duration_seconds",
	    .type = PROVIDER_OPT_INT, .fallback = "3600", .min = 900,
	    .max = 43200, .help = "seconds that a session of role_arn lasts" },
	[AWS_EXTERNAL_ID] = { .name = "external_id",
	    .help = "that role_arn demands, if it does" },
	[AWS_WEB_FILE] = { .name = "web_identity_token_file",
	    .help = "with web_identity: file of the token, if it is not "
	    "AWS_WEB_IDENTITY_TOKEN_FILE" },
	[AWS_STS_REGION] = { .name = "sts_region", .fallback = "us-east-1",
	    .help = "region whose STS is asked for role_arn" },
	[AWS_STS] = { .name = "sts_endpoint",
	    .help = "address of STS, if not https://sts.REGION.amazonaws.com" },
	{ .name = NULL }
};

/* What an answer has, as JSON: a set that has an end. */
static enum rest_next
take_set(struct keyless_call *c, const json_t *from, struct error *err)
{
	static const char *const names[] = {
		[AWS_KEY_ID] = "AccessKeyId",
		[AWS_SECRET] = "SecretAccessKey",
		[AWS_TOKEN] = "Token",
	};

	for (int i = AWS_KEY_ID; i <= AWS_TOKEN; i++) {
		const char *text = jsonx_str(from, names[i]);

		if (text == NULL || *text == '\0') {
			(void)error_set(err, ERR_TRANSIENT, "provider:reply",
			    "the answer has no %s", names[i]);
			return REST_FAIL;
		}
		keyless_put(c, i, text);
	}
	return keyless_until(c, jsonx_str(from, "Expiration"), err) == -1 ?
	    REST_FAIL : REST_NEXT;
}

/* --- the metadata of an instance --- */

static int
ask_token(void *user, struct preq *rq, struct error *err)
{
	preq_start(rq, "PUT", METADATA "api/token");
	preq_header(rq, "X-aws-ec2-metadata-token-ttl-seconds", METADATA_TTL);
	return 0;
}

static enum rest_next
token_told(void *user, const struct rest_answer *a, struct error *err)
{
	return keyless_word(user, MEMO_TOKEN, a, "token", err);
}

static void
ask_metadata(const struct keyless_call *c, struct preq *rq, const char *url)
{
	preq_start(rq, "GET", url);
	preq_secret_header(rq, "X-aws-ec2-metadata-token",
	    c->memo[MEMO_TOKEN]);
}

static int
ask_role(void *user, struct preq *rq, struct error *err)
{
	ask_metadata(user, rq, METADATA_KEYS "/");
	return 0;
}

static enum rest_next
role_told(void *user, const struct rest_answer *a, struct error *err)
{
	return keyless_word(user, MEMO_ROLE, a, "name of a role", err);
}

static int
ask_keys(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;

	ask_metadata(c, rq, METADATA_KEYS);
	preq_path(rq, c->memo[MEMO_ROLE]);
	return 0;
}

static enum rest_next
keys_told(void *user, const struct rest_answer *a, struct error *err)
{
	const char *code = jsonx_str(a->json, "Code");

	if (code != NULL && strcmp(code, "Success") == 0)
		return take_set(user, a->json, err);
	(void)error_set(err, ERR_TRANSIENT, "provider:credentials", "the "
	    "metadata service says %s", code == NULL ? "nothing of a role" :
	    code);
	return REST_FAIL;
}

static enum rest_next
no_role(void *user, const struct rest_answer *a, struct error *err)
{
	if (a->status == 404)
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "this instance has no IAM role; attach an instance "
		    "profile in the EC2 console");
	return REST_FAIL;
}

static const struct rest_step metadata[] = {
	{ .name = "metadata token", .request = ask_token,
	    .reply = token_told },
	{ .name = "metadata role", .request = ask_role, .reply = role_told,
	    .refused = no_role },
	{ .name = "metadata credentials", .request = ask_keys,
	    .reply = keys_told, .refused = no_role },
	{ .name = NULL }
};

/* --- containers --- */

static int
begin_container(struct keyless_call *c, struct error *err)
{
	const char *path = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

	if (path != NULL && *path != '\0')
		return keyless_read_token(c, MEMO_TOKEN, path, err);
	keyless_keep(c, MEMO_TOKEN,
	    getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
	return 0;
}

/* Plain HTTP goes to this machine, and to where ECS and EKS answer, only. */
static bool
is_plain_ok(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1",
	    "http://localhost", "http://[::1]", "http://169.254.170.2",
	    "http://169.254.170.23", "http://[fd00:ec2::23]" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t len = strlen(hosts[i]);

		if (strncmp(url, hosts[i], len) == 0 &&
		    (url[len] == '/' || url[len] == ':'))
			return true;
	}
	return false;
}

static int
ask_container(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	const char *part = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *url;

	if (part != NULL && part[0] == '/') {
		char *whole = xasprintf("%s%s", CONTAINER, part);

		preq_start(rq, "GET", whole);
		free(whole);
	} else {
		url = keyless_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", err);
		if (url == NULL)
			return -1;
		if (strncmp(url, "https://", 8) != 0 && !is_plain_ok(url))
			return error_set(err, ERR_CONFIG,
			    "provider:credentials",
			    "AWS_CONTAINER_CREDENTIALS_FULL_URI is %.200s; "
			    "allowed: https://, or http:// to this machine, "
			    "169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
			    url);
		preq_start(rq, "GET", url);
	}
	if (c->memo[MEMO_TOKEN] != NULL)
		preq_secret_header(rq, "Authorization", c->memo[MEMO_TOKEN]);
	return 0;
}

static enum rest_next
container_told(void *user, const struct rest_answer *a, struct error *err)
{
	return take_set(user, a->json, err);
}

static const struct rest_step container[] = {
	{ .name = "container credentials", .request = ask_container,
	    .reply = container_told },
	{ .name = NULL }
};

/* --- STS --- */

static void
ask_sts(const struct keyless_call *c, struct preq *rq, const char *action,
    const char *role)
{
	const char *region = provider_str(c->values, AWS_STS_REGION);
	const char *endpoint = provider_str(c->values, AWS_STS);
	char url[256], seconds[24];

	(void)text_printf(url, sizeof(url), "https://sts.%s.amazonaws.com%s",
	    region, strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	(void)text_printf(seconds, sizeof(seconds), "%ld",
	    provider_int(c->values, AWS_DURATION));
	preq_start(rq, "POST", endpoint != NULL ? endpoint : url);
	preq_form(rq, "Action", action);
	preq_form(rq, "DurationSeconds", seconds);
	preq_form(rq, "RoleArn", role);
	preq_form(rq, "RoleSessionName", provider_str(c->values,
	    AWS_SESSION));
	preq_form(rq, "Version", "2011-06-15");
}

static enum rest_next
sts_told(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const names[] = { [AWS_KEY_ID] = "AccessKeyId",
	    [AWS_SECRET] = "SecretAccessKey", [AWS_TOKEN] = "SessionToken" };
	struct keyless_call *c = user;
	struct xml doc = xml_document(a->body, a->body_len), set;
	char text[4096];

	if (!xml_child(&doc, "Credentials", &set)) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer has no Credentials");
		return REST_FAIL;
	}
	for (int i = AWS_KEY_ID; i <= AWS_TOKEN; i++) {
		if (!xml_text(&set, names[i], text, sizeof(text)) ||
		    text[0] == '\0') {
			(void)error_set(err, ERR_TRANSIENT, "provider:reply",
			    "the answer has no usable %s", names[i]);
			return REST_FAIL;
		}
		keyless_put(c, i, text);
		explicit_bzero(text, sizeof(text));
	}
	(void)xml_text(&set, "Expiration", text, sizeof(text));
	return keyless_until(c, text, err) == -1 ? REST_FAIL : REST_NEXT;
}

/* Without role_arn what there is is all. */
static int
assume(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	const char *role = provider_str(c->values, AWS_ROLE_ARN);
	const char *id = provider_str(c->values, AWS_EXTERNAL_ID);

	if (role == NULL)
		return 0;
	ask_sts(c, rq, "AssumeRole", role);
	if (id != NULL)
		preq_form(rq, "ExternalId", id);
	aws_sign(rq, "sts", provider_str(c->values, AWS_STS_REGION),
	    c->texts[AWS_KEY_ID], c->texts[AWS_SECRET], c->texts[AWS_TOKEN]);
	return 0;
}

static const struct rest_step assume_steps[] = {
	{ .name = "AssumeRole", .request = assume, .reply = sts_told },
	{ .name = NULL }
};

/* The token is no signed request's: it is proof enough. */
static int
assume_with_token(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	const char *role = keyless_given_or_env(c, AWS_ROLE_ARN,
	    "AWS_ROLE_ARN", err);

	if (role == NULL)
		return -1;
	ask_sts(c, rq, "AssumeRoleWithWebIdentity", role);
	preq_form(rq, "WebIdentityToken", c->memo[MEMO_TOKEN]);
	return 0;
}

static const struct rest_step web_steps[] = {
	{ .name = "AssumeRoleWithWebIdentity", .request = assume_with_token,
	    .reply = sts_told },
	{ .name = NULL }
};

/* --- the shared credentials file --- */

static int
begin_profile(struct keyless_call *c, struct error *err)
{
	static const char *const names[] = {
		[AWS_KEY_ID] = "aws_access_key_id",
		[AWS_SECRET] = "aws_secret_access_key",
		[AWS_TOKEN] = "aws_session_token",
	};
	const char *path = keyless_given_or_env(c, AWS_PROFILE_FILE,
	    "AWS_SHARED_CREDENTIALS_FILE", err);
	const char *profile = provider_str(c->values, AWS_PROFILE);
	char *text;

	if (profile == NULL)
		profile = "default";
	if (path == NULL || file_read_private(path, PROFILES_MAX, &text,
	    err) == -1)
		return -1;
	for (int i = AWS_KEY_ID; i <= AWS_TOKEN; i++) {
		char *value = aws_profile_value(text, profile, names[i]);

		keyless_put(c, i, value);
		freezero_str(value);
	}
	freezero_str(text);
	/* Programs that put short-lived ones there write them anew. */
	c->until = clock_now() + ENV_LIFE_S;
	if (c->texts[AWS_KEY_ID] != NULL && c->texts[AWS_SECRET] != NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "provider:credentials", "%s has no "
	    "aws_access_key_id and aws_secret_access_key in [%s]", path,
	    profile);
}

/* --- other sources --- */

static int
begin_key(struct keyless_call *c, struct error *err)
{
	for (int i = AWS_KEY_ID; i <= AWS_TOKEN; i++)
		keyless_put(c, i, provider_given(c->values, i));
	return 0;
}

static int
begin_environment(struct keyless_call *c, struct error *err)
{
	const char *id = keyless_env("AWS_ACCESS_KEY_ID", err);
	const char *secret = id == NULL ? NULL :
	    keyless_env("AWS_SECRET_ACCESS_KEY", err);
	const char *token = getenv("AWS_SESSION_TOKEN");

	if (secret == NULL)
		return -1;
	keyless_put(c, AWS_KEY_ID, id);
	keyless_put(c, AWS_SECRET, secret);
	keyless_put(c, AWS_TOKEN, token != NULL && *token != '\0' ? token :
	    NULL);
	c->until = clock_now() + ENV_LIFE_S;
	return 0;
}

static int
begin_web(struct keyless_call *c, struct error *err)
{
	const char *path = keyless_given_or_env(c, AWS_WEB_FILE,
	    "AWS_WEB_IDENTITY_TOKEN_FILE", err);

	return path == NULL ? -1 : keyless_read_token(c, MEMO_TOKEN, path, err);
}

/* Of STS, whose every refusal is about credentials. */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	char code[AWS_CODE_MAX];

	aws_xml_failed(a, "", code, err);
	if (code[0] != '\0' && err->kind == ERR_REJECTED)
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
}

static const struct keyless key = { .begin = begin_key,
    .steps = assume_steps, .failed = failed };
static const struct keyless environment = { .begin = begin_environment,
    .steps = assume_steps, .failed = failed };
static const struct keyless profile = { .begin = begin_profile,
    .steps = assume_steps, .failed = failed };
static const struct keyless ec2 = { .local = metadata,
    .steps = assume_steps, .failed = failed };
static const struct keyless ecs = { .begin = begin_container,
    .local = container, .steps = assume_steps, .failed = failed };
static const struct keyless web = { .begin = begin_web, .steps = web_steps,
    .failed = failed };

static const struct {
	const char	*name;
	const struct keyless *how;
} sources[] = {
	{ "Environment", &environment },
	{ "profile", &profile },
	{ "Ec2InstanceMetadata", &ec2 },
	{ "EcsContainer", &ecs },
	{ "web_identity", &web },
};

static const struct keyless *
find_keyless(const struct provider_values *v)
{
	const char *name = provider_str(v, AWS_SOURCE);

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(sources[i].name, name) == 0)
			return sources[i].how;
	}
	return provider_str(v, AWS_ROLE_ARN) != NULL ? &key : NULL;
}

static int
check(const struct provider_values *v, struct error *err)
{
	static const char *const names[] = { "access_key", "Environment",
	    "profile", "Ec2InstanceMetadata", "EcsContainer", "web_identity",
	    NULL };
	static const struct keyless_need needs[] = {
		{ AWS_KEY_ID, "access_key", true },
		{ AWS_SECRET, "access_key", true },
		{ AWS_TOKEN, "access_key", false },
		{ AWS_PROFILE, "profile", false },
		{ AWS_PROFILE_FILE, "profile", false },
		{ AWS_WEB_FILE, "web_identity", false },
		{ .source = NULL }
	};
	const char *region = provider_str(v, AWS_STS_REGION);

	if (keyless_check_url("sts_endpoint", provider_str(v, AWS_STS),
	    "https://HOST", err) == -1 ||
	    keyless_check_role(provider_str(v, AWS_ROLE_ARN),
	    provider_str(v, AWS_EXTERNAL_ID), err) == -1)
		return -1;
	if (!aws_is_region(region))
		return error_set(err, ERR_CONFIG, "config:value", "sts_region "
		    "= \"%.100s\"; allowed: the name of a region, such as "
		    "eu-central-1", region);
	return keyless_check(v, opts, AWS_SOURCE, names, needs, err);
}

const struct credentials_type credentials_aws = {
	.name = "aws", .title = "Amazon Web Services",
	.doc = "IAM console: a user's access key. Without a key: source = "
	    "\"Ec2InstanceMetadata\" on an EC2 instance that has an instance "
	    "profile, \"EcsContainer\" in a task of ECS or a pod of EKS with "
	    "Pod Identity, \"web_identity\" in a pod of EKS with IRSA. With "
	    "role_arn the rights are those of that role.",
	.opts = opts,
	.check = check,
	.keyless = find_keyless,
};
