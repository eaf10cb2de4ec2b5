/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/unit_log.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/deploy/exec.h"
#include "daemon/io/child.h"

#define OUTPUT_MAX	65536
#define TIMEOUT_MS	5000
#define LINES_READ	"40"
#define LINES_SHOWN	4

struct unit_log_op {
	struct child_op	*child;
	unit_log_cb	*done;
	void		*arg;
};

void
unit_log_cancel(struct unit_log_op *op)
{
	if (op == NULL)
		return;
	child_cancel(op->child);
	free(op);
}

/* Is it systemd that says this, about the unit? */
static bool
is_of_systemd(const json_t *entry)
{
	const char *pid = jsonx_str(entry, "_PID");

	return pid != NULL && strcmp(pid, "1") == 0;
}

/* The messages that are, or are not, systemd's: the last ones, in order. */
static void
join(const json_t *entries, bool of_systemd, char out[UNIT_LOG_MAX])
{
	size_t n = json_array_size(entries), first = n, shown = 0;

	while (first > 0 && shown < LINES_SHOWN) {
		if (is_of_systemd(json_array_get(entries, --first)) ==
		    of_systemd)
			shown++;
	}
	out[0] = '\0';
	for (size_t i = first; i < n; i++) {
		const json_t *entry = json_array_get(entries, i);
		const char *text = jsonx_str(entry, "MESSAGE");
		size_t used = strlen(out);

		if (text == NULL || text[0] == '\0' ||
		    is_of_systemd(entry) != of_systemd)
			continue;
		(void)text_printf(out + used, UNIT_LOG_MAX - used, "%s%s",
		    used > 0 ? " | " : "", text);
	}
	text_clean(out);
}

static json_t *
parse(const char *text)
{
	json_t *entries = json_array();

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		json_t *entry = json_loadb(text, len, 0, NULL);

		if (json_is_object(entry))
			(void)json_array_append(entries, entry);
		json_decref(entry);
		text += len + (text[len] == '\n');
	}
	return entries;
}

static void
exited(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct unit_log_op *op = arg;
	char lines[UNIT_LOG_MAX] = "";

	op->child = NULL;
	if (err == NULL) {
		json_t *entries = parse(reply->out);

		/* The reason is its own; systemd adds only that it failed. */
		join(entries, false, lines);
		if (lines[0] == '\0')
			join(entries, true, lines);
		json_decref(entries);
	}
	op->done(lines, op->arg);
	unit_log_cancel(op);
}

struct unit_log_op *
unit_log_start(struct children *children, const char *unit, time_t since,
    unit_log_cb *done, void *arg)
{
	struct unit_log_op *op = xcalloc(1, sizeof(*op));
	char *from = since != 0 ? xasprintf("--since=@%lld",
	    (long long)since) : xstrdup("--since=-1h");
	char **env = deploy_exec_base_env();
	const char *argv[] = { "journalctl", "--no-pager", "-q", "-o", "json",
	    "--output-fields=MESSAGE,_PID", "-n", LINES_READ, from, "-u",
	    unit, NULL };
	struct child_args args = {
		.argv = argv,
		.env = (const char *const *)env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = TIMEOUT_MS,
	};

	op->done = done;
	op->arg = arg;
	op->child = child_start(children, &args, exited, op);
	deploy_exec_env_free(env);
	free(from);
	return op;
}
