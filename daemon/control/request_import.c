/* SPDX-License-Identifier: MIT */
#include "daemon/control/request_import.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "daemon/accounts/account_import.h"
#include "daemon/control/job.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"
#include "daemon/engine/engine.h"
#include "daemon/manage/manage.h"
#include "daemon/renewal/cert_import.h"

bool
request_may_have_keys(struct call *c)
{
	struct error err;

	if (c->uid == 0 || c->uid == geteuid())
		return true;
	(void)error_set(&err, ERR_CONFIG, API_ERR_FORBIDDEN, "keys are for "
	    "root and the daemon's own user only");
	reply_error(c->req, 403, &err, NULL);
	return false;
}

/* The body, or NULL: jsonx_parse() would show its beginning.  It is not left in
 * the buffer. */
static json_t *
parse(struct call *c)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(c->req);
	size_t len = evbuffer_get_length(in);
	struct error ignored;
	unsigned char *data;
	json_t *body;

	if (len == 0)
		return NULL;
	data = evbuffer_pullup(in, -1);
	body = jsonx_parse((const char *)data, len, &ignored);
	explicit_bzero(data, len);
	return body;
}

void
post_import_account(struct call *c)
{
	struct account_import a = { .name = NULL };
	const json_t *key = NULL;
	struct error err;
	json_t *body;
	int check = 0;

	if (!request_may_have_keys(c))
		return;
	body = parse(c);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s:s, s:o, s?s, s?b}", "account", &a.name,
	    "directory", &a.directory, "key", &key, "kid", &a.kid,
	    "check", &check) == -1 ||
	    (!json_is_string(key) && !json_is_object(key))) {
		bad_request(c, "the request is not {\"account\": NAME, "
		    "\"directory\": URL, \"key\": PEM or JWK, \"kid\": URL, "
		    "\"check\": true or false}");
	} else {
		a.pem = json_string_value(key);
		a.jwk = key;
		a.check = check != 0;
		if (!a.check)
			log_info(NULL, "user id %lu imports the account "
			    "\"%s\"", (unsigned long)c->uid, a.name);
		reply_answer(c, engine_import_account(c->server->engine, &a,
		    &err), &err);
	}
	json_decref(body);
}

void
post_import_cert(struct call *c)
{
	struct cert_import a = { .name = NULL };
	struct error err;
	json_t *body;
	int check = 0;

	if (!request_may_have_keys(c))
		return;
	body = parse(c);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?s, s?s, s?s, s?s, s?s, s:s, s?s, s?s, s?b}", "name",
	    &a.name, "directory", &a.directory, "profile", &a.profile,
	    "renamed_from", &a.renamed_from, "key", &a.key_pem,
	    "csr", &a.csr_pem, "chain", &a.chain_pem, "second_key",
	    &a.second_key_pem, "second_chain", &a.second_chain_pem, "check",
	    &check) == -1 || (a.key_pem != NULL && a.csr_pem != NULL)) {
		bad_request(c, "the request is not {\"name\": NAME, "
		    "\"directory\": URL, \"profile\": NAME, "
		    "\"renamed_from\": NAME, \"key\": PEM or \"csr\": "
		    "PEM, \"chain\": PEM, \"second_key\": PEM, "
		    "\"second_chain\": PEM, \"check\": true or false}");
	} else {
		a.check = check != 0;
		if (!a.check)
			log_info(NULL, "user id %lu imports the certificate "
			    "\"%s\"", (unsigned long)c->uid, a.name);
		reply_answer(c, engine_import_cert(c->server->engine, &a, &err),
		    &err);
	}
	json_decref(body);
}

void
post_export(struct call *c)
{
	const char *name = NULL, *password = NULL;
	struct error err;
	json_t *body;

	if (!request_may_have_keys(c))
		return;
	body = parse(c);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s?s}", "name", &name, "password", &password) == -1) {
		bad_request(c, "the request is not {\"name\": NAME, "
		    "\"password\": TEXT}");
	} else {
		log_notice(NULL, "user id %lu exports the certificate \"%s\" "
		    "with its key%s", (unsigned long)c->uid, name,
		    password == NULL ? ", and its account" : "");
		reply_answer(c, engine_export(c->server->engine, name, password,
		    &err), &err);
	}
	json_decref(body);
}

static void
cancel(void *op)
{
	manage_cancel(op);
}

void
post_adopt_account(struct call *c)
{
	struct manage_args a = { .act = MANAGE_ADOPT };
	const json_t *key = NULL;
	int force = 0;
	json_t *body;
	struct job *j;

	if (!request_may_have_keys(c))
		return;
	body = parse(c);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s:o, s?s, s?b}", "account", &a.name, "key", &key,
	    "directory", &a.directory, "force", &force) == -1 ||
	    (!json_is_string(key) && !json_is_object(key))) {
		bad_request(c, "the request is not {\"account\": NAME, "
		    "\"key\": PEM or JWK, \"directory\": URL, "
		    "\"force\": true or false}");
	} else if ((j = job_begin(c)) != NULL) {
		log_info(NULL, "user id %lu imports a key of account \"%s\"",
		    (unsigned long)c->uid, a.name);
		a.pem = json_string_value(key);
		a.jwk = key;
		a.force = force != 0;
		job_waits(j, cancel, manage_start(engine_manage_jobs(
		    c->server->engine), &a, job_done, j));
	}
	json_decref(body);
}

void
post_export_account(struct call *c)
{
	const char *name = NULL;
	struct error err;
	json_t *body;

	if (!request_may_have_keys(c))
		return;
	body = parse(c);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT, "{s:s}",
	    "account", &name) == -1) {
		bad_request(c, "the request is not {\"account\": NAME}");
	} else {
		log_notice(NULL, "user id %lu exports the account \"%s\" with "
		    "its key", (unsigned long)c->uid, name);
		reply_answer(c, engine_export_account(c->server->engine, name,
		    &err), &err);
	}
	json_decref(body);
}

/* What a body of POST /v1/put asks for. */
struct put {
	const char	*name, *chain, *key;
	int		 follow;
};

/* Begin to listen, then install: no event is missed. */
static void
put(struct call *c, const struct put *p)
{
	struct stream *s = p->follow ? stream_follow(c->server, c->req,
	    json_pack("{s:b}", p->name, 1)) : NULL;
	struct error err;

	if (p->follow && s == NULL)
		return;
	if (engine_put(c->server->engine, p->name, p->chain, p->key,
	    &err) == -1) {
		if (s != NULL)
			stream_abort(s);
		reply_error(c->req, reply_status(&err), &err, NULL);
	} else if (s != NULL) {
		stream_begin(s);
	} else {
		reply_json(c->req, 202, json_pack("{s:[s]}", "started",
		    p->name));
	}
}

void
post_put(struct call *c)
{
	struct put p = { .name = NULL };
	json_t *body;

	if (!request_may_have_keys(c))
		return;
	body = parse(c);
	if (body == NULL || json_unpack_ex(body, NULL, JSON_STRICT,
	    "{s:s, s:s, s:s, s?b}", "name", &p.name, "chain", &p.chain,
	    "key", &p.key, "follow", &p.follow) == -1) {
		bad_request(c, "the request is not {\"name\": NAME, "
		    "\"chain\": PEM, \"key\": PEM, \"follow\": true or "
		    "false}");
	} else {
		log_notice(NULL, "user id %lu hands over a certificate of "
		    "\"%s\"", (unsigned long)c->uid, p.name);
		put(c, &p);
	}
	json_decref(body);
}
