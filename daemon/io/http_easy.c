/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/http_priv.h"
#include "daemon/io/tls_pin.h"

#define CONNECT_TIMEOUT_MS 10000
#define SILENCE_MS 15000	/* nothing acknowledged: the peer is gone */
#define TRUST_AGE_MAX_S 3600	/* a link may lead to an older file */
#define KEEPALIVE_IDLE_S 20
#define KEEPALIVE_INTERVAL_S 5
#define REDIRECTS_MAX 5
#define TOO_LARGE 100		/* CURLE_TOO_LARGE, since curl 8.6 */

static char *
dup_or_null(const char *s)
{
	return s == NULL ? NULL : xstrdup(s);
}

static size_t
write_cb(char *data, size_t size, size_t n, void *arg)
{
	struct http_op *op = arg;

	n *= size;
	if (op->data != NULL) {
		op->data(data, n, op->arg);
		return n;
	}
	if (n > op->max_reply - op->reply_len) {
		op->limit = TOO_LONG_BODY;
		return CURL_WRITEFUNC_ERROR;
	}
	if (op->reply_len + n >= op->reply_size) {
		op->reply_size = (op->reply_len + n) * 2 + 1;
		if (op->reply_size > op->max_reply + 1)
			op->reply_size = op->max_reply + 1;
		op->reply = xreallocarray(op->reply, op->reply_size, 1);
	}
	memcpy(op->reply + op->reply_len, data, n);
	op->reply_len += n;
	op->reply[op->reply_len] = '\0';
	return n;
}

/* A status line: of an interim response, of a redirect, of the last one. */
static void
begin_response(struct http_op *op, const char *line, size_t len)
{
	if (!op->has_response)
		http_learned(op, len > 5 && line[5] == '2' ? SPEAKS_HTTP2 :
		    SPEAKS_HTTP1);
	op->has_response = true;
	op->headers_done = false;
	op->reply_len = 0;
	http_headers_clear(&op->reply_headers);
}

static size_t
header_cb(char *line, size_t size, size_t n, void *arg)
{
	struct http_op *op = arg;

	n *= size;
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		begin_response(op, line, n);
	} else if (n > 0 && (*line == '\r' || *line == '\n')) {
		op->headers_done = true;	/* what follows are trailers */
	} else if (!op->headers_done &&
	    !http_headers_add(&op->reply_headers, line, n)) {
		op->limit = TOO_MANY_HEADERS;
		return CURL_WRITEFUNC_ERROR;
	}
	return n;
}

/*
 * A peer that vanished without a word would hold an HTTP/2 connection, and
 * all requests put on it, for a quarter of an hour.  This way the kernel gives
 * it up soon, and curl repeats them on a new one.
 */
static int
socket_cb(void *arg, curl_socket_t fd, curlsocktype type)
{
	int ms = SILENCE_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

static bool
is_token(const char *s)
{
	return *s != '\0' && s[strspn(s, "!#$%&'*+-.^_`|~0123456789"
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool
is_field_value(const char *s)
{
	for (; *s != '\0'; s++) {
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	}
	return true;
}

/* line is wiped: it may be a secret. */
static void
append_header(struct http_op *op, char *line)
{
	struct curl_slist *list = curl_slist_append(op->headers, line);

	if (list == NULL)
		abort();
	op->headers = list;
	freezero_str(line);
}

static int
fill_headers(struct http_op *op, const struct http_args *args,
    struct error *err)
{
	bool has_type = false;

	for (size_t i = 0; i < args->n_headers; i++) {
		const struct http_header *h = &args->headers[i];

		if (!is_token(h->name) || !is_field_value(h->value))
			return error_set(err, ERR_CONFIG, "http:header",
			    "%s: the header \"%.100s\" to be sent has a "
			    "character that is not allowed", op->host,
			    h->name);
		/* curl's way to say "empty", instead of "not at all". */
		append_header(op, h->value[0] == '\0' ?
		    xasprintf("%s;", h->name) :
		    xasprintf("%s: %s", h->name, h->value));
		op->has_secret |= h->secret;
		has_type |= strcasecmp(h->name, "Content-Type") == 0;
	}
	/* Not the form type that curl would name, and no waiting for 100. */
	if (!has_type)
		append_header(op, xstrdup("Content-Type:"));
	append_header(op, xstrdup("Expect:"));
	return 0;
}

static char *
url_part(CURLU *u, CURLUPart part, unsigned flags)
{
	char *value, *copy;

	if (curl_url_get(u, part, &value, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(value);
	curl_free(value);
	return copy;
}

/* op->host, op->shown_url and the origin's key of a good URL. */
static int
split_url(struct http_op *op, CURLU *u, const struct http_args *args,
    char **key, struct error *err)
{
	char *scheme = url_part(u, CURLUPART_SCHEME, 0);
	char *port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *user = url_part(u, CURLUPART_USER, 0);
	char *password = url_part(u, CURLUPART_PASSWORD, 0);
	const char *why = NULL;

	op->host = url_part(u, CURLUPART_HOST, 0);
	op->is_plain = scheme != NULL && strcmp(scheme, "http") == 0;
	if (user != NULL || password != NULL)
		why = "a user name in the URL is not allowed";
	else if (scheme == NULL || port == NULL || op->host == NULL ||
	    (strcmp(scheme, "https") != 0 && !(op->is_plain &&
	    args->allow_plain)))
		why = "only https:// URLs are allowed";
	if (why != NULL) {
		(void)error_set(err, ERR_CONFIG, "http:url", "%s: %s",
		    op->host != NULL ? op->host : "URL", why);
		goto out;
	}
	*key = xasprintf("%s://%s:%s", scheme, args->unix_socket != NULL ?
	    args->unix_socket : op->host, port);
	if (args->secret_url)
		(void)curl_url_set(u, CURLUPART_PATH, NULL, 0);
	(void)curl_url_set(u, CURLUPART_QUERY, NULL, 0);
	(void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	op->shown_url = url_part(u, CURLUPART_URL, 0);
out:
	free(scheme);
	free(port);
	freezero_str(user);
	freezero_str(password);
	return why == NULL ? 0 : -1;
}

/* What may be shown of a malformed URL: no password and no query. */
static int
malformed_url(const struct http_args *args, const char *why, struct error *err)
{
	const char *at = strrchr(args->url, '@'), *from;

	from = at != NULL ? at + 1 : args->url;
	if (args->secret_url)
		return error_set(err, ERR_CONFIG, "http:url",
		    "a secret URL: %s", why);
	return error_set(err, ERR_CONFIG, "http:url", "\"%.*s\": %s",
	    (int)strcspn(from, "?#"), from, why);
}

static int
fill_url(struct http_op *op, const struct http_args *args, char **key,
    struct error *err)
{
	CURLU *u = curl_url();
	CURLUcode rc;
	int r;

	if (u == NULL)
		abort();
	op->url = xstrdup(args->url);
	rc = curl_url_set(u, CURLUPART_URL, args->url, CURLU_PATH_AS_IS);
	if (rc != CURLUE_OK)
		r = malformed_url(args, curl_url_strerror(rc), err);
	else
		r = split_url(op, u, args, key, err);
	curl_url_cleanup(u);
	return r;
}

static int
check_proxy(const struct http_op *op, struct error *err)
{
	static const char *const schemes[] = { "http", "https", "socks4",
	    "socks4a", "socks5", "socks5h" };
	CURLU *u;
	char *scheme = NULL;
	bool ok = false;

	if (op->proxy == NULL || op->proxy[0] == '\0')
		return 0;
	if ((u = curl_url()) == NULL)
		abort();
	/* "host:port" is allowed and means http. */
	if (curl_url_set(u, CURLUPART_URL, op->proxy, CURLU_NON_SUPPORT_SCHEME |
	    (strstr(op->proxy, "://") ? 0 : CURLU_GUESS_SCHEME)) == CURLUE_OK)
		scheme = url_part(u, CURLUPART_SCHEME, 0);
	curl_url_cleanup(u);
	for (size_t i = 0; scheme != NULL &&
	    i < sizeof(schemes) / sizeof(schemes[0]); i++)
		ok |= strcmp(schemes[i], scheme) == 0;
	free(scheme);
	/* It may carry a password, so that it is not shown. */
	return ok ? 0 : error_set(err, ERR_CONFIG, "http:proxy",
	    "%s: the proxy configured for it is no proxy URL "
	    "(http://host:port, https://, socks5h://)", op->host);
}

static int
check_file(const struct http_op *op, const char *what, const char *path,
    struct error *err)
{
	if (path == NULL || access(path, R_OK) == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "http:ca-file", "%s: %s file %s: %s",
	    op->host, what, path, strerror(errno));
}

/* The host of the URL, on any port, is there. */
static void
fill_address(struct http_op *op, const char *address)
{
	bool is_6 = strchr(address, ':') != NULL;
	char *line = xasprintf("%s::%s%s%s:", op->host, is_6 ? "[" : "",
	    address, is_6 ? "]" : "");

	op->connect_to = curl_slist_append(NULL, line);
	if (op->connect_to == NULL)
		abort();
	free(line);
}

/* Brackets are of URLs only. */
static int
fill_pin(struct http_op *op, const char *fingerprint, struct error *err)
{
	size_t len = strlen(op->host);

	op->pin = xcalloc(1, sizeof(*op->pin));
	op->pin->host = op->host[0] != '[' ? xstrdup(op->host) :
	    xstrndup(op->host + 1, len - 2);
	if (tls_pin_parse(fingerprint, op->pin) == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "http:ca-file", "%s: a fingerprint "
	    "has 64 digits of hex", op->host);
}

int
http_op_fill(struct http_op *op, const struct http_args *args, char **key,
    struct error *err)
{
	op->method = xstrdup(args->method);
	op->once = args->once;
	op->decodes = args->decodes;
	op->has_secret = args->secret_url;
	op->data = args->data;
	op->ca_file = dup_or_null(args->ca_file);
	op->cert_file = dup_or_null(args->cert_file);
	op->key_file = dup_or_null(args->key_file);
	op->proxy = dup_or_null(args->unix_socket != NULL ? "" : args->proxy);
	op->max_reply = args->max_reply;
	op->timeout_ms = args->timeout_ms;
	if (args->body != NULL) {
		op->body = xmemdup(args->body, args->body_len);
		op->body_len = args->body_len;
	}
	if (fill_url(op, args, key, err) == -1)
		return -1;
	if (args->address != NULL)
		fill_address(op, args->address);
	if (args->unix_socket != NULL) {
		op->unix_socket = xstrdup(args->unix_socket);
		free(op->host);
		op->host = xstrdup(args->unix_socket);
	}
	if (!is_token(op->method))
		return error_set(err, ERR_CONFIG, "http:url",
		    "%s: \"%.40s\" is no HTTP method", op->host, op->method);
	if (check_file(op, "CA", op->ca_file, err) == -1 ||
	    check_file(op, "certificate", op->cert_file, err) == -1 ||
	    check_file(op, "key", op->key_file, err) == -1)
		return -1;
	if (args->fingerprint != NULL &&
	    fill_pin(op, args->fingerprint, err) == -1)
		return -1;
	if (check_proxy(op, err) == -1)
		return -1;
	return fill_headers(op, args, err);
}

void
http_op_clear(struct http_op *op)
{
	for (struct curl_slist *l = op->headers; l != NULL; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(op->headers);
	curl_slist_free_all(op->connect_to);
	freezero(op->body, op->body_len);
	freezero(op->reply, op->reply_len);
	http_headers_clear(&op->reply_headers);
	freezero_str(op->url);
	freezero_str(op->proxy);
	free(op->method);
	free(op->host);
	free(op->shown_url);
	free(op->ca_file);
	free(op->cert_file);
	free(op->key_file);
	free(op->unix_socket);
	if (op->pin != NULL)
		free(op->pin->host);
	free(op->pin);
	free(op->bad);
}

#define SET(option, value) \
	(rc = rc != CURLE_OK ? rc : curl_easy_setopt(e, option, value))

static CURLcode
setup_method(struct http_op *op, CURL *e)
{
	bool is_get = strcmp(op->method, "GET") == 0;
	bool is_head = strcmp(op->method, "HEAD") == 0;
	bool sends = op->body != NULL || strcmp(op->method, "POST") == 0 ||
	    strcmp(op->method, "PUT") == 0 || strcmp(op->method, "PATCH") == 0;
	CURLcode rc = CURLE_OK;

	if (sends) {
		SET(CURLOPT_POSTFIELDS, op->body != NULL ? op->body : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)op->body_len);
	} else {
		SET(CURLOPT_HTTPGET, 1L);
	}
	if (is_head)
		SET(CURLOPT_NOBODY, 1L);
	else if (sends ? strcmp(op->method, "POST") != 0 : !is_get)
		SET(CURLOPT_CUSTOMREQUEST, op->method);
	/*
	 * curl sends our headers wherever a redirect points, so that a
	 * request with a secret is not redirected at all.
	 */
	if ((is_get || is_head) && !sends && !op->has_secret) {
		SET(CURLOPT_FOLLOWLOCATION, 1L);
		SET(CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
		SET(CURLOPT_REDIR_PROTOCOLS_STR,
		    op->is_plain ? "http,https" : "https");
	}
	return rc;
}

/* The file of certificates that are trusted, or NULL if there is none. */
static const char *
trust_file(const struct http_op *op, CURL *e)
{
	char *built_in = NULL;

	if (op->ca_file != NULL)
		return op->ca_file;
	(void)curl_easy_getinfo(e, CURLINFO_CAINFO, &built_in);
	return built_in;
}

/*
 * How old what curl keeps of the file may be, in seconds: not older than its
 * last change.  curl itself would keep it for a day, whatever becomes of it.
 */
static long
trust_age(const char *path)
{
	struct timespec now;
	struct stat st;
	int64_t age;

	if (stat(path, &st) == -1 || clock_gettime(CLOCK_REALTIME, &now) == -1)
		return 0;
	age = (int64_t)now.tv_sec - st.st_ctim.tv_sec;
	if (now.tv_nsec < st.st_ctim.tv_nsec)
		age--;
	return age < 0 ? 0 : age > TRUST_AGE_MAX_S ? TRUST_AGE_MAX_S :
	    (long)age;
}

/*
 * The system's directory would be trusted besides a ca_file, and has what the
 * system's file has; and to read that takes tens of milliseconds, which curl
 * does for each connection where there is a directory.
 */
static CURLcode
setup_trust(struct http_op *op, CURL *e)
{
	const char *file = trust_file(op, e);
	CURLcode rc = CURLE_OK;

	if (file == NULL)
		return rc;
	SET(CURLOPT_CAINFO, file);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_CA_CACHE_TIMEOUT, trust_age(file));
	return rc;
}

static CURLcode
pin_cb(CURL *easy, void *ctx, void *arg)
{
	tls_pin_install(ctx, arg);
	return CURLE_OK;
}

/* Nobody else uses a connection that was trusted for another reason. */
static CURLcode
setup_pin(struct http_op *op, CURL *e)
{
	CURLcode rc = CURLE_OK;

	if (op->pin == NULL)
		return rc;
	SET(CURLOPT_SSL_CTX_FUNCTION, pin_cb);
	SET(CURLOPT_SSL_CTX_DATA, op->pin);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	return rc;
}

static CURLcode
setup_connection(struct http_op *op, CURL *e)
{
	CURLcode rc = CURLE_OK;

	/*
	 * Where one host may have one connection, curl closes the one that is
	 * kept for the one that is fresh.
	 */
	SET(CURLOPT_FRESH_CONNECT, op->once || op->origin->is_suspect ? 1L :
	    0L);
	SET(CURLOPT_CONNECT_TO, op->connect_to);
	SET(CURLOPT_UNIX_SOCKET_PATH, op->unix_socket);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* A resolver's thread is left to end alone, not waited for. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_PROTOCOLS_STR, op->is_plain ? "http" : "https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_PIPEWAIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_SOCKOPTFUNCTION, socket_cb);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLCERT, op->cert_file);
	SET(CURLOPT_SSLKEY, op->key_file);
	if (op->proxy != NULL) {
		SET(CURLOPT_PROXY, op->proxy);
		SET(CURLOPT_NOPROXY, "");
	}
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return rc;
}

int
http_easy_setup(struct http_op *op, const char *user_agent, struct error *err)
{
	CURL *e = op->easy;
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_URL, op->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PRIVATE, op);
	SET(CURLOPT_ERRORBUFFER, op->errbuf);
	SET(CURLOPT_USERAGENT, user_agent);
	SET(CURLOPT_HTTPHEADER, op->headers);
	/* curl decodes whatever comes, once anything is asked for. */
	if (op->decodes)
		SET(CURLOPT_ACCEPT_ENCODING, "identity");
	SET(CURLOPT_WRITEFUNCTION, write_cb);
	SET(CURLOPT_WRITEDATA, op);
	SET(CURLOPT_HEADERFUNCTION, header_cb);
	SET(CURLOPT_HEADERDATA, op);
	if (rc == CURLE_OK)
		rc = setup_connection(op, e);
	if (rc == CURLE_OK)
		rc = setup_trust(op, e);
	if (rc == CURLE_OK)
		rc = setup_pin(op, e);
	if (rc == CURLE_OK)
		rc = setup_method(op, e);
	if (rc != CURLE_OK)
		return error_set(err, ERR_INTERNAL, "http:io", "%s: curl: %s",
		    op->host, curl_easy_strerror(rc));
	return 0;
}

/* The first URL was checked; without a response it was HTTP/0.9. */
static bool
is_redirect_error(const struct http_op *op, CURLcode rc)
{
	return rc == CURLE_TOO_MANY_REDIRECTS || (op->has_response &&
	    (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT));
}

/*
 * What curl says of a header line that is longer than it takes.  When memory
 * is short we do not live to be told.
 */
static bool
is_header_error(CURLcode rc)
{
	return rc == CURLE_OUT_OF_MEMORY || (int)rc == TOO_LARGE;
}

static int
limit_error(const struct http_op *op, struct error *err)
{
	if (op->limit != TOO_LONG_BODY)
		return error_set(err, ERR_REJECTED, "http:too-large",
		    "%s: the reply has too many headers, or too long ones",
		    op->host);
	return error_set(err, ERR_REJECTED, "http:too-large",
	    "%s: the reply is longer than %zu bytes", op->host,
	    op->max_reply);
}

static const char *
error_code(CURLcode rc)
{
	/* An enum of curl, of which other versions have other members. */
	switch ((int)rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "http:resolve";
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
	case CURLE_OPERATION_TIMEDOUT:	/* our own limit is a timer of ours */
		return "http:connect";
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_INITFAILED:
		return "http:tls";
	default:
		return "http:io";
	}
}

/* libcurl does not say why it could not read a file. */
static bool
has_no_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool none = fd == -1 && (errno == EMFILE || errno == ENFILE);

	if (fd != -1)
		(void)close(fd);
	return none;
}

/* OpenSSL's words of a certificate's dates; they may be right. */
static bool
is_about_dates(CURLcode rc, const char *why)
{
	return strcmp(error_code(rc), "http:tls") == 0 &&
	    (strstr(why, "certificate is not yet valid") != NULL ||
	    strstr(why, "certificate has expired") != NULL);
}

/* libcurl's words; a sentence where it has OpenSSL's, as 8.14 does. */
static const char *
reason(const struct http_op *op, CURLcode rc)
{
	if (rc == CURLE_RECV_ERROR && strstr(op->errbuf, "unexpected eof while "
	    "reading") != NULL)
		return "the server closed the connection before the end of "
		    "its answer";
	return op->errbuf[0] != '\0' ? op->errbuf : curl_easy_strerror(rc);
}

int
http_easy_error(const struct http_op *op, CURLcode rc, struct error *err)
{
	const char *why = reason(op, rc);
	long proxy_status = 0;

	if (op->limit != WITHIN_LIMITS || is_header_error(rc))
		return limit_error(op, err);
	if (is_redirect_error(op, rc))
		return error_set(err, ERR_REJECTED, "http:redirect",
		    "%s: redirected, and not followed: %s", op->host,
		    why);
	if (rc == CURLE_SSL_CACERT_BADFILE && has_no_descriptor())
		return error_set(err, ERR_INTERNAL, "http:descriptors",
		    "%s: this process has too many open files: raise its "
		    "limit (LimitNOFILE= in acmed.service)", op->host);
	if (rc == CURLE_SSL_CACERT_BADFILE)
		return error_set(err, ERR_CONFIG, "http:ca-file",
		    "%s: %s: no CA certificates could be read", op->host,
		    op->ca_file != NULL ? op->ca_file :
		    "the system's certificate store");
	(void)curl_easy_getinfo(op->easy, CURLINFO_HTTP_CONNECTCODE,
	    &proxy_status);
	if (proxy_status == 407)
		return error_set(err, ERR_CONFIG, "http:proxy",
		    "%s: the proxy asks for other credentials (407)",
		    op->host);
	if (op->pin != NULL && op->pin->is_refused) {
		char hex[2 * sizeof(op->pin->shown) + 1];

		return error_set(err, ERR_TRANSIENT, "http:tls", "%s: %s; the "
		    "fingerprint of its certificate is %s, not the one that "
		    "is configured", op->host, why, text_hex(op->pin->shown,
		    sizeof(op->pin->shown), hex));
	}
	return error_set(err, ERR_TRANSIENT, proxy_status >= 300 ?
	    "http:connect" : error_code(rc), "%s: %s%s", op->host, why,
	    is_about_dates(rc, why) ? " (is this machine's clock right?)" :
	    "");
}
