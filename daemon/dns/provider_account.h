/* SPDX-License-Identifier: MIT */
/*
 * provider_account - what the runner remembers of one configured provider
 * between calls: who is being served and who waits, the zones found, the
 * provider's own memory (tokens), and when the vendor may be asked again.
 * Private to the runner.
 */
#ifndef DAEMON_DNS_PROVIDER_ACCOUNT_H
#define DAEMON_DNS_PROVIDER_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_provider;
struct provider;
struct provider_account;
struct provider_locks;
struct provider_values;

/* A place in the queue; embedded in a run. */
struct provider_turn {
	struct provider_account *account;
	const char	*fqdn;		/* one turn at a time for each name,
					   whatever the account */
	void		(*begin)(void *arg);	/* it is your turn */
	void		*arg;
	bool		 is_active;
	struct provider_turn *next;
	/* For provider_turn_left(), after provider_turn_start(). */
	const char	*cert;
	bool		 is_add;
	size_t		 n_left;	/* values not begun yet */
};

struct provider_locks *provider_locks_new(void);
/* All turns must be over. */
void	provider_locks_free(struct provider_locks *);

/*
 * The account of that name with these options; the caller holds a reference.
 * An account whose options were changed by a reload is not used any more and
 * goes when its last run does.
 */
struct provider_account *provider_account_get(struct provider_locks *,
	    const struct conf_provider *);
void	provider_account_release(struct provider_account *);
/*
 * The option of that name, such as "zone", in whatever table; NULL or false
 * if the table has none, or it was not given.
 */
const char *provider_option(const struct provider *,
	    const struct provider_values *, const char *name);
bool	provider_option_bool(const struct provider *,
	    const struct provider_values *, const char *name);

/* type->keep_size bytes, or NULL. */
void	*provider_account_keep(struct provider_account *);

/*
 * Queue up; begin is called, perhaps before this returns, as soon as the name
 * is free and less than max_calls are active, in the order of the queue.  fqdn
 * is borrowed until provider_turn_end(), which is allowed at any time but from
 * begin.
 */
void	provider_turn_start(struct provider_turn *, struct provider_account *,
	    const char *fqdn, void (*begin)(void *arg), void *arg);
void	provider_turn_end(struct provider_turn *);
/*
 * How many values of its certificate are still to be added (or removed)
 * through this provider, in this turn and all others.
 */
size_t	provider_turn_left(const struct provider_turn *);

/*
 * The zone found for fqdn within the last hour, or NULL; and the id kept for
 * a zone, or "".  Borrowed until the next call.
 */
const char *provider_zone_of(const struct provider_account *,
	    const char *fqdn);
const char *provider_zone_id(const struct provider_account *,
	    const char *zone);
void	provider_zone_put(struct provider_account *, const char *fqdn,
	    const char *zone, const char *zone_id);
void	provider_zone_forget(struct provider_account *, const char *zone);

/* Milliseconds until the next request may be sent; then that one is taken. */
int64_t	provider_account_pace(struct provider_account *, unsigned gap_ms);
/* The vendor wants peace for so long (at most an hour is believed). */
void	provider_account_close(struct provider_account *, int64_t ms);
/* Milliseconds that the vendor still wants peace for; 0: none. */
int64_t	provider_account_closed(const struct provider_account *);

#endif
