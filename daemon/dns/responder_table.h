/* SPDX-License-Identifier: MIT */
/*
 * responder_table - what the built-in responder knows: the zones it serves,
 * and the TXT values that are to be seen in them, in memory only: ours, and
 * those that a peer has lent.  Filled by responder.c and responder_update.c,
 * read by responder_answer.c.
 */
#ifndef DAEMON_DNS_RESPONDER_TABLE_H
#define DAEMON_DNS_RESPONDER_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct tsig_key;

#define WIRE_NAME_MAX 255		/* bytes, RFC 1035 */
#define RESPONDER_VALUE_MAX 255		/* bytes: one string of a TXT record */
#define RESPONDER_VALUES_MAX 500	/* of one name: all fit over TCP */

/*
 * A name for searching: its labels from the root down, in lower case, each
 * behind its length.  So a zone is a prefix of all names in it, and names
 * sort in the order of the tree.
 */
struct rname {
	size_t		 len;
	uint8_t		 key[WIRE_NAME_MAX];
};

/*
 * Read a name that is not compressed.  Its length in bytes, at most len, or 0
 * if there is none.
 */
size_t	rname_from_wire(struct rname *, const uint8_t *wire, size_t len);
/* ERR_CONFIG "dns:name". */
int	rname_from_text(struct rname *, const char *, struct error *);
/* Is name the zone or below it? */
bool	rname_is_in(const struct rname *name, const struct rname *zone);
bool	rname_equal(const struct rname *, const struct rname *);

/* A name as records have it: wire form, lower case, not compressed. */
struct wire_name {
	size_t		 len;
	uint8_t		 wire[WIRE_NAME_MAX];
};

#define RESPONDER_ADDRESSES_MAX 8
#define RESPONDER_PEERS_MAX 4

/* One zone. */
struct responder_zone {
	struct rname	 name, ns_name;
	struct wire_name apex, ns, mbox;
	uint32_t	 ttl;		/* seconds; of values and of absence */
	struct in_addr	 in[RESPONDER_ADDRESSES_MAX];	/* of ns, ... */
	struct in6_addr	 in6[RESPONDER_ADDRESSES_MAX];	/* ... if it is in a
							   zone of ours */
	size_t		 n_in, n_in6;
	struct wire_name peers[RESPONDER_PEERS_MAX];	/* other servers of the
							   zone */
	size_t		 n_peers;
	struct tsig_key	*key;		/* of updates; NULL: none are taken.
					   The table's once it has the zone */
};

/* One TXT value. */
struct responder_value {
	struct rname	 name;
	char		*text;
	int64_t		 until_ms;	/* lent: clock_boot_ms(); 0: ours */
};

struct responder_table {
	struct responder_zone *zones;
	size_t		 n_zones;
	struct responder_value *values;	/* sorted by name */
	size_t		 n_values;
	uint32_t	 serial;	/* grows with every change */
	int64_t		 expire_ms;	/* when the first value may be over; 0:
					   none is a peer's */
};

void	responder_table_init(struct responder_table *);
void	responder_table_clear(struct responder_table *);

/* A zone as options have it.  Borrowed. */
struct responder_zone_args {
	const char	*apex;
	const char	*ns_name;
	const char	*mbox;		/* as a name; NULL: hostmaster.APEX */
	const char *const *ns_addresses;	/* NULL-terminated */
	const char *const *peers;	/* likewise; hosts' names count */
	uint32_t	 ttl;
};
/*
 * ERR_CONFIG: "dns:name", "dns:address", "builtin:ns_addresses" (the name of
 * the server is in the zone, so that nobody else can know its addresses).
 */
int	responder_zone_init(struct responder_zone *,
	    const struct responder_zone_args *, struct error *);
/* A zone that is there already is replaced. */
void	responder_table_put_zone(struct responder_table *,
	    const struct responder_zone *);
/* No zones from now on; the values stay. */
void	responder_table_drop_zones(struct responder_table *);

/* The innermost zone that holds the name, or NULL. */
const struct responder_zone *responder_table_zone(
	    const struct responder_table *, const struct rname *);
/*
 * The values of that name: the index of the first, and how many in *n_at.
 * *n_below is not 0 if there are any below it.
 */
size_t	responder_table_find(const struct responder_table *,
	    const struct rname *, size_t *n_at, size_t *n_below);

/* Already there is success.  ERR_REJECTED "builtin:values" if it is too long
 * or one too many. */
int	responder_table_add(struct responder_table *, const struct rname *,
	    const char *value, struct error *);
/* A value that is not there is success. */
void	responder_table_remove(struct responder_table *,
	    const struct rname *, const char *value);

/* The same for values of a peer; ours stay.  expire: forget those whose time is
 * up, which costs nothing as long as there are none. */
int	responder_table_lend(struct responder_table *, const struct rname *,
	    const char *value, int64_t until_ms, struct error *);
void	responder_table_return(struct responder_table *,
	    const struct rname *, const char *value);
void	responder_table_expire(struct responder_table *, int64_t now_ms);

#endif
