/* SPDX-License-Identifier: MIT */
#include "ctl/row.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/receipts.h"
#include "ctl/show.h"
#include "ctl/summary.h"

/* A target that failed, or serves an earlier certificate; also while it is
 * tried again. */
static const json_t *
failed_deploy(const json_t *cert)
{
	const json_t *deploy;
	size_t i;

	json_array_foreach(json_object_get(cert, "deploy"), i, deploy) {
		const char *state = jsonx_str(deploy, "state");

		if ((state != NULL && strcmp(state, "done") != 0 &&
		    json_is_string(json_object_get(deploy, "error"))) ||
		    jsonx_bool(deploy, "serving_old", false))
			return deploy;
	}
	return NULL;
}

char *
row_last_error(const json_t *cert)
{
	char *msg = show_error(json_object_get(cert, "error"));
	const json_t *deploy;
	char *name, *out;

	if (msg != NULL)
		return msg;
	if ((deploy = failed_deploy(cert)) == NULL) {
		out = receipts_behind(cert);
		return out != NULL ? out : xstrdup("");
	}
	name = show_str(deploy, "name", "?");
	msg = show_error(json_object_get(deploy, "error"));
	out = xasprintf("deploy %s: %s", name, msg == NULL ? "failed" : msg);
	free(msg);
	free(name);
	return out;
}

void
row_init(struct row *row, const json_t *cert)
{
	const char *action = jsonx_str(cert, "next.action");
	char *parts[ROW_END] = {
		show_str(cert, "name", "?"),
		jsonx_bool(cert, "placeholder", false) ?
		xstrdup("placeholder") : show_str(cert, "condition", "?"),
		show_next_word(cert, false, &row->next_at),
		row_last_error(cert),
	};
	size_t len = 0, n = 0;

	for (size_t i = 0; i < ROW_END; i++)
		len += strlen(parts[i]) + 1;
	row->words = xmalloc(len);
	for (size_t i = 0; i < ROW_END; i++) {
		memcpy(row->words + n, parts[i], strlen(parts[i]) + 1);
		n += strlen(parts[i]) + 1;
		free(parts[i]);
	}
	row->not_before = (time_t)jsonx_int(cert, "not_before", 0);
	row->not_after = (time_t)jsonx_int(cert, "not_after", 0);
	row->rank = (uint8_t)summary_rank(cert);
	row->colour = (uint8_t)summary_colour(cert);
	row->is_due = row->next_at != 0 && action != NULL &&
	    (strcmp(action, "renew") == 0 || strcmp(action, "retry") == 0);
}

const char *
row_word(const struct row *row, enum row_text text)
{
	const char *s = row->words;

	for (int i = 0; i < (int)text; i++)
		s += strlen(s) + 1;
	return s;
}

static char *
expires_in(const struct row *row, time_t now)
{
	char span[TEXT_SPAN_MAX], when[SHOW_WHEN_MAX];

	if (row->not_after == 0)
		return xstrdup("-");
	if (row->not_after <= now)
		return xstrdup(show_span(now, row->not_after, when));
	return xstrdup(text_span(row->not_after - now, span));
}

void
cells_init(struct cells *c, const struct term *t, const struct row *row,
    time_t now)
{
	const char *next = row_word(row, ROW_NEXT);
	const char *error = row_word(row, ROW_ERROR);
	const char *name = row_word(row, ROW_NAME);
	char when[SHOW_WHEN_MAX];

	c->text[COL_NAME] = t->is_utf8 ? dname_unicode(name) : xstrdup(name);
	c->text[COL_STATE] = xstrdup(row_word(row, ROW_STATE));
	c->text[COL_BAR] = NULL;
	c->text[COL_EXPIRES] = expires_in(row, now);
	/* What was due a moment ago is about to begin. */
	c->text[COL_NEXT] = row->next_at == 0 ? xstrdup(next) :
	    xasprintf("%s %s", next, show_span(now, row->next_at < now ? now :
	    row->next_at, when));
	c->text[COL_ERROR] = xstrdup(*error != '\0' ? error : "-");
}

void
cells_clear(struct cells *c)
{
	for (int i = 0; i < COL_END; i++)
		free(c->text[i]);
}

int
row_by_urgency(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->not_after != y->not_after)
		return x->not_after < y->not_after ? -1 : 1;
	return strcmp(x->words, y->words);
}
