/* SPDX-License-Identifier: MIT */
/*
 * log_id - messages that people filter the journal by, and that its catalog
 * (systemd/acmed.catalog) explains: journalctl -x, journalctl MESSAGE_ID=...
 * An id is never given to another message.
 */
#ifndef COMMON_LOG_ID_H
#define COMMON_LOG_ID_H

enum log_id {
	LOGM_NONE,
	LOGM_INSTALLED,	/* a certificate is in live/: issued, fetched, imported
				   or found again */
	LOGM_RENEWAL_FAILED,	/* and is tried again */
	LOGM_ACCOUNT,	/* the CA refuses the account, or limits it */
	LOGM_DEPLOYED,
	LOGM_DEPLOY_FAILED,
	LOGM_SERVING_OLD,	/* an earlier certificate was seen */
	LOGM_ROLLED_BACK,
	LOGM_CLEANUP_FAILED,	/* a TXT record or file is still there */
	LOGM_CONFIG_REJECTED,	/* the one before stays in force */
	LOGM_END
};

/* 32 hexadecimal digits; NULL for LOGM_NONE. */
const char	*log_id_text(enum log_id);

#endif
