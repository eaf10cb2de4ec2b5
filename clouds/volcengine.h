/* SPDX-License-Identifier: MIT */
/* volcengine - what the products of Volcano Engine share here. */
#ifndef CLOUDS_VOLCENGINE_H
#define CLOUDS_VOLCENGINE_H

#include "clouds/cloud.h"

/* For .prepare. */
void	volcengine_prepare(const struct cloud_call *, struct preq *,
	    const char *service, const char *region);
/* For cloud_api. */
bool	volcengine_refuses(void *user, const struct rest_answer *);
void	volcengine_call_failed(void *user, const struct rest_answer *,
	    struct error *);

/* The certificate centre: clouds/volcengine_cert.c. */
extern const struct cloud_store volcengine_cert_store;
/* What a policy allows for it, in a list of statements; the lines of the
 * literals before and after it are not ended. */
#define VOLCENGINE_CERT_STATEMENT \
	"{\n" \
	"    \"Effect\": \"Allow\",\n" \
	"    \"Action\": [ \"certificate_service:ImportCertificate\",\n" \
	"      \"certificate_service:CertificateGetInstanceList\",\n" \
	"      \"certificate_service:CertificateDeleteInstance\" ],\n" \
	"    \"Resource\": [ \"*\" ]\n" \
	"  }"

#endif
