/* SPDX-License-Identifier: MIT */
/* acmectl - talks to acmed.  See acmectl(1). */
#include <curl/curl.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "ctl/commands.h"

static const struct command {
	const char	*name;
	const char	*args;
	const char	*help;
	size_t		 least, most;	/* number of names */
	int		(*run)(const struct options *);
} commands[] = {
	{ "status", "[--check] [NAME]", "what acmed does, with which "
	    "certificates", 0, 1, cmd_status },
	{ "renew-now", "[--force] NAME...", "renew now, and show each step",
	    1, SIZE_MAX, cmd_renew_now },
	{ "check", "[--no-probe] [NAME...]", "would a renewal work, and if "
	    "not, why", 0, SIZE_MAX, cmd_check },
	{ "deploy", "[--no-wait] NAME [TARGET]", "deploy again, without "
	    "renewing", 1, 2, cmd_deploy },
	{ "rollback", "[--force] NAME", "deploy the previous certificate",
	    1, 1, cmd_rollback },
	{ "events", "[NAME]", "show the steps of all renewals as they come",
	    0, 1, cmd_events },
	{ "reload", "", "read the configuration again", 0, 0, cmd_reload },
	{ "list", "", "the names of the certificates", 0, 0, cmd_list },
	{ "notify-test", "[CHANNEL]", "send a test message to people",
	    0, 1, cmd_notify_test },
	{ "providers", "[TYPE]", "the DNS providers, or the options of one",
	    0, 1, cmd_providers },
	{ "persist", "[--write] NAME", "the standing records for "
	    "dns-persist-01", 1, 1, cmd_persist },
	{ "version", "", "versions of acmectl and acmed", 0, 0, cmd_version },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void
usage(FILE *out)
{
	(void)fputs("usage: acmectl [--socket PATH] [--json] COMMAND\n\n",
	    out);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char left[64];

		(void)text_printf(left, sizeof(left), "%s %s",
		    commands[i].name, commands[i].args);
		(void)fprintf(out, "  %-32s %s\n", left, commands[i].help);
	}
	(void)fputs("\n"
	    "  -s, --socket PATH   where acmed listens (" API_SOCKET ",\n"
	    "                      or $" API_SOCKET_ENV ")\n"
	    "  -j, --json          print what acmed says, as JSON\n"
	    "      --check         exit with 1 if a certificate is missing, "
	    "expired,\n"
	    "                      failing or not deployed\n"
	    "      --no-probe      add no TXT value to prove the "
	    "credentials\n"
	    "      --no-wait       begin, and do not wait for the end\n"
	    "      --write         let the provider write the records\n"
	    "      --remove        let it remove them\n"
	    "      --until TIME    when they end: 2027-12-31, or 365d from "
	    "now\n"
	    "      --force         renew although the CA asked to wait; roll "
	    "back also to\n"
	    "                      an expired certificate\n"
	    "  -h, --help          this text\n"
	    "  -V, --version       version of acmectl\n"
	    "\n"
	    "Exit codes: 0 done, 1 failed, 2 usage, 3 acmed is not running, "
	    "4 permission\ndenied, 5 no such certificate or refused, 6 check "
	    "found what would fail,\n130 interrupted.\n", out);
}

/* Returns a code to exit with. */
static int
misuse(const char *what, const char *word)
{
	const char *names[N_COMMANDS], *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	(void)fprintf(stderr, "acmectl: %s", what);
	if (word != NULL) {
		(void)fprintf(stderr, " \"%s\"", word);
		near = text_nearest(word, names, N_COMMANDS);
		if (near != NULL)
			(void)fprintf(stderr, "; did you mean \"%s\"?", near);
	}
	(void)fputs("; see: acmectl --help\n", stderr);
	return EXIT_USAGE;
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int
run(const char *word, struct options *o)
{
	const struct command *c = find(word);

	if (c == NULL)
		return misuse("there is no command", word);
	if (o->n_names < c->least)
		return misuse("which certificate? NAME is missing", NULL);
	if (o->n_names > c->most)
		return misuse("there are too many arguments", NULL);
	if (o->check && c->run != cmd_status)
		return misuse("--check is for status", NULL);
	if (o->no_probe && c->run != cmd_check)
		return misuse("--no-probe is for check", NULL);
	if ((o->write || o->remove || o->until != NULL) &&
	    c->run != cmd_persist)
		return misuse("--write, --remove and --until are for persist",
		    NULL);
	if (o->remove && (o->write || o->until != NULL))
		return misuse("--remove goes alone", NULL);
	if (o->no_wait && c->run != cmd_renew_now && c->run != cmd_deploy &&
	    c->run != cmd_rollback)
		return misuse("--no-wait is for renew-now, deploy and "
		    "rollback", NULL);
	if (o->force && c->run != cmd_rollback && c->run != cmd_renew_now)
		return misuse("--force is for renew-now and rollback", NULL);
	return c->run(o);
}

/* -1, or a code to exit with. */
static int
parse(int argc, char **argv, struct options *o)
{
	enum { OPT_CHECK = 256, OPT_NO_WAIT, OPT_NO_PROBE, OPT_WRITE,
	    OPT_REMOVE, OPT_UNTIL, OPT_FORCE };
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "no-probe", no_argument, NULL, OPT_NO_PROBE },
		{ "no-wait", no_argument, NULL, OPT_NO_WAIT },
		{ "write", no_argument, NULL, OPT_WRITE },
		{ "remove", no_argument, NULL, OPT_REMOVE },
		{ "until", required_argument, NULL, OPT_UNTIL },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "s:jhV", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			o->socket = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_NO_PROBE:
			o->no_probe = true;
			break;
		case OPT_NO_WAIT:
			o->no_wait = true;
			break;
		case OPT_WRITE:
			o->write = true;
			break;
		case OPT_REMOVE:
			o->remove = true;
			break;
		case OPT_UNTIL:
			o->until = optarg;
			break;
		case OPT_FORCE:
			o->force = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		case 'V':
			(void)printf("acmectl %s\n", PACKAGE_VERSION);
			return EXIT_OK;
		default:
			/* getopt_long() has said what is wrong. */
			return EXIT_USAGE;
		}
	}
	return -1;
}

/* Certificates are named as on the wire; people may write as they read. */
static void
to_wire(char **words)
{
	char wire[DNAME_SIZE];
	struct error ignored;

	for (; *words != NULL; words++) {
		bool is_ascii = true;

		for (const char *s = *words; *s != '\0'; s++)
			is_ascii = is_ascii && (unsigned char)*s < 0x80;
		if (!is_ascii && dname_normalize(*words, false, true, wire,
		    &ignored) == 0)
			*words = xstrdup(wire);	/* to the end */
	}
}

int
main(int argc, char **argv)
{
	const char *socket = getenv(API_SOCKET_ENV), *word;
	struct options o = {
		.socket = socket != NULL && *socket != '\0' ? socket :
		    API_SOCKET,
	};
	int code;

	(void)setlocale(LC_CTYPE, "");
	code = parse(argc, argv, &o);
	if (code != -1)
		return code;
	if (optind == argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	word = argv[optind];
	if (strcmp(word, "help") == 0) {
		usage(stdout);
		return EXIT_OK;
	}
	to_wire(argv + optind + 1);
	o.names = (const char *const *)argv + optind + 1;
	o.n_names = (size_t)(argc - optind - 1);
	term_init(&o.out, stdout);
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	code = run(word, &o);
	curl_global_cleanup();
	/* A full disk must not look like success. */
	if (fflush(stdout) == EOF || ferror(stdout) != 0) {
		(void)fputs("acmectl: cannot write the output\n", stderr);
		return EXIT_FAILED;
	}
	return code;
}
