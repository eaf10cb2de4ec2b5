/* SPDX-License-Identifier: MIT */
#include "daemon/config/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/text.h"

#define CREDENTIAL "credential:"
#define CREDENTIAL_ROOT "/run/credentials/"

static void add(struct mistakes *, enum conf_level, const struct section *,
    int, const char *, va_list) __attribute__((format(printf, 5, 0)));

static void
add(struct mistakes *m, enum conf_level level, const struct section *sec,
    int line, const char *fmt, va_list ap)
{
	char context[TREE_CONTEXT_MAX], *what = xvasprintf(fmt, ap);
	const struct section *top = sec;

	while (top->kind != NULL && top->parent != NULL &&
	    top->parent->kind != NULL)
		top = top->parent;
	(void)tree_context(sec, context);
	mistake_add(m, level, sec->src, line,
	    top->kind != NULL ? top->line : TOP_VALUE, "%s%s%s", context,
	    context[0] != '\0' ? ": " : "", what);
	free(what);
}

void
opt_mistake(struct mistakes *m, const struct section *sec, int line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(m, CONF_MISTAKE, sec, line, fmt, ap);
	va_end(ap);
}

void
opt_absent(struct mistakes *m, const struct section *sec, int line,
    const char *fmt, ...)
{
	va_list ap;

	if (m->is_elsewhere) {
		m->n_absent++;
		return;
	}
	va_start(ap, fmt);
	add(m, CONF_MISTAKE, sec, line, fmt, ap);
	va_end(ap);
}

void
opt_warn(struct mistakes *m, const struct section *sec, int line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(m, CONF_WARNING, sec, line, fmt, ap);
	va_end(ap);
}

static void opt_note(struct mistakes *, const struct section *, int,
    const char *, ...) __attribute__((format(printf, 4, 5)));

static void
opt_note(struct mistakes *m, const struct section *sec, int line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(m, CONF_NOTE, sec, line, fmt, ap);
	va_end(ap);
}

void
opt_refuse(struct mistakes *m, const struct section *sec, const char *key,
    const struct value *v, const char *allowed)
{
	opt_mistake(m, sec, v->line, "%s = \"%.200s\"; allowed: %s", key,
	    v->text, allowed);
}

/* Is it one line, not empty? */
static bool
is_plain(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

char *
opt_text(struct mistakes *m, const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	if (v == NULL)
		return NULL;
	if (!is_plain(v->text)) {
		opt_refuse(m, sec, key, v, "one line of text, not empty");
		return NULL;
	}
	return xstrdup(v->text);
}

char *
opt_secret(struct mistakes *m, const struct section *sec, const char *key,
    const struct value *v)
{
	char *text = xstrdup(v->text);
	const char *why;

	secret_trim(text);
	why = secret_fault(text);
	if (text[0] != '\0' && why == NULL)
		return text;
	if (why == NULL)
		opt_mistake(m, sec, v->line, "%s = ...; allowed: text, not "
		    "empty", key);
	else
		opt_mistake(m, sec, v->line, "%s: %s", key, why);
	freezero_str(text);
	return NULL;
}

char **
opt_list_new(const char *const *texts, size_t n)
{
	static char *const none[1];
	size_t len = (n + 1) * sizeof(char *);
	char **list, *end;

	if (n == 0)
		return (char **)(uintptr_t)none;
	for (size_t i = 0; i < n; i++)
		len += strlen(texts[i]) + 1;
	list = xmalloc(len);
	end = (char *)(list + n + 1);
	for (size_t i = 0; i < n; i++) {
		list[i] = end;
		end = stpcpy(end, texts[i]) + 1;
	}
	list[n] = NULL;
	return list;
}

char **
opt_list(struct mistakes *m, const struct section *sec, const char *key)
{
	const struct item *item = tree_item(sec, key);
	size_t n = item != NULL ? item->n : 0, used = 0;
	const char **texts = xcalloc(n, sizeof(*texts));
	char **list;

	for (size_t i = 0; i < n; i++) {
		if (is_plain(item->values[i]->text))
			texts[used++] = item->values[i]->text;
		else
			opt_refuse(m, sec, key, item->values[i],
			    "one line of text, not empty");
	}
	list = opt_list_new(texts, used);
	free(texts);
	return list;
}

void
opt_list_free(char **list)
{
	if (list != NULL && list[0] != NULL)
		free(list);
}

int
opt_parse_bool(const char *s)
{
	if (strcasecmp(s, "true") == 0 || strcasecmp(s, "yes") == 0 ||
	    strcasecmp(s, "on") == 0)
		return 1;
	if (strcasecmp(s, "false") == 0 || strcasecmp(s, "no") == 0 ||
	    strcasecmp(s, "off") == 0)
		return 0;
	return -1;
}

bool
opt_bool(struct mistakes *m, const struct section *sec, const char *key,
    bool fallback)
{
	const struct value *v = tree_value(sec, key);
	int b;

	if (v == NULL)
		return fallback;
	b = opt_parse_bool(v->text);
	if (b == -1)
		opt_refuse(m, sec, key, v, "true, false");
	return b == -1 ? fallback : b == 1;
}

long
opt_int(struct mistakes *m, const struct section *sec, const char *key,
    long min, long max, long fallback)
{
	const struct value *v = tree_value(sec, key);
	char allowed[80], *end;
	long n;

	if (v == NULL)
		return fallback;
	errno = 0;
	n = strtol(v->text, &end, 10);
	if (errno == 0 && end != v->text && *end == '\0' && n >= min &&
	    n <= max)
		return n;
	(void)text_printf(allowed, sizeof(allowed), "%ld to %ld", min, max);
	opt_refuse(m, sec, key, v, allowed);
	return fallback;
}

/* A limit as one would write it: "30d", "90s". */
static const char *
limit(int64_t seconds, char out[TEXT_SPAN_MAX])
{
	static const struct { int64_t s; char unit; } units[] = {
		{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' },
	};
	size_t i = 0;

	while (seconds % units[i].s != 0)
		i++;
	(void)text_printf(out, TEXT_SPAN_MAX, "%" PRId64 "%c",
	    seconds / units[i].s, units[i].unit);
	return out;
}

int64_t
opt_duration(struct mistakes *m, const struct section *sec, const char *key,
    int64_t min, int64_t max, int64_t fallback)
{
	const struct value *v = tree_value(sec, key);
	char allowed[160], from[TEXT_SPAN_MAX], to[TEXT_SPAN_MAX];
	int64_t s;

	if (v == NULL)
		return fallback;
	if (text_parse_duration(v->text, &s) == 0 && s >= min && s <= max)
		return s;
	(void)text_printf(allowed, sizeof(allowed),
	    "%s to %s, written like 30d, 12h, 10m or 90s",
	    limit(min, from), limit(max, to));
	opt_refuse(m, sec, key, v, allowed);
	return fallback;
}

enum key_type
opt_key_value(struct mistakes *m, const struct section *sec, const char *key,
    const struct value *v)
{
	char allowed[160] = "";
	enum key_type type;

	if (key_type_parse(v->text, &type) == 0)
		return type;
	for (int i = 0; i < KEY_TYPE_END; i++) {
		size_t used = strlen(allowed);

		(void)text_printf(allowed + used, sizeof(allowed) - used,
		    "%s%s", i > 0 ? ", " : "", key_type_name(i));
	}
	opt_refuse(m, sec, key, v, allowed);
	return KEY_EC256;
}

enum key_type
opt_key_type(struct mistakes *m, const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	return v != NULL ? opt_key_value(m, sec, key, v) : KEY_EC256;
}

char *
opt_path(const struct source *src, const char *text)
{
	const char *slash = strrchr(src->path, '/');

	if (text[0] == '/' || slash == NULL)
		return xstrdup(text);
	return xasprintf("%.*s/%s", (int)(slash - src->path), src->path,
	    text);
}

/* The main file may be named relative to a directory we shall leave. */
static char *
absolute(char *path /* taken */)
{
	char cwd[PATH_MAX], *whole;

	if (path[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		return path;
	whole = xasprintf("%s/%s", cwd, path);
	free(path);
	return whole;
}

/*
 * A credential by its path, of a service that does not run, or that we are not
 * part of: systemd 257 shows none to an ExecReload=, either.
 */
static bool
is_unseen(const char *path)
{
	char *dir;
	bool unseen;

	if (strncmp(path, CREDENTIAL_ROOT, strlen(CREDENTIAL_ROOT)) != 0)
		return false;
	dir = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
	unseen = access(dir, X_OK) == -1;
	free(dir);
	return unseen;
}

static void
note_unseen(struct mistakes *m, const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	opt_note(m, sec, v->line, "%s = \"%.200s\" is not looked at: only "
	    "the service has its credentials", key, v->text);
}

/* The path, unless the user that acmed runs as may not read it, or not yet:
 * NULL, told. */
static char *
readable(struct mistakes *m, const struct section *sec, const char *key,
    char *path /* taken */)
{
	char *fault;
	int fd;

	if (m->is_shell && is_unseen(path)) {
		note_unseen(m, sec, key);
		free(path);
		return NULL;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd != -1)
		(void)close(fd);
	if (fd != -1 || errno != EACCES)
		return path;
	fault = access_fault(path);
	opt_absent(m, sec, tree_value(sec, key)->line, "%s: %s", key, fault);
	free(fault);
	free(path);
	return NULL;
}

char *
opt_file(struct mistakes *m, const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);
	const char *name, *dir;

	if (v == NULL)
		return NULL;
	if (!is_plain(v->text)) {
		opt_refuse(m, sec, key, v, "a path, or credential:NAME");
		return NULL;
	}
	if (strncmp(v->text, CREDENTIAL, strlen(CREDENTIAL)) != 0)
		return readable(m, sec, key,
		    absolute(opt_path(sec->src, v->text)));
	name = v->text + strlen(CREDENTIAL);
	dir = getenv("CREDENTIALS_DIRECTORY");
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL) {
		opt_refuse(m, sec, key, v, "credential:NAME as in "
		    "LoadCredential=NAME:... of acmed.service");
		return NULL;
	}
	if ((dir == NULL || dir[0] != '/') && m->is_shell) {
		note_unseen(m, sec, key);
		return NULL;
	}
	if (dir == NULL || dir[0] != '/') {
		opt_absent(m, sec, v->line, "%s = \"%.200s\": "
		    "$CREDENTIALS_DIRECTORY is not set; credentials exist "
		    "for a service of systemd only, see LoadCredential= in "
		    "systemd.exec(5)", key, v->text);
		return NULL;
	}
	return xasprintf("%s/%s", dir, name);
}

bool
opt_is_open(const struct section *sec)
{
	return sec->src->is_public && file_is_reachable(sec->src->path);
}

void
opt_refuse_open(struct mistakes *m, const struct section *sec, int line,
    const char *key)
{
	char *command = access_close(sec->src->path, "r");

	opt_mistake(m, sec, line, "%s is a secret and every user can read "
	    "this file; %s, or use %s_file", key, command, key);
	free(command);
}

bool
opt_is_url(const char *s, bool plain)
{
	const char *rest = strncmp(s, "https://", 8) == 0 ? s + 8 :
	    plain && strncmp(s, "http://", 7) == 0 ? s + 7 : "";

	return rest[0] != '\0' && rest[0] != '/' &&
	    strpbrk(s, " \"<>\\^`{|}") == NULL;
}

char *
opt_pem_file(struct mistakes *m, const struct section *sec, const char *key)
{
	char *path = opt_file(m, sec, key);
	struct stat st;
	int fd;

	if (path == NULL)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		opt_absent(m, sec, tree_value(sec, key)->line, "%s: %s: %s",
		    key, path, strerror(errno));
	else if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		opt_mistake(m, sec, tree_value(sec, key)->line, "%s: %s: it is "
		    "not a regular file; allowed: a file in PEM", key, path);
	if (fd != -1)
		(void)close(fd);
	return path;
}

char *
opt_ca_file(struct mistakes *m, const struct section *sec)
{
	return opt_pem_file(m, sec, "ca_file");
}
