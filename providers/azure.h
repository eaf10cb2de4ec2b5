/* SPDX-License-Identifier: MIT */
/*
 * azure - what the services of Microsoft Azure have in common: where they are
 * in each environment, and access tokens for an application
 * (https://learn.microsoft.com/entra/identity-platform/
 * v2-oauth2-client-creds-grant-flow).
 */
#ifndef PROVIDERS_AZURE_H
#define PROVIDERS_AZURE_H

#include "daemon/rest/rest.h"

struct azure_environment {
	const char	*name;		/* as the option has it */
	const char	*authority;	/* that gives tokens */
	const char	*manager;	/* of resources; also what a token is
					   for, */
	const char	*vault;		/* as this is, of key vaults: */
	const char	*vault_host;	/* NAME.HOST */
};

/* The one of that name, or NULL. */
const struct azure_environment *azure_environment(const char *name);
/* For .check: -1 and ERR_CONFIG if there is no such one. */
int	azure_check_environment(const char *name, struct error *);

/* What tokens are for: .scope of DNS provider and cloud products. */
#define AZURE_FOR_MANAGER "manager"
#define AZURE_FOR_VAULT "vault"

/* Who asks for a token. */
struct azure_app {
	const struct azure_environment *environment;
	const char	*authority;	/* NULL: the environment's */
	const char	*tenant, *client;
	const char	*secret;	/* either this, */
	const char	*assertion;	/* or a token of somebody whom the
					   application trusts (RFC 7523) */
};

/* Ask for a token for resource, .manager or .vault. */
void	azure_token_start(struct preq *, const struct azure_app *,
	    const char *resource);

#endif
