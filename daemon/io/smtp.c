/* SPDX-License-Identifier: MIT */
#include "daemon/io/smtp.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/child.h"

#define CONNECT_TIMEOUT_MS	15000
#define GRACE_MS		5000	/* of the child beyond the time limit */
#define WORDS_MAX		600
#define INPUT_MAX		(1 << 20)
#define OUTPUT_MAX		16384

/* --- the child: one mail, and it may wait --- */

struct send {
	struct smtp_args a;
	size_t		 sent;			/* bytes of the mail */
	char		 errbuf[CURL_ERROR_SIZE];
	char		 reply[WORDS_MAX];	/* lines of one reply so far */
	bool		 reply_ended;
	char		 refusal[WORDS_MAX];	/* the last of 400 and more */
};

/* A line of the server's: all lines of a reply become one text. */
static size_t
reply_cb(char *line, size_t size, size_t n, void *arg)
{
	struct send *op = arg;
	size_t used, len = n * size;

	if (op->reply_ended)
		op->reply[0] = '\0';
	used = strlen(op->reply);
	op->reply_ended = len >= 4 && line[3] != '-';
	if (len < 3)
		return n * size;
	while (len > 3 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	/* The code is repeated in each line. */
	(void)text_printf(op->reply + used, sizeof(op->reply) - used,
	    "%s%.*s", used > 0 ? " " : "",
	    (int)(used > 0 ? len - (len > 4 ? 4 : len) : len),
	    used > 0 ? line + (len > 4 ? 4 : len) : line);
	text_clean(op->reply);
	if (op->reply_ended && (op->reply[0] == '4' || op->reply[0] == '5'))
		memcpy(op->refusal, op->reply, sizeof(op->refusal));
	return n * size;
}

static size_t
drop_cb(char *data, size_t size, size_t n, void *arg)
{
	return size * n;
}

static size_t
mail_cb(char *out, size_t size, size_t n, void *arg)
{
	struct send *op = arg;
	size_t left = strlen(op->a.mail) - op->sent;

	n *= size;
	if (n > left)
		n = left;
	memcpy(out, op->a.mail + op->sent, n);
	op->sent += n;
	return n;
}

static const char *
error_code(CURLcode rc)
{
	/* An enum of curl, of which other versions have other members. */
	switch ((int)rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "smtp:resolve";
	case CURLE_COULDNT_CONNECT:
		return "smtp:connect";
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return "smtp:tls";
	default:
		return "smtp:io";
	}
}

static void
explain(const struct send *op, CURLcode rc, struct error *err)
{
	const char *why = op->errbuf[0] != '\0' ? op->errbuf :
	    curl_easy_strerror(rc);

	if (rc == CURLE_OPERATION_TIMEDOUT)
		(void)error_set(err, ERR_TRANSIENT, "smtp:timeout",
		    "%s: the mail server did not finish within %g s",
		    op->a.host, op->a.timeout_ms / 1000.0);
	else if (rc == CURLE_SSL_CACERT_BADFILE)
		(void)error_set(err, ERR_CONFIG, "smtp:ca-file",
		    "%s: no CA certificates could be read: %s", op->a.host,
		    why);
	else if (rc == CURLE_USE_SSL_FAILED && op->refusal[0] == '\0')
		(void)error_set(err, ERR_CONFIG, "smtp:starttls",
		    "%s: the mail server does not offer STARTTLS, which is "
		    "required (starttls)", op->a.host);
	else if (op->refusal[0] == '4')
		(void)error_set(err, ERR_TRANSIENT, "smtp:deferred",
		    "%s: the mail server says: %s", op->a.host, op->refusal);
	else if (rc == CURLE_LOGIN_DENIED)
		(void)error_set(err, ERR_CONFIG, "smtp:auth",
		    "%s: the mail server does not accept user and password%s"
		    "%s", op->a.host, op->refusal[0] != '\0' ? "; it says: " :
		    "", op->refusal);
	else if (op->refusal[0] == '5')
		(void)error_set(err, ERR_REJECTED, "smtp:refused",
		    "%s: the mail server says: %s", op->a.host, op->refusal);
	else
		(void)error_set(err, ERR_TRANSIENT, error_code(rc), "%s: %s",
		    op->a.host, why);
}

#define SET(option, value) \
	(rc = rc != CURLE_OK ? rc : curl_easy_setopt(e, option, value))

static CURLcode
setup(struct send *op, CURL *e, struct curl_slist *to, const char *url)
{
	static const long use_ssl[] = {
		[SMTP_TLS] = CURLUSESSL_ALL,
		[SMTP_STARTTLS] = CURLUSESSL_ALL,
		[SMTP_STARTTLS_OFFERED] = CURLUSESSL_TRY,
		[SMTP_STARTTLS_UNCHECKED] = CURLUSESSL_TRY,
		[SMTP_PLAIN] = CURLUSESSL_NONE,
	};
	CURLcode rc = CURLE_OK;
	const struct smtp_args *a = &op->a;
	bool is_checked = a->tls != SMTP_STARTTLS_UNCHECKED;

	_Static_assert(sizeof(use_ssl) / sizeof(use_ssl[0]) == SMTP_TLS_END,
	    "use_ssl");
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_ERRORBUFFER, op->errbuf);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)a->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_USE_SSL, use_ssl[a->tls]);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, is_checked ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, is_checked ? 2L : 0L);
	if (a->ca_file != NULL) {
		SET(CURLOPT_CAINFO, a->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (a->user != NULL) {
		SET(CURLOPT_USERNAME, a->user);
		SET(CURLOPT_PASSWORD, a->password);
	}
	SET(CURLOPT_MAIL_FROM, a->from);
	SET(CURLOPT_MAIL_RCPT, to);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)strlen(a->mail));
	SET(CURLOPT_READFUNCTION, mail_cb);
	SET(CURLOPT_READDATA, op);
	SET(CURLOPT_HEADERFUNCTION, reply_cb);
	SET(CURLOPT_HEADERDATA, op);
	SET(CURLOPT_WRITEFUNCTION, drop_cb);
	return rc;
}

/* A line end in an address would be a command. */
static bool
is_address(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= 0x20 || *s == 0x7f || *s == '<' ||
		    *s == '>')
			return false;
	}
	return true;
}

static int
check(const struct smtp_args *a, struct error *err)
{
	if (!is_address(a->from) || !is_address(a->to))
		return error_set(err, ERR_CONFIG, "smtp:address",
		    "\"%s\": no address that a mail can be sent %s",
		    is_address(a->from) ? a->to : a->from,
		    is_address(a->from) ? "to" : "from");
	if (a->ca_file != NULL && access(a->ca_file, R_OK) == -1)
		return error_set(err, ERR_CONFIG, "smtp:ca-file",
		    "%s: CA file %s: %s", a->host, a->ca_file,
		    strerror(errno));
	return 0;
}

/* The address from which the server is spoken to, as RFC 5321 section 4.1.3
 * writes it for those without a name; NULL: there is no way to it. */
static char *
own_address(const struct smtp_args *a)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	struct sockaddr_storage ss;
	char port[8], text[NI_MAXHOST], *found = NULL;

	(void)text_printf(port, sizeof(port), "%u", a->port);
	if (getaddrinfo(a->host, port, &hints, &list) != 0)
		return NULL;
	for (const struct addrinfo *i = list; i != NULL && found == NULL;
	    i = i->ai_next) {
		int fd = socket(i->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		socklen_t len = sizeof(ss);

		/* This sends nothing. */
		if (fd != -1 && connect(fd, i->ai_addr, i->ai_addrlen) == 0 &&
		    getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
		    getnameinfo((struct sockaddr *)&ss, len, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			found = xasprintf("[%s%.*s]", ss.ss_family ==
			    AF_INET6 ? "IPv6:" : "", (int)strcspn(text, "%"),
			    text);
		if (fd != -1)
			close(fd);
	}
	freeaddrinfo(list);
	return found;
}

static int
perform(struct send *op, struct error *err)
{
	const struct smtp_args *a = &op->a;
	bool is_ipv6 = strchr(a->host, ':') != NULL;
	struct curl_slist *to = curl_slist_append(NULL, a->to);
	CURL *e = curl_easy_init();
	char *helo = a->helo != NULL ? xstrdup(a->helo) : own_address(a);
	CURLcode rc;
	char *url, *quoted;

	if (e == NULL || to == NULL ||
	    (quoted = curl_easy_escape(e, helo != NULL ? helo : "",
	    0)) == NULL)
		abort();
	/* curl takes the name for EHLO from the path. */
	url = xasprintf("%s://%s%s%s:%u/%s", a->tls == SMTP_TLS ? "smtps" :
	    "smtp", is_ipv6 ? "[" : "", a->host, is_ipv6 ? "]" : "", a->port,
	    quoted);
	curl_free(quoted);
	free(helo);
	op->reply_ended = true;
	rc = setup(op, e, to, url);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(e);
	if (rc != CURLE_OK)
		explain(op, rc, err);
	free(url);
	return rc == CURLE_OK ? 0 : -1;
}

/* What smtp_start() has written, borrowed from j; -1 if it is not that. */
static int
read_args(const json_t *j, struct smtp_args *a)
{
	*a = (struct smtp_args){
		.host = jsonx_str(j, "host"),
		.port = (unsigned)jsonx_int(j, "port", 0),
		.tls = (enum smtp_tls)jsonx_int(j, "tls", SMTP_TLS),
		.ca_file = jsonx_str(j, "ca_file"),
		.user = jsonx_str(j, "user"),
		.password = jsonx_str(j, "password"),
		.helo = jsonx_str(j, "helo"),
		.from = jsonx_str(j, "from"),
		.to = jsonx_str(j, "to"),
		.mail = jsonx_str(j, "mail"),
		.timeout_ms = (unsigned)jsonx_int(j, "timeout_ms", 60000),
	};
	return a->host != NULL && a->from != NULL && a->to != NULL &&
	    a->mail != NULL && a->tls < SMTP_TLS_END ? 0 : -1;
}

int
smtp_child_main(void)
{
	static struct send op;
	char *input = xmalloc(INPUT_MAX);
	struct error err = { .kind = ERR_NONE };
	size_t len = fread(input, 1, INPUT_MAX, stdin);
	json_t *j = jsonx_parse(input, len, &err);

	freezero(input, INPUT_MAX);
	if (j == NULL || read_args(j, &op.a) == -1) {
		fputs("acmed: --send-mail is for acmed itself\n", stderr);
		return 2;
	}
	/* The process ends here: what it holds need not be freed. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	err.kind = ERR_NONE;
	if (check(&op.a, &err) == 0)
		(void)perform(&op, &err);
	json_decref(j);
	j = json_pack("{s:s, s:s, s:s}", "kind", err_kind_name(err.kind),
	    "code", err.kind != ERR_NONE ? err.code : "", "msg",
	    err.kind != ERR_NONE ? err.msg : "");
	if (j == NULL || json_dumpf(j, stdout, JSON_COMPACT) == -1 ||
	    fflush(stdout) == EOF)
		return 1;
	return 0;
}

/* --- the daemon's side --- */

struct smtp_op {
	struct child_op	*child;
	char		*host;
	smtp_done_cb	*done;
	void		*arg;
};

void
smtp_cancel(struct smtp_op *op)
{
	if (op == NULL)
		return;
	child_cancel(op->child);
	free(op->host);
	free(op);
}

/* The verdict of the child; err->kind ERR_NONE: the mail was taken. */
static int
read_verdict(const struct child_reply *reply, struct error *err)
{
	json_t *j = jsonx_parse(reply->out, reply->out_len, err);
	const char *kind = jsonx_str(j, "kind"), *msg = jsonx_str(j, "msg");
	const char *code = jsonx_str(j, "code");
	int rc = -1;

	if (kind != NULL && code != NULL && msg != NULL) {
		(void)error_set(err, err_kind_parse(kind), code, "%s", msg);
		rc = 0;
	}
	json_decref(j);
	return rc;
}

static void
child_done(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct smtp_op *op = arg;
	struct error why;

	op->child = NULL;
	if (err != NULL) {
		why = *err;
		(void)error_wrap(&why, "%s", op->host);
	} else if (reply->timed_out) {
		(void)error_set(&why, ERR_TRANSIENT, "smtp:timeout",
		    "%s: the mail server did not finish", op->host);
	} else if (read_verdict(reply, &why) == -1) {
		if (child_check(reply, "acmed --send-mail", &why) == 0)
			(void)error_set(&why, ERR_INTERNAL, "smtp:io",
			    "%s: acmed --send-mail said nothing", op->host);
	}
	op->done(why.kind != ERR_NONE ? &why : NULL, op->arg);
	smtp_cancel(op);
}

static json_t *
args_json(const struct smtp_args *a)
{
	json_t *j = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:i}",
	    "host", a->host, "port", (int)a->port, "tls", (int)a->tls,
	    "from", a->from, "to", a->to, "mail", a->mail, "timeout_ms",
	    (int)a->timeout_ms);
	const struct { const char *name, *value; } more[] = {
		{ "ca_file", a->ca_file }, { "user", a->user },
		{ "password", a->password }, { "helo", a->helo },
	};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		if (more[i].value != NULL)
			(void)json_object_set_new(j, more[i].name,
			    json_string(more[i].value));
	}
	return j;
}

struct smtp_op *
smtp_start(struct children *children, const struct smtp_args *a,
    smtp_done_cb *done, void *arg)
{
	struct smtp_op *op = xcalloc(1, sizeof(*op));
	char path[PATH_MAX];
	const char *const argv[] = { path, "--send-mail", NULL };
	static const char *const env[] = { NULL };
	json_t *j = args_json(a);
	char *text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	struct child_args args = {
		.argv = argv,
		.env = env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = a->timeout_ms + GRACE_MS,
	};

	json_decref(j);
	op->host = xstrdup(a->host);
	op->done = done;
	op->arg = arg;
	/* Not UTF-8: the child says what is wrong with nothing. */
	args.input = text != NULL ? text : "{}";
	args.input_len = strlen(args.input);
	child_own_path(path, sizeof(path));
	op->child = child_start(children, &args, child_done, op);
	freezero_str(text);
	return op;
}
