/* SPDX-License-Identifier: MIT */
/* How the names are proved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/add/plan.h"
#include "ctl/ask.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/prompt.h"

#define HTTP_01 "http-01"
#define TLS_ALPN_01 "tls-alpn-01"
#define DNS_01 "dns-01"

static bool
has_wildcard(const struct plan *p)
{
	for (char **s = p->names; *s != NULL; s++) {
		if (dname_is_wildcard(*s))
			return true;
	}
	return false;
}

static int
refuse(const char *text)
{
	say_error(text);
	return EXIT_USAGE;
}

static bool
is_type(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

/* What acmed listens on for a challenge, as the configuration says. */
static const char *
listen_key(const char *challenge)
{
	return is_type(challenge, HTTP_01) ? "http_listen" :
	    "tls_alpn_listen";
}

static bool
listens(const struct plan *p, const char *challenge)
{
	return json_array_size(json_object_get(p->conf,
	    listen_key(challenge))) > 0;
}

/* The line that has acmed listen, in a file of its own: it is for all. */
static void
add_listen(struct plan *p)
{
	const char *key = listen_key(p->challenge);
	char *comment = plan_comment(p, "where acmed answers challenges");
	struct conf_text *t = conf_text_new(comment);

	free(comment);
	if (p->o->listen[1] == NULL)
		conf_text_value(t, key, p->o->listen[0]);
	else
		conf_text_list(t, key, p->o->listen);
	(void)conf_batch_file(p->batch, is_type(p->challenge, HTTP_01) ?
	    "http-listen" : "tls-alpn-listen", conf_text_take(t));
}

static int
ask_webroot(struct plan *p)
{
	p->webroot = prompt_line("Directory that it serves",
	    "/var/www/html");
	return p->webroot != NULL ? EXIT_OK : EXIT_USAGE;
}

/* acmed itself is to answer. */
static int
use_listener(struct plan *p)
{
	char *text;

	if (p->o->listen != NULL && listens(p, p->challenge)) {
		text = xasprintf("--listen: acmed has %s already; change it "
		    "there", listen_key(p->challenge));
		say_error(text);
		free(text);
		return EXIT_USAGE;
	}
	if (p->o->listen != NULL) {
		add_listen(p);
		return EXIT_OK;
	}
	if (listens(p, p->challenge))
		return EXIT_OK;
	if (is_type(p->challenge, HTTP_01) && p->can_ask)
		return ask_webroot(p);
	if (is_type(p->challenge, HTTP_01))
		return refuse("who answers on port 80? --webroot DIR if a web "
		    "server does; if nobody does, acmed itself: systemctl "
		    "stop acmed && systemctl enable --now acmed-http.socket "
		    "&& systemctl start acmed, and repeat this with --listen "
		    "systemd");
	return refuse("who answers acme-tls/1 on port 443? --listen "
	    "127.0.0.1:10443 if your server passes it on to there "
	    "(doc/tls-alpn-01.md); if nobody uses the port, acmed itself: "
	    "systemctl stop acmed && systemctl enable --now "
	    "acmed-alpn.socket && systemctl start acmed, and repeat this "
	    "with --listen systemd");
}

static int
ask_challenge(struct plan *p)
{
	bool has_alpn = listens(p, TLS_ALPN_01);
	char *answer;
	int which = 0;

	if (has_wildcard(p)) {
		(void)fputs("A wildcard is proved through the DNS.\n",
		    stderr);
		return plan_ask_provider(p);
	}
	while (which == 0) {
		(void)fprintf(stderr, "How are the names proved?\n"
		    "  1  by files that the web server on port 80 serves\n"
		    "  2  by TXT records in the DNS\n%s", has_alpn ?
		    "  3  by acme-tls/1 on port 443\n" : "");
		answer = prompt_line(has_alpn ? "1, 2 or 3" : "1 or 2", "1");
		if (answer == NULL)
			return EXIT_USAGE;
		if (answer[0] != '\0' && answer[1] == '\0' &&
		    strchr(has_alpn ? "123" : "12", answer[0]) != NULL)
			which = answer[0] - '0';
		free(answer);
	}
	if (which == 2)
		return plan_ask_provider(p);
	p->challenge = which == 3 ? TLS_ALPN_01 : HTTP_01;
	return which == 3 ? EXIT_OK : ask_webroot(p);
}

/* Do the options go together?  Sets what they say of the challenge. */
static int
check_options(struct plan *p)
{
	const struct options *o = p->o;
	const char *type = o->challenge;

	if (type != NULL && !is_type(type, HTTP_01) && !is_type(type,
	    TLS_ALPN_01) && !is_type(type, DNS_01))
		return refuse("--challenge: http-01, tls-alpn-01 or dns-01 (of "
		    "dns-persist-01 see: acmectl persist --help)");
	if (o->webroot != NULL && o->provider != NULL)
		return refuse("--webroot and --provider are two ways of "
		    "proving the names: use one of them");
	if (o->webroot != NULL && type != NULL && !is_type(type, HTTP_01))
		return refuse("--webroot is for --challenge http-01");
	if (o->provider != NULL && type != NULL && !is_type(type, DNS_01))
		return refuse("--provider is for --challenge dns-01");
	if (o->option != NULL && o->provider == NULL)
		return refuse("--option is for a new --provider TYPE");
	if (o->listen != NULL && (type == NULL || is_type(type, DNS_01) ||
	    o->webroot != NULL))
		return refuse("--listen is for --challenge tls-alpn-01, or "
		    "http-01 without --webroot");
	p->challenge = is_type(type, TLS_ALPN_01) ? TLS_ALPN_01 :
	    is_type(type, HTTP_01) || o->webroot != NULL ? HTTP_01 : NULL;
	if (p->challenge != NULL && has_wildcard(p))
		return refuse("a wildcard is proved through the DNS only: "
		    "--provider TYPE instead");
	return EXIT_OK;
}

int
plan_challenge(struct plan *p)
{
	const json_t *providers = json_object_get(p->conf, "providers");
	const struct options *o = p->o;
	int code = check_options(p);

	if (code != EXIT_OK)
		return code;
	if (o->webroot != NULL) {
		p->webroot = xstrdup(o->webroot);
		return EXIT_OK;
	}
	if (p->challenge != NULL)
		return use_listener(p);
	if (o->provider != NULL)
		return plan_use_provider(p, o->provider);
	if (p->can_ask)
		return o->challenge != NULL ? plan_ask_provider(p) :
		    ask_challenge(p);
	if (json_array_size(providers) == 1) {
		p->provider = xstrdup(jsonx_str(json_array_get(providers, 0),
		    "name"));
		return EXIT_OK;
	}
	return refuse("how are the names proved? --webroot DIR, --provider "
	    "TYPE (see: acmectl providers), or --challenge TYPE");
}
