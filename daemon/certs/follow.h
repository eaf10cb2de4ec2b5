/* SPDX-License-Identifier: MIT */
/* follow - the row of a certificate that is not what state.db says. */
#ifndef DAEMON_CERTS_FOLLOW_H
#define DAEMON_CERTS_FOLLOW_H

struct cert;
struct cert_info;

/* The row becomes what live/NAME holds; that is to be deployed. */
void	cert_follow_live(struct cert *, const struct cert_info *);

#endif
