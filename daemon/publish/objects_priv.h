/* SPDX-License-Identifier: MIT */
/* objects_priv - shared by objects*.c only. */
#ifndef DAEMON_PUBLISH_OBJECTS_PRIV_H
#define DAEMON_PUBLISH_OBJECTS_PRIV_H

#include "daemon/etcd/etcd.h"
#include "daemon/io/loop.h"
#include "daemon/publish/objects.h"
#include "daemon/rest/run.h"

struct object_op {
	struct object_args a;		/* its strings are ours: */
	char		*key, *etag;
	struct object_fence fence;	/* a.fence, or its key is NULL */
	char		*data;		/* of put; wiped */
	bool		 is_put;
	struct timer	 turn;
	struct rest_op	*rest;
	struct etcd_op	*etcd;
	struct object_reply reply;
	object_done_cb	*done;
	void		*arg;
};

/* Call done and free. */
void	object_finish(struct object_op *, const struct error *,
	    const struct object_reply *);
/* Send the request of an S3, OSS or HTTPS repository. */
void	object_http_begin(struct object_op *);
/* ... to etcd. */
void	object_etcd_begin(struct object_op *);

/* For requests to S3, OSS and HTTPS: begin it, key "" being the bucket; sign
 * it, when its headers are set; and the store's own code and words in its
 * answer, or "". */
void	object_http_start(const struct conf_repository *, struct preq *,
	    const char *method, const char *key);
int	object_http_sign(const struct conf_repository *, struct preq *,
	    struct error *);
void	object_http_words(const struct rest_answer *, char code[80],
	    char words[300]);

#endif
