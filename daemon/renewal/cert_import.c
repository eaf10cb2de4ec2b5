/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/cert_import.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/certs/follow.h"
#include "daemon/certs/origin.h"
#include "daemon/renewal/env.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/keys.h"
#include "daemon/store/csr.h"
#include "daemon/store/store.h"

#define NAMES_MAX 100			/* as in the configuration */

/* What is there of it already. */
enum state {
	STATE_NEW,
	STATE_SAME,
	STATE_RENEWED		/* one for the same names that ends no sooner */
};

static const char *const state_names[] = {
	[STATE_NEW] = "new",
	[STATE_SAME] = "same",
	[STATE_RENEWED] = "renewed",
};

/* What was handed over, once it has been found good. */
struct import {
	EVP_PKEY	*key, *second_key;
	struct csr	 csr;		/* clear: the key is here */
	struct cert_info info;		/* has_info: of the leaf */
	bool		 has_info;
	struct chain_fit fit, second_fit;
};

static size_t
count(char *const *names)
{
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	return n;
}

static void
import_clear(struct import *im)
{
	EVP_PKEY_free(im->key);
	EVP_PKEY_free(im->second_key);
	csr_clear(&im->csr);
	if (im->has_info)
		cert_info_clear(&im->info);
	free(im->fit.pem);
	free(im->second_fit.pem);
}

static int
import_read(struct import *im, const struct cert_import *a,
    struct error *err)
{
	size_t len = strlen(a->chain_pem), n;

	if (object_name_check(a->name, err) == -1)
		return -1;
	if (a->csr_pem != NULL) {
		if (csr_parse(a->csr_pem, strlen(a->csr_pem), &im->csr,
		    err) == -1)
			return -1;
		(void)EVP_PKEY_up_ref(im->csr.key);
		im->key = im->csr.key;
	} else if (a->key_pem != NULL) {
		im->key = key_from_pem(a->key_pem, err);
	} else {
		return error_set(err, ERR_CONFIG, "key:syntax", "there is "
		    "neither a key nor the request (csr) of one that is "
		    "elsewhere");
	}
	if (im->key == NULL || cert_info_read(a->chain_pem, len, &im->info,
	    err) == -1)
		return -1;
	im->has_info = true;
	n = count(im->info.names);
	if (n == 0 || n > NAMES_MAX)
		return error_set(err, ERR_REJECTED, "cert:names",
		    "certificate: %zu DNS names; allowed: 1 to %d", n,
		    NAMES_MAX);
	if (chain_fit(a->chain_pem, len, im->key,
	    (const char *const *)im->info.names, n, &im->fit, err) == -1)
		return -1;
	if ((a->second_key_pem == NULL) != (a->second_chain_pem == NULL))
		return error_set(err, ERR_CONFIG, "key:syntax", "of the second "
		    "certificate there is only the key, or only the chain");
	if (a->second_key_pem == NULL)
		return 0;
	im->second_key = key_from_pem(a->second_key_pem, err);
	return im->second_key == NULL ? -1 : chain_fit(a->second_chain_pem,
	    strlen(a->second_chain_pem), im->second_key,
	    (const char *const *)im->info.names, n, &im->second_fit, err);
}

static int
stage(const struct renewal_env *env, const struct cert_import *a,
    const struct import *im, const struct cert_ca *ca,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	const struct store_part first = { .key = im->key, .pem = im->fit.pem,
	    .len = strlen(im->fit.pem),
	    .csr = im->csr.key != NULL ? &im->csr : NULL };

	if (im->second_key == NULL)
		return store_stage(env->store, a->name, first.key, first.csr,
		    first.pem, first.len, ca, version, info, err);
	return store_stage_pair(env->store, a->name, (const struct store_part
	    []){ first, { .key = im->second_key, .pem = im->second_fit.pem,
	    .len = strlen(im->second_fit.pem) } }, ca, version, info, err);
}

/* What the installed one is to the other. */
static int
compare_live(const struct cert_import *a, const struct cert_info *info,
    const struct cert_info *live, enum state *state, struct error *err)
{
	char until[TEXT_TIME_MAX];

	if (strcmp(live->sha256, info->sha256) == 0) {
		*state = STATE_SAME;
		return 0;
	}
	if (live->not_after >= info->not_after && cert_info_serves(live,
	    (const char *const *)info->names, count(info->names))) {
		*state = STATE_RENEWED;
		return 0;
	}
	return error_set(err, ERR_CONFIG, "import:exists", "there is another "
	    "certificate \"%s\" already, serial %s, valid until %s", a->name,
	    live->serial, text_time(live->not_after, until));
}

/* May it be installed, or is it already? */
static int
compare(const struct renewal_env *env, const struct cert_import *a,
    const struct import *im, enum state *state, struct error *err)
{
	const struct cert *c = certs_find(env->certs, a->name);
	struct cert_info live;
	int rc;

	if (c != NULL && c->conf != NULL && !origin_is_ca(c))
		return error_set(err, ERR_CONFIG, "import:exists",
		    "\"%s\" is %s", a->name, c->conf->given != NULL ? "taken "
		    "from files: acmectl put" : "fetched from a repository");
	rc = store_live_info(env->store, a->name, &live, err);
	if (rc == -1)
		return -1;
	if (rc == 0) {
		rc = compare_live(a, &im->info, &live, state, err);
		cert_info_clear(&live);
		return rc;
	}
	*state = STATE_NEW;
	if (c != NULL && c->run != NULL)
		return error_set(err, ERR_TRANSIENT, "engine:busy",
		    "\"%s\" is being ordered just now; see: acmectl status "
		    "%s", a->name, a->name);
	return 0;
}

/* Into archive/, live/ and the row. */
static int
install(const struct renewal_env *env, const struct cert_import *a,
    struct import *im, struct error *err)
{
	char version[STORE_VERSION_SIZE], until[TEXT_TIME_MAX];
	/* Of which of our accounts, nobody can say. */
	const struct cert_ca ca = {
	    .directory = (char *)(uintptr_t)a->directory };
	struct cert_info info;
	struct cert *c;

	if (store_check_room(env->store, a->name, err) == -1 ||
	    store_check_space(env->store, err) == -1 ||
	    stage(env, a, im, &ca, version, &info, err) == -1)
		return -1;
	if (store_promote(env->store, a->name, version, err) == -1) {
		cert_info_clear(&info);
		return -1;
	}
	c = certs_add(env->certs, a->name);
	cert_follow_live(c, &info);
	ari_window_installed(c, &info, a->directory);
	xstrset(&c->row.profile, a->profile);
	c->row.installed_at = clock_now();
	c->row.failures = 0;
	c->row.retry_at = 0;
	free(c->row.error);
	c->row.error = NULL;
	c->row.stamp = store_live_stamp(env->store, a->name);
	cert_save(c);
	event_emit(env->certs, a->name, STEP_INSTALL, LOGL_NOTICE,
	    "imported certificate %s by \"%s\", valid until %s", info.serial,
	    info.issuer, text_time(info.not_after, until));
	if (c->conf != NULL) {
		rollout_plan(env->rollout, c, c->conf, info.serial);
		rollout_kick(env->rollout);
		certs_changed(env->certs);
	}
	cert_info_clear(&info);
	return 0;
}

static json_t *
reply(const struct renewal_env *env, const struct cert_import *a,
    const struct import *im, enum state state)
{
	const struct cert *c = certs_find(env->certs, a->name);
	const struct cert_info *info = &im->info;
	json_t *names = json_array();

	for (char **p = info->names; *p != NULL; p++)
		(void)json_array_append_new(names, json_string(*p));
	return json_pack("{s:s, s:s, s:b, s:s, s:s, s:o, s:I, s:I, s:s?}",
	    "name", a->name, "state", state_names[state],
	    "configured", c != NULL && c->conf != NULL,
	    "serial", info->serial, "issuer", info->issuer, "names", names,
	    "not_before", (json_int_t)info->not_before,
	    "not_after", (json_int_t)info->not_after,
	    "key", info->key == KEY_TYPE_END ? NULL :
	    key_type_name(info->key));
}

/* What was uploaded under the other name, if that is the same certificate, goes
 * on to be known. */
static void
take_uploads(const struct renewal_env *env, const struct cert_import *a,
    const struct import *im)
{
	struct cert_info live;
	struct error err;

	if (a->renamed_from == NULL || object_name_check(a->renamed_from,
	    &err) == -1 || store_live_info(env->store, a->renamed_from, &live,
	    &err) != 0)
		return;
	if (strcmp(live.sha256, im->info.sha256) == 0)
		store_cloud_copy(env->store, a->renamed_from, a->name);
	cert_info_clear(&live);
}

json_t *
cert_import(const struct renewal_env *env, const struct cert_import *a,
    struct error *err)
{
	struct import im = { .key = NULL };
	json_t *j = NULL;
	enum state state = STATE_NEW;

	if (import_read(&im, a, err) == 0 &&
	    compare(env, a, &im, &state, err) == 0 &&
	    (a->check || state != STATE_NEW ||
	    install(env, a, &im, err) == 0)) {
		if (!a->check)
			take_uploads(env, a, &im);
		j = reply(env, a, &im, state);
	}
	import_clear(&im);
	return j;
}
