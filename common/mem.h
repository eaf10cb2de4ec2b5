/* SPDX-License-Identifier: MIT */
/*
 * mem - allocation that cannot fail.  Memory exhaustion aborts: all state is
 * on disk and systemd starts us again.  Sizes that come from the network are
 * capped by the caller first.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

void	*xmalloc(size_t len) __attribute__((malloc, returns_nonnull));
void	*xcalloc(size_t n, size_t len) __attribute__((malloc, returns_nonnull));
/* realloc() of n * len bytes, overflow checked. */
void	*xreallocarray(void *p, size_t n, size_t len)
	    __attribute__((returns_nonnull));
char	*xstrdup(const char *) __attribute__((malloc, returns_nonnull));
/* The first len bytes of s (or all of s if it is shorter), terminated. */
char	*xstrndup(const char *s, size_t len)
	    __attribute__((malloc, returns_nonnull));
void	*xmemdup(const void *, size_t len)
	    __attribute__((malloc, returns_nonnull));
/* Like asprintf(3); the caller frees. */
char	*xasprintf(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2), returns_nonnull));
char	*xvasprintf(const char *fmt, va_list)
	    __attribute__((format(printf, 1, 0), returns_nonnull));

/* A copy of a list of strings that ends with NULL, to be freed by strv_free();
 * NULL of NULL. */
char	**strv_copy(const char *const *);
void	 strv_free(char **);
/* The same texts in the same order? */
bool	 strv_equal(char *const *, char *const *);

/* Make *p, an own string or NULL, a copy of s; NULL where s is NULL or "". */
void	 xstrset(char **p, const char *s);

/* free() after overwriting len bytes: keys, tokens.  NULL is allowed. */
void	 freezero(void *, size_t len);
/* free() after overwriting a secret string.  NULL is allowed. */
void	 freezero_str(char *);

#endif
