/* SPDX-License-Identifier: MIT */
/*
 * gate - keeps switches of key and certificate apart from servers that read
 * them.  live/NAME changes by one rename, but a server opens key and chain by
 * two path walks, and reads the files of all its certificates when it is
 * reloaded for one: what is switched in between does not match, and Apache
 * exits.  So whatever may make a server read (a test of its configuration, a
 * reload, a program or hook) holds the gate as a reader, and a switch waits
 * until nobody reads.  It is a lock of readers and writers in turns:
 *
 *   - Switches that ask at nearly the same time are done together: where more
 *     are expected, the first waits for a quiet moment (GATE_QUIET_MS, at most
 *     GATE_GATHER_MS).
 *   - A waiting switch keeps new readers back, which read once for all.
 *   - Readers that wait when switches are done go before the next switches.
 *   - A reader that does not end holds nothing up for ever: after
 *     GATE_PATIENCE_MS switches go on without it, and its name is told.
 *
 * Used by engine/ (live/) and by the deploy steps.
 */
#ifndef DAEMON_DEPLOY_GATE_H
#define DAEMON_DEPLOY_GATE_H

#include <stdbool.h>
#include <stddef.h>

#define GATE_QUIET_MS		300
#define GATE_GATHER_MS		2000
#define GATE_PATIENCE_MS	60000

struct gate;
struct gate_op;
struct loop;

typedef void gate_cb(void *arg);

struct gate_args {
	struct loop	*loop;
	/* May more switches be asked for soon?  NULL: no. */
	bool		(*is_more)(void *arg);
	/* Switches go on without this reader; NULL: nobody listens. */
	void		(*late)(const char *reader, void *arg);
	void		*arg;
};

struct gate	*gate_new(const struct gate_args *);
/* All operations must be ended before.  NULL is allowed. */
void		 gate_free(struct gate *);

/*
 * go is called from the loop when nobody reads: it switches before it returns,
 * and its first line clears the stored handle.  gathers: wait for others.
 */
struct gate_op	*gate_switch_start(struct gate *, bool gathers, gate_cb *go,
		    void *arg);
/* go is called from the loop when it may read, until gate_end(); what tells
 * people who it is: "reload of nginx.service". */
struct gate_op	*gate_read_start(struct gate *, const char *what, gate_cb *go,
		    void *arg);
/* A reader has read; or whoever waits gives up.  NULL is allowed. */
void		 gate_end(struct gate_op *);

/* Whom a switch would wait for; NULL: nobody.  Valid until the next call. */
const char	*gate_reader(const struct gate *);
/* Switches that wait and gather. */
size_t		 gate_waiting(const struct gate *);

#endif
