/* SPDX-License-Identifier: MIT */
/*
 * xml - enough of XML to read the answers of the vendors who speak it: find
 * elements by name, in order; their text and attributes, with entities
 * decoded.  A reader of known shapes, not a validator: namespaces are part of
 * the names, and a document with a DTD has no elements at all.
 *
 * Nothing is allocated, and nothing outside the text given is read, whatever
 * it holds.  An element without its end tag is not found: a reader that takes
 * the root element first notices an answer that was cut.
 *
 *	struct xml root = xml_document(a->body, a->body_len), list, zone;
 *
 *	if (!xml_child(&root, "Zones", &list))
 *		return REST_FAIL;
 *	while (xml_next(&list, "Zone", &zone))
 *		(void)xml_text(&zone, "Name", name, sizeof(name));
 */
#ifndef DAEMON_REST_XML_H
#define DAEMON_REST_XML_H

#include <stdbool.h>
#include <stddef.h>

/* The inside of one element; borrowed from the document. */
struct xml {
	const char	*at, *end;		/* between its tags */
	const char	*attrs, *attrs_end;	/* inside its start tag */
};

struct xml	xml_document(const char *text, size_t len);
/*
 * The next element of that name in *in, at any depth; *in then goes on behind
 * it.  False and nothing left in *in if there is none.
 */
bool	xml_next(struct xml *in, const char *element, struct xml *out);
/*
 * The next element of *in itself, whatever its name, which is copied; *in then
 * goes on behind it.  False, and *in stays, if there is none or its name does
 * not fit.
 */
bool	xml_next_any(struct xml *in, char *name, size_t size,
	    struct xml *out);
/* The first element of that name in *in, which stays as it is. */
bool	xml_child(const struct xml *in, const char *element, struct xml *out);
/*
 * Decode the text of the first element of that name in *in, or of *in itself
 * if element is NULL.  False, and out is "", if there is no such element, if
 * it holds other elements, a NUL or a wrong entity, or does not fit.
 */
bool	xml_text(const struct xml *in, const char *element, char *out,
	    size_t size);
/* The same for an attribute of *in. */
bool	xml_attr(const struct xml *in, const char *name, char *out,
	    size_t size);

/*
 * Where the whole of *in, with its tags, begins and ends in the document: for
 * what is changed in place and sent back.  name is that of the element.
 */
void	xml_whole(const struct xml *in, const char *name, const char **begin,
	    const char **end);
/* Is it written as one tag, <NAME/>? */
bool	xml_is_empty_tag(const struct xml *in);

#endif
