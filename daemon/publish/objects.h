/* SPDX-License-Identifier: MIT */
/*
 * objects - put and get one object of a repository: S3, OSS, https, etcd, or
 * a directory.  Called by the publish step and by the subscriber.
 */
#ifndef DAEMON_PUBLISH_OBJECTS_H
#define DAEMON_PUBLISH_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct conf_repository;
struct error;
struct etcd;
struct http;
struct loop;
struct object_op;

#define OBJECT_ETAG_SIZE 140

enum object_condition {
	OBJECT_ANY,
	OBJECT_CREATE,			/* put: only if there is none */
	OBJECT_REPLACE,			/* put: only the one of that ETag */
	OBJECT_CHANGED			/* get: only if not of that ETag */
};

/* What is put is put only while this key is the one that was made at that
 * revision: the lock of who writes (etcd alone has such a thing). */
struct object_fence {
	const char	*key;
	int64_t		 created;
};

struct object_args {			/* borrowed; copied */
	struct loop	*loop;
	struct http	*http;
	struct etcd	*etcd;
	const struct conf_repository *repository;	/* borrowed */
	const char	*key;		/* behind the prefix */
	const void	*data;		/* of put */
	size_t		 len;
	size_t		 max;		/* of get: bytes */
	time_t		 keep_until;	/* of put: a store that removes what has
					   expired (etcd) does so after this; 0:
					   it stays */
	bool		 is_sealed;	/* of put: whatever the repository
					   says, others may read it */
	enum object_condition condition;
	const char	*etag;		/* of OBJECT_REPLACE, OBJECT_CHANGED */
	const struct object_fence *fence;	/* of put, to etcd, or
						   NULL */
	unsigned	 timeout_ms;
};

struct object_reply {
	const char	*data;		/* of get; NUL behind it */
	size_t		 len;
	char		 etag[OBJECT_ETAG_SIZE];	/* as it came; or "" */
	bool		 is_unchanged;	/* OBJECT_CHANGED: it is the same */
};

/*
 * Errors, all with the store's own code and words: ERR_CONFIG "object:denied"
 * (401, 403), "object:bucket", "object:http" (a wrong region, say);
 * ERR_REJECTED "object:missing" (get: there is none), "object:condition"
 * (put: there is another one now), "object:unconditional" (put: this store
 * knows no conditions); ERR_TRANSIENT "cluster:fenced" (put: the lock of the
 * fence is another's); those of etcd.h; ERR_TRANSIENT otherwise.
 */
typedef void object_done_cb(const struct error *err,
    const struct object_reply *reply, void *arg);

struct object_op *object_put_start(const struct object_args *,
		    object_done_cb *done, void *arg);
struct object_op *object_get_start(const struct object_args *,
		    object_done_cb *done, void *arg);
void		 object_cancel(struct object_op *);

#endif
