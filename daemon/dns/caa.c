/* SPDX-License-Identifier: MIT */
#include "daemon/dns/caa.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/resolver.h"

#define FLAG_CRITICAL 0x80
#define RECORDS_MAX 64
#define BLANKS " \t"

struct caa_op {
	struct dns	*dns;
	struct caa_args	 a;
	char		*name;
	char		**identities;
	char		*account;
	char		*method;
	char		*methods;	/* or NULL */
	char		 at[DNAME_SIZE];	/* asked for now */
	int64_t		 deadline;	/* monotonic ms */
	struct resolver_op *query;
	caa_done_cb	*done;
	void		*arg;
};

/* The text from *at to the next ";", without blanks around it. */
static size_t
next_part(const char **at, const char **part)
{
	size_t len = strcspn(*at, ";");
	const char *begin = *at;

	*at += len + ((*at)[len] == ';');
	while (len > 0 && strchr(BLANKS, begin[0]) != NULL)
		begin++, len--;
	while (len > 0 && strchr(BLANKS, begin[len - 1]) != NULL)
		len--;
	*part = begin;
	return len;
}

static bool
is_word(const char *part, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(part, word, len) == 0;
}

/* Is method one of the words between commas?  RFC 8657 section 4. */
static bool
has_method(const char *list, size_t len, const char *method)
{
	while (len > 0) {
		const char *comma = memchr(list, ',', len);
		size_t n = comma != NULL ? (size_t)(comma - list) : len;

		if (strlen(method) == n && strncmp(list, method, n) == 0)
			return true;
		n += comma != NULL;
		list += n;
		len -= n;
	}
	return false;
}

/* What one issue property says. */
struct property {
	bool		 is_ours;	/* it names the CA */
	bool		 is_malformed;
	bool		 is_other_account;
	bool		 is_other_method;
	bool		 has_methods;	/* it names any */
	bool		 has_account;
	char		 mended[300];	/* with our account and method */
};

static void
append(char *out, size_t size, const char *text, size_t len)
{
	size_t used = strlen(out);

	(void)text_printf(out + used, size - used, "%s%.*s",
	    used > 0 ? "; " : "", (int)len, text);
}

static void
read_parameter(const struct caa_args *a, const char *part, size_t len,
    unsigned *n_accounts, struct property *p)
{
	const char *equal = memchr(part, '=', len), *v;
	char text[300];
	size_t key, n;

	if (len == 0)
		return;
	if (equal == NULL) {
		p->is_malformed = true;	/* as if it named nobody */
		return;
	}
	key = (size_t)(equal - part);
	v = equal + 1;
	n = len - key - 1;
	(void)text_printf(text, sizeof(text), "%.*s", (int)len, part);
	p->has_methods |= is_word(part, key, "validationmethods");
	if (is_word(part, key, "accounturi")) {
		p->has_account = true;
		if (++*n_accounts > 1 || strlen(a->account) != n ||
		    strncmp(v, a->account, n) != 0)
			p->is_other_account = true;
		(void)text_printf(text, sizeof(text), "accounturi=%s",
		    a->account);
		if (*n_accounts > 1 || a->account[0] == '\0')
			return;
	} else if (is_word(part, key, "validationmethods") &&
	    !has_method(v, n, a->method)) {
		p->is_other_method = true;
		(void)text_printf(text, sizeof(text), "%.*s,%s", (int)len,
		    part, a->method);
	}
	append(p->mended, sizeof(p->mended), text, strlen(text));
}

/* Parameters that no RFC here knows are the CA's own business. */
static void
read_property(const char *value, const struct caa_args *a,
    struct property *p)
{
	const char *at = value, *part;
	size_t len = next_part(&at, &part);
	unsigned n_accounts = 0;

	*p = (struct property){ .is_ours = false };
	for (size_t i = 0; a->identities[i] != NULL; i++)
		p->is_ours = p->is_ours || is_word(part, len,
		    a->identities[i]);
	append(p->mended, sizeof(p->mended), part, len);
	while (*at != '\0') {
		len = next_part(&at, &part);
		read_parameter(a, part, len, &n_accounts, p);
	}
}

static bool
is_known(const char *tag)
{
	static const char *const known[] = { "issue", "issuewild", "iodef",
	    "issuemail", "contactemail", "contactphone", "issuevmc" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcasecmp(tag, known[i]) == 0)
			return true;
	}
	return false;
}

/* The record that names the CA, but not us. */
static void
refuse_almost(const char *tag, const char *value, const char *at,
    const struct caa_args *a, struct caa_refusal *r)
{
	struct property p;

	read_property(value, a, &p);
	(void)text_printf(r->why, sizeof(r->why), "CAA %s \"%.150s\" of %s "
	    "names this CA, but %s", tag, value, at, p.is_malformed ?
	    "is malformed" : p.is_other_account && p.is_other_method ?
	    "another account and other methods" : p.is_other_account ?
	    "another account" : "other validation methods");
	if (p.is_other_account && a->account[0] == '\0')
		(void)text_printf(r->fix, sizeof(r->fix), "this account is "
		    "not registered yet: change the record to %s. CAA 0 %s "
		    "\"%s\", and name the account when it is", at, tag,
		    p.mended);
	else
		(void)text_printf(r->fix, sizeof(r->fix), "change that record "
		    "to: %s. CAA 0 %s \"%s\"", at, tag, p.mended);
}

/* Which property decides.  RFC 8659 section 4.3: where there is issuewild,
 * issue does not count for wildcards. */
static const char *
tag_of(const struct caa_record *recs, size_t n, const struct caa_args *a)
{
	for (size_t i = 0; i < n; i++) {
		if (dname_is_wildcard(a->name) &&
		    strcasecmp(recs[i].tag, "issuewild") == 0)
			return "issuewild";
	}
	return "issue";
}

void
caa_own(const struct caa_record *recs, size_t n, const struct caa_args *a,
    struct caa_own *own)
{
	const char *tag = tag_of(recs, n, a);
	struct property p;

	*own = (struct caa_own){ .is_there = false };
	if (a->account[0] == '\0' || a->methods == NULL ||
	    a->identities[0] == NULL)
		return;
	/* Of several records that name the CA, each lets somebody issue. */
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(recs[i].tag, tag) != 0)
			continue;
		read_property(recs[i].value, a, &p);
		if (!p.is_ours || p.is_malformed)
			continue;
		if (!p.has_account || !p.has_methods)
			(void)text_printf(own->wide, sizeof(own->wide),
			    "%.150s", recs[i].value);
		else if (!p.is_other_account && !p.is_other_method)
			own->is_there = true;
	}
	if (!own->is_there)
		(void)text_printf(own->content, sizeof(own->content), "0 %s "
		    "\"%s; accounturi=%s; validationmethods=%s\"", tag,
		    a->identities[0], a->account, a->methods);
	text_clean(own->wide);
	text_clean(own->content);
}

/* Of several records that name the CA, each lets somebody issue. */
void
caa_narrow(const struct caa_record *recs, size_t n, const char *at,
    const struct caa_args *a, char *out, size_t size)
{
	const char *tag = tag_of(recs, n, a), *wide = NULL;
	bool is_narrow = false;
	struct property p;

	out[0] = '\0';
	if (a->account[0] == '\0' || a->methods == NULL ||
	    a->identities[0] == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(recs[i].tag, tag) != 0)
			continue;
		read_property(recs[i].value, a, &p);
		if (!p.is_ours || p.is_malformed)
			continue;
		if (!p.has_account || !p.has_methods)
			wide = recs[i].value;
		else
			is_narrow = true;
	}
	if (is_narrow && wide == NULL)
		return;
	(void)text_printf(out, size, "%s. CAA 0 %s \"%s; accounturi=%s; "
	    "validationmethods=%s\"", at, tag, a->identities[0], a->account,
	    a->methods);
	if (wide != NULL) {
		size_t used = strlen(out);

		(void)text_printf(out + used, size - used, " instead of "
		    "\"%.150s\"", wide);
	}
	text_clean(out);
}

bool
caa_allows(const struct caa_record *recs, size_t n, const char *at,
    const struct caa_args *a, struct caa_refusal *r)
{
	const char *tag = tag_of(recs, n, a), *almost = NULL;
	const char *ca = a->identities[0];
	size_t n_relevant = 0;
	struct property p;

	r->why[0] = r->fix[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if ((recs[i].flags & FLAG_CRITICAL) != 0 &&
		    !is_known(recs[i].tag)) {
			(void)text_printf(r->why, sizeof(r->why), "the "
			    "critical CAA property \"%.64s\" of %s is known "
			    "to no CA", recs[i].tag, at);
			(void)text_printf(r->fix, sizeof(r->fix),
			    "remove that record");
			text_clean(r->why);
			return false;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(recs[i].tag, tag) != 0)
			continue;
		n_relevant++;
		read_property(recs[i].value, a, &p);
		if (p.is_ours && !p.is_malformed && !p.is_other_account &&
		    !p.is_other_method)
			return true;
		if (p.is_ours)
			almost = recs[i].value;
	}
	if (n_relevant == 0)
		return true;
	if (almost != NULL) {
		refuse_almost(tag, almost, at, a, r);
	} else {
		(void)text_printf(r->why, sizeof(r->why), "the CAA records "
		    "of %s do not let this CA issue%s", at,
		    dname_is_wildcard(a->name) ? " for wildcards" : "");
		(void)text_printf(r->fix, sizeof(r->fix), "add the record: "
		    "%s. CAA 0 %s \"%s\"", at, tag, ca != NULL ? ca : "?");
	}
	text_clean(r->why);
	text_clean(r->fix);
	return false;
}

void
caa_cancel(struct caa_op *op)
{
	if (op == NULL)
		return;
	resolver_cancel(op->query);
	strv_free(op->identities);
	free(op->name);
	free(op->account);
	free(op->method);
	free(op->methods);
	free(op);
}

static void
finish(struct caa_op *op, const struct error *err,
    const struct caa_reply *reply)
{
	op->done(err, reply, op->arg);
	caa_cancel(op);
}

/* The first of one record's three fields is flags; the tag has its length
 * in front. */
static char *
field_text(const ldns_rr *rr, size_t field, size_t skip)
{
	const ldns_rdf *rdf = ldns_rr_rdf(rr, field);
	size_t len = rdf != NULL ? ldns_rdf_size(rdf) : 0;

	if (len < skip)
		return xstrdup("");
	return xasprintf("%.*s", (int)(len - skip),
	    (const char *)ldns_rdf_data(rdf) + skip);
}

/* The CAA records of the answer; an alias of the name is followed in it. */
static size_t
read_records(const ldns_pkt *pkt, struct caa_record *recs)
{
	const ldns_rr_list *list = ldns_pkt_answer(pkt);
	size_t n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(list) &&
	    n < RECORDS_MAX; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_CAA ||
		    ldns_rr_rd_count(rr) != 3)
			continue;
		recs[n].flags = ldns_rdf2native_int8(ldns_rr_rdf(rr, 0));
		recs[n].tag = field_text(rr, 1, 1);
		recs[n].value = field_text(rr, 2, 0);
		n++;
	}
	return n;
}

static void	ask(struct caa_op *);

static void
asked(const struct error *err, const ldns_pkt *pkt, void *arg)
{
	struct caa_record recs[RECORDS_MAX];
	struct caa_reply reply = { .is_allowed = true };
	struct caa_op *op = arg;
	const char *up = dname_parent(op->at);
	size_t n;

	op->query = NULL;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
	n = read_records(pkt, recs);
	if (n == 0 && up != NULL && *up != '\0') {
		memmove(op->at, up, strlen(up) + 1);
		ask(op);
		return;
	}
	if (n > 0) {
		(void)text_printf(reply.at, sizeof(reply.at), "%s", op->at);
		reply.is_allowed = caa_allows(recs, n, op->at, &op->a,
		    &reply.refusal);
	}
	/* Without records: at the name itself, so that no other is touched. */
	if (reply.is_allowed)
		caa_narrow(recs, n, n > 0 ? op->at : dname_base(op->name),
		    &op->a, reply.narrow, sizeof(reply.narrow));
	(void)text_printf(reply.own_at, sizeof(reply.own_at), "%s", n > 0 ?
	    op->at : dname_base(op->name));
	caa_own(recs, n, &op->a, &reply.own);
	for (size_t i = 0; i < n; i++) {
		free((void *)(uintptr_t)recs[i].tag);
		free((void *)(uintptr_t)recs[i].value);
	}
	finish(op, NULL, &reply);
}

static void
ask(struct caa_op *op)
{
	int64_t left = op->deadline - clock_mono_ms();

	op->query = resolver_start(op->dns, op->at, LDNS_RR_TYPE_CAA,
	    left > 0 ? (unsigned)left : 0, asked, op);
}

struct caa_op *
caa_start(struct dns *dns, const struct caa_args *a, caa_done_cb *done,
    void *arg)
{
	struct caa_op *op = xcalloc(1, sizeof(*op));

	op->identities = strv_copy(a->identities);
	op->dns = dns;
	op->name = xstrdup(a->name);
	op->account = xstrdup(a->account);
	op->method = xstrdup(a->method);
	op->methods = a->methods != NULL ? xstrdup(a->methods) : NULL;
	op->a = (struct caa_args){ .name = op->name, .account = op->account,
	    .method = op->method, .methods = op->methods,
	    .identities = (const char *const *)op->identities };
	op->deadline = clock_mono_ms() + a->timeout_ms;
	op->done = done;
	op->arg = arg;
	(void)text_printf(op->at, sizeof(op->at), "%s", dname_base(a->name));
	ask(op);
	return op;
}
