/* SPDX-License-Identifier: MIT */
/*
 * allow - what the machine must allow for a certificate: acmed runs without
 * privileges and in a sandbox, so its unit gets a drop-in for a webroot, and
 * polkit a rule for a unit that is to be reloaded.
 */
#ifndef CTL_ALLOW_H
#define CTL_ALLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/options.h"

struct error;

/* What was written.  All zero: nothing yet. */
struct allowed {
	char	**paths;	/* files of ours */
	size_t	  n_paths;
	char	**webroots;	/* that a drop-in was written for */
	size_t	  n_webroots;
};

/* May we?  Only as root, where systemd runs the acmed that is spoken to. */
bool	allow_is_possible(const struct options *);
bool	allow_has_polkit(void);
/*
 * Each writes a file if nothing allows it yet, and says so on standard error,
 * unless --json.  by is the command for the file's first line.  What cannot be
 * written in such a file, a webroot that is not there, or polkit that is not
 * installed, is passed over: `acmectl check` tells what is missing.
 */
int	allow_unit(const struct options *, struct allowed *, const char *unit,
	    const char *verb, const char *by, struct error *);
int	allow_webroot(const struct options *, struct allowed *,
	    const char *webroot, const char *name, const char *by,
	    struct error *);
/* Restart acmed if a sandbox was opened: it is seen then. */
int	allow_apply(const struct allowed *, struct error *);
/* Remove what was written. */
void	allow_undo(const struct allowed *);
void	allow_clear(struct allowed *);

#endif
