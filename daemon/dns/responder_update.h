/* SPDX-License-Identifier: MIT */
/*
 * responder_update - values that a peer, another acmed with the same zones,
 * has us answer with: DNS UPDATE (RFC 2136) of TXT records, signed with the
 * zone's key.  They are forgotten after a day, should nobody remove them.
 */
#ifndef DAEMON_DNS_RESPONDER_UPDATE_H
#define DAEMON_DNS_RESPONDER_UPDATE_H

#include <stddef.h>
#include <stdint.h>

struct responder_table;

/* So many values of one message fit into RESPONDER_QUERY_MAX. */
#define RESPONDER_UPDATE_MAX 40

/*
 * Do what the message says, all or nothing, and answer it: the length of the
 * answer in reply, at most size; 0: say nothing.  It has a header, and the
 * opcode UPDATE.
 */
size_t	responder_update(struct responder_table *, const uint8_t *msg,
	    size_t len, uint8_t *reply, size_t size);

#endif
