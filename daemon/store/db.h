/* SPDX-License-Identifier: MIT */
/*
 * db - state.db: the only user of SQLite, for store/ only.  Opening, schema,
 * prepared statements, and the collected transaction:
 *
 * The first db_write() begins a transaction and calls dirty(); the owner
 * calls db_commit() soon after.  What lies between two commits is on disk as
 * a whole or not at all: once a statement has failed, the transaction is
 * rolled back, the writes up to the commit are dropped, and db_commit()
 * returns the first error.  The next write begins anew.
 */
#ifndef DAEMON_STORE_DB_H
#define DAEMON_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;
struct error;

/*
 * Open or create the database at path and bring its schema up to date.
 * Errors as store_open().
 */
struct db	*db_open(const char *path, void (*dirty)(void *), void *arg,
		    struct error *);
/* Was nothing in the file, or no file? */
bool		 db_is_new(const struct db *);
/* Without a commit: what is open is lost.  NULL is allowed. */
void		 db_close(struct db *);

/* ERR_INTERNAL "store:io" if any statement since the last commit failed. */
int		 db_commit(struct db *, struct error *);

/*
 * The statement of this text, ready to be bound; sql must be a static string
 * (it is known by its address).  One text can be in use only once: no
 * recursion.
 */
struct db_stmt	*db_stmt(struct db *, const char *sql);
/* Bind the next parameter.  Text is borrowed until the statement ended; NULL
 * is SQL's NULL. */
void		 db_bind_text(struct db_stmt *, const char *);
void		 db_bind_int(struct db_stmt *, int64_t);
/* Run a statement that changes something, within the transaction. */
void		 db_write(struct db_stmt *);
/* The next row of a query; false after the last one, or if reading failed
 * (the next db_commit() says so). */
bool		 db_next(struct db_stmt *);
/* End a query before its last row. */
void		 db_end(struct db_stmt *);
/* Columns of the row, from 0; text is borrowed until the next call of
 * db_next() and NULL for SQL's NULL. */
const char	*db_text(struct db_stmt *, int column);
int64_t		 db_int(struct db_stmt *, int column);
/* The same for a member of a row that is lent: NULL for "" as well. */
char		*db_lend_text(struct db_stmt *, int column);
/* Copy a text column, cut at size; NULL becomes "". */
void		 db_copy_text(struct db_stmt *, int column, char *out,
		    size_t size);

/* Numbers of 64 bits without a sign are texts of 16 digits; 0 is "". */
#define DB_HEX_SIZE 17
uint64_t	 db_hex(struct db_stmt *, int column);
/* text keeps it until the statement has ended. */
void		 db_bind_hex(struct db_stmt *, uint64_t,
		    char text[DB_HEX_SIZE]);

#endif
