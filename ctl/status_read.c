/* SPDX-License-Identifier: MIT */
#include "ctl/status_read.h"

#include <stdbool.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"

#define LIST "\"certificates\":["

struct reader {
	const struct status_sink *sink;
	bool	 has_begun, has_ended;
};

/* The first line ends where the list begins. */
static int
read_head(struct reader *r, const char *line, size_t len, struct error *err)
{
	bool is_whole = len < strlen(LIST) || strcmp(line + len -
	    strlen(LIST), LIST) != 0;
	char *text = xasprintf("%s%s", line, is_whole ? "" : "]}");
	json_t *j = jsonx_parse(text, strlen(text), err);
	const json_t *cert;
	size_t i;

	free(text);
	if (j == NULL)
		return -1;
	r->has_begun = true;
	r->has_ended = is_whole;
	if (r->sink->rest != NULL)
		r->sink->rest(j, r->sink->arg);
	/* An acmed of before, which has not been started again yet. */
	json_array_foreach(json_object_get(j, "certificates"), i, cert)
		r->sink->cert(cert, r->sink->arg);
	json_decref(j);
	return 0;
}

/* CERT, or CERT and a comma. */
static int
read_cert(struct reader *r, const char *line, size_t len, struct error *err)
{
	json_t *j = jsonx_parse(line, len - (line[len - 1] == ','), err);

	if (j == NULL)
		return -1;
	r->sink->cert(j, r->sink->arg);
	json_decref(j);
	return 0;
}

static int
text_cb(const char *line, size_t len, void *arg, struct error *err)
{
	struct reader *r = arg;

	if (!r->has_begun)
		return read_head(r, line, len, err);
	if (strcmp(line, "]}") == 0)
		r->has_ended = true;
	else if (line[0] == '{' && !r->has_ended)
		return read_cert(r, line, len, err);
	else
		return error_set(err, ERR_REJECTED, CLIENT_REPLY,
		    "the reply is not acmed's");
	return 0;
}

/* 0 with *reply, which is to be cleared. */
static int
call(const struct options *o, const struct status_sink *sink,
    struct client_reply *reply, struct error *err)
{
	struct reader r = { .sink = sink };
	const struct client_request request = {
		.socket = o->socket, .method = "GET", .path = API_PATH_STATUS,
		.text = text_cb, .arg = &r,
	};

	if (client_call(&request, reply, err) == -1)
		return -1;
	if (reply->status != 200 || r.has_ended)
		return 0;
	client_reply_clear(reply);
	return error_set(err, ERR_REJECTED, CLIENT_REPLY,
	    "acmed's reply has no end");
}

int
status_read(const struct options *o, const struct status_sink *sink)
{
	struct client_reply reply;
	struct error err;
	int code;

	if (call(o, sink, &reply, &err) == -1) {
		say_error(err.msg);
		return ask_exit_code(&err);
	}
	code = reply.status == 200 ? EXIT_OK : ask_refused(o, &reply);
	client_reply_clear(&reply);
	return code;
}

int
status_read_quietly(const struct options *o, const struct status_sink *sink,
    struct error *err)
{
	struct client_reply reply;
	int rc;

	if (call(o, sink, &reply, err) == -1)
		return -1;
	rc = reply.status == 200 ? 0 : error_set(err, ERR_REJECTED,
	    CLIENT_REPLY, "acmed refuses");
	client_reply_clear(&reply);
	return rc;
}
