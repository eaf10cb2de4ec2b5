/* SPDX-License-Identifier: MIT */
/*
 * hosts - the publisher's side of receipts: what the hosts of its repositories
 * serve of the certificates that it publishes, read as it comes (etcd), or
 * looked for: often after a publication, until all have it, else each quarter
 * of an hour.  An object is read when it has changed; what was read is durable.
 *
 * A host is forgotten when it has not been heard of for 30 days, or a person
 * says so; it is known again when it says something new.
 */
#ifndef DAEMON_FLEET_HOSTS_H
#define DAEMON_FLEET_HOSTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

struct cert;
struct certs;
struct conf_repository;
struct error;
struct fleet_env;
struct hosts;

/* env is borrowed. */
struct hosts	*hosts_new(const struct fleet_env *);
/* NULL is allowed. */
void		 hosts_free(struct hosts *);
/* The configuration of env->certs is new. */
void		 hosts_apply(struct hosts *);
/* Ask no more. */
void		 hosts_stop(struct hosts *);
/* The clock was set. */
void		 hosts_kick(struct hosts *);
/* The certificate goes: free what is kept of it in memory. */
void		 hosts_leave(struct cert *);

/* One host, with one certificate of one repository. */
struct host_told {
	const char	*host, *cert, *repository;
	const char	*serial, *sha256;	/* "": none */
	const char	*second;	/* the serial of the other of a pair;
					   "": none */
	time_t		 not_before, not_after, since, at;
	bool		 ok;		/* it serves serial everywhere */
	const char	*code, *error;	/* "": none */
	bool		 is_behind;	/* it does not serve what is published,
					   and is to */
	bool		 is_silent;	/* not heard of for two days */
	time_t		 behind_since;	/* 0: it is not, or by its own plan
					   (a window) */
};
/* Those of a certificate, by name. */
void		 hosts_each(const struct cert *,
		    void (*each)(const struct host_told *, void *), void *);

/* Has all that was there been read since it is published there? */
bool		 hosts_are_known(const struct cert *,
		    const struct conf_repository *);

struct hosts_count {
	size_t		 known, behind;
	size_t		 late;		/* ... for longer than behind_after */
	time_t		 ends;		/* what the first of those that are
					   late has then ends; 0: not known */
};
struct hosts_count hosts_count(const struct cert *);
/* Why, of a host that is behind: "serves 03af...", "not heard of since ...",
 * or its own words; the caller frees. */
char		*host_why(const struct host_told *);

/* Forget all of a host, until it says something new.  ERR_CONFIG
 * "hosts:unknown". */
int		 hosts_forget(struct hosts *, const char *host,
		    struct error *);

/* "hosts" of a certificate in doc/control-api.md, with the first that are
 * behind; null: none is known.  All of them, for GET /v1/hosts.  Prometheus
 * text. */
json_t		*hosts_json(const struct cert *);
json_t		*hosts_all_json(const struct cert *);
void		 hosts_metrics(const struct certs *, FILE *);

#endif
