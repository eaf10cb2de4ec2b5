/* SPDX-License-Identifier: MIT */
/*
 * reports - this host says what it serves of the certificates that it takes
 * from repositories (publish/receipt.h): when that changes, and once a day, by
 * which the publisher knows that the host is alive.  Nothing here depends on
 * it: where it cannot be written, that is told once.
 */
#ifndef DAEMON_FLEET_REPORTS_H
#define DAEMON_FLEET_REPORTS_H

struct cert;
struct fleet_env;
struct reports;

/* env is borrowed. */
struct reports	*reports_new(const struct fleet_env *);
/* NULL is allowed. */
void		 reports_free(struct reports *);
/* The configuration of env->certs is new: each certificate is reported. */
void		 reports_apply(struct reports *);
/* Say no more; what is under way is cancelled. */
void		 reports_stop(struct reports *);
/* The certificate goes. */
void		 report_free(struct cert *);

#endif
