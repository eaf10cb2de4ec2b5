/* SPDX-License-Identifier: MIT */
/*
 * httpd - a small HTTP/1.1 server on loopback for unit tests: a thread for
 * each connection, whose answer the request's path chooses (httpd.c lists
 * them).
 */
#ifndef TESTS_UNIT_HTTPD_H
#define TESTS_UNIT_HTTPD_H

/* Serves until httpd_stop(), which waits for all clients to leave; the port. */
int	httpd_start(void);
void	httpd_stop(void);
/* Connections accepted so far, and those open at the same time at most. */
int	httpd_connections(void);
int	httpd_most_open(void);
void	httpd_reset(void);

#endif
