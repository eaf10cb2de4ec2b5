/* SPDX-License-Identifier: MIT */
/*
 * acme-dns - a small server of one's own that answers TXT for one sub-domain
 * of each registration (https://github.com/joohoi/acme-dns).
 * _acme-challenge.NAME is a CNAME to that sub-domain.
 *
 * A registration has two rows, and an update overwrites the older one, by a
 * clock that shows seconds only.  Hence both values are written in one call,
 * always in the same order and two seconds apart: whatever was repeated, the
 * last two updates are the two values.  There is no way to remove one.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_BASE_URL, OPT_USERNAME, OPT_PASSWORD, OPT_SUBDOMAIN };

static const struct provider_opt opts[] = {
	[OPT_BASE_URL] = { .name = "base_url", .required = true,
	    .help = "address of the server, \"https://auth.example.org\"" },
	[OPT_USERNAME] = { .name = "username", .required = true,
	    .help = "as /register answered" },
	[OPT_PASSWORD] = { .name = "password", .required = true,
	    .secret = true, .help = "as /register answered" },
	[OPT_SUBDOMAIN] = { .name = "subdomain", .required = true,
	    .help = "as /register answered" },
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct acme_dns {
	size_t	n_written;
};

static int
update_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *subdomain = provider_str(c->values, OPT_SUBDOMAIN);
	const struct acme_dns *x = c->priv;
	size_t len = strlen(subdomain);

	/* Else all goes well but for the CA, which sees nothing. */
	if (strncasecmp(c->fqdn, subdomain, len) != 0 || c->fqdn[len] != '.')
		return error_set(err, ERR_CONFIG, "acme-dns:cname",
		    "_acme-challenge.%s must be a CNAME to the \"fulldomain\" "
		    "of the registration, %s...., but leads to %s",
		    c->identifier, subdomain, c->fqdn);
	preq_start(rq, "POST", "/update");
	preq_header(rq, "X-Api-User", provider_str(c->values, OPT_USERNAME));
	preq_secret_header(rq, "X-Api-Key",
	    provider_str(c->values, OPT_PASSWORD));
	preq_json(rq, json_pack("{s:s, s:s}", "subdomain", subdomain, "txt",
	    c->batch[x->n_written]));
	return 0;
}

static enum rest_next
update_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct acme_dns *x = c->priv;
	const char *txt = jsonx_str(a->json, "txt");

	if (txt == NULL || strcmp(txt, c->batch[x->n_written]) != 0) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the server does not confirm the value: %.100s", a->body);
		return REST_FAIL;
	}
	return ++x->n_written < c->n_batch ? REST_AGAIN : REST_DONE;
}

/* The values stay until others take their rows. */
static int
nothing_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	return 0;
}

static const struct provider_step add[] = {
	{ "update", update_request, update_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ .name = "remove", .request = nothing_request },
	{ .name = NULL }
};

const struct provider provider_acme_dns = {
	.name = "acme-dns",
	.title = "acme-dns",
	.doc = "curl -X POST https://SERVER/register answers username, "
	    "password, subdomain and fulldomain; make _acme-challenge.NAME a "
	    "CNAME to fulldomain.  One registration, and so one provider "
	    "section, for each NAME.  lego: ACME_DNS_API_BASE, and "
	    "ACME_DNS_STORAGE_PATH, whose file has the rest.",
	.opts = opts,
	.takes_batch = true,
	.max_values = 2,
	.max_calls = 1,
	.no_standing = true,
	.cannot_remove = true,
	.gap_ms = 2000,
	.priv_size = sizeof(struct acme_dns),
	.add = add,
	.remove = remove_,
};
