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
	[STARTTLS_XMPP_SERVER] = { "xmpp-server", 5269, 0 },
	[STARTTLS_FTP] = { "ftp", 21, 0 },
	[STARTTLS_MYSQL] = { "mysql", 3306, 0 },
	[STARTTLS_SIEVE] = { "sieve", 4190, 0 },
	[STARTTLS_LMTP] = { "lmtp", 24, 0 },
	[STARTTLS_NNTP] = { "nntp", 119, 0 },
	[STARTTLS_IRC] = { "irc", 6667, 0 },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == STARTTLS_END, "kinds");

const char *
starttls_name(enum starttls kind)
{
	return kinds[kind].name;
}

uint16_t
starttls_port(enum starttls kind)
{
	return kinds[kind].port;
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

/* --- SMTP, LMTP, IMAP, POP3, FTP, NNTP, ManageSieve: lines --- */

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
static const struct line_step lmtp[] = {	/* RFC 2033 */
	{ "220 ", "LHLO acmed.invalid\r\n" },
	{ "250 ", "STARTTLS\r\n" },
	{ "220 ", NULL },
};
static const struct line_step ftp[] = {		/* RFC 4217 section 4 */
	{ "220 ", "AUTH TLS\r\n" },
	{ "234 ", NULL },
};
static const struct line_step nntp[] = {	/* RFC 4642; 200 or 201 */
	{ "20", "STARTTLS\r\n" },
	{ "382 ", NULL },
};
static const struct line_step sieve[] = {	/* RFC 5804 sections 1.7, 2.2 */
	{ "OK", "STARTTLS\r\n" },
	{ "OK", NULL },
};

/* A reply of FTP that begins with "220-" ends with "220 "; what is between
 * may be anything (RFC 959 section 4.2). */
static bool
goes_on_ftp(struct starttls_talk *t, const char *line, size_t len)
{
	if (t->code[0] == '\0' && len >= 4 && line[3] == '-') {
		memcpy(t->code, line, 3);
		return true;
	}
	if (t->code[0] == '\0')
		return false;
	if (len < 3 || memcmp(line, t->code, 3) != 0 ||
	    (len > 3 && line[3] != ' '))
		return true;
	t->code[0] = '\0';
	return false;
}

/* Capabilities come before it, and what is left of one sent as a literal. */
static bool
ends_sieve(const char *line, size_t len)
{
	return (len >= 2 && (strncmp(line, "OK", 2) == 0 ||
	    strncmp(line, "NO", 2) == 0)) ||
	    (len >= 3 && strncmp(line, "BYE", 3) == 0);
}

/* Is it a line before the one that ends the step? */
static bool
goes_on(struct starttls_talk *t, const char *line, size_t len)
{
	if (t->kind == STARTTLS_SMTP || t->kind == STARTTLS_LMTP)
		return len >= 4 && line[3] == '-';
	if (t->kind == STARTTLS_FTP)
		return goes_on_ftp(t, line, len);
	if (t->kind == STARTTLS_SIEVE)
		return !ends_sieve(line, len);
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

/* --- MySQL and MariaDB: Protocol::HandshakeV10, then SSLRequest --- */

#define MYSQL_SSL	0x0800		/* of the capabilities */
#define MYSQL_GREETING_MAX 1024

/* A header of four bytes (length, number), the version, which is 10, a text
 * with its NUL, 13 bytes, and two bytes of capabilities, lowest first. */
static int
feed_mysql(struct starttls_talk *t, const char *in, size_t len, size_t *used,
    struct error *err)
{
	static const char request[36] = "\x20\0\0\x01"
	    "\x00\x8a\x00\x00"	/* 4.1, SSL, secure connection */
	    "\0\0\0\x01" "\x21";	/* 16 MiB; utf8 */
	const unsigned char *u = (const unsigned char *)in;
	const char *nul;
	size_t n, at;

	if (len < 4)
		return 0;
	n = u[0] | (size_t)u[1] << 8 | (size_t)u[2] << 16;
	if (u[3] != 0 || n < 1 || n > MYSQL_GREETING_MAX)
		return refused(t, in, len, err);
	if (len - 4 < n)
		return 0;
	*used = 4 + n;
	nul = memchr(in + 4, '\0', n);
	at = nul != NULL ? (size_t)(nul - in) + 1 + 13 : *used;
	if (u[4] != 10 || at + 2 > *used)
		/* An error has a code of two bytes before its text. */
		return refused(t, in + (n > 3 && u[4] == 0xff ? 7 : 4),
		    n - (n > 3 && u[4] == 0xff ? 3 : 0), err);
	if (((u[at] | u[at + 1] << 8) & MYSQL_SSL) == 0)
		return error_set(err, ERR_TRANSIENT, "tls:starttls",
		    "it does not begin TLS (STARTTLS of mysql): it offers "
		    "none; are ssl_cert and ssl_key set?");
	say(t, request, sizeof(request));
	return 1;
}

/* --- IRC (IRCv3, "tls"): asked at once, answered with 670 or 691 --- */

static int
feed_irc(struct starttls_talk *t, const char *in, size_t len, size_t *used,
    struct error *err)
{
	const char *end, *line, *what;
	size_t n;

	if (t->step == 0) {
		t->step = 1;
		say_text(t, "STARTTLS\r\n");
		return 0;
	}
	while ((end = memchr(in + *used, '\n', len - *used)) != NULL) {
		line = what = in + *used;
		*used += (size_t)(end - line) + 1;
		if (*line == ':') {	/* who says it */
			what = memchr(line, ' ', (size_t)(end - line));
			if (what == NULL)
				continue;
			what++;
		}
		n = (size_t)(end - what);
		if (n >= 4 && strncmp(what, "670 ", 4) == 0)
			return 1;
		/* 421: unknown, 451: not registered, 691: it failed */
		if (n >= 4 && (strncmp(what, "691 ", 4) == 0 ||
		    strncmp(what, "421 ", 4) == 0 ||
		    strncmp(what, "451 ", 4) == 0 ||
		    strncmp(what, "ERRO", 4) == 0))
			return refused(t, what, n - (end[-1] == '\r'), err);
	}
	return 0;
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
		    "xmlns='jabber:%s' "
		    "xmlns:stream='http://etherx.jabber.org/streams' "
		    "version='1.0'>", t->host, t->kind == STARTTLS_XMPP ?
		    "client" : "server' from='acmed.invalid");
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
	case STARTTLS_XMPP_SERVER:
		return feed_xmpp(t, in, len, used, err);
	case STARTTLS_FTP:
		return feed_lines(t, ftp, in, len, used, err);
	case STARTTLS_LMTP:
		return feed_lines(t, lmtp, in, len, used, err);
	case STARTTLS_NNTP:
		return feed_lines(t, nntp, in, len, used, err);
	case STARTTLS_SIEVE:
		return feed_lines(t, sieve, in, len, used, err);
	case STARTTLS_MYSQL:
		return feed_mysql(t, in, len, used, err);
	case STARTTLS_IRC:
		return feed_irc(t, in, len, used, err);
	case STARTTLS_NONE:
	case STARTTLS_END:
		break;
	}
	return 1;
}
