/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

void
check_deploy_publish(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	d->publish = check_reference(c, sec, "publish", &c->repositories);
	if (d->publish != NULL && d->publish->type == REPOSITORY_HTTPS)
		opt_mistake(c->m, sec, tree_value(sec, "publish")->line,
		    "publish: repository \"%s\" is of type https, which is "
		    "to fetch from only; allowed: one of type s3, oss or "
		    "directory", d->publish->name);
	if (d->publish != NULL && d->publish->host_key_file != NULL)
		opt_mistake(c->m, sec, tree_value(sec, "publish")->line,
		    "publish: repository \"%s\" has host_key_file, which is "
		    "to fetch from only; allowed: one with encrypt_to = "
		    "hosts, or encrypt_key_file", d->publish->name);
}

void
check_free_deploy_publish(struct conf_deploy *d)
{
	d->publish = NULL;	/* the configuration's */
}
