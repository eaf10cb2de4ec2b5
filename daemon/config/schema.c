/* SPDX-License-Identifier: MIT */
#include "daemon/config/schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/parse.h"
#include "daemon/config/tree.h"
#include "providers/provider.h"

static const struct key account_keys[] = {
	{ "directory", SHAPE_ONE, NULL, false },
	{ "contact", SHAPE_LIST, NULL, false },
	{ "agree_tos", SHAPE_ONE, NULL, false },
	{ "ca_file", SHAPE_ONE, NULL, false },
	{ "proxy", SHAPE_ONE, NULL, false },
	{ "key", SHAPE_ONE, NULL, false },
	{ "eab_kid", SHAPE_ONE, NULL, false },
	{ "eab_hmac_key_file", SHAPE_ONE, NULL, false },
	{ "ari", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key install_keys[] = {
	{ "format", SHAPE_ONE, NULL, false },
	{ "owner", SHAPE_ONE, NULL, false },
	{ "group", SHAPE_ONE, NULL, false },
	{ "mode", SHAPE_ONE, NULL, false },
	{ "password_file", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key ssh_file_keys[] = {
	{ "format", SHAPE_ONE, NULL, false },
	{ "mode", SHAPE_ONE, NULL, false },
	{ "password_file", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key ssh_keys[] = {
	{ "port", SHAPE_ONE, NULL, false },
	{ "identity_file", SHAPE_ONE, NULL, false },
	{ "known_hosts_file", SHAPE_ONE, NULL, false },
	{ "file", SHAPE_SECTION, ssh_file_keys, false },
	{ "command", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key haproxy_keys[] = {
	{ "file", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key kubernetes_keys[] = {
	{ "namespace", SHAPE_ONE, NULL, false },
	{ "secret", SHAPE_ONE, NULL, false },
	{ "token_file", SHAPE_ONE, NULL, false },
	{ "ca_file", SHAPE_ONE, NULL, false },
	{ "labels", SHAPE_LIST, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key webhook_keys[] = {
	{ "token_file", SHAPE_ONE, NULL, false },
	{ "ca_file", SHAPE_ONE, NULL, false },
	{ "include_key", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key deploy_keys[] = {
	{ "install", SHAPE_SECTION, install_keys, false },
	{ "ssh", SHAPE_SECTION, ssh_keys, false },
	{ "haproxy", SHAPE_SECTION, haproxy_keys, false },
	{ "kubernetes", SHAPE_SECTION, kubernetes_keys, false },
	{ "webhook", SHAPE_SECTION, webhook_keys, false },
	{ "publish", SHAPE_ONE, NULL, false },
	{ "exec", SHAPE_LIST, NULL, false },
	{ "reload", SHAPE_LIST, NULL, false },
	{ "restart", SHAPE_LIST, NULL, false },
	{ "start", SHAPE_LIST, NULL, false },
	{ "config_test", SHAPE_LIST, NULL, false },
	{ "timeout", SHAPE_ONE, NULL, false },
	{ "deploy_window", SHAPE_LIST, NULL, false },
	{ "verify", SHAPE_LIST, NULL, false },
	{ "verify_timeout", SHAPE_ONE, NULL, false },
	{ "on_verify_failure", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key repository_keys[] = {
	{ "type", SHAPE_ONE, NULL, false },
	{ "endpoint", SHAPE_ONE, NULL, false },
	{ "bucket", SHAPE_ONE, NULL, false },
	{ "region", SHAPE_ONE, NULL, false },
	{ "access_key_id", SHAPE_ONE, NULL, false },
	{ "secret_access_key_file", SHAPE_ONE, NULL, false },
	{ "path_style", SHAPE_ONE, NULL, false },
	{ "server_side_encryption", SHAPE_ONE, NULL, false },
	{ "kms_key_id", SHAPE_ONE, NULL, false },
	{ "url", SHAPE_ONE, NULL, false },
	{ "token_file", SHAPE_ONE, NULL, false },
	{ "ca_file", SHAPE_ONE, NULL, false },
	{ "path", SHAPE_ONE, NULL, false },
	{ "prefix", SHAPE_ONE, NULL, false },
	{ "hmac_key_file", SHAPE_ONE, NULL, false },
	{ "encrypt_key_file", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key notify_keys[] = {
	{ "mail_to", SHAPE_LIST, NULL, false },
	{ "mail_from", SHAPE_ONE, NULL, false },
	{ "smtp", SHAPE_ONE, NULL, false },
	{ "starttls", SHAPE_ONE, NULL, false },
	{ "helo", SHAPE_ONE, NULL, false },
	{ "user", SHAPE_ONE, NULL, false },
	{ "password", SHAPE_ONE, NULL, false },
	{ "password_file", SHAPE_ONE, NULL, false },
	{ "ca_file", SHAPE_ONE, NULL, false },
	{ "sendmail", SHAPE_ONE, NULL, false },
	{ "syslog", SHAPE_ONE, NULL, false },
	{ "webhook", SHAPE_ONE, NULL, false },
	{ "webhook_file", SHAPE_ONE, NULL, false },
	{ "template", SHAPE_ONE, NULL, false },
	{ "secret", SHAPE_ONE, NULL, false },
	{ "secret_file", SHAPE_ONE, NULL, false },
	{ "chat", SHAPE_ONE, NULL, false },
	{ "exec", SHAPE_LIST, NULL, false },
	{ "timeout", SHAPE_ONE, NULL, false },
	{ "heartbeat", SHAPE_ONE, NULL, false },
	{ "heartbeat_file", SHAPE_ONE, NULL, false },
	{ "interval", SHAPE_ONE, NULL, false },
	{ "events", SHAPE_LIST, NULL, false },
	{ "level", SHAPE_ONE, NULL, false },
	{ "certificates", SHAPE_LIST, NULL, false },
	{ "language", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key name_keys[] = {
	{ "challenge", SHAPE_ONE, NULL, false },
	{ "webroot", SHAPE_ONE, NULL, false },
	{ "provider", SHAPE_ONE, NULL, false },
	{ "challenge_alias", SHAPE_ONE, NULL, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static const struct key certificate_keys[] = {
	{ "names", SHAPE_LIST, NULL, false },
	{ "source", SHAPE_ONE, NULL, false },
	{ "poll", SHAPE_ONE, NULL, false },
	{ "account", SHAPE_ONE, NULL, false },
	{ "challenge", SHAPE_ONE, NULL, false },
	{ "webroot", SHAPE_ONE, NULL, false },
	{ "provider", SHAPE_ONE, NULL, false },
	{ "key", SHAPE_ONE, NULL, false },
	{ "reuse_key", SHAPE_ONE, NULL, false },
	{ "renew_before", SHAPE_ONE, NULL, false },
	{ "preferred_chain", SHAPE_ONE, NULL, false },
	{ "alias_provider", SHAPE_ONE, NULL, false },
	{ "challenge_alias", SHAPE_ONE, NULL, false },
	{ "follow_cname", SHAPE_ONE, NULL, false },
	{ "resolvers", SHAPE_LIST, NULL, false },
	{ "propagation", SHAPE_ONE, NULL, false },
	{ "propagation_timeout", SHAPE_ONE, NULL, false },
	{ "propagation_delay", SHAPE_ONE, NULL, false },
	{ "deploy", SHAPE_SECTION, deploy_keys, true },
	{ "deploy_order", SHAPE_ONE, NULL, false },
	{ "deploy_window", SHAPE_LIST, NULL, false },
	{ "name", SHAPE_SECTION, name_keys, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

const struct key schema_root[] = {
	{ "state_dir", SHAPE_ONE, NULL, false },
	{ "control_socket", SHAPE_ONE, NULL, false },
	{ "hooks_dir", SHAPE_ONE, NULL, false },
	{ "resolvers", SHAPE_LIST, NULL, false },
	{ "http_listen", SHAPE_LIST, NULL, false },
	{ "log_level", SHAPE_ONE, NULL, false },
	{ "max_renewals", SHAPE_ONE, NULL, false },
	{ "alarm_after_tries", SHAPE_ONE, NULL, false },
	{ "alarm_gather", SHAPE_ONE, NULL, false },
	{ "alarm_repeat", SHAPE_ONE, NULL, false },
	{ "digest_at", SHAPE_ONE, NULL, false },
	{ "include", SHAPE_INCLUDE, NULL, false },
	{ "account", SHAPE_SECTION, account_keys, false },
	{ "provider", SHAPE_SECTION, NULL, false },
	{ "repository", SHAPE_SECTION, repository_keys, false },
	{ "certificate", SHAPE_SECTION, certificate_keys, false },
	{ "notify", SHAPE_SECTION, notify_keys, false },
	{ NULL, SHAPE_ONE, NULL, false }
};

static size_t
count(const struct key *keys)
{
	size_t n = 0;

	while (keys[n].name != NULL)
		n++;
	return n;
}

/* Append a key to a table on the heap; an existing name is kept once. */
static void
add_key(struct key **keys, size_t *n, const char *name, enum key_shape shape)
{
	for (size_t i = 0; i < *n; i++) {
		if (strcmp((*keys)[i].name, name) == 0)
			return;
	}
	*keys = xreallocarray(*keys, *n + 2, sizeof(**keys));
	(*keys)[(*n)++] = (struct key){ xstrdup(name), shape, NULL, false };
	(*keys)[*n] = (struct key){ NULL, SHAPE_ONE, NULL, false };
}

static void
add_options(struct key **keys, size_t *n, const struct provider *type,
    bool any)
{
	add_key(keys, n, "type", SHAPE_ONE);
	for (const struct provider_opt *o = type->opts;
	    o != NULL && o->name != NULL; o++) {
		bool is_list = any || o->type == PROVIDER_OPT_LIST;

		add_key(keys, n, o->name, is_list ? SHAPE_LIST : SHAPE_ONE);
		if (o->secret) {
			char *file = xasprintf("%s_file", o->name);

			add_key(keys, n, file, any ? SHAPE_LIST : SHAPE_ONE);
			free(file);
		}
	}
}

static void
free_keys(struct key *keys)
{
	for (struct key *k = keys; k != NULL && k->name != NULL; k++)
		free((void *)(uintptr_t)k->name);
	free(keys);
}

static cfg_opt_t *new_opts(struct schema *, const struct key *, bool lean);

/* Every value becomes a struct value; nothing has a default here. */
static cfg_opt_t
value_opt(const char *name, bool is_list)
{
	return (cfg_opt_t){ .name = name, .type = CFGT_PTR,
	    .flags = CFGF_NODEFAULT | (is_list ? CFGF_LIST : 0),
	    .parsecb = parse_value_cb, .freecb = value_free };
}

static cfg_opt_t
key_opt(struct schema *s, const struct key *k, bool lean)
{
	const struct key *sub = k->sub != NULL ? k->sub : s->provider_any;

	if (k->shape != SHAPE_SECTION)
		return value_opt(k->name, k->shape != SHAPE_ONE);
	if (k->sub == NULL && lean)
		sub = name_keys;	/* small; there is no such section */
	return (cfg_opt_t){ .name = k->name, .type = CFGT_SEC,
	    .flags = CFGF_MULTI, .subopts = new_opts(s, sub, lean) };
}

static cfg_opt_t *
new_opts(struct schema *s, const struct key *keys, bool lean)
{
	size_t n = count(keys);
	cfg_opt_t *opts = xcalloc(n + 4, sizeof(*opts));

	for (size_t i = 0; i < n; i++)
		opts[i] = key_opt(s, &keys[i], lean);
	opts[n] = value_opt(SCHEMA_TITLE, false);
	opts[n + 1] = value_opt(SCHEMA_LINE, false);
	opts[n + 2] = (cfg_opt_t){ .name = SCHEMA_END, .type = CFGT_INT,
	    .flags = CFGF_NODEFAULT, .parsecb = parse_end_cb,
	    .simple_value = { .number = &s->state.end_seen } };
	return opts;
}

static void
free_opts(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o->name != NULL; o++) {
		if (o->subopts != NULL)
			free_opts(o->subopts);
	}
	free(opts);
}

struct schema *
schema_new(void)
{
	struct schema *s = xcalloc(1, sizeof(*s));
	size_t n_any = 0;

	add_key(&s->provider_any, &n_any, "type", SHAPE_ONE);
	for (size_t i = 0; provider_registry[i] != NULL; i++) {
		struct schema_type *t;
		size_t n = 0;

		s->types = xreallocarray(s->types, s->n_types + 1,
		    sizeof(*s->types));
		t = &s->types[s->n_types++];
		*t = (struct schema_type){ .type = provider_registry[i] };
		add_options(&t->keys, &n, t->type, false);
		add_options(&s->provider_any, &n_any, t->type, true);
	}
	s->opts = new_opts(s, schema_root, false);
	s->opts_lean = new_opts(s, schema_root, true);
	return s;
}

void
schema_free(struct schema *s)
{
	if (s == NULL)
		return;
	free_opts(s->opts);
	free_opts(s->opts_lean);
	for (size_t i = 0; i < s->n_types; i++)
		free_keys(s->types[i].keys);
	free(s->types);
	free_keys(s->provider_any);
	free(s);
}

const struct key *
schema_provider(const struct schema *s, const char *type)
{
	for (size_t i = 0; i < s->n_types; i++) {
		if (strcmp(s->types[i].type->name, type) == 0)
			return s->types[i].keys;
	}
	return NULL;
}

const struct key *
schema_find(const struct key *keys, const char *name)
{
	for (; keys->name != NULL; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

const char *
schema_nearest(const struct key *keys, const char *name)
{
	size_t n = count(keys);
	const char **names = xcalloc(n + 1, sizeof(*names));
	const char *found;

	for (size_t i = 0; i < n; i++)
		names[i] = keys[i].name;
	found = text_nearest(name, names, n);
	free(names);
	return found;
}

char *
schema_list(const struct key *keys)
{
	char *list = xstrdup("");

	for (; keys->name != NULL; keys++) {
		char *longer = xasprintf("%s%s%s", list,
		    *list != '\0' ? ", " : "", keys->name);

		free(list);
		list = longer;
	}
	return list;
}
