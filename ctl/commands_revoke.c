/* SPDX-License-Identifier: MIT */
/* acmectl revoke. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/api.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/show.h"

/* As openssl(1) and others write a serial number; the caller frees. */
static char *
plain_serial(const char *text)
{
	char *serial = xmalloc(strlen(text) + 1);
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text != ':')
			serial[n++] = (char)tolower((unsigned char)*text);
	}
	serial[n] = '\0';
	return serial;
}

static const char *
reason_of(const struct options *o)
{
	return o->reason != NULL ? o->reason : "unspecified";
}

static const char *
signer_of(const struct options *o)
{
	return o->by != NULL ? o->by : "account";
}

/* The installed one, and which is meant; the caller frees both. */
static int
find_serials(const struct options *o, char **installed, char **serial)
{
	char *path = client_path(API_PATH_CERT, o->names[0]);
	struct client_reply reply;
	int code = ask_get(o, path, &reply);

	free(path);
	if (code != EXIT_OK)
		return code;
	*installed = show_str(reply.body, "serial", "");
	client_reply_clear(&reply);
	*serial = o->serial != NULL ? plain_serial(o->serial) :
	    xstrdup(*installed);
	if (**serial != '\0')
		return EXIT_OK;
	say_error("there is no certificate yet");
	free(*installed);
	free(*serial);
	return EXIT_REFUSED;
}

/* acmed keeps in mind what is to be revoked, whatever becomes of us. */
static int
replace(const struct options *o)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "name",
	    o->names[0], "reason", reason_of(o), "by", signer_of(o),
	    "replace", 1, "follow", 1, "force", o->force);
	const struct client_request request = {
		.socket = o->socket, .method = "POST",
		.path = API_PATH_REVOKE, .body = body,
	};
	char *text;
	int code;

	if (body == NULL) {
		say_error("an argument is not UTF-8");
		return EXIT_USAGE;
	}
	code = follow_events(o, &request, 1, "renewal");
	json_decref(body);
	if (code == EXIT_FAILED) {
		text = xasprintf("nothing was revoked yet, as there is no "
		    "replacement in use: acmed tries again, and revokes then; "
		    "to give that up: acmectl revoke --cancel %s; to revoke "
		    "without one: --only", o->names[0]);
		say_error(text);
		free(text);
	}
	return code;
}

static int
revoke(const struct options *o, const char *serial)
{
	struct client_reply reply;
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:b}", "name",
	    o->names[0], "serial", serial, "reason", reason_of(o), "by",
	    signer_of(o), "only", o->only);
	char *text;
	int code = ask_post(o, API_PATH_REVOKE, body, &reply);

	if (code != EXIT_OK)
		return code == EXIT_REFUSED ? EXIT_FAILED : code;
	if (o->json) {
		print_json(o, reply.body, JSON_COMPACT);
	} else {
		text = xasprintf("certificate %s of %s is revoked", serial,
		    o->names[0]);
		term_wrap(&o->out, TERM_GOOD, 0, 2, text);
		free(text);
	}
	client_reply_clear(&reply);
	return EXIT_OK;
}

/* Misspelt, it is better known before a renewal than after. */
static bool
is_reason(const char *reason)
{
	static const char *const reasons[] = { "unspecified", "keycompromise",
	    "affiliationchanged", "superseded", "cessationofoperation" };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcasecmp(reasons[i], reason) == 0)
			return true;
	}
	return false;
}

static int
cancel_revoke(const struct options *o)
{
	struct client_reply reply;
	int code;

	if (o->only || o->serial != NULL || o->reason != NULL ||
	    o->by != NULL || o->force) {
		say_error("--cancel goes alone");
		return EXIT_USAGE;
	}
	code = ask_post(o, API_PATH_REVOKE, json_pack("{s:s, s:b}", "name",
	    o->names[0], "cancel", 1), &reply);
	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	else
		term_wrap(&o->out, TERM_PLAIN, 0, 2, "the revocation is "
		    "cancelled; a renewal that has begun goes on");
	client_reply_clear(&reply);
	return EXIT_OK;
}

int
cmd_revoke(const struct options *o)
{
	char *installed, *serial;
	bool is_installed;
	int code;

	if (o->cancel)
		return cancel_revoke(o);
	if (o->reason != NULL && !is_reason(o->reason)) {
		say_error("--reason is unspecified, keycompromise, superseded, "
		    "cessationofoperation or affiliationchanged");
		return EXIT_USAGE;
	}
	if (o->by != NULL && strcmp(o->by, "account") != 0 &&
	    strcmp(o->by, "certificate") != 0) {
		say_error("--by is account or certificate");
		return EXIT_USAGE;
	}
	code = find_serials(o, &installed, &serial);
	if (code != EXIT_OK)
		return code;
	is_installed = strcmp(installed, serial) == 0;
	code = ask_confirm(o, xasprintf("%s certificate %s of %s",
	    is_installed && !o->only ? "Replace and revoke" : "Revoke",
	    serial, o->names[0]));
	is_installed &= !o->only;
	if (code == EXIT_OK && is_installed)
		code = replace(o);
	if (code == EXIT_OK) {
		code = revoke(o, serial);
		if (code == EXIT_FAILED && is_installed)
			say_error("acmed revokes it as soon as it can; to see "
			    "when: acmectl status");
	}
	free(installed);
	free(serial);
	return code;
}
