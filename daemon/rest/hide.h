/* SPDX-License-Identifier: MIT */
/* hide - keep secrets out of messages. */
#ifndef DAEMON_REST_HIDE_H
#define DAEMON_REST_HIDE_H

/*
 * Replace by "***" where a secret stands in a message, or the first bytes of
 * it, for texts are cut: some vendors repeat a wrong token in their answer.
 */
void	rest_hide(const char *secret, char *msg);
/* The same for any part of a long one, a key in PEM: of 16 bytes and more. */
void	rest_hide_part(const char *secret, char *msg);

#endif
