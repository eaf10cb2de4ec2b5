/* SPDX-License-Identifier: MIT */
/*
 * records - the steps of APIs that keep one object for each value, as most
 * do.  A provider tells how its requests look and where things are in the
 * answers; finding zone and record, paging, and what is there already or gone
 * already are here.  digitalocean.c is a model that needs nothing else.
 *
 * Adding looks for the value, then creates it.  Removing tries the kept id,
 * and if that led to nothing looks for the value, and deletes what it finds.
 */
#ifndef PROVIDERS_RECORDS_H
#define PROVIDERS_RECORDS_H

#include "providers/provider.h"

/* Where things are in the answer to a list; paths as in common/json.h. */
struct records_list {
	const char	*array;		/* "": the answer itself */
	/* There is a further page ... */
	const char	*more;		/* if that is true or a text; or */
	const char	*pages;		/* of so many pages; or */
	const char	*total;		/* of so many entries; or */
	const char	*cursor;	/* with that in c->list.cursor (and
					   .more, if there are both); or */
	size_t		 full;		/* if it has so many entries, and does
					   not begin as the last one did */
};

struct provider_records {
	/*
	 * The zone: an object with the id at zone_id (status 404: there is no
	 * such zone), or with zones.array a list of such, of which zone_name
	 * is compared.  NULL: the zone needs no id.
	 */
	void	(*zone)(struct provider_call *, struct preq *);
	struct records_list zones;
	const char	*zone_id, *zone_name;

	/* All records, narrowed as the vendor can, of page c->list.page + 1. */
	void	(*list)(struct provider_call *, struct preq *);
	struct records_list records;
	/* Members of a record. */
	const char	*id, *name, *value;
	const char	*type;		/* NULL: is not told */
	int64_t		 txt;		/* types are numbers; 0: "TXT" */
	const char	*ttl;		/* records of one name must have the
					   same, which records_ttl() tells
					   then; NULL: it does not matter */
	const char	*apex;		/* names are relative, and this is the
					   zone's; NULL: full names */

	/* name: as records have it. */
	void	(*create)(struct provider_call *, struct preq *,
		    const char *name);
	const char	*created;	/* path of the id in the answer; NULL:
					   ids are of no use as handles */
	long		 raised_ttl;	/* see is_ttl_low */

	void	(*remove)(struct provider_call *, struct preq *,
		    const char *id);
	/* Does this answer of status 2xx say so?  NULL: any. */
	bool	(*is_removed)(const struct rest_answer *);

	/* Refusals that are none. */
	bool	(*is_no_zone)(const struct rest_answer *);
	bool	(*is_empty)(const struct rest_answer *);	/* the list */
	bool	(*exists)(const struct rest_answer *);
	/* Create it once more with raised_ttl, which is the least for some. */
	bool	(*is_ttl_low)(const struct rest_answer *);
	bool	(*is_gone)(const struct rest_answer *);	/* NULL: 404 */
};

/* The whole of it. */
extern const struct provider_step records_add[], records_remove[];

/*
 * Its parts, for tables with steps of their own.  A refused create is judged
 * by records_create_refused; or, where the words for a value that is there are
 * the same as for other causes, by records_create_doubted: then the list tells.
 */
#define RECORDS_ZONE \
	{ "find zone", records_zone_request, records_zone_reply, \
	    records_zone_refused }
#define RECORDS_FIND \
	{ "find record", records_find_request, records_find_reply, \
	    records_find_refused }
#define RECORDS_CREATE(refused) \
	{ "create record", records_create_request, records_create_reply, \
	    refused }
/* After a create that was refused as, or as if, the value was there. */
#define RECORDS_FIND_EXISTING \
	{ "find record", records_find_request, records_existing_reply, \
	    records_existing_refused }
#define RECORDS_REMOVE_KEPT \
	{ "delete record", records_kept_request, records_kept_reply, \
	    records_kept_refused }
#define RECORDS_REMOVE \
	{ "delete record", records_remove_request, records_remove_reply, \
	    records_remove_refused }

typedef int records_request(struct provider_call *, struct preq *,
    struct error *);
typedef enum rest_next records_reply(struct provider_call *,
    const struct rest_answer *, struct error *);

records_request	records_zone_request, records_find_request,
		records_create_request, records_kept_request,
		records_remove_request;
records_reply	records_zone_reply, records_zone_refused,
		records_find_reply, records_find_refused,
		records_existing_reply, records_existing_refused,
		records_create_reply, records_create_refused,
		records_create_doubted,
		records_kept_reply, records_kept_refused,
		records_remove_reply, records_remove_refused;

/* The TTL to create with, if `configured` is wanted. */
long		 records_ttl(const struct provider_call *, long configured);
/* The page to be asked for, from 1 on, as a query parameter. */
void		 records_query_page(const struct provider_call *,
		    struct preq *, const char *name);
/*
 * For lists read otherwise: is that record our value; and what comes after a
 * page of n entries without what is looked for (`last`: there is no other).
 */
bool		 records_is_ours(const struct provider_call *, const json_t *);
enum rest_next records_page(struct provider_call *,
		    const struct rest_answer *, const struct records_list *,
		    size_t n, enum rest_next last, struct error *);

#endif
