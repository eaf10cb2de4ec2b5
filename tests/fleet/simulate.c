/* SPDX-License-Identifier: MIT */
/*
 * simulate: what a fleet costs that no one machine can hold, from the functions
 * and constants of the daemon: how evenly certificates are spread and how many
 * move when a renewer goes, and the requests that etcd gets from the leases and
 * watches of all hosts, on a quiet day and when it comes back after an outage.
 *
 *     simulate [HOSTS [CERTIFICATES]]
 *
 * doc/fleet.md has its figures.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/cluster/rendezvous.h"

#define DAY_S		86400
#define LEASE_S		15	/* cluster { lease } */
#define RENEWALS_PER_DAY(n) ((n) / 60.0)	/* of 90 days, at two thirds */

/* As in daemon/etcd/etcd_watch.c: 1 s, doubling to 60, -25 % to +25 %. */
#define RETRY_MS	1000
#define RETRY_MAX_MS	60000

/* What etcd keeps of a certificate: two sealed files in base64 of the gateway
 * only on the way, the manifest, the document; and the version before. */
#define FILE_BYTES	4600	/* chain of two, and a key of RSA 2048 */
#define MANIFEST_BYTES	1300
#define DOCUMENT_BYTES	1900

static uint64_t *
hashes(const char *before, const char *behind, size_t n)
{
	uint64_t *h = xcalloc(n, sizeof(*h));
	char name[64];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%s%zu%s", before, i,
		    behind);
		h[i] = rendezvous_hash(name);
	}
	return h;
}

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- who renews what --- */

static void
spread(size_t n_certs, size_t n)
{
	uint64_t *members = hashes("renew-", ".example.net", n);
	uint64_t *certs = hashes("www", ".example.com", n_certs);
	size_t *owned = xcalloc(n, sizeof(*owned)), least = n_certs, most = 0;
	size_t moved = 0, wrong = 0;
	double t = seconds();

	for (size_t i = 0; i < n_certs; i++)
		owned[rendezvous_pick(members, n, certs[i])]++;
	t = seconds() - t;
	for (size_t k = 0; k < n; k++) {
		least = owned[k] < least ? owned[k] : least;
		most = owned[k] > most ? owned[k] : most;
	}
	/* The last one dies. */
	for (size_t i = 0; i < n_certs; i++) {
		size_t before = rendezvous_pick(members, n, certs[i]);
		size_t after = rendezvous_pick(members, n - 1, certs[i]);

		moved += before != after;
		wrong += before != after && before != n - 1;
	}
	printf("%3zu renewers: each has %zu to %zu (%.1f %% to %.1f %% of its "
	    "part); one dies: %zu move, %zu of others; found in %.0f ms\n", n,
	    least, most, 100.0 * (double)(least * n) / (double)n_certs,
	    100.0 * (double)(most * n) / (double)n_certs, moved, wrong,
	    t * 1000);
	if (wrong != 0 || moved != owned[n - 1])
		exit(1);
	free(owned);
	free(certs);
	free(members);
}

/* --- requests --- */

/* Of one second each. */
struct load {
	unsigned	*second;
	size_t		 n;
};

static void
count(struct load *l, double at_s)
{
	if (at_s >= 0 && at_s < (double)l->n)
		l->second[(size_t)at_s]++;
}

static double
fraction(void)
{
	return (double)arc4random() / 4294967296.0;
}

static void
tell(const struct load *l, const char *what)
{
	unsigned long all = 0;
	unsigned most = 0;

	for (size_t i = 0; i < l->n; i++) {
		all += l->second[i];
		most = l->second[i] > most ? l->second[i] : most;
	}
	printf("%-52s %8.0f a second, at most %u\n", what,
	    (double)all / (double)l->n, most);
}

/* Each member keeps its lease every third of its time. */
static void
leases(size_t hosts)
{
	struct load l = { xcalloc(600, sizeof(unsigned)), 600 };

	for (size_t h = 0; h < hosts; h++) {
		double at = fraction() * LEASE_S / 3;

		for (; at < 600; at += LEASE_S / 3.0)
			count(&l, at);
	}
	tell(&l, "keep-alives");
	free(l.second);
}

/*
 * etcd was away for ten minutes: each of a host's streams has waited longer and
 * longer; how long do they take to be back, and at what rate?
 */
static void
outage(size_t hosts, size_t streams)
{
	struct load l = { xcalloc(120, sizeof(unsigned)), 120 };
	unsigned long late = 0;

	for (size_t i = 0; i < hosts * streams; i++) {
		double at = -600, pause = RETRY_MS / 1000.0;

		while (at < 0) {
			at += pause * (0.75 + fraction() / 2);
			pause = pause * 2 > RETRY_MAX_MS / 1000.0 ?
			    RETRY_MAX_MS / 1000.0 : pause * 2;
		}
		/* Where it is, and the stream. */
		count(&l, at);
		count(&l, at);
		late += at > 60;
	}
	tell(&l, "back after an outage: requests of the first 2 min");
	printf("%-52s %8lu of %zu\n",
	    "  streams that take longer than a minute", late, hosts * streams);
	free(l.second);
}

static void
renewals(size_t hosts, size_t certs)
{
	double a_day = RENEWALS_PER_DAY((double)certs);
	double value = 2 * FILE_BYTES + MANIFEST_BYTES;
	double event = value * 4 / 3 + 600;	/* base64, and its frame */

	printf("%-52s %8.1f a minute\n", "renewals", a_day / 1440);
	printf("%-52s %8.1f KB\n", "  of each, to every host that watches",
	    event / 1024);
	printf("%-52s %8.2f MB a second\n", "  to all hosts, on average",
	    event * (double)hosts * a_day / DAY_S / 1e6);
	printf("%-52s %8.1f MB\n", "  of one renewal, to all hosts",
	    event * (double)hosts / 1e6);
	printf("%-52s %8.1f GB\n", "kept in etcd (two versions, documents)",
	    (2 * 2 * FILE_BYTES + MANIFEST_BYTES + DOCUMENT_BYTES) *
	    (double)certs / 1e9);
	/* About thirty writes of documents and locks for each. */
	printf("%-52s %8.1f GB\n", "written a day, before compaction",
	    a_day * (value + 30 * DOCUMENT_BYTES) / 1e9);
}

static size_t
argument(const char *text, size_t fallback)
{
	unsigned long n = text == NULL ? 0 : strtoul(text, NULL, 10);

	return n == 0 || n > 10000000 ? fallback : n;
}

int
main(int argc, char **argv)
{
	static const size_t renewers[] = { 2, 3, 5, 10 };
	size_t hosts = argument(argc > 1 ? argv[1] : NULL, 10000);
	size_t certs = argument(argc > 2 ? argv[2] : NULL, 100000);

	printf("%zu hosts, %zu certificates\n", hosts, certs);
	for (size_t i = 0; i < sizeof(renewers) / sizeof(renewers[0]); i++)
		spread(certs, renewers[i]);
	leases(hosts);
	outage(hosts, 2);
	renewals(hosts, certs);
	return 0;
}
