/* SPDX-License-Identifier: MIT */
/* What a person decides about a certificate: pause, resume, delete. */
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/persist.h"
#include "ctl/show.h"

/* One request; body is taken.  With --json the reply is printed. */
static int
post(const struct options *o, const char *path, json_t *body)
{
	struct client_reply reply;
	int code = ask_post(o, path, body, &reply);

	if (code != EXIT_OK)
		return code;
	if (o->json)
		print_json(o, reply.body, JSON_INDENT(2));
	client_reply_clear(&reply);
	return EXIT_OK;
}

static void
say(const struct options *o, char *text /* taken */)
{
	if (!o->json)
		term_wrap(&o->out, TERM_PLAIN, 0, 2, text);
	free(text);
}

int
cmd_pause(const struct options *o)
{
	const char *name = o->names[0];
	char when[SHOW_WHEN_MAX];
	time_t now = clock_now(), until = 0;
	int code;

	if (o->until != NULL && persist_parse_until(o->until, now, &until) ==
	    -1) {
		say_error("--until needs a future date (2027-12-31) or a "
		    "span (30d)");
		return EXIT_USAGE;
	}
	code = post(o, API_PATH_PAUSE, json_pack("{s:s, s:I}", "name", name,
	    "until", (json_int_t)until));
	if (code == EXIT_OK && until != 0)
		say(o, xasprintf("%s is not renewed until %s", name,
		    show_when(now, until, when)));
	else if (code == EXIT_OK)
		say(o, xasprintf("%s is not renewed until: acmectl resume %s",
		    name, name));
	return code;
}

int
cmd_resume(const struct options *o)
{
	int code = post(o, API_PATH_RESUME, json_pack("{s:s}", "name",
	    o->names[0]));

	if (code == EXIT_OK)
		say(o, xasprintf("%s is renewed again when it is due",
		    o->names[0]));
	return code;
}

int
cmd_delete(const struct options *o)
{
	const char *name = o->names[0];
	int code = ask_confirm(o, xasprintf("Delete all versions of %s, with "
	    "their keys, and its history", name));

	if (code != EXIT_OK)
		return code;
	code = post(o, API_PATH_DELETE, json_pack("{s:s}", "name", name));
	if (code == EXIT_OK)
		say(o, xasprintf("%s is deleted", name));
	return code;
}

int
cmd_rollout(const struct options *o)
{
	const char *name = o->names[0], *what = o->names[1];
	int code;

	if (strcmp(what, "continue") != 0 && strcmp(what, "stop") != 0 &&
	    strcmp(what, "rollback") != 0) {
		say_error("allowed: rollout NAME continue, stop or rollback");
		return EXIT_USAGE;
	}
	code = post(o, API_PATH_ROLLOUT, json_pack("{s:s, s:s}", "name",
	    name, "do", what));
	if (code == EXIT_OK)
		say(o, xasprintf("%s: %s; see: acmectl status %s", name,
		    what[0] == 'c' ? "the next wave may take it" :
		    what[0] == 's' ? "no further wave is opened" :
		    "rolling back", name));
	return code;
}
