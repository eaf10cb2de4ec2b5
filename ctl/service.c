/* SPDX-License-Identifier: MIT */
#include "ctl/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/spawn.h"

#define UNIT "acmed.service"

/* Is it ours to start: the socket of the unit, and a systemd to ask? */
static bool
can_start(const struct options *o)
{
	return geteuid() == 0 && strcmp(o->socket, API_SOCKET) == 0 &&
	    access("/run/systemd/system", F_OK) == 0;
}

static int
start(const struct options *o)
{
	const char *argv[] = { "systemctl", "enable", "--now", UNIT, NULL };
	struct error err;
	char *output = NULL, *text;
	int rc;

	if (!o->json)
		(void)fputs("acmed is not running; starting it: systemctl "
		    "enable --now " UNIT "\n", stderr);
	rc = spawn_wait(argv, &output, &err);
	if (rc == 0) {
		free(output);
		return EXIT_OK;
	}
	text = rc == -1 ? xstrdup(err.msg) : xasprintf("systemctl failed: "
	    "%.*s; see: journalctl -u acmed", (int)strcspn(output, "\n"),
	    output);
	say_error(text);
	free(text);
	free(output);
	return EXIT_NOT_RUNNING;
}

int
service_configuration(const struct options *o, json_t **conf)
{
	const struct client_request request = {
		.socket = o->socket, .method = "GET", .path = API_PATH_CONF,
	};
	struct client_reply reply;
	struct error err;
	int code;

	if (client_call(&request, &reply, &err) == -1) {
		if (strcmp(err.code, CLIENT_NOT_RUNNING) != 0 ||
		    !can_start(o)) {
			say_error(err.msg);
			return ask_exit_code(&err);
		}
		code = start(o);
		if (code != EXIT_OK)
			return code;
		/* It says that it is ready when it listens. */
		code = ask(o, &request, &reply);
		if (code != EXIT_OK)
			return code;
	} else if (reply.status != 200) {
		code = ask_refused(o, &reply);
		client_reply_clear(&reply);
		return code;
	}
	*conf = reply.body;
	return EXIT_OK;
}

char *
service_main_file(const struct options *o, const json_t *conf)
{
	const char *file = o->conf != NULL ? o->conf : jsonx_str(conf,
	    "file");

	if (file != NULL && file[0] == '/')
		return xstrdup(file);
	say_error("acmed was started with a relative path to its "
	    "configuration: say --config /PATH/TO/acmed.conf");
	return NULL;
}
