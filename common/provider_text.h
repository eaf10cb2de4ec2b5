/* SPDX-License-Identifier: MIT */
/*
 * provider_text - what GET /v1/providers and GET /v1/providers/NAME say, for
 * people, and the same of /v1/clouds.  `acmectl providers` and `acmed
 * --list-providers` print the same, `acmectl clouds` and `acmed --list-clouds`
 * as well; `acmed --list-recipes` has such objects, too.
 */
#ifndef COMMON_PROVIDER_TEXT_H
#define COMMON_PROVIDER_TEXT_H

#include <jansson.h>

/* Either of the two objects as lines of text; the caller frees. */
char	*provider_text(const json_t *);

#endif
