/* SPDX-License-Identifier: MIT */
/*
 * requests - certificates whose key stays on the host that serves them
 * (key_source = host).  The host makes a key in time, and puts a request for it
 * into the repository; the publisher takes that from there into its state
 * directory, where a run finds it as it finds one of `csr`.
 */
#ifndef DAEMON_ENGINE_REQUESTS_H
#define DAEMON_ENGINE_REQUESTS_H

struct engine;
struct requests;

struct requests	*requests_new(struct engine *);
/* NULL is allowed. */
void		 requests_free(struct requests *);
/* At the start, and after a reload. */
void		 requests_apply(struct requests *);
/* A person wants another certificate: on its host, that is one of another
 * key. */
void		 requests_want(struct requests *, const char *cert);

#endif
