/* SPDX-License-Identifier: MIT */
/*
 * acme_rig - an acme client and a scripted CA (fake_http.h): what its
 * exchanges are written with, and what was called back.  Programs that use it
 * are linked with timer_set() wrapped: no test waits for a retry.
 */
#ifndef TESTS_UNIT_ACME_RIG_H
#define TESTS_UNIT_ACME_RIG_H

#include "tests/unit/unit.h"

#include <openssl/types.h>
#include <stdlib.h>

#include "common/error.h"
#include "daemon/acme/acme.h"
#include "daemon/io/http.h"
#include "tests/fake/fake_http.h"

#define CA "https://ca.test"
#define KID CA "/acct/1"

#define DIR_URLS "\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA \
    "/account\",\"newOrder\":\"" CA "/order\""
#define DIRECTORY { "GET", CA "/dir", .status = 200, \
    .body = "{" DIR_URLS "}" }
#define NONCE(n) { "HEAD", CA "/nonce", .status = 200, \
    .headers = "Replay-Nonce: " n }
#define POST(path, code, nonce, more, text) { "POST", CA path, \
    .status = code, .headers = "Replay-Nonce: " nonce "\n" more, .body = text }
#define FAILS(path, code) { "POST", CA path, .failure = code }

#define PROBLEM(type) "{\"type\":\"urn:ietf:params:acme:error:" type \
    "\",\"detail\":\"because\"}"
#define BAD_NONCE(path, nonce) POST(path, 400, nonce, "", PROBLEM("badNonce"))
#define ORDER(status, more) "{\"status\":\"" status "\",\"identifiers\":" \
    "[{\"type\":\"dns\",\"value\":\"a.test\"}],\"authorizations\":[\"" CA \
    "/z/1\",\"" CA "/z/2\"],\"finalize\":\"" CA "/f/1\"" more "}"
#define AUTHZ "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\"," \
    "\"value\":\"a.test\"},\"challenges\":[{\"type\":\"dns-01\",\"url\":\"" \
    CA "/c/1\",\"status\":\"pending\",\"token\":\"tok\"}]}"
#define CERT "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
#define CHAIN "Content-Type: application/pem-certificate-chain"

#define CREATED POST("/order", 201, "Z", "Location: " CA "/o/1", \
    ORDER("pending", ""))
#define FOUND POST("/o/1", 200, "Z", "", ORDER("pending", ""))
#define BEGIN DIRECTORY, NONCE("A")

/* A script of a table of cases. */
#define RUN(s) s, N_ELEMENTS(s)

/* One test's world, and what was called back. */
struct world {
	struct loop	*loop;
	struct http	*http;
	struct acme	*acme;
	EVP_PKEY	*key;
	int		 calls;
	struct error	 err;		/* of the last call */
	char		 kid[128];
	struct acme_order *order;
	struct acme_authz *authz;
	char		 alternates[256];
	struct acme_op	*victim;	/* cancelled in the next done */
};

/* The pauses before retries that were asked for; each is shortened. */
extern int64_t pauses_ms[16];
extern size_t n_pauses;
extern int64_t pause_divisor;		/* 1000 after world_open() */

/* With an account that is known, or as args say but for key and, if it is
 * NULL, directory. */
void	world_new(struct world *);
void	world_open(struct world *, struct acme_args args);
void	world_free(struct world *);
/* Until nothing is going on any more. */
void	world_run(struct world *);
/* The whole script was asked, and nothing is under way. */
void	world_check(struct world *);
/* Call this first in a done of one's own. */
void	world_note(struct world *, const struct error *);

#define SCRIPT(w, s) fake_http_script((w)->http, s, N_ELEMENTS(s))

/* The done functions of operations; arg is the world. */
void	account_cb(const struct error *, const char *kid, void *arg);
void	order_cb(const struct error *, const struct acme_order *, void *arg);
void	authz_cb(const struct error *, const struct acme_authz *, void *arg);
void	cert_cb(const struct error *, const struct acme_cert *, void *arg);
void	plain_cb(const struct error *, void *arg);

extern const struct acme_order_args two_names_order;
struct acme_op *new_order(struct world *);
/* One that takes no turn. */
void	get_order(struct world *);

/* A member of a part of the nth request as JSON text, "null" if absent; the
 * caller frees. */
char	*signed_with(struct world *, size_t n, const char *part,
	    const char *member);
#define assert_signed(w, n, part, member, want) do {			\
	char *got_ = signed_with(w, n, part, member);			\
	assert_string_equal(got_, want);				\
	free(got_);							\
} while (0)

#endif
