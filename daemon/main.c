/* SPDX-License-Identifier: MIT */
/*
 * main - wiring: arguments, signals, and the objects that make up acmed.
 */
#include <curl/curlver.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/provider_text.h"
#include "config.h"
#include "daemon/alerts/start_failed.h"
#include "daemon/config/as_daemon.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_diff.h"
#include "daemon/config/conf_read.h"
#include "daemon/config/conf_start.h"
#include "daemon/control/clouds.h"
#include "daemon/control/control.h"
#include "daemon/control/providers.h"
#include "daemon/control/recipes.h"
#include "daemon/engine/engine.h"
#include "daemon/io/child.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"
#include "daemon/io/sdbus.h"
#include "daemon/io/smtp.h"
#include "daemon/notify/channel.h"
#include "daemon/status/status.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"

struct acmed {
	const char	*path;
	const struct conf *conf;
	struct loop	*loop;
	struct sd	*sd;
	struct sdbus	*sdbus;
	struct store	*store;
	struct children	*children;
	struct http	*ca_http, *http;
	struct engine	*engine;
	struct control	*control;
	struct status	*status;
	struct sigwatch	 term, intr, hup;
	struct timer	 reread;	/* the engine asks for a reload */
	bool		 is_stopping;
};

static void
print_line(enum conf_level level, const char *line, void *arg)
{
	static const char *const words[] = { [CONF_MISTAKE] = "",
	    [CONF_WARNING] = "warning: ", [CONF_NOTE] = "note: " };

	fprintf(stderr, "%s%s\n", words[level], line);
}

/* --- reload --- */

/* conf_load() for the daemon: the parser's memory goes back to the system. */
static struct conf *
load(const char *path, conf_report_cb *report, void *arg)
{
	struct conf *conf = conf_load(path, report, arg);

	(void)malloc_trim(0);
	return conf;
}

struct report {
	json_t		*lines;		/* of mistakes; may be NULL */
	json_t		*warnings;
	char		 first[1024];
	size_t		 n;
};

static void
collect_line(enum conf_level level, const char *line, void *arg)
{
	struct report *r = arg;

	if (level != CONF_MISTAKE) {
		log_warning(NULL, "%s", line);
		(void)json_array_append_new(r->warnings, json_string(line));
		return;
	}
	log_error(NULL, "%s", line);
	if (r->n++ == 0)
		(void)snprintf(r->first, sizeof(r->first), "%s", line);
	if (r->lines != NULL)
		(void)json_array_append_new(r->lines, json_string(line));
}

static void
note_change(const char *kind, const char *name, void *arg)
{
	json_t *taken = arg, *list = json_object_get(taken, kind);

	if (list == NULL) {
		list = json_array();
		(void)json_object_set_new(taken, kind, list);
	}
	(void)json_array_append_new(list, json_string(name));
}

/* The configuration without a mistake is what a later start falls back to. */
static void
keep(const struct conf *conf)
{
	struct error err;

	if (conf_keep(conf, &err) == -1)
		log_warning(NULL, "the configuration is not kept for a start "
		    "with mistakes: %s", err.msg);
	(void)malloc_trim(0);		/* all of its texts are gone */
}

static void
warn_fixed(const char *key, const char *old, const char *new)
{
	if (strcmp(old, new) != 0)
		log_warning(NULL, "%s = \"%s\" takes effect at the next "
		    "restart; \"%s\" is still used", key, new, old);
}

/* Nobody's certificate depends on it: to go on without it is better than to
 * end. */
static void
listen_status(struct acmed *a, json_t *warnings)
{
	struct error err;

	if (status_listen(a->status, a->conf, &err) == 0)
		return;
	log_error(NULL, "%s", err.msg);
	if (warnings != NULL)
		(void)json_array_append_new(warnings, json_string(err.msg));
}

static json_t *
reload(void *arg, struct error *err, json_t *lines)
{
	struct acmed *a = arg;
	struct report report = { .lines = lines,
	    .warnings = json_array() };
	struct conf *conf;
	json_t *changes, *taken;
	char *text;

	if (a->is_stopping) {
		(void)error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
		json_decref(report.warnings);
		return NULL;
	}
	sd_reloading(a->sd);
	conf = load(a->path, collect_line, &report);
	if (conf == NULL) {
		/* The lines go with it. */
		(void)error_set(err, ERR_CONFIG, "conf:invalid",
		    "%zu mistake%s in the configuration; the old one stays in "
		    "force", report.n, report.n == 1 ? "" : "s");
		log_error(&(struct log_ctx){ .code = err->code,
		    .id = LOGM_CONFIG_REJECTED }, "not reloaded: %s",
		    err->msg);
		text = xasprintf("%s; %s%s", err->msg, report.n > 1 ?
		    "the first: " : "", report.first);
		engine_set_reload_error(a->engine, text);
		free(text);
		sd_ready(a->sd);
		json_decref(report.warnings);
		return NULL;
	}
	warn_fixed("state_dir", a->conf->state_dir, conf->state_dir);
	warn_fixed("control_socket", a->conf->control_socket,
	    conf->control_socket);
	taken = json_object();
	conf_diff(a->conf, conf, note_change, taken);
	changes = engine_reload(a->engine, conf);
	(void)json_object_set_new(changes, "taken", taken);
	log_set_level(conf->log_level);
	conf_unref(a->conf);
	a->conf = conf;
	listen_status(a, report.warnings);
	(void)json_object_set(changes, "warnings", report.warnings);
	json_decref(report.warnings);
	keep(conf);
	log_notice(NULL, "configuration reloaded: %zu added, %zu removed, %zu "
	    "changed", json_array_size(json_object_get(changes, "added")),
	    json_array_size(json_object_get(changes, "removed")),
	    json_array_size(json_object_get(changes, "changed")));
	sd_ready(a->sd);
	return changes;
}

/* --- signals --- */

static void
stopped(void *arg)
{
	struct acmed *a = arg;

	loop_stop(a->loop);
}

static void
stop_cb(void *arg)
{
	struct acmed *a = arg;

	if (a->is_stopping) {
		log_notice(NULL, "stopping at once");
		loop_stop(a->loop);
		return;
	}
	a->is_stopping = true;
	log_notice(NULL, "stopping");
	sd_stopping(a->sd);
	engine_stop(a->engine, stopped, a);
}

static void
hup_cb(void *arg)
{
	struct error err;

	json_decref(reload(arg, &err, NULL));
}

/* Not from within the engine, which a reload changes. */
static void
reread(void *arg)
{
	struct acmed *a = arg;

	timer_set(&a->reread, 0);
}

/* --- start and end --- */

/* Keys live in our memory: no core dumps, and no tracing by other processes
 * of this user.  (LeakSanitizer traces itself.) */
static void
protect_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static void
acmed_clear(struct acmed *a)
{
	status_free(a->status);
	control_free(a->control);
	engine_free(a->engine);
	http_free(a->ca_http);
	http_free(a->http);
	children_free(a->children);
	sdbus_free(a->sdbus);
	store_close(a->store);
	sd_free(a->sd);
	loop_free(a->loop);
	conf_unref(a->conf);
}

static int
acmed_open(struct acmed *a, struct error *err)
{
	static const char agent[] =
	    "acmed/" PACKAGE_VERSION " libcurl/" LIBCURL_VERSION;
	struct engine_args args;

	a->children = children_new(a->loop);
	a->http = http_new(a->loop, agent);
	a->store = store_open(a->loop, a->conf->state_dir, err);
	if (a->store == NULL)
		return -1;
	a->sdbus = sdbus_new(a->loop);
	a->ca_http = http_new(a->loop, agent);
	args = (struct engine_args){
		.loop = a->loop,
		.ca_http = a->ca_http,
		.http = a->http,
		.children = a->children,
		.store = a->store,
		.sd = a->sd,
		.sdbus = a->sdbus,
		.conf = a->conf,
		.reread = reread,
		.reread_arg = a,
	};
	a->engine = engine_new(&args, err);
	if (a->engine == NULL)
		return -1;
	a->control = control_new(a->loop, a->engine, a->conf->control_socket,
	    reload, a, err);
	a->status = status_new(a->loop, a->engine);
	return a->control != NULL ? 0 : -1;
}

/* Into the log if that is the journal, else as --check-config has it. */
static void
start_line(enum conf_level level, const char *line, void *arg)
{
	if (getenv("JOURNAL_STREAM") == NULL)
		print_line(level, line, arg);
	else if (level == CONF_MISTAKE)
		log_error(NULL, "%s", line);
	else
		log_warning(NULL, "%s", line);
}

/* As it was not started, there is no acmectl status: say it where people look,
 * and to them.  Not to one who sits before it. */
static void
tell_failed(const struct acmed *a, const struct error *err)
{
	char host[DNAME_SIZE];
	const struct channel_env env = { .loop = a->loop,
	    .children = a->children, .http = a->http, .host = host };

	log_error(NULL, "cannot start: %s", err->msg);
	sd_status(a->sd, "Cannot start: %s", err->msg);
	dname_of_host(host);
	if (start_failed_keep(a->conf->control_socket, err) == 0 &&
	    isatty(STDERR_FILENO) == 0)
		start_failed_tell(&env, a->conf, err);
}

/* Nothing of the configuration can be used, so that nobody can be told. */
static void
keep_mistaken(const char *path)
{
	char *socket = conf_guess(path, "control_socket", API_SOCKET);
	struct error err;

	(void)error_set(&err, ERR_CONFIG, "conf:invalid", "the configuration "
	    "has mistakes; acmed --check-config lists them");
	sd_status(NULL, "Cannot start: %s", err.msg);
	(void)start_failed_keep(socket, &err);
	free(socket);
}

static int
run(const char *path)
{
	struct acmed a = { .path = path };
	struct error err;
	char *problem;

	log_open();
	a.conf = conf_load_start(path, start_line, NULL, &problem);
	(void)malloc_trim(0);
	if (a.conf == NULL) {
		keep_mistaken(path);
		return 1;
	}
	log_set_level(a.conf->log_level);
	protect_memory();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	a.loop = loop_new();
	a.sd = sd_new(a.loop);
	if (acmed_open(&a, &err) == -1) {
		tell_failed(&a, &err);
		acmed_clear(&a);
		free(problem);
		/* A damaged state.db does not mend itself, either. */
		return err.kind == ERR_CONFIG ||
		    strcmp(err.code, "store:db") == 0 ? 1 : EX_TEMPFAIL;
	}
	if (problem == NULL) {
		keep(a.conf);
	} else {
		conf_forget_files(a.conf);
		engine_set_reload_error(a.engine, problem);
	}
	free(problem);
	start_failed_forget(a.conf->control_socket);
	timer_init(&a.reread, a.loop, hup_cb, &a);
	sigwatch_set(&a.term, a.loop, SIGTERM, stop_cb, &a);
	sigwatch_set(&a.intr, a.loop, SIGINT, stop_cb, &a);
	sigwatch_set(&a.hup, a.loop, SIGHUP, hup_cb, &a);
	engine_start(a.engine);
	listen_status(&a, NULL);
	log_notice(NULL, "acmed %s started: %zu certificate%s in %s",
	    PACKAGE_VERSION, a.conf->n_certs, a.conf->n_certs == 1 ? "" : "s",
	    path);
	sd_ready(a.sd);
	loop_run(a.loop);
	sigwatch_clear(&a.term);
	sigwatch_clear(&a.intr);
	sigwatch_clear(&a.hup);
	timer_clear(&a.reread);
	acmed_clear(&a);
	log_notice(NULL, "stopped");
	return 0;
}

static int
check_config(const char *path)
{
	const struct conf *conf;
	struct error err;

	if (as_daemon(path, &err) == -1) {
		fprintf(stderr, "acmed: %s\n", err.msg);
		return 1;
	}
	conf = conf_check(path, print_line, NULL);
	if (conf == NULL)
		return 1;
	printf("%s: ok, %zu certificate%s, %zu account%s, %zu provider%s\n",
	    path, conf->n_certs, conf->n_certs == 1 ? "" : "s",
	    conf->n_accounts, conf->n_accounts == 1 ? "" : "s",
	    conf->n_providers, conf->n_providers == 1 ? "" : "s");
	conf_unref(conf);
	return 0;
}

/* What acmectl providers, or clouds, prints, for those who have no daemon
 * yet. */
static int
list_kinds(json_t *(*all)(void), json_t *(*one)(const char *,
    struct error *), const char *name)
{
	struct error err;
	json_t *j = name == NULL ? all() : one(name, &err);
	char *text;

	if (j == NULL) {
		fprintf(stderr, "acmed: %s\n", err.msg);
		return 1;
	}
	text = provider_text(j);
	fputs(text, stdout);
	free(text);
	json_decref(j);
	return 0;
}

/* The same of files, beside that configuration and of the package. */
static int
list_recipes(enum recipe_kind kind, const char *conf_path, const char *name)
{
	char *text, *why = NULL;
	json_t *j = name == NULL ? recipes_list(kind, conf_path) :
	    recipes_one(kind, conf_path, name, &why);

	if (j == NULL) {
		fputs(why, stderr);
		free(why);
		return 1;
	}
	text = provider_text(j);
	fputs(text, stdout);
	free(text);
	json_decref(j);
	return 0;
}

static int
usage(FILE *out, int status)
{
	fprintf(out,
	    "Usage: acmed [-c FILE] [--check-config]\n"
	    "       acmed --list-providers [TYPE]\n"
	    "       acmed --list-clouds [PRODUCT]\n"
	    "       acmed [-c FILE] --list-recipes|--list-templates [NAME]\n"
	    "Keep TLS certificates renewed through ACME.\n\n"
	    "  -c, --config FILE    configuration (" SYSCONFDIR
	    "/acmed/acmed.conf)\n"
	    "  -t, --check-config   read it, say what is wrong, and exit 0 or "
	    "1\n"
	    "      --list-providers print the types of DNS providers, or the "
	    "options of one\n"
	    "      --list-clouds    the same of cloud products for "
	    "certificates\n"
	    "      --list-recipes   the same of recipes, files that describe "
	    "a deploy step\n"
	    "      --list-templates the same of those that describe a message "
	    "service\n"
	    "  -V, --version        print the version\n"
	    "  -h, --help           print this\n\n"
	    "acmed stays in the foreground; acmectl talks to it.\n"
	    "Manuals: acmed(8), acmed.conf(5), acmectl(1).\n");
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 't' },
		{ "list-providers", optional_argument, NULL, 'l' },
		{ "list-clouds", optional_argument, NULL, 'L' },
		{ "list-recipes", optional_argument, NULL, 'r' },
		{ "list-templates", optional_argument, NULL, 'T' },
		{ "generate-key", required_argument, NULL, 'g' },
		{ "send-mail", no_argument, NULL, 'm' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = SYSCONFDIR "/acmed/acmed.conf", *recipe = NULL;
	bool check = false, lists_recipes = false;
	enum recipe_kind kind = RECIPE_DEPLOY;
	int c;

	(void)umask(077);
	jsonx_init();
	while ((c = getopt_long(argc, argv, "c:tVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 't':
			check = true;
			break;
		case 'l':
			if (optarg == NULL && optind < argc)
				optarg = argv[optind];
			return list_kinds(providers_list, providers_one,
			    optarg);
		case 'L':
			if (optarg == NULL && optind < argc)
				optarg = argv[optind];
			return list_kinds(clouds_list, clouds_one, optarg);
		case 'r':
		case 'T':
			kind = c == 'r' ? RECIPE_DEPLOY : RECIPE_MESSAGE;
			lists_recipes = true;
			recipe = optarg;
			break;
		case 'g':	/* ourselves as a child: keys.h */
			return keygen_child_main(optarg);
		case 'm':	/* the same: smtp.h */
			return smtp_child_main();
		case 'V':
			printf("acmed %s\n", PACKAGE_VERSION);
			return 0;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (lists_recipes) {
		if (recipe == NULL && optind < argc)
			recipe = argv[optind];
		return list_recipes(kind, path, recipe);
	}
	if (optind < argc) {
		fprintf(stderr, "acmed: unexpected argument \"%s\"\n",
		    argv[optind]);
		return usage(stderr, 2);
	}
	return check ? check_config(path) : run(path);
}
