/* SPDX-License-Identifier: MIT */
#include "ctl/check.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "ctl/show.h"
#include "ctl/term.h"

enum {
	INDENT = 2,
	RESULT_COLUMNS = 4,	/* "FAIL" */
	WHAT_COLUMNS = 10,	/* "delegation" */
	COLUMN = INDENT + RESULT_COLUMNS + 2 + WHAT_COLUMNS + 2
};

static const struct {
	const char	*result, *shown;
	enum term_colour colour;
} results[] = {
	{ "ok", "ok", TERM_GOOD },
	{ "warn", "warn", TERM_WARN },
	{ "fail", "FAIL", TERM_BAD },
	{ "wait", "...", TERM_FAINT },
};

void
check_init(struct check *c, const struct term *t)
{
	*c = (struct check){ .term = t };
}

void
check_clear(struct check *c)
{
	free(c->cert);
	free(c->name);
	free(c->error);
}

static bool
has_text(const json_t *line, const char *member, const char *text)
{
	const char *s = jsonx_str(line, member);

	return s != NULL && strcmp(s, text) == 0;
}

void
check_count(struct check *c, const json_t *line)
{
	if (json_object_get(line, "error") != NULL && c->error == NULL)
		c->error = show_str(line, "error.msg", "?");
	c->n_deploy_failures += has_text(line, "result", "fail") &&
	    has_text(line, "check", "deploy");
	c->n_records += jsonx_str(line, "record") != NULL;
	if (!jsonx_bool(line, "end", false))
		return;
	c->n_certs++;
	c->n_bad += !jsonx_bool(line, "ok", false);
	c->n_warnings += (size_t)jsonx_int(line, "warnings", 0);
	c->n_failures += (size_t)jsonx_int(line, "failures", 0);
}

/* Whose lines follow. */
static void
print_head(struct check *c, const json_t *line)
{
	char *cert = show_str(line, "cert", "?");
	char *name = show_str(line, "name", "");
	bool is_new = c->cert == NULL || strcmp(c->cert, cert) != 0;
	char *text;

	if (is_new || strcmp(c->name, name) != 0) {
		text = name[0] != '\0' ? xstrdup(name) :
		    xasprintf("certificate %s", cert);
		if (is_new && c->cert != NULL)
			(void)fputc('\n', c->term->out);
		term_wrap(c->term, TERM_BOLD, 0, INDENT, text);
		free(text);
	}
	free(c->cert);
	free(c->name);
	c->cert = cert;
	c->name = name;
}

void
check_print(struct check *c, const json_t *line)
{
	const struct term *t = c->term;
	const char *result = jsonx_str(line, "result");
	enum term_colour colour = TERM_PLAIN;
	char *what, *msg, *fix, *hint;
	const char *shown = "?";
	size_t column = COLUMN;

	if (result == NULL)		/* an end, or an error */
		return;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (strcmp(results[i].result, result) == 0) {
			shown = results[i].shown;
			colour = results[i].colour;
		}
	}
	/* On a narrow terminal the text would become a thin column. */
	if (t->width != 0 && t->width < COLUMN + 30)
		column = 2 * INDENT;
	print_head(c, line);
	what = show_str(line, "check", "?");
	msg = show_str(line, "msg", "?");
	fix = show_str(line, "fix", NULL);
	(void)fprintf(t->out, "%*s", INDENT, "");
	term_cell(t, colour, shown, RESULT_COLUMNS + 2);
	term_cell(t, TERM_PLAIN, what, WHAT_COLUMNS + 2);
	term_wrap(t, TERM_PLAIN, COLUMN, column, msg);
	if (fix != NULL) {
		hint = xasprintf("-> %s", fix);
		(void)fprintf(t->out, "%*s", (int)column, "");
		term_wrap(t, colour, column, column + 3, hint);
		free(hint);
	}
	free(fix);
	free(msg);
	free(what);
	(void)fflush(t->out);
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* Of CAA records. */
static char *
caa_summary(const struct check *c)
{
	if (c->n_failures > 0)
		return xasprintf("%zu record%s cannot be written; %zu %s",
		    c->n_failures, plural(c->n_failures), c->n_records,
		    c->is_written ? "written" : "can");
	if (c->n_records == 0)
		return xstrdup("there is nothing to write");
	return xasprintf("%zu record%s %s", c->n_records,
	    plural(c->n_records), c->is_written ? "written" :
	    "to be written");
}

void
check_summary(const struct check *c)
{
	char *text;

	if (c->is_caa)
		text = caa_summary(c);
	else if (c->n_certs == 0)
		text = xstrdup("there is no certificate to check");
	else if (c->n_failures > 0)
		text = xasprintf("%zu failure%s, %zu warning%s: a renewal of "
		    "%zu of %zu certificate%s would fail", c->n_failures,
		    plural(c->n_failures), c->n_warnings,
		    plural(c->n_warnings), c->n_bad, c->n_certs,
		    plural(c->n_certs));
	else if (c->n_warnings > 0)
		text = xasprintf("%zu certificate%s checked: no failures, but "
		    "%zu warning%s above: what they name could not be proved, "
		    "or may make a renewal fail", c->n_certs,
		    plural(c->n_certs), c->n_warnings, plural(c->n_warnings));
	else
		text = xasprintf("%zu certificate%s checked: nothing stands in "
		    "the way of a renewal", c->n_certs, plural(c->n_certs));
	(void)fputc('\n', c->term->out);
	term_wrap(c->term, c->n_failures > 0 ? TERM_BAD : c->n_warnings > 0 ?
	    TERM_WARN : TERM_GOOD, 0, INDENT, text);
	free(text);
}
