/* SPDX-License-Identifier: MIT */
/*
 * preflight_priv - what the files of a preflight share: preflight.c (its
 * life, and the order of lines), preflight_ca.c (directory, account),
 * preflight_caa.c (may the CA issue? and the record that says so),
 * preflight_reach.c (do the resolvers answer?), preflight_dns.c (zones,
 * servers, DNSSEC, delegation), preflight_builtin.c (our own name server),
 * preflight_deploy.c, preflight_http.c (what http-01 needs) and
 * preflight_probe.c.
 * Nobody else includes it.
 */
#ifndef DAEMON_PREFLIGHT_PREFLIGHT_PRIV_H
#define DAEMON_PREFLIGHT_PREFLIGHT_PRIV_H

#include "common/error.h"
#include "daemon/certs/certs.h"
#include "daemon/dns/account_label.h"
#include "daemon/dns/addrs.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"
#include "daemon/preflight/preflight.h"

struct account;
struct account_op;
struct acme_meta_op;
struct acme_op;
struct caa_op;
struct dns_addrs_op;
struct dnssec_op;
struct nscheck_op;
struct pf_caa;
struct pf_page;
struct pf_reach;
struct pf_target;
struct probe;
struct zones;

#define PREFLIGHT_TIMEOUT_MS 15000	/* of each question */

enum pf_result {
	PF_OK,
	PF_WARN,
	PF_FAIL,
	PF_RESULT_END
};

/* One line to be told; the checks of one certificate are told in order. */
struct pf_check {
	TAILQ_ENTRY(pf_check) link;
	struct pf_cert	*pc;
	const char	*what;		/* "servers"; a literal */
	const struct conf_name *name;	/* NULL: about the CA */
	const struct pf_ca *ca;		/* of several CAs the one that it is
					   about; NULL: none */
	const struct zone *zone;	/* that it is about; borrowed */
	struct zone	 own;		/* one that was made for it */
	/* Begin; NULL: the result is there.  Ends with pf_tell(). */
	void		(*start)(struct pf_check *);
	bool		 is_probe;
	bool		 is_running;
	bool		 is_done;
	enum pf_result	 result;
	char		*msg;
	char		*fix;		/* NULL: nothing to be done */
	char		*record;	/* of CAA: what is, or would be,
					   written; NULL: nothing */
	char		*wait;		/* told while it is the next; or NULL */
	struct timer	 again;		/* until start is called once more */
	bool		 is_second_look;
	/* What is under way. */
	struct caa_op	*caa;
	struct pf_caa	*caa_own;
	struct dnssec_op *dnssec;
	struct nscheck_op *nscheck;
	struct dns_addrs_op *addrs;
	struct pf_page	*page;
	struct pf_alpn	*alpn;
	struct pf_target *target;
	struct probe	*probe;
	struct fetch_op	*fetch;
	struct persist_look_op *look;
};
TAILQ_HEAD(pf_checks, pf_check);

/* Where the DNS really leads from _acme-challenge.NAME. */
struct pf_place {
	struct pf_cert	*pc;
	const struct conf_name *name;
	char		 fqdn[CHALLENGE_FQDN_SIZE];
	struct zone_op	*op;
	struct zone	 seen;		/* followed, whatever is configured */
	struct error	 seen_err;	/* kind ERR_NONE: there is none */
	bool		 has_seen;	/* else as zones_get() says */
	struct zone	 home;		/* of fqdn itself, if it is an alias */
	bool		 has_home;
};

/* What an account's CA says; fetched once for all of its certificates. */
struct pf_ca {
	TAILQ_ENTRY(pf_ca) link;
	struct preflight *pf;
	const struct conf_account *account;
	bool		 is_known;	/* all of this */
	struct acme_meta_op *op;
	struct account_op *account_op;
	struct account	*used;		/* while it is asked about */
	struct acme_op	*find;
	struct error	 err;		/* kind ERR_NONE: reached */
	struct error	 account_err;	/* kind ERR_NONE: usable */
	char		*terms;		/* NULL: none */
	json_t		*profiles;	/* that it offers; NULL: not known */
	bool		 eab_required;
	struct ca_clock	 clock;
	char		**identities;	/* NULL-terminated; NULL after err */
	char		*kid;		/* NULL: not registered yet */
	char		*methods;	/* of all names of the account's
					   certificates, by commas */
	char		*lost_kid;	/* registered, but the key is lost */
};

/* One certificate under way. */
struct pf_cert {
	TAILQ_ENTRY(pf_cert) link;
	struct preflight *pf;
	const struct conf_cert *cc;	/* in pf->conf */
	/* Those of its accounts, as in the configuration. */
	struct pf_ca	*cas[CONF_ISSUERS_MAX];
	bool		 is_told[CONF_ISSUERS_MAX];
	bool		 hint_is_told;	/* on a line that is ok */
	bool		 is_elsewhere;	/* never renewed by this daemon */
	struct pf_reach	*reach;
	struct zones	*zones;
	bool		 has_kid;	/* if conf_needs_kid() */
	bool		 has_zones;
	struct pf_place	*places;	/* of the names that need the DNS */
	size_t		 n_places;
	unsigned	 pending;	/* before the names can be looked at */
	bool		 is_planned;	/* checks has all of them */
	struct pf_checks checks;
	char		**records;	/* those of checks, NULL-terminated; or
					   NULL */
	unsigned	 n_results[PF_RESULT_END];
};

struct preflight {
	TAILQ_ENTRY(preflight) link;	/* in all */
	struct preflights *all;
	const struct preflight_env *env;
	const struct conf *conf;	/* one reference */
	const struct conf_cert **certs;
	size_t		 n_certs, next_cert;
	bool		 has_probe;
	enum preflight_caa caa;
	struct error	 err;		/* kind ERR_NONE: begin */
	TAILQ_HEAD(, pf_ca) cas;
	TAILQ_HEAD(, pf_reach) reaches;
	TAILQ_HEAD(, pf_cert) running;	/* in the order of certs */
	unsigned	 n_running;
	unsigned	 n_checks, n_probes;	/* under way */
	struct timer	 work;
	bool		 is_telling;	/* line may cancel */
	bool		 is_cancelled;
	preflight_line_cb *line;
	preflight_done_cb *done;
	void		*arg;
};

struct preflights {
	const struct preflight_env *env;
	bool		 is_stopping;
	TAILQ_HEAD(, preflight) list;
};

/* One more line to be; preflight.c. */
struct pf_check	*pf_check_add(struct pf_cert *, const struct conf_name *,
		    const char *what, void (*start)(struct pf_check *));
/* Its result, from its start or later; fix may be NULL. */
void		 pf_tell(struct pf_check *, enum pf_result, const char *fix,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What takes so long. */
void		 pf_wait(struct pf_check *, const char *msg);
/* head and random letters of base64url, size - 1 in all (at most 43). */
void		 pf_random_value(const char *head, char *out, size_t size);
/* A result of pending is there. */
void		 pf_step(struct pf_cert *);

/*
 * preflight_builtin.c: where acmed itself is to answer for fqdn, as the DNS
 * leads (zone NULL: nowhere)
 */
void		 pf_builtin_plan(struct pf_cert *, const struct conf_name *,
		    const char *fqdn, const struct zone *zone);
/* preflight_ca.c */
void		 pf_ca_start(struct pf_cert *);
void		 pf_ca_free(struct pf_ca *);
/* It is known now whether the DNS can be asked. */
void		 pf_ca_go_on(struct pf_cert *);
/* preflight_caa.c: for each of the CAs */
void		 pf_caa_plan(struct pf_cert *, const struct conf_name *);
void		 pf_caa_cancel(struct pf_caa *);
/* preflight_deploy.c: what comes after a renewal */
void		 pf_deploy_plan(struct pf_cert *);
void		 pf_target_cancel(struct pf_target *);
/* preflight_dns.c */
void		 pf_dns_start(struct pf_cert *);
void		 pf_dns_plan(struct pf_cert *, const struct conf_name *);
/* Do not wait any longer for what was begun. */
void		 pf_dns_give_up(struct pf_cert *);
void		 pf_dns_clear(struct pf_cert *);
/* preflight_reach.c; pf_is_cut_off() once it is known */
void		 pf_reach_start(struct pf_cert *);
void		 pf_reach_free(struct pf_reach *);
bool		 pf_reach_is_known(const struct pf_cert *);
bool		 pf_is_cut_off(const struct pf_cert *);
/* preflight_persist.c: dns-persist-01, of which dns-01 is the fallback */
void		 pf_persist_plan(struct pf_cert *, const struct conf_name *);
/* preflight_source.c: instead of all others, is it published? */
void		 pf_source_plan(struct pf_cert *);
/* The request of one whose key is elsewhere (csr). */
void		 pf_csr_plan(struct pf_cert *);

/* --- preflight_cluster.c --- */
/* Tells who of a cluster renews it.  True: never this daemon. */
bool		 pf_cluster_plan(struct pf_cert *);
/* preflight_http.c */
/* Has the name an address? */
void	pf_address_plan(struct pf_cert *, const struct conf_name *);
#define PF_ADDRESSES_MAX 4
/* Those, at most, of a name's that this machine can reach; how many. */
size_t	pf_routable(const struct dns_addrs_reply *,
	    struct dns_server out[PF_ADDRESSES_MAX]);
void		 pf_http_plan(struct pf_cert *, const struct conf_name *);
void		 pf_page_cancel(struct pf_page *);
/* preflight_alpn.c */
void		 pf_alpn_plan(struct pf_cert *, const struct conf_name *);
void		 pf_alpn_cancel(struct pf_alpn *);
/* preflight_probe.c */
void		 pf_probe_plan(struct pf_cert *, const struct conf_name *);
void		 pf_probe_cancel(struct probe *);

#endif
