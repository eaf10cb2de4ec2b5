/* SPDX-License-Identifier: MIT */
/* A person may pause or resume a certificate at any member, also where another
 * one renews it: of the document that one writes, only that is changed. */
#include "daemon/cluster/replica_priv.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/etcd/etcd.h"
#include "daemon/rest/sign.h"

void
replica_pause_merge(struct item *i, struct cert *c, struct document *d)
{
	const struct replica_env *env = i->r->env;
	time_t own = c->row.paused_until;
	bool is_said_here = i->knows_pause && own != i->paused;

	i->paused = d->row.paused_until;
	i->knows_pause = true;
	if (own == i->paused)
		return;
	if (is_said_here) {
		d->row.paused_until = own;
		item_changed(i);
		return;
	}
	c->row.paused_until = i->paused;
	cert_save(c);
	/* What we write of it from now on has that, too. */
	if (env->fence(c, env->arg) != 0)
		item_changed(i);
	cert_changed(c);
}

/* Again, from the beginning: somebody else has written it. */
static void
again(struct item *i)
{
	item_changed(i);
}

static void
written(const struct error *err, const json_t *reply, void *arg)
{
	struct item *i = arg;

	if (!replica_answered(i, err) ||
	    !jsonx_bool(reply, "succeeded", false)) {
		again(i);
		return;
	}
	/* The whole of it comes back as any other's. */
	i->paused = i->sending_paused;
	i->knows_pause = true;
}

static void
write_back(struct item *i, const char *key, json_t *o, int64_t modified)
{
	size_t len;
	char *sealed;

	(void)json_object_set_new(o, "paused_until",
	    json_integer(i->sending_paused));
	sealed = document_close(i->r->secret, key, o, &len);
	replica_call(i, "/v3/kv/txn", json_pack("{s:[o], s:[{s:{s:o, s:o}}]}",
	    "compare", replica_compare(key, "MOD", "mod_revision", modified),
	    "success", "request_put", "key", etcd_text(key), "value",
	    etcd_bytes(sealed, len)), written);
	free(sealed);
}

static void
read_back(const struct error *err, const json_t *reply, void *arg)
{
	struct item *i = arg;
	const struct cert *c = replica_cert_of(i);
	const json_t *kv = jsonx_get(reply, "kvs.0");
	const char *text = jsonx_str(kv, "value");
	unsigned char *value = NULL;
	struct error why;
	json_t *o = NULL;
	size_t len = 0;
	char *key;

	if (!replica_answered(i, err)) {
		again(i);
		return;
	}
	if (c == NULL || kv == NULL || text == NULL ||
	    sign_base64_decode(text, &value, &len) == -1)
		return;
	key = replica_key(i->r, i->path);
	o = document_open(i->r->secret, key, value, len, &why);
	freezero(value, len);
	i->sending_paused = c->row.paused_until;
	if (o != NULL)
		write_back(i, key, o, jsonx_number(kv, "mod_revision", 0));
	else
		log_warning(NULL, "cluster: %s", why.msg);
	free(key);
}

void
replica_pause_begin(struct item *i)
{
	const struct cert *c = i->kind == ITEM_CERT ? replica_cert_of(i) :
	    NULL;
	char *key;

	if (c == NULL || i->seen == 0 || !i->knows_pause ||
	    c->row.paused_until == i->paused)
		return;
	key = replica_key(i->r, i->path);
	replica_call(i, "/v3/kv/range", json_pack("{s:o}", "key",
	    etcd_text(key)), read_back);
	free(key);
}
