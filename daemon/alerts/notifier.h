/* SPDX-License-Identifier: MIT */
/*
 * notifier - looks at what is wrong, decides by alarm.h what to tell people,
 * and gives the message to the queue.  Does nothing at all where no notify
 * section is configured.
 */
#ifndef DAEMON_ALERTS_NOTIFIER_H
#define DAEMON_ALERTS_NOTIFIER_H

struct cert;
struct alerts_env;
struct queue;
struct notifier;

struct notifier	*notifier_new(const struct alerts_env *);
/* NULL is allowed, here and below. */
void		 notifier_free(struct notifier *);
void		 notifier_start(struct notifier *);
/* There is another configuration. */
void		 notifier_reload(struct notifier *);
/* Something has happened: look soon. */
void		 notifier_kick(struct notifier *);
/* The same, and what waits to be sent again as well. */
void		 notifier_clock_moved(struct notifier *);
/* A run of the certificate went well. */
void		 notifier_renewed(struct notifier *, const struct cert *);
struct queue	*notifier_queue(const struct notifier *);

#endif
