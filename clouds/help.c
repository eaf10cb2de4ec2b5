/* SPDX-License-Identifier: MIT */
#include "clouds/cloud.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "daemon/rest/sign.h"
#include "daemon/rest/xml.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

bool
cloud_is_china(const struct cloud_call *c)
{
	return strcmp(provider_str(c->values, CLOUD_SITE), "china") == 0;
}

int
cloud_check_site(const struct provider_values *values, struct error *err)
{
	const char *site = provider_str(values, CLOUD_SITE);

	if (strcmp(site, "china") == 0 || strcmp(site, "international") == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "site = \"%.100s\"; "
	    "allowed: china, international", site);
}

int
cloud_check_word(const char *option, const char *value, const char *what,
    struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*.";

	if (value == NULL || (value[strspn(value, allowed)] == '\0' &&
	    value[strspn(value, ".")] != '\0'))
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "%s = \"%.200s\"; "
	    "allowed: %s", option, value, what);
}

int
cloud_check_words(const char *option, const char *const *list,
    const char *what, struct error *err)
{
	for (size_t i = 0; list[i] != NULL; i++) {
		if (i == CLOUD_HOSTS_MAX)
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s has too many entries; allowed: 1 to %d",
			    option, CLOUD_HOSTS_MAX);
		if (cloud_check_word(option, list[i], what, err) == -1)
			return -1;
	}
	return 0;
}

/* The next digit that counts, in lower case; '\0' at the end. */
static char
digit(const char **s, bool *is_begun)
{
	for (; **s != '\0'; (*s)++) {
		if (!isxdigit((unsigned char)**s))
			continue;
		if (**s == '0' && !*is_begun)
			continue;
		*is_begun = true;
		return (char)tolower((unsigned char)*(*s)++);
	}
	return '\0';
}

bool
cloud_same_hex(const char *a, const char *b)
{
	bool in_a = false, in_b = false;
	char x, y;

	if (a == NULL || b == NULL)
		return false;
	do {
		x = digit(&a, &in_a);
		y = digit(&b, &in_b);
	} while (x == y && x != '\0');
	return x == y && in_a;
}

bool
cloud_is_print(const struct cloud_call *c, const char *print)
{
	size_t n = 0;

	for (const char *s = print; s != NULL && *s != '\0'; s++)
		n += isxdigit((unsigned char)*s) != 0;
	return cloud_same_hex(print, n == 64 ? c->cert.sha256 :
	    n == 40 ? c->cert.sha1 : NULL);
}

bool
cloud_is_ours(const struct cloud_call *c, const char *pem)
{
	const char *from = pem == NULL ? NULL : strstr(pem, BEGIN);
	const char *to = from == NULL ? NULL : strstr(from, END);
	unsigned char *der, hash[SIGN_MAX];
	char *text, hex[SIGN_HEX];
	size_t n = 0, len;
	bool is_ours = false;

	if (to == NULL)
		return false;
	text = xmalloc((size_t)(to - from) + 1);
	for (from += strlen(BEGIN); from < to; from++) {
		if (!isspace((unsigned char)*from))
			text[n++] = *from;
	}
	text[n] = '\0';
	if (sign_base64_decode(text, &der, &len) == 0) {
		(void)text_hex(hash, sign_hash(SIGN_SHA256, der, len, hash),
		    hex);
		is_ours = strcmp(hex, c->cert.sha256) == 0;
		free(der);
	}
	free(text);
	return is_ours;
}

enum rest_next
cloud_other_key(struct cloud_call *c)
{
	if (c->cert.sec1_key == NULL || c->cert.key == c->cert.sec1_key)
		return REST_FAIL;
	c->cert.key = c->cert.sec1_key;
	return REST_AGAIN;
}

bool
cloud_is_rsa(const struct cloud_call *c)
{
	return c->cert.sec1_key != NULL &&
	    strstr(c->cert.sec1_key, "BEGIN RSA") != NULL;
}

enum rest_next
cloud_lacks(const char *what, struct error *err)
{
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the answer has no usable %s", what);
	return REST_FAIL;
}

void
cloud_judge_xml(const struct rest_code *codes, const struct rest_answer *a,
    struct error *err)
{
	struct xml root = xml_document(a->body, a->body_len);
	char code[64], words[300];

	if (!xml_text(&root, "Code", code, sizeof(code)))
		return;
	if (!xml_text(&root, "Message", words, sizeof(words)))
		words[0] = '\0';
	/* 403 is also said of what is no matter of rights. */
	(void)error_set(err, err->kind == ERR_CONFIG ? ERR_REJECTED :
	    err->kind, "provider:refused", "HTTP %d: %s: %s", a->status, code,
	    words);
	rest_judge(codes, REST_IS, code, err);
	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		rest_blame_clock(a, err);
}

const char *
cloud_next_unbound(struct cloud_call *c, const char *const *list)
{
	while (list[c->at] != NULL && c->is_bound[c->at])
		c->at++;
	return list[c->at];
}

enum rest_next
cloud_next_domain(struct cloud_call *c, const char *const *list)
{
	c->at++;
	if (cloud_next_unbound(c, list) != NULL)
		return REST_AGAIN;
	c->at = 0;
	return REST_NEXT;
}

bool
cloud_all_bound(const struct cloud_call *c, const char *const *list)
{
	size_t i = 0;

	while (list[i] != NULL && c->is_bound[i])
		i++;
	return list[i] == NULL;
}

void
cloud_say(const struct cloud_call *c, const char *fmt, ...)
{
	va_list ap;
	char *line;

	if (c->say == NULL)
		return;
	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) == -1)
		abort();
	va_end(ap);
	c->say(c, line);
	free(line);
}
