/* SPDX-License-Identifier: MIT */
#include "daemon/store/schema.h"

#include <stddef.h>

/*
 * Times are seconds since the epoch, UTC (or milliseconds: _ms); lists of names
 * are JSON arrays.
 * The order of columns is the one in which the migrations add them.
 */
const char *const schema_tables[] = {
	"CREATE TABLE account ("
	" name TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" kid TEXT NOT NULL,"
	" contact TEXT,"
	" PRIMARY KEY (name, directory)"
	") WITHOUT ROWID",

	"CREATE TABLE cert ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" serial TEXT NOT NULL,"
	" issuer TEXT NOT NULL,"
	" not_before INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL,"
	" key TEXT,"
	" names TEXT,"
	" installed_at INTEGER NOT NULL,"
	" spread INTEGER NOT NULL,"
	" failures INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" names_failed TEXT,"
	" error_at INTEGER NOT NULL,"
	" error_kind TEXT,"
	" error_retry_at INTEGER,"
	" error_code TEXT,"
	" error_msg TEXT,"
	" order_url TEXT,"
	" order_names TEXT,"
	" order_account TEXT,"
	" order_finalize TEXT,"
	" stamp TEXT NOT NULL,"
	" ari_id TEXT NOT NULL DEFAULT '',"
	" ari_directory TEXT,"
	" ari_start INTEGER NOT NULL DEFAULT 0,"
	" ari_end INTEGER NOT NULL DEFAULT 0,"
	" ari_at INTEGER NOT NULL DEFAULT 0,"
	" ari_url TEXT,"
	" ari_poll_at INTEGER NOT NULL DEFAULT 0,"
	" ari_pulled_at INTEGER NOT NULL DEFAULT 0,"
	" source_host TEXT NOT NULL DEFAULT '',"
	" source_at INTEGER NOT NULL DEFAULT 0,"
	" source_renew_at INTEGER NOT NULL DEFAULT 0,"
	" order_at INTEGER NOT NULL DEFAULT 0,"
	" order_sent_at INTEGER NOT NULL DEFAULT 0,"
	" asked_at INTEGER NOT NULL DEFAULT 0,"
	" early INTEGER NOT NULL DEFAULT 0,"
	" paused_until INTEGER NOT NULL DEFAULT 0,"
	" profile TEXT,"
	" profile_missed INTEGER NOT NULL DEFAULT 0,"
	" order_profile TEXT,"
	" order_limits INTEGER NOT NULL DEFAULT 0"
	") WITHOUT ROWID",

	"CREATE TABLE txt ("
	" id INTEGER PRIMARY KEY,"
	" cert TEXT NOT NULL,"
	" provider TEXT NOT NULL,"
	" identifier TEXT NOT NULL,"
	" fqdn TEXT NOT NULL,"
	" zone TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" handle TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error TEXT NOT NULL"
	")",

	"CREATE TABLE deploy ("
	" cert TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" done INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" done_at INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" hash TEXT NOT NULL DEFAULT '',"
	" not_before INTEGER NOT NULL DEFAULT 0,"
	" not_after INTEGER NOT NULL DEFAULT 0,"
	" urgent_at INTEGER NOT NULL DEFAULT 0,"
	" check_at INTEGER NOT NULL DEFAULT 0,"
	" alarm_at INTEGER NOT NULL DEFAULT 0,"
	" is_old INTEGER NOT NULL DEFAULT 0,"
	" served_before INTEGER NOT NULL DEFAULT 0,"
	" served_after INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (cert, action)"
	") WITHOUT ROWID",

	"CREATE TABLE event ("
	" cert TEXT NOT NULL,"
	" id INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" step TEXT NOT NULL,"
	" level TEXT NOT NULL,"
	" msg TEXT NOT NULL,"
	" PRIMARY KEY (cert, id)"
	") WITHOUT ROWID",

	"CREATE TABLE http ("
	" cert TEXT NOT NULL,"
	" webroot TEXT NOT NULL,"
	" token TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" PRIMARY KEY (cert, webroot, token)"
	") WITHOUT ROWID",

	"CREATE TABLE alarm ("
	" key TEXT NOT NULL PRIMARY KEY,"
	" cause TEXT NOT NULL,"
	" events INTEGER NOT NULL,"
	" level INTEGER NOT NULL,"
	" stage INTEGER NOT NULL,"
	" since INTEGER NOT NULL,"
	" told_at INTEGER NOT NULL"
	") WITHOUT ROWID",

	"CREATE TABLE notice ("
	" id INTEGER PRIMARY KEY,"
	" channel TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" msgid TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" level INTEGER NOT NULL,"
	" repeat INTEGER NOT NULL,"
	" subject TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" json TEXT NOT NULL"
	")",

	"CREATE TABLE hold ("
	" account TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" until INTEGER NOT NULL,"
	" times INTEGER NOT NULL,"
	" code TEXT NOT NULL,"
	" msg TEXT NOT NULL,"
	" kind TEXT NOT NULL DEFAULT 'rate-limited',"
	" since INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY (account, directory)"
	") WITHOUT ROWID",

	"CREATE TABLE revocation ("
	" cert TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" reason INTEGER NOT NULL,"
	" by_key INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL,"
	" asked_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error_kind TEXT NOT NULL,"
	" error_code TEXT NOT NULL,"
	" error_msg TEXT NOT NULL,"
	" account TEXT NOT NULL DEFAULT '',"
	" directory TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY (cert, serial)"
	") WITHOUT ROWID",
	"CREATE TABLE cloud ("
	" cert TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" place TEXT NOT NULL,"
	" sha256 TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" is_foreign INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" bound_at INTEGER NOT NULL,"
	" PRIMARY KEY (cert, target, place, sha256)"
	") WITHOUT ROWID",

	"CREATE TABLE budget ("
	" directory TEXT NOT NULL,"
	" account TEXT NOT NULL,"
	" kind TEXT NOT NULL,"
	" key TEXT NOT NULL,"
	" since_ms INTEGER NOT NULL,"
	" full_at_ms INTEGER NOT NULL,"
	" PRIMARY KEY (directory, account, kind, key)"
	") WITHOUT ROWID",
	NULL
};

const char *const schema_migrations[] = {
	"CREATE TABLE account ("
	" name TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" kid TEXT NOT NULL,"
	" PRIMARY KEY (name, directory)"
	") WITHOUT ROWID;"
	"CREATE TABLE cert ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" serial TEXT NOT NULL,"
	" issuer TEXT NOT NULL,"
	" not_before INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL,"
	" key TEXT,"
	" names TEXT,"
	" installed_at INTEGER NOT NULL,"
	" spread INTEGER NOT NULL,"
	" failures INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" names_failed TEXT,"
	" error_at INTEGER NOT NULL,"
	" error_kind TEXT,"
	" error_retry_at INTEGER,"
	" error_code TEXT,"
	" error_msg TEXT,"
	" order_url TEXT,"
	" order_names TEXT,"
	" order_account TEXT,"
	" order_finalize TEXT,"
	" stamp TEXT NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE txt ("
	" id INTEGER PRIMARY KEY,"
	" cert TEXT NOT NULL,"
	" provider TEXT NOT NULL,"
	" identifier TEXT NOT NULL,"
	" fqdn TEXT NOT NULL,"
	" zone TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" handle TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error TEXT NOT NULL"
	");"
	"CREATE TABLE deploy ("
	" cert TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" done INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" done_at INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" PRIMARY KEY (cert, action)"
	") WITHOUT ROWID;"
	"CREATE TABLE event ("
	" cert TEXT NOT NULL,"
	" id INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" step TEXT NOT NULL,"
	" level TEXT NOT NULL,"
	" msg TEXT NOT NULL,"
	" PRIMARY KEY (cert, id)"
	") WITHOUT ROWID;",

	"CREATE TABLE http ("
	" cert TEXT NOT NULL,"
	" webroot TEXT NOT NULL,"
	" token TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" PRIMARY KEY (cert, webroot, token)"
	") WITHOUT ROWID;",
	"ALTER TABLE deploy ADD COLUMN hash TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE deploy ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN not_after INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN urgent_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN check_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN alarm_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN is_old INTEGER NOT NULL DEFAULT 0;",

	"CREATE TABLE alarm ("
	" key TEXT NOT NULL PRIMARY KEY,"
	" cause TEXT NOT NULL,"
	" events INTEGER NOT NULL,"
	" level INTEGER NOT NULL,"
	" stage INTEGER NOT NULL,"
	" since INTEGER NOT NULL,"
	" told_at INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE notice ("
	" id INTEGER PRIMARY KEY,"
	" channel TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" msgid TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" level INTEGER NOT NULL,"
	" repeat INTEGER NOT NULL,"
	" subject TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" json TEXT NOT NULL"
	");",

	"ALTER TABLE cert ADD COLUMN ari_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE cert ADD COLUMN ari_directory TEXT;"
	"ALTER TABLE cert ADD COLUMN ari_start INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_end INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_url TEXT;"
	"ALTER TABLE cert ADD COLUMN ari_poll_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_pulled_at INTEGER NOT NULL DEFAULT 0;",

	/* Of a target that is not done, what was done last is not known any
	   more: 0, until it is seen. */
	"ALTER TABLE deploy ADD COLUMN served_before INTEGER NOT NULL"
	" DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN served_after INTEGER NOT NULL"
	" DEFAULT 0;",

	"ALTER TABLE cert ADD COLUMN source_host TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE cert ADD COLUMN source_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN source_renew_at INTEGER NOT NULL"
	" DEFAULT 0;",

	"ALTER TABLE cert ADD COLUMN order_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN order_sent_at INTEGER NOT NULL DEFAULT 0;",

	/* NULL: of an older version; not known. */
	"ALTER TABLE account ADD COLUMN contact TEXT;",

	/* Of a run that failed nobody knew afterwards why it had begun: it
	 * may be one that a person had asked for. */
	"ALTER TABLE cert ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN early INTEGER NOT NULL DEFAULT 0;"
	"UPDATE cert SET asked_at = error_at WHERE failures > 0"
	" AND error_code <> 'deploy:rolled-back';",

	/* Older rows do not know who issued their certificates.  Where there
	 * has never been an account anywhere else, it was that CA. */
	"UPDATE cert SET ari_directory = (SELECT min(directory) FROM account)"
	" WHERE ari_directory IS NULL AND serial <> '' AND"
	" (SELECT count(DISTINCT directory) FROM account) = 1;",

	"CREATE TABLE hold ("
	" account TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" until INTEGER NOT NULL,"
	" times INTEGER NOT NULL,"
	" code TEXT NOT NULL,"
	" msg TEXT NOT NULL,"
	" PRIMARY KEY (account, directory)"
	") WITHOUT ROWID;",

	"ALTER TABLE cert ADD COLUMN paused_until INTEGER NOT NULL DEFAULT 0;",

	/* Until then only what a CA asks for was kept. */
	"ALTER TABLE hold ADD COLUMN kind TEXT NOT NULL"
	" DEFAULT 'rate-limited';"
	"ALTER TABLE hold ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
	"UPDATE hold SET since = at;",

	"ALTER TABLE cert ADD COLUMN profile TEXT;"
	"ALTER TABLE cert ADD COLUMN profile_missed INTEGER NOT NULL"
	" DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN order_profile TEXT;",

	"CREATE TABLE revocation ("
	" cert TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" reason INTEGER NOT NULL,"
	" by_key INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL,"
	" asked_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error_kind TEXT NOT NULL,"
	" error_code TEXT NOT NULL,"
	" error_msg TEXT NOT NULL,"
	" PRIMARY KEY (cert, serial)"
	") WITHOUT ROWID;",

	"ALTER TABLE revocation ADD COLUMN account TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE revocation ADD COLUMN directory TEXT NOT NULL DEFAULT '';",

	"CREATE TABLE cloud ("
	" cert TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" place TEXT NOT NULL,"
	" sha256 TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" is_foreign INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" bound_at INTEGER NOT NULL,"
	" PRIMARY KEY (cert, target, place, sha256)"
	") WITHOUT ROWID;",

	"CREATE TABLE budget ("
	" directory TEXT NOT NULL,"
	" account TEXT NOT NULL,"
	" kind TEXT NOT NULL,"
	" key TEXT NOT NULL,"
	" since_ms INTEGER NOT NULL,"
	" full_at_ms INTEGER NOT NULL,"
	" PRIMARY KEY (directory, account, kind, key)"
	") WITHOUT ROWID;"
	"ALTER TABLE cert ADD COLUMN order_limits INTEGER NOT NULL DEFAULT 0;",
};
const int schema_version =
    (int)(sizeof(schema_migrations) / sizeof(schema_migrations[0]));
