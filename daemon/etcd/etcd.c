/* SPDX-License-Identifier: MIT */
#include "daemon/etcd/etcd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/etcd/etcd_priv.h"
#include "daemon/rest/run.h"
#include "daemon/rest/sign.h"

#define REPLY_MAX	65536
#define TRY_LEAST_MS	2000	/* so long each member may take */

/* google.golang.org/grpc/codes, as the gateway has them in "code". */
enum grpc {
	GRPC_INVALID = 3,
	GRPC_DEADLINE = 4,
	GRPC_DENIED = 7,
	GRPC_EXHAUSTED = 8,
	GRPC_PRECONDITION = 9,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16
};

/* What is known of a cluster; one for each set of members and user. */
struct session {
	LIST_ENTRY(session) entry;
	char		*key;
	char		*token;		/* NULL: to be asked for */
	size_t		 member;	/* that answered last */
};

struct etcd {
	struct loop	*loop;
	struct http	*http;
	LIST_HEAD(, session) sessions;
};

struct etcd_op {
	struct etcd	*e;
	struct etcd_args a;
	struct session	*session;
	const char	*path;
	json_t		*body;
	json_t		*reply;		/* owned */
	size_t		 n_members;
	size_t		 passed;	/* members */
	bool		 is_stale;	/* the token was refused */
	bool		 is_renewed;	/* ... once in this call */
	struct rest_op	*rest;
	etcd_done_cb	*done;
	void		*arg;
};

static size_t
count(char *const *members)
{
	size_t n = 0;

	while (members[n] != NULL)
		n++;
	return n;
}

static struct session *
session_of(struct etcd *e, const struct conf_etcd *conf)
{
	char *key = xstrdup(conf->user != NULL ? conf->user : "");
	struct session *s;

	for (char **m = conf->members; *m != NULL; m++) {
		char *longer = xasprintf("%s\n%s", key, *m);

		free(key);
		key = longer;
	}
	LIST_FOREACH(s, &e->sessions, entry) {
		if (strcmp(s->key, key) == 0) {
			free(key);
			return s;
		}
	}
	s = xcalloc(1, sizeof(*s));
	s->key = key;
	/* Not all hosts of a fleet at the first of the list. */
	s->member = arc4random_uniform((uint32_t)count(conf->members));
	LIST_INSERT_HEAD(&e->sessions, s, entry);
	return s;
}

struct etcd *
etcd_new(struct loop *loop, struct http *http)
{
	struct etcd *e = xcalloc(1, sizeof(*e));

	e->loop = loop;
	e->http = http;
	LIST_INIT(&e->sessions);
	return e;
}

void
etcd_free(struct etcd *e)
{
	struct session *s;

	if (e == NULL)
		return;
	while ((s = LIST_FIRST(&e->sessions)) != NULL) {
		LIST_REMOVE(s, entry);
		freezero_str(s->token);
		free(s->key);
		free(s);
	}
	free(e);
}

void
etcd_log_in_anew(struct etcd *e)
{
	struct session *s;

	LIST_FOREACH(s, &e->sessions, entry) {
		freezero_str(s->token);
		s->token = NULL;
	}
}

void
etcd_where(struct etcd *e, const struct conf_etcd *conf, const char **member,
    const char **token)
{
	const struct session *s = session_of(e, conf);

	*member = conf->members[s->member];
	*token = s->token;
}

struct http *
etcd_http(const struct etcd *e)
{
	return e->http;
}

void
etcd_pass(struct etcd *e, const struct conf_etcd *conf)
{
	struct session *s = session_of(e, conf);

	s->member = (s->member + 1) % count(conf->members);
}

/* --- requests and answers --- */

static void
start(const struct etcd_op *op, struct preq *rq, const char *path)
{
	preq_base(rq, op->a.conf->members[op->session->member]);
	preq_start(rq, "POST", path);
}

static int
login_request(void *user, struct preq *rq, struct error *err)
{
	struct etcd_op *op = user;
	const struct conf_etcd *conf = op->a.conf;
	char *password;

	if (conf->user == NULL || op->session->token != NULL)
		return 0;
	if (file_read_secret(conf->password_file, FILE_SECRET_MAX, &password,
	    err) == -1)
		return -1;
	start(op, rq, "/v3/auth/authenticate");
	preq_json(rq, json_pack("{s:s, s:s}", "name", conf->user, "password",
	    password));
	freezero_str(password);
	return 0;
}

static enum rest_next
login_reply(void *user, const struct rest_answer *a, struct error *err)
{
	struct etcd_op *op = user;
	const char *token = jsonx_str(a->json, "token");

	if (token == NULL) {
		(void)error_set(err, ERR_REJECTED, "etcd:refused",
		    "etcd answers the login without a token");
		return REST_FAIL;
	}
	freezero_str(op->session->token);
	op->session->token = xstrdup(token);
	return REST_NEXT;
}

static int
call_request(void *user, struct preq *rq, struct error *err)
{
	struct etcd_op *op = user;

	(void)err;
	start(op, rq, op->path);
	if (op->session->token != NULL)
		preq_secret_header(rq, "Authorization", op->session->token);
	preq_json(rq, json_incref(op->body));
	return 0;
}

static enum rest_next
call_reply(void *user, const struct rest_answer *a, struct error *err)
{
	struct etcd_op *op = user;

	if (!json_is_object(a->json)) {
		(void)error_set(err, ERR_REJECTED, "etcd:refused",
		    "this is no answer of etcd's");
		return REST_FAIL;
	}
	op->reply = json_deep_copy(a->json);
	return REST_DONE;
}

static const struct rest_step steps[] = {
	{ .name = "log in", .request = login_request, .reply = login_reply },
	{ .name = "", .request = call_request, .reply = call_reply },
	{ .name = NULL }
};

/* Those of code 3 that are not about the request. */
static bool
is_about_user(const char *words)
{
	return strstr(words, "authentication failed") != NULL ||
	    strstr(words, "user name is empty") != NULL ||
	    strstr(words, "authentication is not enabled") != NULL;
}

static const char *
judge(int64_t code, const char *words, enum err_kind *kind)
{
	*kind = ERR_TRANSIENT;
	switch (code) {
	case GRPC_EXHAUSTED:
		return strstr(words, "space exceeded") != NULL ?
		    "etcd:space" : "etcd:unavailable";
	case GRPC_DEADLINE:
	case GRPC_PRECONDITION:
	case GRPC_UNAVAILABLE:
		return "etcd:unavailable";
	case GRPC_INVALID:
		if (!is_about_user(words))
			break;
		/* FALLTHROUGH */
	case GRPC_DENIED:
	case GRPC_UNAUTHENTICATED:
		*kind = ERR_CONFIG;
		return "etcd:denied";
	}
	*kind = ERR_REJECTED;
	return "etcd:refused";
}

static const char *
hint(const char *code, const char *words)
{
	if (strcmp(code, "etcd:space") == 0)
		return "; make room with etcdctl compact and etcdctl defrag, "
		    "then etcdctl alarm disarm";
	if (strstr(words, "user name is empty") != NULL)
		return "; set user and password_file";
	if (strstr(words, "permission denied") != NULL)
		return "; see etcdctl role grant-permission";
	/* With client-cert-auth and users, the gateway refuses such. */
	if (strstr(words, "CommonName of client") != NULL)
		return "; use a cert_file whose subject has no CN";
	return "";
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	struct etcd_op *op = user;
	char words[REST_WORDS_MAX];
	int64_t grpc = jsonx_int(a->json, "code", -1);
	const char *member = op->a.conf->members[op->session->member], *code;
	enum err_kind kind;

	rest_vendor_words(a, words);
	if (grpc == -1) {
		/* Something before etcd's API: its status tells. */
		(void)error_set(err, err->kind, err->kind == ERR_TRANSIENT ?
		    "etcd:unavailable" : "etcd:refused", "%s: HTTP %d: %s%s",
		    member, a->status, words, hint("", words));
		return;
	}
	op->is_stale = grpc == GRPC_UNAUTHENTICATED ||
	    strstr(words, "revision of auth store is old") != NULL;
	code = judge(grpc, words, &kind);
	(void)error_set(err, kind, code, "%s: %s%s", member, words,
	    hint(code, words));
}

/* --- one call --- */

static void	try(struct etcd_op *);

static void
finish(struct etcd_op *op, const struct error *err)
{
	op->done(err, err == NULL ? op->reply : NULL, op->arg);
	etcd_cancel(op);
}

static bool
may_renew(struct etcd_op *op)
{
	if (!op->is_stale || op->is_renewed || op->a.conf->user == NULL)
		return false;
	op->is_stale = false;
	op->is_renewed = true;
	freezero_str(op->session->token);
	op->session->token = NULL;
	return true;
}

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct etcd_op *op = arg;

	op->rest = NULL;
	if (end == REST_DONE) {
		finish(op, NULL);
	} else if (may_renew(op)) {
		try(op);
	} else if (err->kind == ERR_TRANSIENT &&
	    strcmp(err->code, "etcd:space") != 0 &&
	    ++op->passed < op->n_members) {
		op->session->member = (op->session->member + 1) %
		    op->n_members;
		try(op);
	} else {
		(void)error_wrap(err, "etcd");
		finish(op, err);
	}
}

static void
try(struct etcd_op *op)
{
	unsigned ms = op->a.timeout_ms / (unsigned)op->n_members;
	unsigned least = op->a.try_ms != 0 ? op->a.try_ms : TRY_LEAST_MS;

	/* The configuration may be another since, and the session the same. */
	op->session->member %= op->n_members;
	if (ms < least)
		ms = least;
	op->rest = rest_start(&(struct rest_args){
	    .loop = op->e->loop, .http = op->e->http, .steps = steps,
	    .user = op, .allow_http = true, .ca_file = op->a.conf->ca_file,
	    .cert_file = op->a.conf->cert_file,
	    .key_file = op->a.conf->key_file,
	    .max_reply = op->a.max_reply != 0 ? op->a.max_reply : REPLY_MAX,
	    .timeout_ms = ms, .is_idempotent = true,
	    .urgent = op->a.urgent, .failed = failed },
	    rest_done, op);
}

struct etcd_op *
etcd_call_start(struct etcd *e, const struct etcd_args *a, const char *path,
    json_t *body, etcd_done_cb *done, void *arg)
{
	struct etcd_op *op = xcalloc(1, sizeof(*op));

	op->e = e;
	op->a = *a;
	op->session = session_of(e, a->conf);
	op->path = path;
	op->body = body;
	op->n_members = count(a->conf->members);
	op->done = done;
	op->arg = arg;
	try(op);
	return op;
}

void
etcd_cancel(struct etcd_op *op)
{
	if (op == NULL)
		return;
	rest_cancel(op->rest);
	json_decref(op->body);
	json_decref(op->reply);
	free(op);
}

/* --- what calls are made of --- */

json_t *
etcd_bytes(const void *data, size_t len)
{
	char *b64 = sign_base64(data, len);
	json_t *json = json_string(b64);

	freezero_str(b64);
	return json;
}

json_t *
etcd_text(const char *text)
{
	return etcd_bytes(text, strlen(text));
}

json_t *
etcd_prefix_end(const char *prefix)
{
	size_t len = strlen(prefix);
	char *end = xstrdup(prefix);
	json_t *json;

	/* Printable characters: there is always a next one. */
	end[len - 1]++;
	json = etcd_text(end);
	free(end);
	return json;
}

int64_t
etcd_revision(const json_t *reply)
{
	return jsonx_number(reply, "header.revision", 0);
}

/* --- what answers are made of --- */

/* The bytes with a NUL behind them; etcd leaves out what is empty. */
static char *
decode(const char *text, size_t *len)
{
	unsigned char *data;

	*len = 0;
	if (text == NULL || text[0] == '\0')
		return xstrdup("");
	return sign_base64_decode(text, &data, len) == 0 ? (char *)data : NULL;
}

int
etcd_kv_read(const json_t *json, const char *prefix, bool wants_value,
    void (*told)(const struct etcd_kv *, void *arg), void *arg)
{
	struct etcd_kv kv = {
		.created = jsonx_number(json, "create_revision", 0),
		.modified = jsonx_number(json, "mod_revision", 0),
		.lease = jsonx_number(json, "lease", 0) };
	size_t before = strlen(prefix), len;
	const char *text = jsonx_str(json, "key");
	char *key = text != NULL ? decode(text, &len) : NULL, *value = NULL;
	int rc = -1;

	if (key == NULL || strlen(key) != len ||
	    strncmp(key, prefix, before) != 0)
		goto out;
	kv.key = key + before;
	if (wants_value) {
		value = decode(jsonx_str(json, "value"), &kv.len);
		if (value == NULL)
			goto out;
		kv.value = value;
	}
	told(&kv, arg);
	rc = 0;
out:
	if (value != NULL)
		freezero(value, kv.len);
	free(key);
	return rc;
}
