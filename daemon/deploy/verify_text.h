/* SPDX-License-Identifier: MIT */
/* verify_text - what verify.c says of an answer. */
#ifndef DAEMON_DEPLOY_VERIFY_TEXT_H
#define DAEMON_DEPLOY_VERIFY_TEXT_H

/* Codes of the errors; all ERR_TRANSIENT but for what is misconfigured. */
#define VERIFY_ERR		"deploy:verify"		/* cannot be asked */
#define VERIFY_ERR_OLD		"deploy:verify-old"	/* an earlier version
							   of ours is served */
#define VERIFY_ERR_OTHER	"deploy:verify-other"	/* somebody else's */
#define VERIFY_ERR_CHAIN	"deploy:verify-chain"	/* ours, but without
							   its chain */

struct conf_verify;
struct deploy_args;
struct error;
struct tls_reply;

/* "example.com:443 (192.0.2.1)"; starttls too, where it is not usual. */
#define VERIFY_LABEL_MAX 400
const char	*verify_label(const struct conf_verify *, const char *address,
		    char out[VERIFY_LABEL_MAX]);
/* It serves another certificate: which one.  Returns -1. */
int		 verify_wrong(const struct deploy_args *,
		    const struct tls_reply *, const char *label,
		    struct error *);

/* Where nobody listens: what to do, if the target names a unit. */
void		 verify_advise(const struct deploy_args *, struct error *);

#endif
