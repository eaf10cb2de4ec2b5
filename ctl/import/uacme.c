/* SPDX-License-Identifier: MIT */
/*
 * uacme - its confdir, /etc/ssl/uacme:
 *
 *   private/key.pem                   of the account
 *   private/NAME/key.pem, NAME/cert.pem
 *
 * The CA and how names are proved were given on the command line.
 */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/import/common.h"
#include "ctl/import/given.h"
#include "ctl/import/import.h"
#include "ctl/import/readers.h"
#include "ctl/import/source.h"

#define LETSENCRYPT "https://acme-v02.api.letsencrypt.org/directory"

static void
read_account(struct import *plan, const struct source *s,
    const char *directory)
{
	struct import_account *a;
	struct error err;
	char *key = source_read(s, "private/key.pem", &err);

	if (key == NULL) {
		import_note(plan, "private/key.pem", "the account is not "
		    "imported: %s", err.msg);
		return;
	}
	a = import_add_account(plan);
	a->from = xstrdup("private/key.pem");
	a->directory = xstrdup(directory);
	a->pem = key;
}

static void
read_cert(struct import *plan, const struct source *s,
    const struct reader_args *args, const char *dir, const json_t *env)
{
	bool is_wild = strncmp(dir, "*.", 2) == 0;
	char *key = xasprintf("private/%s/key.pem", dir),
	    *chain = xasprintf("%s/cert.pem", dir), *name;
	struct import_cert *c;
	struct error err;

	if (source_has(s, key) && source_has(s, chain)) {
		name = common_name(plan, is_wild ? dir + 2 : dir, is_wild,
		    NULL);
		c = import_add_cert(plan, name);
		free(name);
		c->from = source_path(s, chain);
		c->directory = xstrdup(args->directory != NULL ?
		    args->directory : LETSENCRYPT);
		c->account = plan->n_accounts > 0 ? 0 : IMPORT_NONE;
		c->reuse_key = true;	/* as it does */
		if (object_name_check(c->name, &err) == -1)
			import_skip(c, "%s", err.msg);
		else
			common_files(c, s, key, chain);
		if (c->skipped == NULL)
			given_challenge(plan, c, s, args, env);
	}
	free(chain);
	free(key);
}

int
read_uacme(struct import *plan, const struct reader_args *args,
    struct error *err)
{
	struct source s;
	json_t *env;
	char **list;

	if (source_open(&s, args->dir, err) == -1)
		return -1;
	plan->dir = xstrdup(s.dir);
	env = given_env(args, err);
	list = env == NULL ? NULL : source_list(&s, "private", "",
	    IMPORT_CERTS_MAX, err);
	if (list != NULL && list[0] != NULL)
		read_account(plan, &s, args->directory != NULL ?
		    args->directory : LETSENCRYPT);
	for (char **p = list; p != NULL && *p != NULL; p++)
		read_cert(plan, &s, args, *p, env);
	if (list != NULL && plan->n_certs == 0)
		(void)error_set(err, ERR_CONFIG, "import:source",
		    "%s: no certificates of uacme found "
		    "(private/NAME/key.pem, NAME/cert.pem)", s.dir);
	else if (plan->n_certs > 0)
		import_note(plan, "", "uacme does not store the CA (the "
		    "default is Let's Encrypt; for another one add "
		    "--directory URL), nor what runs with a new certificate: "
		    "add a \"deploy\" section to the files in conf.d/, and "
		    "disable what runs uacme, such as a line in a crontab");
	source_list_free(list);
	json_decref(env);
	source_close(&s);
	return plan->n_certs > 0 ? 0 : -1;
}
