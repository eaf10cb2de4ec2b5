/* SPDX-License-Identifier: MIT */
/*
 * log - one line for a person, with fields for programs.  To the systemd
 * journal when stderr is connected to it ($JOURNAL_STREAM), with the context
 * as ACMED_CERT=, ACMED_STEP=, ACMED_PROVIDER=, ACMED_TARGET=, ACMED_CODE= and
 * MESSAGE_ID= fields; else to stderr as
 * "TIME LEVEL cert=x step=y: text".  The only module with process-wide state.
 *
 * Who logs: main, engine and control.  Lower rows return errors and may log
 * at debug only, so that each failure is told once.
 *   error    a person must act
 *   warning  failed and will be tried again; the line names the time
 *   notice   issued, installed, deployed, started, stopped
 *   info     steps of a run
 *   debug    requests, without bodies and secrets
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

#include "common/log_id.h"

enum log_level {
	LOGL_ERROR,
	LOGL_WARNING,
	LOGL_NOTICE,
	LOGL_INFO,
	LOGL_DEBUG,
	LOGL_END
};

/* What a line is about.  Any member may be NULL; a NULL context is allowed. */
struct log_ctx {
	const char	*cert;		/* certificate name */
	const char	*step;		/* step of the run */
	const char	*provider;	/* DNS provider name */
	/* For the journal alone. */
	const char	*target;	/* deploy target */
	const char	*code;		/* of struct error, or of rollout.h */
	enum log_id	 id;
};

/* Choose the sink.  Before it is called lines go to stderr. */
void		 log_open(void);
void		 log_set_level(enum log_level);
bool		 log_enabled(enum log_level);
const char	*log_level_name(enum log_level);
/* 0 and *level, or -1 if there is no such level. */
int		 log_level_parse(const char *name, enum log_level *level);

void	log_at(enum log_level, const struct log_ctx *, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

#define log_error(ctx, ...)	log_at(LOGL_ERROR, ctx, __VA_ARGS__)
#define log_warning(ctx, ...)	log_at(LOGL_WARNING, ctx, __VA_ARGS__)
#define log_notice(ctx, ...)	log_at(LOGL_NOTICE, ctx, __VA_ARGS__)
#define log_info(ctx, ...)	log_at(LOGL_INFO, ctx, __VA_ARGS__)
#define log_debug(ctx, ...)	log_at(LOGL_DEBUG, ctx, __VA_ARGS__)

#endif
