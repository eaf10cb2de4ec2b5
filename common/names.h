/* SPDX-License-Identifier: MIT */
/*
 * names - domain names as text: lower-case A-labels without a final dot.
 * IDN goes through libidn2 (IDNA 2008 with the UTS #46 mapping,
 * non-transitional), the only user of that library.
 */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define DNAME_MAX 253			/* characters, RFC 1035 */
#define DNAME_SIZE (DNAME_MAX + 1)

/*
 * A name as a person wrote it -> its canonical form: IDN to punycode, lower
 * case, no final dot.  At least two labels; letters, digits, hyphens (not at
 * a label's ends) and, unless host is true, underscores.  With wildcard one
 * leading "*." label is allowed.  ERR_CONFIG says what is wrong with it.
 */
int	dname_normalize(const char *in, bool host, bool wildcard,
	    char out[DNAME_SIZE], struct error *);

/*
 * An IP address, without port, brackets or zone, in its canonical form (RFC
 * 5952); false if it is none.  No domain name looks like one.
 */
bool	address_normalize(const char *in, char out[DNAME_SIZE]);
/* Is what a certificate is for (canonical) an address, and no name? */
bool	name_is_address(const char *);
/* Its 4 or 16 bytes, and how many: 0 if it is none.  And the reverse, NULL if
 * it has another length. */
size_t	address_bytes(const char *, unsigned char out[16]);
const char	*address_of_bytes(const unsigned char *, size_t len,
		    char out[DNAME_SIZE]);

/*
 * A canonical name for a person's eyes: "xn--bcher-kva.example" becomes
 * "bücher.example (xn--bcher-kva.example)", as long as the first form leads
 * back to the second; else, and where there is no such label, it stays.  The
 * caller frees.
 */
char	*dname_show(const char *name);
/* The first form alone: "bücher.example". */
char	*dname_unicode(const char *name);

/*
 * dname_normalize() for the name of a zone, which may be one label ("duckdns",
 * "internal"); no wildcard, and underscores are allowed.
 */
int	dname_normalize_zone(const char *in, char out[DNAME_SIZE],
	    struct error *);

/*
 * Is what another program shows the same name as `name`, which is canonical?
 * It may have upper case, a final dot, Unicode for A-labels, and "\DDD" or
 * "\C" (RFC 1035 section 5.1) for an ASCII character.
 */
bool	dname_is_shown(const char *shown, const char *name);

bool	dname_is_wildcard(const char *name);
/* name without a leading "*." (points into name). */
const char	*dname_base(const char *name);
/* The name one label up ("b.c" for "a.b.c"), "" for one label, NULL for "". */
const char	*dname_parent(const char *name);
/* Is name equal to zone or below it?  On label boundaries. */
bool	dname_is_in(const char *name, const char *zone);

/* This host's own name, as it says itself, of the characters of names;
 * "localhost" if it has none. */
void	dname_of_host(char out[DNAME_SIZE]);

/*
 * The name of a certificate, account, provider or action in acmed.conf: 1 to
 * 100 of letters, digits, '.', '_', '-'; not starting with '.' or '-'.  It
 * becomes a directory name.
 */
int	object_name_check(const char *name, struct error *);

#endif
