/* SPDX-License-Identifier: MIT */
/*
 * schema - the tables of state.db: as a new one gets them, and how an old one
 * comes to have them.
 *
 * A change is made in both: a migration is appended, and schema_tables has
 * what it leads to, word for word as SQLite keeps it (tests compare them).
 * A new database is not led through the migrations: SQLite reads the whole
 * table anew at each ALTER TABLE, which takes longer than all that a first
 * certificate needs besides.
 */
#ifndef DAEMON_STORE_SCHEMA_H
#define DAEMON_STORE_SCHEMA_H

/* The CREATE statements of version schema_version, ended by NULL. */
extern const char *const schema_tables[];

/*
 * schema_migrations[N] brings version N to N + 1, and an empty database to 1.
 * Never change one that was released: append.
 */
extern const char *const schema_migrations[];
extern const int schema_version;

#endif
