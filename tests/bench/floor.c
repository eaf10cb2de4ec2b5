/* SPDX-License-Identifier: MIT */
/*
 * floor - the least that ACME with DNS-01 costs: a straight-line client that
 * keeps nothing, checks nothing, and polls as fast as is of use.  `make bench`
 * measures acmed against it.
 *
 *   floor DIRECTORY CA_FILE DNS_ADDRESS TSIG_NAME TSIG_SECRET ZONE N IN_FLIGHT
 *
 * orders N certificates for floorI.ZONE and *.floorI.ZONE, at most IN_FLIGHT
 * at a time, over one HTTP/2 connection.  The account is made before the clock
 * starts.  An order is polled at once, and then after pauses of 2 ms and more:
 * polling faster only keeps the CA from its work.  Prints one line: wall
 * seconds, CPU seconds, peak RSS in kB, requests.  Any failure ends it.
 */
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <err.h>
#include <jansson.h>
#include <netinet/in.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_NONCES 256
#define NAMES 2

enum step {
	NEW_ACCOUNT, NEW_ORDER, AUTHZ, CHALLENGE, WAIT_READY, FINALIZE,
	WAIT_VALID, CERT, OVER
};

struct order {
	int		 i;
	enum step	 step;
	int		 pending;	/* requests under way */
	double		 poll_at;	/* 0: no poll is due */
	double		 pause;		/* seconds before the next poll */
	char		 name[256];
	char		*url, *finalize, *cert;
	char		*authz[NAMES], *challenge[NAMES];
	char		 txt[NAMES][64];
};

struct request {
	struct order	*order;
	CURL		*curl;
	struct curl_slist *headers;
	char		*body;
	char		*reply;
	size_t		 reply_len;
	char		*location;
	int		 index;		/* of the authorization */
};

static CURLM *multi;
static const char *ca_file, *tsig_name, *zone;
static unsigned char tsig_key[64];
static size_t tsig_key_len;
static int dns_fd;
static EVP_PKEY *account_key;
static char *new_nonce, *new_account, *new_order, *kid;
static char *nonces[MAX_NONCES];
static int n_nonces;
static unsigned long n_requests;
static int n_running, n_waiting;
static char thumbprint[64];

static char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s == NULL)
		errx(1, "no %s in %s", key, json_dumps(o, 0));
	return strdup(s);
}

static char *
b64(const void *data, size_t len)
{
	char *out = malloc(len * 4 / 3 + 8), *w, *r;

	EVP_EncodeBlock((unsigned char *)out, data, (int)len);
	for (r = w = out; *r != '\0' && *r != '='; r++)
		*w++ = *r == '+' ? '-' : *r == '/' ? '_' : *r;
	*w = '\0';
	return out;
}

static char *
b64s(const char *s)
{
	return b64(s, strlen(s));
}

/* --- JWS --- */

static json_t *
jwk(void)
{
	unsigned char point[65];
	size_t len;
	char *x, *y;
	json_t *o;

	if (EVP_PKEY_get_octet_string_param(account_key,
	    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len) != 1)
		errx(1, "public key");
	x = b64(point + 1, 32);
	y = b64(point + 33, 32);
	o = json_pack("{s:s,s:s,s:s,s:s}", "crv", "P-256", "kty", "EC",
	    "x", x, "y", y);
	free(x);
	free(y);
	return o;
}

static char *
sign(const char *input)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128], raw[64];
	const unsigned char *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
	    account_key) != 1 || EVP_DigestSign(ctx, der, &len,
	    (const unsigned char *)input, strlen(input)) != 1)
		errx(1, "sign");
	EVP_MD_CTX_free(ctx);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	return b64(raw, sizeof(raw));
}

static char *
jws(const char *url, const char *payload, const char *nonce)
{
	json_t *head = json_pack("{s:s,s:s,s:s}", "alg", "ES256", "nonce",
	    nonce, "url", url);
	char *h, *h64, *p64, *input, *s64, *out;

	if (kid != NULL)
		json_object_set_new(head, "kid", json_string(kid));
	else
		json_object_set_new(head, "jwk", jwk());
	h = json_dumps(head, JSON_COMPACT);
	h64 = b64s(h);
	p64 = b64s(payload);
	if (asprintf(&input, "%s.%s", h64, p64) < 0)
		err(1, NULL);
	s64 = sign(input);
	if (asprintf(&out, "{\"protected\":\"%s\",\"payload\":\"%s\","
	    "\"signature\":\"%s\"}", h64, p64, s64) < 0)
		err(1, NULL);
	free(h);
	free(h64);
	free(p64);
	free(s64);
	free(input);
	json_decref(head);
	return out;
}

/* --- HTTP --- */

static size_t
body_cb(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	r->reply = realloc(r->reply, r->reply_len + n + 1);
	memcpy(r->reply + r->reply_len, data, n * size);
	r->reply_len += n;
	r->reply[r->reply_len] = '\0';
	return n;
}

static size_t
header_cb(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	if (n > 15 && strncasecmp(data, "replay-nonce: ", 14) == 0 &&
	    n_nonces < MAX_NONCES)
		nonces[n_nonces++] = strndup(data + 14,
		    strcspn(data + 14, "\r\n"));
	if (n > 10 && strncasecmp(data, "location: ", 10) == 0)
		r->location = strndup(data + 10, strcspn(data + 10, "\r\n"));
	return n;
}

static struct request *
request_new(struct order *o, const char *url)
{
	struct request *r = calloc(1, sizeof(*r));

	r->order = o;
	r->curl = curl_easy_init();
	curl_easy_setopt(r->curl, CURLOPT_URL, url);
	curl_easy_setopt(r->curl, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(r->curl, CURLOPT_USERAGENT, "floor");
	curl_easy_setopt(r->curl, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, body_cb);
	curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, header_cb);
	curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(r->curl, CURLOPT_PRIVATE, r);
	n_requests++;
	return r;
}

static void
request_free(struct request *r)
{
	curl_easy_cleanup(r->curl);
	curl_slist_free_all(r->headers);
	free(r->body);
	free(r->reply);
	free(r->location);
	free(r);
}

/* One request on its own; the multi handle is given its connection. */
static struct request *
blocking(const char *url, bool head)
{
	struct request *r = request_new(NULL, url);
	CURLMsg *msg;
	int running, left;

	curl_easy_setopt(r->curl, CURLOPT_NOBODY, head ? 1L : 0L);
	curl_multi_add_handle(multi, r->curl);
	do {
		curl_multi_perform(multi, &running);
		if (running > 0)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	} while (running > 0);
	msg = curl_multi_info_read(multi, &left);
	if (msg == NULL || msg->data.result != CURLE_OK)
		errx(1, "%s: %s", url, msg == NULL ? "?" :
		    curl_easy_strerror(msg->data.result));
	curl_multi_remove_handle(multi, r->curl);
	return r;
}

static void
post(struct order *o, int index, const char *url, const char *payload)
{
	struct request *r = request_new(o, url);

	if (n_nonces == 0) {
		/* Other replies may be on their way: take a fresh one. */
		CURL *c = curl_easy_init();
		struct request tmp = { 0 };

		curl_easy_setopt(c, CURLOPT_URL, new_nonce);
		curl_easy_setopt(c, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(c, CURLOPT_USERAGENT, "floor");
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, header_cb);
		curl_easy_setopt(c, CURLOPT_HEADERDATA, &tmp);
		if (curl_easy_perform(c) != CURLE_OK || n_nonces == 0)
			errx(1, "no nonce");
		curl_easy_cleanup(c);
		n_requests++;
	}
	r->index = index;
	n_nonces--;
	r->body = jws(url, payload, nonces[n_nonces]);
	free(nonces[n_nonces]);
	r->headers = curl_slist_append(NULL,
	    "Content-Type: application/jose+json");
	curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, r->body);
	curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, r->headers);
	curl_multi_add_handle(multi, r->curl);
	n_running++;
	if (o != NULL)
		o->pending++;
}

/* --- DNS: one RFC 2136 update with TSIG --- */

static unsigned char *
put_name(unsigned char *p, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		*p++ = (unsigned char)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	*p++ = 0;
	return p;
}

static unsigned char *
put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
	return p + 2;
}

static unsigned char *
put32(unsigned char *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

/* The variables that are signed: with_type as on the wire, or for the MAC. */
static unsigned char *
put_tsig(unsigned char *p, const unsigned char *mac, unsigned id)
{
	unsigned char *rdlen;
	uint64_t now = (uint64_t)time(NULL);

	p = put_name(p, tsig_name);
	if (mac != NULL)
		p = put16(p, 250);
	p = put16(p, 255);
	p = put32(p, 0);
	rdlen = p;
	if (mac != NULL)
		p += 2;
	p = put_name(p, "hmac-sha256");
	p = put16(p, (unsigned)(now >> 32));
	p = put32(p, (uint32_t)now);
	p = put16(p, 300);
	if (mac != NULL) {
		p = put16(p, 32);
		memcpy(p, mac, 32);
		p = put16(p + 32, id);
	}
	p = put16(p, 0);
	p = put16(p, 0);
	if (mac != NULL)
		put16(rdlen, (unsigned)(p - rdlen - 2));
	return p;
}

static void
update(const struct order *o, bool add)
{
	static unsigned id;
	unsigned char msg[2048], mac[32], reply[2048], *p = msg, *end;
	char fqdn[300];
	unsigned mac_len;
	ssize_t n;

	snprintf(fqdn, sizeof(fqdn), "_acme-challenge.%s", o->name);
	id = (id + 1) & 0xffff;
	p = put16(p, id);
	p = put16(p, 5 << 11);
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, NAMES);
	p = put16(p, 0);
	p = put_name(p, zone);
	p = put16(p, 6);
	p = put16(p, 1);
	for (int i = 0; i < NAMES; i++) {
		size_t len = strlen(o->txt[i]);

		p = put_name(p, fqdn);
		p = put16(p, 16);
		p = put16(p, add ? 1 : 254);
		p = put32(p, add ? 5 : 0);
		p = put16(p, (unsigned)len + 1);
		*p++ = (unsigned char)len;
		memcpy(p, o->txt[i], len);
		p += len;
	}
	end = put_tsig(p, NULL, id);
	HMAC(EVP_sha256(), tsig_key, (int)tsig_key_len, msg,
	    (size_t)(end - msg), mac, &mac_len);
	p = put_tsig(p, mac, id);
	put16(msg + 10, 1);
	if (send(dns_fd, msg, (size_t)(p - msg), 0) < 0)
		err(1, "send");
	n = recv(dns_fd, reply, sizeof(reply), 0);
	if (n < 12 || (reply[3] & 15) != 0)
		errx(1, "update: rcode %d", n < 12 ? -1 : reply[3] & 15);
}

/* --- an order, step by step --- */

static void
finalize(struct order *o)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	unsigned char *der = NULL;
	char san[600], *csr, *payload;
	int len;

	snprintf(san, sizeof(san), "DNS:%s,DNS:*.%s", o->name, o->name);
	sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, san));
	X509_REQ_add_extensions(req, exts);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	len = i2d_X509_REQ(req, &der);
	csr = b64(der, (size_t)len);
	if (asprintf(&payload, "{\"csr\":\"%s\"}", csr) < 0)
		err(1, NULL);
	post(o, 0, o->finalize, payload);
	free(payload);
	free(csr);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

static void
begin(struct order *o, int i)
{
	char payload[700];

	memset(o, 0, sizeof(*o));
	o->i = i;
	o->step = NEW_ORDER;
	snprintf(o->name, sizeof(o->name), "floor%d.%s", i, zone);
	snprintf(payload, sizeof(payload), "{\"identifiers\":["
	    "{\"type\":\"dns\",\"value\":\"%s\"},"
	    "{\"type\":\"dns\",\"value\":\"*.%s\"}]}", o->name, o->name);
	post(o, 0, new_order, payload);
}

static void
got_authz(struct order *o, int index, const json_t *body)
{
	const json_t *list = json_object_get(body, "challenges"), *c = NULL;
	unsigned char digest[32];
	char *token, *auth, *digest64;
	size_t i;

	json_array_foreach(list, i, c) {
		if (strcmp(json_string_value(json_object_get(c, "type")),
		    "dns-01") == 0)
			break;
	}
	if (c == NULL)
		errx(1, "%s: no dns-01", o->name);
	o->challenge[index] = text(c, "url");
	token = text(c, "token");
	if (asprintf(&auth, "%s.%s", token, thumbprint) < 0)
		err(1, NULL);
	EVP_Digest(auth, strlen(auth), digest, NULL, EVP_sha256(), NULL);
	digest64 = b64(digest, sizeof(digest));
	snprintf(o->txt[index], sizeof(o->txt[index]), "%s", digest64);
	free(digest64);
	free(auth);
	free(token);
}

static void
finish(struct order *o)
{
	free(o->url);
	free(o->finalize);
	free(o->cert);
	for (int i = 0; i < NAMES; i++) {
		free(o->authz[i]);
		free(o->challenge[i]);
	}
	o->step = OVER;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
poll_later(struct order *o)
{
	o->poll_at = now() + o->pause;
	o->pause *= 1.5;
}

/* A reply: what follows from it. */
static void
advance(struct order *o, const struct request *r, const json_t *body)
{
	char *status;

	switch (o->step) {
	case NEW_ORDER:
		o->url = strdup(r->location);
		o->finalize = text(body, "finalize");
		o->step = AUTHZ;
		for (size_t i = 0; i < NAMES; i++) {
			o->authz[i] = strdup(json_string_value(json_array_get(
			    json_object_get(body, "authorizations"), i)));
			post(o, (int)i, o->authz[i], "");
		}
		break;
	case AUTHZ:
		got_authz(o, r->index, body);
		if (o->pending > 0)
			break;
		update(o, true);
		o->step = CHALLENGE;
		for (int i = 0; i < NAMES; i++)
			post(o, i, o->challenge[i], "{}");
		break;
	case CHALLENGE:
		if (o->pending > 0)
			break;
		o->step = WAIT_READY;
		o->pause = 0.002;
		post(o, 0, o->url, "");
		break;
	case WAIT_READY:
		status = text(body, "status");
		if (strcmp(status, "ready") == 0) {
			o->step = FINALIZE;
			finalize(o);
		} else if (strcmp(status, "pending") == 0) {
			poll_later(o);
		} else
			errx(1, "%s: order %s: %s", o->name, status,
			    r->reply);
		free(status);
		break;
	case FINALIZE:
	case WAIT_VALID:
		status = text(body, "status");
		if (strcmp(status, "valid") == 0) {
			o->step = CERT;
			o->cert = text(body, "certificate");
			post(o, 0, o->cert, "");
		} else {
			o->pause = o->step == FINALIZE ? 0.002 : o->pause;
			o->step = WAIT_VALID;
			poll_later(o);
		}
		free(status);
		break;
	case CERT:
		if (strncmp(r->reply, "-----BEGIN", 10) != 0)
			errx(1, "%s: no certificate", o->name);
		update(o, false);
		finish(o);
		break;
	case NEW_ACCOUNT:
	case OVER:
		break;
	}
}

static void
completed(CURLMsg *msg)
{
	struct request *r;
	struct order *o;
	json_t *body;
	long status;

	curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r);
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (msg->data.result != CURLE_OK || status >= 400)
		errx(1, "request: %s, status %ld, %s",
		    curl_easy_strerror(msg->data.result), status,
		    r->reply == NULL ? "" : r->reply);
	curl_multi_remove_handle(multi, r->curl);
	n_running--;
	o = r->order;
	if (o != NULL) {
		o->pending--;
		body = json_loads(r->reply == NULL ? "" : r->reply, 0, NULL);
		advance(o, r, body);
		json_decref(body);
	} else
		kid = strdup(r->location);
	request_free(r);
}

/* Send the polls that are due; milliseconds until the next one. */
static int
polls(struct order *orders, int n)
{
	double t = now(), next = t + 1;

	n_waiting = 0;
	for (int i = 0; i < n; i++) {
		struct order *o = &orders[i];

		if (o->poll_at == 0)
			continue;
		if (o->poll_at <= t) {
			o->poll_at = 0;
			post(o, 0, o->url, "");
		} else {
			n_waiting++;
			if (o->poll_at < next)
				next = o->poll_at;
		}
	}
	return (int)((next - t) * 1000) + 1;
}

/* Run until nothing is under way, keeping `at_once` of n orders going. */
static void
run(int n, int at_once)
{
	struct order *orders = calloc((size_t)at_once + 1, sizeof(*orders));
	int next = 0, running, left, i, wait_ms;
	CURLMsg *msg;

	for (i = 0; i < at_once && next < n; i++)
		begin(&orders[i], next++);
	while (n_running > 0 || n_waiting > 0) {
		wait_ms = polls(orders, at_once);
		curl_multi_perform(multi, &running);
		msg = curl_multi_info_read(multi, &left);
		if (msg == NULL) {
			curl_multi_poll(multi, NULL, 0, wait_ms, NULL);
			continue;
		}
		do {
			completed(msg);
		} while ((msg = curl_multi_info_read(multi, &left)) != NULL);
		polls(orders, at_once);
		for (i = 0; i < at_once && next < n; i++) {
			if (orders[i].step == OVER)
				begin(&orders[i], next++);
		}
	}
	free(orders);
}

static void
set_up(char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons(53) };
	struct timeval limit = { .tv_sec = 5 };
	unsigned char digest[32];
	struct request *r;
	json_t *body, *key;
	char *s;
	int len;

	ca_file = argv[2];
	tsig_name = argv[4];
	zone = argv[6];
	len = EVP_DecodeBlock(tsig_key, (const unsigned char *)argv[5],
	    (int)strlen(argv[5]));
	for (s = argv[5] + strlen(argv[5]); len > 0 && s[-1] == '='; s--)
		len--;
	tsig_key_len = (size_t)len;
	dns_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (inet_pton(AF_INET, argv[3], &sa.sin_addr) != 1 ||
	    connect(dns_fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		err(1, "%s", argv[3]);
	setsockopt(dns_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));

	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
	account_key = EVP_EC_gen("P-256");
	key = jwk();
	s = json_dumps(key, JSON_COMPACT | JSON_SORT_KEYS);
	EVP_Digest(s, strlen(s), digest, NULL, EVP_sha256(), NULL);
	free(s);
	json_decref(key);
	s = b64(digest, sizeof(digest));
	snprintf(thumbprint, sizeof(thumbprint), "%s", s);
	free(s);

	r = blocking(argv[1], false);
	body = json_loads(r->reply, 0, NULL);
	new_nonce = text(body, "newNonce");
	new_account = text(body, "newAccount");
	new_order = text(body, "newOrder");
	json_decref(body);
	request_free(r);
	request_free(blocking(new_nonce, true));
	post(NULL, 0, new_account, "{\"termsOfServiceAgreed\":true}");
	run(0, 0);
}

int
main(int argc, char **argv)
{
	struct timespec t0, t1;
	struct rusage u0, u1;

	if (argc != 9)
		errx(2, "usage: floor DIRECTORY CA_FILE DNS_ADDRESS TSIG_NAME "
		    "TSIG_SECRET ZONE N IN_FLIGHT");
	set_up(argv);
	n_requests = 0;
	getrusage(RUSAGE_SELF, &u0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	run((int)strtol(argv[7], NULL, 10), (int)strtol(argv[8], NULL, 10));
	clock_gettime(CLOCK_MONOTONIC, &t1);
	getrusage(RUSAGE_SELF, &u1);
#define SECONDS(t) ((double)(t).tv_sec + (double)(t).tv_usec / 1e6)
	printf("%.4f %.4f %ld %lu\n",
	    (double)(t1.tv_sec - t0.tv_sec) +
	    (double)(t1.tv_nsec - t0.tv_nsec) / 1e9,
	    SECONDS(u1.ru_utime) - SECONDS(u0.ru_utime) +
	    SECONDS(u1.ru_stime) - SECONDS(u0.ru_stime),
	    u1.ru_maxrss, n_requests);
	return 0;
}
