/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/txtwait_int.h"

#define MAX_NAMED 8			/* servers told by name in an error */

static bool
is_waited_for(const struct tw_target *t)
{
	return !t->is_dropped && !t->has_agreed;
}

/* The first name for which that address is waited for, or NULL. */
static const struct tw_target *
waiting(const struct txtwait_op *op, const struct tw_host *h)
{
	for (size_t i = 0; i < op->n_targets; i++) {
		if (op->targets[i]->host == h &&
		    is_waited_for(op->targets[i]))
			return op->targets[i];
	}
	return NULL;
}

static bool
is_asked(const struct txtwait_op *op, const struct tw_host *h)
{
	for (size_t i = 0; i < op->n_targets; i++) {
		if (op->targets[i]->host == h && !op->targets[i]->is_dropped)
			return true;
	}
	return false;
}

static void
append(char *out, size_t size, const char *separator, const char *text)
{
	size_t len = strlen(out);

	(void)text_printf(out + len, size - len, "%s%s",
	    len == 0 ? "" : separator, text);
}

static bool
is_first_round_over(const struct txtwait_op *op, int64_t now)
{
	if (now - op->began >= TW_PROGRESS_MS)
		return true;
	for (size_t i = 0; i < op->n_targets; i++) {
		if (is_waited_for(op->targets[i]) &&
		    !op->targets[i]->was_asked)
			return false;
	}
	return true;
}

void
txtwait_tell(struct txtwait_op *op, int64_t now)
{
	const struct tw_target *first = NULL, *t;
	size_t n_hosts = 0, n_waiting = 0;
	uint64_t set = 14695981039346656037u;	/* FNV-1a over the indexes */
	char label[DNSADDR_LABEL_MAX], more[32] = "", line[1024];

	if (op->progress == NULL || now - op->told_at < TW_PROGRESS_MS ||
	    !is_first_round_over(op, now))
		return;
	for (size_t i = 0; i < op->n_hosts; i++) {
		if (!is_asked(op, op->hosts[i]))
			continue;
		n_hosts++;
		if ((t = waiting(op, op->hosts[i])) == NULL)
			continue;
		n_waiting++;
		set = (set ^ (i + 1)) * 1099511628211u;
		if (first == NULL)
			first = t;
	}
	if (first == NULL || set == op->told_set)
		return;
	op->told_set = set;
	op->told_at = now;
	if (n_waiting > 1)
		(void)text_printf(more, sizeof(more), " and %zu more",
		    n_waiting - 1);
	(void)text_printf(line, sizeof(line),
	    "waiting for %s%s%s: %s for %s (%zu of %zu servers are ready)",
	    first->host->is_resolver ? "resolver " : "",
	    dnsaddr_label(&first->host->server, label), more, first->shows,
	    op->groups[first->group].name, n_hosts - n_waiting, n_hosts);
	op->progress(line, op->arg);
}

void
txtwait_note(const struct txtwait_op *op, char *out, size_t size)
{
	char label[DNSADDR_LABEL_MAX], text[512];
	bool blocked = false, unknown = false;

	/* Where they are to be asked, that is not worth a word. */
	(void)text_printf(out, size, "%s", op->is_second ? op->first_note : "");
	for (size_t i = 0; i < op->n_groups && !op->is_second &&
	    op->whom != TXTWAIT_RESOLVERS; i++) {
		if (op->groups[i].uses_resolvers && op->groups[i].has_servers)
			blocked = true;
		else if (op->groups[i].uses_resolvers)
			unknown = true;
	}
	if (blocked)
		append(out, size, "; ", "asked the resolvers, no "
		    "authoritative server answered");
	else if (unknown)
		append(out, size, "; ", "asked the resolvers, no "
		    "authoritative server is known");
	for (size_t i = 0; i < op->n_hosts; i++) {
		const struct tw_target *t = waiting(op, op->hosts[i]);

		if (t == NULL)
			continue;
		(void)text_printf(text, sizeof(text), "%s %s",
		    dnsaddr_label(&t->host->server, label), t->shows);
		append(out, size, "; ", text);
	}
}

/* The name that is waited for, "" if there is none, and how many others. */
static const struct tw_group *
late_group(const struct txtwait_op *op, size_t *n_more)
{
	const struct tw_group *late = NULL;
	const struct tw_group *seen = NULL;

	*n_more = 0;
	for (size_t i = 0; i < op->n_targets; i++) {
		const struct tw_group *g = &op->groups[op->targets[i]->group];

		if (!is_waited_for(op->targets[i]) || g == seen)
			continue;
		seen = g;
		if (late == NULL)
			late = g;
		else if (g != late)
			(*n_more)++;
	}
	return late;
}

void
txtwait_explain(const struct txtwait_op *op, struct error *err)
{
	char who[1500] = "", more[64] = "", span[TEXT_SPAN_MAX];
	char label[DNSADDR_LABEL_MAX], text[512];
	const struct tw_group *g;
	size_t n_more, n = 0;
	bool present;

	for (size_t i = 0; i < op->n_hosts; i++) {
		const struct tw_target *t = waiting(op, op->hosts[i]);

		if (t == NULL)
			continue;
		if (n++ < MAX_NAMED) {
			(void)text_printf(text, sizeof(text), "%s%s %s",
			    t->host->is_resolver ? "resolver " : "",
			    dnsaddr_label(&t->host->server, label), t->shows);
			append(who, sizeof(who), "; ", text);
		}
	}
	if (n > MAX_NAMED) {
		(void)text_printf(text, sizeof(text), "and %zu more servers",
		    n - MAX_NAMED);
		append(who, sizeof(who), "; ", text);
	}
	g = late_group(op, &n_more);
	present = g == NULL || op->items[g->items[0]].present;
	if (n_more > 0)
		(void)text_printf(more, sizeof(more), " (and more names)");
	(void)error_set(err, ERR_TRANSIENT, "dns:stale",
	    "the %s TXT value of %s%s %s after %s: %s",
	    present ? "new" : "old", g == NULL ? "?" : g->name, more,
	    present ? "does not show everywhere" : "is not gone everywhere",
	    text_span(op->timeout_ms / 1000, span),
	    who[0] == '\0' ? "no server was asked" : who);
}
