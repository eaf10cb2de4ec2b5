/* SPDX-License-Identifier: MIT */
#include "ctl/cli.h"

#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "common/api.h"
#include "common/mem.h"
#include "common/text.h"

/* An option as it was given, before the command is known. */
struct given {
	const char	*name, *value;
};

enum { LONG_OPTION = 256, COLOUR_OPTION, HELP_COLUMN = 24, WIDTH = 79 };

static const char common_options[] =
    "  -s, --socket PATH   where acmed listens (" API_SOCKET ",\n"
    "                      or $" API_SOCKET_ENV ")\n"
    "  -c, --config FILE   acmed.conf, for what writes to it (the running\n"
    "                      acmed's, or " SYSCONFDIR "/acmed/acmed.conf)\n"
    "  -j, --json          print what acmed says, as JSON\n"
    "      --color WHEN    auto (the default: on a terminal), always or "
    "never\n"
    "  -h, --help          this text; behind a command, that of the command\n"
    "  -V, --version       version of acmectl\n";

static void
usage(const struct cli *cli, FILE *out)
{
	(void)fputs("usage: acmectl [--socket PATH] [--json] COMMAND\n\n",
	    out);
	for (size_t i = 0; i < cli->n_commands; i++) {
		char left[64];

		(void)text_printf(left, sizeof(left), "%s %s",
		    cli->commands[i].name, cli->commands[i].args);
		(void)fprintf(out, "  %-*s %s\n", HELP_COLUMN + 2, left,
		    cli->commands[i].help);
	}
	(void)fprintf(out, "\n%s\n"
	    "acmectl COMMAND --help shows the options of a command, and an "
	    "example.\n\n"
	    "Exit codes: 0 done, 1 failed, 2 usage, 3 acmed is not running, "
	    "4 permission\ndenied, 5 no such certificate or refused, 6 check "
	    "found what would fail,\n130 interrupted.\n", common_options);
}

/* Is word one of the words of list? */
static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list != '\0'; list += strspn(list, " ")) {
		size_t len = strcspn(list, " ");

		if (len == n && strncmp(list, word, n) == 0)
			return true;
		list += len;
	}
	return false;
}

static void
print_option(FILE *out, const struct cli_option *o)
{
	char left[64], letter[8] = "   ";
	const char *s = o->help;
	size_t at;

	if (o->kind == CLI_SHORT)
		(void)text_printf(letter, sizeof(letter), "-%c,", o->name[0]);
	(void)text_printf(left, sizeof(left), "  %s --%s%s%s", letter, o->name,
	    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
	at = (size_t)fprintf(out, "%-*s", HELP_COLUMN, left);
	if (strlen(left) >= HELP_COLUMN) {
		(void)fprintf(out, "\n%*s", HELP_COLUMN, "");
		at = HELP_COLUMN;
	}
	/* Words in lines. */
	while (*s != '\0') {
		size_t len = strcspn(s, " ");

		if (at > HELP_COLUMN && at + 1 + len > WIDTH) {
			(void)fprintf(out, "\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		at += (size_t)fprintf(out, "%s%.*s",
		    at > HELP_COLUMN ? " " : "", (int)len, s);
		s += len;
		s += strspn(s, " ");
	}
	(void)fputc('\n', out);
}

static void
usage_of(const struct cli *cli, const struct cli_command *c)
{
	bool any = false;

	(void)printf("usage: acmectl %s%s%s\n\n%c%s.\n", c->name,
	    *c->args != '\0' ? " " : "", c->args, c->help[0] & ~0x20,
	    c->help + 1);
	for (size_t i = 0; i < cli->n_options; i++) {
		if (!has_word(cli->options[i].commands, c->name))
			continue;
		if (!any)
			(void)fputc('\n', stdout);
		any = true;
		print_option(stdout, &cli->options[i]);
	}
	(void)printf("\n%s\nExample: acmectl %s\nMore: man acmectl\n",
	    common_options, c->example);
}

/* Returns a code to exit with. */
static int
misuse(const struct cli *cli, const char *what, const char *word)
{
	const char **names = xcalloc(cli->n_commands, sizeof(*names)), *near;

	for (size_t i = 0; i < cli->n_commands; i++)
		names[i] = cli->commands[i].name;
	(void)fprintf(stderr, "acmectl: %s", what);
	if (word != NULL) {
		(void)fprintf(stderr, " \"%s\"", word);
		near = text_nearest(word, names, cli->n_commands);
		if (near != NULL)
			(void)fprintf(stderr, "; did you mean \"%s\"?", near);
	}
	(void)fputs("; see: acmectl --help\n", stderr);
	free(names);
	return EXIT_USAGE;
}

static const struct cli_command *
find(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_commands; i++) {
		if (strcmp(cli->commands[i].name, name) == 0)
			return &cli->commands[i];
	}
	return NULL;
}

static void
set(struct options *o, const struct cli_option *option, const char *value)
{
	char *member = (char *)o + option->offset;
	const char ***list;
	size_t n = 0;

	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)(void *)member = true;
		break;
	case CLI_TEXT:
	case CLI_SHORT:
		*(const char **)(void *)member = value;
		break;
	case CLI_LIST:
		list = (const char ***)(void *)member;
		while (*list != NULL && (*list)[n] != NULL)
			n++;
		*list = xreallocarray(*list, n + 2, sizeof(**list));
		(*list)[n] = value;	/* lent */
		(*list)[n + 1] = NULL;
		break;
	}
}

void
cli_free(const struct cli *cli, struct options *o)
{
	for (size_t i = 0; i < cli->n_options; i++) {
		const char ***list = (const char ***)(void *)((char *)o +
		    cli->options[i].offset);

		if (cli->options[i].kind != CLI_LIST)
			continue;
		free(*list);
		*list = NULL;
	}
}

static bool
is_named(const struct cli_option *o, const char *name)
{
	return strcmp(o->name, name) == 0 ||
	    (o->kind == CLI_SHORT && name[1] == '\0' && o->name[0] == name[0]);
}

/* "--force is for renew-now and rollback" */
static int
not_for(const struct cli *cli, const char *name)
{
	char *list = xstrdup(""), *what;
	int code;

	for (size_t i = 0; i < cli->n_options; i++) {
		char *longer;

		if (!is_named(&cli->options[i], name))
			continue;
		longer = xasprintf("%s%s%s", list, *list != '\0' ? " " : "",
		    cli->options[i].commands);
		free(list);
		list = longer;
	}
	what = xasprintf("-%s%s is for %s", name[1] != '\0' ? "-" : "", name,
	    list);
	code = misuse(cli, what, NULL);
	free(what);
	free(list);
	return code;
}

static int
take_options(const struct cli *cli, const struct cli_command *c,
    const struct given *given, size_t n, struct options *o)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < cli->n_options &&
		    (!is_named(&cli->options[j], given[i].name) ||
		    !has_word(cli->options[j].commands, c->name)))
			j++;
		if (j < cli->n_options) {
			set(o, &cli->options[j], given[i].value);
		} else if (strcmp(given[i].name, "c") == 0) {
			o->conf = given[i].value;
		} else {
			return not_for(cli, given[i].name);
		}
	}
	return -1;
}

/* Those of all commands, each name once; the caller frees. */
static struct option *
all_options(const struct cli *cli)
{
	static const struct option common[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "color", required_argument, NULL, COLOUR_OPTION },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
	};
	enum { N_COMMON = sizeof(common) / sizeof(common[0]) };
	struct option *all = xcalloc(N_COMMON + cli->n_options + 1,
	    sizeof(*all));
	size_t n = N_COMMON;

	memcpy(all, common, sizeof(common));
	for (size_t i = 0; i < cli->n_options; i++) {
		const struct cli_option *o = &cli->options[i];
		size_t j = 0;

		while (j < n && strcmp(all[j].name, o->name) != 0)
			j++;
		if (j == n)
			all[n++] = (struct option){ o->name, o->arg != NULL ?
			    required_argument : no_argument, NULL,
			    LONG_OPTION };
	}
	return all;
}

static int
read_colour(const struct cli *cli, const char *when, struct options *o)
{
	static const char *const names[] = {
		[TERM_AUTO] = "auto", [TERM_ALWAYS] = "always",
		[TERM_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(when, names[i]) == 0) {
			o->colour = (enum term_when)i;
			return -1;
		}
	}
	return misuse(cli, "--color is auto, always or never", NULL);
}

/* As cli_parse(), but for the words, which are left at optind. */
static int
read_options(const struct cli *cli, int argc, char **argv,
    struct options *o, struct given *given, size_t *n, bool *wants_help)
{
	struct option *all = all_options(cli);
	int opt, at = -1, code = -1;

	while (code == -1 &&
	    (opt = getopt_long(argc, argv, "s:c:w:jhV", all, &at)) != -1) {
		/* A letter may be another option's of the command. */
		if (at == -1 && (opt == 'c' || opt == 'w'))
			opt = LONG_OPTION + opt;
		switch (opt) {
		case LONG_OPTION + 'c':
			given[(*n)++] = (struct given){ "c", optarg };
			break;
		case LONG_OPTION + 'w':
			given[(*n)++] = (struct given){ "w", optarg };
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'c':
			o->conf = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case COLOUR_OPTION:
			code = read_colour(cli, optarg, o);
			break;
		case 'h':
			*wants_help = true;
			break;
		case 'V':
			(void)printf("acmectl %s\n", PACKAGE_VERSION);
			code = EXIT_OK;
			break;
		case LONG_OPTION:
			given[(*n)++] = (struct given){ all[at].name, optarg };
			break;
		default:
			/* getopt_long() has said what is wrong. */
			code = EXIT_USAGE;
			break;
		}
		at = -1;
	}
	free(all);
	return code;
}

static int
too_few(const struct cli_command *c, size_t n)
{
	(void)fprintf(stderr, "acmectl: %s: acmectl %s %s; see: acmectl %s "
	    "--help\n", n == 0 && strncmp(c->args, "NAME", 4) == 0 ?
	    "which certificate? NAME is missing" : "an argument is missing",
	    c->name, c->args, c->name);
	return EXIT_USAGE;
}

/* The command is the first word; "help" is one of ours. */
static int
take_words(const struct cli *cli, char **words, size_t n, bool wants_help,
    const struct cli_command **command)
{
	const struct cli_command *c;

	if (n > 0 && strcmp(words[0], "help") == 0) {
		wants_help = true;
		words++;
		n--;
	}
	if (n == 0) {
		usage(cli, wants_help ? stdout : stderr);
		return wants_help ? EXIT_OK : EXIT_USAGE;
	}
	c = find(cli, words[0]);
	if (c == NULL)
		return misuse(cli, "there is no command", words[0]);
	if (wants_help) {
		usage_of(cli, c);
		return EXIT_OK;
	}
	if (n - 1 < c->least)
		return too_few(c, n - 1);
	if (n - 1 > c->most)
		return misuse(cli, "there are too many arguments", NULL);
	*command = c;
	return -1;
}

int
cli_parse(const struct cli *cli, int argc, char **argv, struct options *o,
    const struct cli_command **command)
{
	struct given *given = xcalloc((size_t)argc + 1, sizeof(*given));
	bool wants_help = false;
	size_t n = 0;
	int code = read_options(cli, argc, argv, o, given, &n, &wants_help);

	if (code == -1)
		code = take_words(cli, argv + optind, (size_t)(argc - optind),
		    wants_help, command);
	if (code == -1)
		code = take_options(cli, *command, given, n, o);
	free(given);
	if (code != -1)
		return code;
	o->names = (const char *const *)argv + optind + 1;
	o->n_names = (size_t)(argc - optind - 1);
	return -1;
}
