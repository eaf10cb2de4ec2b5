/* SPDX-License-Identifier: MIT */
/* The key that signs what this acmed publishes for hosts (identity.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "daemon/store/identity.h"
#include "daemon/store/store_priv.h"

#define FILE_NAME "publisher.key"

static struct identity *
make(struct store *s, struct error *err)
{
	struct identity *id = identity_new("publisher");
	char *text = identity_text(id, NULL);
	int rc = file_write_atomic(s->dirfd, FILE_NAME, 0600, text,
	    strlen(text), err);

	freezero_str(text);
	if (rc == 0)
		return id;
	identity_free(id);
	return NULL;
}

struct identity *
store_publisher(struct store *s, struct error *err)
{
	char *path;
	struct identity *id;

	/* One that cannot be seen is not replaced: all hosts know it. */
	if (faccessat(s->dirfd, FILE_NAME, F_OK, 0) == -1 && errno == ENOENT)
		return make(s, err);
	path = xasprintf("%s/" FILE_NAME, s->dir);
	id = identity_read(path, err);
	free(path);
	return id;
}
