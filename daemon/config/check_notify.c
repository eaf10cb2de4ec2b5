/* SPDX-License-Identifier: MIT */
#include "daemon/config/check_notify.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/opt.h"
#include "daemon/config/recipe.h"
#include "daemon/config/secret_file.h"

static const char *const event_names[] = {
	[NEV_FAILED] = "renewal-failed",
	[NEV_EXPIRING] = "expiring",
	[NEV_DEPLOY] = "deploy-failed",
	[NEV_SERVING_OLD] = "serving-old",
	[NEV_CLEANUP] = "cleanup-failed",
	[NEV_ACCOUNT] = "account",
	[NEV_CREDENTIALS] = "credentials",
	[NEV_CONFIG] = "configuration",
	[NEV_RECOVERED] = "recovered",
	[NEV_RENEWED] = "renewed",
	[NEV_DIGEST] = "digest",
	[NEV_REPOSITORY] = "repository-tampered",
	[NEV_START] = "start-failed",
	[NEV_REVOCATION] = "revocation-failed",
	[NEV_NAMES] = "names-missing",
	[NEV_WATCHED] = "watched",
	[NEV_FLEET] = "fleet",
	[NEV_CLUSTER] = "cluster",
};
_Static_assert(sizeof(event_names) / sizeof(event_names[0]) == NEV_END,
    "event_names");

static const char *const level_names[] = {
	[NLEV_NOTICE] = "notice",
	[NLEV_WARNING] = "warning",
	[NLEV_CRITICAL] = "critical",
};
_Static_assert(sizeof(level_names) / sizeof(level_names[0]) == NLEV_END,
    "level_names");

/* The kinds: the key that asks for one (and its twin in a file), all keys
 * that only this one has, and what reads it. */
static const struct {
	const char	*name;
	const char	*key, *twin;
	const char	*keys[10];
	void		(*check)(struct check *, const struct section *,
			    struct conf_notify *);
} kinds[] = {
	[NOTIFY_MAIL] = { "mail", "mail_to", NULL,
	    { "mail_to", "mail_from", "smtp", "starttls", "helo", "user",
	    "password", "password_file", "sendmail" }, check_notify_mail },
	[NOTIFY_SYSLOG] = { "syslog", "syslog", NULL,
	    { "syslog" }, check_notify_syslog },
	[NOTIFY_WEBHOOK] = { "webhook", "webhook", "webhook_file",
	    { "webhook", "webhook_file", "template", "secret", "secret_file",
	    "chat" }, check_notify_webhook },
	[NOTIFY_EXEC] = { "exec", "exec", NULL,
	    { "exec" }, check_notify_exec },
	[NOTIFY_HEARTBEAT] = { "heartbeat", "heartbeat", "heartbeat_file",
	    { "heartbeat", "heartbeat_file", "interval" },
	    check_notify_heartbeat },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == NOTIFY_KIND_END, "kinds");

const char *
notify_kind_name(enum notify_kind kind)
{
	return kinds[kind].name;
}

const char *
notify_event_name(enum notify_event event)
{
	return event_names[event];
}

const char *
notify_level_name(enum notify_level level)
{
	return level_names[level];
}

int
notify_level_parse(const char *name, enum notify_level *level)
{
	for (int i = 0; i < NLEV_END; i++) {
		if (strcmp(level_names[i], name) == 0) {
			*level = (enum notify_level)i;
			return 0;
		}
	}
	return -1;
}

/* A word of `events` as a set; 0 if it is none. */
static unsigned
event_set(const char *word)
{
	if (strcmp(word, "all") == 0)
		return NEV_ALL;
	if (strcmp(word, "default") == 0)
		return NEV_DEFAULT;
	for (int i = 0; i < NEV_END; i++) {
		if (strcmp(word, event_names[i]) == 0)
			return NEV_BIT(i);
	}
	return 0;
}

static unsigned
check_events(struct check *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "events");
	char allowed[400] = "default, all";
	unsigned set = 0, one;

	if (item == NULL)
		return NEV_DEFAULT;
	for (int i = 0; i < NEV_END; i++) {
		size_t used = strlen(allowed);

		(void)text_printf(allowed + used, sizeof(allowed) - used,
		    ", %s", event_names[i]);
	}
	for (size_t i = 0; i < item->n; i++) {
		one = event_set(item->values[i]->text);
		if (one == 0)
			opt_refuse(c->m, sec, "events", item->values[i],
			    allowed);
		set |= one;
	}
	if (item->n == 0)
		opt_mistake(c->m, sec, sec->line, "events is empty: it would "
		    "never tell anything; allowed: %s", allowed);
	return set;
}

static void
check_filter(struct check *c, const struct section *sec,
    struct conf_notify *n)
{
	const struct value *level = tree_value(sec, "level");
	const struct value *language = tree_value(sec, "language");

	n->events = check_events(c, sec);
	if (level != NULL && notify_level_parse(level->text, &n->level) == -1)
		opt_refuse(c->m, sec, "level", level,
		    "notice, warning, critical");
	n->certs = opt_list(c->m, sec, "certificates");
	n->is_chinese = language != NULL &&
	    strcmp(language->text, "zh") == 0;
	if (language != NULL && !n->is_chinese &&
	    strcmp(language->text, "en") != 0)
		opt_refuse(c->m, sec, "language", language, "en, zh");
}

/* The line of a key that is given; 0 if it is not. */
static int
line_of(const struct section *sec, const char *key)
{
	const struct item *item = key != NULL ? tree_item(sec, key) : NULL;

	if (item == NULL)
		return 0;
	return item->n > 0 ? item->values[0]->line : sec->line;
}

/* A key of one kind says nothing to another. */
static void
check_strangers(struct check *c, const struct section *sec,
    enum notify_kind kind)
{
	for (int i = 0; i < NOTIFY_KIND_END; i++) {
		for (size_t j = 0; kinds[i].keys[j] != NULL; j++) {
			int line = line_of(sec, kinds[i].keys[j]);

			if (i != (int)kind && line != 0)
				opt_mistake(c->m, sec, line, "%s is for a "
				    "channel with %s; this one has %s",
				    kinds[i].keys[j], kinds[i].key,
				    kinds[kind].key);
		}
	}
}

struct conf_notify *
check_notify(struct check *c, const struct section *sec)
{
	struct conf_notify *n = xcalloc(1, sizeof(*n));
	int found = -1;

	n->name = xstrdup(sec->title);
	n->files = xcalloc(1, sizeof(*n->files));
	n->kind = NOTIFY_SYSLOG;
	n->timeout_s = (unsigned)opt_duration(c->m, sec, "timeout", 1, 3600,
	    60);
	check_filter(c, sec, n);
	for (int i = 0; i < NOTIFY_KIND_END; i++) {
		if (line_of(sec, kinds[i].key) == 0 &&
		    line_of(sec, kinds[i].twin) == 0)
			continue;
		if (found != -1) {
			opt_mistake(c->m, sec, sec->line, "%s and %s are "
			    "given; allowed: one of them, and another notify "
			    "section for the other", kinds[found].key,
			    kinds[i].key);
			return n;
		}
		found = i;
	}
	if (found == -1) {
		opt_mistake(c->m, sec, sec->line, "it has no channel; "
		    "allowed: one of mail_to, syslog, webhook, exec, "
		    "heartbeat");
		return n;
	}
	n->kind = (enum notify_kind)found;
	check_strangers(c, sec, n->kind);
	kinds[found].check(c, sec, n);
	return n;
}

void
check_free_notify(struct conf_notify *n)
{
	if (n == NULL)
		return;
	free(n->name);
	opt_list_free(n->certs);
	opt_list_free(n->mail_to);
	free(n->mail_from);
	free(n->sendmail);
	free(n->smtp_host);
	free(n->helo);
	free(n->user);
	freezero_str(n->password);
	free(n->ca_file);
	recipe_unref(n->recipe);
	freezero_str(n->url);
	freezero_str(n->secret);
	free(n->chat);
	opt_list_free(n->exec);
	secret_files_clear(n->files);
	free(n->files);
	free(n);
}
