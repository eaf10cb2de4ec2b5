/* SPDX-License-Identifier: MIT */
/*
 * teller - looks at what is wrong, decides by alarm.h what to tell people, and
 * gives the message to the outbox.  Does nothing at all where no notify
 * section is configured.
 */
#ifndef DAEMON_ALERTS_NOTIFIER_H
#define DAEMON_ALERTS_NOTIFIER_H

struct cert;
struct alerts_env;
struct outbox;
struct teller;

struct teller	*teller_new(const struct alerts_env *);
/* NULL is allowed, here and below. */
void		 teller_free(struct teller *);
void		 teller_start(struct teller *);
/* There is another configuration. */
void		 teller_reload(struct teller *);
/* Something has happened: look soon. */
void		 teller_kick(struct teller *);
/* A run of the certificate went well. */
void		 teller_renewed(struct teller *, const struct cert *);
struct outbox	*teller_outbox(const struct teller *);
/* The last reload failed with this text (NULL: it did not). */
void		 teller_set_reload_error(struct teller *, const char *text);

#endif
