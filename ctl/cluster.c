/* SPDX-License-Identifier: MIT */
/* acmectl cluster: several daemons that share the work. */
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/ask.h"
#include "ctl/commands.h"
#include "ctl/show.h"

static void
print_error(const struct options *o, const json_t *reply, time_t now,
    const char *member, const char *what)
{
	const json_t *error = json_object_get(reply, member);
	char *text = show_error(error), when[SHOW_WHEN_MAX];

	if (text == NULL)
		return;
	(void)fprintf(o->out.out, "  %s since %s: ", what,
	    show_when(now, (time_t)jsonx_int(error, "at", now), when));
	term_wrap(&o->out, TERM_BAD, 2, 4, text);
	free(text);
}

static void
print_self(const struct options *o, const json_t *reply, time_t now)
{
	char *name = show_str(reply, "name", "?");
	char *role = show_str(reply, "role", "?");
	char *prefix = show_str(reply, "prefix", "?"), when[SHOW_WHEN_MAX];
	time_t behind = (time_t)jsonx_int(reply, "behind_since", 0);

	(void)fprintf(o->out.out, "%s, role %s, at %s\n", name, role, prefix);
	if (jsonx_bool(reply, "joined", false))
		(void)fprintf(o->out.out, "  lease     %.1f of %lld s left\n",
		    (double)jsonx_int(reply, "lease_left_ms", 0) / 1000,
		    (long long)jsonx_int(reply, "lease_s", 0));
	else
		(void)fprintf(o->out.out, "  lease     none\n");
	if (jsonx_bool(reply, "current", false))
		(void)fprintf(o->out.out, "  view      up to date, revision "
		    "%lld\n", (long long)jsonx_int(reply, "revision", 0));
	else
		(void)fprintf(o->out.out, "  view      behind, nothing was "
		    "heard since %s\n", behind != 0 ? show_when(now, behind,
		    when) : "the start");
	print_error(o, reply, now, "error", "nothing is renewed");
	print_error(o, reply, now, "differs", "not the same");
	free(prefix);
	free(role);
	free(name);
}

static void
print_members(const struct options *o, const json_t *reply, time_t now)
{
	const json_t *list = json_object_get(reply, "members"), *m;
	char since[SHOW_WHEN_MAX];
	size_t i;

	(void)fprintf(o->out.out, "\n%-24s %-6s %-12s %-10s %8s %8s\n",
	    "MEMBER", "ROLE", "VERSION", "SINCE", "RENEWS", "RUNNING");
	json_array_foreach(list, i, m) {
		char *name = show_str(m, "name", "?");
		char *version = show_str(m, "version", "unreadable");
		time_t at = (time_t)jsonx_int(m, "since", 0);
		/* With another secret its words cannot be read. */
		char *role = jsonx_str(m, "version") != NULL ?
		    show_str(m, "role", "?") : xstrdup("?");

		term_cell(&o->out, jsonx_bool(m, "self", false) ? TERM_BOLD :
		    TERM_PLAIN, name, 24);
		(void)fprintf(o->out.out, " %-6s %-12s %-10s %8lld %8lld",
		    role, version, at == 0 ? "?" : show_span(now, at, since),
		    (long long)jsonx_int(m, "owned", 0),
		    (long long)jsonx_int(m, "held", 0));
		if (jsonx_bool(m, "differs", false))
			term_cell(&o->out, TERM_BAD, "  differs", 9);
		(void)fputc('\n', o->out.out);
		free(role);
		free(version);
		free(name);
	}
}

static void
print_locks(const struct options *o, const json_t *reply)
{
	const json_t *list = json_object_get(reply, "locks"), *l;
	size_t i;

	if (json_array_size(list) > 0)
		(void)fprintf(o->out.out, "\n%-40s %s\n", "RUNNING", "BY");
	json_array_foreach(list, i, l) {
		char *cert = show_str(l, "certificate", "?");
		char *member = show_str(l, "member", "unreadable");

		(void)fprintf(o->out.out, "%-40s %s\n", cert, member);
		free(member);
		free(cert);
	}
}

static void
print_etcd(const struct options *o, const json_t *reply)
{
	const json_t *list = json_object_get(reply, "etcd"), *m;
	size_t i;

	(void)fprintf(o->out.out, "\n%-40s %s\n", "ETCD", "ANSWERS");
	json_array_foreach(list, i, m) {
		char *url = show_str(m, "url", "?");
		char *version = show_str(m, "version", "?");
		char *why = show_error(json_object_get(m, "error"));
		char *alarms = show_list(json_object_get(m, "alarms"));

		(void)fprintf(o->out.out, "%-40s ", url);
		if (why != NULL)
			term_wrap(&o->out, TERM_BAD, 41, 4, why);
		else
			(void)fprintf(o->out.out, "%s%s, %.1f MB%s%s\n",
			    version, jsonx_bool(m, "leader", false) ?
			    ", leader" : "", (double)jsonx_int(m, "db_size",
			    0) / 1e6, alarms[0] != '\0' ? ", " : "", alarms);
		free(alarms);
		free(why);
		free(version);
		free(url);
	}
}

/* Is there anything that a person has to see to?  What is printed in red is,
 * and that this daemon is not in the cluster. */
static bool
is_well(const json_t *reply)
{
	const json_t *m;
	size_t i;

	if (json_is_object(json_object_get(reply, "error")) ||
	    json_is_object(json_object_get(reply, "differs")) ||
	    !jsonx_bool(reply, "joined", false) ||
	    !jsonx_bool(reply, "current", false))
		return false;
	json_array_foreach(json_object_get(reply, "members"), i, m) {
		if (!json_is_string(json_object_get(m, "version")))
			return false;		/* another secret */
	}
	json_array_foreach(json_object_get(reply, "etcd"), i, m) {
		if (json_is_object(json_object_get(m, "error")) ||
		    json_array_size(json_object_get(m, "alarms")) > 0)
			return false;
	}
	return true;
}

static int
do_status(const struct options *o)
{
	struct client_reply reply;
	int code = ask_get(o, API_PATH_CLUSTER, &reply);
	time_t now = clock_now();

	if (code != EXIT_OK)
		return code;
	if (o->json) {
		print_json(o, reply.body, JSON_INDENT(2));
	} else {
		print_self(o, reply.body, now);
		print_members(o, reply.body, now);
		print_locks(o, reply.body);
		print_etcd(o, reply.body);
	}
	if (!is_well(reply.body))
		code = EXIT_FAILED;
	client_reply_clear(&reply);
	return code;
}

int
cmd_cluster(const struct options *o)
{
	if (strcmp(o->names[0], "status") == 0)
		return do_status(o);
	say_error("acmectl cluster knows one action: status");
	return EXIT_USAGE;
}
