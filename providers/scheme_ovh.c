/* SPDX-License-Identifier: MIT */
#include "providers/scheme_ovh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/preq.h"
#include "daemon/rest/sign.h"

void
scheme_ovh_sign(struct preq *rq, const char *url_scheme,
    const struct scheme_ovh *o)
{
	const char *query = preq_get_query(rq), *body;
	char now[24], hex[SIGN_HEX], signature[SIGN_HEX + 4];
	char *text = NULL;
	size_t body_len;

	body = preq_get_body(rq, &body_len);
	(void)text_printf(now, sizeof(now), "%lld", o->time);
	if (asprintf(&text, "%s+%s+%s+%s://%s%s%s%s+%.*s+%s",
	    o->application_secret, o->consumer_key, preq_get_method(rq),
	    url_scheme, preq_get_host(rq), preq_get_path(rq),
	    query[0] == '\0' ? "" : "?", query, (int)body_len, body,
	    now) == -1)
		abort();
	(void)text_printf(signature, sizeof(signature), "$1$%s",
	    sign_hash_hex(SIGN_SHA1, text, hex));
	freezero_str(text);
	preq_header(rq, "X-Ovh-Application", o->application_key);
	preq_secret_header(rq, "X-Ovh-Consumer", o->consumer_key);
	preq_header(rq, "X-Ovh-Timestamp", now);
	preq_header(rq, "X-Ovh-Signature", signature);
}
