/* SPDX-License-Identifier: MIT */
/*
 * aliyun_credentials - credentials of Alibaba Cloud, under the names that the
 * vendor's own library has for them (https://github.com/aliyun/credentials-go):
 * a key, and what is fetched instead: the RAM role of an ECS instance,
 * from its metadata in the hardened mode
 * (https://help.aliyun.com/zh/ecs/user-guide/view-instance-metadata); the token
 * of a pod of ACK (AssumeRoleWithOIDC); the environment; and from any of these
 * or a key another role (AssumeRole, API of 2015-04-01).
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "providers/aliyun.h"
#include "providers/credentials.h"
#include "providers/keyless.h"

/* The same for all instances; no name, no TLS. */
#define METADATA "http://100.100.100.200/latest/"
#define METADATA_KEYS METADATA "meta-data/ram/security-credentials"
#define METADATA_TTL "300"		/* seconds; for two requests */
#define STS_VERSION "2015-04-01"

enum { MEMO_TOKEN, MEMO_ROLE };		/* metadata; TOKEN: also a pod's */

static const struct provider_opt opts[] = {
	[ALIYUN_ID] = { .name = "access_key_id", .is_usual = true,
	    .help = "AccessKey ID of a RAM user" },
	[ALIYUN_SECRET] = { .name = "access_key_secret", .is_usual = true,
	    .secret = true, .help = "its AccessKey secret" },
	[ALIYUN_TOKEN] = { .name = "security_token", .secret = true,
	    .help = "of temporary credentials (STS)" },
	[ALIYUN_SOURCE] = { .name = "source", .fallback = "access_key",
	    .help = "access_key: the one given here; ecs_ram_role: the RAM "
	    "role of the ECS instance; oidc_role_arn: the role of a pod of "
	    "ACK; environment: ALIBABA_CLOUD_ACCESS_KEY_ID, "
	    "ALIBABA_CLOUD_ACCESS_KEY_SECRET and "
	    "ALIBABA_CLOUD_SECURITY_TOKEN" },
	[ALIYUN_RAM_ROLE] = { .name = "ram_role_name",
	    .help = "with ecs_ram_role: name of the role, if it is not to be "
	    "asked for" },
	[ALIYUN_ROLE_ARN] = { .name = "role_arn",
	    .help = "with oidc_role_arn: the role of the pod, if it is not "
	    "ALIBABA_CLOUD_ROLE_ARN; else a role that is assumed with these "
	    "credentials (AssumeRole)" },
	[ALIYUN_SESSION] = { .name = "role_session_name",
	    .fallback = "acmed", .help = "name of the session of role_arn" },
	[ALIYUN_DURATION] = { .name = "duration_seconds",
	    .type = PROVIDER_OPT_INT, .fallback = "3600", .min = 900,
	    .max = 43200, .help = "seconds that a session of role_arn lasts" },
	[ALIYUN_EXTERNAL_ID] = { .name = "external_id",
	    .help = "that role_arn demands, if it does" },
	[ALIYUN_OIDC_PROVIDER] = { .name = "oidc_provider_arn",
	    .help = "with oidc_role_arn: the OIDC provider, if it is not "
	    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN" },
	[ALIYUN_OIDC_FILE] = { .name = "oidc_token_file",
	    .help = "with oidc_role_arn: file of the pod's token, if it is "
	    "not ALIBABA_CLOUD_OIDC_TOKEN_FILE" },
	[ALIYUN_STS] = { .name = "sts_endpoint",
	    .fallback = "https://sts.aliyuncs.com",
	    .help = "address of STS; in a VPC without a way out "
	    "https://sts-vpc.REGION.aliyuncs.com" },
	{ .name = NULL }
};

/* What the answer, or a part of it, has: a set that has an end. */
static enum rest_next
take_set(struct keyless_call *c, const json_t *from, struct error *err)
{
	static const char *const names[] = {
		[ALIYUN_ID] = "AccessKeyId",
		[ALIYUN_SECRET] = "AccessKeySecret",
		[ALIYUN_TOKEN] = "SecurityToken",
	};

	for (int i = 0; i < 3; i++) {
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
	preq_header(rq, "X-aliyun-ecs-metadata-token-ttl-seconds",
	    METADATA_TTL);
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
	preq_secret_header(rq, "X-aliyun-ecs-metadata-token",
	    c->memo[MEMO_TOKEN]);
}

static int
ask_role(void *user, struct preq *rq, struct error *err)
{
	struct keyless_call *c = user;

	keyless_keep(c, MEMO_ROLE, provider_str(c->values, ALIYUN_RAM_ROLE));
	if (c->memo[MEMO_ROLE] != NULL)
		return 0;
	ask_metadata(c, rq, METADATA_KEYS "/");
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
	const char *role = provider_str(((struct keyless_call *)user)->values,
	    ALIYUN_RAM_ROLE);

	if (a->status != 404)
		return REST_FAIL;
	if (role != NULL)
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "this instance has no RAM role %s; correct ram_role_name, "
		    "or leave it out", role);
	else
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "this instance has no RAM role; attach one in the ECS "
		    "console");
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

/* --- STS --- */

static void
ask_sts(const struct keyless_call *c, struct preq *rq)
{
	preq_start(rq, "POST", provider_str(c->values, ALIYUN_STS));
}

/* What both calls have. */
static void
put_session(const struct keyless_call *c, struct preq *rq, const char *role)
{
	char seconds[24];

	(void)text_printf(seconds, sizeof(seconds), "%ld",
	    provider_int(c->values, ALIYUN_DURATION));
	preq_form(rq, "DurationSeconds", seconds);
	preq_form(rq, "RoleArn", role);
	preq_form(rq, "RoleSessionName", provider_str(c->values,
	    ALIYUN_SESSION));
}

static enum rest_next
sts_told(void *user, const struct rest_answer *a, struct error *err)
{
	return take_set(user, jsonx_get(a->json, "Credentials"), err);
}

/* Without role_arn what there is is all. */
static int
assume(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	const char *role = provider_str(c->values, ALIYUN_ROLE_ARN);
	const char *id = provider_str(c->values, ALIYUN_EXTERNAL_ID);

	if (role == NULL)
		return 0;
	ask_sts(c, rq);
	preq_header(rq, "x-acs-action", "AssumeRole");
	put_session(c, rq, role);
	if (id != NULL)
		preq_form(rq, "ExternalId", id);
	aliyun_sign(rq, STS_VERSION, c->texts[ALIYUN_ID],
	    c->texts[ALIYUN_SECRET], c->texts[ALIYUN_TOKEN]);
	return 0;
}

static const struct rest_step assume_steps[] = {
	{ .name = "AssumeRole", .request = assume, .reply = sts_told },
	{ .name = NULL }
};

/* The token is no signed request's: it is proof enough. */
static int
assume_with_oidc(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	const char *role = keyless_given_or_env(c, ALIYUN_ROLE_ARN,
	    "ALIBABA_CLOUD_ROLE_ARN", err);
	const char *provider = role == NULL ? NULL : keyless_given_or_env(c,
	    ALIYUN_OIDC_PROVIDER, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", err);
	char now[TEXT_TIME_MAX];

	if (provider == NULL)
		return -1;
	ask_sts(c, rq);
	preq_query(rq, "Action", "AssumeRoleWithOIDC");
	preq_query(rq, "Format", "JSON");
	preq_query(rq, "Timestamp", text_time(clock_now(), now));
	preq_query(rq, "Version", STS_VERSION);
	preq_form(rq, "OIDCProviderArn", provider);
	preq_form(rq, "OIDCToken", c->memo[MEMO_TOKEN]);
	put_session(c, rq, role);
	return 0;
}

static const struct rest_step oidc_steps[] = {
	{ .name = "AssumeRoleWithOIDC", .request = assume_with_oidc,
	    .reply = sts_told },
	{ .name = NULL }
};

/* --- sources --- */

static int
begin_key(struct keyless_call *c, struct error *err)
{
	for (int i = ALIYUN_ID; i <= ALIYUN_TOKEN; i++)
		keyless_put(c, i, provider_given(c->values, i));
	return 0;
}

static int
begin_environment(struct keyless_call *c, struct error *err)
{
	const char *id = keyless_env("ALIBABA_CLOUD_ACCESS_KEY_ID", err);
	const char *secret = id == NULL ? NULL :
	    keyless_env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", err);
	const char *token = getenv("ALIBABA_CLOUD_SECURITY_TOKEN");

	if (secret == NULL)
		return -1;
	keyless_put(c, ALIYUN_ID, id);
	keyless_put(c, ALIYUN_SECRET, secret);
	keyless_put(c, ALIYUN_TOKEN, token != NULL && *token != '\0' ? token :
	    NULL);
	return 0;
}

static int
begin_oidc(struct keyless_call *c, struct error *err)
{
	const char *path = keyless_given_or_env(c, ALIYUN_OIDC_FILE,
	    "ALIBABA_CLOUD_OIDC_TOKEN_FILE", err);

	return path == NULL ? -1 : keyless_read_token(c, MEMO_TOKEN, path,
	    err);
}

/* Of STS, whose every refusal is about credentials. */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	if (aliyun_code(a)[0] == '\0')
		return;
	aliyun_failed(a, err);
	if (err->kind == ERR_REJECTED)
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
}

static const struct keyless key = { .begin = begin_key,
    .steps = assume_steps, .failed = failed };
static const struct keyless environment = { .begin = begin_environment,
    .steps = assume_steps, .failed = failed };
static const struct keyless ecs = { .local = metadata,
    .steps = assume_steps, .failed = failed };
static const struct keyless oidc = { .begin = begin_oidc,
    .steps = oidc_steps, .failed = failed };

static bool
is_source(const struct provider_values *v, const char *name)
{
	return strcmp(provider_str(v, ALIYUN_SOURCE), name) == 0;
}

static const struct keyless *
find_keyless(const struct provider_values *v)
{
	return is_source(v, "ecs_ram_role") ? &ecs :
	    is_source(v, "oidc_role_arn") ? &oidc :
	    is_source(v, "environment") ? &environment :
	    provider_str(v, ALIYUN_ROLE_ARN) != NULL ? &key : NULL;
}

static int
check(const struct provider_values *v, struct error *err)
{
	static const char *const sources[] = { "access_key", "ecs_ram_role",
	    "oidc_role_arn", "environment", NULL };
	static const struct keyless_need needs[] = {
		{ ALIYUN_ID, "access_key", true },
		{ ALIYUN_SECRET, "access_key", true },
		{ ALIYUN_TOKEN, "access_key", false },
		{ ALIYUN_RAM_ROLE, "ecs_ram_role", false },
		{ ALIYUN_OIDC_PROVIDER, "oidc_role_arn", false },
		{ ALIYUN_OIDC_FILE, "oidc_role_arn", false },
		{ .source = NULL }
	};

	if (keyless_check_url("sts_endpoint", provider_str(v, ALIYUN_STS),
	    "https://sts.REGION.aliyuncs.com", err) == -1 ||
	    keyless_check_role(provider_str(v, ALIYUN_ROLE_ARN),
	    provider_str(v, ALIYUN_EXTERNAL_ID), err) == -1)
		return -1;
	return keyless_check(v, opts, ALIYUN_SOURCE, sources, needs, err);
}

const struct credentials_type credentials_aliyun = {
	.name = "aliyun", .title = "Alibaba Cloud (Aliyun)",
	.doc = "RAM console: a user with OpenAPI access and an AccessKey. "
	    "Without a key: source = \"ecs_ram_role\" on an ECS instance that "
	    "has a RAM role, or \"oidc_role_arn\" in a pod of ACK (RRSA). With "
	    "role_arn the rights are those of that role.",
	.opts = opts,
	.check = check,
	.keyless = find_keyless,
};
