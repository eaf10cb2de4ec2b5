/* SPDX-License-Identifier: MIT */
/*
 * duckdns - Duck DNS (https://www.duckdns.org/spec.jsp).  One TXT value for a
 * domain and all names below it: setting it overwrites, clearing it asks
 * nobody, and nothing can be read.
 */
#include <string.h>

#include "providers/provider.h"

#define PARENT "duckdns.org"
#define N_LAST 16			/* domains whose value we remember */

enum { OPT_TOKEN, OPT_ZONE };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "token", .required = true, .secret = true,
	    .help = "the account's token, as shown on duckdns.org" },
	[OPT_ZONE] = { .name = "zone",
	    .help = "your domain, if the names are not below duckdns.org" },
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct duckdns {
	char	domain[256];
};

struct last {
	char	domain[256];
	char	value[256];
};

/* What was set last: a value that another one has replaced is gone. */
struct duckdns_keep {
	struct last	 last[N_LAST];	/* a ring */
	size_t		 next;
};

static struct last *
last_find(struct duckdns_keep *keep, const char *domain)
{
	for (size_t i = 0; i < N_LAST; i++) {
		if (strcmp(keep->last[i].domain, domain) == 0)
			return &keep->last[i];
	}
	return NULL;
}

static void
last_set(struct duckdns_keep *keep, const char *domain, const char *value)
{
	struct last *l = last_find(keep, domain);

	if (l == NULL) {
		l = &keep->last[keep->next];
		keep->next = (keep->next + 1) % N_LAST;
	}
	(void)text_printf(l->domain, sizeof(l->domain), "%s", domain);
	(void)text_printf(l->value, sizeof(l->value), "%s", value);
}

/* "b" of a.b.duckdns.org; false if the name is not below duckdns.org. */
static bool
domain_of(const char *name, char *out, size_t size)
{
	size_t len = strlen(name), tail = strlen("." PARENT);
	const char *dot;

	if (len <= tail || strcmp(name + len - tail, "." PARENT) != 0)
		return false;
	(void)text_printf(out, size, "%.*s", (int)(len - tail), name);
	dot = strrchr(out, '.');
	if (dot != NULL)
		memmove(out, dot + 1, strlen(dot));
	return true;
}

static int
find_domain(struct provider_call *c, struct error *err)
{
	struct duckdns *x = c->priv;
	bool is_own = provider_str(c->values, OPT_ZONE) != NULL;

	if (domain_of(is_own ? c->zone : c->fqdn, x->domain,
	    sizeof(x->domain)))
		return 0;
	if (!is_own)
		return error_set(err, ERR_CONFIG, "provider:no-zone",
		    "%s is not below the zone " PARENT, c->fqdn);
	(void)text_printf(x->domain, sizeof(x->domain), "%s", c->zone);
	return 0;
}

static void
update_start(struct provider_call *c, struct preq *rq, const char *txt)
{
	const struct duckdns *x = c->priv;

	preq_start(rq, "GET", "/update");
	preq_query(rq, "domains", x->domain);
	preq_secret_query(rq, "token", provider_str(c->values, OPT_TOKEN));
	preq_query(rq, "txt", txt);
}

static int
set_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (find_domain(c, err) == -1)
		return -1;
	update_start(c, rq, c->value);
	return 0;
}

static int
clear_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct duckdns *x = c->priv;
	const struct last *l;

	if (find_domain(c, err) == -1)
		return -1;
	l = last_find(c->keep, x->domain);
	if (l != NULL && strcmp(l->value, c->value) != 0)
		return 0;
	update_start(c, rq, "");
	preq_query(rq, "clear", "true");
	return 0;
}

static bool
is_refusal(const struct rest_answer *a)
{
	return strncmp(a->body, "KO", 2) == 0;
}

/* They say no more than that. */
static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct duckdns *x = c->priv;

	if (is_refusal(a))
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "KO (the token is wrong, or \"%s\" is not a domain of this "
		    "account)", x->domain);
}

/* Their outages come as pages of HTML. */
static enum rest_next
update_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (strncmp(a->body, "OK", 2) == 0)
		return REST_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "HTTP %d, but neither OK nor KO", a->status);
	return REST_FAIL;
}

static enum rest_next
set_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct duckdns *x = c->priv;
	enum rest_next next = update_reply(c, a, err);

	if (next == REST_NEXT)
		last_set(c->keep, x->domain, c->value);
	return next;
}

static const struct provider_step add[] = {
	{ "set TXT", set_request, set_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "clear TXT", clear_request, update_reply, NULL },
	{ .name = NULL }
};

const struct provider provider_duckdns = {
	.name = "duckdns",
	.title = "Duck DNS",
	.doc = "The token is at the top of www.duckdns.org after you sign "
	    "in; it is good for all domains of the account.  A domain holds "
	    "one TXT value: whatever else sets it is overwritten, and a name "
	    "and its wildcard cannot be proved at the same time.  lego: "
	    "DUCKDNS_TOKEN.",
	.opts = opts,
	.keep_size = sizeof(struct duckdns_keep),
	.no_standing = true,
	.max_values = 1,
	.shares_values = true,
	.max_calls = 1,
	.base_url = "https://www.duckdns.org",
	.priv_size = sizeof(struct duckdns),
	.plain_text = true,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
