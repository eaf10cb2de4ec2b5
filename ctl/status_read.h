/* SPDX-License-Identifier: MIT */
/*
 * status_read - GET /v1/status, certificate after certificate: of 100,000 none
 * is kept.  For the files of commands.
 */
#ifndef CTL_STATUS_READ_H
#define CTL_STATUS_READ_H

#include <jansson.h>

struct error;
struct options;

struct status_sink {
	/* Once, before the first certificate: the rest of it.  NULL: not
	 * wanted. */
	void	(*rest)(const json_t *rest, void *arg);
	void	(*cert)(const json_t *cert, void *arg);
	void	*arg;
};

/* Returns EXIT_OK, or another exit code, and the reason has been told. */
int	status_read(const struct options *, const struct status_sink *);
/* The same, but nothing is told: 0, or -1 and *err. */
int	status_read_quietly(const struct options *, const struct status_sink *,
	    struct error *);

#endif
