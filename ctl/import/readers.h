/* SPDX-License-Identifier: MIT */
/*
 * readers - one for each ACME client: what is in dir becomes a plan.  -1 and
 * *err if there is nothing of that client; what of it cannot be mapped is a
 * note, or a certificate that is skipped.
 */
#ifndef CTL_IMPORT_READERS_H
#define CTL_IMPORT_READERS_H

struct error;
struct import;

struct reader_args {
	const char	*dir;		/* never NULL */
	const char	*provider;	/* of acmed.conf, for names whose DNS
					   provider is not known; or NULL */
	const char	*webroot;	/* for names whose web server was
					   changed by the client; or NULL */
	const char	*dns;		/* the client's DNS provider; or NULL */
	const char	*env_file;	/* the client's environment; or NULL:
					   our own */
	const char	*directory;	/* URL of the CA's; or NULL */
};

typedef int reader_fn(struct import *, const struct reader_args *,
	struct error *);

reader_fn read_certbot, read_acmesh, read_lego, read_dehydrated, read_uacme,
    read_caddy;

#endif
