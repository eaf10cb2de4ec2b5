/* SPDX-License-Identifier: MIT */
/*
 * conf_notify - the sections `notify "NAME" { }`: channels on which people
 * are told, and what of.  Part of conf.h; read by notify/ and engine/.
 */
#ifndef DAEMON_CONFIG_CONF_NOTIFY_H
#define DAEMON_CONFIG_CONF_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/io/smtp.h"

enum notify_kind {
	NOTIFY_MAIL,		/* mail_to; by smtp or sendmail */
	NOTIFY_SYSLOG,
	NOTIFY_WEBHOOK,
	NOTIFY_EXEC,
	NOTIFY_HEARTBEAT,	/* is told nothing, but fetched */
	NOTIFY_KIND_END
};
const char	*notify_kind_name(enum notify_kind);

/* What may be told; each a bit of a set. */
enum notify_event {
	NEV_FAILED,		/* a renewal */
	NEV_EXPIRING,		/* a quarter, an eighth, nothing is left */
	NEV_DEPLOY,		/* a deploy target failed */
	NEV_SERVING_OLD,	/* a server shows the old certificate */
	NEV_CLEANUP,		/* TXT records cannot be removed */
	NEV_ACCOUNT,		/* the CA refuses the account, or slows it */
	NEV_CREDENTIALS,	/* the DNS provider refuses the credentials */
	NEV_CONFIG,		/* not reloaded */
	NEV_RECOVERED,
	NEV_RENEWED,		/* off by default */
	NEV_DIGEST,		/* off by default */
	NEV_REPOSITORY,		/* what another host published is changed */
	NEV_START,		/* acmed cannot start */
	NEV_REVOCATION,		/* what is to be revoked is not */
	NEV_NAMES,		/* a certificate was issued without some */
	NEV_WATCHED,		/* one that others renew is not well */
	NEV_FLEET,		/* hosts do not serve what is published, or a
				   roll-out has stopped */
	NEV_CLUSTER,		/* it is away: nothing is renewed */
	/* Append new ones: sets of these bits are kept in state.db.  Each has
	   a name in check_notify.c and its words in notify/catalogue.c. */
	NEV_END
};
#define NEV_BIT(ev)	(1U << (ev))
#define NEV_ALL		(NEV_BIT(NEV_END) - 1)
#define NEV_DEFAULT	\
	(NEV_ALL & ~(NEV_BIT(NEV_RENEWED) | NEV_BIT(NEV_DIGEST)))
/* "renewal-failed", ... as in `events`. */
const char	*notify_event_name(enum notify_event);

enum notify_level { NLEV_NOTICE, NLEV_WARNING, NLEV_CRITICAL, NLEV_END };
const char	*notify_level_name(enum notify_level);
/* 0 and *level, or -1. */
int		 notify_level_parse(const char *, enum notify_level *level);

enum notify_template {
	TEMPLATE_JSON,
	TEMPLATE_DINGTALK,
	TEMPLATE_WECOM,
	TEMPLATE_FEISHU,
	TEMPLATE_SLACK,
	TEMPLATE_TELEGRAM,
	TEMPLATE_NTFY,
	TEMPLATE_END
};

struct recipe;

struct conf_notify {
	char		*name;
	enum notify_kind kind;
	unsigned	 events;	/* set of NEV_BIT() */
	enum notify_level level;	/* and above */
	char		**certs;	/* globs; empty: all */
	bool		 is_chinese;
	unsigned	 timeout_s;

	char		**mail_to;
	char		*mail_from;	/* NULL: acmed@HOST */
	char		*sendmail;	/* path; NULL: smtp */
	char		*smtp_host;
	unsigned	 smtp_port;
	enum smtp_tls	 smtp_tls;
	char		*helo;		/* our name in EHLO; NULL: found */
	char		*user;		/* NULL: no AUTH */
	char		*password;
	char		*ca_file;	/* also of a webhook */

	int		 facility;	/* LOG_DAEMON, ... */

	enum notify_template template;
	const struct recipe *recipe;	/* NULL: template says */
	char		*url;		/* a secret; also of a heartbeat */
	char		*secret;	/* NULL: no signature, no token */
	char		*chat;		/* Telegram's */
	int64_t		 interval_s;	/* of a heartbeat */

	char		**exec;
	struct secret_files *files;	/* of password, url and secret */
	uint64_t	 hash;		/* of the section, and its secrets */
};

struct error;

/*
 * Before password, url or secret are used: read again what is in files that
 * have changed (secret_file.h).  An error, of ERR_CONFIG, leaves them as they
 * are.
 */
int	conf_notify_look(const struct conf_notify *, struct error *);

/* When alarms are told; the same for all channels. */
struct conf_alarm {
	unsigned	 after_tries;	/* failures before a renewal is told */
	int64_t		 gather_s;	/* for more of the same */
	int64_t		 repeat_s;
	int		 digest_at_s;	/* seconds after midnight, local */
};

#endif
