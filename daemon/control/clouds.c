/* SPDX-License-Identifier: MIT */
#include "daemon/control/clouds.h"

#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/control/options.h"
#include "providers/credentials.h"

json_t *
clouds_list(void)
{
	json_t *list = json_array();

	for (size_t i = 0; cloud_registry[i] != NULL; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s}",
		    "name", cloud_registry[i]->name,
		    "title", cloud_registry[i]->title));
	return json_pack("{s:o}", "clouds", list);
}

/* The credentials, with all that is required, and secrets in files. */
static void
append_credentials(char **all, const struct credentials_type *t)
{
	option_append(all, xasprintf("credentials \"%s\" {\n    type = "
	    "\"%s\"\n", t->name, t->name));
	for (const struct provider_opt *o = t->opts; o->name != NULL; o++) {
		char *value;

		if (!o->required && !o->is_usual)
			continue;
		if (o->secret) {
			option_append(all, xasprintf("    %s_file = \""
			    OPTION_SECRETS "%s-%s\"\n", o->name, t->name,
			    o->name));
			continue;
		}
		value = option_sample(o);
		option_append(all, xasprintf("    %s = %s\n", o->name,
		    value));
		free(value);
	}
	option_append(all, xstrdup("}\n"));
}

static char *
example(const struct cloud *t)
{
	char *all = xstrdup("");
	const char *line = t->example != NULL ? t->example : "";

	append_credentials(&all, credentials_find(t->credentials));
	option_append(&all, xasprintf("certificate \"www.example.com\" {\n"
	    "    names = { \"www.example.com\" }\n"
	    "    deploy \"%s\" {\n"
	    "        cloud \"%s\" {\n"
	    "            credentials = \"%s\"\n", t->name, t->name,
	    t->credentials));
	for (size_t len; *line != '\0'; line += len) {
		len = strcspn(line, "\n") + 1;
		option_append(&all, xasprintf("            %.*s", (int)len,
		    line));
	}
	option_append(&all, xstrdup("        }\n    }\n}\n"));
	return all;
}

static void
unknown(const char *product, struct error *err)
{
	const char **names, *near;
	size_t n = 0;

	while (cloud_registry[n] != NULL)
		n++;
	names = xcalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = cloud_registry[i]->name;
	near = text_nearest(product, names, n);
	(void)error_set(err, ERR_CONFIG, API_ERR_UNKNOWN_CLOUD,
	    "there is no cloud product \"%.100s\"%s%s%s", product,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
	    near != NULL ? "\"?" : "");
	free(names);
}

json_t *
clouds_one(const char *product, struct error *err)
{
	const struct cloud *t = cloud_find(product);
	json_t *options, *j;
	char *text;

	if (t == NULL) {
		unknown(product, err);
		return NULL;
	}
	options = options_json(t->opts);
	text = example(t);
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "name", t->name,
	    "title", t->title, "help", t->doc, "credentials", t->credentials,
	    "options", options, "policy", t->policy, "example", text);
	free(text);
	return j;
}
