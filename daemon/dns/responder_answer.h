/* SPDX-License-Identifier: MIT */
/*
 * responder_answer - one DNS query in, one answer out: the built-in responder
 * without its sockets.
 */
#ifndef DAEMON_DNS_RESPONDER_ANSWER_H
#define DAEMON_DNS_RESPONDER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct responder_table;

#define RESPONDER_UDP_MAX 1232		/* bytes: never fragmented */
#define RESPONDER_QUERY_MAX 4096	/* bytes; a longer one is no query */

/*
 * Answer any bytes whatever; a peer's update changes the table.  The length of
 * the answer in reply, at most size (65535 over TCP, RESPONDER_UDP_MAX else);
 * 0: say nothing.
 */
size_t	responder_answer(struct responder_table *, const void *query,
	    size_t len, bool is_tcp, uint8_t *reply, size_t size);

/*
 * Over UDP, instead of an answer: ask again over TCP.  Never longer than the
 * query.  Likewise 0: say nothing.
 */
size_t	responder_truncated(const void *query, size_t len, uint8_t *reply,
	    size_t size);

#endif
