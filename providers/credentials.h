/* SPDX-License-Identifier: MIT */
/*
 * credentials - the types of `credentials "x" { type = ... }`: what a vendor
 * knows its customer by, given once for its DNS provider (struct provider's
 * .credentials) and its cloud products (struct cloud's).  An option of a
 * provider that has the name of one here is lent by it.
 */
#ifndef PROVIDERS_CREDENTIALS_H
#define PROVIDERS_CREDENTIALS_H

#include "common/error.h"
#include "providers/option.h"

struct keyless;

struct credentials_type {
	const char	*name;		/* type = "NAME" */
	const char	*title;		/* "Alibaba Cloud" */
	const char	*doc;		/* where they come from */
	const struct provider_opt *opts;
	/* Beyond the table; may be NULL. */
	int		(*check)(const struct provider_values *,
			    struct error *);
	/* How they are fetched, NULL if they are static (keyless.h); may be
	 * NULL. */
	const struct keyless *(*keyless)(const struct provider_values *);
};

/* Indexes of the options, by type. */
enum { ALIYUN_ID, ALIYUN_SECRET, ALIYUN_TOKEN, ALIYUN_SOURCE, ALIYUN_RAM_ROLE,
    ALIYUN_ROLE_ARN, ALIYUN_SESSION, ALIYUN_DURATION, ALIYUN_EXTERNAL_ID,
    ALIYUN_OIDC_PROVIDER, ALIYUN_OIDC_FILE, ALIYUN_STS };
enum { TENCENT_ID, TENCENT_KEY, TENCENT_TOKEN };
enum { AWS_KEY_ID, AWS_SECRET, AWS_TOKEN, AWS_SOURCE, AWS_PROFILE,
    AWS_PROFILE_FILE, AWS_ROLE_ARN, AWS_SESSION, AWS_DURATION,
    AWS_EXTERNAL_ID, AWS_WEB_FILE, AWS_STS_REGION, AWS_STS };
/* The tokens are fetched ones, by what they are for. */
enum { AZURE_TENANT, AZURE_CLIENT, AZURE_SECRET, AZURE_ENVIRONMENT,
    AZURE_AUTHORITY, AZURE_SOURCE, AZURE_TOKEN_FILE, AZURE_MANAGER_TOKEN,
    AZURE_VAULT_TOKEN };
/* Token and project are fetched. */
enum { GCP_ACCOUNT, GCP_SOURCE, GCP_FILE, GCP_TOKEN_URI, GCP_TOKEN,
    GCP_PROJECT };
enum { CLOUDFLARE_TOKEN };
enum { HUAWEI_ID, HUAWEI_SECRET, HUAWEI_TOKEN };
enum { QINIU_KEY, QINIU_SECRET };
enum { UPYUN_TOKEN };
enum { VOLCENGINE_KEY, VOLCENGINE_SECRET, VOLCENGINE_TOKEN };
enum { VAULT_ADDRESS, VAULT_TOKEN, VAULT_ROLE_ID, VAULT_SECRET_ID,
    VAULT_NAMESPACE };

/* Of vendors that have more to say of them. */
extern const struct credentials_type credentials_aliyun, credentials_aws,
    credentials_azure, credentials_gcp;

/* All types, sorted by name; the end is NULL. */
extern const struct credentials_type *const credentials_registry[];
/* The type of that name, or NULL. */
const struct credentials_type *credentials_find(const char *type);

#endif
