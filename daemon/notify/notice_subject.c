/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/notify/notice_priv.h"

static enum phrase
subject_phrase(const struct notice *n)
{
	static const enum phrase of[] = {
		[NEV_FAILED] = P_SUBJ_FAILED,
		[NEV_EXPIRING] = P_SUBJ_EXPIRING,
		[NEV_DEPLOY] = P_SUBJ_DEPLOY,
		[NEV_SERVING_OLD] = P_SUBJ_SERVING_OLD,
		[NEV_CLEANUP] = P_SUBJ_CLEANUP,
		[NEV_ACCOUNT] = P_SUBJ_ACCOUNT,
		[NEV_CREDENTIALS] = P_SUBJ_CREDENTIALS,
		[NEV_CONFIG] = P_SUBJ_CONFIG,
		[NEV_RECOVERED] = P_SUBJ_RECOVERED,
		[NEV_RENEWED] = P_SUBJ_RENEWED,
		[NEV_DIGEST] = P_SUBJ_DIGEST,
		[NEV_REPOSITORY] = P_SUBJ_REPOSITORY,
		[NEV_START] = P_SUBJ_START,
		[NEV_REVOCATION] = P_SUBJ_REVOCATION,
		[NEV_NAMES] = P_SUBJ_NAMES,
		[NEV_WATCHED] = P_SUBJ_WATCHED,
		[NEV_FLEET] = P_SUBJ_FLEET,
		[NEV_CLUSTER] = P_SUBJ_CLUSTER,
	};
	const struct notice_item *i = notice_first(n);

	_Static_assert(sizeof(of) / sizeof(of[0]) == NEV_END, "subjects");
	if (n->channel != NULL)
		return P_SUBJ_TEST;
	if (n->what == NOTICE_RECOVERED)
		return P_SUBJ_RECOVERED;
	/* Whatever the reason is: this is what must be known. */
	if (i->not_after != 0 && i->not_after <= n->at && notice_has_expiry(n))
		return n->event == NEV_SERVING_OLD ? P_SUBJ_SERVES_EXPIRED :
		    n->event == NEV_DEPLOY ? P_SUBJ_DEPLOY_EXPIRED :
		    P_SUBJ_EXPIRED;
	if (i->is_given && n->event == NEV_FAILED)
		return P_SUBJ_GIVEN;
	if (i->is_given && n->event == NEV_EXPIRING)
		return P_SUBJ_GIVEN_ENDS;
	if (notice_is_differs(n))
		return P_SUBJ_DIFFERS;
	if (n->event == NEV_WATCHED && notice_only_ends(n))
		return P_SUBJ_WATCHED_ENDS;
	return of[n->event];
}

/* Whom it is about, in so many columns: "a.example and 99 more". */
static char *
subject_name(const struct writer *w, size_t columns)
{
	const struct notice *n = w->n;
	char more[32], *name, *all;
	struct phrase_var vars[] = { { "name", NULL }, { "n", more },
	    { NULL, NULL } };

	if (n->event == NEV_DIGEST) {
		(void)text_printf(more, sizeof(more), "%u/%u", n->n_certs -
		    n->n_failing, n->n_certs);
		return xstrdup(n->n_failing == 0 && n->n_valid == n->n_certs ?
		    phrase(P_DIGEST_FINE, w->zh) : more);
	}
	if (!notice_is_many(n))
		return text_fit(notice_first(n)->name, columns);
	/* In Chinese the number is of all of them. */
	(void)text_printf(more, sizeof(more), "%zu",
	    n->n_items - (w->zh ? 0 : 1));
	all = phrase_fill(P_AND_MORE, w->zh, vars);
	columns -= text_columns(all) < columns ? text_columns(all) : columns;
	free(all);
	name = text_fit(notice_first(n)->name, columns);
	vars[0].value = name;
	all = phrase_fill(P_AND_MORE, w->zh, vars);
	free(name);
	return all;
}

/* "[acmed] example.com: renewal fails, 12 days left" */
static char *
subject_line(const struct writer *w, const char *name, const char *left)
{
	const struct phrase_var vars[] = { { "name", name }, { "left", left },
	    { NULL, NULL } };
	char *text = phrase_fill(subject_phrase(w->n), w->zh, vars);
	char *line = xasprintf("[acmed] %s", text);

	free(text);
	text_clean(line);
	return line;
}

char *
notice_subject(const struct writer *w)
{
	const struct notice *n = w->n;
	const struct notice_item *i = notice_first(n);
	char *left = xstrdup(""), *name, *whole, *fits;
	size_t used;

	if (i->not_after > n->at && n->event != NEV_DIGEST &&
	    notice_has_expiry(n)) {
		char *span = page_left(w, i->not_after);
		struct phrase_var lv[] = { { "left", span }, { NULL, NULL } };

		free(left);
		left = phrase_fill(P_LEFT, w->zh, lv);
		free(span);
	}
	/* A long name is cut rather than what has happened to it. */
	whole = subject_line(w, "", left);
	used = text_columns(whole);
	free(whole);
	name = subject_name(w, NOTICE_SUBJECT_MAX - 1 - used);
	whole = subject_line(w, name, left);
	fits = text_fit(whole, NOTICE_SUBJECT_MAX - 1);
	free(whole);
	free(left);
	free(name);
	return fits;
}
