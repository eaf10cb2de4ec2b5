/* SPDX-License-Identifier: MIT */
/*
 * csrs - the files that csr names, looked at every `poll`: one that has changed
 * makes its certificate due at once.
 */
#ifndef DAEMON_ENGINE_CSRS_H
#define DAEMON_ENGINE_CSRS_H

struct csrs;
struct engine;

struct csrs	*csrs_new(struct engine *);
/* NULL is allowed. */
void		 csrs_free(struct csrs *);
/* At the start, and after a reload. */
void		 csrs_apply(struct csrs *);
/* One has changed, as we know ourselves. */
void		 csrs_look(struct csrs *);

#endif
