/* SPDX-License-Identifier: MIT */
#include "providers/credentials.h"

#include <string.h>

static const struct provider_opt tencent_opts[] = {
	[TENCENT_ID] = { .name = "secret_id", .required = true,
	    .help = "SecretId of a CAM user" },
	[TENCENT_KEY] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "its SecretKey" },
	[TENCENT_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials (STS)" },
	{ .name = NULL }
};

static const struct provider_opt huawei_opts[] = {
	[HUAWEI_ID] = { .name = "access_key_id", .required = true,
	    .help = "access key (AK) of an IAM user" },
	[HUAWEI_SECRET] = { .name = "secret_access_key", .required = true,
	    .secret = true, .help = "its secret key (SK)" },
	[HUAWEI_TOKEN] = { .name = "security_token", .secret = true,
	    .help = "of temporary keys" },
	{ .name = NULL }
};

static const struct provider_opt volcengine_opts[] = {
	[VOLCENGINE_KEY] = { .name = "access_key", .required = true,
	    .help = "Access Key ID" },
	[VOLCENGINE_SECRET] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "Secret Access Key" },
	[VOLCENGINE_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials" },
	{ .name = NULL }
};

static const struct provider_opt baidu_opts[] = {
	{ .name = "access_key_id", .required = true, .help = "Access Key" },
	{ .name = "secret_access_key", .required = true, .secret = true,
	    .help = "Secret Key" },
	{ .name = NULL }
};

static const struct provider_opt jdcloud_opts[] = {
	{ .name = "access_key_id", .required = true,
	    .help = "Access Key ID" },
	{ .name = "access_key_secret", .required = true, .secret = true,
	    .help = "Access Key Secret" },
	{ .name = NULL }
};

static const struct provider_opt cloudflare_opts[] = {
	[CLOUDFLARE_TOKEN] = { .name = "api_token", .required = true,
	    .secret = true, .help = "API token" },
	{ .name = NULL }
};

static const struct provider_opt qiniu_opts[] = {
	[QINIU_KEY] = { .name = "access_key", .required = true,
	    .help = "AccessKey (AK)" },
	[QINIU_SECRET] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "SecretKey (SK)" },
	{ .name = NULL }
};

static const struct provider_opt upyun_opts[] = {
	[UPYUN_TOKEN] = { .name = "token", .required = true, .secret = true,
	    .help = "access token of the API" },
	{ .name = NULL }
};

static const struct provider_opt vault_opts[] = {
	[VAULT_ADDRESS] = { .name = "address", .required = true,
	    .help = "of the server, \"https://vault.example.com:8200\"" },
	[VAULT_TOKEN] = { .name = "token", .secret = true,
	    .help = "a token, which something else renews; or" },
	[VAULT_ROLE_ID] = { .name = "role_id",
	    .help = "an AppRole to log in with" },
	[VAULT_SECRET_ID] = { .name = "secret_id", .secret = true,
	    .help = "of the AppRole" },
	[VAULT_NAMESPACE] = { .name = "namespace",
	    .help = "of Vault Enterprise, or of OpenBao" },
	{ .name = NULL }
};

static int
vault_check(const struct provider_values *v, struct error *err)
{
	const char *address = provider_str(v, VAULT_ADDRESS);
	bool has_token = provider_str(v, VAULT_TOKEN) != NULL;
	bool has_role = provider_str(v, VAULT_ROLE_ID) != NULL;

	if (strncmp(address, "https://", 8) != 0 &&
	    strncmp(address, "http://", 7) != 0)
		return error_set(err, ERR_CONFIG, "config:value", "address "
		    "= \"%.200s\"; allowed: https://HOST:PORT", address);
	if (has_role != (provider_str(v, VAULT_SECRET_ID) != NULL))
		return error_set(err, ERR_CONFIG, "config:value", "role_id and "
		    "secret_id belong together");
	if (has_role == has_token)
		return error_set(err, ERR_CONFIG, "config:value", "token%s; "
		    "allowed: either token, or role_id and secret_id",
		    has_role ? " and role_id are given" : " is missing");
	return 0;
}

static const struct credentials_type baiducloud = {
	.name = "baiducloud", .title = "Baidu Cloud",
	.doc = "Security authentication in the console: an access key.",
	.opts = baidu_opts,
};
static const struct credentials_type cloudflare = {
	.name = "cloudflare", .title = "Cloudflare",
	.doc = "My Profile, API Tokens: a token with the rights of all that "
	    "uses it.",
	.opts = cloudflare_opts,
};
static const struct credentials_type huaweicloud = {
	.name = "huaweicloud", .title = "Huawei Cloud",
	.doc = "My Credentials, Access Keys of an IAM user.",
	.opts = huawei_opts,
};
static const struct credentials_type jdcloud = {
	.name = "jdcloud", .title = "JD Cloud",
	.doc = "Access Key management in the console.",
	.opts = jdcloud_opts,
};
static const struct credentials_type qiniu = {
	.name = "qiniu", .title = "Qiniu Cloud",
	.doc = "Key management in the console; better the keys of a "
	    "sub-account with rights for CDN and certificates only.",
	.opts = qiniu_opts,
};
static const struct credentials_type tencentcloud = {
	.name = "tencentcloud", .title = "Tencent Cloud",
	.doc = "CAM console: an API key of a sub-user.",
	.opts = tencent_opts,
};
static const struct credentials_type upyun = {
	.name = "upyun", .title = "Upyun",
	.doc = "Made once by POST https://api.upyun.com/oauth/tokens with "
	    "username, password, code (32 characters of your own), name and "
	    "scope (global); better for a sub-account with rights for CDN "
	    "only. It does not end by itself.",
	.opts = upyun_opts,
};
static const struct credentials_type vault = {
	.name = "vault", .title = "HashiCorp Vault, OpenBao",
	.doc = "A token with the policy that the step needs, or better an "
	    "AppRole with it: acmed logs in for each certificate and renews "
	    "no token.",
	.opts = vault_opts,
	.check = vault_check,
};
static const struct credentials_type volcengine = {
	.name = "volcengine", .title = "Volcengine",
	.doc = "IAM console: an access key of a user.",
	.opts = volcengine_opts,
};

const struct credentials_type *const credentials_registry[] = {
	&credentials_aliyun, &credentials_aws, &credentials_azure,
	&baiducloud, &cloudflare, &credentials_gcp, &huaweicloud, &jdcloud,
	&qiniu, &tencentcloud, &upyun, &vault, &volcengine, NULL
};

const struct credentials_type *
credentials_find(const char *type)
{
	for (size_t i = 0; credentials_registry[i] != NULL; i++) {
		if (strcmp(credentials_registry[i]->name, type) == 0)
			return credentials_registry[i];
	}
	return NULL;
}
