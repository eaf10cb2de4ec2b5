/* SPDX-License-Identifier: MIT */
#include "daemon/http01/http01.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/http01/token.h"
#include "daemon/io/http_listen.h"
#include "daemon/io/sd.h"

#define SOCKET_NAME "acmed-http"
#define PASSED_MAX 16

struct entry {
	TAILQ_ENTRY(entry) link;
	char		*token;
	char		*text;
};

struct http01 {
	struct loop	*loop;
	struct http_listen *server;	/* made when first needed */
	TAILQ_HEAD(, entry) entries;
	char *const	*addresses;
	int		 passed[PASSED_MAX];
	size_t		 n_passed;
	bool		 is_missing;	/* an address could not be had */
	bool		 is_open;	/* at least one could */
};

static struct entry *
find(const struct http01 *h, const char *token)
{
	struct entry *e;

	TAILQ_FOREACH(e, &h->entries, link) {
		if (strcmp(e->token, token) == 0)
			return e;
	}
	return NULL;
}

static const char *
find_cb(const char *path, void *arg)
{
	const char *token = http01_token_of(path);
	const struct entry *e = token != NULL ? find(arg, token) : NULL;

	return e != NULL ? e->text : NULL;
}

struct http01 *
http01_new(struct loop *loop)
{
	struct http01 *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	TAILQ_INIT(&h->entries);
	h->n_passed = sd_sockets(SOCKET_NAME, h->passed, PASSED_MAX);
	return h;
}

static void
entry_free(struct http01 *h, struct entry *e)
{
	TAILQ_REMOVE(&h->entries, e, link);
	free(e->token);
	free(e->text);
	free(e);
}

void
http01_free(struct http01 *h)
{
	struct entry *e;

	if (h == NULL)
		return;
	http_listen_free(h->server);
	while ((e = TAILQ_FIRST(&h->entries)) != NULL)
		entry_free(h, e);
	free(h);
}

static int
open_one(struct http01 *h, const char *address, struct error *err)
{
	if (strcmp(address, HTTP01_SYSTEMD) != 0)
		return http_listen_open(h->server, address, err);
	if (h->n_passed > 0)
		return 0;
	return error_set(err, ERR_CONFIG, "http:listen", "http_listen = "
	    HTTP01_SYSTEMD ", but systemd has passed no socket: systemctl "
	    "stop acmed; systemctl enable --now acmed-http.socket; "
	    "systemctl start acmed");
}

int
http01_listen(struct http01 *h, char *const *addresses, struct error *err)
{
	struct error other;		/* the first is told */
	int rc = 0;

	h->addresses = addresses;
	h->is_missing = h->is_open = false;
	if (h->server == NULL && addresses[0] == NULL && h->n_passed == 0)
		return 0;
	if (h->server == NULL)
		h->server = http_listen_new(h->loop, find_cb, h);
	http_listen_begin(h->server);
	for (size_t i = 0; i < h->n_passed; i++)
		http_listen_passed(h->server, h->passed[i]);
	for (; *addresses != NULL; addresses++) {
		if (open_one(h, *addresses, rc == -1 ? &other : err) == -1)
			rc = -1;
	}
	h->is_open = http_listen_end(h->server);
	h->is_missing = rc == -1;
	return rc;
}

int
http01_put(struct http01 *h, const char *token, const char *text,
    struct error *err)
{
	struct entry *e = find(h, token);

	if (!http01_token_is_ok(token))
		return error_set(err, ERR_REJECTED, "http01:token",
		    "\"%s\" cannot be the token of a challenge", token);
	/* Whoever held the port may have gone. */
	if (h->is_missing && http01_listen(h, h->addresses, err) == -1 &&
	    !h->is_open)
		return -1;
	if (!h->is_open)
		return error_set(err, ERR_CONFIG, "http:listen",
		    "acmed listens nowhere for http-01: add http_listen, or a "
		    "webroot");
	if (e == NULL) {
		e = xcalloc(1, sizeof(*e));
		e->token = xstrdup(token);
		TAILQ_INSERT_TAIL(&h->entries, e, link);
	}
	free(e->text);
	e->text = xstrdup(text);
	return 0;
}

void
http01_drop(struct http01 *h, const char *token)
{
	struct entry *e = find(h, token);

	if (e != NULL)
		entry_free(h, e);
}

void
http01_test_limit(struct http01 *h, unsigned life_ms)
{
	http_listen_test_limit(h->server, life_ms);
}
