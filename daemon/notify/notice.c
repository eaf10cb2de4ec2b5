/* SPDX-License-Identifier: MIT */
#include "daemon/notify/notice.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/notify/catalogue.h"

#define WIDTH		76
#define LABEL_WIDTH	13
#define NAMES_MAX	300	/* bytes of "Names" */
#define WORDS_MAX	900	/* bytes of what a peer said */
#define LINK_MAX	300

struct writer {
	const struct notice *n;
	bool		 zh;
	FILE		*f;
	char		*buf;
	size_t		 len;
};

/* --- words --- */

#define TIME_MAX 64
static const char *
local_time(time_t at, char out[TIME_MAX])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(out, TIME_MAX, "%Y-%m-%d %H:%M %Z", &tm) == 0)
		(void)text_time(at, out);
	return out;
}

static bool
is_many(const struct notice *n)
{
	return n->n_items > 1;
}

static const struct notice_item *
first(const struct notice *n)
{
	static const struct notice_item nothing = { .name = "" };

	return n->n_items > 0 ? &n->items[0] : &nothing;
}

/* "12 days", the caller frees. */
static char *
left_of(const struct writer *w, time_t at)
{
	return phrase_span((int64_t)at - w->n->at, w->zh);
}

/* The first link in what a peer said, or NULL; the caller frees. */
static char *
find_link(const char *words)
{
	const char *from = words != NULL ? strstr(words, "https://") : NULL;
	size_t len;

	if (from == NULL)
		return NULL;
	len = strcspn(from, " \t<>\"')],;");
	while (len > 8 && (from[len - 1] == '.' || from[len - 1] == ':'))
		len--;
	return len > 8 && len <= LINK_MAX ? xstrndup(from, len) : NULL;
}

/* Does it matter until when the certificate is good? */
static bool
has_expiry(const struct notice *n)
{
	return n->event != NEV_CLEANUP && n->event != NEV_CONFIG;
}

static bool
is_deploy(const struct notice *n)
{
	return n->event == NEV_DEPLOY || n->event == NEV_SERVING_OLD;
}

/* --- the subject --- */

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
	};
	const struct notice_item *i = first(n);

	_Static_assert(sizeof(of) / sizeof(of[0]) == NEV_END, "subjects");
	if (n->channel != NULL)
		return P_SUBJ_TEST;
	if (n->what == NOTICE_RECOVERED)
		return P_SUBJ_RECOVERED;
	/* Whatever the reason is: this is what must be known. */
	if (i->not_after != 0 && i->not_after <= n->at && has_expiry(n))
		return n->event == NEV_SERVING_OLD ? P_SUBJ_SERVES_EXPIRED :
		    n->event == NEV_DEPLOY ? P_SUBJ_DEPLOY_EXPIRED :
		    P_SUBJ_EXPIRED;
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
	if (!is_many(n))
		return text_fit(first(n)->name, columns);
	/* In Chinese the number is of all of them. */
	(void)text_printf(more, sizeof(more), "%zu",
	    n->n_items - (w->zh ? 0 : 1));
	all = phrase_fill(P_AND_MORE, w->zh, vars);
	columns -= text_columns(all) < columns ? text_columns(all) : columns;
	free(all);
	name = text_fit(first(n)->name, columns);
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

static char *
make_subject(const struct writer *w)
{
	const struct notice *n = w->n;
	const struct notice_item *i = first(n);
	char *left = xstrdup(""), *name, *whole, *fits;
	size_t used;

	if (i->not_after > n->at && n->event != NEV_DIGEST && has_expiry(n)) {
		char *span = left_of(w, i->not_after);
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

/* --- the text --- */

/* Words, broken at spaces, after what fills the first line up to column. */
static void
wrap(struct writer *w, size_t column, size_t indent, const char *text)
{
	size_t at = column;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		char *word = xstrndup(text, len);
		size_t columns = text_columns(word);

		if (at > indent && at + columns + 1 > WIDTH && len > 0) {
			fprintf(w->f, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > column || (at > indent && column == 0)) {
			fputc(' ', w->f);
			at++;
		}
		fputs(word, w->f);
		at += columns;
		free(word);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', w->f);
}

static void
line(struct writer *w, enum phrase label, const char *text)
{
	const char *name = phrase(label, w->zh);
	size_t used = text_columns(name) + 1;

	fprintf(w->f, "%s:%*s", name, (int)(used < LABEL_WIDTH + 1 ?
	    LABEL_WIDTH + 1 - used : 1), "");
	wrap(w, LABEL_WIDTH + 1, LABEL_WIDTH + 1, text);
}

/* What a peer said: clean, bounded. */
static void
words(struct writer *w, enum phrase label, const char *text, size_t max)
{
	char *copy = xstrndup(text, max);

	text_clean(copy);
	if (strlen(text) > max) {
		char *cut = xasprintf("%s ...", copy);

		free(copy);
		copy = cut;
	}
	line(w, label, copy);
	free(copy);
}

/* "a, b, c": names, each as dname_show() does. */
static void
names_line(struct writer *w, enum phrase label, const char *names)
{
	char *all = xstrdup("");

	while (*names != '\0') {
		size_t len = strcspn(names, ", ");
		char *name = xstrndup(names, len), *shown = dname_show(name);
		char *more = xasprintf("%s%s%s", all, all[0] != '\0' ? ", " :
		    "", shown);

		free(name);
		free(shown);
		free(all);
		all = more;
		names += len + strspn(names + len, ", ");
	}
	words(w, label, all, NAMES_MAX);
	free(all);
}

/* "2026-12-04 10:11 CET (in 12 days)"; the caller frees. */
static char *
when(const struct writer *w, time_t at)
{
	char buf[TIME_MAX];
	char *span = left_of(w, at), *text;
	struct phrase_var vars[] = { { "at", local_time(at, buf) },
	    { "left", span }, { NULL, NULL } };

	text = phrase_fill(at >= w->n->at ? P_IN : P_AGO, w->zh, vars);
	free(span);
	return text;
}

static void
time_line(struct writer *w, enum phrase label, time_t at)
{
	char *text = when(w, at);

	line(w, label, text);
	free(text);
}

static void
tries_line(struct writer *w, const struct notice_item *i)
{
	char n[32], since[TIME_MAX], *text;
	struct phrase_var vars[] = { { "n", n },
	    { "since", i->since != 0 ? local_time(i->since, since) : "" },
	    { NULL, NULL } };

	(void)text_printf(n, sizeof(n), "%u", i->tries);
	text = phrase_fill(i->since == 0 ? P_TRIES : i->tries == 1 ? P_ONCE :
	    P_SINCE, w->zh, vars);
	line(w, P_L_FAILED, text);
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

	if (i->name[0] != '\0' && !is_many(n))
		names_line(w, P_L_CERT, i->name);
	if (i->names != NULL && !is_many(n))
		names_line(w, P_L_NAMES, i->names);
	if (i->object != NULL)
		names_line(w, P_L_OBJECT, i->object);
	if (i->not_after != 0 && has_expiry(n))
		time_line(w, P_L_EXPIRES, i->not_after);
	else if (i->name[0] != '\0' && has_expiry(n) && is_trouble(n))
		line(w, P_L_EXPIRES, phrase(is_deploy(n) ? P_NOT_KNOWN :
		    P_NO_CERT, w->zh));
	if (i->new_not_after != 0)
		time_line(w, P_L_NEW, i->new_not_after);
	if (!is_trouble(n))
		return;
	if (i->tries > 0)
		tries_line(w, i);
	if (i->step != NULL)
		line(w, P_L_STEP, i->step);
	if (i->repository != NULL)
		line(w, P_L_REPOSITORY, i->repository);
	if (i->repository != NULL && i->publisher[0] != '\0')
		words(w, P_L_PUBLISHER, i->publisher, NAMES_MAX);
	if (n->who[0] != '\0' && i->repository == NULL)
		line(w, P_L_WHO, n->who);
	if (i->words != NULL && i->words[0] != '\0')
		words(w, P_L_REASON, i->words, WORDS_MAX);
	if (i->next_at != 0)
		time_line(w, P_L_NEXT, i->next_at);
}

static void
list_items(struct writer *w)
{
	const struct notice *n = w->n;

	fprintf(w->f, "\n%s:\n", phrase(P_L_LIST, w->zh));
	for (size_t i = 0; i < n->n_items && i < NOTICE_LISTED; i++) {
		const struct notice_item *it = &n->items[i];
		char *end = it->not_after != 0 && has_expiry(n) ?
		    when(w, it->not_after) : NULL;
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

static enum phrase
advice_of(const struct notice *n, const char *link)
{
	bool is_acme = strncmp(n->code, "acme:", 5) == 0;

	if (link != NULL && (n->event == NEV_ACCOUNT ||
	    strcmp(n->code, "acme:userActionRequired") == 0 ||
	    strstr(first(n)->words, "paused") != NULL))
		return P_DO_LINK;
	if (n->event == NEV_REPOSITORY)
		return P_DO_REPOSITORY;
	if (first(n)->repository != NULL)
		return n->event == NEV_EXPIRING ? P_DO_SOURCE : P_DO_FETCH;
	if (strcmp(n->code, "acme:rateLimited") == 0)
		return P_DO_RATE;
	if (strcmp(n->code, "acme:caa") == 0)
		return P_DO_CAA;
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
	case NEV_FAILED:
	case NEV_RECOVERED:
	case NEV_RENEWED:
	case NEV_DIGEST:
	case NEV_REPOSITORY:
	case NEV_END:
		break;
	}
	return is_acme && (strcmp(n->code, "acme:unauthorized") == 0 ||
	    strcmp(n->code, "acme:dns") == 0) ? P_DO_AUTHZ : P_DO_DEFAULT;
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
			wrap(w, 2, 2, one);
		}
		free(one);
		text += len + (text[len] == '\n');
	}
}

static const char *
publisher_of(const struct writer *w)
{
	const char *host = first(w->n)->publisher;

	return host != NULL && host[0] != '\0' ? host :
	    phrase(P_A_PUBLISHER, w->zh);
}

static void
advice(struct writer *w)
{
	const struct notice *n = w->n;
	char *link = find_link(first(n)->words), *text;
	struct phrase_var vars[] = { { "name", first(n)->name },
	    { "object", first(n)->object }, { "who", n->who },
	    { "repository", first(n)->repository },
	    { "publisher", publisher_of(w) }, { "link", link },
	    { NULL, NULL } };

	text_clean(link != NULL ? link : (char[]){ "" });
	text = phrase_fill(advice_of(n, link), w->zh, vars);
	fprintf(w->f, "\n%s\n", phrase(P_DO, w->zh));
	advice_lines(w, text);
	free(text);
	free(link);
}

static void
lead(struct writer *w)
{
	const struct notice *n = w->n;
	const struct notice_item *i = first(n);
	char count[32], valid[32], failing[32];
	struct phrase_var vars[] = {
		{ "name", n->channel != NULL ? n->channel : i->name },
		{ "n", count }, { "who", n->who }, { "object", i->object },
		{ "repository", i->repository },
		{ "valid", valid }, { "failing", failing }, { NULL, NULL } };
	enum phrase p = (enum phrase)((is_many(n) ? P_LEAD_MANY :
	    P_LEAD_ONE) + (int)n->event);
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
		    P_RECOVERED_CLEANUP : n->event == NEV_CONFIG ?
		    P_RECOVERED_CONFIG : (enum phrase)((is_many(n) ?
		    P_LEAD_MANY : P_LEAD_ONE) + NEV_RECOVERED);
	text = phrase_fill(p, w->zh, vars);
	text_clean(text);
	wrap(w, 0, 0, text);
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
	char since[TIME_MAX], *text;
	struct phrase_var vars[] = { { "since",
	    local_time(first(w->n)->since, since) }, { NULL, NULL } };

	_Static_assert(sizeof(of) / sizeof(of[0]) == NOTICE_END, "history");
	if (of[w->n->what] == P_END)
		return;
	text = phrase_fill(of[w->n->what], w->zh, vars);
	wrap(w, 0, 0, text);
	free(text);
}

static void
footer(struct writer *w)
{
	char at[TIME_MAX], n[32], *text;
	struct phrase_var vars[] = { { "n", n }, { NULL, NULL } };

	fputc('\n', w->f);
	line(w, P_L_HOST, w->n->host);
	line(w, P_L_TIME, local_time(w->n->at, at));
	if (w->n->dropped == 0)
		return;
	(void)text_printf(n, sizeof(n), "%u", w->n->dropped);
	text = phrase_fill(P_DROPPED, w->zh, vars);
	fputc('\n', w->f);
	wrap(w, 0, 0, text);
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
			item_lines(w, first(w->n));
		}
		if (is_many(w->n) || w->n->event == NEV_DIGEST)
			list_items(w);
	}
	if (is_trouble(w->n))
		advice(w);
	footer(w);
}

/* --- for programs --- */

static json_t *
string_or_null(const char *s)
{
	json_t *j = s != NULL && *s != '\0' ? json_string(s) : NULL;

	return j != NULL ? j : json_null();
}

static json_t *
time_or_null(time_t t)
{
	return t > 0 ? json_integer(t) : json_null();
}

static json_t *
item_json(const struct notice_item *i)
{
	char *said = i->words != NULL ? xstrdup(i->words) : NULL;
	json_t *j;

	if (said != NULL)
		text_clean(said);
	j = json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, "
	    "s:o, s:o}",
	    "name", string_or_null(i->name), "object",
	    string_or_null(i->object), "names", string_or_null(i->names),
	    "step", string_or_null(i->step), "tries", (int)i->tries,
	    "error", string_or_null(said),
	    "repository", string_or_null(i->repository),
	    "publisher", string_or_null(i->publisher),
	    "not_after", time_or_null(i->not_after),
	    "new_not_after", time_or_null(i->new_not_after),
	    "since", time_or_null(i->since),
	    "next_at", time_or_null(i->next_at));
	free(said);
	return j;
}

static char *
make_json(const struct notice *n, const char *subject, const char *text)
{
	static const char *const whats[] = {
		[NOTICE_NEW] = "new", [NOTICE_REPEAT] = "repeat",
		[NOTICE_WORSE] = "worse", [NOTICE_CHANGED] = "changed",
		[NOTICE_RECOVERED] = "recovered",
	};
	json_t *items = json_array(), *j;
	char *out;

	_Static_assert(sizeof(whats) / sizeof(whats[0]) == NOTICE_END,
	    "whats");
	for (size_t i = 0; i < n->n_items && i < 100; i++)
		(void)json_array_append_new(items, item_json(&n->items[i]));
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o,"
	    " s:I, s:o}", "id", n->id,
	    "event", n->channel != NULL ? "test" : notify_event_name(n->event),
	    "what", n->channel != NULL ? "test" : whats[n->what],
	    "level", notify_level_name(n->level), "at", time_or_null(n->at),
	    "host", n->host, "subject", subject, "text", text,
	    "code", string_or_null(n->code), "who", string_or_null(n->who),
	    "count", (json_int_t)n->n_items, "certificates", items);
	out = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return out != NULL ? out : xstrdup("{}");
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
	out->subject = make_subject(&w);
	out->json = make_json(n, out->subject, out->text);
}

void
notice_text_clear(struct notice_text *t)
{
	free(t->subject);
	free(t->text);
	free(t->json);
	*t = (struct notice_text){ NULL, NULL, NULL };
}
