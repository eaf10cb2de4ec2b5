/* SPDX-License-Identifier: MIT */
/*
 * exchange - one question and its answer over a stream socket: connect, send
 * all, read until the other side closes.  For servers on this machine with a
 * protocol of lines (HAProxy's runtime API).
 */
#ifndef DAEMON_IO_EXCHANGE_H
#define DAEMON_IO_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct exchange_op;
struct loop;

struct exchange_args {			/* borrowed; copied */
	const char	*address;	/* "/path/of/socket", "ADDRESS:PORT"
					   or "[IPV6]:PORT", in numbers */
	const void	*data;		/* wiped after use */
	size_t		 len;
	size_t		 max_reply;	/* bytes; a longer one is an error */
	unsigned	 timeout_ms;	/* the whole of it; > 0 */
};

/* err NULL: reply, NUL-terminated, dies on return.  ERR_CONFIG "io:address";
 * ERR_TRANSIENT "io:connect", "io:io", "io:timeout"; ERR_REJECTED
 * "io:too-large".  Every message names the address. */
typedef void exchange_done_cb(const struct error *err, const char *reply,
    size_t len, void *arg);

struct exchange_op *exchange_start(struct loop *,
		    const struct exchange_args *, exchange_done_cb *done,
		    void *arg);
void		 exchange_cancel(struct exchange_op *);

/* Is it one that exchange_args can have?  At most 107 bytes of a path. */
bool		 exchange_is_address(const char *);

#endif
