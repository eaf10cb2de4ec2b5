/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

/* Values may hold anything here, also newlines. */
void
check_deploy_exec(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct item *item = tree_item(sec, "exec");
	size_t n = item != NULL ? item->n : 0;
	const char *argv0 = n > 0 ? item->values[0]->text : NULL;
	const char **argv = xcalloc(n, sizeof(*argv));

	for (size_t i = 0; i < n; i++)
		argv[i] = item->values[i]->text;
	d->exec = opt_list_new(argv, n);
	free(argv);
	if (n == 0)
		opt_mistake(c->m, sec, sec->line, "exec is empty; allowed: "
		    "exec = { \"PROGRAM\", \"ARGUMENT\", ... }");
	else if (argv0[0] == '\0' ||
	    (argv0[0] != '/' && strchr(argv0, '/') != NULL))
		opt_refuse(c->m, sec, "exec", item->values[0],
		    "an absolute path, or the name of a program in the "
		    "search path");
	else if (n == 1 && strchr(argv0, ' ') != NULL)
		opt_refuse(c->m, sec, "exec", item->values[0],
		    "program and arguments one by one, as in { \"systemctl\","
		    " \"reload\", \"nginx\" }; there is no shell");
	else
		check_program(c, sec, "exec", argv0, item->values[0]->line);
}

void
check_free_deploy_exec(struct conf_deploy *d)
{
	opt_list_free(d->exec);
}
