/* SPDX-License-Identifier: MIT */
/* state_dir - a store in a scratch directory, for tests of store/. */
#ifndef TESTS_UNIT_STATE_DIR_H
#define TESTS_UNIT_STATE_DIR_H

#include "common/error.h"
#include "daemon/io/loop.h"
#include "daemon/store/store.h"
#include "tests/unit/scratch.h"

/* A scratch directory, a loop, and a state directory "s" in it. */
struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
};

/* cmocka's setup and teardown; *state is a struct fixture. */
int	set_up(void **state);
int	tear_down(void **state);

/* Close the store if it is open, and open it again. */
void	reopen(struct fixture *);
void	close_store(struct fixture *);

/* Run SQL in the file while no store has it; the first value, or -1. */
int	sql(struct fixture *, const char *text);

/* A row with nothing but a name and perhaps an order's URL. */
void	put_cert(struct fixture *, const char *name, const char *order);
/* The names of all rows, in order, each followed by a space. */
void	expect_certs(struct fixture *, const char *names);

/* Wait until all written is on disk, or refused. */
enum err_kind sync_now(struct fixture *, struct error *);

#endif
