/* SPDX-License-Identifier: MIT */
/*
 * client - requests to acmed over its Unix socket; the only file of acmectl
 * that includes <curl/curl.h>.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>

struct error;

/* Codes of the errors of client_call(). */
#define CLIENT_NOT_RUNNING	"ctl:not-running"
#define CLIENT_DENIED		"ctl:denied"
#define CLIENT_INTERRUPTED	"ctl:interrupted"	/* Ctrl-C */
#define CLIENT_LOST		"ctl:lost"	/* the daemon went away */
#define CLIENT_REPLY		"ctl:reply"	/* not what acmed says */

/* One JSON object of a stream; borrowed. */
typedef void client_line_cb(const json_t *line, void *arg);

/* One line as it came, not empty, with a NUL; -1 and *err end it. */
typedef int client_text_cb(const char *line, size_t len, void *arg,
	    struct error *);

/*
 * Called while lines are waited for, some times a second; it may send requests
 * of its own.
 */
typedef void client_tick_cb(void *arg);

struct client_request {
	const char	*socket;
	const char	*method;
	const char	*path;		/* see client_path() */
	const json_t	*body;		/* NULL for none */
	client_line_cb	*line;		/* NULL: the reply is no stream */
	client_text_cb	*text;		/* NULL: the reply is one object */
	client_tick_cb	*tick;		/* with line; or NULL */
	void		*arg;
};

struct client_reply {
	int		 status;	/* HTTP */
	json_t		*body;		/* an object; NULL after lines */
};

/*
 * Returns 0 whatever the HTTP status is; the caller calls
 * client_reply_clear().  A successful reply goes to line, or to text, if one
 * of these is set, until it ends.
 */
int	client_call(const struct client_request *, struct client_reply *,
	    struct error *);
void	client_reply_clear(struct client_reply *);

/* prefix and name, percent-encoded; the caller frees. */
char	*client_path(const char *prefix, const char *name);

#endif
