/* SPDX-License-Identifier: MIT */
/* tencent - what the products of Tencent Cloud share here. */
#ifndef CLOUDS_TENCENT_H
#define CLOUDS_TENCENT_H

#include "clouds/cloud.h"

/* For tables that have CLOUD_SITE_OPT. */

/*
 * Begin a request to SERVICE.tencentcloudapi.com, or SERVICE.intl....
 * .prepare signs it for the service; the body is taken (NULL: preq_body()
 * follows).
 */
void	tencent_action(const struct cloud_call *, struct preq *,
	    const char *service, const char *action, json_t *body);
int	tencent_prepare(const struct cloud_call *, struct preq *,
	    const char *service, const char *version);
bool	tencent_refuses(void *user, const struct rest_answer *);
void	tencent_call_failed(void *user, const struct rest_answer *,
	    struct error *);

/* SSL Certificates: clouds/tencent_ssl.c. */
extern const struct cloud_store tencent_ssl_store;
/* For calls of that service which are made by others. */
extern const struct cloud_api tencent_ssl_api;
/* What a policy allows for the store, in a list of statements; the lines of
 * the literals before and after it are not ended. */
#define TENCENT_SSL_STATEMENT \
	"{\n" \
	"    \"effect\": \"allow\",\n" \
	"    \"action\": [ \"ssl:UploadCertificate\",\n" \
	"      \"ssl:DescribeCertificates\",\n" \
	"      \"ssl:DescribeCertificateDetail\",\n" \
	"      \"ssl:DeleteCertificate\",\n" \
	"      \"ssl:DescribeDeleteCertificatesTaskResult\" ],\n" \
	"    \"resource\": [ \"*\" ]\n" \
	"  }"

#endif
