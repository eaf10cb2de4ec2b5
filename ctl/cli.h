/* SPDX-License-Identifier: MIT */
/*
 * cli - acmectl's command line: which commands there are, which options each
 * of them takes, and --help of it all.  The tables are main.c's.
 */
#ifndef CTL_CLI_H
#define CTL_CLI_H

#include <stddef.h>
#include <stdio.h>

#include "ctl/options.h"

struct cli_command {
	const char	*name;
	const char	*args;		/* "NAME [TARGET]" */
	const char	*help;		/* one line, no capital */
	size_t		 least, most;	/* number of arguments */
	int		(*run)(const struct options *);
	const char	*example;	/* without "acmectl " */
};

enum cli_kind {
	CLI_FLAG,			/* bool */
	CLI_TEXT,			/* const char * */
	CLI_SHORT,			/* the same, with its first letter as
					   an option, too */
	CLI_LIST			/* const char **; may be repeated */
};

/* The same name may mean something else to another command. */
struct cli_option {
	const char	*commands;	/* "renew-now deploy" */
	const char	*name;		/* "no-wait" */
	const char	*arg;		/* "TIME"; NULL for CLI_FLAG */
	const char	*help;
	enum cli_kind	 kind;
	size_t		 offset;	/* of the member in struct options */
};

struct cli {
	const struct cli_command *commands;
	size_t		 n_commands;
	const struct cli_option *options;
	size_t		 n_options;
};

/*
 * Read the command line into o, whose socket is set, and find the command.
 * -1 with *command; or the code to exit with, and all has been said.
 */
int	cli_parse(const struct cli *, int argc, char **argv,
	    struct options *o, const struct cli_command **command);
/* The lists that it made. */
void	cli_free(const struct cli *, struct options *o);

#endif
