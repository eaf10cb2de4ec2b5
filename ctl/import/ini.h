/* SPDX-License-Identifier: MIT */
/*
 * ini - the files that certbot writes and reads with Python's ConfigObj:
 * `key = value`, [section], [[section in it]], quotes, lists with commas.
 */
#ifndef CTL_IMPORT_INI_H
#define CTL_IMPORT_INI_H

#include <jansson.h>

struct error;

/*
 * An object of strings, arrays of strings and objects (sections).  NULL and
 * ERR_CONFIG "import:syntax" with the line, but nothing of what stands there;
 * the caller decrefs.
 */
json_t	*ini_parse(const char *text, struct error *);

/* The string at key, NULL if it is not there, a list or Python's None. */
const char *ini_str(const json_t *section, const char *key);

#endif
