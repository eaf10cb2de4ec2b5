/* SPDX-License-Identifier: MIT */
#include "daemon/publish/manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/config/conf_repository.h"
#include "daemon/publish/repo_keys.h"
#include "daemon/store/identity.h"
#include "daemon/store/seal.h"

#define FORMAT_SECRET	"acmed-1"
#define FORMAT_HOSTS	"acmed-2"
#define NAMES_MAX	100
#define WAVES_MAX	20
#define WAVE_MAX	100

static const char *const file_names[] = {
	[MANIFEST_KEYS] = "keys",
	[MANIFEST_FULLCHAIN] = "fullchain.pem",
	[MANIFEST_PRIVKEY] = "privkey.pem",
	[MANIFEST_CSR] = "csr.pem",
	[MANIFEST_SECOND_FULLCHAIN] = "second-fullchain.pem",
	[MANIFEST_SECOND_PRIVKEY] = "second-privkey.pem",
};
_Static_assert(sizeof(file_names) / sizeof(file_names[0]) == MANIFEST_FILES,
    "file_names");

const char *
manifest_file_name(enum manifest_file_id id)
{
	return file_names[id];
}

void
manifest_clear(struct manifest *m)
{
	for (char **p = m->names; p != NULL && *p != NULL; p++)
		free(*p);
	free(m->names);
	for (char **p = m->waves; p != NULL && *p != NULL; p++)
		free(*p);
	free(m->waves);
	memset(m, 0, sizeof(*m));
}

/* What the signature is made of. */
static char *
canonical(const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS |
	    JSON_ENSURE_ASCII);

	if (text == NULL)
		abort();
	return text;
}

static const char *
format_of(const struct repo_keys *keys)
{
	return keys->secret != NULL ? FORMAT_SECRET : FORMAT_HOSTS;
}

static void
add_signature(json_t *o, const struct repo_keys *keys)
{
	char *text = canonical(o), mac[SEAL_MAC_SIZE];
	char signature[IDENTITY_SIGN_SIZE];

	if (keys->secret != NULL) {
		seal_mac(keys->secret, text, strlen(text), mac);
		(void)json_object_set_new(o, "mac", json_string(mac));
	} else {
		identity_sign(keys->me, text, strlen(text), signature);
		(void)json_object_set_new(o, "signature",
		    json_string(signature));
	}
	free(text);
}

static void
add_waves(json_t *o, const struct manifest *m)
{
	json_t *list;

	if (m->waves == NULL)
		return;
	list = json_array();
	for (char **p = m->waves; *p != NULL; p++)
		(void)json_array_append_new(list, json_string(*p));
	(void)json_object_set_new(o, "waves", list);
}

char *
manifest_make(const struct manifest *m, const struct repo_keys *keys)
{
	json_t *names = json_array(), *files = json_object(), *o;
	char *text;

	for (char **p = m->names; *p != NULL; p++)
		(void)json_array_append_new(names, json_string(*p));
	for (int i = 0; i < MANIFEST_FILES; i++) {
		const struct manifest_file *f = &m->files[i];

		if (f->size > 0)
			(void)json_object_set_new(files, file_names[i],
			    json_pack("{s:s, s:I, s:s}", "path", f->path,
			    "size", (json_int_t)f->size, "sha256",
			    f->sha256));
	}
	o = json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:b, s:o}",
	    "format", format_of(keys), "certificate", m->certificate,
	    "names", names, "serial", m->serial, "not_before",
	    (json_int_t)m->not_before, "not_after",
	    (json_int_t)m->not_after, "published_at",
	    (json_int_t)m->published_at, "encrypted", (int)m->encrypted,
	    "files", files);
	if (m->publisher[0] != '\0')
		(void)json_object_set_new(o, "publisher",
		    json_string(m->publisher));
	if (m->renew_at > 0)
		(void)json_object_set_new(o, "renew_at",
		    json_integer(m->renew_at));
	if (m->withdrawn[0] != '\0')
		(void)json_object_set_new(o, "withdrawn",
		    json_string(m->withdrawn));
	add_waves(o, m);
	add_signature(o, keys);
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (text == NULL)
		abort();
	return text;
}

static int
bad(const char *what, struct error *err)
{
	return error_set(err, ERR_REJECTED, "manifest:syntax",
	    "the manifest is not one that acmed writes: %s", what);
}

/* Is the rest of it signed with that? */
static bool
is_signed(const json_t *o, const struct repo_keys *keys, const char *given)
{
	char *text = canonical(o);
	bool ok = keys->secret != NULL ?
	    seal_mac_is(keys->secret, text, strlen(text), given) :
	    identity_signed(keys->publisher, text, strlen(text), given);

	free(text);
	return ok;
}

static int
check_signature(json_t *o, const struct repo_keys *keys, struct error *err)
{
	const char *member = keys->secret != NULL ? "mac" : "signature";
	const char *given = jsonx_str(o, member);
	char copy[IDENTITY_SIGN_SIZE];

	if (given == NULL && jsonx_str(o, keys->secret != NULL ?
	    "signature" : "mac") != NULL)
		return error_set(err, ERR_REJECTED, "manifest:mac", "the "
		    "manifest is %s: publisher and subscriber are not "
		    "configured alike; another prefix keeps both apart",
		    keys->secret == NULL ? "signed with a shared secret, not "
		    "for hosts with keys of their own" : "for hosts with "
		    "keys of their own, not signed with a shared secret");
	if (given == NULL || !text_printf(copy, sizeof(copy), "%s", given))
		return bad(member, err);
	(void)json_object_del(o, member);
	return is_signed(o, keys, copy) ? 0 : error_set(err, ERR_REJECTED,
	    "manifest:mac", "the manifest is not signed with %s key: the "
	    "publisher has another one, or somebody has changed it",
	    keys->secret != NULL ? "our" : "the publisher's");
}

/* A path below the certificate's own place: two plain words. */
static bool
is_path(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	const char *slash = strchr(s, '/');

	return slash != NULL && slash != s && s[0] != '.' &&
	    slash[1] != '\0' && slash[1] != '.' &&
	    s + strspn(s, plain) == slash &&
	    slash[1 + strspn(slash + 1, plain)] == '\0';
}

static bool
is_hex(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n >= min && n <= max && s[n] == '\0';
}

static int
read_file(const json_t *o, const char *name, struct manifest_file *f,
    struct error *err)
{
	const json_t *file = json_object_get(json_object_get(o, "files"),
	    name);
	int64_t size = jsonx_int(file, "size", -1);

	if (jsonx_copy_str(file, "path", f->path, sizeof(f->path),
	    err) == -1 || jsonx_copy_str(file, "sha256", f->sha256,
	    sizeof(f->sha256), err) == -1 || !is_path(f->path) ||
	    !is_hex(f->sha256, 64, 64) || size < 1 ||
	    size > MANIFEST_FILE_MAX)
		return bad(name, err);
	f->size = (size_t)size;
	return 0;
}

static int
read_names(const json_t *o, struct manifest *m, struct error *err)
{
	const json_t *list = json_object_get(o, "names"), *v;
	size_t n = json_array_size(list), i;
	char name[DNAME_SIZE];
	struct error why;

	if (n < 1 || n > NAMES_MAX)
		return bad("names", err);
	m->names = xcalloc(n + 1, sizeof(*m->names));
	json_array_foreach(list, i, v) {
		if (!json_is_string(v) ||
		    (!address_normalize(json_string_value(v), name) &&
		    dname_normalize(json_string_value(v), true, true, name,
		    &why) == -1))
			return bad("names", err);
		m->names[i] = xstrdup(name);
	}
	return 0;
}

/* Both may be missing; what is odd would let hosts take what is not theirs. */
static int
read_waves(const json_t *o, struct manifest *m, struct error *err)
{
	const json_t *list = json_object_get(o, "waves"), *v;
	size_t n = json_array_size(list), i;

	if (json_object_get(o, "withdrawn") != NULL &&
	    (jsonx_copy_str(o, "withdrawn", m->withdrawn,
	    sizeof(m->withdrawn), err) == -1 ||
	    !is_hex(m->withdrawn, 2, 62)))
		return bad("withdrawn", err);
	if (list == NULL)
		return 0;
	if (!json_is_array(list) || n > WAVES_MAX)
		return bad("waves", err);
	m->waves = xcalloc(n + 1, sizeof(*m->waves));
	json_array_foreach(list, i, v) {
		if (!json_is_string(v) || json_string_length(v) > WAVE_MAX)
			return bad("waves", err);
		m->waves[i] = xstrdup(json_string_value(v));
	}
	return 0;
}

bool
manifest_is_for(const struct manifest *m, const char *host)
{
	size_t n = 0;

	while (m->waves != NULL && m->waves[n] != NULL)
		n++;
	return m->waves == NULL || conf_waves_have(m->waves, n, host);
}

/* Has a publisher with these keys such a file? */
static bool
has_file(const json_t *o, const struct repo_keys *keys,
    const struct manifest *m, int i)
{
	const json_t *files = json_object_get(o, "files");
	bool has_csr = keys->secret != NULL && !m->is_pair &&
	    json_object_get(files, file_names[MANIFEST_CSR]) != NULL;

	switch ((enum manifest_file_id)i) {
	case MANIFEST_KEYS:
		return keys->secret == NULL;
	case MANIFEST_PRIVKEY:
		return !has_csr && (keys->secret != NULL ||
		    json_object_get(files, file_names[i]) != NULL);
	case MANIFEST_CSR:
		return has_csr;
	case MANIFEST_SECOND_FULLCHAIN:
	case MANIFEST_SECOND_PRIVKEY:
		return m->is_pair;
	case MANIFEST_FULLCHAIN:
	case MANIFEST_FILES:
		break;
	}
	return true;
}

static int
read_members(const json_t *o, const struct repo_keys *keys,
    struct manifest *m, struct error *err)
{
	const char *format = jsonx_str(o, "format");

	if (format == NULL || strcmp(format, format_of(keys)) != 0)
		return bad("format", err);
	if (jsonx_copy_str(o, "certificate", m->certificate,
	    sizeof(m->certificate), err) == -1)
		return bad("certificate", err);
	if (jsonx_copy_str(o, "serial", m->serial, sizeof(m->serial),
	    err) == -1 || !is_hex(m->serial, 2, 62))
		return bad("serial", err);
	m->not_before = (time_t)jsonx_int(o, "not_before", -1);
	m->not_after = (time_t)jsonx_int(o, "not_after", -1);
	m->published_at = (time_t)jsonx_int(o, "published_at", -1);
	if (m->not_before < 0 || m->not_after <= m->not_before ||
	    m->published_at < 0)
		return bad("dates", err);
	/* Both are for people, and a hint: what is odd is left out. */
	m->renew_at = (time_t)jsonx_int(o, "renew_at", 0);
	if (m->renew_at < 0 || m->renew_at > m->not_after)
		m->renew_at = 0;	/* nobody renews after the end */
	(void)text_printf(m->publisher, sizeof(m->publisher), "%s",
	    jsonx_str(o, "publisher") != NULL ? jsonx_str(o, "publisher") :
	    "");
	text_clean(m->publisher);
	if (!json_is_boolean(json_object_get(o, "encrypted")))
		return bad("encrypted", err);
	m->encrypted = jsonx_bool(o, "encrypted", false);
	m->is_pair = json_object_get(json_object_get(o, "files"),
	    file_names[MANIFEST_SECOND_FULLCHAIN]) != NULL;
	for (int i = 0; i < MANIFEST_FILES; i++) {
		if (has_file(o, keys, m, i) &&
		    read_file(o, file_names[i], &m->files[i], err) == -1)
			return -1;
	}
	if (read_waves(o, m, err) == -1)
		return -1;
	return read_names(o, m, err);
}

int
manifest_read(const char *text, size_t len, const struct repo_keys *keys,
    const char *certificate, struct manifest *m, struct error *err)
{
	json_t *o;
	int rc;

	memset(m, 0, sizeof(*m));
	if (len > MANIFEST_MAX)
		return bad("it is too long", err);
	o = jsonx_parse(text, len, err);
	if (o == NULL)
		return bad("no JSON", err);
	rc = json_is_object(o) ? check_signature(o, keys, err) :
	    bad("no object", err);
	if (rc == 0)
		rc = read_members(o, keys, m, err);
	if (rc == 0 && strcmp(m->certificate, certificate) != 0)
		rc = error_set(err, ERR_REJECTED, "manifest:name", "the "
		    "manifest is of certificate \"%s\", not \"%s\"",
		    m->certificate, certificate);
	json_decref(o);
	if (rc == -1)
		manifest_clear(m);
	return rc;
}

bool
manifest_is_old(const char *text, size_t len, const struct repo_keys *keys,
    const char *certificate)
{
	struct repo_keys first = *keys;
	struct manifest ignored;
	struct error err;
	bool is_old;

	if (first.secret == NULL || strchr(first.secret, '\n') == NULL)
		return false;
	first.secret = xstrndup(first.secret, strcspn(first.secret, "\n"));
	is_old = manifest_read(text, len, &first, certificate, &ignored,
	    &err) == -1;
	if (!is_old)
		manifest_clear(&ignored);
	freezero_str(first.secret);
	return is_old;
}
