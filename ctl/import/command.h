/* SPDX-License-Identifier: MIT */
/*
 * command - commands that only reload or restart services ("systemctl reload
 * nginx", "service apache2 restart", "nginx -s reload"), as units and verbs.
 */
#ifndef CTL_IMPORT_COMMAND_H
#define CTL_IMPORT_COMMAND_H

#include <stdbool.h>

struct import_cert;

/*
 * Add what a command line, or a script of several, does to the deploy steps.
 * False, with nothing added, if it does anything else, or if that cannot be
 * told without a shell.
 */
bool	command_map(const char *text, struct import_cert *);

#endif
