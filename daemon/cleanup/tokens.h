/* SPDX-License-Identifier: MIT */
/*
 * tokens - what http-01 publishes: a file in a webroot, or an answer of our
 * own web server.  A file has a row in the journal (store.h), durable before
 * it is made; a run acquires the tokens it works with and releases them when it
 * is done, however it ended; files that nobody uses are removed, their rows
 * after them; with backoff, for ever.  Answers are in memory only.
 */
#ifndef DAEMON_CLEANUP_TOKENS_H
#define DAEMON_CLEANUP_TOKENS_H

#include <jansson.h>
#include <stddef.h>

struct cleanup_env;
struct conf;
struct error;
struct token;
struct tokens;

/* Reads the journal; begins with tokens_start(). */
struct tokens	*tokens_new(const struct cleanup_env *);
void		 tokens_free(struct tokens *);
void		 tokens_start(struct tokens *);
/* The configuration changed: what waited for a person is tried again. */
void		 tokens_retry(struct tokens *);
/* A run no longer keeps its certificate's files from being removed. */
void		 tokens_kick(struct tokens *);
/* Remove now what is due: the last chance before the end. */
void		 tokens_flush(struct tokens *);

/*
 * A token of a certificate's run, with its key authorization.  webroot NULL:
 * our own web server answers.  The journal is written (not yet synced).  It
 * belongs to the caller until token_release().
 */
struct token	*tokens_acquire(struct tokens *, const char *cert,
		    const char *webroot, const char *token,
		    const char *text);
/* After the journal is on disk: let the world see it.  Errors: webroot.h,
 * http01.h. */
int		 token_publish(struct token *, struct error *);
/* Give it up: it will be removed.  NULL is allowed. */
void		 token_release(struct token *);

/* The FILEs of doc/control-api.md. */
json_t		*tokens_json(const struct tokens *);
/* Files in the journal. */
size_t		 tokens_count(const struct tokens *);

#endif
