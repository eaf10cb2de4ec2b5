/* SPDX-License-Identifier: MIT */
/*
 * shvars - the variables that a file of shell assignments sets, such as those
 * of acme.sh and dehydrated, and systemd's environment files.  Nothing is
 * executed, and nothing that would have to be is read.
 */
#ifndef CTL_IMPORT_SHVARS_H
#define CTL_IMPORT_SHVARS_H

#include <jansson.h>

/*
 * {NAME: value} of the lines NAME=value, NAME='value', NAME="value", with
 * "export" before them or not.  A value with $, ` or anything else that a
 * shell would work on is left out, and so is a line of another kind; the
 * names of such variables are members of "", an array.  The caller decrefs.
 */
json_t	*shvars_parse(const char *text);

const char *shvars_str(const json_t *vars, const char *name);

#endif
