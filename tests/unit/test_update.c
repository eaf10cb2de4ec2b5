/* SPDX-License-Identifier: MIT */
#include "daemon/dns/provider_env.h"
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <ldns/ldns.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/config/provider_values.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/provider_run.h"
#include "daemon/dns/tsig.h"
#include "daemon/dns/tsig_text.h"
#include "daemon/dns/update.h"
#include "daemon/io/loop.h"

#define NAME "_acme-challenge.example.com"
#define SECRET "YWJjZGVmZGdoaWprbG1ub3BxcnN0dXZ3eHl6MTIzNDU="

static const char *const one[] = { "v1" };

/* Computed apart from this code, and accepted by BIND 9. */
static const char vector_unsigned[] =
    "123428000001000000010000076578616d706c6503636f6d00000600010f5f61636d652d"
    "6368616c6c656e6765076578616d706c6503636f6d00001000010000003c0003027631";
static const char vector_mac[] =
    "bbbbb3e57c7de1c78dd12b5f324177e30ba2ac23d869572ec68fd5568ec686e8";
static const char vector_head[] =
    "0961636d65642d6b65790000fa00ff00000000003d0b686d61632d736861323536000000"
    "695735a5012c0020";
static const char vector_tail[] = "123400000000";

static void
to_hex(const uint8_t *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", data[i]);
}

static void
key_make(struct tsig_key *key, const char *algorithm)
{
	struct error err;

	assert_int_equal(tsig_key_init(key, "acmed-key", algorithm, SECRET,
	    &err), 0);
}

static void
test_vector(void **state)
{
	static const struct dnsmsg_update u = { .zone = "example.com",
	    .fqdn = NAME, .values = one, .n_values = 1, .is_add = true,
	    .ttl = 60 };
	char hex[1024], want[1024];
	struct tsig_mac mac;
	struct tsig_key key;
	struct error err;
	uint8_t *msg;
	size_t len;

	assert_int_equal(dnsmsg_update(&u, 0x1234, &msg, &len, &err), 0);
	to_hex(msg, len, hex);
	assert_string_equal(hex, vector_unsigned);
	key_make(&key, "hmac-sha256");
	assert_int_equal(tsig_sign(&key, 1767323045, &msg, &len, &mac, &err),
	    0);
	to_hex(mac.bytes, mac.len, hex);
	assert_string_equal(hex, vector_mac);
	to_hex(msg, len, hex);
	(void)snprintf(want, sizeof(want), "%s%s%s%s", vector_unsigned,
	    vector_head, vector_mac, vector_tail);
	want[23] = '1';			/* ARCOUNT */
	assert_string_equal(hex, want);
	free(msg);
	tsig_key_clear(&key);
}

/* Two values in one message. */
static void
test_batch(void **state)
{
	static const char *const two[] = { "v1", "v2" };
	static const struct dnsmsg_update u = { .zone = "example.com",
	    .fqdn = NAME, .values = two, .n_values = 2, .is_add = true,
	    .ttl = 60 };
	struct error err;
	char hex[1024];
	uint8_t *msg;
	size_t len;

	assert_int_equal(dnsmsg_update(&u, 1, &msg, &len, &err), 0);
	to_hex(msg, len, hex);
	assert_int_equal(msg[9], 2);
	assert_non_null(strstr(hex, "0000003c0003027631"));
	assert_string_equal(hex + 2 * len - 18, "0000003c0003027632");
	free(msg);
}

/* A removal: class NONE, TTL 0, the exact data; long text is split. */
static void
test_remove(void **state)
{
	struct dnsmsg_update u = { .zone = "example.com", .fqdn = NAME,
	    .values = one, .n_values = 1, .ttl = 60 };
	const char *long_one[1];
	char text[301], hex[2048];
	struct error err;
	uint8_t *msg;
	size_t len;

	assert_int_equal(dnsmsg_update(&u, 1, &msg, &len, &err), 0);
	to_hex(msg, len, hex);
	assert_non_null(strstr(hex, "001000fe0000000000""03027631"));
	free(msg);
	memset(text, 'x', 300);
	text[300] = '\0';
	long_one[0] = text;
	u.values = long_one;
	assert_int_equal(dnsmsg_update(&u, 1, &msg, &len, &err), 0);
	to_hex(msg, len, hex);
	assert_non_null(strstr(hex, "012eff78"));
	free(msg);
	u.zone = "no..zone";
	assert_int_equal(dnsmsg_update(&u, 1, &msg, &len, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
}

static void
test_keys(void **state)
{
	static const struct {
		const char *name, *alg, *secret;
		const char *says;	/* NULL: good */
	} cases[] = {
		{ "upd", "hmac-sha256", SECRET, NULL },
		{ "Upd.Example.", "HMAC-SHA512", "QQ==", NULL },
		{ "upd", "hmac-sha1", "QUI=", NULL },
		{ "upd", "hmac-sha224", "QUJD", NULL },
		{ "upd", "hmac-sha384", "QUJD", NULL },
		{ "keyname.", "HMAC-SHA256.", SECRET, NULL },
		{ "key+1.example.com", "hmac-sha256", SECRET, NULL },
		{ "a..b", "hmac-sha256", SECRET, "key_name" },
		{ ".", "hmac-sha256", SECRET, "key_name" },
		{ "upd", "hmac-sha256-128", SECRET, "key_algorithm" },
		{ "upd", "hmac-md5", SECRET, "RFC 8945" },
		{ "upd", "sha256", SECRET, "key_algorithm" },
		{ "upd", "hmac-sha256", "", "key_secret" },
		{ "upd", "hmac-sha256", "QUI", "key_secret" },
		{ "upd", "hmac-sha256", "QU=I", "key_secret" },
		{ "upd", "hmac-sha256", "QU I", "key_secret" },
		{ "upd", "hmac-sha256", "====", "key_secret" },
		{ "", "hmac-sha256", SECRET, "key_name" },
		{ "a b", "hmac-sha256", SECRET, "key_name" },
		{ "a\\046b", "hmac-sha256", SECRET, "key_name" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct tsig_key key;
		struct error err;
		int rc = tsig_key_init(&key, cases[i].name, cases[i].alg,
		    cases[i].secret, &err);

		if ((rc == 0) != (cases[i].says == NULL) || (rc == -1 &&
		    (strstr(err.msg, cases[i].says) == NULL ||
		    err.kind != ERR_CONFIG)))
			fail_msg("case %zu: %s", i, rc == 0 ? "accepted" :
			    err.msg);
		if (rc == -1 && cases[i].secret[0] != '\0')
			assert_null(strstr(err.msg, cases[i].secret));
		if (rc == 0)
			tsig_key_clear(&key);
	}
}

/* Keys as other programs write them. */
static const struct {
	const char	*text, *name;	/* wanted, or NULL */
	const char	*got;		/* NAME ALGORITHM; NULL: refused */
	const char	*says;		/* if it is */
} texts[] = {
	{ "key \"acmed-key\" {\n\talgorithm hmac-sha256;\n\t"
	    "secret \"" SECRET "\";\n};\n", NULL, "acmed-key hmac-sha256",
	    NULL },
	/* Comments, another order, no quotes, other statements, uses. */
	{ "# mine\n// { not this }\n/* key \"x\" { secret \"y\"; } "
	    "*/\n"
	    "options { directory \"/var/cache/bind\"; };\n"
	    "server 192.0.2.1 { keys { k.example.; }; key \"k\"; };\n"
	    "key k.example. { secret \"" SECRET "\" ; algorithm HMAC-SHA512; "
	    "};\ncontrols { inet * keys { \"k\"; }; };", NULL,
	    "k.example. HMAC-SHA512", NULL },
	{ "view v { key a{algorithm hmac-sha1;secret " SECRET ";}; };", NULL,
	    "a hmac-sha1", NULL },
	{ "key a { algorithm hmac-sha256; secret \"QQ==\"; };\n"
	    "key B { algorithm hmac-sha384; secret \"" SECRET "\"; };", "b.",
	    "B hmac-sha384", NULL },
	{ "key a { algorithm hmac-sha256; secret \"QQ==\"; };\n"
	    "key B { algorithm hmac-sha384; secret \"" SECRET "\"; };", NULL,
	    NULL, "several keys (a, B); say which by key_name" },
	{ "key a { algorithm hmac-sha256; secret \"" SECRET "\"; };", "other",
	    NULL, "no key \"other\" with a secret, only: a" },
	{ "key a { algorithm hmac-sha256; };", NULL, NULL, "without its" },
	{ "options { };", NULL, NULL, "no key" },
	{ "key a { secret \"", NULL, NULL, "without its secret" },
	/* certbot */
	{ "# Target DNS server\ndns_rfc2136_server = 192.0.2.1\n"
	    "dns_rfc2136_port = 53\ndns_rfc2136_name = keyname.\n"
	    "dns_rfc2136_secret = " SECRET "\n"
	    "dns_rfc2136_algorithm = HMAC-SHA512\n", NULL,
	    "keyname. HMAC-SHA512", NULL },
	{ "dns_rfc2136_name = a\r\ndns_rfc2136_secret = " SECRET "\r\n", NULL,
	    "a ", NULL },
	/* lego */
	{ "export RFC2136_TSIG_KEY='lego'\nRFC2136_TSIG_ALGORITHM="
	    "hmac-sha256.\nRFC2136_TSIG_SECRET=\"" SECRET "\"", NULL,
	    "lego hmac-sha256.", NULL },
	/* keymgr of Knot */
	{ "# hmac-sha256:k:" SECRET "\nkey:\n - id: k\n   algorithm: "
	    "hmac-sha256\n   secret: " SECRET "\n", NULL, "k hmac-sha256",
	    NULL },
	{ "key:\n  - id: k   # ours\n    algorithm: hmac-sha512 # better\n"
	    "    secret: " SECRET " # old\n", NULL, "k hmac-sha512", NULL },
	/* nsd.conf, pdnsutil, a script of nsupdate */
	{ "key:\n\tname: \"k\"\n\talgorithm: hmac-sha256\n\tsecret: \"" SECRET
	    "\"\n", NULL, "k hmac-sha256", NULL },
	{ "k. hmac-sha256. " SECRET, NULL, "k. hmac-sha256.", NULL },
	{ "Create new TSIG key k hmac-sha384 " SECRET "\n", NULL,
	    "k hmac-sha384", NULL },
	{ "server 192.0.2.1\nkey hmac-sha1:k " SECRET "\n", NULL,
	    "k hmac-sha1", NULL },
	/* K*.private and K*.key of dnssec-keygen */
	{ "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: "
	    SECRET "\nBits: AAA=\n", "k", " hmac-sha256", NULL },
	{ "k. IN KEY 512 3 165 " SECRET "\n", NULL, "k. hmac-sha512", NULL },
	/* certbot's plugin by its old name */
	{ "certbot_dns_rfc2136:dns_rfc2136_name = k\n"
	    "certbot_dns_rfc2136:dns_rfc2136_secret = " SECRET "\n", NULL,
	    "k ", NULL },
	{ "hmac-sha224:k:" SECRET, NULL, "k hmac-sha224", NULL },
	{ "k:" SECRET, NULL, "k hmac-sha256", NULL },
	{ "hmac-sha256:k:", NULL, NULL, "without its secret" },
	{ "k:", NULL, NULL, "without its secret" },
	{ "k:" SECRET, "l", NULL, "found the key \"k\", not \"l\"" },
	{ "one\ntwo", NULL, NULL, "no secret" },
};

static void
test_texts(void **state)
{
	struct tsig_text alone;
	struct error why;

	assert_false(tsig_text_is(SECRET));
	assert_int_equal(tsig_text_read(SECRET, NULL, &alone, &why), -1);
	assert_int_equal(tsig_text_read("", "k", &alone, &why), -1);
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct tsig_text t;
		struct error err;
		char got[2 * TSIG_TEXT_MAX];
		int rc;

		assert_true(tsig_text_is(texts[i].text));
		rc = tsig_text_read(texts[i].text, texts[i].name, &t, &err);
		(void)snprintf(got, sizeof(got), "%s %s", t.name,
		    t.algorithm);
		if (rc != (texts[i].got == NULL ? -1 : 0) || (rc == 0 ?
		    strcmp(got, texts[i].got) != 0 ||
		    strcmp(t.secret, SECRET) != 0 :
		    strstr(err.msg, texts[i].says) == NULL ||
		    strstr(err.msg, SECRET) != NULL))
			fail_msg("%s: %s", texts[i].text, rc == 0 ? got :
			    err.msg);
	}
}

/* What the fake server does with an update. */
struct script {
	unsigned	 rcode;
	unsigned	 tsig_error;
	enum { UNSIGNED, EMPTY, SIGNED, WRONG_MAC, WRONG_KEY, SHORT_MAC }
			 sign;
	bool		 once;		/* the second time all is well */
	int64_t		 server_clock;	/* ahead of ours by so much */
	unsigned	 n_seen;
	uint64_t	 time;		/* signed, in the last request */
	const EVP_MD	*md;
};

static size_t
put(uint8_t *out, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return n;
}

/* The server's half of RFC 8945, written apart from the code under test. */
static size_t
serve_update(const uint8_t *msg, size_t len, uint8_t *out, size_t size,
    void *arg)
{
	static const char name[] = "\011acmed-key";
	static const uint8_t secret[] = "abcdefdghijklmnopqrstuvwxyz12345";
	struct script *s = arg;
	bool ok = s->once && s->n_seen > 0;
	unsigned error = ok ? 0 : s->tsig_error;
	size_t md_len = (size_t)EVP_MD_get_size(s->md), n = 12, m = 0, at;
	size_t alg_len = md_len == 20 ? 11 : 13;
	size_t other = error == TSIG_BADTIME ? 6 : 0;
	uint8_t digest[4096], mac[EVP_MAX_MD_SIZE], alg[16];

	/* The algorithm and the MAC are where our own format has them. */
	s->time = 0;
	if (len >= 12 + 6 + md_len + 10 + alg_len) {
		at = len - 6 - md_len - 10;
		memcpy(alg, msg + at - alg_len, alg_len);
		for (size_t i = 0; i < 6; i++)
			s->time = s->time << 8 | msg[at + i];
	} else {
		memset(alg, 0, sizeof(alg));	/* it is not signed */
	}
	s->n_seen++;
	memset(out, 0, 12);
	memcpy(out, msg, 2);
	out[2] = 0xa8;
	out[3] = (uint8_t)(ok ? 0 : s->rcode);
	if (!ok && s->sign == UNSIGNED)
		return n;
	/* What is digested. */
	m += put(digest + m, md_len, 2);
	memcpy(digest + m, msg + len - 6 - md_len, md_len);
	m += md_len;
	memcpy(digest + m, out, n);
	m += n;
	memcpy(digest + m, name, sizeof(name));
	m += sizeof(name);
	m += put(digest + m, 255, 2) + put(digest + m + 2, 0, 4);
	memcpy(digest + m, alg, alg_len);
	m += alg_len;
	at = m;
	m += put(digest + m, s->time, 6);
	m += put(digest + m, 300, 2);
	m += put(digest + m, error, 2);
	m += put(digest + m, other, 2);
	if (other > 0)
		m += put(digest + m, (uint64_t)((int64_t)clock_now() +
		    s->server_clock), 6);
	(void)HMAC(s->md, secret, 32, digest, m, mac, NULL);
	if (!ok && s->sign == WRONG_MAC)
		mac[3] ^= 1;
	if (!ok && s->sign == SHORT_MAC)
		md_len /= 2;
	if (!ok && s->sign == EMPTY)
		md_len = 0;
	/* The record. */
	out[11] = 1;
	memcpy(out + n, name, sizeof(name));
	if (!ok && s->sign == WRONG_KEY)
		out[n + 1] ^= 1;
	n += sizeof(name);
	n += put(out + n, 250, 2);
	n += put(out + n, 255, 2);
	n += put(out + n, 0, 4);
	n += put(out + n, alg_len + 16 + md_len + other, 2);
	memcpy(out + n, alg, alg_len);
	n += alg_len;
	memcpy(out + n, digest + at, 8);	/* time, fudge */
	n += 8;
	n += put(out + n, md_len, 2);
	memcpy(out + n, mac, md_len);
	n += md_len;
	memcpy(out + n, msg, 2);
	n += 2;
	memcpy(out + n, digest + at + 8, 4 + other);
	return n + 4 + other;
}

struct seen {
	struct update_op *op;
	int		 calls;
	struct error	 err;
	char		 zone[DNAME_SIZE];	/* that was changed */
};

static void
provider_done(const struct error *err, void *arg)
{
	struct seen *s = arg;

	s->calls++;
	memset(&s->err, 0, sizeof(s->err));
	if (err != NULL)
		s->err = *err;
}

static void
done(const struct error *err, const char *zone, void *arg)
{
	struct seen *s = arg;

	s->op = NULL;
	provider_done(err, s);
	(void)snprintf(s->zone, sizeof(s->zone), "%s", zone);
}

static const struct fake_rr soa[] = {
	{ .qname = NAME, .qtype = LDNS_RR_TYPE_SOA, .owner = "example.com",
	    .type = LDNS_RR_TYPE_SOA, .data = "", .section = FAKE_AUTHORITY },
	{ .qname = NULL }
};
static const struct fake_rr soa_above[] = {
	{ .qname = "example.com", .qtype = LDNS_RR_TYPE_SOA,
	    .type = LDNS_RR_TYPE_SOA, .data = "" },
	{ .qname = NULL }
};

static const struct {
	const char	*what;
	struct script	 s;
	const char	*alg;		/* NULL: hmac-sha256 */
	enum err_kind	 kind;
	const char	*code, *says;
	unsigned	 n_seen;	/* updates sent */
} cases[] = {
	{ .what = "accepted", .s = { .sign = SIGNED }, .n_seen = 1 },
	{ .what = "sha1", .s = { .sign = SIGNED }, .alg = "hmac-sha1",
	    .n_seen = 1 },
	{ .what = "sha224", .s = { .sign = SIGNED }, .alg = "hmac-sha224",
	    .n_seen = 1 },
	{ .what = "sha384", .s = { .sign = SIGNED }, .alg = "hmac-sha384",
	    .n_seen = 1 },
	{ .what = "sha512", .s = { .sign = SIGNED }, .alg = "hmac-sha512",
	    .n_seen = 1 },
	{ .what = "unsigned", .s = { .sign = UNSIGNED },
	    .kind = ERR_TRANSIENT, .code = "dns:unsigned", .n_seen = 1 },
	{ .what = "wrong MAC", .s = { .sign = WRONG_MAC },
	    .kind = ERR_TRANSIENT, .code = "dns:unsigned", .n_seen = 1 },
	{ .what = "short MAC", .s = { .sign = SHORT_MAC },
	    .kind = ERR_TRANSIENT, .code = "dns:unsigned", .n_seen = 1 },
	{ .what = "no MAC", .s = { .sign = EMPTY },
	    .kind = ERR_TRANSIENT, .code = "dns:unsigned", .n_seen = 1 },
	{ .what = "wrong key", .s = { .sign = WRONG_KEY },
	    .kind = ERR_TRANSIENT, .code = "dns:unsigned", .n_seen = 1 },
	{ .what = "BADSIG", .s = { .rcode = 9,
	    .tsig_error = TSIG_BADSIG, .sign = EMPTY },
	    .kind = ERR_CONFIG, .code = "dns:tsig", .n_seen = 1,
	    .says = "the server refused the TSIG signature (BADSIG): "
	    "key_secret of key acmed-key is wrong" },
	{ .what = "BADKEY", .s = { .rcode = 9,
	    .tsig_error = TSIG_BADKEY, .sign = EMPTY },
	    .kind = ERR_CONFIG, .code = "dns:tsig", .says = "BADKEY",
	    .n_seen = 1 },
	{ .what = "BADTIME, then fine", .s = { .rcode = 9,
	    .tsig_error = TSIG_BADTIME, .sign = SIGNED,
	    .once = true, .server_clock = 5000 }, .n_seen = 2 },
	{ .what = "BADTIME twice", .s = { .rcode = 9,
	    .tsig_error = TSIG_BADTIME, .sign = SIGNED,
	    .server_clock = 5000 }, .kind = ERR_CONFIG, .code = "dns:tsig",
	    .says = "5000 s behind the server's", .n_seen = 2 },
	{ .what = "BADTIME forged", .s = { .rcode = 9,
	    .tsig_error = TSIG_BADTIME, .sign = WRONG_MAC,
	    .server_clock = 5000 }, .kind = ERR_CONFIG, .code = "dns:tsig",
	    .n_seen = 1 },
	{ .what = "REFUSED", .s = { .rcode = 5, .sign = SIGNED },
	    .kind = ERR_CONFIG, .code = "dns:refused-update",
	    .says = "REFUSED", .n_seen = 1 },
	{ .what = "REFUSED by nobody", .s = { .rcode = 5, .sign = UNSIGNED },
	    .kind = ERR_CONFIG, .code = "dns:tsig",
	    .says = "key_secret and key_algorithm, the clock (here it is "
	    "2026-01-02T03:04:05Z)", .n_seen = 1 },
	/* ... and a signed question for the zone. */
	{ .what = "NOTAUTH", .s = { .rcode = 9, .sign = SIGNED },
	    .kind = ERR_CONFIG, .code = "dns:zone", .says = "NOTAUTH",
	    .n_seen = 2 },
	{ .what = "NOTZONE", .s = { .rcode = 10, .sign = SIGNED },
	    .kind = ERR_CONFIG, .code = "dns:zone", .n_seen = 2 },
	{ .what = "SERVFAIL", .s = { .rcode = 2, .sign = UNSIGNED },
	    .kind = ERR_TRANSIENT, .code = "dns:servfail", .n_seen = 2 },
	{ .what = "YXRRSET", .s = { .rcode = 7, .sign = SIGNED },
	    .kind = ERR_REJECTED, .code = "dns:update", .n_seen = 1 },
};

static const EVP_MD *
md_of(const char *alg)
{
	return alg == NULL ? EVP_sha256() :
	    EVP_get_digestbyname(alg + strlen("hmac-"));
}

static void
start(struct seen *seen, struct loop *loop, const struct dns_server *server,
    const struct tsig_key *key, const char *zone)
{
	struct update_args a = { .server = server, .key = key, .zone = zone,
	    .fqdn = NAME, .values = one, .n_values = 1, .is_add = true,
	    .ttl = 60, .timeout_ms = 2000 };

	memset(seen, 0, sizeof(*seen));
	seen->op = update_start(loop, &a, done, seen);
	assert_int_equal(seen->calls, 0);
}

static void
test_replies(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct loop *loop = loop_new();
		struct script s = cases[i].s;
		struct tsig_key key;
		struct fakedns f;
		struct seen seen;
		const char *code = cases[i].code != NULL ? cases[i].code : "";

		clock_test_set(1767323045);
		s.md = md_of(cases[i].alg);
		fakedns_init(&f, loop, 2, i % 2 == 0 ? soa : soa_above);
		f.handler = serve_update;
		f.handler_arg = &s;
		key_make(&key, cases[i].alg == NULL ? "hmac-sha256" :
		    cases[i].alg);
		start(&seen, loop, &f.server, &key, "");
		tsig_key_clear(&key);
		fakedns_run(loop, &seen.calls, 3000);
		if (seen.calls != 1 || seen.err.kind != cases[i].kind ||
		    strcmp(seen.err.code, code) != 0 ||
		    s.n_seen != cases[i].n_seen || (cases[i].says != NULL &&
		    strstr(seen.err.msg, cases[i].says) == NULL) ||
		    (seen.err.kind != ERR_NONE &&
		    strstr(seen.err.msg, "ns2.test") == NULL))
			fail_msg("%s: calls %d, %s %s, sent %u: %s",
			    cases[i].what, seen.calls,
			    err_kind_name(seen.err.kind), seen.err.code,
			    s.n_seen, seen.err.msg);
		if (s.n_seen == 2 && s.server_clock != 0)
			assert_int_equal(s.time, 1767323045 + 5000);
		assert_int_equal(f.n_queries, i % 2 == 0 ? 1 : 2);
		fakedns_clear(&f);
		loop_free(loop);
	}
	clock_test_set(0);
}

/*
 * A server that speaks TCP only, has the zone in a view by key only, has
 * delegated the name, or holds a hundred values at it.
 */
struct odd {
	struct script	 s;
	bool		 needs_key, has_cut, is_full;
	unsigned	 n_queries;
};

static ldns_rr *
rr_of(const char *text)
{
	ldns_rr *rr = NULL;

	assert_int_equal(ldns_rr_new_frm_str(&rr, text, 60, NULL, NULL),
	    LDNS_STATUS_OK);
	return rr;
}

static size_t
serve_odd(const uint8_t *msg, size_t len, uint8_t *out, size_t size,
    void *arg)
{
	struct odd *o = arg;
	bool is_signed = msg[11] != 0;
	ldns_pkt *pkt = NULL;
	char *asked, text[128];
	uint8_t *wire;
	size_t n;

	if ((msg[2] & 0x78) != 0)
		return serve_update(msg, len, out, size, &o->s);
	o->n_queries++;
	assert_int_equal(ldns_wire2pkt(&pkt, msg, len), LDNS_STATUS_OK);
	asked = ldns_rdf2str(ldns_rr_owner(ldns_rr_list_rr(
	    ldns_pkt_question(pkt), 0)));
	ldns_pkt_set_qr(pkt, true);
	ldns_rr_free(ldns_pkt_tsig(pkt));
	ldns_pkt_set_tsig(pkt, NULL);
	if (o->needs_key && !is_signed) {
		ldns_pkt_set_rcode(pkt, LDNS_RCODE_REFUSED);
	} else if (o->is_full && msg[len - 3] == LDNS_RR_TYPE_TXT) {
		ldns_pkt_set_aa(pkt, true);
		for (int i = 0; i < 100; i++) {
			(void)snprintf(text, sizeof(text),
			    NAME ". TXT old%d", i);
			(void)ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER,
			    rr_of(text));
		}
	} else if (o->has_cut && strcmp(asked, "example.com.") != 0) {
		(void)ldns_pkt_push_rr(pkt, LDNS_SECTION_AUTHORITY,
		    rr_of(NAME ". NS ns.cut.test."));
	} else {
		ldns_pkt_set_aa(pkt, true);
		(void)ldns_pkt_push_rr(pkt, LDNS_SECTION_AUTHORITY, rr_of(
		    "example.com. SOA ns.example.com. hm. 1 1 1 1 1"));
	}
	LDNS_FREE(asked);
	assert_int_equal(ldns_pkt2wire(&wire, pkt, &n), LDNS_STATUS_OK);
	assert_true(n <= size);
	memcpy(out, wire, n);
	free(wire);
	ldns_pkt_free(pkt);
	return n;
}

static void
test_odd_servers(void **state)
{
	static const struct {
		const char	*what;
		struct odd	 o;
		unsigned	 n_queries, n_updates;
		const char	*code, *says;	/* NULL: success */
	} servers[] = {
		{ "TCP only", { .s = { .sign = SIGNED } }, 1, 1, NULL, NULL },
		{ "a view by key", { .s = { .sign = SIGNED },
		    .needs_key = true }, 4, 1, NULL, NULL },
		{ "delegated", { .s = { .sign = SIGNED }, .has_cut = true },
		    2, 0, "dns:zone-cut", "is in zone " NAME ", which this "
		    "server has delegated to ns.cut.test, but the update "
		    "would change its own zone example.com" },
		{ "full", { .s = { .rcode = 2, .sign = SIGNED },
		    .is_full = true }, 2, 1, "dns:too-many",
		    "there are 100 other values at " NAME },
		{ "just broken", { .s = { .rcode = 2, .sign = SIGNED } }, 2,
		    1, "dns:servfail", "SERVFAIL" },
	};

	for (size_t i = 0; i < N_ELEMENTS(servers); i++) {
		struct loop *loop = loop_new();
		struct odd o = servers[i].o;
		struct tsig_key key;
		struct fakedns f;
		struct seen seen;

		o.s.md = EVP_sha256();
		fakedns_init(&f, loop, 2, NULL);
		f.mode = FAKE_GARBAGE;		/* over UDP */
		f.handler = serve_odd;
		f.handler_arg = &o;
		key_make(&key, "hmac-sha256");
		start(&seen, loop, &f.server, &key, "");
		tsig_key_clear(&key);
		fakedns_run(loop, &seen.calls, 5000);
		if (seen.calls != 1 || o.n_queries != servers[i].n_queries ||
		    o.s.n_seen != servers[i].n_updates ||
		    strcmp(seen.err.code, servers[i].code == NULL ? "" :
		    servers[i].code) != 0 || (servers[i].says != NULL &&
		    strstr(seen.err.msg, servers[i].says) == NULL))
			fail_msg("%s: calls %d, %u queries, %u updates: %s",
			    servers[i].what, seen.calls, o.n_queries,
			    o.s.n_seen, seen.err.msg);
		if (servers[i].code == NULL)
			assert_string_equal(seen.zone, "example.com");
		fakedns_clear(&f);
		loop_free(loop);
	}
}

/* To what is signed. */
static size_t
serve_refused(const uint8_t *msg, size_t len, uint8_t *out, size_t size,
    void *arg)
{
	memset(out, 0, 12);
	memcpy(out, msg, 2);
	out[2] = 0x80;
	out[3] = 5;
	return 12;
}

static void
test_no_zone(void **state)
{
	static const struct fake_rr none[] = { { .qname = NULL } };
	static const struct {
		enum fake_mode mode;
		const struct fake_rr *rrs;
	} servers[] = {
		{ FAKE_NORMAL, none }, { FAKE_REFUSED, none },
		{ FAKE_LAME, soa },	/* out of its cache */
	};

	for (size_t i = 0; i < N_ELEMENTS(servers); i++) {
		struct loop *loop = loop_new();
		struct tsig_key key;
		struct fakedns f;
		struct seen seen;

		fakedns_init(&f, loop, 2, servers[i].rrs);
		f.mode = servers[i].mode;
		f.handler = serve_refused;
		key_make(&key, "hmac-sha256");
		start(&seen, loop, &f.server, &key, "");
		tsig_key_clear(&key);
		fakedns_run(loop, &seen.calls, 3000);
		assert_int_equal(seen.err.kind, ERR_CONFIG);
		assert_string_equal(seen.err.code, "dns:zone");
		assert_int_equal(f.n_tcp, 3);	/* signed, label by label */
		fakedns_clear(&f);
		loop_free(loop);
	}
}

static void
test_no_server(void **state)
{
	struct loop *loop = loop_new();
	struct dns_server nobody;
	struct tsig_key key;
	struct seen seen;

	fakedns_nobody(&nobody, 2);
	key_make(&key, "hmac-sha256");
	for (int i = 0; i < 2; i++) {
		start(&seen, loop, &nobody, &key, i == 0 ? "" : "example.com");
		fakedns_run(loop, &seen.calls, 3000);
		assert_int_equal(seen.err.kind, ERR_TRANSIENT);
		assert_string_equal(seen.err.code, "dns:refused");
		assert_non_null(strstr(seen.err.msg, "127.0.0.2:1"));
	}
	tsig_key_clear(&key);
	loop_free(loop);
}

static size_t
serve_nothing(const uint8_t *msg, size_t len, uint8_t *out, size_t size,
    void *arg)
{
	return 0;
}

static void
test_cancel(void **state)
{
	int never = 0;

	update_cancel(NULL);
	for (int ms = 0; ms < 3; ms++) {
		struct loop *loop = loop_new();
		struct tsig_key key;
		struct fakedns f;
		struct seen seen;

		fakedns_init(&f, loop, 2, soa);
		f.handler = serve_nothing;
		key_make(&key, "hmac-sha256");
		start(&seen, loop, &f.server, &key,
		    ms == 1 ? "example.com" : "");
		tsig_key_clear(&key);
		if (ms > 0)
			loop_turn(loop);
		update_cancel(seen.op);
		fakedns_run(loop, &never, 5);
		assert_int_equal(seen.calls, 0);
		fakedns_clear(&f);
		loop_free(loop);
	}
}

/* Every truncation and every changed byte of a good reply. */
static void
test_hostile(void **state)
{
	struct script s = { .sign = SIGNED, .md = EVP_sha256() };
	static const struct dnsmsg_update u = { .zone = "example.com",
	    .fqdn = NAME, .values = one, .n_values = 1, .is_add = true,
	    .ttl = 60 };
	uint8_t *msg, reply[512];
	struct tsig_reply r;
	struct tsig_mac mac;
	struct tsig_key key;
	struct error err;
	size_t len, n;

	key_make(&key, "hmac-sha256");
	assert_int_equal(dnsmsg_update(&u, 7, &msg, &len, &err), 0);
	assert_int_equal(tsig_sign(&key, 1767323045, &msg, &len, &mac, &err),
	    0);
	n = serve_update(msg, len, reply, sizeof(reply), &s);
	free(msg);
	assert_int_equal(tsig_check(&key, &mac, reply, n, &r, &err), 0);
	assert_true(r.is_verified);
	for (size_t i = 0; i < n; i++) {
		uint8_t *cut = malloc(i + 1);

		memcpy(cut, reply, i);
		if (tsig_check(&key, &mac, cut, i, &r, &err) == 0)
			assert_false(r.is_verified);
		free(cut);
		/* The id is not signed (the original id is): dnsq's check. */
		if (i < 2)
			continue;
		reply[i] ^= 0x01;
		if (tsig_check(&key, &mac, reply, n, &r, &err) == 0 &&
		    r.is_verified)
			fail_msg("byte %zu changed, still verified", i);
		reply[i] ^= 0x01;
	}
	mac.bytes[0] ^= 1;		/* a reply to another request */
	assert_int_equal(tsig_check(&key, &mac, reply, n, &r, &err), 0);
	assert_true(r.is_signed && !r.is_verified);
	tsig_key_clear(&key);
}

extern const struct provider provider_rfc2136;

/* Through the provider: options as in a file. */
static const struct provcase {
	const char	*server, *key_name, *alg, *secret, *zone;
	const char	*says;		/* NULL: good */
} provcases[] = {
	{ NULL, "acmed-key", "hmac-sha256", SECRET, NULL, NULL },
	{ NULL, "acmed-key", NULL, SECRET, "example.com", NULL },
	{ "exa mple", "k", NULL, SECRET, NULL, "server: \"exa mple\"" },
	{ "192.0.2", "k", NULL, SECRET, NULL, "neither an address" },
	{ "192.0.2.1:0", "k", NULL, SECRET, NULL, "server" },
	{ "192.0.2.1", "k", NULL, "x", NULL, "key_secret of key k" },
	{ "192.0.2.1", "k", "md5", SECRET, NULL, "key_algorithm" },
	{ "192.0.2.1", "k", NULL, SECRET, "a..b", "zone" },
};

static void
set_option(struct provider_values *v, const char *name, const char *text)
{
	const struct provider *p = &provider_rfc2136;
	struct error err;
	int i = 0;

	while (strcmp(p->opts[i].name, name) != 0)
		i++;
	if (text != NULL)
		assert_int_equal(provider_values_set(v, i, &text, 1, &err),
		    0);
}

static void
test_provider(void **state)
{
	static const char *const two[] = { "v1", "v2" };
	const struct provider *p = &provider_rfc2136;

	for (size_t i = 0; i < N_ELEMENTS(provcases); i++) {
		const struct provcase *c = &provcases[i];
		struct provider_values *v = provider_values_new(p);
		struct provider_env env = { .loop = loop_new() };
		struct provider_call call = { .values = v, .fqdn = NAME,
		    .zone = "", .value = "v1", .batch = two, .n_batch = 2 };
		struct script s = { .sign = SIGNED, .md = EVP_sha256() };
		struct seen seen = { .calls = 0 };
		struct fakedns f;
		struct error err;

		fakedns_init(&f, env.loop, 2, soa);
		f.handler = serve_update;
		f.handler_arg = &s;
		set_option(v, "server", c->server == NULL ? f.server.text :
		    c->server);
		set_option(v, "key_name", c->key_name);
		set_option(v, "key_algorithm", c->alg);
		set_option(v, "key_secret", c->secret);
		set_option(v, "zone", c->zone);
		if ((p->check(v, &err) == 0) != (c->says == NULL) ||
		    (c->says != NULL && (err.kind != ERR_CONFIG ||
		    strstr(err.msg, c->says) == NULL)))
			fail_msg("case %zu: %s", i, err.msg);
		p->cancel(p->start(&env, &call, true, provider_done,
		    &seen));
		(void)p->start(&env, &call, false, provider_done, &seen);
		assert_int_equal(seen.calls, 0);
		fakedns_run(env.loop, &seen.calls, 3000);
		assert_int_equal(seen.calls, 1);
		assert_int_equal(seen.err.kind, c->says == NULL ? ERR_NONE :
		    ERR_CONFIG);
		assert_int_equal(s.n_seen, c->says == NULL);
		assert_int_equal(f.n_queries, c->server == NULL &&
		    c->zone == NULL ? 1 : 0);
		fakedns_clear(&f);
		loop_free(env.loop);
		provider_values_free(v);
	}
	p->cancel(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_odd_servers),
		cmocka_unit_test(test_no_zone),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
