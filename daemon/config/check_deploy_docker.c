/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define SOCKET		"/run/docker.sock"
#define LETTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS		"0123456789"
#define BASENAME_MAX	100		/* what a tar has room for */

static void
check_socket(struct check *c, const struct section *sub,
    struct conf_docker *k)
{
	const struct value *v = tree_value(sub, "socket");
	struct sockaddr_un un;

	k->socket = opt_text(c->m, sub, "socket");
	if (v == NULL)
		k->socket = xstrdup(SOCKET);
	else if (k->socket != NULL && (k->socket[0] != '/' ||
	    strlen(k->socket) >= sizeof(un.sun_path)))
		opt_refuse(c->m, sub, "socket", v, "an absolute path, at most "
		    "107 bytes, such as " SOCKET " or "
		    "/run/podman/podman.sock");
}

/* Names, as engines allow them; a label is text of anybody's. */
static void
check_containers(struct check *c, const struct section *sub,
    struct conf_docker *k)
{
	const struct item *item = tree_item(sub, "container");

	k->containers = opt_list(c->m, sub, "container");
	k->label = opt_text(c->m, sub, "label");
	if ((item == NULL || item->n == 0) == (tree_value(sub, "label") ==
	    NULL))
		opt_mistake(c->m, sub, sub->line, "%s; allowed: container = { "
		    "\"NAME\", ... } or label = \"KEY=VALUE\"", item == NULL ||
		    item->n == 0 ? "it names no container" :
		    "it has both container and label");
	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const char *s = item->values[i]->text;

		if (*s != '\0' && (strchr("_.-", *s) != NULL ||
		    s[strspn(s, LETTERS DIGITS "_.-")] != '\0'))
			opt_refuse(c->m, sub, "container", item->values[i],
			    "a container's name: letters, digits and _.-");
	}
	if (k->label != NULL && k->label[0] == '=')
		opt_refuse(c->m, sub, "label", tree_value(sub, "label"),
		    "KEY or KEY=VALUE");
}

/* The files of one container are one target's. */
static void
check_copy(struct check *c, const struct section *sub, struct conf_docker *k)
{
	char *place = xasprintf("%s %s", k->socket != NULL ? k->socket : "",
	    k->label != NULL ? k->label : "");

	for (char **p = k->containers; *p != NULL; p++) {
		char *longer = xasprintf("%s %s", place, *p);

		free(place);
		place = longer;
	}
	k->files = check_files(c, sub, "copy", place, &k->n_files);
	free(place);
	for (size_t i = 0; i < sub->n_subs; i++) {
		const char *base = strrchr(sub->subs[i]->title, '/');

		if (base != NULL && strlen(base + 1) > BASENAME_MAX)
			opt_mistake(c->m, sub->subs[i], sub->subs[i]->line,
			    "the file's name is too long; allowed: %d bytes",
			    BASENAME_MAX);
	}
}

static bool
is_signal(const char *s)
{
	return strlen(s) <= 16 && s[strspn(s, LETTERS DIGITS "+-")] == '\0' &&
	    strchr(LETTERS, s[0]) != NULL;
}

static void
check_verb(struct check *c, const struct section *sub, struct conf_docker *k)
{
	const struct item *exec = tree_item(sub, "exec");
	const struct value *v = tree_value(sub, "signal");

	k->signal = opt_text(c->m, sub, "signal");
	k->restart = opt_bool(c->m, sub, "restart", false);
	k->exec = opt_list(c->m, sub, "exec");
	if (k->signal != NULL && !is_signal(k->signal))
		opt_refuse(c->m, sub, "signal", v, "a signal's name, such as "
		    "HUP or USR1");
	if (exec != NULL && exec->n == 0)
		opt_mistake(c->m, sub, sub->line, "exec is empty; allowed: "
		    "exec = { \"PROGRAM\", \"ARGUMENT\", ... }");
	else if (exec != NULL && exec->n == 1 &&
	    strchr(exec->values[0]->text, ' ') != NULL)
		opt_refuse(c->m, sub, "exec", exec->values[0], "program and "
		    "arguments one by one, as in { \"nginx\", \"-s\", "
		    "\"reload\" }; there is no shell");
	if ((v != NULL) + k->restart + (exec != NULL) > 1)
		opt_mistake(c->m, sub, sub->line, "allowed: one of signal, "
		    "restart and exec");
	if (v == NULL && !k->restart && exec == NULL && k->n_files == 0)
		opt_mistake(c->m, sub, sub->line, "it says nothing to do; "
		    "allowed: copy \"/PATH\" { ... }, signal = \"HUP\", "
		    "restart = true or exec = { ... }");
}

void
check_deploy_docker(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "docker");
	struct conf_docker *k = d->docker = xcalloc(1, sizeof(*k));

	check_socket(c, sub, k);
	check_containers(c, sub, k);
	check_copy(c, sub, k);
	check_verb(c, sub, k);
}

void
check_free_deploy_docker(struct conf_deploy *d)
{
	struct conf_docker *k = d->docker;

	if (k == NULL)
		return;
	free(k->socket);
	opt_list_free(k->containers);
	free(k->label);
	check_free_files(k->files, k->n_files);
	free(k->signal);
	opt_list_free(k->exec);
	free(k);
}
