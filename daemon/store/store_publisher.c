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

int
store_publisher_put(struct store *s, const struct identity *id,
    struct error *err)
{
	char *text;
	int rc;

	/* One that cannot be seen is not replaced: all hosts know it. */
	if (faccessat(s->dirfd, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno != ENOENT)
		return error_set(err, ERR_INTERNAL, "",
		    "%s/" FILE_NAME " is there already", s->dir);
	text = identity_text(id, NULL);
	rc = file_write_atomic(s->dirfd, FILE_NAME, 0600, text, strlen(text),
	    err);
	freezero_str(text);
	return rc;
}

static struct identity *
make(struct store *s, struct error *err)
{
	struct identity *id = identity_new("publisher");

	if (store_publisher_put(s, id, err) == 0)
		return id;
	identity_free(id);
	return NULL;
}

int
store_publisher_read(struct store *s, struct identity **id, struct error *err)
{
	char *path;

	*id = NULL;
	if (faccessat(s->dirfd, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT)
		return 0;
	path = xasprintf("%s/" FILE_NAME, s->dir);
	*id = identity_read(path, err);
	free(path);
	return *id != NULL ? 0 : -1;
}

void
store_publisher_hold(struct store *s, const struct error *err, bool hides)
{
	s->publisher = err != NULL ? *err : (struct error){ .kind = ERR_NONE };
	s->hides_publisher = err != NULL && hides;
}

struct identity *
store_publisher(struct store *s, struct error *err)
{
	struct identity *id;

	if (s->hides_publisher) {
		*err = s->publisher;
		return NULL;
	}
	if (store_publisher_read(s, &id, err) == -1 || id != NULL)
		return id;
	if (s->publisher.kind == ERR_NONE)
		return make(s, err);
	*err = s->publisher;
	return NULL;
}
