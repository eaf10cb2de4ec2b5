/* SPDX-License-Identifier: MIT */
/*
 * aws_profile - the file of credentials that AWS' own tools share, profiles in
 * sections (https://docs.aws.amazon.com/cli/latest/userguide/
 * cli-configure-files.html).
 */
#ifndef PROVIDERS_AWS_PROFILE_H
#define PROVIDERS_AWS_PROFILE_H

/*
 * The value of key in [profile] of the file's text; the last one counts.  The
 * caller wipes it with freezero_str().  NULL: it is not there, or empty.
 */
char	*aws_profile_value(const char *text, const char *profile,
	    const char *key);

#endif
