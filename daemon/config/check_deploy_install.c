/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define MODE_SECRET 0600
#define MODE_PUBLIC 0644
#define ID_MAX 2097151	/* what a tar has room for */

static const struct {
	const char	*name;
	bool		 has_key;
} formats[] = {
	[BUNDLE_FULLCHAIN] = { "fullchain", false },
	[BUNDLE_CERT] = { "cert", false },
	[BUNDLE_CHAIN] = { "chain", false },
	[BUNDLE_PRIVKEY] = { "privkey", true },
	[BUNDLE_COMBINED] = { "combined", true },
	[BUNDLE_PKCS12] = { "pkcs12", true },
	[BUNDLE_DER] = { "der", false },
};
_Static_assert(sizeof(formats) / sizeof(formats[0]) == BUNDLE_FORMAT_END,
    "formats");

const char *
bundle_format_name(enum bundle_format format)
{
	return formats[format].name;
}

bool
bundle_has_key(enum bundle_format format)
{
	return formats[format].has_key;
}

static void
check_format(struct check *c, const struct section *sec,
    struct conf_install *i)
{
	const struct value *v = tree_value(sec, "format");
	char allowed[160] = "";

	for (int f = 0; f < BUNDLE_FORMAT_END; f++) {
		size_t used = strlen(allowed);

		if (v != NULL && strcmp(v->text, formats[f].name) == 0) {
			i->format = (enum bundle_format)f;
			return;
		}
		(void)text_printf(allowed + used, sizeof(allowed) - used,
		    "%s%s", f > 0 ? ", " : "", formats[f].name);
	}
	if (v != NULL)
		opt_refuse(c->m, sec, "format", v, allowed);
	else
		opt_mistake(c->m, sec, sec->line, "format is missing; "
		    "allowed: %s", allowed);
}

static void
check_password(struct check *c, const struct section *sec,
    struct conf_install *i)
{
	const struct value *v = tree_value(sec, "password_file");
	struct error err;
	char *secret;

	i->password_file = opt_file(c->m, sec, "password_file");
	if (v == NULL && i->format == BUNDLE_PKCS12)
		opt_mistake(c->m, sec, sec->line, "password_file is missing; "
		    "allowed: a file with the password of the PKCS#12 file");
	else if (v != NULL && i->format != BUNDLE_PKCS12)
		opt_mistake(c->m, sec, v->line, "password_file is for format "
		    "= pkcs12 only");
	else if (i->password_file == NULL)
		return;
	else if (file_read_secret(i->password_file, FILE_SECRET_MAX, &secret,
	    &err) == -1)
		opt_absent(c->m, sec, v->line, "password_file: %s", err.msg);
	else
		freezero_str(secret);
}

/* Names are looked up here, where a wrong one has a line. */
static void
check_owner(struct check *c, const struct section *sec,
    struct conf_install *i)
{
	const struct passwd *pw;
	const struct group *gr;

	i->owner = opt_text(c->m, sec, "owner");
	i->group = opt_text(c->m, sec, "group");
	if (i->owner != NULL) {
		if ((pw = getpwnam(i->owner)) != NULL)
			i->uid = pw->pw_uid;
		else if (!c->m->is_elsewhere)
			opt_refuse(c->m, sec, "owner",
			    tree_value(sec, "owner"), "a user of this system");
	}
	if (i->group != NULL) {
		if ((gr = getgrnam(i->group)) != NULL)
			i->gid = gr->gr_gid;
		else if (!c->m->is_elsewhere)
			opt_refuse(c->m, sec, "group",
			    tree_value(sec, "group"), "a group of this system");
	}
}

/* The names there are not ours to look up. */
static void
check_owner_numbers(struct check *c, const struct section *sec,
    struct conf_install *i)
{
	long none = -1;
	long uid = opt_int(c->m, sec, "owner", 0, ID_MAX, none);
	long gid = opt_int(c->m, sec, "group", 0, ID_MAX, none);

	if (uid != none)
		i->uid = (uid_t)uid;
	if (gid != none)
		i->gid = (gid_t)gid;
}

static void
check_mode(struct check *c, const struct section *sec,
    struct conf_install *i)
{
	const struct value *v = tree_value(sec, "mode");
	bool has_key = bundle_has_key(i->format);
	unsigned long mode;
	char *end;

	i->mode = has_key ? MODE_SECRET : MODE_PUBLIC;
	if (v == NULL)
		return;
	mode = strtoul(v->text, &end, 8);
	if (v->text[0] < '0' || v->text[0] > '7' || *end != '\0' ||
	    mode > 0777 || (mode & 0400) == 0 || (mode & 0111) != 0)
		opt_refuse(c->m, sec, "mode", v, "an octal number such as "
		    "0640, readable by its owner, executable by nobody");
	else if (has_key && (mode & 0007) != 0)
		opt_refuse(c->m, sec, "mode", v, "nothing for other users "
		    "(such as 0640): the private key is in this file");
	else
		i->mode = (mode_t)mode;
}

/* sftp(1) would read some characters as more than themselves. */
static bool
is_path(const char *s, bool is_remote)
{
	const char *base = strrchr(s, '/');
	size_t n = strlen(s);

	if (base != NULL && (strcmp(base, "/.") == 0 || strcmp(base, "/..") ==
	    0))
		return false;
	for (const char *p = s; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f ||
		    (is_remote && strchr("\"'\\*?[]{}", *p) != NULL))
			return false;
	}
	return s[0] == '/' && n > 1 && n < 1024 && s[n - 1] != '/';
}

static void
check_file(struct check *c, const struct section *sec, bool is_remote,
    struct conf_install *in)
{
	if (!is_path(sec->title, is_remote))
		opt_mistake(c->m, sec, sec->line, "allowed: %s "
		    "\"/ABSOLUTE/PATH/OF/A/FILE\" { ... }%s", sec->kind,
		    is_remote ? ", without quotes and wildcards" : "");
	in->path = xstrdup(sec->title);
	check_format(c, sec, in);
	check_password(c, sec, in);
	in->uid = (uid_t)-1;
	in->gid = (gid_t)-1;
	if (is_remote)
		check_owner_numbers(c, sec, in);
	else
		check_owner(c, sec, in);
	check_mode(c, sec, in);
}

struct conf_install *
check_files(struct check *c, const struct section *sec, const char *kind,
    const char *place, unsigned *n)
{
	struct conf_install *list = xcalloc(sec->n_subs + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < sec->n_subs; i++) {
		const struct section *sub = sec->subs[i];

		if (strcmp(sub->kind, kind) != 0)
			continue;
		check_claim(c, sub, "file", place, sub->title);
		check_file(c, sub, place != NULL, &list[(*n)++]);
	}
	return list;
}

void
check_free_files(struct conf_install *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].path);
		free(list[i].password_file);
		free(list[i].owner);
		free(list[i].group);
	}
	free(list);
}

void
check_deploy_install(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	d->installs = check_files(c, sec, "install", NULL, &d->n_installs);
}

void
check_free_deploy_install(struct conf_deploy *d)
{
	check_free_files(d->installs, d->n_installs);
}
