/* SPDX-License-Identifier: MIT */
#include "daemon/config/provider_values.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/opt.h"
#include "daemon/config/secret_file.h"

#define SECRET_MAX 65536

struct pvalue {
	char		*str;		/* STRING */
	char		**list;		/* LIST; NULL: empty */
	long		 num;		/* INT, DURATION, BOOL */
};

struct provider_values {
	const struct provider_opt *opts;	/* NULL: none */
	int		(*check)(const struct provider_values *,
			    struct error *);
	int		 n;
	struct pvalue	*v;
	struct secret_files files;
	struct provider_values *lender;	/* NULL: none */
	int		*lent;		/* indexes there; -1: it is our own */
	char		*fetched[PROVIDER_FETCHED_MAX];
};

static const char *const no_list[] = { NULL };

static void
clear(struct pvalue *v)
{
	for (char **p = v->list; p != NULL && *p != NULL; p++)
		freezero_str(*p);
	free(v->list);
	freezero_str(v->str);
	*v = (struct pvalue){ 0 };
}

struct provider_values *
provider_values_of(const struct provider_opt *opts,
    int (*check)(const struct provider_values *, struct error *))
{
	struct provider_values *values = xcalloc(1, sizeof(*values));
	struct error err;

	values->opts = opts;
	values->check = check;
	while (opts != NULL && opts[values->n].name != NULL)
		values->n++;
	values->v = xcalloc((size_t)values->n + 1, sizeof(*values->v));
	for (int i = 0; i < values->n; i++) {
		const char *text = opts[i].fallback;

		/* A unit test tries every fallback. */
		if (text != NULL)
			(void)provider_values_set(values, i, &text, 1, &err);
	}
	return values;
}

struct provider_values *
provider_values_new(const struct provider *type)
{
	return provider_values_of(type->opts, type->check);
}

static int
index_of(const struct provider_values *values, const char *name)
{
	for (int i = 0; values != NULL && i < values->n; i++) {
		if (strcmp(values->opts[i].name, name) == 0)
			return i;
	}
	return -1;
}

bool
provider_values_lends(const struct provider_values *values, const char *name)
{
	return index_of(values, name) != -1;
}

void
provider_values_borrow(struct provider_values *values,
    struct provider_values *lender)
{
	values->lender = lender;
	values->lent = xcalloc((size_t)values->n + 1, sizeof(*values->lent));
	for (int i = 0; i < values->n; i++) {
		values->lent[i] = -1;
		for (int j = 0; j < lender->n; j++) {
			if (strcmp(lender->opts[j].name,
			    values->opts[i].name) == 0)
				values->lent[i] = j;
		}
	}
}

void
provider_values_free(struct provider_values *values)
{
	if (values == NULL)
		return;
	for (int i = 0; i < values->n; i++)
		clear(&values->v[i]);
	for (int i = 0; i < PROVIDER_FETCHED_MAX; i++)
		freezero_str(values->fetched[i]);
	secret_files_clear(&values->files);
	free(values->v);
	free(values->lent);
	free(values);
}

static int refuse(const struct provider_opt *, const char *text,
    struct error *, const char *allowed, ...)
    __attribute__((format(printf, 4, 5)));

static int
refuse(const struct provider_opt *o, const char *text, struct error *err,
    const char *allowed, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, allowed);
	(void)vsnprintf(what, sizeof(what), allowed, ap);
	va_end(ap);
	if (o->secret)
		return error_set(err, ERR_CONFIG, "config:value",
		    "%s = ...; allowed: %s", o->name, what);
	return error_set(err, ERR_CONFIG, "config:value",
	    "%s = \"%.200s\"; allowed: %s", o->name, text, what);
}

static int
parse_int(const struct provider_opt *o, const char *text, long *out,
    struct error *err)
{
	bool has_range = o->min != 0 || o->max != 0;
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' ||
	    (has_range && (n < o->min || n > o->max))) {
		if (has_range)
			return refuse(o, text, err, "%ld to %ld", o->min,
			    o->max);
		return refuse(o, text, err, "a whole number");
	}
	*out = n;
	return 0;
}

static int
parse_text(const struct provider_opt *o, const char *text, struct pvalue *v,
    struct error *err)
{
	int64_t seconds;
	int b;

	switch (o->type) {
	case PROVIDER_OPT_STRING:
		if (text[0] == '\0')
			return refuse(o, text, err, "text, not empty");
		v->str = xstrdup(text);
		return 0;
	case PROVIDER_OPT_INT:
		return parse_int(o, text, &v->num, err);
	case PROVIDER_OPT_BOOL:
		b = opt_parse_bool(text);
		if (b == -1)
			return refuse(o, text, err, "true, false");
		v->num = b;
		return 0;
	case PROVIDER_OPT_DURATION:
		if (text_parse_duration(text, &seconds) == -1 ||
		    seconds > LONG_MAX)
			return refuse(o, text, err, "a time written like "
			    "90s, 10m or 12h");
		v->num = (long)seconds;
		return 0;
	case PROVIDER_OPT_LIST:
		break;
	}
	return 0;
}

int
provider_values_set(struct provider_values *values, int opt,
    const char *const *texts, size_t n, struct error *err)
{
	const struct provider_opt *o = &values->opts[opt];
	struct pvalue v = { 0 };

	assert(opt >= 0 && opt < values->n);
	if (o->type == PROVIDER_OPT_LIST) {
		for (size_t i = 0; i < n; i++) {
			if (texts[i][0] == '\0')
				return refuse(o, "", err, "text, not empty");
		}
		v.list = xcalloc(n + 1, sizeof(*v.list));
		for (size_t i = 0; i < n; i++)
			v.list[i] = xstrdup(texts[i]);
	} else if (n != 1) {
		return refuse(o, n > 1 ? texts[1] : "", err, "one value");
	} else if (parse_text(o, texts[0], &v, err) == -1) {
		return -1;
	}
	clear(&values->v[opt]);
	values->v[opt] = v;
	return 0;
}

int
provider_values_set_file(struct provider_values *values, int opt,
    const char *path, bool is_text, struct error *err)
{
	assert(opt >= 0 && opt < values->n);
	assert(values->opts[opt].type == PROVIDER_OPT_STRING);
	clear(&values->v[opt]);
	return secret_files_add(&values->files, &values->v[opt].str, path,
	    SECRET_MAX, is_text, err);
}

static int
check_values(const void *arg, struct error *err)
{
	const struct provider_values *values = arg;

	return values->check == NULL ? 0 : values->check(values, err);
}

int
provider_values_look(struct provider_values *values, struct error *err)
{
	if (values->lender != NULL && secret_files_look(
	    &values->lender->files, check_values, values, err) == -1)
		return -1;
	return secret_files_look(&values->files, check_values, values, err);
}

/* Its own, or what it is lent. */
static const struct pvalue *
value_at(const struct provider_values *values, int opt)
{
	assert(opt >= 0 && opt < values->n);
	if (values->lender != NULL && values->lent[opt] != -1)
		return &values->lender->v[values->lent[opt]];
	return &values->v[opt];
}

const char *
provider_given(const struct provider_values *values, int opt)
{
	return value_at(values, opt)->str;
}

void
provider_values_fetched(struct provider_values *values, int at,
    const char *text)
{
	assert(at >= 0 && at < PROVIDER_FETCHED_MAX);
	freezero_str(values->fetched[at]);
	values->fetched[at] = text == NULL ? NULL : xstrdup(text);
}

const char *
provider_fetched(const struct provider_values *values, int at)
{
	assert(at >= 0 && at < PROVIDER_FETCHED_MAX);
	return values->lender != NULL ? values->lender->fetched[at] :
	    values->fetched[at];
}

/* Of credentials, or of who borrows them. */
const char *
provider_str(const struct provider_values *values, int opt)
{
	const struct provider_values *lender = values->lender;
	int at = lender != NULL ? values->lent[opt] : opt;
	const char *fetched = at < 0 || at >= PROVIDER_FETCHED_MAX ? NULL :
	    lender != NULL ? lender->fetched[at] : values->fetched[at];

	return fetched != NULL ? fetched : provider_given(values, opt);
}

long
provider_int(const struct provider_values *values, int opt)
{
	return value_at(values, opt)->num;
}

bool
provider_bool(const struct provider_values *values, int opt)
{
	return provider_int(values, opt) != 0;
}

const char *const *
provider_list(const struct provider_values *values, int opt)
{
	char **list = value_at(values, opt)->list;

	return list == NULL ? no_list : (const char *const *)list;
}

const char *
provider_values_str(const struct provider_values *values, const char *name)
{
	int i = index_of(values, name);

	return i == -1 ? NULL : provider_str(values, i);
}

bool
provider_values_bool(const struct provider_values *values, const char *name)
{
	int i = index_of(values, name);

	return i != -1 && provider_bool(values, i);
}

const char *const *
provider_values_list(const struct provider_values *values, const char *name)
{
	int i = index_of(values, name);

	return i == -1 ? no_list : provider_list(values, i);
}
