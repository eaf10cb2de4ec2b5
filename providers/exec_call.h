/* SPDX-License-Identifier: MIT */
/*
 * exec_call - what a program of provider exec is given, for exec.c: its
 * command line, its environment and its working directory, by the convention
 * that it was written for.
 *
 *  acmed     PROGRAM add|remove FQDN VALUE
 *  lego      PROGRAM present|cleanup FQDN. VALUE
 *  lego-raw  PROGRAM present|cleanup -- DOMAIN TOKEN KEYAUTH
 *  certbot   PROGRAM or CLEANUP_PROGRAM, CERTBOT_* in the environment
 *
 * Sources: lego's documentation of its provider exec (EXEC_MODE=RAW is
 * lego-raw); certbot's user guide, "Pre and Post Validation Hooks".
 */
#ifndef PROVIDERS_EXEC_CALL_H
#define PROVIDERS_EXEC_CALL_H

#include <stdbool.h>

struct error;
struct provider_call;
struct provider_values;

enum exec_opt {
	EXEC_PROGRAM, EXEC_CLEANUP_PROGRAM, EXEC_MODE, EXEC_TIMEOUT,
	EXEC_ENVIRONMENT, EXEC_ENVIRONMENT_FILE
};

enum exec_mode {
	EXEC_MODE_ACMED, EXEC_MODE_LEGO, EXEC_MODE_LEGO_RAW,
	EXEC_MODE_CERTBOT, EXEC_MODE_END
};

/* EXEC_MODE_END: it is none. */
enum exec_mode	 exec_mode(const struct provider_values *);

/*
 * The words of a program option, NULL-terminated, to be freed with
 * exec_words_free(): several as they are; one that is no file is split at
 * blanks.  [0] is NULL if there is none.
 */
char		**exec_words(const struct provider_values *, enum exec_opt);
void		 exec_words_free(char **);

/* Is it "KEY=VALUE"? */
bool		 exec_is_variable(const char *);

struct exec_call {
	char		**argv;		/* NULL-terminated; [0] is a path */
	char		**env;		/* likewise */
	char		*dir;		/* where argv[0] is; or its script, if
					   argv[1] is a file */
};
/*
 * ERR_CONFIG: the program or the file of variables is missing, or others can
 * write to it; or lego-raw without a key authorization.  To be cleared in any
 * case.
 */
int		 exec_call_make(struct exec_call *,
		    const struct provider_call *, bool is_add, struct error *);
void		 exec_call_clear(struct exec_call *);

#endif
