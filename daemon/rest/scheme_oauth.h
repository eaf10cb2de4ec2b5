/* SPDX-License-Identifier: MIT */
/*
 * scheme_oauth - OAuth2 access tokens as gcloud and azuredns use them: fetched
 * by the first step of a call, kept in c->keep for the calls after it until
 * shortly before they expire, and fetched anew once if they are refused
 * earlier.
 */
#ifndef DAEMON_REST_SCHEME_OAUTH_H
#define DAEMON_REST_SCHEME_OAUTH_H

#include <stdbool.h>
#include <time.h>

struct error;
struct preq;
struct rest_answer;

/* In keep. */
struct oauth {
	char	token[8192];
	time_t	until;			/* when to fetch the next one */
};

/* In priv. */
struct oauth_use {
	bool	has_token;		/* this call may send requests */
	bool	is_old;			/* it was fetched by an earlier call */
};

/*
 * What a token service's answer has: the token, NULL and ERR_TRANSIENT if there
 * is none; and the seconds that it lasts.
 */
const char *oauth_token(const struct rest_answer *, struct error *);
long	oauth_life(const struct rest_answer *);

/* Use a token that somebody else has fetched (lease.h); false if token is
 * NULL. */
bool	oauth_take(struct oauth *, struct oauth_use *, const char *token);
/* First in the token step's builder: true if the step is to be skipped. */
bool	oauth_is_fresh(const struct oauth *, struct oauth_use *);
/* Read the token service's answer; -1 and ERR_TRANSIENT if it has no token. */
int	oauth_read(struct oauth *, struct oauth_use *,
	    const struct rest_answer *, struct error *);
/* For .prepare: authorize all requests but the token step's own. */
void	oauth_prepare(const struct oauth *, const struct oauth_use *,
	    struct preq *);
/*
 * For .failed: an old token that was refused is forgotten, and the error
 * becomes ERR_TRANSIENT; a refusal by the token service is ERR_CONFIG in all
 * its words.
 */
void	oauth_failed(struct oauth *, const struct oauth_use *,
	    const struct rest_answer *, struct error *);

#endif
