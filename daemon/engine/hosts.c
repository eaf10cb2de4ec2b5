/* SPDX-License-Identifier: MIT */
/* hosts - those with keys of their own, and what they may open. */
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/engine/priv.h"
#include "daemon/store/identity.h"
#include "daemon/store/store.h"

static json_t *
host_json(const struct conf_host *h)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:i}", "name", h->name,
	    "public_key", h->public_key, "file", h->file, "line", h->line,
	    "end_line", h->end_line);
}

/* Does this acmed publish for them? */
static bool
publishes(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_repositories; i++) {
		if (conf->repositories[i]->to_hosts)
			return true;
	}
	return false;
}

json_t *
engine_hosts(struct engine *e, struct error *err)
{
	json_t *list, *key = json_null();
	struct identity *id;

	if (publishes(e->conf)) {
		id = store_publisher(e->a.store, err);
		if (id == NULL)
			return NULL;
		key = json_string(identity_public(id));
		identity_free(id);
	}
	list = json_array();
	for (size_t i = 0; i < e->conf->n_hosts; i++)
		(void)json_array_append_new(list,
		    host_json(e->conf->hosts[i]));
	return json_pack("{s:o, s:o}", "publisher_key", key, "hosts", list);
}

/* Is it published where hosts have keys of their own? */
static bool
is_for_hosts(const struct conf_cert *cc)
{
	for (size_t i = 0; i < cc->n_deploys; i++) {
		if (cc->deploys[i]->publish != NULL &&
		    cc->deploys[i]->publish->to_hosts)
			return true;
	}
	return false;
}

json_t *
engine_host(struct engine *e, const char *name, struct error *err)
{
	const struct conf_host *h = NULL;
	json_t *list, *host;

	for (size_t i = 0; i < e->conf->n_hosts; i++) {
		if (strcmp(e->conf->hosts[i]->name, name) == 0)
			h = e->conf->hosts[i];
	}
	if (h == NULL) {
		(void)error_set(err, ERR_CONFIG, API_ERR_UNKNOWN_HOST, "no "
		    "host \"%s\" is configured; see acmectl host list", name);
		return NULL;
	}
	list = json_array();
	for (size_t i = 0; i < e->conf->n_certs; i++) {
		const struct conf_cert *cc = e->conf->certs[i];

		if (is_for_hosts(cc) && conf_is_for_host(cc, name))
			(void)json_array_append_new(list,
			    json_string(cc->name));
	}
	host = host_json(h);
	(void)json_object_set_new(host, "certificates", list);
	return host;
}

json_t *
engine_host_key(struct engine *e, const char *name, bool with_publisher,
    struct error *err)
{
	struct identity *id, *publisher = NULL;
	json_t *reply;
	char *text;

	if (object_name_check(name, err) == -1)
		return NULL;
	if (with_publisher) {
		publisher = store_publisher(e->a.store, err);
		if (publisher == NULL)
			return NULL;
	}
	id = identity_new(name);
	text = identity_text(id, publisher != NULL ?
	    identity_public(publisher) : NULL);
	reply = json_pack("{s:s, s:s, s:s}", "name", name, "public_key",
	    identity_public(id), "key_file", text);
	freezero_str(text);
	identity_free(id);
	identity_free(publisher);
	return reply;
}
