/* SPDX-License-Identifier: MIT */
#include "providers/records.h"

#include <stdlib.h>
#include <string.h>

static void
list_reset(struct provider_call *c)
{
	c->list.page = c->list.seen = 0;
	c->list.cursor[0] = '\0';
}

static bool
has_text(const json_t *json, const char *path)
{
	const char *s = jsonx_str(json, path);

	return s != NULL && s[0] != '\0';
}

/* Who knows no pages answers with the first one again. */
static bool
is_another(struct provider_call *c, const struct rest_answer *a,
    const struct records_list *l)
{
	const json_t *list = l->array[0] == '\0' ? a->json :
	    jsonx_get(a->json, l->array);
	char id[sizeof(c->list.cursor)];
	struct error ignored;

	if (jsonx_copy_str(json_array_get(list, 0), c->records->id, id,
	    sizeof(id), &ignored) == -1 || strcmp(id, c->list.cursor) == 0)
		return false;
	memcpy(c->list.cursor, id, sizeof(id));
	return true;
}

enum rest_next
records_page(struct provider_call *c, const struct rest_answer *a,
    const struct records_list *l, size_t n, enum rest_next last,
    struct error *err)
{
	bool is_more = false;

	c->list.page++;
	c->list.seen += (int64_t)n;
	if (l->more != NULL)
		is_more = jsonx_bool(a->json, l->more, false) ||
		    has_text(a->json, l->more);
	else if (l->cursor != NULL)
		is_more = has_text(a->json, l->cursor);
	else if (l->pages != NULL)
		is_more = c->list.page < jsonx_number(a->json, l->pages, 0);
	else if (l->full != 0)
		is_more = n == l->full && is_another(c, a, l);
	else if (l->total != NULL)
		is_more = n > 0 && c->list.seen <
		    jsonx_number(a->json, l->total, 0);
	if (is_more && l->cursor != NULL && jsonx_copy_str(a->json, l->cursor,
	    c->list.cursor, sizeof(c->list.cursor), err) == -1)
		return REST_FAIL;
	return is_more ? REST_AGAIN : last;
}

/* Does the answer say that this is all there is, and is there nothing? */
static bool
is_said_empty(const struct rest_answer *a, const struct records_list *l)
{
	if (l->array[0] == '\0' || jsonx_get(a->json, l->array) != NULL)
		return false;
	return (l->pages != NULL &&
	    (uint64_t)jsonx_number(a->json, l->pages, -1) <= 1) ||
	    (l->more != NULL && !jsonx_bool(a->json, l->more, true));
}

/* The list in an answer, which some leave out if it is empty; NULL and err. */
static const json_t *
entries(const struct rest_answer *a, const struct records_list *l,
    struct error *err)
{
	return is_said_empty(a, l) ? json_null() :
	    rest_entries(a, l->array, l->total, err);
}

void
records_query_page(const struct provider_call *c, struct preq *rq,
    const char *name)
{
	preq_query_number(rq, name, c->list.page + 1);
}

int
records_zone_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->zone_id[0] == '\0' && c->records->zone != NULL)
		c->records->zone(c, rq);
	return 0;
}

enum rest_next
records_zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct provider_records *r = c->records;
	const json_t *all, *zone = a->json;
	size_t n = 0;

	if (r->zones.array != NULL) {
		all = entries(a, &r->zones, err);
		if (all == NULL)
			return REST_FAIL;
		for (zone = NULL; n < json_array_size(all); n++) {
			const char *name;

			zone = json_array_get(all, n);
			name = jsonx_str(zone, r->zone_name);
			if (name != NULL && provider_name_is(name, c->zone))
				break;
			zone = NULL;
		}
		if (zone == NULL)
			return records_page(c, a, &r->zones, n,
			    REST_NO_ZONE, err);
	}
	list_reset(c);
	return jsonx_copy_str(zone, r->zone_id, c->zone_id,
	    PROVIDER_ZONE_ID_SIZE, err) == -1 ? REST_FAIL : REST_NEXT;
}

enum rest_next
records_zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct provider_records *r = c->records;

	if (r->is_no_zone != NULL)
		return r->is_no_zone(a) ? REST_NO_ZONE : REST_FAIL;
	return r->zones.array == NULL && a->status == 404 ? REST_NO_ZONE :
	    REST_FAIL;
}

int
records_find_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	c->records->list(c, rq);
	return 0;
}

/* A record of ours at our name, by type? */
static bool
is_at_name(const struct provider_call *c, const json_t *entry)
{
	const struct provider_records *r = c->records;
	const char *name = jsonx_str(entry, r->name);

	if (name == NULL)
		return false;
	if (r->type != NULL && (r->txt != 0 ?
	    jsonx_number(entry, r->type, 0) != r->txt :
	    !provider_is_type(c, jsonx_str(entry, r->type))))
		return false;
	/* Some tell full names where they take relative ones. */
	return r->apex == NULL ? provider_name_is(name, c->fqdn) :
	    provider_is_at_name(c, name);
}

bool
records_is_ours(const struct provider_call *c, const json_t *entry)
{
	const char *value = jsonx_str(entry, c->records->value);

	return value != NULL && is_at_name(c, entry) &&
	    provider_value_is(c, value, c->value);
}

/* What follows when the list has our value, and when all of it has not. */
static enum rest_next
find(struct provider_call *c, const struct rest_answer *a,
    enum rest_next missing, struct error *err)
{
	const struct provider_records *r = c->records;
	const json_t *all = entries(a, &r->records, err), *entry;

	if (all == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(all); i++) {
		entry = json_array_get(all, i);
		if (r->ttl != NULL && is_at_name(c, entry))
			c->list.ttl = (long)jsonx_number(entry, r->ttl, 0);
		if (!records_is_ours(c, entry))
			continue;
		if (jsonx_copy_str(entry, r->id, c->list.id,
		    sizeof(c->list.id), err) == -1)
			return REST_FAIL;
		if (!c->is_add)
			return REST_NEXT;
		if (r->created != NULL)
			(void)text_printf(c->new_handle, c->new_handle_size,
			    "%s", c->list.id);
		return REST_DONE;
	}
	return records_page(c, a, &r->records, json_array_size(all), missing,
	    err);
}

enum rest_next
records_find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return find(c, a, c->is_add ? REST_NEXT : REST_DONE, err);
}

enum rest_next
records_find_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct provider_records *r = c->records;

	if (r->is_no_zone != NULL && r->is_no_zone(a))
		return REST_NO_ZONE;
	if (r->is_empty != NULL && r->is_empty(a))
		return c->is_add ? REST_NEXT : REST_DONE;
	return REST_FAIL;
}

/* Gone since "exists" was said, or not in the list yet; or it was not said. */
static enum rest_next
missing_again(const struct provider_call *c, enum rest_next next,
    struct error *err)
{
	if (next != REST_REPEAT || c->list.refusal[0] == '\0')
		return next;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%s",
	    c->list.refusal);
	return REST_FAIL;
}

enum rest_next
records_existing_reply(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	return missing_again(c, find(c, a, REST_REPEAT, err), err);
}

enum rest_next
records_existing_refused(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	if (c->records->is_empty == NULL || !c->records->is_empty(a))
		return REST_FAIL;
	return missing_again(c, REST_REPEAT, err);
}

int
records_create_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	const char *apex = c->records->apex;
	char name[256];

	list_reset(c);
	c->records->create(c, rq, apex == NULL ? c->fqdn :
	    provider_relative(c->fqdn, c->zone, apex, name, sizeof(name)));
	return 0;
}

enum rest_next
records_create_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (c->records->created == NULL)
		return REST_DONE;
	return jsonx_copy_str(a->json, c->records->created, c->new_handle,
	    c->new_handle_size, err) == -1 ? REST_FAIL : REST_DONE;
}

enum rest_next
records_create_refused(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	const struct provider_records *r = c->records;

	if (r->exists != NULL && r->exists(a)) {
		(void)text_printf(c->list.exists, sizeof(c->list.exists), "%s",
		    err->msg);
		return REST_NEXT;
	}
	if (r->is_ttl_low == NULL || c->list.is_ttl_raised ||
	    !r->is_ttl_low(a))
		return REST_FAIL;
	c->list.is_ttl_raised = true;
	return REST_AGAIN;
}

enum rest_next
records_create_doubted(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	(void)text_printf(c->list.refusal, sizeof(c->list.refusal), "%s",
	    err->msg);
	return REST_NEXT;
}

long
records_ttl(const struct provider_call *c, long configured)
{
	long raised = c->records->raised_ttl;

	if (c->list.ttl > 0)
		return c->list.ttl;
	return c->list.is_ttl_raised && configured < raised ? raised :
	    configured;
}

static bool
is_removed(const struct provider_call *c, const struct rest_answer *a)
{
	return c->records->is_removed == NULL || c->records->is_removed(a);
}

/* The kept id first; what it leads to is our record or nothing. */
int
records_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->handle[0] != '\0')
		c->records->remove(c, rq, c->handle);
	return 0;
}

enum rest_next
records_kept_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return is_removed(c, a) ? REST_DONE : REST_NEXT;
}

/* Gone, or an id that is none of theirs: is the value there? */
enum rest_next
records_kept_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return err->kind == ERR_REJECTED ? REST_NEXT : REST_FAIL;
}

int
records_remove_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	c->records->remove(c, rq, c->list.id);
	return 0;
}

enum rest_next
records_remove_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (is_removed(c, a))
		return REST_DONE;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply", "HTTP %d, but "
	    "the answer does not say that the record was deleted: %.100s",
	    a->status, a->body);
	return REST_FAIL;
}

enum rest_next
records_remove_refused(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	const struct provider_records *r = c->records;

	return (r->is_gone == NULL ? a->status == 404 : r->is_gone(a)) ?
	    REST_DONE : REST_FAIL;
}

const struct provider_step records_add[] = {
	RECORDS_ZONE,
	RECORDS_FIND,
	RECORDS_CREATE(records_create_refused),
	RECORDS_FIND_EXISTING,
	{ .name = NULL }
};

const struct provider_step records_remove[] = {
	RECORDS_ZONE,
	RECORDS_REMOVE_KEPT,
	RECORDS_FIND,
	RECORDS_REMOVE,
	{ .name = NULL }
};
