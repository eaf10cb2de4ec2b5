/* SPDX-License-Identifier: MIT */
#include "daemon/config/conf_start.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_read.h"
#include "daemon/config/lex.h"
#include "daemon/config/load.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/saved.h"

#define FILE_MAX (64 << 20)
#define ROUNDS_MAX 100

struct start {
	const char	*path;
	struct load_rules rules;
	struct saved	*saved;
	char		*first;		/* the first mistake */
	size_t		 n_mistakes;
};

/* --- what is known of a file that cannot be parsed --- */

static char *
guess_in(const char *text, size_t len, const char *key)
{
	unsigned depth = 0;
	char word[1100];
	struct lex x;

	lex_init(&x, text, len);
	while (lex_next(&x) != LEX_END && x.kind != LEX_BAD) {
		if (lex_is(&x, '{') || lex_is(&x, '('))
			depth++;
		else if (depth > 0 && (lex_is(&x, '}') || lex_is(&x, ')')))
			depth--;
		if (depth > 0 || x.kind != LEX_STR)
			continue;
		lex_text(&x, word, sizeof(word));
		if (strcmp(word, key) != 0)
			continue;
		(void)lex_next(&x);
		if (!lex_is(&x, '=') || lex_next(&x) != LEX_STR)
			return NULL;
		lex_text(&x, word, sizeof(word));
		return word[0] == '/' ? xstrdup(word) : NULL;
	}
	return NULL;
}

char *
conf_guess(const char *path, const char *key, const char *fallback)
{
	char *text, *found;
	struct error err;
	size_t len;

	if (file_read(AT_FDCWD, path, FILE_MAX, &text, &len, &err) == -1)
		return xstrdup(fallback);
	found = guess_in(text, len, key);
	freezero(text, len);
	return found != NULL ? found : xstrdup(fallback);
}

/* --- rules --- */

static struct load_rule *
find_rule(struct start *s, const char *path, int top)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		struct load_rule *rule = &s->rules.list[i];

		if (rule->top == top && strcmp(rule->path, path) == 0)
			return rule;
	}
	return NULL;
}

static struct load_rule *
add_rule(struct start *s, const char *path, int top)
{
	struct load_rule *rule;

	s->rules.list = xreallocarray(s->rules.list, s->rules.n + 1,
	    sizeof(*s->rules.list));
	rule = &s->rules.list[s->rules.n++];
	*rule = (struct load_rule){ .path = xstrdup(path), .top = top };
	return rule;
}

static void
rule_clear(struct load_rule *rule)
{
	free(rule->path);
	free(rule->what);
}

/* Its lines are those of another text now. */
static void
drop_sections(struct start *s, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->rules.n; i++) {
		struct load_rule *rule = &s->rules.list[i];

		if (rule->top > 0 && strcmp(rule->path, path) == 0)
			rule_clear(rule);
		else
			s->rules.list[kept++] = *rule;
	}
	s->rules.n = kept;
}

/* The last good version of a file, if it is another one than was read. */
static const struct saved_file *
other_version(struct start *s, const char *path, const struct source *src)
{
	const struct saved_file *f = saved_find(s->saved, path);

	if (f == NULL || src->is_saved || (src->text != NULL &&
	    src->len == f->len && memcmp(src->text, f->text, f->len) == 0))
		return NULL;
	return f;
}

/* What one mistake asks to leave out: 1 if that is new, 0 if nothing, -1 if
 * nothing helps. */
static int
obey(struct start *s, const struct mistake *m, const struct source *src,
    bool is_first)
{
	bool is_main = src->order == 0;
	const struct saved_file *f;

	if (m->top == TOP_INCLUDE)
		return 0;
	f = other_version(s, src->path, src);
	if (f != NULL && find_rule(s, src->path, TOP_FILE) == NULL) {
		drop_sections(s, src->path);
		add_rule(s, src->path, TOP_FILE)->saved = f;
		return 1;
	}
	if (find_rule(s, src->path, TOP_FILE) != NULL && !src->is_saved)
		return 0;
	/* Of a first start: there is nothing yet that must go on. */
	if (is_main && ((is_first && saved_find(s->saved, src->path) ==
	    NULL) || m->top <= 0))
		return -1;
	if (find_rule(s, src->path, m->top > 0 ? m->top : TOP_FILE) != NULL)
		return 0;
	(void)add_rule(s, src->path, m->top > 0 ? m->top : TOP_FILE);
	return 1;
}

/* What all mistakes of a reading ask for, as obey(). */
static int
obey_all(struct start *s, const struct conf *conf, const struct mistakes *m,
    bool is_first)
{
	size_t n;
	struct source *const *sources = conf_sources(conf, &n);
	int result = 0;

	if (n == 0)			/* not even the main file */
		return is_first && s->saved != NULL ? 1 : -1;
	for (size_t i = 0; i < m->n; i++) {
		int rc = 0;

		if (m->list[i].level == CONF_MISTAKE)
			rc = obey(s, &m->list[i],
			    sources[m->list[i].order], is_first);
		if (rc == -1)
			return -1;
		result |= rc;
	}
	return result;
}

/* Is there nothing wrong but in what is left out? */
static bool
is_usable(struct start *s, const struct conf *conf, const struct mistakes *m)
{
	size_t n;
	struct source *const *sources = conf_sources(conf, &n);

	for (size_t i = 0; i < m->n; i++) {
		const struct mistake *one = &m->list[i];

		if (one->level == CONF_MISTAKE && one->top != TOP_INCLUDE &&
		    (n == 0 || one->top <= 0 || find_rule(s,
		    sources[one->order]->path, one->top) == NULL))
			return false;
	}
	return n > 0;
}

/* --- telling --- */

static void
append(char **list, const char *what)
{
	char *longer = *list == NULL ? xstrdup(what) :
	    xasprintf("%s, %s", *list, what);

	free(*list);
	*list = longer;
}

/* One line of what is in force. */
static char *
describe(struct start *s, const struct conf *conf)
{
	char *old = NULL, *out = NULL, *text, when[TEXT_TIME_MAX];
	struct source *const *sources;
	size_t n;

	sources = conf_sources(conf, &n);
	for (size_t i = 0; i < n; i++) {
		if (sources[i]->is_saved)
			append(&old, sources[i]->path);
	}
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct load_rule *rule = &s->rules.list[i];

		if (rule->saved == NULL)
			append(&out, rule->what != NULL ? rule->what :
			    rule->path);
	}
	text = xasprintf("started with %zu mistake%s in the configuration"
	    "%s%s%s%s%s%s; %s%s", s->n_mistakes,
	    s->n_mistakes == 1 ? "" : "s",
	    old != NULL ? "; in the version of " : "",
	    old != NULL ? text_time(s->saved->at, when) : "",
	    old != NULL ? ": " : "", old != NULL ? old : "",
	    out != NULL ? "; left out: " : "", out != NULL ? out : "",
	    s->n_mistakes > 1 ? "the first: " : "", s->first);
	free(old);
	free(out);
	text_clean(text);	/* paths may be in any encoding */
	return text;
}

static void
start_clear(struct start *s)
{
	for (size_t i = 0; i < s->rules.n; i++)
		rule_clear(&s->rules.list[i]);
	free(s->rules.list);
	saved_free(s->saved);
	free(s->first);
}

static const char *
first_mistake(const struct mistakes *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->list[i].level == CONF_MISTAKE)
			return m->list[i].text;
	}
	return "";
}

/* The configuration without what is wrong; conf and m are of the first
 * reading, and taken. */
static struct conf *
without_mistakes(struct start *s, struct conf *conf, struct mistakes *m)
{
	int rc = obey_all(s, conf, m, true);

	for (int round = 0; round < ROUNDS_MAX; round++) {
		mistakes_clear(m);
		conf_unref(conf);
		if (rc == -1)
			return NULL;
		conf = conf_read(s->path, &s->rules, true, m);
		if (is_usable(s, conf, m))
			return conf;
		rc = obey_all(s, conf, m, false);
		if (rc == 0)
			rc = -1;
	}
	conf_unref(conf);
	return NULL;
}

struct conf *
conf_load_start(const char *path, conf_report_cb *report, void *arg,
    char **problem)
{
	struct start s = { .path = path };
	struct mistakes m = { 0 };
	struct conf *conf = conf_read(path, NULL, true, &m);
	const char *dir = getenv("STATE_DIRECTORY");
	char *state_dir;

	*problem = NULL;
	mistakes_report(&m, report, arg);
	if (m.n_wrong == 0) {
		mistakes_clear(&m);
		return conf;
	}
	s.n_mistakes = m.n_wrong;
	s.first = xstrdup(first_mistake(&m));
	state_dir = conf_guess(path, "state_dir", dir != NULL &&
	    dir[0] == '/' && strchr(dir, ':') == NULL ? dir :
	    "/var/lib/acmed");
	s.saved = saved_read(state_dir, path);
	s.rules.saved = s.saved;
	free(state_dir);
	conf = without_mistakes(&s, conf, &m);
	mistakes_clear(&m);
	if (conf != NULL) {
		*problem = describe(&s, conf);
		report(CONF_WARNING, *problem, arg);
	}
	start_clear(&s);
	return conf;
}

int
conf_keep(const struct conf *conf, struct error *err)
{
	struct source *const *sources;
	size_t n;
	int rc;

	sources = conf_sources(conf, &n);
	rc = saved_write(conf->state_dir, sources, n, err);
	conf_forget_files(conf);
	return rc;
}
