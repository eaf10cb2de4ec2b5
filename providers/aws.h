/* SPDX-License-Identifier: MIT */
/*
 * aws - what the services of Amazon have in common: Signature Version 4 and
 * the codes of errors that are not about the request.
 */
#ifndef PROVIDERS_AWS_H
#define PROVIDERS_AWS_H

#include "daemon/rest/rest.h"
#include "daemon/rest/xml.h"

/* For .prepare; token: of temporary credentials, or NULL. */
void	aws_sign(struct preq *, const char *service, const char *region,
	    const char *key_id, const char *secret, const char *token);
/* Give err, whose message stays, the kind that the vendor's code means; and
 * tell how wrong the clock is, if that is it. */
void	aws_judge(const struct rest_answer *, const char *code,
	    struct error *);
/* The root element of an answer, which is there only if that is whole; false
 * and err if not. */
bool	aws_xml_root(const struct rest_answer *, const char *name,
	    struct xml *, struct error *);
/*
 * For .failed of services that speak XML: the vendor's code, or fallback if a
 * message has none, and its words into err; judged.  "": it is no such answer.
 */
#define AWS_CODE_MAX 64
void	aws_xml_failed(const struct rest_answer *, const char *fallback,
	    char code[AWS_CODE_MAX], struct error *);
/* Does it look like the name of a region, "eu-central-1"? */
bool	aws_is_region(const char *);

#endif
