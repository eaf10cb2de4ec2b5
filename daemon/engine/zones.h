/* SPDX-License-Identifier: MIT */
/*
 * zones - where the TXT records of a certificate's names go.  Looked for from
 * the beginning of a run, while the CA is asked for the order, since both
 * need several round trips.
 */
#ifndef DAEMON_ENGINE_ZONES_H
#define DAEMON_ENGINE_ZONES_H

struct conf_cert;
struct dns;
struct error;
struct loop;
struct zone;
struct zones;

/* conf is borrowed until zones_free(). */
struct zones	*zones_start(struct loop *, struct dns *,
		    const struct conf_cert *conf);
/* Cancels what is under way.  NULL is allowed. */
void		 zones_free(struct zones *);

/*
 * Call done once, from the loop, when all are found or have failed; NULL:
 * call nobody any more.
 */
void		 zones_wait(struct zones *, void (*done)(void *arg),
		    void *arg);
/*
 * The zone for the records of this name (with or without "*."), borrowed; NULL
 * and an error if it was not found.  Not before done was called.
 */
const struct zone *zones_get(const struct zones *, const char *name,
		    struct error *);

#endif
