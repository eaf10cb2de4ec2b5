/* SPDX-License-Identifier: MIT */
/* wave - is a version that members of a cluster take in waves for this one? */
#ifndef DAEMON_CERTS_WAVE_H
#define DAEMON_CERTS_WAVE_H

#include <stdbool.h>

struct cert;

/*
 * The version in use here is for other members first: who renews it has it in
 * live/ before all others, and its own hosts' targets wait as those do.
 */
bool	wave_holds(const struct cert *);

#endif
