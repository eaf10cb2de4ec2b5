/* SPDX-License-Identifier: MIT */
/* man - mdoc on stdout, for the manuals that are made from tables. */
#ifndef DOC_MAN_H
#define DOC_MAN_H

struct provider_opt;

/* A paragraph: each sentence begins a line. */
void	man_prose(const char *);
/* Lines as they are. */
void	man_literal(const char *);
/* An item of a tagged list. */
void	man_option(const struct provider_opt *);

#endif
