/* SPDX-License-Identifier: MIT */
/*
 * child_script - what a program's first line asks for, for child_spawn.c and
 * program.c: a text without "#!" is for the shell, and why a script could not
 * be started.
 */
#ifndef DAEMON_IO_CHILD_SCRIPT_H
#define DAEMON_IO_CHILD_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define CHILD_SCRIPT_LINE 256	/* all that Linux reads of a first line */

struct child_script {
	bool		 is_text;	/* no byte of its first line is NUL */
	bool		 has_bom;	/* a byte order mark before "#!" */
	bool		 has_cr;	/* its first line ends in CR LF */
	char		 interpreter[CHILD_SCRIPT_LINE]; /* after "#!", with
					   that CR; "": there is none */
	char		 word[CHILD_SCRIPT_LINE]; /* its first argument */
};

/* Look at a file; one that cannot be read is no text. */
void	child_script_look(const char *path, struct child_script *);
/*
 * Why posix_spawn(3) of path failed with this error number, in words, into
 * why: the file is there and executable.
 */
void	child_script_why(const char *path, const struct child_script *,
	    int number, char *why, size_t size);
/* What mends CR LF: "sed -i 's/\r$//' FILE". */
#define CHILD_SCRIPT_MEND "sed -i 's/\\r$//' "

#endif
