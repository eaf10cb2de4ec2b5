/* SPDX-License-Identifier: MIT */
/*
 * keyless - credentials that are not in acmed.conf but are fetched when they
 * are needed, and end by themselves: of a role of this machine, of a pod, of
 * another role (STS), or of the environment.  Only where the configuration asks
 * for it; nothing is guessed.
 *
 * A vendor plugs in like this (aliyun_credentials.c is one):
 *  - its type (credentials.c) has an option "source", in the vendor's words,
 *    whose fallback is the static key; what is required with which source is
 *    its .check's, which reads with provider_given();
 *  - its .keyless says which struct keyless stands for these options; NULL:
 *    they are static;
 *  - begin and steps leave with keyless_put() what was fetched at the index of
 *    the option that it stands for, so that whoever signs finds it with
 *    provider_str() as if it had been in the file.  What has no option (an
 *    access token) has an index after all options, and is read with
 *    provider_fetched().
 *
 * daemon/rest/lease runs them, one at a time for each section, keeps the result
 * until shortly before its end, and renews it while something uses it.  Users
 * (the runners of DNS providers and clouds) hold a lease meanwhile.
 */
#ifndef PROVIDERS_KEYLESS_H
#define PROVIDERS_KEYLESS_H

#include <time.h>

#include "common/error.h"
#include "daemon/rest/rest.h"
#include "providers/option.h"

#define KEYLESS_MEMO 4

/* What is being fetched; what the steps' functions get as user. */
struct keyless_call {
	/* The section's; of what may be fetched read provider_given() only. */
	const struct provider_values *values;
	const char	*scope;		/* whom it is for, where the vendor
					   tells that apart; "": does not */
	/* By index: keyless_put(). */
	char		*texts[PROVIDER_FETCHED_MAX];
	time_t		 until;		/* epoch seconds; 0: not told, so that
					   each use fetches again */
	/* From step to step: keyless_keep(); wiped, and the first is kept out
	 * of messages, as texts are. */
	char		*memo[KEYLESS_MEMO];
};

struct keyless {
	/* Before any request: what is in files and the environment.  May be
	 * NULL.  -1 and err, ERR_CONFIG mostly. */
	int		(*begin)(struct keyless_call *, struct error *);
	/*
	 * Requests to this machine's metadata service: plain HTTP, no proxy;
	 * and then others.  Either may be NULL.  Builders name whole URLs and
	 * sign by themselves; answers may be JSON or not.
	 */
	const struct rest_step *local;
	const struct rest_step *steps;
	/* Improve what was made of a refusal; may be NULL. */
	void		(*failed)(void *user, const struct rest_answer *,
			    struct error *);
};

/* Both copy; text NULL takes away. */
void	keyless_put(struct keyless_call *, int at, const char *text);
void	keyless_keep(struct keyless_call *, int at, const char *text);
/*
 * Until "2026-01-02T03:04:05Z"; -1 and ERR_TRANSIENT if that is no time, NULL,
 * or over.
 */
int	keyless_until(struct keyless_call *, const char *time,
	    struct error *);
/*
 * For readers of metadata services: keep the one word that the answer is, with
 * nothing after it but the end of the line; "no WHAT" if it is none.
 */
enum rest_next keyless_word(struct keyless_call *, int at,
	    const struct rest_answer *, const char *what, struct error *);
/* An environment variable that must be there: NULL and ERR_CONFIG if not. */
const char *keyless_env(const char *name, struct error *);
/* The option, else that. */
const char *keyless_given_or_env(const struct keyless_call *, int opt,
	    const char *name, struct error *);
/* Keep what a pod's token file holds now, without the end of its line: clusters
 * write it anew before it ends, and all in the pod can read it. */
int	keyless_read_token(struct keyless_call *, int at, const char *path,
	    struct error *);
/* An option, and the source that it is for. */
struct keyless_need {
	int		 opt;
	const char	*source;	/* NULL ends the table */
	bool		 is_needed;	/* ... and cannot be left out */
};
/*
 * For .check: is source (the option at that index) one of those, and has each
 * option a meaning with it?  ERR_CONFIG.
 */
int	keyless_check(const struct provider_values *,
	    const struct provider_opt *, int source,
	    const char *const *sources, const struct keyless_need *,
	    struct error *);
/* For .check: is the address (NULL: the usual one) one of http:// or https://?
 * allowed is for the message.  ERR_CONFIG. */
int	keyless_check_url(const char *option, const char *url,
	    const char *allowed, struct error *err);
/* For .check: options of a role that is assumed, with their values (NULL: not
 * given).  ERR_CONFIG if there is none to use them for. */
int	keyless_check_role(const char *role_arn, const char *external_id,
	    struct error *err);
/* Wipes. */
void	keyless_clear(struct keyless_call *);

#endif
