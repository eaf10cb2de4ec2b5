/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/document.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
#include "daemon/store/seal.h"

#define TEXT_MAX	65536	/* of one member: the names of a certificate */
#define PEM_MAX		16384
#define HANDLE_MAX	8192

/* Whose a member is. */
enum part {
	PART_FARES,		/* how the certificate fares: all show it */
	PART_OF_SERIAL,		/* the same, of the certificate in use */
	PART_ORDER		/* of who goes on with it */
};

static const struct text_member {
	const char	*name;
	size_t		 at;
	enum part	 part;
} texts[] = {
#define TEXT(member, part) \
	{ #member, offsetof(struct store_cert, member), part }
	TEXT(names_failed, PART_FARES),
	TEXT(account_why, PART_FARES),
	TEXT(ari_id, PART_OF_SERIAL),
	TEXT(ari_directory, PART_OF_SERIAL),
	TEXT(ari_url, PART_OF_SERIAL),
	TEXT(account, PART_ORDER),
	TEXT(order_url, PART_ORDER),
	TEXT(order_names, PART_ORDER),
	TEXT(order_account, PART_ORDER),
	TEXT(order_finalize, PART_ORDER),
	TEXT(order_profile, PART_ORDER),
#undef TEXT
};

/* Each is an integer that is not negative, but for spread. */
enum width { WIDTH_TIME, WIDTH_UNSIGNED, WIDTH_INT };
static const struct number_member {
	const char	*name;
	size_t		 at;
	enum width	 width;
	enum part	 part;
} numbers[] = {
#define TIME(member, part) \
	{ #member, offsetof(struct store_cert, member), WIDTH_TIME, part }
#define COUNT(member, part) \
	{ #member, offsetof(struct store_cert, member), WIDTH_UNSIGNED, part }
	COUNT(failures, PART_FARES),
	COUNT(early, PART_FARES),
	TIME(retry_at, PART_FARES),
	TIME(error_at, PART_FARES),
	TIME(asked_at, PART_FARES),
	TIME(paused_until, PART_FARES),
	{ "spread", offsetof(struct store_cert, spread), WIDTH_INT,
	    PART_OF_SERIAL },
	TIME(ari_start, PART_OF_SERIAL),
	TIME(ari_end, PART_OF_SERIAL),
	TIME(ari_at, PART_OF_SERIAL),
	TIME(ari_poll_at, PART_OF_SERIAL),
	TIME(ari_pulled_at, PART_OF_SERIAL),
	TIME(order_at, PART_ORDER),
	TIME(order_sent_at, PART_ORDER),
	COUNT(order_limits, PART_ORDER),
#undef TIME
#undef COUNT
};

static char **
text_of(const struct store_cert *row, const struct text_member *m)
{
	return (char **)((uintptr_t)row + m->at);
}

static int64_t
number_of(const struct store_cert *row, const struct number_member *m)
{
	const char *at = (const char *)row + m->at;

	switch (m->width) {
	case WIDTH_TIME:
		return *(const time_t *)(const void *)at;
	case WIDTH_UNSIGNED:
		return *(const unsigned *)(const void *)at;
	case WIDTH_INT:
		break;
	}
	return *(const int *)(const void *)at;
}

static void
set_number(struct store_cert *row, const struct number_member *m, int64_t n)
{
	char *at = (char *)row + m->at;

	switch (m->width) {
	case WIDTH_TIME:
		*(time_t *)(void *)at = (time_t)n;
		break;
	case WIDTH_UNSIGNED:
		*(unsigned *)(void *)at = (unsigned)n;
		break;
	case WIDTH_INT:
		*(int *)(void *)at = (int)n;
		break;
	}
}

/* --- reading, strictly --- */

static int
bad(struct error *err, const char *member)
{
	return error_set(err, ERR_REJECTED, "cluster:document",
	    "what another member wrote has no valid \"%s\"", member);
}

/* A text, or NULL where it is not there; the caller frees. */
static int
read_text(const json_t *o, const char *name, size_t max, char **out,
    struct error *err)
{
	const json_t *v = json_object_get(o, name);

	*out = NULL;
	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) > max ||
	    strlen(json_string_value(v)) != json_string_length(v))
		return bad(err, name);
	*out = xstrdup(json_string_value(v));
	return 0;
}

/* The same that must fit where it goes; "" where it is not there. */
static int
copy_text(const json_t *o, const char *name, char *out, size_t size,
    struct error *err)
{
	char *text;

	if (read_text(o, name, size - 1, &text, err) == -1)
		return -1;
	(void)text_printf(out, size, "%s", text != NULL ? text : "");
	free(text);
	return 0;
}

/* 0 where it is not there. */
static int
read_number(const json_t *o, const char *name, int64_t min, int64_t max,
    int64_t *out, struct error *err)
{
	const json_t *v = json_object_get(o, name);

	*out = 0;
	if (v == NULL)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min ||
	    json_integer_value(v) > max)
		return bad(err, name);
	*out = json_integer_value(v);
	return 0;
}

static int
read_time(const json_t *o, const char *name, time_t *out, struct error *err)
{
	int64_t n;

	if (read_number(o, name, 0, STORE_PAUSED_EVER, &n, err) == -1)
		return -1;
	*out = (time_t)n;
	return 0;
}

static int
read_count(const json_t *o, const char *name, unsigned *out, struct error *err)
{
	int64_t n;

	if (read_number(o, name, 0, INT32_MAX, &n, err) == -1)
		return -1;
	*out = (unsigned)n;
	return 0;
}

static int
read_error(const json_t *o, struct error *out, struct error *err)
{
	char kind[32];

	*out = (struct error){ .kind = ERR_NONE };
	if (!json_is_object(o))
		return bad(err, "error");
	if (copy_text(o, "kind", kind, sizeof(kind), err) == -1 ||
	    copy_text(o, "code", out->code, sizeof(out->code), err) == -1 ||
	    copy_text(o, "msg", out->msg, sizeof(out->msg), err) == -1 ||
	    read_time(o, "retry_at", &out->retry_at, err) == -1)
		return -1;
	out->kind = err_kind_parse(kind);
	text_clean(out->msg);
	return 0;
}

static json_t *
error_json(const struct error *e)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "kind", err_kind_name(e->kind),
	    "code", e->code, "msg", e->msg, "retry_at",
	    (json_int_t)e->retry_at);
}

/* --- a certificate --- */

void
document_clear(struct document *d)
{
	store_cert_clear(&d->row);
	if (d->key != NULL)
		freezero_str(d->key);
	free(d->chain);
	free(d->csr);
	free(d->request);
	for (size_t i = 0; i < d->n_txt; i++)
		free((char *)(uintptr_t)d->txt[i].handle);
	free(d->txt);
	free(d->missing);
	free(d->first.names);
	free(d->first.account);
	free(d->first.profile);
	if (d->first.key != NULL)
		freezero_str(d->first.key);
	free(d->first.chain);
	*d = (struct document){ .row.key = KEY_TYPE_END };
}

bool
document_is_open(const struct document *d)
{
	return d->row.order_url != NULL || d->n_txt > 0 ||
	    d->first.names != NULL;
}

static json_t *
txt_json(const struct store_txt *t)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I,"
	    " s:s}", "provider", t->provider, "identifier", t->identifier,
	    "fqdn", t->fqdn, "zone", t->zone, "value", t->value,
	    "handle", t->handle != NULL ? t->handle : "",
	    "state", txt_state_name(t->state),
	    "created_at", (json_int_t)t->created_at,
	    "tries", (json_int_t)t->tries,
	    "retry_at", (json_int_t)t->retry_at, "error", t->error);
}

static json_t *
missing_json(const struct store_missing *m)
{
	return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "name", m->name, "left_out", m->is_left_out,
	    "since", (json_int_t)m->since,
	    "failed_at", (json_int_t)m->failed_at,
	    "tries", (json_int_t)m->tries,
	    "omitted_at", (json_int_t)m->omitted_at,
	    "retry_at", (json_int_t)m->retry_at,
	    "error", error_json(&m->err));
}

static void
put_text(json_t *o, const char *name, const char *text)
{
	if (text != NULL)
		(void)json_object_set_new(o, name, json_string(text));
}

static json_t *
first_json(const struct document_first *f)
{
	json_t *o = json_pack("{s:I}", "at", (json_int_t)f->at);

	put_text(o, "names", f->names);
	put_text(o, "account", f->account);
	put_text(o, "profile", f->profile);
	put_text(o, "key", f->key);
	put_text(o, "chain", f->chain);
	return o;
}

static json_t *
wave_json(const struct store_wave *w)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:s}",
	    "serial", w->serial, "state", wave_state_name(w->state),
	    "not_before", (json_int_t)w->not_before,
	    "opened", (json_int_t)w->opened,
	    "opened_at", (json_int_t)w->opened_at,
	    "served_at", (json_int_t)(w->served_at == STORE_WAVE_UNTOLD ? 0 :
	    w->served_at), "untold", w->served_at == STORE_WAVE_UNTOLD,
	    "why", w->why);
}

json_t *
document_json(const struct document *d)
{
	const struct store_cert *row = &d->row;
	json_t *o = json_object(), *list = json_array();

	put_text(o, "name", row->name);
	put_text(o, "serial", row->serial);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		put_text(o, texts[i].name, *text_of(row, &texts[i]));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)json_object_set_new(o, numbers[i].name, json_integer(
		    number_of(row, &numbers[i])));
	if (row->error != NULL)
		(void)json_object_set_new(o, "error", error_json(row->error));
	put_text(o, "key", d->key);
	put_text(o, "chain", d->chain);
	put_text(o, "csr", d->csr);
	put_text(o, "request", d->request);
	if (d->request != NULL)
		(void)json_object_set_new(o, "request_at",
		    json_integer(d->request_at));
	for (size_t i = 0; i < d->n_txt; i++)
		(void)json_array_append_new(list, txt_json(&d->txt[i]));
	(void)json_object_set_new(o, "txt", list);
	list = json_array();
	for (size_t i = 0; i < d->n_missing; i++)
		(void)json_array_append_new(list, missing_json(
		    &d->missing[i]));
	(void)json_object_set_new(o, "missing", list);
	if (d->first.names != NULL)
		(void)json_object_set_new(o, "first", first_json(&d->first));
	if (d->wave.serial[0] != '\0')
		(void)json_object_set_new(o, "wave", wave_json(&d->wave));
	return o;
}

static int
read_txt(const json_t *o, const char *cert, struct store_txt *t,
    struct error *err)
{
	char state[16], *handle;

	*t = (struct store_txt){ .state = TXT_REMOVING };
	if (copy_text(o, "provider", t->provider, sizeof(t->provider),
	    err) == -1 ||
	    copy_text(o, "identifier", t->identifier, sizeof(t->identifier),
	    err) == -1 ||
	    copy_text(o, "fqdn", t->fqdn, sizeof(t->fqdn), err) == -1 ||
	    copy_text(o, "zone", t->zone, sizeof(t->zone), err) == -1 ||
	    copy_text(o, "value", t->value, sizeof(t->value), err) == -1 ||
	    copy_text(o, "state", state, sizeof(state), err) == -1 ||
	    copy_text(o, "error", t->error, sizeof(t->error), err) == -1 ||
	    read_time(o, "created_at", &t->created_at, err) == -1 ||
	    read_time(o, "retry_at", &t->retry_at, err) == -1 ||
	    read_count(o, "tries", &t->tries, err) == -1)
		return -1;
	if (t->fqdn[0] == '\0' || t->value[0] == '\0' ||
	    t->provider[0] == '\0')
		return bad(err, "txt");
	if (!text_printf(t->cert, sizeof(t->cert), "%s", cert))
		return bad(err, "name");
	/* An unknown one is removed, not believed. */
	for (int i = 0; i < TXT_STATE_END; i++) {
		if (strcmp(state, txt_state_name((enum txt_state)i)) == 0)
			t->state = (enum txt_state)i;
	}
	if (read_text(o, "handle", HANDLE_MAX, &handle, err) == -1)
		return -1;
	t->handle = handle;
	return 0;
}

static int
read_txts(const json_t *o, struct document *d, struct error *err)
{
	const json_t *list = json_object_get(o, "txt"), *t;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > DOCUMENT_TXT_MAX)
		return bad(err, "txt");
	if (json_array_size(list) > 0)
		d->txt = xcalloc(json_array_size(list), sizeof(*d->txt));
	json_array_foreach(list, i, t) {
		if (read_txt(t, d->row.name, &d->txt[d->n_txt], err) == -1)
			return -1;
		d->n_txt++;
	}
	return 0;
}

static int
read_one_missing(const json_t *o, struct store_missing *m, struct error *err)
{
	const json_t *left_out = json_object_get(o, "left_out");

	memset(m, 0, sizeof(*m));
	if (!json_is_boolean(left_out))
		return bad(err, "left_out");
	m->is_left_out = json_is_true(left_out);
	if (copy_text(o, "name", m->name, sizeof(m->name), err) == -1 ||
	    read_time(o, "since", &m->since, err) == -1 ||
	    read_time(o, "failed_at", &m->failed_at, err) == -1 ||
	    read_count(o, "tries", &m->tries, err) == -1 ||
	    read_time(o, "omitted_at", &m->omitted_at, err) == -1 ||
	    read_time(o, "retry_at", &m->retry_at, err) == -1)
		return -1;
	if (m->name[0] == '\0')
		return bad(err, "missing");
	return read_error(json_object_get(o, "error"), &m->err, err);
}

static int
read_missing(const json_t *o, struct document *d, struct error *err)
{
	const json_t *list = json_object_get(o, "missing"), *m;
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n > DOCUMENT_MISSING_MAX)
		return bad(err, "missing");
	if (n > 0)
		d->missing = xcalloc(n, sizeof(*d->missing));
	json_array_foreach(list, i, m) {
		if (read_one_missing(m, &d->missing[d->n_missing], err) == -1)
			return -1;
		d->n_missing++;
	}
	return 0;
}

static int
read_first(const json_t *o, struct document_first *f, struct error *err)
{
	const json_t *first = json_object_get(o, "first");

	if (first == NULL)
		return 0;
	if (!json_is_object(first))
		return bad(err, "first");
	if (read_text(first, "names", TEXT_MAX, &f->names, err) == -1 ||
	    read_text(first, "account", TEXT_MAX, &f->account, err) == -1 ||
	    read_text(first, "profile", TEXT_MAX, &f->profile, err) == -1 ||
	    read_text(first, "key", PEM_MAX, &f->key, err) == -1 ||
	    read_text(first, "chain", CHAIN_PEM_MAX, &f->chain, err) == -1)
		return -1;
	if (f->names == NULL || f->key == NULL || f->chain == NULL)
		return bad(err, "first");
	return read_time(first, "at", &f->at, err);
}

static int
read_wave(const json_t *o, struct store_wave *w, struct error *err)
{
	const json_t *wave = json_object_get(o, "wave");
	char state[16];

	if (wave == NULL)
		return 0;
	if (!json_is_object(wave))
		return bad(err, "wave");
	if (copy_text(wave, "serial", w->serial, sizeof(w->serial),
	    err) == -1 ||
	    copy_text(wave, "state", state, sizeof(state), err) == -1 ||
	    copy_text(wave, "why", w->why, sizeof(w->why), err) == -1 ||
	    read_time(wave, "not_before", &w->not_before, err) == -1 ||
	    read_count(wave, "opened", &w->opened, err) == -1 ||
	    read_time(wave, "opened_at", &w->opened_at, err) == -1 ||
	    read_time(wave, "served_at", &w->served_at, err) == -1)
		return -1;
	if (w->serial[0] == '\0' || wave_state_parse(state, &w->state) == -1)
		return bad(err, "wave");
	if (json_is_true(json_object_get(wave, "untold")))
		w->served_at = STORE_WAVE_UNTOLD;
	text_clean(w->why);
	return 0;
}

static int
read_members(const json_t *o, struct store_cert *row, struct error *err)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (read_text(o, texts[i].name, TEXT_MAX,
		    text_of(row, &texts[i]), err) == -1)
			return -1;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number_member *m = &numbers[i];
		int64_t n;

		if (read_number(o, m->name, m->width == WIDTH_INT ? -1000 : 0,
		    m->width == WIDTH_TIME ? STORE_PAUSED_EVER :
		    m->width == WIDTH_INT ? 1000 : INT32_MAX, &n, err) == -1)
			return -1;
		set_number(row, m, n);
	}
	return 0;
}

/* Of a host that keeps its key. */
static int
read_request(const json_t *o, struct document *d, struct error *err)
{
	if (read_text(o, "csr", CSR_MAX, &d->csr, err) == -1 ||
	    read_text(o, "request", CSR_MAX, &d->request, err) == -1)
		return -1;
	return d->request == NULL ? 0 : read_time(o, "request_at",
	    &d->request_at, err);
}

static int
read_all(const json_t *o, struct document *d, struct error *err)
{
	const json_t *e = json_object_get(o, "error");

	if (read_text(o, "name", 127, &d->row.name, err) == -1)
		return -1;
	if (d->row.name == NULL)
		return bad(err, "name");
	if (read_text(o, "serial", 127, &d->row.serial, err) == -1 ||
	    read_members(o, &d->row, err) == -1 ||
	    read_text(o, "key", PEM_MAX, &d->key, err) == -1 ||
	    read_text(o, "chain", CHAIN_PEM_MAX, &d->chain, err) == -1 ||
	    read_request(o, d, err) == -1)
		return -1;
	if (e != NULL) {
		d->row.error = xcalloc(1, sizeof(*d->row.error));
		if (read_error(e, d->row.error, err) == -1)
			return -1;
	}
	if (read_txts(o, d, err) == -1 || read_missing(o, d, err) == -1)
		return -1;
	if (read_first(o, &d->first, err) == -1)
		return -1;
	return read_wave(o, &d->wave, err);
}

int
document_read(const json_t *o, struct document *d, struct error *err)
{
	*d = (struct document){ .row.key = KEY_TYPE_END };
	if (read_all(o, d, err) == 0)
		return 0;
	document_clear(d);
	return -1;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same_error(const struct error *a, const struct error *b)
{
	return a == NULL || b == NULL ? a == b :
	    a->kind == b->kind && a->retry_at == b->retry_at &&
	    strcmp(a->code, b->code) == 0 && strcmp(a->msg, b->msg) == 0;
}

bool
document_apply(const struct document *d, struct store_cert *row, bool all)
{
	bool same = is_same_text(d->row.serial, row->serial), changed = false;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct text_member *m = &texts[i];
		const char *text = *text_of(&d->row, m);
		char **own = text_of(row, m);

		if ((m->part == PART_ORDER && !all) ||
		    (m->part == PART_OF_SERIAL && !same) ||
		    is_same_text(*own, text))
			continue;
		xstrset(own, text);
		changed = true;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number_member *m = &numbers[i];
		int64_t n = number_of(&d->row, m);

		if ((m->part == PART_ORDER && !all) ||
		    (m->part == PART_OF_SERIAL && !same) ||
		    number_of(row, m) == n)
			continue;
		set_number(row, m, n);
		changed = true;
	}
	if (!is_same_error(d->row.error, row->error)) {
		free(row->error);
		row->error = d->row.error == NULL ? NULL :
		    xmemdup(d->row.error, sizeof(*d->row.error));
		changed = true;
	}
	return changed;
}

/* --- an account --- */

void
account_document_clear(struct account_document *d)
{
	if (d->key != NULL)
		freezero_str(d->key);
	if (d->next != NULL)
		freezero_str(d->next);
	free(d->kid);
	free(d->contact);
	free(d->by);
	*d = (struct account_document){ .key = NULL };
}

json_t *
account_document_json(const struct account_document *d)
{
	json_t *o = json_object();

	put_text(o, "key", d->key);
	put_text(o, "next", d->next);
	put_text(o, "kid", d->kid);
	put_text(o, "contact", d->contact);
	put_text(o, "by", d->by);
	return o;
}

int
account_document_read(const json_t *o, struct account_document *d,
    struct error *err)
{
	*d = (struct account_document){ .key = NULL };
	if (read_text(o, "key", PEM_MAX, &d->key, err) == 0 &&
	    read_text(o, "next", PEM_MAX, &d->next, err) == 0 &&
	    read_text(o, "kid", TEXT_MAX, &d->kid, err) == 0 &&
	    read_text(o, "contact", TEXT_MAX, &d->contact, err) == 0 &&
	    read_text(o, "by", TEXT_MAX, &d->by, err) == 0 &&
	    (d->key != NULL || bad(err, "key") == 0))
		return 0;
	account_document_clear(d);
	return -1;
}

/* --- budgets and holds --- */

json_t *
budget_document_json(const struct store_budget *b)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "kind",
	    limit_kind_name(b->kind), "directory", b->directory,
	    "account", b->account, "key", b->key, "since_ms",
	    (json_int_t)b->since_ms, "full_at_ms", (json_int_t)b->full_at_ms);
}

int
budget_document_read(const json_t *o, struct store_budget *b,
    struct error *err)
{
	const char *kind = jsonx_str(o, "kind");
	const char *text[] = { jsonx_str(o, "directory"),
	    jsonx_str(o, "account"), jsonx_str(o, "key") };

	*b = (struct store_budget){ .directory = (char *)(uintptr_t)text[0],
	    .account = (char *)(uintptr_t)text[1],
	    .key = (char *)(uintptr_t)text[2] };
	if (kind == NULL || limit_kind_parse(kind, &b->kind) == -1)
		return bad(err, "kind");
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (text[i] == NULL || strlen(text[i]) > 1023)
			return bad(err, "key");
	}
	if (read_number(o, "since_ms", 0, STORE_PAUSED_EVER * 1000,
	    &b->since_ms, err) == -1)
		return -1;
	return read_number(o, "full_at_ms", 0, STORE_PAUSED_EVER * 1000,
	    &b->full_at_ms, err);
}

json_t *
hold_document_json(const struct store_hold *h)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}",
	    "account", h->account, "directory", h->directory,
	    "about", h->about, "since", (json_int_t)h->since,
	    "at", (json_int_t)h->at, "until", (json_int_t)h->until,
	    "times", (json_int_t)h->times, "error", error_json(&h->err));
}

int
hold_document_read(const json_t *o, struct store_hold *h, struct error *err)
{
	memset(h, 0, sizeof(*h));
	if (copy_text(o, "account", h->account, sizeof(h->account),
	    err) == -1 ||
	    copy_text(o, "directory", h->directory, sizeof(h->directory),
	    err) == -1 ||
	    copy_text(o, "about", h->about, sizeof(h->about), err) == -1 ||
	    read_time(o, "since", &h->since, err) == -1 ||
	    read_time(o, "at", &h->at, err) == -1 ||
	    read_time(o, "until", &h->until, err) == -1 ||
	    read_count(o, "times", &h->times, err) == -1)
		return -1;
	if (h->account[0] == '\0' || h->directory[0] == '\0')
		return bad(err, "account");
	return read_error(json_object_get(o, "error"), &h->err, err);
}

/* --- sealed --- */

char *
document_close(const char *secret, const char *key, json_t *o, size_t *len)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS), *sealed;

	json_decref(o);
	sealed = seal_close(secret, key, text, strlen(text), len);
	freezero_str(text);
	return sealed;
}

json_t *
document_open(const char *secret, const char *key, const void *sealed,
    size_t sealed_len, struct error *err)
{
	json_t *o;
	char *text;
	size_t len;

	if (sealed_len > DOCUMENT_MAX) {
		(void)error_set(err, ERR_REJECTED, "cluster:document",
		    "%s is longer than %u bytes", key, DOCUMENT_MAX);
		return NULL;
	}
	if (seal_open(secret, key, sealed, sealed_len, &text, &len,
	    err) == -1)
		return NULL;		/* it says of what */
	o = jsonx_parse(text, len, err);
	freezero(text, len);
	if (o == NULL)
		(void)error_wrap(err, "%s", key);
	return o;
}
