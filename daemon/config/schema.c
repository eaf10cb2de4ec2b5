/* SPDX-License-Identifier: MIT */
#include "daemon/config/schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "common/text.h"
#include "providers/credentials.h"
#include "providers/provider.h"

static const struct key account_keys[] = {
	{ "directory", SHAPE_ONE, NULL },
	{ "contact", SHAPE_LIST, NULL },
	{ "agree_tos", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ "proxy", SHAPE_ONE, NULL },
	{ "key", SHAPE_ONE, NULL },
	{ "eab_kid", SHAPE_ONE, NULL },
	{ "eab_hmac_key_file", SHAPE_ONE, NULL },
	{ "ari", SHAPE_ONE, NULL },
	{ "profile", SHAPE_ONE, NULL },
	{ "profile_required", SHAPE_ONE, NULL },
	{ "staging_directory", SHAPE_ONE, NULL },
	{ "limits", SHAPE_LIST, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key install_keys[] = {
	{ "format", SHAPE_ONE, NULL },
	{ "key", SHAPE_ONE, NULL },
	{ "owner", SHAPE_ONE, NULL },
	{ "group", SHAPE_ONE, NULL },
	{ "mode", SHAPE_ONE, NULL },
	{ "password_file", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key ssh_file_keys[] = {
	{ "format", SHAPE_ONE, NULL },
	{ "key", SHAPE_ONE, NULL },
	{ "mode", SHAPE_ONE, NULL },
	{ "password_file", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key ssh_keys[] = {
	{ "port", SHAPE_ONE, NULL },
	{ "identity_file", SHAPE_ONE, NULL },
	{ "known_hosts_file", SHAPE_ONE, NULL },
	{ "file", SHAPE_SECTION, ssh_file_keys },
	{ "command", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key docker_copy_keys[] = {
	{ "format", SHAPE_ONE, NULL },
	{ "key", SHAPE_ONE, NULL },
	{ "owner", SHAPE_ONE, NULL },
	{ "group", SHAPE_ONE, NULL },
	{ "mode", SHAPE_ONE, NULL },
	{ "password_file", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key docker_keys[] = {
	{ "socket", SHAPE_ONE, NULL },
	{ "container", SHAPE_LIST, NULL },
	{ "label", SHAPE_ONE, NULL },
	{ "copy", SHAPE_SECTION, docker_copy_keys },
	{ "signal", SHAPE_ONE, NULL },
	{ "restart", SHAPE_ONE, NULL },
	{ "exec", SHAPE_LIST, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key haproxy_keys[] = {
	{ "file", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key kubernetes_keys[] = {
	{ "namespace", SHAPE_ONE, NULL },
	{ "secret", SHAPE_ONE, NULL },
	{ "token_file", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ "labels", SHAPE_LIST, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key webhook_keys[] = {
	{ "token_file", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ "include_key", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

const struct key schema_any[] = {
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key deploy_keys[] = {
	{ "install", SHAPE_SECTION, install_keys },
	{ "ssh", SHAPE_SECTION, ssh_keys },
	{ "haproxy", SHAPE_SECTION, haproxy_keys },
	{ "docker", SHAPE_BLOCK, docker_keys },
	{ "kubernetes", SHAPE_SECTION, kubernetes_keys },
	{ "cloud", SHAPE_SECTION, NULL },
	{ "recipe", SHAPE_SECTION, schema_any },
	{ "webhook", SHAPE_SECTION, webhook_keys },
	{ "publish", SHAPE_ONE, NULL },
	{ "exec", SHAPE_LIST, NULL },
	{ "reload", SHAPE_LIST, NULL },
	{ "restart", SHAPE_LIST, NULL },
	{ "start", SHAPE_LIST, NULL },
	{ "config_test", SHAPE_LIST, NULL },
	{ "key", SHAPE_ONE, NULL },
	{ "timeout", SHAPE_ONE, NULL },
	{ "run_on", SHAPE_ONE, NULL },
	{ "deploy_window", SHAPE_LIST, NULL },
	{ "verify", SHAPE_LIST, NULL },
	{ "verify_timeout", SHAPE_ONE, NULL },
	{ "on_verify_failure", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key host_keys[] = {
	{ "public_key", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key repository_keys[] = {
	{ "type", SHAPE_ONE, NULL },
	{ "endpoint", SHAPE_ONE, NULL },
	{ "bucket", SHAPE_ONE, NULL },
	{ "region", SHAPE_ONE, NULL },
	{ "access_key_id", SHAPE_ONE, NULL },
	{ "secret_access_key_file", SHAPE_ONE, NULL },
	{ "path_style", SHAPE_ONE, NULL },
	{ "server_side_encryption", SHAPE_ONE, NULL },
	{ "kms_key_id", SHAPE_ONE, NULL },
	{ "url", SHAPE_ONE, NULL },
	{ "token_file", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ "path", SHAPE_ONE, NULL },
	{ "etcd", SHAPE_LIST, NULL },
	{ "user", SHAPE_ONE, NULL },
	{ "password_file", SHAPE_ONE, NULL },
	{ "cert_file", SHAPE_ONE, NULL },
	{ "key_file", SHAPE_ONE, NULL },
	{ "prefix", SHAPE_ONE, NULL },
	{ "hmac_key_file", SHAPE_ONE, NULL },
	{ "encrypt_key_file", SHAPE_ONE, NULL },
	{ "encrypt_to", SHAPE_ONE, NULL },
	{ "host_key_file", SHAPE_ONE, NULL },
	{ "publisher_key", SHAPE_ONE, NULL },
	{ "receipts", SHAPE_ONE, NULL },
	{ "behind_after", SHAPE_ONE, NULL },
	{ "waves", SHAPE_LIST, NULL },
	{ "wave_pause", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key notify_keys[] = {
	{ "mail_to", SHAPE_LIST, NULL },
	{ "mail_from", SHAPE_ONE, NULL },
	{ "smtp", SHAPE_ONE, NULL },
	{ "starttls", SHAPE_ONE, NULL },
	{ "helo", SHAPE_ONE, NULL },
	{ "user", SHAPE_ONE, NULL },
	{ "password", SHAPE_ONE, NULL },
	{ "password_file", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ "sendmail", SHAPE_ONE, NULL },
	{ "syslog", SHAPE_ONE, NULL },
	{ "webhook", SHAPE_ONE, NULL },
	{ "webhook_file", SHAPE_ONE, NULL },
	{ "template", SHAPE_ONE, NULL },
	{ "secret", SHAPE_ONE, NULL },
	{ "secret_file", SHAPE_ONE, NULL },
	{ "chat", SHAPE_ONE, NULL },
	{ "exec", SHAPE_LIST, NULL },
	{ "timeout", SHAPE_ONE, NULL },
	{ "heartbeat", SHAPE_ONE, NULL },
	{ "heartbeat_file", SHAPE_ONE, NULL },
	{ "interval", SHAPE_ONE, NULL },
	{ "events", SHAPE_LIST, NULL },
	{ "level", SHAPE_ONE, NULL },
	{ "certificates", SHAPE_LIST, NULL },
	{ "language", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key watch_keys[] = {
	{ "targets", SHAPE_LIST, NULL },
	{ "files", SHAPE_LIST, NULL },
	{ "warn", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key cluster_keys[] = {
	{ "etcd", SHAPE_LIST, NULL },
	{ "user", SHAPE_ONE, NULL },
	{ "password_file", SHAPE_ONE, NULL },
	{ "ca_file", SHAPE_ONE, NULL },
	{ "cert_file", SHAPE_ONE, NULL },
	{ "key_file", SHAPE_ONE, NULL },
	{ "prefix", SHAPE_ONE, NULL },
	{ "encrypt_key_file", SHAPE_ONE, NULL },
	{ "name", SHAPE_ONE, NULL },
	{ "role", SHAPE_ONE, NULL },
	{ "lease", SHAPE_ONE, NULL },
	{ "waves", SHAPE_LIST, NULL },
	{ "wave_pause", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key name_keys[] = {
	{ "challenge", SHAPE_ONE, NULL },
	{ "webroot", SHAPE_ONE, NULL },
	{ "provider", SHAPE_ONE, NULL },
	{ "challenge_alias", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key files_keys[] = {
	{ "fullchain", SHAPE_ONE, NULL },
	{ "privkey", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key certificate_keys[] = {
	{ "names", SHAPE_LIST, NULL },
	{ "source", SHAPE_ONE, NULL },
	{ "files", SHAPE_BLOCK, files_keys },
	{ "poll", SHAPE_ONE, NULL },
	{ "hosts", SHAPE_LIST, NULL },
	{ "key_source", SHAPE_ONE, NULL },
	{ "account", SHAPE_LIST, NULL },
	{ "challenge", SHAPE_ONE, NULL },
	{ "webroot", SHAPE_ONE, NULL },
	{ "provider", SHAPE_ONE, NULL },
	{ "key", SHAPE_LIST, NULL },
	{ "reuse_key", SHAPE_ONE, NULL },
	{ "placeholder", SHAPE_ONE, NULL },
	{ "renew_before", SHAPE_ONE, NULL },
	{ "preferred_chain", SHAPE_ONE, NULL },
	{ "profile", SHAPE_ONE, NULL },
	{ "profile_required", SHAPE_ONE, NULL },
	{ "alias_provider", SHAPE_ONE, NULL },
	{ "challenge_alias", SHAPE_ONE, NULL },
	{ "follow_cname", SHAPE_ONE, NULL },
	{ "resolvers", SHAPE_LIST, NULL },
	{ "propagation", SHAPE_ONE, NULL },
	{ "propagation_timeout", SHAPE_ONE, NULL },
	{ "propagation_delay", SHAPE_ONE, NULL },
	{ "csr", SHAPE_ONE, NULL },
	{ "deploy", SHAPE_SECTION, deploy_keys },
	{ "deploy_order", SHAPE_ONE, NULL },
	{ "deploy_window", SHAPE_LIST, NULL },
	{ "freeze", SHAPE_LIST, NULL },
	{ "on_name_failure", SHAPE_ONE, NULL },
	{ "name", SHAPE_SECTION, name_keys },
	{ NULL, SHAPE_ONE, NULL }
};

const struct key schema_root[] = {
	{ "state_dir", SHAPE_ONE, NULL },
	{ "control_socket", SHAPE_ONE, NULL },
	{ "hooks_dir", SHAPE_ONE, NULL },
	{ "resolvers", SHAPE_LIST, NULL },
	{ "http_listen", SHAPE_LIST, NULL },
	{ "tls_alpn_listen", SHAPE_LIST, NULL },
	{ "status_listen", SHAPE_LIST, NULL },
	{ "status_hosts", SHAPE_LIST, NULL },
	{ "metrics_textfile", SHAPE_ONE, NULL },
	{ "host_name", SHAPE_ONE, NULL },
	{ "log_level", SHAPE_ONE, NULL },
	{ "max_renewals", SHAPE_ONE, NULL },
	{ "freeze", SHAPE_LIST, NULL },
	{ "on_name_failure", SHAPE_ONE, NULL },
	{ "alarm_after_tries", SHAPE_ONE, NULL },
	{ "alarm_gather", SHAPE_ONE, NULL },
	{ "alarm_repeat", SHAPE_ONE, NULL },
	{ "digest_at", SHAPE_ONE, NULL },
	{ "include", SHAPE_INCLUDE, NULL },
	{ "account", SHAPE_SECTION, account_keys },
	{ "credentials", SHAPE_SECTION, NULL },
	{ "provider", SHAPE_SECTION, NULL },
	{ "host", SHAPE_SECTION, host_keys },
	{ "repository", SHAPE_SECTION, repository_keys },
	{ "certificate", SHAPE_SECTION, certificate_keys },
	{ "notify", SHAPE_SECTION, notify_keys },
	{ "watch", SHAPE_SECTION, watch_keys },
	{ "cluster", SHAPE_BLOCK, cluster_keys },
	{ NULL, SHAPE_ONE, NULL }
};

/* --- recipes --- */

static const struct key recipe_option_keys[] = {
	{ "help", SHAPE_ONE, NULL },
	{ "type", SHAPE_ONE, NULL },
	{ "required", SHAPE_ONE, NULL },
	{ "secret", SHAPE_ONE, NULL },
	{ "default", SHAPE_ONE, NULL },
	{ "values", SHAPE_LIST, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key recipe_value_keys[] = {
	{ "of", SHAPE_LIST, NULL },
	{ "filter", SHAPE_ONE, NULL },
	{ "max", SHAPE_ONE, NULL },
	{ "map", SHAPE_BLOCK, schema_any },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key recipe_part_keys[] = {
	{ "value", SHAPE_ONE, NULL },
	{ "filename", SHAPE_ONE, NULL },
	{ "type", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key recipe_multipart_keys[] = {
	{ "part", SHAPE_SECTION, recipe_part_keys },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key recipe_capture_keys[] = {
	{ "json", SHAPE_ONE, NULL },
	{ "list", SHAPE_ONE, NULL },
	{ "where", SHAPE_BLOCK, schema_any },
	{ "header", SHAPE_ONE, NULL },
	{ "cookie", SHAPE_ONE, NULL },
	{ "xml", SHAPE_ONE, NULL },
	{ "secret", SHAPE_ONE, NULL },
	{ "optional", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

static const struct key recipe_request_keys[] = {
	{ "only_if", SHAPE_LIST, NULL },
	{ "unless", SHAPE_LIST, NULL },
	{ "method", SHAPE_ONE, NULL },
	{ "path", SHAPE_ONE, NULL },
	{ "query", SHAPE_BLOCK, schema_any },
	{ "headers", SHAPE_BLOCK, schema_any },
	{ "json", SHAPE_BLOCK, schema_any },
	{ "json[]", SHAPE_BLOCK, schema_any },
	{ "form", SHAPE_BLOCK, schema_any },
	{ "multipart", SHAPE_BLOCK, recipe_multipart_keys },
	{ "text", SHAPE_ONE, NULL },
	{ "type", SHAPE_ONE, NULL },
	{ "status", SHAPE_LIST, NULL },
	{ "expect", SHAPE_BLOCK, schema_any },
	{ "expect_text", SHAPE_ONE, NULL },
	{ "capture", SHAPE_SECTION, recipe_capture_keys },
	{ "until", SHAPE_BLOCK, schema_any },
	{ "until_text", SHAPE_ONE, NULL },
	{ "fail", SHAPE_BLOCK, schema_any },
	{ "fail_text", SHAPE_ONE, NULL },
	{ "interval", SHAPE_ONE, NULL },
	{ "timeout", SHAPE_ONE, NULL },
	{ NULL, SHAPE_ONE, NULL }
};

const struct key schema_recipe[] = {
	{ "title", SHAPE_ONE, NULL },
	{ "doc", SHAPE_ONE, NULL },
	{ "see", SHAPE_ONE, NULL },
	{ "base", SHAPE_ONE, NULL },
	{ "option", SHAPE_SECTION, recipe_option_keys },
	{ "value", SHAPE_SECTION, recipe_value_keys },
	{ "headers", SHAPE_BLOCK, schema_any },
	{ "expect", SHAPE_BLOCK, schema_any },
	{ "explain", SHAPE_SECTION, schema_any },
	{ "request", SHAPE_SECTION, recipe_request_keys },
	{ "finish", SHAPE_SECTION, recipe_request_keys },
	{ NULL, SHAPE_ONE, NULL }
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
	(*keys)[(*n)++] = (struct key){ xstrdup(name), shape, NULL };
	(*keys)[*n] = (struct key){ NULL, SHAPE_ONE, NULL };
}

static void
add_options(struct key **keys, size_t *n, const struct provider_opt *opts,
    bool any)
{
	for (const struct provider_opt *o = opts; o != NULL &&
	    o->name != NULL; o++) {
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

/* A type of the kind, with its options; key: one more that it has. */
static void
add_type(struct schema_kind *k, const char *name,
    const struct provider_opt *opts, const char *key)
{
	struct schema_type *t;
	size_t n = 0, n_any = 0;

	k->types = xreallocarray(k->types, k->n + 1, sizeof(*k->types));
	t = &k->types[k->n++];
	*t = (struct schema_type){ .name = name };
	while (k->any != NULL && k->any[n_any].name != NULL)
		n_any++;
	if (!k->is_by_title) {
		add_key(&t->keys, &n, "type", SHAPE_ONE);
		add_key(&k->any, &n_any, "type", SHAPE_ONE);
	}
	if (key != NULL) {
		add_key(&t->keys, &n, key, SHAPE_ONE);
		add_key(&k->any, &n_any, key, SHAPE_ONE);
	}
	add_options(&t->keys, &n, opts, false);
	add_options(&k->any, &n_any, opts, true);
}

struct schema *
schema_new(void)
{
	struct schema *s = xcalloc(1, sizeof(*s));
	struct schema_kind *k = s->kinds;

	k->name = "credentials";
	for (size_t i = 0; credentials_registry[i] != NULL; i++)
		add_type(k, credentials_registry[i]->name,
		    credentials_registry[i]->opts, NULL);
	(++k)->name = "provider";
	for (size_t i = 0; provider_registry[i] != NULL; i++)
		add_type(k, provider_registry[i]->name,
		    provider_registry[i]->opts,
		    provider_registry[i]->credentials != NULL ?
		    "credentials" : NULL);
	(++k)->name = "cloud";
	k->is_by_title = true;
	for (size_t i = 0; cloud_registry[i] != NULL; i++)
		add_type(k, cloud_registry[i]->name, cloud_registry[i]->opts,
		    "credentials");
	return s;
}

void
schema_free(struct schema *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SCHEMA_KINDS; i++) {
		struct schema_kind *k = &s->kinds[i];

		for (size_t j = 0; j < k->n; j++)
			free_keys(k->types[j].keys);
		free(k->types);
		free_keys(k->any);
	}
	free(s);
}

const struct schema_kind *
schema_kind(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < SCHEMA_KINDS; i++) {
		if (strcmp(s->kinds[i].name, name) == 0)
			return &s->kinds[i];
	}
	return NULL;
}

const struct key *
schema_type(const struct schema_kind *k, const char *type)
{
	for (size_t i = 0; i < k->n; i++) {
		if (strcmp(k->types[i].name, type) == 0)
			return k->types[i].keys;
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
