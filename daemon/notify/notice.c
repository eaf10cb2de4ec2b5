/* SPDX-License-Identifier: MIT */
#include "daemon/notify/notice.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/notify/advice.h"
#include "daemon/notify/notice_priv.h"

#define WORDS_MAX	2040	/* bytes of what a peer said; a link in it
				   (acme:paused) must not be cut */

bool
notice_is_many(const struct notice *n)
{
	return n->n_items > 1;
}

const struct notice_item *
notice_first(const struct notice *n)
{
	static const struct notice_item nothing = { .name = "" };

	return n->n_items > 0 ? &n->items[0] : &nothing;
}

bool
notice_has_expiry(const struct notice *n)
{
	return n->event != NEV_CLEANUP && n->event != NEV_CONFIG &&
	    n->event != NEV_START && n->event != NEV_CLUSTER;
}

bool
notice_is_differs(const struct notice *n)
{
	return n->event == NEV_CLUSTER &&
	    strcmp(n->code, "cluster:differs") == 0;
}

bool
notice_only_ends(const struct notice *n)
{
	const char *words = notice_first(n)->words;

	return words == NULL || words[0] == '\0';
}

static bool
is_deploy(const struct notice *n)
{
	return n->event == NEV_DEPLOY || n->event == NEV_SERVING_OLD;
}

static void
tries_line(struct writer *w, const struct notice_item *i)
{
	char n[32], since[PAGE_TIME_MAX], *text;
	struct phrase_var vars[] = { { "n", n },
	    { "since", i->since != 0 ? page_local_time(i->since, since) : "" },
	    { NULL, NULL } };

	(void)text_printf(n, sizeof(n), "%u", i->tries);
	text = phrase_fill(i->since == 0 ? P_TRIES : i->tries == 1 ? P_ONCE :
	    P_SINCE, w->zh, vars);
	page_line(w, P_L_FAILED, text);
	free(text);
}

static bool
is_trouble(const struct notice *n)
{
	return n->what != NOTICE_RECOVERED && n->event != NEV_RENEWED &&
	    n->event != NEV_DIGEST && n->channel == NULL;
}

/* Everything about the first, which stands for all of them. */
static void
item_lines(struct writer *w, const struct notice_item *i)
{
	const struct notice *n = w->n;

	if (i->name[0] != '\0' && !notice_is_many(n))
		page_names(w, P_L_CERT, i->name);
	if (i->names != NULL && !notice_is_many(n))
		page_names(w, P_L_NAMES, i->names);
	if (i->object != NULL && n->event == NEV_WATCHED)
		page_words(w, P_L_OBJECT, i->object, PAGE_NAMES_MAX);
	else if (i->object != NULL)
		page_names(w, P_L_OBJECT, i->object);
	if (i->not_after != 0 && notice_has_expiry(n))
		page_time(w, P_L_EXPIRES, i->not_after);
	else if (i->name[0] != '\0' && notice_has_expiry(n) && is_trouble(n))
		page_line(w, P_L_EXPIRES, phrase(is_deploy(n) ||
		    n->event == NEV_WATCHED ? P_NOT_KNOWN : P_NO_CERT, w->zh));
	if (i->new_not_after != 0)
		page_time(w, P_L_NEW, i->new_not_after);
	if (!is_trouble(n))
		return;
	if (i->tries > 0)
		tries_line(w, i);
	if (i->step != NULL)
		page_line(w, P_L_STEP, i->step);
	if (i->repository != NULL)
		page_line(w, P_L_REPOSITORY, i->repository);
	if (i->repository != NULL && i->publisher[0] != '\0')
		page_words(w, P_L_PUBLISHER, i->publisher, PAGE_NAMES_MAX);
	if (n->who[0] != '\0' && i->repository == NULL)
		page_line(w, P_L_WHO, n->who);
	if (i->words != NULL && i->words[0] != '\0')
		page_words(w, P_L_REASON, i->words, WORDS_MAX);
	if (i->next_at != 0)
		page_time(w, P_L_NEXT, i->next_at);
}

static void
list_items(struct writer *w)
{
	const struct notice *n = w->n;

	fprintf(w->f, "\n%s:\n", phrase(P_L_LIST, w->zh));
	for (size_t i = 0; i < n->n_items && i < NOTICE_LISTED; i++) {
		const struct notice_item *it = &n->items[i];
		char *end = it->not_after != 0 && notice_has_expiry(n) ?
		    page_when(w, it->not_after) : NULL;
		char *name = dname_show(it->name);
		char *text = xasprintf("  %s%s%s%s%s", name,
		    it->object != NULL ? ", " : "", it->object != NULL ?
		    it->object : "", end != NULL ? ": " : "", end != NULL ?
		    end : "");

		text_clean(text);
		fprintf(w->f, "%s\n", text);
		free(name);
		free(text);
		free(end);
	}
	if (n->n_items > NOTICE_LISTED) {
		char more[32];
		struct phrase_var vars[] = { { "n", more }, { NULL, NULL } };
		char *text;

		(void)text_printf(more, sizeof(more), "%zu",
		    n->n_items - NOTICE_LISTED);
		text = phrase_fill(P_MORE, w->zh, vars);
		fprintf(w->f, "  %s\n", text);
		free(text);
	}
}

/* Is it about a renewal, so that its error's code says what to do? */
static bool
is_by_code(const struct notice *n)
{
	return !is_deploy(n) && n->event != NEV_CONFIG &&
	    n->event != NEV_START && n->event != NEV_REVOCATION &&
	    n->event != NEV_NAMES && n->event != NEV_WATCHED;
}

static enum phrase
advice_of(const struct notice *n, const char *link)
{
	enum phrase p = is_by_code(n) ? advice_phrase(n->code) : P_END;

	if (link != NULL && p != P_DO_PAUSED && (n->event == NEV_ACCOUNT ||
	    strcmp(n->code, "acme:userActionRequired") == 0 ||
	    strstr(notice_first(n)->words, "paused") != NULL))
		return P_DO_LINK;
	if (n->event == NEV_REPOSITORY)
		return P_DO_REPOSITORY;
	if (notice_first(n)->is_given && (n->event == NEV_EXPIRING ||
	    n->event == NEV_FAILED))
		return n->event == NEV_FAILED ? P_DO_GIVEN : P_DO_GIVEN_ENDS;
	if (notice_first(n)->repository != NULL)
		return n->event == NEV_EXPIRING ? P_DO_SOURCE : P_DO_FETCH;
	if (p != P_END)
		return p;
	switch (n->event) {
	case NEV_EXPIRING:
		return P_DO_EXPIRING;
	case NEV_DEPLOY:
		return P_DO_DEPLOY;
	case NEV_SERVING_OLD:
		return P_DO_SERVING_OLD;
	case NEV_CLEANUP:
		return P_DO_CLEANUP;
	case NEV_ACCOUNT:
		return P_DO_ACCOUNT;
	case NEV_CREDENTIALS:
		return P_DO_CREDENTIALS;
	case NEV_CONFIG:
		return P_DO_CONFIG;
	case NEV_START:
		return P_DO_START;
	case NEV_REVOCATION:
		return P_DO_REVOCATION;
	case NEV_NAMES:
		return P_DO_MISSING;
	case NEV_FLEET:
		return P_DO_BEHIND;
	case NEV_CLUSTER:
		return P_DO_CLUSTER;
	case NEV_WATCHED:
		return notice_only_ends(n) ? P_DO_WATCHED_ENDS : P_DO_WATCHED;
	case NEV_FAILED:
	case NEV_RECOVERED:
	case NEV_RENEWED:
	case NEV_DIGEST:
	case NEV_REPOSITORY:
	case NEV_END:
		break;
	}
	return P_DO_DEFAULT;
}

/* Sentences; and commands, which begin with a tab and are to be copied: each
 * has a line to itself, however long it is. */
static void
advice_lines(struct writer *w, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		char *one = xstrndup(text, len);

		if (one[0] == '\t') {
			fprintf(w->f, "      %s\n", one + 1);
		} else {
			fputs("  ", w->f);
			page_wrap(w, 2, 2, one);
		}
		free(one);
		text += len + (text[len] == '\n');
	}
}

static const char *
publisher_of(const struct writer *w)
{
	const char *host = notice_first(w->n)->publisher;

	return host != NULL && host[0] != '\0' ? host :
	    phrase(P_A_PUBLISHER, w->zh);
}

static void
advice(struct writer *w)
{
	const struct notice *n = w->n;
	char *link = advice_link(notice_first(n)->words), *text;
	struct phrase_var vars[] = { { "name", notice_first(n)->name },
	    { "object", notice_first(n)->object }, { "who", n->who },
	    { "repository", notice_first(n)->repository },
	    { "publisher", publisher_of(w) }, { "link", link },
	    { NULL, NULL } };

	text = phrase_fill(advice_of(n, link), w->zh, vars);
	fprintf(w->f, "\n%s\n", phrase(P_DO, w->zh));
	advice_lines(w, text);
	free(text);
	free(link);
}

static enum phrase
lead_phrase(const struct notice *n)
{
	bool is_many = notice_is_many(n);

	if (notice_first(n)->is_given && n->event == NEV_FAILED)
		return is_many ? P_LEAD_GIVEN_MANY : P_LEAD_GIVEN;
	if (notice_first(n)->is_given && n->event == NEV_EXPIRING)
		return is_many ? P_LEAD_GIVEN_ENDS_MANY : P_LEAD_GIVEN_ENDS;
	if (notice_is_differs(n))
		return P_LEAD_DIFFERS;
	return (enum phrase)((is_many ? P_LEAD_MANY : P_LEAD_ONE) +
	    (int)n->event);
}

static void
lead(struct writer *w)
{
	const struct notice *n = w->n;
	const struct notice_item *i = notice_first(n);
	char count[32], valid[32], failing[32];
	struct phrase_var vars[] = {
		{ "name", n->channel != NULL ? n->channel : i->name },
		{ "n", count }, { "who", n->who }, { "object", i->object },
		{ "repository", i->repository },
		{ "valid", valid }, { "failing", failing }, { NULL, NULL } };
	enum phrase p = lead_phrase(n);
	char *text;

	(void)text_printf(count, sizeof(count), "%zu",
	    n->event == NEV_DIGEST ? (size_t)n->n_certs : n->n_items);
	(void)text_printf(valid, sizeof(valid), "%u", n->n_valid);
	(void)text_printf(failing, sizeof(failing), "%u", n->n_failing);
	if (n->channel != NULL)
		p = P_LEAD_TEST;
	else if (n->event == NEV_DIGEST)
		p = P_DIGEST;
	else if (n->what == NOTICE_RECOVERED)
		p = n->event == NEV_DEPLOY || n->event == NEV_SERVING_OLD ?
		    P_RECOVERED_DEPLOY : n->event == NEV_CLEANUP ?
		    P_RECOVERED_CLEANUP : n->event == NEV_REVOCATION ?
		    P_RECOVERED_REVOCATION : n->event == NEV_NAMES ?
		    P_RECOVERED_NAMES : n->event == NEV_WATCHED ?
		    P_RECOVERED_WATCHED : n->event == NEV_FLEET ?
		    P_RECOVERED_FLEET : n->event == NEV_CLUSTER ?
		    P_RECOVERED_CLUSTER : n->event == NEV_CONFIG ?
		    P_RECOVERED_CONFIG : (enum phrase)((notice_is_many(n) ?
		    P_LEAD_MANY : P_LEAD_ONE) + NEV_RECOVERED);
	text = phrase_fill(p, w->zh, vars);
	text_clean(text);
	page_wrap(w, 0, 0, text);
	free(text);
}

/* What this has to do with earlier messages. */
static void
history(struct writer *w)
{
	static const enum phrase of[] = {
		[NOTICE_NEW] = P_END,
		[NOTICE_REPEAT] = P_AGAIN,
		[NOTICE_WORSE] = P_WORSE,
		[NOTICE_CHANGED] = P_CHANGED,
		[NOTICE_RECOVERED] = P_END,
	};
	char since[PAGE_TIME_MAX], *text;
	struct phrase_var vars[] = { { "since",
	    page_local_time(notice_first(w->n)->since, since) },
	    { NULL, NULL } };

	_Static_assert(sizeof(of) / sizeof(of[0]) == NOTICE_END, "history");
	if (of[w->n->what] == P_END)
		return;
	text = phrase_fill(of[w->n->what], w->zh, vars);
	page_wrap(w, 0, 0, text);
	free(text);
}

static void
footer(struct writer *w)
{
	char at[PAGE_TIME_MAX], n[32], *text;
	struct phrase_var vars[] = { { "n", n }, { NULL, NULL } };

	fputc('\n', w->f);
	page_line(w, P_L_HOST, w->n->host);
	page_line(w, P_L_TIME, page_local_time(w->n->at, at));
	if (w->n->dropped == 0)
		return;
	(void)text_printf(n, sizeof(n), "%u", w->n->dropped);
	text = phrase_fill(P_DROPPED, w->zh, vars);
	fputc('\n', w->f);
	page_wrap(w, 0, 0, text);
	free(text);
}

static void
make_text(struct writer *w)
{
	lead(w);
	history(w);
	if (w->n->n_items > 0) {
		if (w->n->event != NEV_DIGEST) {
			fputc('\n', w->f);
			item_lines(w, notice_first(w->n));
		}
		if (notice_is_many(w->n) || w->n->event == NEV_DIGEST)
			list_items(w);
	}
	if (is_trouble(w->n))
		advice(w);
	footer(w);
}

void
notice_format(const struct notice *n, bool is_chinese,
    struct notice_text *out)
{
	struct writer w = { .n = n, .zh = is_chinese };

	w.f = open_memstream(&w.buf, &w.len);
	if (w.f == NULL)
		abort();
	make_text(&w);
	if (fclose(w.f) != 0)
		abort();
	out->text = w.buf;
	out->subject = notice_subject(&w);
	out->json = notice_json(n, out->subject, out->text);
}

void
notice_text_clear(struct notice_text *t)
{
	free(t->subject);
	free(t->text);
	free(t->json);
	*t = (struct notice_text){ NULL, NULL, NULL };
}
