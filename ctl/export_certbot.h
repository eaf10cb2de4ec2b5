/* SPDX-License-Identifier: MIT */
/* export_certbot - a certificate, its account and how it is renewed, as
 * certbot keeps them in its --config-dir. */
#ifndef CTL_EXPORT_CERTBOT_H
#define CTL_EXPORT_CERTBOT_H

#include <jansson.h>

struct error;

/*
 * reply: of POST /v1/export; dir: an absolute path.  What certbot still needs,
 * such as credentials, is said on standard error.
 */
int	export_certbot(const json_t *reply, const char *dir, struct error *);

#endif
