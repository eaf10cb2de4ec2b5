/* SPDX-License-Identifier: MIT */
/*
 * objects_list - which objects there are in a folder of a repository, two
 * levels deep (HOST/FILE), a page after the other: ListObjectsV2 of S3 and OSS,
 * ranges of etcd, directories.  https has no lists.  Called by fleet/.
 */
#ifndef DAEMON_PUBLISH_OBJECTS_LIST_H
#define DAEMON_PUBLISH_OBJECTS_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct conf_repository;
struct error;
struct etcd;
struct etcd_kv;
struct http;
struct loop;
struct object_list_op;

#define OBJECT_VERSION_SIZE 96

struct object_list_args {		/* copied; what it points to borrowed */
	struct loop	*loop;
	struct http	*http;
	struct etcd	*etcd;
	const struct conf_repository *repository;
	const char	*folder;	/* behind the prefix; ends in "/" */
	size_t		 max;		/* objects; the rest is left out */
	unsigned	 timeout_ms;	/* of each page */
	/* One object: its key behind the folder, and what is another when its
	   content is.  Must not cancel. */
	void		(*each)(const char *key, const char *version,
			    void *arg);
};

/*
 * is_whole: these were all.  There are none where there is no such folder.
 * Errors: as objects.h, without its conditions; what was told before one stays
 * true.
 */
typedef void object_list_cb(const struct error *err, bool is_whole, void *arg);

struct object_list_op *object_list_start(const struct object_list_args *,
		    object_list_cb *done, void *arg);
/* NULL is allowed. */
void		 object_list_cancel(struct object_list_op *);

/* The version of one that a watch of etcd's tells. */
void		 object_etcd_version(const struct etcd_kv *,
		    char out[OBJECT_VERSION_SIZE]);

#endif
