/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/txtwait_priv.h"

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

const struct tw_group *
txtwait_late(const struct txtwait_op *op, size_t *n_more)
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

bool
txtwait_is_cut(const struct tw_group *g)
{
	return g->changed_zone[0] != '\0' && g->zone.apex[0] != '\0' &&
	    !g->zone.is_told && strcmp(g->changed_zone, g->zone.apex) != 0 &&
	    dname_is_in(g->zone.apex, g->changed_zone);
}

/* Those in a zone above their own are given up while others may still come. */
static bool
is_any_cut(const struct txtwait_op *op)
{
	for (size_t i = 0; i < op->n_groups; i++) {
		if (txtwait_is_cut(&op->groups[i]) &&
		    !op->groups[i].any_agrees)
			return true;
	}
	return false;
}

bool
txtwait_is_late(const struct txtwait_op *op, const char *fqdn)
{
	bool only_cut = is_any_cut(op);

	for (size_t i = 0; i < op->n_targets; i++) {
		const struct tw_group *g = &op->groups[op->targets[i]->group];

		if (is_waited_for(op->targets[i]) &&
		    strcmp(fqdn, g->name) == 0 &&
		    (!only_cut || txtwait_is_cut(g)))
			return true;
	}
	return false;
}

void
txtwait_explain_cut(const struct tw_group *g, struct error *err)
{
	char label[DNSADDR_LABEL_MAX] = "?";

	if (g->zone.n_servers > 0)
		(void)dnsaddr_label(&g->zone.servers[0], label);
	(void)error_set(err, ERR_CONFIG, "dns:zone-cut", "%s is in zone %s, "
	    "whose server is %s, but the provider has changed zone %s%s%s, "
	    "above the delegation, where nobody sees the record; use a "
	    "provider that has zone %s, or remove its delegation", g->name,
	    g->zone.apex, label, g->changed_zone,
	    g->changed_server[0] != '\0' ? " on " : "", g->changed_server,
	    g->zone.apex);
}

/* Those that were given up for the resolvers, and what they did. */
static void
add_dropped(const struct txtwait_op *op, char *who, size_t size)
{
	char label[DNSADDR_LABEL_MAX], text[512];
	size_t n = 0;

	for (size_t i = 0; i < op->n_targets; i++) {
		const struct tw_target *t = op->targets[i];

		if (!t->is_dropped || t->host->is_resolver ||
		    op->whom == TXTWAIT_RESOLVERS || op->is_second ||
		    n++ >= MAX_NAMED)
			continue;
		(void)text_printf(text, sizeof(text), "%s%s %s", n == 1 ?
		    "the resolvers were asked since no server of the zone is "
		    "of use: " : "", dnsaddr_label(&t->host->server, label),
		    t->shows);
		append(who, size, n == 1 ? "; " : ", ", text);
	}
}

/* Secondaries that are behind, with their serials. */
static bool
add_serials(const struct nscheck_reply *reply, char *out, size_t size)
{
	const struct nscheck_server *newest = NULL;
	char label[DNSADDR_LABEL_MAX], text[512];
	bool any = false;

	for (size_t i = 0; i < reply->n_servers; i++) {
		const struct nscheck_server *s = &reply->servers[i];

		if (s->has_serial && !s->is_behind)
			newest = s;
		if (!s->has_serial || !s->is_behind)
			continue;
		(void)text_printf(text, sizeof(text), "%s has serial %u",
		    dnsaddr_label(s->server, label), s->serial);
		append(out, size, ", ", text);
		any = true;
	}
	if (!any || newest == NULL)
		return any;
	(void)text_printf(text, sizeof(text), "but %s %u: see why it does "
	    "not get the zone (NOTIFY, zone transfer, allow-transfer)",
	    dnsaddr_label(newest->server, label), newest->serial);
	append(out, size, ", ", text);
	return true;
}

/* The server that was told is none of those that are to show it. */
static bool
is_hidden(const struct tw_group *g)
{
	const char *open = strchr(g->changed_server, '(');
	const char *address = open != NULL ? open + 1 : g->changed_server;
	size_t len = strcspn(address, ")");

	if (len == 0)
		return false;
	for (size_t i = 0; i < g->zone.n_servers; i++) {
		const char *text = g->zone.servers[i].text;

		if (strlen(text) == len && strncmp(text, address, len) == 0)
			return false;
	}
	return true;
}

static void
add_reason(const struct tw_group *g, const struct nscheck_reply *reply,
    char *out, size_t size)
{
	char text[1024] = "";

	if (reply != NULL && add_serials(reply, text, sizeof(text)))
		append(out, size, "; ", text);
	if (g == NULL || g->any_agrees)
		return;
	if (g->changed_zone[0] != '\0' && g->zone.apex[0] != '\0' &&
	    strcmp(g->changed_zone, g->zone.apex) != 0) {
		(void)text_printf(text, sizeof(text), "the provider has "
		    "changed zone %s, but for the DNS the name is in zone %s: "
		    "is %s delegated?", g->changed_zone, g->zone.apex,
		    g->changed_zone);
		append(out, size, "; ", text);
	} else if (is_hidden(g)) {
		(void)text_printf(text, sizeof(text), "the update went to "
		    "%s, which is none of them: see that it sends the zone to "
		    "them (also-notify, allow-transfer)", g->changed_server);
		append(out, size, "; ", text);
	}
}

void
txtwait_explain(const struct txtwait_op *op,
    const struct nscheck_reply *reply, struct error *err)
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
	add_dropped(op, who, sizeof(who));
	g = txtwait_late(op, &n_more);
	add_reason(g, reply, who, sizeof(who));
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
