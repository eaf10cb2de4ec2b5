/* SPDX-License-Identifier: MIT */
/*
 * secret - a token, password or key as a person pasted it.  What cannot belong
 * to it and shows nowhere is cut; what can only be a mistake is told, for the
 * vendor would say no more than 401.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

/* Cut blanks, line ends and byte order marks from both ends, in place. */
void	secret_trim(char *);

/*
 * NULL, or why this is not the secret alone: "found ...; allowed: ...", which
 * shows nothing of it.  JSON and PEM may have lines.
 */
const char *secret_fault(const char *);

#endif
