/* SPDX-License-Identifier: MIT */
#include "daemon/publish/repo_keys.h"

#include <stddef.h>

#include "common/file.h"
#include "common/mem.h"
#include "daemon/config/conf_repository.h"
#include "daemon/store/identity.h"
#include "daemon/store/store.h"

void
repo_keys_clear(struct repo_keys *k)
{
	freezero_str(k->secret);
	identity_free(k->me);
	*k = (struct repo_keys){ .secret = NULL };
}

int
repo_keys_read(const struct conf_repository *r, struct store *store,
    struct repo_keys *k, struct error *err)
{
	*k = (struct repo_keys){ .secret = NULL };
	if (r->secret != NULL) {
		k->secret = xstrdup(r->secret);
		return 0;
	}
	if (r->secret_file != NULL)
		return file_read_shared(r->secret_file, FILE_SECRET_MAX,
		    &k->secret, err);
	if (r->to_hosts)
		k->me = store_publisher(store, err);
	else
		k->me = identity_read(r->host_key_file, err);
	if (k->me == NULL)
		return -1;
	k->publisher = r->to_hosts ? identity_public(k->me) :
	    r->publisher_key;
	return 0;
}
