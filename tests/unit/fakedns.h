/* SPDX-License-Identifier: MIT */
/*
 * fakedns - a scripted DNS server on a loopback address, inside the test's
 * own event loop: UDP and TCP on one port of the kernel's choice.
 */
#ifndef TESTS_UNIT_FAKEDNS_H
#define TESTS_UNIT_FAKEDNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/dns/dnsaddr.h"
#include "daemon/io/loop.h"

enum { FAKE_ANSWER, FAKE_AUTHORITY };

/* One record of the reply to (qname, qtype). */
struct fake_rr {
	const char	*qname;		/* may begin with "*." */
	unsigned	 qtype;
	const char	*owner;		/* NULL: the name asked for */
	unsigned	 type;		/* TXT, CAA, NS, CNAME, A, AAAA, SOA */
	const char	*data;		/* text, name or address; SOA: any */
	int		 section;
	unsigned	 from;		/* shown from this many queries on */
	unsigned	 until;		/* and before this many; 0: always */
};

enum fake_mode {
	FAKE_NORMAL,
	FAKE_SILENT,
	FAKE_REFUSED,			/* rcode 5 */
	FAKE_SERVFAIL,
	FAKE_NOTIMP,			/* rcode 4, no records */
	FAKE_LAME,			/* no AA */
	FAKE_TRUNCATED,			/* UDP: TC and no records */
	FAKE_WRONG_ID,			/* a forged reply before each */
	FAKE_WRONG_NAME,		/* likewise, with another question */
	FAKE_GARBAGE,			/* right header, then rubbish */
	FAKE_NO_TCP			/* closes the connection */
};

struct fakedns {
	struct dns_server server;	/* where it is */
	enum fake_mode	 mode;
	const struct fake_rr *rrs;	/* ended by .qname NULL */
	unsigned	 n_queries;	/* over UDP */
	unsigned	 n_tcp;
	bool		 saw_rd;	/* in the last query */
	/* As a resolver that validates: AD for this name (NULL: for none)
	 * and what is below, where that is asked for; SERVFAIL for this one
	 * unless CD is set. */
	const char	*secure, *bogus;
	const char	*secure_only;	/* as secure, without what is below */
	/* Instead of all that, for TCP: the reply to msg, its length. */
	size_t		(*handler)(const uint8_t *msg, size_t len,
			    uint8_t *out, size_t size, void *arg);
	void		*handler_arg;
	int		 udp, tcp, conn;
	struct fdwatch	 watch_udp, watch_tcp, watch_conn;
};

/* On 127.0.0.LAST. */
void	fakedns_init(struct fakedns *, struct loop *, int last,
	    const struct fake_rr *);
void	fakedns_clear(struct fakedns *);
/* An address where nobody listens. */
void	fakedns_nobody(struct dns_server *, int last);

/* Turn the loop until *flag, for ms at the most. */
void	fakedns_run(struct loop *, const int *flag, int64_t ms);

#endif
