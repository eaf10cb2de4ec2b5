/* SPDX-License-Identifier: MIT */
/*
 * plan - what `acmectl add` is to write: chosen by options, by what the
 * configuration has already, and by the person at the terminal.
 */
#ifndef CTL_ADD_PLAN_H
#define CTL_ADD_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/allow.h"
#include "ctl/options.h"

struct conf_batch;

struct plan {
	const struct options *o;
	bool		 can_ask;	/* there is a person */
	json_t		*conf;		/* reply of GET /v1/configuration */
	struct conf_batch *batch;
	char		*name;		/* of the certificate */
	char		**names;	/* in it; NULL-terminated; of csr
					   perhaps none */
	char		*csr;		/* an absolute path, or NULL */
	char		*account;
	const char	*challenge;	/* a literal; NULL: dns-01 */
	char		*webroot;	/* of http-01; NULL: acmed's listener */
	char		*provider;	/* of dns-01 */
	char		**units;	/* to be reloaded; NULL-terminated */
	struct allowed	 allowed;	/* what that needs of the machine */
};

/*
 * Each returns EXIT_OK, or another of acmectl's exit codes, and has said what
 * is missing and how to give it.  New sections go into the batch.
 */
int	plan_names(struct plan *);
int	plan_account(struct plan *);	/* add/account.c */
int	plan_challenge(struct plan *);	/* add/challenge.c */
/* add/provider.c: one that is configured, or a type; what is wrong is told. */
int	plan_use_provider(struct plan *, const char *word);
int	plan_ask_provider(struct plan *);
int	plan_deploy(struct plan *);
/* The certificate itself, when all of that is known. */
void	plan_certificate(struct plan *);
void	plan_clear(struct plan *);

/* What a new file begins with.  The caller frees. */
char	*plan_comment(const struct plan *, const char *what);

#endif
