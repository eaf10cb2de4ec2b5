/* SPDX-License-Identifier: MIT */
#include "daemon/io/starttls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"

#define SHOWN_MAX 120		/* bytes of the peer's words in an error */

static const struct {
	const char	*name;
	uint16_t	 port, other_port;
} kinds[] = {
	[STARTTLS_NONE] = { "none", 0, 0 },
	[STARTTLS_SMTP] = { "smtp", 25, 587 },
	[STARTTLS_IMAP] = { "imap", 143, 0 },
	[STARTTLS_POP3] = { "pop3", 110, 0 },
	[STARTTLS_LDAP] = { "ldap", 389, 0 },
	[STARTTLS_POSTGRES] = { "postgres", 5432, 0 },
	[STARTTLS_XMPP] = { "xmpp", 5222, 0 },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == STARTTLS_END, "kinds");

const char *
starttls_name(enum starttls kind)
{
	return kinds[kind].name;
}

int
starttls_parse(const char *name, enum starttls *kind)
{
	for (unsigned i = 0; i < STARTTLS_END; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*kind = (enum starttls)i;
			return 0;
		}
	}
	return -1;
}

enum starttls
starttls_of_port(uint16_t port)
{
	for (unsigned i = 1; i < STARTTLS_END; i++) {
		if (port != 0 && (kinds[i].port == port ||
		    kinds[i].other_port == port))
			return (enum starttls)i;
	}
	return STARTTLS_NONE;
}

static void
say(struct starttls_talk *t, const void *data, size_t len)
{
	memcpy(t->say, data, len);
	t->say_len = len;
}

static void
say_text(struct starttls_talk *t, const char *text)
{
	say(t, text, strlen(text));
}

static int
refused(const struct starttls_talk *t, const char *in, size_t len,
    struct error *err)
{
	return error_set(err, ERR_TRANSIENT, "tls:starttls",
	    "it does not begin TLS (STARTTLS of %s): \"%.*s\"",
	    kinds[t->kind].name, len < SHOWN_MAX ? (int)len : SHOWN_MAX, in);
}

/* --- SMTP, IMAP, POP3: lines --- */

/* One step: the line that ends it begins so; then this is sent. */
struct line_step {
	const char	*want;		/* "250 " stands for "250" too */
	const char	*say;		/* NULL: TLS begins */
};
static const struct line_step smtp[] = {
	{ "220 ", "EHLO acmed.invalid\r\n" },
	{ "250 ", "STARTTLS\r\n" },
	{ "220 ", NULL },
};
static const struct line_step imap[] = {
	{ "* OK", "a1 STARTTLS\r\n" },
	{ "a1 OK", NULL },
};
static const struct line_step pop3[] = {
	{ "+OK", "STLS\r\n" },
	{ "+OK", NULL },
};

/* Is it a line before the one that ends the step? */
static bool
goes_on(const struct starttls_talk *t, const char *line, size_t len)
{
	if (t->kind == STARTTLS_SMTP)
		return len >= 4 && line[3] == '-';
	return t->kind == STARTTLS_IMAP && t->step > 0 && len >= 2 &&
	    line[0] == '*' && line[1] == ' ';
}

static bool
is_wanted(const char *line, size_t len, const char *want)
{
	size_t n = strlen(want);

	if (want[n - 1] == ' ' && len == n - 1)
		n--;
	return len >= n && strncmp(line, want, n) == 0;
}

static int
feed_lines(struct starttls_talk *t, const struct line_step *steps,
    const char *in, size_t len, size_t *used, struct error *err)
{
	const char *end;

	while ((end = memchr(in + *used, '\n', len - *used)) != NULL) {
		const char *line = in + *used;
		size_t n = (size_t)(end - line);

		*used += n + 1;
		if (n > 0 && line[n - 1] == '\r')
			n--;
		if (goes_on(t, line, n))
			continue;
		if (!is_wanted(line, n, steps[t->step].want))
			return refused(t, line, n, err);
		if (steps[t->step].say == NULL)
			return 1;
		say_text(t, steps[t->step++].say);
		return 0;
	}
	return 0;
}

/* --- LDAP (RFC 4511 section 4.14): one request, one response --- */

/* Length octets at *i; false: not all there or more than we take. */
static bool
ber_len(const unsigned char *in, size_t len, size_t *i, size_t *out)
{
	size_t n;

	if (*i >= len)
		return false;
	if (in[*i] < 0x80) {
		*out = in[(*i)++];
		return true;
	}
	n = in[(*i)++] & 0x7f;
	if (n < 1 || n > 3 || *i + n > len)
		return false;
	for (*out = 0; n > 0; n--)
		*out = *out << 8 | in[(*i)++];
	return true;
}

/* The result code of an ExtendedResponse; -1: malformed. */
static int
ldap_result(const unsigned char *in, size_t len)
{
	size_t i = 0, n;

	if (in[i++] != 0x30 || !ber_len(in, len, &i, &n) || i + 3 > len ||
	    memcmp(in + i, "\x02\x01\x01", 3) != 0)
		return -1;
	i += 3;
	if (i >= len || in[i++] != 0x78 || !ber_len(in, len, &i, &n) ||
	    i + 3 > len || in[i] != 0x0a || in[i + 1] != 1)
		return -1;
	return in[i + 2];
}

static int
feed_ldap(struct starttls_talk *t, const char *in, size_t len, size_t *used,
    struct error *err)
{
	static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
	    "1.3.6.1.4.1.1466.20037";
	const unsigned char *u = (const unsigned char *)in;
	size_t i = 1, n;
	int result;

	if (t->step == 0) {
		t->step = 1;
		say(t, request, sizeof(request) - 1);
		return 0;
	}
	if (len == 0)
		return 0;
	if (u[0] != 0x30)
		return refused(t, in, len, err);
	if (!ber_len(u, len, &i, &n) || n > len - i)
		return 0;
	*used = i + n;
	result = ldap_result(u, *used);
	if (result == 0)
		return 1;
	return error_set(err, ERR_TRANSIENT, "tls:starttls", result < 0 ?
	    "it does not begin TLS (STARTTLS of ldap): malformed reply" :
	    "it does not begin TLS (STARTTLS of ldap): result code %d",
	    result);
}

/* --- PostgreSQL: SSLRequest --- */

static int
feed_postgres(struct starttls_talk *t, const char *in, size_t len,
    size_t *used, struct error *err)
{
	if (t->step == 0) {
		t->step = 1;
		say(t, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
		return 0;
	}
	if (len == 0)
		return 0;
	*used = 1;
	return in[0] == 'S' ? 1 : refused(t, in, len, err);
}

/* --- XMPP (RFC 6120 section 5) --- */

static const char *
find(const char *in, size_t len, const char *what)
{
	return memmem(in, len, what, strlen(what));
}

static int
feed_xmpp(struct starttls_talk *t, const char *in, size_t len, size_t *used,
    struct error *err)
{
	const char *end;

	if (t->step == 0) {
		(void)text_printf(t->say, sizeof(t->say),
		    "<?xml version='1.0'?><stream:stream to='%s' "
		    "xmlns='jabber:client' "
		    "xmlns:stream='http://etherx.jabber.org/streams' "
		    "version='1.0'>", t->host);
		t->say_len = strlen(t->say);
		t->step = 1;
		return 0;
	}
	if (find(in, len, "<stream:error") != NULL ||
	    find(in, len, "<failure") != NULL)
		return refused(t, in, len, err);
	if (t->step == 1) {
		end = find(in, len, "</stream:features>");
		if (end == NULL)
			return 0;
		*used = (size_t)(end - in) + strlen("</stream:features>");
		if (find(in, *used, "urn:ietf:params:xml:ns:xmpp-tls") == NULL)
			return refused(t, in, *used, err);
		say_text(t,
		    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		t->step = 2;
		return 0;
	}
	end = find(in, len, "<proceed");
	if (end != NULL)
		end = memchr(end, '>', len - (size_t)(end - in));
	if (end == NULL)
		return 0;
	*used = (size_t)(end - in) + 1;
	return 1;
}

int
starttls_feed(struct starttls_talk *t, const char *in, size_t len,
    size_t *used, struct error *err)
{
	*used = 0;
	t->say_len = 0;
	switch (t->kind) {
	case STARTTLS_SMTP:
		return feed_lines(t, smtp, in, len, used, err);
	case STARTTLS_IMAP:
		return feed_lines(t, imap, in, len, used, err);
	case STARTTLS_POP3:
		return feed_lines(t, pop3, in, len, used, err);
	case STARTTLS_LDAP:
		return feed_ldap(t, in, len, used, err);
	case STARTTLS_POSTGRES:
		return feed_postgres(t, in, len, used, err);
	case STARTTLS_XMPP:
		return feed_xmpp(t, in, len, used, err);
	case STARTTLS_NONE:
	case STARTTLS_END:
		break;
	}
	return 1;
}
