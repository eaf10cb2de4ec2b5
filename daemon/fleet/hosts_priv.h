/* SPDX-License-Identifier: MIT */
/* hosts_priv - what hosts.c (the table), hosts_read.c (how it comes) and
 * hosts_told.c (what is known) share. */
#ifndef DAEMON_FLEET_HOSTS_PRIV_H
#define DAEMON_FLEET_HOSTS_PRIV_H

#include <sys/queue.h>

#include "daemon/certs/certs.h"
#include "daemon/fleet/env.h"
#include "daemon/fleet/hosts.h"
#include "daemon/io/loop.h"
#include "daemon/publish/objects_list.h"

struct etcd_watch;
struct event_sub;
struct host_read;

#define HOST_SILENT_S	(2 * 86400)	/* it speaks once a day */
#define HOST_FORGET_S	(30 * 86400)

/* One certificate in one repository. */
struct publication {
	LIST_ENTRY(publication) link;	/* in its struct cert */
	struct cert	*cert;
	char		*repository;	/* its name */
	const struct conf_repository *conf;	/* NULL: it is not published
						   there any more */
	struct repo	*repo;		/* of conf; or NULL */
	TAILQ_HEAD(host_list, host) hosts;	/* by name */
	void		*by_name;	/* tsearch(3) */
	size_t		 n;
};

struct host {
	TAILQ_ENTRY(host) link;
	struct publication *of;
	char		*name;
	char		 version[OBJECT_VERSION_SIZE];	/* that was read */
	char		 serial[64], sha256[65], second[64];
	time_t		 not_before, not_after, since, next_at, at;
	bool		 ok, is_forgotten;
	char		*code, *error;
	/* hosts_read.c's. */
	unsigned	 seen;		/* in this round */
	struct host_read *read;		/* it is to be read; NULL: it is not */
};

struct repo {
	LIST_ENTRY(repo) link;
	struct hosts	*all;
	const struct conf_repository *conf;
	struct timer	 look;
	struct object_list_op *list;
	char		*watched;	/* the prefix of: */
	struct etcd_watch *watch;	/* NULL: it does not tell */
	TAILQ_HEAD(, host_read) reads;
	unsigned	 n_reading;
	unsigned	 round;
	size_t		 n_listed;
	bool		 was_listed;	/* all of them, once, */
	bool		 is_known;	/* and read */
	unsigned	 tries;		/* that failed, in a row */
	char		 told[64];	/* the code of the trouble that was
					   told; "": none was */
};

struct hosts {
	const struct fleet_env *env;
	struct event_sub *events;
	LIST_HEAD(, repo) repos;
	bool		 is_stopped;
};

/* --- hosts.c --- */
/* Of the publication; make: it is made if there is none, and room. */
struct host	*host_find(struct publication *, const char *name, bool make);
void		 host_set_error(struct host *, const char *code,
		    const char *error);
void		 host_save(struct hosts *, const struct host *);
void		 host_drop(struct hosts *, struct host *);
/* Where the certificate is published there; NULL: it is not. */
struct publication *publication_find(const struct cert *,
		    const struct conf_repository *);

/* --- hosts_read.c --- */
struct repo	*repo_new(struct hosts *, const struct conf_repository *);
void		 repo_free(struct repo *);
/* Look soon, and often as long as hosts are awaited. */
void		 repo_expect(struct repo *);

/* --- hosts_told.c --- */
/* For how long, in seconds, a host that is to have what is published there has
 * been awaited; -1: none is, or for longer than an hour. */
int64_t		 publication_awaited_s(const struct publication *);

#endif
