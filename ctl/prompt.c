/* SPDX-License-Identifier: MIT */
#include "ctl/prompt.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/mem.h"

/* As the terminal was before its echo was taken. */
static struct termios before;

bool
prompt_is_possible(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

static char *
read_answer(const char *fallback)
{
	char *line = NULL, *begin, *answer;
	size_t size = 0, len;

	(void)fflush(stderr);
	if (getline(&line, &size, stdin) == -1) {
		(void)fputc('\n', stderr);
		free(line);
		return NULL;
	}
	begin = line + strspn(line, " \t");
	len = strlen(begin);
	while (len > 0 && isspace((unsigned char)begin[len - 1]))
		len--;
	answer = len > 0 ? xstrndup(begin, len) : xstrdup(fallback);
	freezero(line, size);
	return answer;
}

char *
prompt_line(const char *question, const char *fallback)
{
	(void)fprintf(stderr, "%s%s%s%s: ", question,
	    *fallback != '\0' ? " [" : "", fallback,
	    *fallback != '\0' ? "]" : "");
	return read_answer(fallback);
}

/* Ctrl-C must not leave a terminal without echo. */
static void
restore_cb(int sig)
{
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

char *
prompt_secret(const char *question)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	enum { N = sizeof(signals) / sizeof(signals[0]) };
	const struct sigaction catch = { .sa_handler = restore_cb };
	struct sigaction old[N];
	struct termios quiet;
	char *answer;
	bool has_echo = tcgetattr(STDIN_FILENO, &before) == 0;

	/* First no echo, then the question: nobody answers too early. */
	if (has_echo) {
		for (int i = 0; i < N; i++)
			(void)sigaction(signals[i], &catch, &old[i]);
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	(void)fprintf(stderr, "%s (not shown): ", question);
	answer = read_answer("");
	if (has_echo) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		for (int i = 0; i < N; i++)
			(void)sigaction(signals[i], &old[i], NULL);
		(void)fputc('\n', stderr);
	}
	return answer;
}

bool
prompt_yes(const char *question, bool fallback)
{
	char *answer;
	bool yes;

	(void)fprintf(stderr, "%s [%s]? ", question, fallback ? "Y/n" :
	    "y/N");
	answer = read_answer(fallback ? "y" : "n");
	yes = answer != NULL && (answer[0] == 'y' || answer[0] == 'Y');
	free(answer);
	return yes;
}
