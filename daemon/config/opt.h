/* SPDX-License-Identifier: MIT */
/*
 * opt - one key of a section read as what it means.  A value that is not
 * allowed is a mistake, with what is allowed, and the fallback is returned.
 */
#ifndef DAEMON_CONFIG_OPT_H
#define DAEMON_CONFIG_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/conf.h"
#include "daemon/config/tree.h"

/* A mistake in a section: its context is put in front. */
void	opt_mistake(struct mistakes *, const struct section *, int line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same for what can be used, but is hardly what is meant. */
void	opt_warn(struct mistakes *, const struct section *, int line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A mistake about what is not on this host, such as a secret's file; none where
 * the section is for other hosts of a cluster (mistakes.h). */
void	opt_absent(struct mistakes *, const struct section *, int line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* `key = "text"; allowed: ...`, in v's line. */
void	opt_refuse(struct mistakes *, const struct section *,
	    const char *key, const struct value *, const char *allowed);

/* One line of text, not empty; the caller frees.  NULL if it is absent. */
char	*opt_text(struct mistakes *, const struct section *, const char *key);
/* NULL-terminated, never NULL, not to be changed; free with opt_list_free(). */
char	**opt_list(struct mistakes *, const struct section *,
	    const char *key);
/* Such a list of these texts, which are copied. */
char	**opt_list_new(const char *const *texts, size_t n);
void	opt_list_free(char **);
/* A secret that stands in the file, without blanks around it; the caller wipes
 * and frees.  NULL, told, if that can only be a mistake (secret.h). */
char	*opt_secret(struct mistakes *, const struct section *,
	    const char *key, const struct value *);
bool	opt_bool(struct mistakes *, const struct section *, const char *key,
	    bool fallback);
long	opt_int(struct mistakes *, const struct section *, const char *key,
	    long min, long max, long fallback);
/* Seconds. */
int64_t	opt_duration(struct mistakes *, const struct section *,
	    const char *key, int64_t min, int64_t max, int64_t fallback);
enum key_type opt_key_value(struct mistakes *, const struct section *,
	    const char *key, const struct value *);
enum key_type opt_key_type(struct mistakes *, const struct section *,
	    const char *key);

/* "true", "yes", "on" -> 1; "false", "no", "off" -> 0; else -1. */
int	opt_parse_bool(const char *);
/* "https://HOST...", or also http:// if plain; no characters that a URL must
 * not have. */
bool	opt_is_url(const char *, bool plain);
/* Can every user read the file of this section, so that a secret must not
 * stand in it?  And the mistake of one that does. */
bool	opt_is_open(const struct section *);
void	opt_refuse_open(struct mistakes *, const struct section *, int line,
	    const char *key);
/*
 * A path in a file: "/..." as it is, else relative to the file's directory;
 * the caller frees.
 */
char	*opt_path(const struct source *, const char *text);
/*
 * The same for keys that end in _file, always absolute; "credential:NAME" is
 * a credential of systemd.  NULL if the key is absent or mistaken; one that
 * this user may not read is a mistake.
 */
char	*opt_file(struct mistakes *, const struct section *, const char *key);
/* The same for certificates and keys of others: what can be read now will most
 * likely be readable later. */
char	*opt_pem_file(struct mistakes *, const struct section *,
	    const char *key);
/* That of the key ca_file. */
char	*opt_ca_file(struct mistakes *, const struct section *);

#endif
