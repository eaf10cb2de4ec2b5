/* SPDX-License-Identifier: MIT */
/* spawn - other programs that acmectl needs: acmed, systemctl, an editor. */
#ifndef CTL_SPAWN_H
#define CTL_SPAWN_H

struct error;

/*
 * Run argv[0], looked for in $PATH if it has no slash, and wait for its end.
 * With output, what it prints (both streams, at most 1 MB; the caller frees),
 * and it reads nothing; with NULL it has our terminal.  Returns its exit
 * status, 128 + N for signal N; -1 and ERR_CONFIG "ctl:spawn" if it could not
 * be run.
 */
int	spawn_wait(const char *const *argv, char **output, struct error *);

/* The acmed that belongs to this acmectl.  The caller frees. */
char	*spawn_acmed(void);

#endif
