/* SPDX-License-Identifier: MIT */
#include "common/names.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

#define LABEL_MAX 63
#define INPUT_MAX 1024		/* bytes; 253 characters of four bytes fit */
#define OBJECT_NAME_MAX 100

static const char bad_character[] = "it has a character that is not allowed";

static int
bad_name(struct error *err, const char *name, const char *why)
{
	return error_set(err, ERR_CONFIG, "name:syntax",
	    "\"%.300s\" is not a domain name: %s", name, why);
}

/* Anything that needs libidn2: non-ASCII, or A-labels to be verified. */
static bool
needs_idn(const char *s)
{
	const char *label = s;

	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return true;
		if (s == label && strncasecmp(s, "xn--", 4) == 0)
			return true;
		if (*s == '.')
			label = s + 1;
	}
	return false;
}

/* in -> ASCII, lower case; NULL or what is wrong. */
static const char *
to_ascii(const char *in, char *out, size_t size)
{
	uint8_t *ascii;
	bool fits;
	int r;

	if (!needs_idn(in)) {
		if (!text_printf(out, size, "%s", in))
			return "it is too long";
	} else {
		r = idn2_lookup_u8((const uint8_t *)in, &ascii,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
		if (r != IDN2_OK)
			return idn2_strerror(r);
		fits = text_printf(out, size, "%s", (const char *)ascii);
		idn2_free(ascii);
		if (!fits)
			return "it is too long";
	}
	for (; *out != '\0'; out++) {
		if (*out >= 'A' && *out <= 'Z')
			*out = (char)(*out - 'A' + 'a');
	}
	return NULL;
}

static bool
is_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* NULL, or what is wrong with one label of len bytes. */
static const char *
label_fault(const char *label, size_t len, bool host)
{
	if (len == 0)
		return "it has an empty label";
	if (len > LABEL_MAX)
		return "it has a label of more than 63 characters";
	if (label[0] == '-' || label[len - 1] == '-')
		return "a label begins or ends with a hyphen";
	for (size_t i = 0; i < len; i++) {
		if (label[i] == '_') {
			if (host)
				return "underscores are not allowed in it";
		} else if (label[i] == '*') {
			return "\"*\" is allowed as the whole first label "
			    "only, if at all";
		} else if (!is_ldh(label[i])) {
			return bad_character;
		}
	}
	return NULL;
}

/* What people paste in place of a name, or NULL. */
static const char *
paste_fault(const char *in)
{
	const char *p = in;
	size_t colons = 0;

	for (; *p != '\0'; p++)
		colons += *p == ':';
	if (strstr(in, "://") != NULL)
		return "it is a URL; write the name only";
	if (strchr(in, '/') != NULL)
		return "it has a \"/\"; write the name only";
	if (strchr(in, '@') != NULL)
		return "it is a mail address; write the name behind the "
		    "\"@\" only";
	if (colons > 1)
		return "it looks like an IP address";
	if (colons == 1)
		return "it has a \":\"; write the name only, without a port";
	if (strpbrk(in, " \t,;") != NULL)
		return "it has a blank or a comma; write each name in quotes "
		    "of its own";
	return NULL;
}

static const char *
labels_fault(const char *name, bool host, size_t least)
{
	const char *label = name, *why;
	size_t n = 0, len;

	for (;;) {
		len = strcspn(label, ".");
		if ((why = label_fault(label, len, host)) != NULL)
			return why;
		n++;
		if (label[len] == '\0')
			break;
		label += len + 1;
	}
	if (n < least)
		return "it has only one label";
	/* RFC 3696 section 2: no top-level domain is all digits. */
	if (strspn(label, "0123456789") == len)
		return "it looks like an IP address";
	return NULL;
}

static int
normalize(const char *in, bool host, bool wildcard, size_t least,
    char out[DNAME_SIZE], struct error *err)
{
	size_t prefix = wildcard && dname_is_wildcard(in) ? 2 : 0, len;
	char name[DNAME_SIZE + 1];	/* room for a final dot */
	const char *why;

	if (in[0] == '\0')
		return bad_name(err, in, "it is empty");
	if (strlen(in) > INPUT_MAX)
		return bad_name(err, in, "it is too long");
	if ((why = paste_fault(in)) != NULL)
		return bad_name(err, in, why);
	if ((why = to_ascii(in + prefix, name, sizeof(name))) != NULL)
		return bad_name(err, in, why);
	len = strlen(name);
	if (len > 1 && name[len - 1] == '.')
		name[--len] = '\0';
	if (prefix + len > DNAME_MAX)
		return bad_name(err, in, "it is longer than 253 characters");
	if ((why = labels_fault(name, host, least)) == bad_character) {
		const char *c = name + strspn(name, "*._-0123456789"
		    "abcdefghijklmnopqrstuvwxyz");

		return error_set(err, ERR_CONFIG, "name:syntax", "\"%.300s\" "
		    "is not a domain name: \"%c\" is not allowed in it", in,
		    *c > 0x20 && *c < 0x7f ? *c : '?');
	}
	if (why != NULL)
		return bad_name(err, in, why);
	(void)text_printf(out, DNAME_SIZE, "%s%s", prefix > 0 ? "*." : "",
	    name);
	return 0;
}

int
dname_normalize(const char *in, bool host, bool wildcard, char out[DNAME_SIZE],
    struct error *err)
{
	return normalize(in, host, wildcard, 2, out, err);
}

size_t
address_bytes(const char *s, unsigned char out[16])
{
	if (inet_pton(AF_INET, s, out) == 1)
		return 4;
	return inet_pton(AF_INET6, s, out) == 1 ? 16 : 0;
}

const char *
address_of_bytes(const unsigned char *p, size_t len, char out[DNAME_SIZE])
{
	if (len != 4 && len != 16)
		return NULL;
	return inet_ntop(len == 4 ? AF_INET : AF_INET6, p, out, DNAME_SIZE);
}

bool
address_normalize(const char *in, char out[DNAME_SIZE])
{
	unsigned char bytes[16];

	return address_of_bytes(bytes, address_bytes(in, bytes), out) != NULL;
}

bool
name_is_address(const char *name)
{
	unsigned char bytes[16];

	return address_bytes(name, bytes) > 0;
}

int
dname_normalize_zone(const char *in, char out[DNAME_SIZE], struct error *err)
{
	return normalize(in, false, false, 1, out, err);
}

/* Without escapes and the final dot; false if that is no name of ours. */
static bool
unescape(const char *in, char out[INPUT_MAX])
{
	size_t n = 0;

	for (; *in != '\0'; in++) {
		int c = (unsigned char)*in;

		if (c == '\\' && strspn(in + 1, "0123456789") >= 3) {
			c = (in[1] - '0') * 100 + (in[2] - '0') * 10 +
			    in[3] - '0';
			in += 3;
			/* A byte of UTF-8 here is one in the DNS, too. */
			if (c <= ' ' || c >= 0x7f || c == '.')
				return false;
		} else if (c == '\\') {
			c = (unsigned char)*++in;
			if (c == '\0' || c == '.')
				return false;
		}
		if (n + 1 >= INPUT_MAX)
			return false;
		out[n++] = (char)c;
	}
	if (n > 1 && out[n - 1] == '.')
		n--;
	out[n] = '\0';
	return true;
}

bool
dname_is_shown(const char *shown, const char *name)
{
	char plain[INPUT_MAX], ascii[DNAME_SIZE];

	if (!unescape(shown, plain))
		return false;
	return strcasecmp(plain, name) == 0 || (needs_idn(plain) &&
	    to_ascii(plain, ascii, sizeof(ascii)) == NULL &&
	    strcmp(ascii, name) == 0);
}

char *
dname_unicode(const char *name)
{
	char back[DNAME_SIZE], *unicode = NULL, *shown = NULL;
	struct error err;

	/* The way back allows no controls, no other direction of writing
	   within a label, and nothing that looks like a dot. */
	if (strstr(name, "xn--") != NULL &&
	    idn2_to_unicode_8z8z(name, &unicode, 0) == IDN2_OK &&
	    dname_normalize(unicode, false, true, back, &err) == 0 &&
	    strcmp(back, name) == 0)
		shown = xstrdup(unicode);
	idn2_free(unicode);
	return shown != NULL ? shown : xstrdup(name);
}

char *
dname_show(const char *name)
{
	char *unicode = dname_unicode(name), *both;

	if (strcmp(unicode, name) == 0)
		return unicode;
	both = xasprintf("%s (%s)", unicode, name);
	free(unicode);
	return both;
}

bool
dname_is_wildcard(const char *name)
{
	return strncmp(name, "*.", 2) == 0;
}

const char *
dname_base(const char *name)
{
	return dname_is_wildcard(name) ? name + 2 : name;
}

const char *
dname_parent(const char *name)
{
	const char *dot;

	if (name[0] == '\0')
		return NULL;
	dot = strchr(name, '.');
	return dot == NULL ? name + strlen(name) : dot + 1;
}

bool
dname_is_in(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);

	if (z == 0)
		return true;	/* the root */
	if (n < z || strcmp(name + n - z, zone) != 0)
		return false;
	return n == z || name[n - z - 1] == '.';
}

int
object_name_check(const char *name, struct error *err)
{
	const char *why = NULL;
	size_t len = strlen(name);

	if (len == 0)
		why = "it is empty";
	else if (len > OBJECT_NAME_MAX)
		why = "it is longer than 100 characters";
	else if (name[0] == '.' || name[0] == '-')
		why = "it begins with '.' or '-'";
	else if (strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
		why = "only letters, digits, '.', '_' and '-' are allowed";
	if (why == NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "name:object",
	    "\"%.200s\" cannot be a name here: %s", name, why);
}

void
dname_of_host(char out[DNAME_SIZE])
{
	if (gethostname(out, DNAME_SIZE) == -1 || out[0] == '\0')
		(void)text_printf(out, DNAME_SIZE, "localhost");
	out[DNAME_MAX] = '\0';
	/* It becomes a part of headers and addresses. */
	for (char *s = out; *s != '\0'; s++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
		    "WXYZ0123456789.-", *s) == NULL)
			*s = '-';
	}
}
