/* SPDX-License-Identifier: MIT */
#include "providers/azure.h"

#include <string.h>

#include "common/text.h"

static const struct azure_environment environments[] = {
	{ "public", "https://login.microsoftonline.com",
	    "https://management.azure.com", "https://vault.azure.net",
	    "vault.azure.net" },
	{ "china", "https://login.chinacloudapi.cn",
	    "https://management.chinacloudapi.cn", "https://vault.azure.cn",
	    "vault.azure.cn" },
	{ "usgovernment", "https://login.microsoftonline.us",
	    "https://management.usgovcloudapi.net",
	    "https://vault.usgovcloudapi.net", "vault.usgovcloudapi.net" },
};

const struct azure_environment *
azure_environment(const char *name)
{
	for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]);
	    i++) {
		if (strcmp(environments[i].name, name) == 0)
			return &environments[i];
	}
	return NULL;
}

int
azure_check_environment(const char *name, struct error *err)
{
	if (azure_environment(name) != NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "azuredns:environment",
	    "environment is public, china or usgovernment, not \"%s\"", name);
}

void
azure_token_start(struct preq *rq, const struct azure_app *app,
    const char *resource)
{
	const char *authority = app->authority != NULL ? app->authority :
	    app->environment->authority;
	char scope[128], url[300];
	size_t len;

	for (len = strlen(authority); len > 0 && authority[len - 1] == '/';)
		len--;
	(void)text_printf(url, sizeof(url), "%.*s", (int)len, authority);
	preq_start(rq, "POST", url);
	preq_path(rq, app->tenant);
	preq_path(rq, "oauth2");
	preq_path(rq, "v2.0");
	preq_path(rq, "token");
	(void)text_printf(scope, sizeof(scope), "%s/.default", resource);
	preq_form(rq, "grant_type", "client_credentials");
	preq_form(rq, "client_id", app->client);
	if (app->assertion != NULL) {
		preq_form(rq, "client_assertion_type",
		    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
		preq_form(rq, "client_assertion", app->assertion);
	} else {
		preq_form(rq, "client_secret", app->secret);
	}
	preq_form(rq, "scope", scope);
}
