/* SPDX-License-Identifier: MIT */
/*
 * control_rig - the control server over a fake engine, spoken to over its
 * real socket on the same loop.
 */
#ifndef TESTS_UNIT_CONTROL_RIG_H
#define TESTS_UNIT_CONTROL_RIG_H

#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdbool.h>

#include "daemon/control/control.h"
#include "tests/fake/fake_engine.h"

struct crig {
	struct loop	*loop;
	struct engine	*engine;
	struct control	*ctl;
	char		 dir[64];
	char		 path[80];
	bool		 reload_fails;
};

struct client {
	struct crig	*rig;
	int	fd;
	char	in[65536];
	size_t	len;
	bool	eof;
};

/* A test with its server. */
int	crig_setup(void **state);
int	crig_teardown(void **state);
#define CRIG_TEST(f) \
	cmocka_unit_test_setup_teardown(f, crig_setup, crig_teardown)

/* The server's reload; arg is the struct crig. */
json_t	*reload_cb(void *arg, struct error *, json_t *lines);

struct client *client_new(struct crig *);
void	client_free(struct client *);

/* Let the server work, and take what it sends; without a client, only the
 * former.  Once, and for a while. */
void	turn(struct crig *, struct client *);
void	run_for(struct crig *, struct client *, int64_t ms);
/* Until want shows up, or (NULL) the end.  The test fails after 5 s. */
void	await(struct crig *, struct client *, const char *want);

void	say(struct client *, const char *text);
void	say_request(struct client *, const char *method, const char *path,
	    const char *body);
/* One whole exchange; the answer must begin with status and have want. */
void	exchange(struct crig *, const char *method, const char *path,
	    const char *body, int status, const char *want);

#endif
