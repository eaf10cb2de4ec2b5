/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/link.h"
#include "daemon/acme/message.h"
#include "daemon/acme/nonces.h"
#include "daemon/acme/problem.h"
#include "daemon/acme/url.h"

/* Cases are written with ' for ". */
static char *
quoted(const char *s)
{
	char *copy = xstrdup(s);

	for (char *p = copy; *p != '\0'; p++) {
		if (*p == '\'')
			*p = '"';
	}
	return copy;
}

static void
test_url(void **state)
{
	static const struct { const char *url; bool ok, ok_plain; } cases[] = {
		{ "https://ca.test/x", true, true },
		{ "HTTPS://ca.test/x", true, true },
		{ "https://ca.test", true, true },
		{ "https://ca.test?x=1", true, true },
		{ "https://[2001:db8::1]:14000/x", true, true },
		{ "https://ca.test:14000/x/~1/%20;a=b,c", true, true },
		{ "http://ca.test/x", false, true },
		{ "ftp://ca.test/x", false, false },
		{ "file:///etc/passwd", false, false },
		{ "https:///x", false, false },
		{ "https://", false, false },
		{ "https://:443/", false, false },
		{ "", false, false },
		{ "/x", false, false },
		{ "https://user@ca.test/x", false, false },
		{ "https://user:pw@ca.test/x", false, false },
		{ "https://ca.test/x#y", false, false },
		{ "https://ca.test/a b", false, false },
		{ "https://ca.test/a\"b", false, false },
		{ "https://ca.test/a\\b", false, false },
		{ "https://ca.test\\@evil.test/", false, false },
		{ "https://ca.test/\r\nX: y", false, false },
		{ "https://ca.test/\x7f", false, false },
		{ "https://ca.test/\xc3\xbc", false, false },
		{ "https://c%61.test/", false, false },
	};
	char longest[2048 + 2];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		if (url_is_ok(cases[i].url, false) != cases[i].ok ||
		    url_is_ok(cases[i].url, true) != cases[i].ok_plain)
			fail_msg("%s", cases[i].url);
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "https://", 8);
	longest[2048] = '\0';
	assert_true(url_is_ok(longest, false));
	longest[2048] = 'a';
	longest[2049] = '\0';
	assert_false(url_is_ok(longest, false));
}

static void
test_url_resolve(void **state)
{
	static const struct { const char *base, *ref, *want; } cases[] = {
		{ "https://ca.test:1/c/1", "https://o.test/2",
		    "https://o.test/2" },
		{ "https://ca.test:1/c/1", "/c/1/alt",
		    "https://ca.test:1/c/1/alt" },
		{ "https://ca.test?x", "/y", "https://ca.test/y" },
		{ "https://ca.test", "/y", "https://ca.test/y" },
		{ "https://ca.test/c/1", "//evil.test/x", NULL },
		{ "https://ca.test/c/1", "alt", NULL },
		{ "https://ca.test/c/1", "../alt", NULL },
		{ "https://ca.test/c/1", "", NULL },
		{ "https://ca.test/c/1", "http://ca.test/", NULL },
		{ "https://ca.test/c/1", "javascript:x", NULL },
		{ "https://ca.test/c/1", "/a b", NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *url = url_resolve(cases[i].base, cases[i].ref, false);

		if (cases[i].want == NULL)
			assert_null(url);
		else
			assert_string_equal(url, cases[i].want);
		free(url);
	}
	assert_true(url_is_same_host("https://ca.test/a", "https://CA.test"));
	assert_true(url_is_same_host("https://a:1?x", "http://a:1/y"));
	assert_false(url_is_same_host("https://ca.test/", "https://ca.te/st"));
	assert_false(url_is_same_host("https://ca.test:1/", "https://ca.test"));
	assert_false(url_is_same_host("x", "x"));
}

static void
collect(const char *target, void *arg)
{
	char *all = arg;

	assert_true(strlen(all) + strlen(target) + 2 < 256);
	strncat(all, target, 200);
	strncat(all, ";", 2);
}

static void
test_link(void **state)
{
	static const struct { const char *value, *want; } cases[] = {
		{ "<https://a/1>;rel='alternate'", "https://a/1;" },
		{ "<https://a/1>; rel=alternate", "https://a/1;" },
		{ "<https://a/1> ;\trel = alternate", "https://a/1;" },
		{ "<https://a/1>; REL=ALTERNATE", "https://a/1;" },
		{ "<https://a/1>;rel='up alternate'", "https://a/1;" },
		{ "<https://a/1>;rel='alternatex'", "" },
		{ "<https://a/1>;rel='up'", "" },
		{ "<https://a/1>", "" },
		{ "<https://a/1>;rel", "" },
		{ "<https://a/1>;title='a\\\", rel=alternate';rel=up", "" },
		{ "<https://a/1>;title='x, y; z';rel=alternate",
		    "https://a/1;" },
		{ "<https://a/1>;rel=up;rel=alternate", "" },
		{ "<1>;rel=up, <2>;rel=alternate,<3>;rel=alternate", "2;3;" },
		{ ", <a,b>;rel=alternate ,", "a,b;" },
		{ "<1>;rel=alternate, junk", "1;" },
		{ "junk, <1>;rel=alternate", "" },
		{ "<1;rel=alternate", "" },
		{ "<1>;rel='alternate", "" },
		{ "<1>;rel='alternate\\", "" },
		{ "<1>;rel=alternate<2>;rel=alternate", "" },
		{ "<1>;;rel=alternate", "1;" },
		{ "<>;rel=alternate", ";" },
		{ "", "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *value = quoted(cases[i].value), got[256] = "";

		link_each(value, "alternate", collect, got);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", value, got);
		free(value);
	}
}

static void
test_nonces(void **state)
{
	struct nonces pool = { .n = 0 };
	char *s;

	assert_null(nonces_take(&pool));
	assert_false(nonces_put(&pool, NULL));
	assert_false(nonces_put(&pool, ""));
	assert_false(nonces_put(&pool, "a+b"));
	assert_false(nonces_put(&pool, "a\"b"));
	for (int i = 0; i < NONCES_MAX + 5; i++) {
		char nonce[16];

		(void)text_printf(nonce, sizeof(nonce), "n%d", i);
		assert_true(nonces_put(&pool, nonce));
	}
	assert_int_equal(pool.n, NONCES_MAX);
	s = nonces_take(&pool);
	assert_string_equal(s, "n68");		/* the newest first */
	free(s);
	assert_string_equal(pool.stack[0], "n5");
	nonces_clear(&pool);
	assert_null(nonces_take(&pool));
}

#define DIR_URLS "'newNonce':'https://ca/n','newAccount':'https://ca/a'," \
    "'newOrder':'https://ca/o'"

static void
test_directory(void **state)
{
	static const struct { const char *text; bool ok; } cases[] = {
		{ "{" DIR_URLS "}", true },
		{ "{" DIR_URLS ",'meta':null}", true },
		{ "{" DIR_URLS ",'meta':{'caaIdentities':'x'}}", true },
		{ "{" DIR_URLS ",'x':'random'}", true },
		{ "{}", false },
		{ "[]", false },
		{ "null", false },
		{ "", false },
		{ "<html>", false },
		{ "{" DIR_URLS, false },
		{ "{" DIR_URLS "} x", false },
		{ "{" DIR_URLS ",'newNonce':'https://ca/n'}", false },
		{ "{'newNonce':1,'newAccount':'https://ca/a',"
		    "'newOrder':'https://ca/o'}", false },
		{ "{'newNonce':'http://ca/n','newAccount':'https://ca/a',"
		    "'newOrder':'https://ca/o'}", false },
		{ "{'newNonce':'https://ca/n','newOrder':'https://ca/o'}",
		    false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = quoted(cases[i].text);
		struct error err;
		struct directory *d = message_directory(text, strlen(text),
		    false, &err);

		if ((d != NULL) != cases[i].ok)
			fail_msg("%s", text);
		if (d == NULL)
			assert_string_equal(err.code, "acme:badReply");
		directory_free(d);
		free(text);
	}
}

static void
test_directory_meta(void **state)
{
	char *text = quoted("{" DIR_URLS ",'meta':{'termsOfService':"
	    "'https://ca/tos','externalAccountRequired':true,"
	    "'caaIdentities':['CA.example',1,'no host',null,'b.ca.example'],"
	    "'profiles':{'classic':'the \\u001b[31mred one\\n','bare':1,"
	    "'two words':'x','':'y'}}}");
	struct error err;
	struct directory *d = message_directory(text, strlen(text), false,
	    &err);

	assert_string_equal(d->new_nonce, "https://ca/n");
	assert_string_equal(d->new_account, "https://ca/a");
	assert_string_equal(d->new_order, "https://ca/o");
	assert_string_equal(d->terms, "https://ca/tos");
	assert_true(d->eab_required);
	assert_string_equal(d->caa_identities[0], "ca.example");
	assert_string_equal(d->caa_identities[1], "b.ca.example");
	assert_null(d->caa_identities[2]);
	/* Names that can be asked for, words that can be shown. */
	assert_int_equal(json_object_size(d->profiles), 2);
	assert_string_equal(jsonx_str(d->profiles, "classic"),
	    "the  [31mred one ");
	assert_string_equal(jsonx_str(d->profiles, "bare"), "");
	directory_free(d);
	free(text);
}

#define IDS "'identifiers':[{'type':'dns','value':'a.test'}]"
#define AUTHZS "'authorizations':['https://ca/z/1','https://ca/z/2']"
#define FIN "'finalize':'https://ca/f'"
#define REST IDS "," AUTHZS "," FIN

static void
test_order(void **state)
{
	static const struct { const char *text; int status; } cases[] = {
		{ "{'status':'pending'," REST "}", ACME_PENDING },
		{ "{'status':'ready'," REST "}", ACME_READY },
		{ "{'status':'processing'," REST "}", ACME_PROCESSING },
		{ "{'status':'invalid'," REST ",'error':null}", ACME_INVALID },
		{ "{'status':'valid'," REST ",'certificate':'https://ca/c'}",
		    ACME_VALID },
		/* Some are valid before there is a certificate. */
		{ "{'status':'valid'," REST "}", ACME_VALID },
		{ "{'status':'valid'," REST ",'certificate':null}",
		    ACME_VALID },
		{ "{'status':'valid'," REST ",'certificate':'http://ca/c'}",
		    -1 },
		{ "{'status':'valid'," REST ",'certificate':1}", -1 },
		{ "{'status':'revoked'," REST "}", -1 },
		{ "{'status':'PENDING'," REST "}", -1 },
		{ "{'status':1," REST "}", -1 },
		{ "{" REST "}", -1 },
		/* Some leave out what they think is not needed. */
		{ "{'status':'pending'," AUTHZS "," FIN "}", ACME_PENDING },
		{ "{'status':'ready'," IDS "," FIN "}", ACME_READY },
		{ "{'status':'ready'," IDS "," FIN ",'authorizations':null}",
		    ACME_READY },
		{ "{'status':'ready'," IDS "," FIN ",'authorizations':[]}",
		    ACME_READY },
		{ "{'status':'processing'}", ACME_PROCESSING },
		{ "{'status':'pending','identifiers':{}," AUTHZS "," FIN "}",
		    -1 },
		{ "{'status':'pending'," IDS "," AUTHZS ",'finalize':7}", -1 },
		{ "{'status':'pending'," IDS "," FIN ",'authorizations':[1]}",
		    -1 },
		{ "{'status':'pending'," IDS "," FIN
		    ",'authorizations':['file:///x']}", -1 },
		{ "{'status':'pending'," IDS "," FIN ",'authorizations':{}}",
		    -1 },
		{ "{'status':'invalid'," REST ",'error':'x'}", -1 },
		{ "[]", -1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = quoted(cases[i].text);
		struct error err;
		struct acme_order *o = message_order(text, strlen(text),
		    "https://ca/o/1", false, &err);

		if ((o == NULL ? -1 : (int)o->status) != cases[i].status)
			fail_msg("%s", text);
		if (o == NULL)
			assert_string_equal(err.code, "acme:badReply");
		acme_order_free(o);
		free(text);
	}
}

static void
test_order_members(void **state)
{
	char *text = quoted("{'status':'valid'," REST
	    ",'certificate':'https://ca/c','error':{'type':"
	    "'urn:ietf:params:acme:error:unauthorized','detail':'no'}}");
	struct error err;
	struct acme_order *first = message_order(text, strlen(text),
	    "https://ca/o/1", false, &err);
	struct acme_order *o = acme_order_dup(first);

	acme_order_free(first);
	assert_string_equal(o->url, "https://ca/o/1");
	assert_int_equal(o->n_authz, 2);
	assert_string_equal(o->authz_urls[1], "https://ca/z/2");
	assert_null(o->authz_urls[2]);
	assert_string_equal(o->finalize_url, "https://ca/f");
	assert_string_equal(o->cert_url, "https://ca/c");
	/* Not a matter of the account. */
	assert_int_equal(o->error->kind, ERR_REJECTED);
	assert_string_equal(o->error->msg, "unauthorized: no");
	acme_order_free(o);
	free(text);
}

static void
test_order_bounds(void **state)
{
	static const struct { int n; bool ok; } cases[] = {
		{ 100, true }, { 101, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err;
		struct acme_order *o;
		json_t *list = json_array(), *root;
		char *text;

		/* The first ten come again, and count once. */
		for (int n = 0; n < cases[i].n; n++)
			(void)json_array_append_new(list, json_sprintf(
			    "https://ca/%d", n % 90));
		root = json_pack("{s:s, s:[{}], s:s, s:o}", "status",
		    "pending", "identifiers", "finalize", "https://ca/f",
		    "authorizations", list);
		text = json_dumps(root, 0);
		json_decref(root);
		o = message_order(text, strlen(text), "u", false, &err);
		assert_int_equal(o != NULL, cases[i].ok);
		if (o != NULL)
			assert_int_equal(o->n_authz, 90);
		acme_order_free(o);
		free(text);
	}
}

#define ID "'identifier':{'type':'dns','value':'a.test'}"
#define CH(type, rest) "{'type':'" type "','url':'https://ca/c'," \
    "'status':'pending'" rest "}"
#define DNS01 CH("dns-01", ",'token':'to-ken_1'")
#define PERSIST(names) CH("dns-persist-01", ",'issuer-domain-names':[" \
    names "]")
#define AUTHZ(list) "{'status':'pending'," ID ",'challenges':[" list "]}"

static void
test_authz(void **state)
{
	static const struct { const char *text; int challenges; } cases[] = {
		{ AUTHZ(DNS01), 1 },
		{ AUTHZ(""), 0 },
		{ AUTHZ(DNS01 "," CH("http-01", ",'token':'x'")), 2 },
		/* Other types may look as they like. */
		{ AUTHZ(DNS01 "," CH("dns-tomorrow-01", "")), 2 },
		/* It would be of no use without a token. */
		{ AUTHZ(DNS01 "," CH("dns-account-01", "")), 1 },
		/* dns-persist-01 is passed over if it is malformed. */
		{ AUTHZ(PERSIST("'ca.test'") "," DNS01), 2 },
		{ AUTHZ(PERSIST("'a.t','b.t','c.t','d.t','e.t','f.t','g.t',"
		    "'h.t','i.t','j.t'")), 1 },
		{ AUTHZ(PERSIST("'a.t','b.t','c.t','d.t','e.t','f.t','g.t',"
		    "'h.t','i.t','j.t','k.t'") "," DNS01), 1 },
		{ AUTHZ(CH("dns-persist-01", "") "," DNS01), 1 },
		{ AUTHZ(PERSIST("") "," DNS01), 1 },
		{ AUTHZ(PERSIST("7") "," DNS01), 1 },
		{ AUTHZ(PERSIST("'ca.test','CA2.test'") "," DNS01), 1 },
		{ AUTHZ(PERSIST("'ca.test.'") "," DNS01), 1 },
		{ AUTHZ(PERSIST("'ca.test; accounturi=x'") "," DNS01), 1 },
		{ AUTHZ(CH("dns-persist-01", ",'issuer-domain-names':"
		    "['ca.test'],'accounturi':'https://ca/ 1'") "," DNS01),
		    1 },
		{ AUTHZ("{'type':'future'}," DNS01), 1 },
		{ AUTHZ(CH("future", ",'token':'!'") "," DNS01), 1 },
		{ AUTHZ("{'type':'future','url':'ftp://x'}," DNS01), 1 },
		/* dns-01 may not. */
		{ AUTHZ(CH("dns-01", "")), -1 },
		{ AUTHZ(CH("dns-01", ",'token':''")), -1 },
		{ AUTHZ(CH("dns-01", ",'token':'a.b'")), -1 },
		{ AUTHZ(CH("dns-01", ",'token':'a='")), -1 },
		{ AUTHZ(CH("dns-01", ",'token':'a\\nb'")), -1 },
		{ AUTHZ(CH("dns-01", ",'token':7")), -1 },
		{ AUTHZ("{'type':'dns-01','status':'pending','token':'x'}"),
		    -1 },
		{ AUTHZ("{'type':'dns-01','url':'http://ca/','status':"
		    "'pending','token':'x'}"), -1 },
		{ AUTHZ("{'type':'dns-01','url':'https://ca/','status':'new',"
		    "'token':'x'}"), -1 },
		{ AUTHZ("{'url':'https://ca/'}"), -1 },
		{ AUTHZ("1"), -1 },
		{ "{'status':'pending'," ID "}", -1 },
		{ "{'status':'pending'," ID ",'challenges':{}}", -1 },
		{ "{'status':'ready'," ID ",'challenges':[]}", -1 },
		{ "{'status':'pending','challenges':[]}", -1 },
		{ "{'status':'pending','challenges':[],'identifier':"
		    "{'type':'ip','value':'2001:DB8:0::1'}}", 0 },
		{ "{'status':'pending','challenges':[],'identifier':"
		    "{'type':'ip','value':'a.test'}}", -1 },
		{ "{'status':'pending','challenges':[],'identifier':"
		    "{'type':'mail','value':'a.test'}}", -1 },
		{ "{'status':'pending','challenges':[],'identifier':"
		    "{'type':'dns','value':'a\\u001b[31m'}}", -1 },
		{ "{'status':'pending','challenges':[],'identifier':"
		    "{'type':'dns','value':''}}", -1 },
		{ "{'status':'pending','challenges':[],'identifier':"
		    "{'type':'dns','value':'a.*.test'}}", -1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = quoted(cases[i].text);
		struct error err;
		struct acme_authz *a = message_authz(text, strlen(text),
		    false, &err);

		if ((a == NULL ? -1 : (int)a->n_challenges) !=
		    cases[i].challenges)
			fail_msg("%s", text);
		if (a == NULL)
			assert_string_equal(err.code, "acme:badReply");
		acme_authz_free(a);
		free(text);
	}
}

static void
test_authz_members(void **state)
{
	char *text = quoted("{'status':'invalid','wildcard':true," ID
	    ",'challenges':[" CH("dns-persist-01", ",'issuer-domain-names':"
	    "['ca.test','b.test'],'accounturi':'https://ca/acct/1'") ","
	    CH("dns-01", ",'token':'tok','error':{'type':"
	    "'urn:ietf:params:acme:error:serverInternal','detail':'d'}")
	    "]}");
	struct error err;
	struct acme_authz *first = message_authz(text, strlen(text), false,
	    &err);
	struct acme_authz *a = acme_authz_dup(first);

	acme_authz_free(first);
	assert_int_equal(a->status, ACME_INVALID);
	assert_true(a->wildcard);
	assert_string_equal(a->identifier, "a.test");
	assert_null(a->challenges[0].token);
	assert_null(a->challenges[0].error);
	assert_string_equal(a->challenges[0].issuers[0], "ca.test");
	assert_string_equal(a->challenges[0].issuers[1], "b.test");
	assert_null(a->challenges[0].issuers[2]);
	assert_string_equal(a->challenges[0].account_uri,
	    "https://ca/acct/1");
	assert_null(a->challenges[1].issuers);
	assert_string_equal(a->challenges[1].type, "dns-01");
	assert_string_equal(a->challenges[1].token, "tok");
	assert_string_equal(a->challenges[1].url, "https://ca/c");
	assert_int_equal(a->challenges[1].error->kind, ERR_REJECTED);
	assert_string_equal(a->challenges[1].error->code,
	    "acme:serverInternal");
	acme_authz_free(a);
	free(text);
}

#define P(type) "urn:ietf:params:acme:error:" type

static void
test_problem(void **state)
{
	static const struct {
		int status;
		time_t retry_at;
		const char *body;
		enum err_kind kind;
		const char *code, *msg;
	} cases[] = {
		{ 403, 0, "{'type':'" P("caa") "','detail':'no way'}",
		    ERR_REJECTED, "acme:caa", "caa: no way" },
		{ 429, 77, "{'type':'" P("rateLimited") "','detail':'slow'}",
		    ERR_RATELIMIT, "acme:rateLimited", "rateLimited: slow" },
		{ 403, 0, "{'type':'" P("rateLimited") "','detail':'slow'}",
		    ERR_RATELIMIT, "acme:rateLimited", "rateLimited: slow" },
		{ 500, 0, "{'type':'" P("serverInternal") "','detail':'x'}",
		    ERR_TRANSIENT, "acme:serverInternal",
		    "serverInternal: x" },
		{ 503, 99, "{'type':'" P("serverInternal") "','detail':'x'}",
		    ERR_RATELIMIT, "acme:serverInternal",
		    "serverInternal: x" },
		{ 403, 0, "{'type':'" P("userActionRequired") "','detail':"
		    "'new terms','instance':'https://ca/tos'}", ERR_CONFIG,
		    "acme:userActionRequired", "userActionRequired: new "
		    "terms [see https://ca/tos]" },
		{ 401, 0, "{'type':'" P("unauthorized") "','detail':'u'}",
		    ERR_CONFIG, "acme:unauthorized", "unauthorized: u" },
		{ 400, 0, "{'type':'" P("accountDoesNotExist") "'}",
		    ERR_REJECTED, "acme:accountDoesNotExist",
		    "accountDoesNotExist: no reason given" },
		/* 5xx is not always the server's fault. */
		{ 500, 0, "{'type':'" P("malformed") "','detail':'m'}",
		    ERR_REJECTED, "acme:malformed", "malformed: m" },
		{ 400, 0, "{'type':'" P("malformed") "','title':'t'}",
		    ERR_REJECTED, "acme:malformed", "malformed: t" },
		/* Not ACME's. */
		{ 400, 0, "{'type':'urn:x:rateLimited','detail':'d'}",
		    ERR_REJECTED, "acme:other", "urn:x:rateLimited: d" },
		{ 400, 0, "{'type':'" P("no word") "','detail':'d'}",
		    ERR_REJECTED, "acme:other", "no word: d" },
		{ 400, 0, "{'type':'" P("") "','detail':'d'}",
		    ERR_REJECTED, "acme:other", "d" },
		{ 502, 0, "{'type':'about:blank','detail':'bad gateway'}",
		    ERR_TRANSIENT, "acme:other", "bad gateway" },
		/* No problem document at all. */
		{ 404, 0, "", ERR_REJECTED, "acme:http-404",
		    "HTTP status 404" },
		{ 503, 0, "<html>\nsorry", ERR_TRANSIENT, "acme:http-503",
		    "HTTP status 503, \"<html> sorry\"" },
		{ 503, 60, "", ERR_RATELIMIT, "acme:http-503",
		    "HTTP status 503" },
		{ 429, 0, "{}", ERR_RATELIMIT, "acme:http-429",
		    "HTTP status 429, \"{}\"" },
		{ 400, 0, "[1]", ERR_REJECTED, "acme:http-400",
		    "HTTP status 400, \"[1]\"" },
		/* Subproblems. */
		{ 403, 0, "{'type':'" P("rejectedIdentifier") "','detail':"
		    "'two bad','subproblems':[{'type':'" P("caa") "','detail'"
		    ":'c','identifier':{'type':'dns','value':'a.test'}},"
		    "{'type':'" P("dns") "','detail':'d','identifier':"
		    "{'type':'dns','value':'*.b.test'}},{'detail':'e'},7]}",
		    ERR_REJECTED, "acme:rejectedIdentifier",
		    "rejectedIdentifier: two bad (a.test: caa: c; *.b.test: "
		    "dns: d; e; no reason given)" },
		{ 429, 5, "{'type':'" P("compound") "','detail':'x',"
		    "'subproblems':[{'type':'" P("rateLimited") "'}]}",
		    ERR_RATELIMIT, "acme:compound", "compound: x "
		    "(rateLimited: no reason given)" },
		{ 500, 0, "{'type':'" P("compound") "','detail':'x',"
		    "'subproblems':[{'type':'" P("serverInternal") "'},"
		    "{'type':'" P("caa") "'}]}", ERR_REJECTED,
		    "acme:compound", "compound: x (serverInternal: no reason "
		    "given; caa: no reason given)" },
		{ 400, 0, "{'type':'" P("malformed") "','detail':7,"
		    "'subproblems':'x'}", ERR_REJECTED, "acme:malformed",
		    "malformed: no reason given" },
		{ 400, 0, "{'type':'" P("malformed") "','detail':"
		    "'\\u001b[31mred\\nline'}", ERR_REJECTED,
		    "acme:malformed", "malformed:  [31mred line" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *body = quoted(cases[i].body);
		struct error err;

		problem_from_reply(cases[i].status, body, strlen(body),
		    cases[i].retry_at, &err);
		assert_string_equal(err.msg, cases[i].msg);
		assert_string_equal(err.code, cases[i].code);
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(err.retry_at, cases[i].retry_at);
		free(body);
	}
}

/* More than a message can hold: as many as fit, and how many more. */
static void
test_problem_long(void **state)
{
	json_t *subs = json_array(), *p;
	struct error err;
	char *detail = xmalloc(5000), *end;

	memset(detail, 'd', 4999);
	detail[4999] = '\0';
	for (int i = 0; i < 100; i++)
		(void)json_array_append_new(subs, json_pack(
		    "{s:s, s:s, s:{s:s}}", "type", P("dns"), "detail",
		    "no such name", "identifier", "value",
		    "some-long-name.example.test"));
	p = json_pack("{s:s, s:s, s:o}", "type", P("dns"), "detail", detail,
	    "subproblems", subs);
	problem_read(p, &err);
	assert_true(strlen(err.msg) < sizeof(err.msg) - 200);
	assert_non_null(strstr(err.msg, " more)"));
	end = strstr(err.msg, " more)");
	assert_string_equal(end, " more)");
	assert_string_equal(err.code, "acme:dns");
	json_decref(p);
	free(detail);
}

#define CERT "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"

static void
test_chain(void **state)
{
	static const struct {
		const char *text;
		size_t len;	/* 0: as a string */
		bool ok;
	} cases[] = {
		{ CERT, sizeof(CERT) - 1, true },
		{ "\n" CERT CERT, 1 + 2 * (sizeof(CERT) - 1), true },
		{ "subject=x\n" CERT, 0, true },
		{ "-----BEGIN PRIVATE KEY-----\n", 0, false },
		{ "", 0, false },
		{ "{}", 2, false },
		{ CERT "\0x", sizeof(CERT) + 1, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		size_t len = cases[i].len != 0 ? cases[i].len :
		    strlen(cases[i].text);
		struct error err;

		assert_int_equal(message_chain(cases[i].text, len, &err) == 0,
		    cases[i].ok);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_resolve),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_directory_meta),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_members),
		cmocka_unit_test(test_order_bounds),
		cmocka_unit_test(test_authz),
		cmocka_unit_test(test_authz_members),
		cmocka_unit_test(test_problem),
		cmocka_unit_test(test_problem_long),
		cmocka_unit_test(test_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
