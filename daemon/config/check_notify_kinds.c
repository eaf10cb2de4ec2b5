/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/check_notify.h"
#include "daemon/config/opt.h"
#include "daemon/config/recipe_of.h"
#include "daemon/config/secret_file.h"

#define SECRET_MAX 8192

static const char *const template_names[] = {
	[TEMPLATE_JSON] = "json",
	[TEMPLATE_DINGTALK] = "dingtalk",
	[TEMPLATE_WECOM] = "wecom",
	[TEMPLATE_FEISHU] = "feishu",
	[TEMPLATE_SLACK] = "slack",
	[TEMPLATE_TELEGRAM] = "telegram",
	[TEMPLATE_NTFY] = "ntfy",
};
_Static_assert(sizeof(template_names) / sizeof(template_names[0]) ==
    TEMPLATE_END, "template_names");

static const struct { const char *name; int facility; } facilities[] = {
	{ "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV },
	{ "cron", LOG_CRON }, { "daemon", LOG_DAEMON },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
	{ "mail", LOG_MAIL }, { "user", LOG_USER },
};

/* NAME, or what is in the file of NAME_file, for *slot; none, or told: NULL. */
static void
secret(struct check *c, const struct section *sec, const char *key,
    struct conf_notify *n, char **slot)
{
	char *file_key = xasprintf("%s_file", key);
	const struct value *v = tree_value(sec, key);
	const struct value *file = tree_value(sec, file_key);
	char *path;
	struct error err;

	if (v != NULL && file != NULL) {
		opt_mistake(c->m, sec, file->line, "%s and %s are given; "
		    "allowed: one of them", key, file_key);
	} else if (file != NULL) {
		path = opt_file(c->m, sec, file_key);
		if (path != NULL && secret_files_add(n->files, slot, path,
		    SECRET_MAX, false, &err) == -1)
			opt_mistake(c->m, sec, file->line, "%s: %s", file_key,
			    err.msg);
		else if (path != NULL)
			check_hash_secret(c, *slot);
		free(path);
	} else if (v != NULL && opt_is_open(sec)) {
		opt_refuse_open(c->m, sec, v->line, key);
	} else if (v != NULL) {
		*slot = opt_secret(c->m, sec, key, v);
	}
	free(file_key);
}

/* --- mail --- */

/* NAME@DOMAIN in ASCII, without a line end or a bracket. */
static bool
is_mail_address(const char *s)
{
	const char *at = strrchr(s, '@');

	if (at == NULL || at == s || at[1] == '\0' || strlen(s) > 254)
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f ||
		    strchr("<>()[],;:\\\"", *s) != NULL)
			return false;
	}
	return true;
}

static void
check_addresses(struct check *c, const struct section *sec, const char *key)
{
	const struct item *item = tree_item(sec, key);

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		if (!is_mail_address(item->values[i]->text))
			opt_refuse(c->m, sec, key, item->values[i],
			    "NAME@DOMAIN in ASCII, one address in each");
	}
	if (item != NULL && item->n == 0)
		opt_mistake(c->m, sec, sec->line, "%s is empty; allowed: "
		    "addresses", key);
}

/* SCHEME://HOST[:PORT][/]; -1 unless it is that. */
static int
parse_server(const char *text, struct conf_notify *n, bool *is_tls)
{
	const char *host, *end;
	long port = 0;
	char *rest;

	*is_tls = strncasecmp(text, "smtps://", 8) == 0;
	if (!*is_tls && strncasecmp(text, "smtp://", 7) != 0)
		return -1;
	host = text + (*is_tls ? 8 : 7);
	if (*host == '[') {
		host++;
		end = host + strspn(host, "0123456789abcdefABCDEF:.");
		if (*end != ']')
			return -1;
		n->smtp_host = xstrndup(host, (size_t)(end - host));
		end++;
	} else {
		end = host + strspn(host, "0123456789.-_"
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		n->smtp_host = xstrndup(host, (size_t)(end - host));
	}
	if (n->smtp_host[0] == '\0')
		return -1;
	if (*end == ':') {
		port = strtol(end + 1, &rest, 10);
		if (port < 1 || port > 65535 || end[1] < '0' || end[1] > '9')
			return -1;
		end = rest;
	}
	n->smtp_port = (unsigned)port;
	return *end == '\0' || strcmp(end, "/") == 0 ? 0 : -1;
}

/* What is said to it leaves this machine nowhere. */
static bool
is_loopback(const char *host)
{
	return host != NULL && (strcasecmp(host, "localhost") == 0 ||
	    strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0);
}

/* A name with a dot, or an address in brackets (RFC 5321 section 4.1.3). */
static void
check_helo(struct check *c, const struct section *sec, struct conf_notify *n)
{
	const struct value *v = tree_value(sec, "helo");
	char name[DNAME_SIZE] = "";
	struct error err;
	size_t len;

	n->helo = opt_text(c->m, sec, "helo");
	if (n->helo == NULL)
		return;
	len = strspn(n->helo, "[0123456789abcdefABCDEFIPv:.");
	if (n->helo[0] == '[' && len > 1 && strcmp(n->helo + len, "]") == 0)
		return;
	if (dname_normalize(n->helo, true, false, name, &err) == -1)
		opt_refuse(c->m, sec, "helo", v, "a full name such as "
		    "mail.example.com, or an address such as [192.0.2.1]");
	free(n->helo);
	n->helo = xstrdup(name);
}

static void
check_starttls(struct check *c, const struct section *sec,
    struct conf_notify *n, bool is_tls)
{
	static const struct { const char *word; enum smtp_tls tls; } words[] = {
		{ "required", SMTP_STARTTLS },
		{ "if-offered", SMTP_STARTTLS_OFFERED },
		{ "none", SMTP_PLAIN },
	};
	const struct value *v = tree_value(sec, "starttls");
	bool found = false;

	n->smtp_tls = is_tls ? SMTP_TLS : SMTP_STARTTLS;
	/* The MTA of this machine rarely has a certificate for this name. */
	if (v == NULL && !is_tls && n->user == NULL && n->ca_file == NULL &&
	    is_loopback(n->smtp_host))
		n->smtp_tls = SMTP_STARTTLS_UNCHECKED;
	if (v == NULL)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(v->text, words[i].word) == 0) {
			n->smtp_tls = words[i].tls;
			found = true;
		}
	}
	if (n->smtp_tls == SMTP_STARTTLS_OFFERED && n->ca_file == NULL &&
	    is_loopback(n->smtp_host))
		n->smtp_tls = SMTP_STARTTLS_UNCHECKED;
	if (!found)
		opt_refuse(c->m, sec, "starttls", v,
		    "required, if-offered, none");
	if (is_tls)
		opt_mistake(c->m, sec, v->line, "starttls is for smtp://; "
		    "with smtps:// everything is encrypted");
}

static void
check_smtp(struct check *c, const struct section *sec, struct conf_notify *n)
{
	const struct value *v = tree_value(sec, "smtp");
	char *server = opt_text(c->m, sec, "smtp");
	bool is_tls = true;

	if (server == NULL)
		server = xstrdup("smtp://localhost");
	if (parse_server(server, n, &is_tls) == -1)
		opt_refuse(c->m, sec, "smtp", v, "smtps://HOST, smtp://HOST, "
		    "each with :PORT or without");
	n->user = opt_text(c->m, sec, "user");
	check_starttls(c, sec, n, is_tls);
	check_helo(c, sec, n);
	secret(c, sec, "password", n, &n->password);
	if (n->smtp_port == 0)
		n->smtp_port = is_tls ? 465 : n->user != NULL ? 587 : 25;
	if (n->user != NULL && tree_value(sec, "password") == NULL &&
	    tree_value(sec, "password_file") == NULL)
		opt_mistake(c->m, sec, tree_value(sec, "user")->line,
		    "user is given, password_file is missing");
	else if (n->user == NULL && n->password != NULL)
		opt_mistake(c->m, sec, sec->line,
		    "a password is given, user is missing");
	if (n->user != NULL && n->smtp_host != NULL &&
	    !is_loopback(n->smtp_host) &&
	    (n->smtp_tls == SMTP_PLAIN ||
	    n->smtp_tls == SMTP_STARTTLS_OFFERED))
		opt_mistake(c->m, sec, tree_value(sec, "starttls")->line,
		    "the password would be sent unencrypted; allowed: "
		    "starttls = \"required\", or no user");
	free(server);
}

void
check_notify_mail(struct check *c, const struct section *sec,
    struct conf_notify *n)
{
	static const char *const smtp_keys[] = { "smtp", "starttls", "helo",
	    "user", "password", "password_file" };
	const struct value *v = tree_value(sec, "sendmail");

	n->mail_to = opt_list(c->m, sec, "mail_to");
	check_addresses(c, sec, "mail_to");
	n->mail_from = opt_text(c->m, sec, "mail_from");
	check_addresses(c, sec, "mail_from");
	n->ca_file = opt_ca_file(c->m, sec);
	if (v == NULL) {
		if (tree_value(sec, "smtp") == NULL)
			opt_mistake(c->m, sec, sec->line, "smtp is missing; "
			    "allowed: smtp = \"smtps://HOST\", or sendmail = "
			    "\"/usr/sbin/sendmail\"");
		else
			check_smtp(c, sec, n);
		return;
	}
	n->sendmail = opt_text(c->m, sec, "sendmail");
	if (n->sendmail != NULL && n->sendmail[0] != '/')
		opt_refuse(c->m, sec, "sendmail", v, "an absolute path");
	else if (n->sendmail != NULL)
		check_program(c, sec, "sendmail", n->sendmail, v->line);
	for (size_t i = 0; i < sizeof(smtp_keys) / sizeof(smtp_keys[0]); i++) {
		const struct value *other = tree_value(sec, smtp_keys[i]);

		if (other != NULL)
			opt_mistake(c->m, sec, other->line, "%s and sendmail "
			    "are given; allowed: one of them", smtp_keys[i]);
	}
}

/* --- syslog --- */

void
check_notify_syslog(struct check *c, const struct section *sec,
    struct conf_notify *n)
{
	const struct value *v = tree_value(sec, "syslog");

	n->facility = -1;
	for (size_t i = 0; v != NULL &&
	    i < sizeof(facilities) / sizeof(facilities[0]); i++) {
		if (strcmp(facilities[i].name, v->text) == 0)
			n->facility = facilities[i].facility;
	}
	if (n->facility == -1 && v != NULL)
		opt_refuse(c->m, sec, "syslog", v, "a facility: auth, "
		    "authpriv, cron, daemon, local0 to local7, mail, user");
}

/* --- webhook, heartbeat --- */

static bool
is_url(const char *url)
{
	const char *rest = strncasecmp(url, "https://", 8) == 0 ? url + 8 :
	    strncasecmp(url, "http://", 7) == 0 ? url + 7 : "";

	return *rest != '\0' && *rest != '/' &&
	    strpbrk(url, " \"<>\\^`{|}") == NULL;
}

static int
check_again(const void *arg, struct error *err)
{
	const struct conf_notify *n = arg;

	if (n->url == NULL || is_url(n->url))
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "what its file has "
	    "now is not a URL; allowed: https://..., and http://... in a "
	    "network of your own");
}

int
conf_notify_look(const struct conf_notify *n, struct error *err)
{
	return secret_files_look(n->files, check_again, n, err);
}

/* It is a secret: never shown. */
static void
check_url(struct check *c, const struct section *sec, const char *key,
    const char *url)
{
	if (url != NULL && !is_url(url))
		opt_mistake(c->m, sec, sec->line, "%s is not a URL; allowed: "
		    "https://..., and http://... in a network of your own",
		    key);
}

/* secret and chat, as the file of the template wants them. */
static void
check_wants(struct check *c, const struct section *sec,
    const struct conf_notify *n)
{
	static const char *const keys[] = { "secret", "chat" };

	for (size_t i = 0; i < 2; i++) {
		bool is_given = i == 0 ? n->secret != NULL : n->chat != NULL;
		const struct provider_opt *o = n->recipe->opts;

		while (o->name != NULL && strcmp(o->name, keys[i]) != 0)
			o++;
		if (o->name != NULL && o->required && !is_given)
			opt_mistake(c->m, sec, sec->line, "%s is missing "
			    "(%s)", keys[i], o->help);
		else if (o->name == NULL && is_given)
			opt_mistake(c->m, sec, sec->line, "the template %s "
			    "has no %s", n->recipe->name, keys[i]);
	}
}

/* One that is built in; -1: it is none. */
static int
find_template(const char *name)
{
	for (int i = 0; i < TEMPLATE_END; i++) {
		if (strcmp(template_names[i], name) == 0)
			return i;
	}
	return -1;
}

void
check_notify_webhook(struct check *c, const struct section *sec,
    struct conf_notify *n)
{
	const struct value *v = tree_value(sec, "template");
	int found = v == NULL ? TEMPLATE_JSON : find_template(v->text);

	secret(c, sec, "webhook", n, &n->url);
	check_url(c, sec, "webhook", n->url);
	secret(c, sec, "secret", n, &n->secret);
	n->ca_file = opt_ca_file(c->m, sec);
	n->chat = opt_text(c->m, sec, "chat");
	if (found == -1) {
		n->recipe = check_recipe_of(c, sec, RECIPE_MESSAGE, v->text,
		    v->line);
		if (n->recipe != NULL)
			check_wants(c, sec, n);
		return;
	}
	n->template = (enum notify_template)found;
	if (n->template == TEMPLATE_TELEGRAM && n->chat == NULL)
		opt_mistake(c->m, sec, sec->line, "chat is missing: the "
		    "number of the chat, or @CHANNEL");
	if (n->template != TEMPLATE_TELEGRAM && n->chat != NULL)
		opt_mistake(c->m, sec, tree_value(sec, "chat")->line,
		    "chat is for template = \"telegram\"");
	if (n->secret != NULL && (n->template == TEMPLATE_WECOM ||
	    n->template == TEMPLATE_SLACK ||
	    n->template == TEMPLATE_TELEGRAM))
		opt_mistake(c->m, sec, sec->line, "%s has no secret other "
		    "than its URL; secret is for json, dingtalk, feishu and "
		    "ntfy", template_names[n->template]);
}

void
check_notify_heartbeat(struct check *c, const struct section *sec,
    struct conf_notify *n)
{
	secret(c, sec, "heartbeat", n, &n->url);
	check_url(c, sec, "heartbeat", n->url);
	n->ca_file = opt_ca_file(c->m, sec);
	n->interval_s = opt_duration(c->m, sec, "interval", 1, 86400, 3600);
}

/* --- exec --- */

void
check_notify_exec(struct check *c, const struct section *sec,
    struct conf_notify *n)
{
	const struct item *item = tree_item(sec, "exec");

	n->exec = opt_list(c->m, sec, "exec");
	if (item != NULL && item->n == 0)
		opt_mistake(c->m, sec, sec->line, "exec is empty; allowed: "
		    "exec = { \"PROGRAM\", \"ARGUMENT\", ... }");
	else if (n->exec[0] != NULL && n->exec[0][0] != '/' &&
	    strpbrk(n->exec[0], "/ ") != NULL)
		opt_refuse(c->m, sec, "exec", item->values[0],
		    "program and arguments one by one; the program an "
		    "absolute path, or a name in the search path");
	else if (n->exec[0] != NULL)
		check_program(c, sec, "exec", n->exec[0],
		    item->values[0]->line);
}
