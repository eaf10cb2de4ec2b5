/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/cloud_version.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/rest/sign.h"
#include "daemon/store/bundle.h"

#define NAME_LEN (63 - 6 - 1 - 16)	/* the least of what stores take */

/* Some refuse blank lines, or miss the last newline. */
static void
tidy(char *pem)
{
	char *to = pem;

	for (const char *from = pem; *from != '\0'; ) {
		size_t len = strcspn(from, "\r\n");

		if (len > 0) {
			memmove(to, from, len);
			to += len;
			*to++ = '\n';
		}
		from += len + strspn(from + len, "\r\n");
	}
	*to = '\0';
}

static int
make(const char *dir, enum bundle_format format, char **out,
    struct error *err)
{
	size_t len;
	char *pem;

	if (bundle_make(dir, format, "", NULL, &pem, &len, err) == -1)
		return -1;
	*out = xcalloc(1, len + 2);	/* room for a newline */
	memcpy(*out, pem, len);
	freezero(pem, len);
	tidy(*out);
	return 0;
}

static int
read_sha1(const char *dir, char out[SIGN_HEX], struct error *err)
{
	unsigned char hash[SIGN_MAX];
	size_t len;
	char *der;

	if (bundle_make(dir, BUNDLE_DER, "", NULL, &der, &len, err) == -1)
		return -1;
	(void)text_hex(hash, sign_hash(SIGN_SHA1, der, len, hash), out);
	free(der);
	return 0;
}

int
cloud_version_read(struct cloud_version *v, const char *dir,
    const char *name, struct cloud_call *c, struct error *err)
{
	char sha1[SIGN_HEX];

	memset(v, 0, sizeof(*v));
	if (make(dir, BUNDLE_FULLCHAIN, &v->fullchain, err) == -1 ||
	    make(dir, BUNDLE_CERT, &v->leaf, err) == -1 ||
	    make(dir, BUNDLE_CHAIN, &v->chain, err) == -1 ||
	    make(dir, BUNDLE_PRIVKEY, &v->key, err) == -1 ||
	    read_sha1(dir, sha1, err) == -1 ||
	    cert_info_read(v->fullchain, strlen(v->fullchain), &v->info,
	    err) == -1)
		return -1;
	v->sec1_key = key_pem_traditional(v->key, err);
	if (v->sec1_key == NULL)
		return -1;
	c->cert = (struct cloud_cert){ .name = name,
	    .names = (const char *const *)v->info.names,
	    .fullchain = v->fullchain, .leaf = v->leaf, .chain = v->chain,
	    .key = v->key, .sec1_key = v->sec1_key,
	    .not_before = v->info.not_before,
	    .not_after = v->info.not_after };
	memcpy(c->cert.sha1, sha1, sizeof(c->cert.sha1));
	memcpy(c->cert.sha256, v->info.sha256, sizeof(c->cert.sha256));
	memcpy(c->cert.serial, v->info.serial, sizeof(c->cert.serial));
	(void)text_printf(c->upload_name, sizeof(c->upload_name),
	    "acmed-%.*s-%.16s", NAME_LEN, name, v->info.sha256);
	return 0;
}

void
cloud_version_none(struct cloud_version *v, const struct conf_cert *cert,
    struct cloud_call *c)
{
	memset(v, 0, sizeof(*v));
	v->info.names = xcalloc(cert->n_names + 1, sizeof(*v->info.names));
	for (size_t i = 0; i < cert->n_names; i++)
		v->info.names[i] = xstrdup(cert->names[i].name);
	c->cert = (struct cloud_cert){ .name = cert->name,
	    .names = (const char *const *)v->info.names,
	    .fullchain = "", .leaf = "", .chain = "", .key = "" };
	(void)text_printf(c->upload_name, sizeof(c->upload_name),
	    "acmed-%.*s-", NAME_LEN, cert->name);
}

void
cloud_version_clear(struct cloud_version *v)
{
	free(v->fullchain);
	free(v->leaf);
	free(v->chain);
	freezero_str(v->key);
	freezero_str(v->sec1_key);
	cert_info_clear(&v->info);
	memset(v, 0, sizeof(*v));
}
