/* SPDX-License-Identifier: MIT */
/* common - what readers of ctl/import/ share. */
#ifndef CTL_IMPORT_COMMON_H
#define CTL_IMPORT_COMMON_H

#include <jansson.h>
#include <stdbool.h>

struct import;
struct import_cert;
struct reader_args;
struct source;

/* Key and chain of a certificate, from the first of these files that is there;
 * if that does not work the certificate is skipped. */
void	common_files(struct import_cert *, const struct source *,
	    const char *key_path, const char *chain_path);

/*
 * The names are proved through a DNS provider that theirs and vars say (client
 * is an enum dns_client), or by --provider; else the certificate is skipped,
 * and it is told what would help.  from is for people.
 */
void	common_dns(struct import *, struct import_cert *, const struct source *,
	    int client, const char *theirs, const json_t *vars,
	    const char *from, const struct reader_args *);

/* What is run with a new certificate: services are reloaded by acmed, other
 * commands become a root hook, or (not root's) a note. */
void	common_hook(struct import *, struct import_cert *,
	    const struct source *, const char *what, const char *command);

/* The client changed the web server's configuration for each challenge, which
 * acmed does not: a webroot, and a note. */
void	common_web_server(struct import *, struct import_cert *,
	    const char *server, const struct reader_args *);

/* acmed itself must answer for http-01. */
void	common_standalone(struct import *, struct import_cert *);

/*
 * A name in the plan that no certificate has yet: DOMAIN, or where that is
 * another one wildcard.DOMAIN, DOMAIN-KIND (kind may be NULL), DOMAIN-2, ...
 * The caller frees.
 */
char	*common_name(const struct import *, const char *domain, bool is_wild,
	    const char *kind);

/* "30 days", "3 weeks", "12 hours", "2 months", "30": seconds; 0 if it is
 * none of these. */
long	common_span(const char *text);

#endif
