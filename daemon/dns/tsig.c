/* SPDX-License-Identifier: MIT */
#include "daemon/dns/tsig.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/dnsmsg.h"

enum { TYPE_TSIG = 250, CLASS_ANY = 255, ARCOUNT_AT = 10 };

struct tsig_alg {
	const char	*name;		/* also the name on the wire */
	const EVP_MD	*(*md)(void);
};

static const struct tsig_alg algs[] = {
	{ "hmac-sha256", EVP_sha256 },
	{ "hmac-sha512", EVP_sha512 },
	{ "hmac-sha384", EVP_sha384 },
	{ "hmac-sha224", EVP_sha224 },
	{ "hmac-sha1", EVP_sha1 },
};

/* The message as it is read, bounds checked. */
struct cursor {
	const uint8_t	*msg;
	size_t		 len;
	size_t		 at;
};

/* What is written: grows, aborts on exhaustion. */
struct out {
	uint8_t		*data;
	size_t		 len;
};

static void
put(struct out *o, const void *data, size_t len)
{
	if (len == 0)
		return;
	o->data = xreallocarray(o->data, 1, o->len + len);
	memcpy(o->data + o->len, data, len);
	o->len += len;
}

/* The low n bytes of v, big-endian. */
static void
put_uint(struct out *o, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	put(o, b, n);
}

static int
get_uint(struct cursor *c, size_t n, uint64_t *v)
{
	if (c->len - c->at < n)
		return -1;
	*v = 0;
	while (n-- > 0)
		*v = *v << 8 | c->msg[c->at++];
	return 0;
}

static int
skip(struct cursor *c, uint64_t n)
{
	if (c->len - c->at < n)
		return -1;
	c->at += (size_t)n;
	return 0;
}

/*
 * Read a name, lower-cased, into out (NULL: only step over it).  Compression
 * pointers must point backwards, so that following them ends.
 */
static int
get_name(struct cursor *c, uint8_t out[255], size_t *out_len)
{
	size_t at = c->at, limit = c->at, n = 0;
	bool jumped = false;

	for (;;) {
		uint8_t l;

		if (at >= c->len)
			return -1;
		l = c->msg[at];
		if ((l & 0xc0) == 0xc0) {
			if (at + 2 > c->len)
				return -1;
			if (!jumped)
				c->at = at + 2;
			jumped = true;
			at = (size_t)(l & 0x3f) << 8 | c->msg[at + 1];
			if (at >= limit)
				return -1;
			limit = at;
			continue;
		}
		if (l > 63 || at + 1 + l > c->len || n + 1 + l > 255)
			return -1;
		for (size_t i = 0; i < 1u + l && out != NULL; i++) {
			uint8_t b = c->msg[at + i];

			out[n + i] = i > 0 && b >= 'A' && b <= 'Z' ?
			    (uint8_t)(b - 'A' + 'a') : b;
		}
		n += 1u + l;
		at += 1u + l;
		if (l == 0)
			break;
	}
	if (!jumped)
		c->at = at;
	if (out_len != NULL)
		*out_len = n;
	return 0;
}

/* Strict base64 with padding, one line. */
static int
decode_secret(const char *s, uint8_t **out, size_t *out_len)
{
	size_t len = strlen(s), pad = 0;
	uint8_t *buf;

	if (len == 0 || len % 4 != 0 || len > 4096)
		return -1;
	while (pad < 2 && s[len - 1 - pad] == '=')
		pad++;
	if (strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/") != len - pad)
		return -1;
	buf = xmalloc(len / 4 * 3 + 1);
	if (EVP_DecodeBlock(buf, (const unsigned char *)s, (int)len) == -1) {
		free(buf);
		return -1;
	}
	*out = buf;
	*out_len = len / 4 * 3 - pad;
	return 0;
}

static const struct tsig_alg *
find_alg(const char *name)
{
	size_t len = strlen(name);

	/* As lego writes it. */
	if (len > 0 && name[len - 1] == '.')
		len--;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (strlen(algs[i].name) == len &&
		    strncasecmp(algs[i].name, name, len) == 0)
			return &algs[i];
	}
	return NULL;
}

/*
 * A key's name is a domain name that nobody looks up: of one label or more,
 * with whatever BIND takes, and with a final dot or not.
 */
static int
set_name(struct tsig_key *key, const char *name, struct error *err)
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len && len < sizeof(key->name); i++) {
		if (name[i] <= ' ' || name[i] > '~' ||
		    strchr("\\\"(){};@", name[i]) != NULL)
			return error_set(err, ERR_CONFIG, "dns:tsig-key",
			    "key_name: \"%s\" has a character that may not "
			    "be in the name of a key", name);
		key->name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ?
		    name[i] - 'A' + 'a' : name[i]);
	}
	if (len == 0 || len >= sizeof(key->name))
		return error_set(err, ERR_CONFIG, "dns:tsig-key",
		    "key_name: \"%.80s\" is %s", name, len == 0 ? "empty" :
		    "too long");
	if (dnsmsg_name_wire(key->name, key->wire, &key->wire_len,
	    err) == -1)
		return error_wrap(err, "key_name");
	return 0;
}

int
tsig_key_init(struct tsig_key *key, const char *name, const char *algorithm,
    const char *secret, struct error *err)
{
	memset(key, 0, sizeof(*key));
	if (set_name(key, name, err) == -1)
		return -1;
	if ((key->alg = find_alg(algorithm)) == NULL) {
		return error_set(err, ERR_CONFIG, "dns:tsig-key",
		    "key_algorithm: \"%s\" is not one of hmac-sha256, "
		    "hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1%s",
		    algorithm, strcasestr(algorithm, "md5") != NULL ?
		    "; RFC 8945 forbids hmac-md5: make a new key with "
		    "tsig-keygen" : "");
	}
	if (decode_secret(secret, &key->secret, &key->secret_len) == -1) {
		return error_set(err, ERR_CONFIG, "dns:tsig-key",
		    "key_secret of key %s is not base64 as tsig-keygen "
		    "writes it", key->name);
	}
	return 0;
}

bool
tsig_key_has(const struct tsig_key *key, const char *algorithm)
{
	return find_alg(algorithm) == key->alg;
}

void
tsig_key_copy(struct tsig_key *to, const struct tsig_key *from)
{
	*to = *from;
	to->secret = xmemdup(from->secret, from->secret_len);
}

void
tsig_key_clear(struct tsig_key *key)
{
	freezero(key->secret, key->secret_len);
	memset(key, 0, sizeof(*key));
}

/* The algorithm's name in wire form. */
static void
put_alg(struct out *o, const struct tsig_alg *alg)
{
	put_uint(o, strlen(alg->name), 1);
	put(o, alg->name, strlen(alg->name));
	put_uint(o, 0, 1);
}

/* The TSIG variables, RFC 8945 section 4.3.3. */
static void
put_variables(struct out *o, const struct tsig_key *key, uint64_t time,
    unsigned fudge, unsigned error, const uint8_t *other, size_t other_len)
{
	put(o, key->wire, key->wire_len);
	put_uint(o, CLASS_ANY, 2);
	put_uint(o, 0, 4);
	put_alg(o, key->alg);
	put_uint(o, time, 6);
	put_uint(o, fudge, 2);
	put_uint(o, error, 2);
	put_uint(o, other_len, 2);
	put(o, other, other_len);
}

static int
compute(const struct tsig_key *key, const struct out *digested,
    struct tsig_mac *mac)
{
	unsigned len = 0;

	if (HMAC(key->alg->md(), key->secret, (int)key->secret_len,
	    digested->data, digested->len, mac->bytes, &len) == NULL)
		return -1;
	mac->len = len;
	return 0;
}

/* Append the record itself, and count it. */
static void
append(struct out *o, const struct tsig_key *key, uint64_t time,
    unsigned error, const struct out *other, const struct tsig_mac *mac)
{
	unsigned arcount = (unsigned)(o->data[ARCOUNT_AT] << 8 |
	    o->data[ARCOUNT_AT + 1]) + 1;
	uint64_t id = (uint64_t)(o->data[0] << 8 | o->data[1]);

	put(o, key->wire, key->wire_len);
	put_uint(o, TYPE_TSIG, 2);
	put_uint(o, CLASS_ANY, 2);
	put_uint(o, 0, 4);
	put_uint(o, strlen(key->alg->name) + 2 + 16 + mac->len + other->len,
	    2);
	put_alg(o, key->alg);
	put_uint(o, time, 6);
	put_uint(o, TSIG_FUDGE, 2);
	put_uint(o, mac->len, 2);
	put(o, mac->bytes, mac->len);
	put_uint(o, id, 2);		/* original id */
	put_uint(o, error, 2);
	put_uint(o, other->len, 2);
	put(o, other->data, other->len);
	o->data[ARCOUNT_AT] = (uint8_t)(arcount >> 8);
	o->data[ARCOUNT_AT + 1] = (uint8_t)arcount;
}

int
tsig_sign(const struct tsig_key *key, uint64_t time, uint8_t **msg,
    size_t *len, struct tsig_mac *mac, struct error *err)
{
	static const struct out none = { NULL, 0 };
	struct out digested = { NULL, 0 }, o = { *msg, *len };
	int rc;

	put(&digested, *msg, *len);
	put_variables(&digested, key, time, TSIG_FUDGE, 0, NULL, 0);
	rc = compute(key, &digested, mac);
	free(digested.data);
	if (rc == -1)
		return error_set(err, ERR_INTERNAL, "dns:tsig",
		    "OpenSSL does not compute %s", key->alg->name);
	append(&o, key, time, 0, &none, mac);
	*msg = o.data;
	*len = o.len;
	return 0;
}

/* Step over one record; *type is its type. */
static int
skip_record(struct cursor *c, uint64_t *type)
{
	uint64_t len;

	return get_name(c, NULL, NULL) == -1 || get_uint(c, 2, type) == -1 ||
	    skip(c, 6) == -1 || get_uint(c, 2, &len) == -1 ||
	    skip(c, len) == -1 ? -1 : 0;
}

/* The TSIG record: the last of the message, or there is none. */
struct record {
	size_t		 at;		/* where it begins; 0: none */
	uint8_t		 owner[255], alg[255];
	size_t		 owner_len, alg_len;
	uint64_t	 time, fudge, mac_len, id, error, other_len;
	const uint8_t	*mac, *other;
};

static int
find_record(struct cursor *c, struct record *r)
{
	uint64_t counts[4], type = 0;

	c->at = 4;
	for (size_t i = 0; i < 4; i++) {
		if (get_uint(c, 2, &counts[i]) == -1)
			return -1;
	}
	for (uint64_t i = 0; i < counts[0]; i++) {
		if (get_name(c, NULL, NULL) == -1 || skip(c, 4) == -1)
			return -1;
	}
	for (uint64_t i = 0; i < counts[1] + counts[2] + counts[3]; i++) {
		r->at = c->at;
		if (skip_record(c, &type) == -1)
			return -1;
	}
	if (c->at != c->len)
		return -1;		/* something behind the last record */
	if (counts[3] == 0 || type != TYPE_TSIG)
		r->at = 0;
	return 0;
}

static int
read_record(struct cursor *c, struct record *r)
{
	uint64_t class, ttl, rdlen;

	c->at = r->at;
	if (get_name(c, r->owner, &r->owner_len) == -1 ||
	    skip(c, 2) == -1 || get_uint(c, 2, &class) == -1 ||
	    get_uint(c, 4, &ttl) == -1 || get_uint(c, 2, &rdlen) == -1 ||
	    class != CLASS_ANY || ttl != 0 ||
	    get_name(c, r->alg, &r->alg_len) == -1 ||
	    get_uint(c, 6, &r->time) == -1 ||
	    get_uint(c, 2, &r->fudge) == -1 ||
	    get_uint(c, 2, &r->mac_len) == -1)
		return -1;
	r->mac = c->msg + c->at;
	if (skip(c, r->mac_len) == -1 || get_uint(c, 2, &r->id) == -1 ||
	    get_uint(c, 2, &r->error) == -1 ||
	    get_uint(c, 2, &r->other_len) == -1)
		return -1;
	r->other = c->msg + c->at;
	return skip(c, r->other_len) == -1 || c->at != c->len ? -1 : 0;
}

static bool
is_ours(const struct tsig_key *key, const struct record *r)
{
	struct out alg = { NULL, 0 };
	bool same;

	put_alg(&alg, key->alg);
	same = r->owner_len == key->wire_len &&
	    memcmp(r->owner, key->wire, key->wire_len) == 0 &&
	    r->alg_len == alg.len && memcmp(r->alg, alg.data, alg.len) == 0;
	free(alg.data);
	return same;
}

/*
 * Is the MAC right?  Truncated ones are not accepted.  Of a reply (request is
 * not NULL) the time signed needs no check of its own: the request's MAC, with
 * our time in it, is part of what is digested, so it cannot be an old one.
 */
static bool
verify(const struct tsig_key *key, const struct tsig_mac *request,
    const uint8_t *msg, const struct record *r)
{
	struct out d = { NULL, 0 };
	unsigned arcount = (unsigned)(msg[ARCOUNT_AT] << 8 |
	    msg[ARCOUNT_AT + 1]) - 1;
	struct tsig_mac mac;
	size_t start;
	bool ok;

	if (!is_ours(key, r))
		return false;
	if (request != NULL) {
		put_uint(&d, request->len, 2);
		put(&d, request->bytes, request->len);
	}
	start = d.len;
	put(&d, msg, r->at);
	d.data[start] = (uint8_t)(r->id >> 8);
	d.data[start + 1] = (uint8_t)r->id;
	d.data[start + ARCOUNT_AT] = (uint8_t)(arcount >> 8);
	d.data[start + ARCOUNT_AT + 1] = (uint8_t)arcount;
	put_variables(&d, key, r->time, (unsigned)r->fudge,
	    (unsigned)r->error, r->other, (size_t)r->other_len);
	ok = compute(key, &d, &mac) == 0 && mac.len == r->mac_len &&
	    CRYPTO_memcmp(mac.bytes, r->mac, mac.len) == 0;
	free(d.data);
	return ok;
}

int
tsig_check(const struct tsig_key *key, const struct tsig_mac *request,
    const uint8_t *msg, size_t len, struct tsig_reply *reply,
    struct error *err)
{
	struct cursor c = { msg, len, 0 };
	struct record r;

	memset(reply, 0, sizeof(*reply));
	memset(&r, 0, sizeof(r));
	if (len < DNSMSG_HEADER || find_record(&c, &r) == -1 ||
	    (r.at != 0 && read_record(&c, &r) == -1))
		return error_set(err, ERR_TRANSIENT, "dns:reply",
		    "the reply is malformed");
	if (r.at == 0)
		return 0;
	reply->is_signed = true;
	reply->error = (unsigned)r.error;
	reply->is_verified = verify(key, request, msg, &r);
	if (r.error == TSIG_BADTIME && r.other_len == 6) {
		for (size_t i = 0; i < 6; i++)
			reply->server_time = reply->server_time << 8 |
			    r.other[i];
	}
	return 0;
}

/* --- the server's side --- */

int
tsig_check_request(const struct tsig_key *key, uint64_t now,
    const uint8_t *msg, size_t len, struct tsig_request *out)
{
	struct cursor c = { msg, len, 0 };
	struct record r;
	uint64_t off;

	memset(out, 0, sizeof(*out));
	memset(&r, 0, sizeof(r));
	if (len < DNSMSG_HEADER || find_record(&c, &r) == -1 || r.at == 0 ||
	    read_record(&c, &r) == -1)
		return -1;
	out->time = r.time;
	off = now > r.time ? now - r.time : r.time - now;
	if (!is_ours(key, &r))
		out->error = TSIG_BADKEY;
	else if (r.mac_len > sizeof(out->mac.bytes) ||
	    !verify(key, NULL, msg, &r))
		out->error = TSIG_BADSIG;
	else if (off > TSIG_FUDGE)
		out->error = TSIG_BADTIME;
	if (out->error == 0 || out->error == TSIG_BADTIME) {
		out->mac.len = (size_t)r.mac_len;
		memcpy(out->mac.bytes, r.mac, out->mac.len);
	}
	return 0;
}

int
tsig_sign_reply(const struct tsig_key *key, uint64_t now,
    const struct tsig_request *request, uint8_t **msg, size_t *len)
{
	struct out d = { NULL, 0 }, other = { NULL, 0 }, o = { *msg, *len };
	struct tsig_mac mac = { .len = 0 };
	uint64_t time = now;
	int rc = 0;

	if (request->error == TSIG_BADTIME) {
		time = request->time;
		put_uint(&other, now, 6);
	}
	if (request->mac.len > 0) {
		put_uint(&d, request->mac.len, 2);
		put(&d, request->mac.bytes, request->mac.len);
		put(&d, *msg, *len);
		put_variables(&d, key, time, TSIG_FUDGE, request->error,
		    other.data, other.len);
		rc = compute(key, &d, &mac);
	}
	if (rc == 0) {
		append(&o, key, time, request->error, &other, &mac);
		*msg = o.data;
		*len = o.len;
	}
	free(d.data);
	free(other.data);
	return rc;
}
