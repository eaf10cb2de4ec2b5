/* SPDX-License-Identifier: MIT */
/* What is written by two targets holds whichever certificate came last. */
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

struct claim {
	char		*key;
	char		*who;		/* certificate "x": deploy "y" */
	const struct source *src;
	int		 line;
	const struct section *cert;	/* whose targets share it, or NULL */
	const char	*family;	/* ... if they bring the same one of a
					   pair (key_type_family()); NULL:
					   the first */
};

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct claim *)a)->key,
	    ((const struct claim *)b)->key);
}

static void
claim_free(void *node)
{
	struct claim *claim = node;

	free(claim->key);
	free(claim->who);
	free(claim);
}

/* "/a//b/./c/../d" -> "/a/b/d"; as text, links are not looked at. */
static char *
plain_path(const char *path)
{
	char *out = xmalloc(strlen(path) + 2);
	size_t n = 0;

	for (const char *p = path; *p != '\0';) {
		size_t len = strcspn(p, "/");

		if (len == 2 && strncmp(p, "..", 2) == 0) {
			while (n > 0 && out[--n] != '/')
				continue;
		} else if (len > 0 && !(len == 1 && *p == '.')) {
			out[n++] = '/';
			memcpy(out + n, p, len);
			n += len;
		}
		p += len + (p[len] == '/');
	}
	out[n] = '\0';
	return out;
}

char *
check_same_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir, *real, *whole;

	/* The last component may be a link: it is replaced, not followed. */
	if (slash == NULL)
		return xstrdup(path);
	dir = xstrndup(path, (size_t)(slash - path) + 1);
	real = realpath(dir, NULL);
	free(dir);
	if (real == NULL)
		return plain_path(path);
	whole = xasprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real,
	    slash + 1);
	free(real);
	return whole;
}

/* What a target's key says. */
static const char *
family_of(const struct section *deploy)
{
	const struct value *v = tree_value(deploy, "key");
	enum key_type type;

	return v == NULL || key_type_parse(v->text, &type) == -1 ? NULL :
	    key_type_family(type);
}

static void
claim(struct check *c, const struct section *sec, const char *what,
    const char *place, const char *path, const struct section *cert)
{
	struct claim *mine = xcalloc(1, sizeof(*mine)), **node;
	char context[TREE_CONTEXT_MAX];
	char *same = place == NULL ? check_same_path(path) :
	    path[0] == '/' ? plain_path(path) : xstrdup(path);

	mine->key = xasprintf("%s\n%s\n%s", what,
	    place != NULL ? place : "", same);
	mine->who = xstrdup(tree_context(sec->parent, context));
	mine->src = sec->src;
	mine->line = sec->line;
	mine->cert = cert;
	mine->family = cert != NULL ? family_of(sec->parent) : NULL;
	free(same);
	node = tsearch(mine, &c->claims, compare);
	if (node == NULL)
		abort();		/* like xmalloc() */
	if (*node == mine)
		return;
	if (cert != NULL && (*node)->cert == cert && (*node)->family ==
	    mine->family) {
		claim_free(mine);
		return;
	}
	opt_mistake(c->m, sec, sec->line, "%s writes the same %s in %s:%d; "
	    "allowed: once", (*node)->who, what, (*node)->src->path,
	    (*node)->line);
	claim_free(mine);
}

void
check_claim(struct check *c, const struct section *sec, const char *what,
    const char *place, const char *path)
{
	claim(c, sec, what, place, path, NULL);
}

void
check_claim_shared(struct check *c, const struct section *sec,
    const char *what, const char *place, const char *path)
{
	claim(c, sec, what, place, path, sec->parent->parent);
}

void
check_free_claims(struct check *c)
{
	tdestroy(c->claims, claim_free);
	c->claims = NULL;
}
