/* SPDX-License-Identifier: MIT */
/* acmectl - talks to acmed.  See acmectl(1). */
#include <curl/curl.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "ctl/cli.h"
#include "ctl/commands.h"

static const struct cli_command commands[] = {
	{ "add", "NAME...", "configure a certificate, check, and obtain it",
	    0, SIZE_MAX, cmd_add, "add example.com '*.example.com' "
	    "--provider cloudflare --reload nginx" },
	{ "status", "[NAME|PATTERN]", "what acmed does, with which "
	    "certificates",
	    0, 1, cmd_status, "status example.com" },
	{ "check-status", "[NAME|PATTERN...]", "is all well: a plugin "
	    "for Nagios and Icinga", 0, SIZE_MAX, cmd_check_status,
	    "check-status --warning 20 --critical 10" },
	{ "renew-now", "[NAME...]", "renew now, and show each step",
	    0, SIZE_MAX, cmd_renew_now, "renew-now example.com" },
	{ "check", "[NAME...]", "would a renewal work, and if not, why",
	    0, SIZE_MAX, cmd_check, "check example.com" },
	{ "plan", "", "what is done next, and when",
	    0, 0, cmd_plan, "plan --days 60" },
	{ "history", "NAME", "the last steps of a certificate",
	    1, 1, cmd_history, "history example.com" },
	{ "show", "NAME", "all that is known of a certificate",
	    1, 1, cmd_show, "show --pem example.com" },
	{ "cleanup", "", "TXT records and files that are still to be removed",
	    0, 0, cmd_cleanup, "cleanup" },
	{ "edit", "NAME", "change its section in an editor, and reload",
	    1, 1, cmd_edit, "edit example.com" },
	{ "pause", "NAME", "begin no renewal of it",
	    1, 1, cmd_pause, "pause example.com --until 2027-01-10" },
	{ "resume", "NAME", "renew it again",
	    1, 1, cmd_resume, "resume example.com" },
	{ "rename", "OLD NEW", "give a certificate another name of its own",
	    2, 2, cmd_rename, "rename example.com web" },
	{ "remove", "NAME", "take it out of the configuration",
	    1, 1, cmd_remove, "remove example.com" },
	{ "delete", "NAME", "remove the files of one that is not configured",
	    1, 1, cmd_delete, "delete example.com" },
	{ "deploy", "NAME [TARGET]", "deploy again, without renewing",
	    1, 2, cmd_deploy, "deploy example.com nginx" },
	{ "rollback", "NAME", "deploy the previous certificate",
	    1, 1, cmd_rollback, "rollback example.com" },
	{ "rollout", "NAME ACTION", "of one that hosts take in waves: "
	    "continue, stop, rollback", 2, 2, cmd_rollout,
	    "rollout example.com continue" },
	{ "revoke", "NAME", "replace the certificate, then revoke the old one",
	    1, 1, cmd_revoke, "revoke example.com --reason keycompromise" },
	{ "account", "ACTION [NAME [FILE]]", "list, show, register, update, "
	    "rollover, deactivate, export, import",
	    1, 3, cmd_account, "account show letsencrypt" },
	{ "cluster", "status", "the daemons that share the work, and what "
	    "each renews", 1, 1, cmd_cluster, "cluster status" },
	{ "host", "ACTION [NAME [KEY]]", "hosts with keys of their own: "
	    "list, show, add, remove, key; or forget",
	    1, 3, cmd_host, "host add web-1" },
	{ "events", "[NAME]", "show the steps of all renewals as they come",
	    0, 1, cmd_events, "events" },
	{ "reload", "", "read the configuration again",
	    0, 0, cmd_reload, "reload" },
	{ "list", "[WHAT]", "the names of the certificates, or: targets NAME, "
	    "channels, accounts, providers, hosts", 0, 2, cmd_list, "list" },
	{ "notify-test", "[CHANNEL]", "send a test message to people",
	    0, 1, cmd_notify_test, "notify-test ops" },
	{ "providers", "[TYPE]", "the DNS providers, or the options of one",
	    0, 1, cmd_providers, "providers cloudflare" },
	{ "clouds", "[PRODUCT]", "the cloud products for certificates, or the "
	    "options of one", 0, 1, cmd_clouds, "clouds aliyun-cdn" },
	{ "persist", "NAME", "the standing records for dns-persist-01",
	    1, 1, cmd_persist, "persist --write example.com" },
	{ "export", "NAME DIR", "copy a certificate, for something else",
	    2, 2, cmd_export, "export example.com /root/copy --format pem" },
	{ "put", "NAME CHAIN KEY", "hand over a certificate that was bought "
	    "or made elsewhere", 3, 3, cmd_put,
	    "put shop /root/shop.pem /root/shop.key" },
	{ "import", "PROGRAM [DIR]", "take over what another ACME client has",
	    1, 2, cmd_import, "import certbot --dry-run" },
	{ "version", "", "versions of acmectl and acmed",
	    0, 0, cmd_version, "version" },
};

static const struct cli_option options[] = {
	{ "add", "challenge", "TYPE", "how the names are proved: http-01, "
	    "tls-alpn-01 or dns-01", CLI_TEXT,
	    offsetof(struct options, challenge) },
	{ "add", "provider", "P", "prove the names through this DNS "
	    "provider: a configured one, or the type of a new one",
	    CLI_TEXT, offsetof(struct options, provider) },
	{ "add", "option", "NAME=VALUE", "an option of the new provider; a "
	    "secret as NAME_file=PATH, or NAME_file=- from standard input",
	    CLI_LIST, offsetof(struct options, option) },
	{ "add", "webroot", "DIR", "prove them by files that the web server "
	    "on port 80 serves from there",
	    CLI_TEXT, offsetof(struct options, webroot) },
	{ "add", "listen", "ADDRESS", "acmed answers http-01 or tls-alpn-01 "
	    "there by itself, or: systemd", CLI_LIST,
	    offsetof(struct options, listen) },
	{ "add", "reload", "UNIT", "reload this service after each renewal, "
	    "such as nginx", CLI_LIST, offsetof(struct options, reload) },
	{ "add", "verify", "HOST:PORT", "check there that the new "
	    "certificate is served",
	    CLI_LIST, offsetof(struct options, verify) },
	{ "add", "key", "TYPE", "ec256 (the default), ec384, rsa2048, "
	    "rsa3072 or rsa4096; a pair: ec256,rsa2048",
	    CLI_TEXT, offsetof(struct options, key) },
	{ "add", "csr", "FILE", "a certificate request, whose key is "
	    "elsewhere; its names need not be given",
	    CLI_TEXT, offsetof(struct options, csr) },
	{ "add", "profile", "P", "the CA's profile, such as tlsserver or "
	    "shortlived (which: acmectl account show)",
	    CLI_TEXT, offsetof(struct options, profile) },
	{ "add", "name", "NAME", "the certificate's own name (default: the "
	    "first of its names)",
	    CLI_TEXT, offsetof(struct options, cert_name) },
	{ "add", "account", "A", "the account to use, or the name of a new "
	    "one", CLI_TEXT, offsetof(struct options, account) },
	{ "add", "directory", "URL", "a new account at this CA (default: "
	    "Let's Encrypt)", CLI_TEXT, offsetof(struct options, directory) },
	{ "add", "staging", NULL, "a new account at Let's Encrypt's staging "
	    "CA, which browsers do not trust",
	    CLI_FLAG, offsetof(struct options, staging) },
	{ "add", "ca-file", "FILE", "the certificate of a private CA's own "
	    "server", CLI_TEXT, offsetof(struct options, ca_file) },
	{ "add", "email", "ADDRESS", "the new account's contact",
	    CLI_TEXT, offsetof(struct options, email) },
	{ "add", "agree-tos", NULL, "you agree to the CA's terms of service",
	    CLI_FLAG, offsetof(struct options, agree_tos) },
	{ "add", "force", NULL, "go on although the check found failures",
	    CLI_FLAG, offsetof(struct options, force) },
	{ "status", "check", NULL, "exit with 1 if a certificate is missing, "
	    "expired, failing or not deployed", CLI_FLAG,
	    offsetof(struct options, check) },
	{ "status", "failing", NULL, "only those that are not well",
	    CLI_FLAG, offsetof(struct options, failing) },
	{ "status", "expires-within", "SPAN", "only those that end so soon, "
	    "such as 20d, or are missing", CLI_TEXT,
	    offsetof(struct options, expires_within) },
	{ "status", "all-hosts", NULL, "what each host serves of the "
	    "certificates that are published here", CLI_FLAG,
	    offsetof(struct options, all_hosts) },
	{ "status", "watch", NULL, "stay, and show what changes, until "
	    "Ctrl-C", CLI_FLAG, offsetof(struct options, watch) },
	{ "check-status", "warning", "DAYS", "warn if a certificate ends so "
	    "soon (default: a quarter of its lifetime)", CLI_SHORT,
	    offsetof(struct options, warning) },
	{ "check-status", "critical", "DAYS", "the same of what is critical "
	    "(default: an eighth)", CLI_SHORT,
	    offsetof(struct options, critical) },
	{ "renew-now", "all", NULL, "all certificates",
	    CLI_FLAG, offsetof(struct options, all) },
	{ "renew-now", "failed", NULL, "those that are not well",
	    CLI_FLAG, offsetof(struct options, failed) },
	{ "renew-now", "due-within", "SPAN", "those that are due so soon, "
	    "such as 10d", CLI_TEXT, offsetof(struct options, due_within) },
	{ "renew-now", "dry-run", NULL, "try it all at the CA's staging "
	    "directory; nothing is installed or changed", CLI_FLAG,
	    offsetof(struct options, dry_run) },
	{ "renew-now", "directory", "URL", "the directory for --dry-run",
	    CLI_TEXT, offsetof(struct options, directory) },
	{ "plan", "days", "N", "look so far ahead (default: 30)",
	    CLI_TEXT, offsetof(struct options, days) },
	{ "show", "pem", NULL, "print its chain, as PEM",
	    CLI_FLAG, offsetof(struct options, pem) },
	{ "check", "no-probe", NULL, "add no TXT value to prove the "
	    "credentials", CLI_FLAG, offsetof(struct options, no_probe) },
	{ "check", "write-caa", NULL, "instead: let the provider add CAA "
	    "records that let only this account issue", CLI_FLAG,
	    offsetof(struct options, write_caa) },
	{ "persist", "write", NULL, "let the provider write the records",
	    CLI_FLAG, offsetof(struct options, write) },
	{ "persist", "remove", NULL, "let the provider remove them",
	    CLI_FLAG, offsetof(struct options, remove) },
	{ "persist", "until", "TIME", "when they end: 2027-12-31, or 365d "
	    "from now", CLI_TEXT, offsetof(struct options, until) },
	{ "pause", "until", "TIME", "when they begin again: 2027-12-31, or "
	    "30d from now (default: with resume)",
	    CLI_TEXT, offsetof(struct options, until) },
	{ "revoke", "reason", "REASON", "keycompromise, superseded, "
	    "cessationofoperation, affiliationchanged or unspecified",
	    CLI_TEXT, offsetof(struct options, reason) },
	{ "revoke", "only", NULL, "issue no replacement, also of the one in "
	    "use", CLI_FLAG, offsetof(struct options, only) },
	{ "revoke", "cancel", NULL, "give up what is still to be revoked",
	    CLI_FLAG, offsetof(struct options, cancel) },
	{ "revoke", "by", "WHO", "account (the default), or certificate: "
	    "signed with its own key", CLI_TEXT, offsetof(struct options, by) },
	{ "revoke", "serial", "SERIAL", "an earlier one that is still in "
	    "the archive", CLI_TEXT, offsetof(struct options, serial) },
	{ "revoke", "force", NULL, "replace it even if the CA asked to wait",
	    CLI_FLAG, offsetof(struct options, force) },
	{ "check delete import revoke account", "yes", NULL, "do not ask",
	    CLI_FLAG, offsetof(struct options, yes) },
	{ "export", "format", "FORMAT", "pem (the default), pkcs12, or "
	    "certbot: into its directory", CLI_TEXT,
	    offsetof(struct options, format) },
	{ "export", "password-file", "FILE", "the password of pkcs12",
	    CLI_TEXT, offsetof(struct options, password_file) },
	{ "import", "dry-run", NULL, "only show what would be done",
	    CLI_FLAG, offsetof(struct options, dry_run) },
	{ "import", "switch", NULL, "then disable what runs the other "
	    "program: its timer, or its line in a crontab", CLI_FLAG,
	    offsetof(struct options, switch_over) },
	{ "import", "provider", "NAME", "for names whose DNS provider is not "
	    "told there: one of acmed.conf", CLI_TEXT,
	    offsetof(struct options, provider) },
	{ "import", "webroot", "DIR", "for names whose web server the other "
	    "program changed by itself: a directory that it serves",
	    CLI_TEXT, offsetof(struct options, webroot) },
	{ "import", "dns", "NAME", "by lego's name, the DNS provider, where "
	    "the other program does not tell; credentials are in the "
	    "environment", CLI_TEXT, offsetof(struct options, dns) },
	{ "import", "env-file", "FILE", "that environment, as lines "
	    "NAME=VALUE", CLI_TEXT, offsetof(struct options, env_file) },
	{ "import", "directory", "URL", "of the CA, where the other program "
	    "does not tell, and it is not a well-known one", CLI_TEXT,
	    offsetof(struct options, directory) },
	{ "add renew-now deploy rollback put", "no-wait", NULL, "begin, and do "
	    "not wait for the end", CLI_FLAG,
	    offsetof(struct options, no_wait) },
	{ "account", "force", NULL, "import: in place of another key",
	    CLI_FLAG, offsetof(struct options, force) },
	{ "renew-now", "force", NULL, "renew although the CA asked to wait",
	    CLI_FLAG, offsetof(struct options, force) },
	{ "rollback", "force", NULL, "also to an expired certificate, or one "
	    "without a file that the one in use has",
	    CLI_FLAG, offsetof(struct options, force) },
};

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
	static const struct cli cli = { commands,
	    sizeof(commands) / sizeof(commands[0]), options,
	    sizeof(options) / sizeof(options[0]) };
	const char *socket = getenv(API_SOCKET_ENV);
	struct options o = {
		.socket = socket != NULL && *socket != '\0' ? socket :
		    API_SOCKET,
	};
	const struct cli_command *command;
	int code;

	(void)setlocale(LC_CTYPE, "");
	jsonx_init();
	code = cli_parse(&cli, argc, argv, &o, &command);
	/* To Nagios 2 is a verdict, of what was not looked at. */
	for (int i = 1; code == EXIT_USAGE && i < argc; i++) {
		if (strcmp(argv[i], "check-status") == 0)
			code = EXIT_PLUGIN_UNKNOWN;
	}
	if (code == -1) {
		to_wire((char **)(uintptr_t)o.names);
		term_init(&o.out, stdout, o.colour);
		(void)curl_global_init(CURL_GLOBAL_DEFAULT);
		code = command->run(&o);
		curl_global_cleanup();
	}
	cli_free(&cli, &o);
	/* A full disk must not look like success. */
	if (fflush(stdout) == EOF || ferror(stdout) != 0) {
		(void)fputs("acmectl: cannot write the output\n", stderr);
		return EXIT_FAILED;
	}
	return code;
}
