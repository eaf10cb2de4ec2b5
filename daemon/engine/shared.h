/* SPDX-License-Identifier: MIT */
/*
 * shared - the schedule of certificates that several daemons share
 * (daemon/cluster/): a run begins with the lock of its certificate and what
 * others know of it, and ends where that is lost; when nothing is under way,
 * the lock is given back.
 */
#ifndef DAEMON_ENGINE_SHARED_H
#define DAEMON_ENGINE_SHARED_H

#include <stdbool.h>

struct cert;
struct engine;
struct error;

/* Part of engine_new(): the cluster, and who may work at what. */
void	shared_new(struct engine *);
/* ... and what they share, when the rooms are there. */
void	shared_begin(struct engine *);
void	shared_free(struct engine *);
/* The configuration in force. */
void	shared_apply(struct engine *);

/* May a run of it begin now?  If not, what it waits for is under way, or comes
 * by itself. */
bool	shared_may_run(struct engine *, struct cert *);
/* May what is shared of it be changed now?  Else the lock is asked for, and
 * waves are told when it is there. */
bool	shared_hold(struct cert *, void *engine);
/* What the cluster has of it was looked at; part of rollout_env. */
void	shared_looked(struct cert *, void *engine);
/* What is not due, but must be held to be ended: an order or records of a
 * member that has died. */
void	shared_look(struct engine *, struct cert *);
/* A run of it has ended; it is not going on at another CA. */
void	shared_run_ended(struct engine *, struct cert *, const struct error *);
/* It may fare otherwise than before: whose is it now? */
void	shared_changed(struct engine *, struct cert *);
/* It is here to be renewed from now on. */
void	shared_taken_over(struct engine *, struct cert *);

/* Is it another member's to renew?  Then it has been asked to, by 0; or -1:
 * ERR_TRANSIENT "cluster:away".  1: it is ours. */
int	shared_ask(struct engine *, struct cert *, bool force, struct error *);

/* --- shared_order.c --- */
/* The same of what is to be done about its roll-out in waves; 1: it is ours. */
int	shared_order(struct engine *, struct cert *, const char *act,
	    struct error *);
/* As cluster_env wants them, and fleet_env. */
bool	shared_ordered(struct cert *, const char *act, const char *serial,
	    unsigned wave, void *engine);
void	shared_not_ordered(struct cert *, const struct error *, void *engine);
void	shared_acted(struct cert *, void *engine);

/* It is deleted: what is under way about its lock ends. */
void	shared_forget(struct engine *, struct cert *);
/* The member that is to renew it; "?": not known. */
const char *shared_who(const struct engine *, struct cert *);

/* Give back all, and leave; done once. */
void	shared_stop(struct engine *, void (*done)(void *arg), void *arg);

#endif
