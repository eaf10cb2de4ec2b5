/* SPDX-License-Identifier: MIT */
/* renew-now, of some certificates or many. */
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/follow.h"
#include "ctl/select.h"
#include "ctl/status_read.h"

/* Bytes of names in one request, and names: the rest follows when all of these
 * have ended. */
enum { BATCH_MAX = API_BODY_MAX / 2, BATCH_NAMES_MAX = 2000 };

/* Certificates that an option means instead of names. */
struct chosen {
	struct select	 select;
	json_t		*names;
};

static void
choose(const json_t *cert, void *arg)
{
	struct chosen *c = arg;
	const char *name = jsonx_str(cert, "name");

	if (name == NULL || !select_has(&c->select, cert))
		return;
	(void)json_array_append_new(c->names, json_string(name));
}

/* *names are those of the arguments, or of the options. */
static int
choose_names(const struct options *o, json_t **names)
{
	bool by_option = o->all || o->failed || o->due_within != NULL;
	struct chosen c = { .names = NULL };
	const struct status_sink sink = { NULL, choose, &c };
	int code;

	if (by_option == (o->n_names > 0)) {
		say_error(by_option ? "names, or --all, --failed, "
		    "--due-within: not both" : "which certificates? NAME..., "
		    "--all, --failed or --due-within 10d");
		return EXIT_USAGE;
	}
	if (!by_option) {
		*names = ask_words(o);
		return *names != NULL ? EXIT_OK : EXIT_USAGE;
	}
	code = select_init(&c.select, o, clock_now());
	if (code != EXIT_OK)
		return code;
	c.names = json_array();
	code = status_read(o, &sink);
	if (code != EXIT_OK) {
		json_decref(c.names);
		return code;
	}
	*names = c.names;
	return EXIT_OK;
}

/* The same options, for these certificates; *words is to be freed with its
 * strings. */
static struct options
options_for(const struct options *o, const json_t *names, char ***words)
{
	struct options chosen = *o;
	const json_t *name;
	size_t i;

	*words = xcalloc(json_array_size(names) + 1, sizeof(**words));
	json_array_foreach(names, i, name)
		(*words)[i] = xasprintf("%s%s", o->dry_run ? API_DRY_RUN : "",
		    json_string_value(name));
	chosen.names = (const char *const *)*words;
	chosen.n_names = json_array_size(names);
	return chosen;
}

static int
renew_batch(const struct options *o, json_t *names)
{
	json_t *body = json_pack("{s:O, s:b, s:b}", "names", names, "follow",
	    !o->no_wait, "force", o->force);
	const struct client_request request = {
		.socket = o->socket, .method = "POST", .path = API_PATH_RENEW,
		.body = body,
	};
	struct options chosen;
	char **words;
	int code;

	if (o->dry_run)
		(void)json_object_set_new(body, "dry_run", json_true());
	if (o->dry_run && o->directory != NULL)
		(void)json_object_set_new(body, "directory",
		    json_string(o->directory));
	chosen = options_for(o, names, &words);
	code = o->no_wait ? ask_started(&chosen, &request) :
	    follow_events(&chosen, &request, chosen.n_names, o->dry_run ?
	    FOLLOW_DRY_RUN : "renewal");
	for (size_t i = 0; words[i] != NULL; i++)
		free(words[i]);
	free(words);
	json_decref(body);
	return code;
}

/* How many of the names from first on fit in a request. */
static size_t
batch_size(const json_t *names, size_t first)
{
	size_t n = 0, bytes = 0;

	while (first + n < json_array_size(names) && n < BATCH_NAMES_MAX) {
		bytes += strlen(json_string_value(json_array_get(names,
		    first + n))) + 4;
		if (n > 0 && bytes > BATCH_MAX)
			break;
		n++;
	}
	return n;
}

/* A failure does not keep the next from being renewed; all else does. */
static int
renew_all(const struct options *o, const json_t *names)
{
	size_t total = json_array_size(names), n;
	int worst = EXIT_OK, code;

	for (size_t first = 0; first < total; first += n) {
		json_t *batch = json_array();

		n = batch_size(names, first);
		for (size_t i = 0; i < n; i++)
			(void)json_array_append(batch, json_array_get(names,
			    first + i));
		code = renew_batch(o, batch);
		json_decref(batch);
		if (code != EXIT_OK)
			worst = code;
		if (code == EXIT_OK || code == EXIT_FAILED)
			continue;
		if (first + n < total)
			(void)fprintf(stderr, "acmectl: %zu more have not "
			    "been begun\n", total - first - n);
		break;
	}
	return worst;
}

int
cmd_renew_now(const struct options *o)
{
	json_t *names;
	int code;

	if (o->directory != NULL && !o->dry_run) {
		say_error("--directory is for --dry-run: the configuration "
		    "says where a certificate comes from");
		return EXIT_USAGE;
	}
	code = choose_names(o, &names);
	if (code != EXIT_OK)
		return code;
	if (json_array_size(names) > 0)
		code = renew_all(o, names);
	else if (!o->json)
		(void)fputs("no certificate matches: nothing to renew\n",
		    o->out.out);
	json_decref(names);
	return code;
}
