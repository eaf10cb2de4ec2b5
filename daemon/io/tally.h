/* SPDX-License-Identifier: MIT */
/*
 * tally - how requests to somebody went: how many, how long they took, and how
 * many failed in which way; and histograms, which others count with as well.
 * Nothing here is ever counted down, as Prometheus wants counters.
 */
#ifndef DAEMON_IO_TALLY_H
#define DAEMON_IO_TALLY_H

#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>

#include "common/error.h"

#define HISTOGRAM_BUCKETS 12

/* Of times; all zero at first. */
struct histogram {
	unsigned long	 n[HISTOGRAM_BUCKETS + 1];	/* not cumulated */
	uint64_t	 sum_ms;
};

/* A time below 0 counts as 0. */
void	histogram_add(struct histogram *, int64_t ms);
/*
 * The series of Prometheus' text format: name_bucket, name_sum and name_count,
 * in seconds.  labels: "a=\"b\"", or "".
 */
void	histogram_print(const struct histogram *, const char *name,
	    const char *labels, FILE *);

/* Of one whom we ask. */
struct tally {
	TAILQ_ENTRY(tally) link;
	char		*labels;
	struct histogram took;		/* all requests, failed or not */
	unsigned long	 failed[ERR_KIND_END];
};

/*
 * A request has ended, ms after it was begun, with an error of that kind
 * (ERR_NONE: none).  NULL is allowed, and counts nowhere.
 */
void	tally_add(struct tally *, int64_t ms, enum err_kind);

/* Of all whom we ask of one sort. */
struct tallies {
	TAILQ_HEAD(, tally) list;
	unsigned	 n;
};

void	tallies_init(struct tallies *);
void	tallies_clear(struct tallies *);
/*
 * The one of these two labels, made if there is none; it stays until
 * tallies_clear().  Reloads may bring ever more: those beyond TALLIES_MAX share
 * one, both of whose values are "other".
 */
#define TALLIES_MAX 200
struct tally *tallies_get(struct tallies *, const char *key1,
	    const char *value1, const char *key2, const char *value2);
/*
 * NAME_requests_total, NAME_request_errors_total and
 * NAME_request_duration_seconds of all; whom: "CAs", in the help texts.
 */
void	tallies_print(const struct tallies *, const char *name,
	    const char *whom, FILE *);

#endif
