/* SPDX-License-Identifier: MIT */
/* version - how versions of a certificate are called: their directories in
 * archive/NAME/, SERIAL or SERIAL-N. */
#ifndef DAEMON_STORE_VERSION_H
#define DAEMON_STORE_VERSION_H

#define STORE_VERSION_SIZE 80		/* bytes, with the NUL */

/* The issuer of store_place()'s certificates. */
#define STORE_PLACEHOLDER_ISSUER "acmed placeholder"

#endif
