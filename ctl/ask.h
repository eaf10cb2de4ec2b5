/* SPDX-License-Identifier: MIT */
/* ask - one question to the daemon, and what is told when it fails; for the
 * files of commands. */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/options.h"

struct error;

/* On standard error, as acmectl's words; cleaned. */
void	say_error(const char *text);
/* On standard output, with a newline; flags are jansson's. */
void	print_json(const struct options *, const json_t *, size_t flags);

/* acmectl's exit code for an error of client_call(). */
int	ask_exit_code(const struct error *);
/* Tell the error in the daemon's reply, and the mistakes of the configuration
 * if it has some; returns the exit code. */
int	ask_refused(const struct options *, const struct client_reply *);

/*
 * One request.  Returns EXIT_OK with a reply of status 2xx to be cleared; or
 * another exit code, and the reason has been told.
 */
int	ask(const struct options *, const struct client_request *,
	    struct client_reply *);
/* The same with GET and without a body. */
int	ask_get(const struct options *, const char *path,
	    struct client_reply *);

/* POST; body is taken, NULL: an argument was no UTF-8.  After EXIT_OK *reply is
 * to be cleared. */
int	ask_post(const struct options *, const char *path, json_t *body,
	    struct client_reply *);
/* May it be done?  --yes, or a question on a terminal, which is taken.
 * EXIT_OK, EXIT_REFUSED, or EXIT_USAGE where nobody can be asked. */
int	ask_confirm(const struct options *, char *question);

/* A request that only begins something: which certificates, is printed. */
int	ask_started(const struct options *, const struct client_request *);
/* The arguments as an array; NULL if one is not UTF-8, which has been told. */
json_t	*ask_words(const struct options *);

#endif
