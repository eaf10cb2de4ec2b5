/* SPDX-License-Identifier: MIT */
#include "daemon/notify/advice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

#define LINK_MAX	300

static const struct {
	const char	*code;
	enum phrase	 advice;
} table[] = {
	{ "acme:accountDoesNotExist", P_DO_ACCOUNT },
	{ "acme:account-status", P_DO_ACCOUNT },
	{ "acme:authorization", P_DO_WORDS },
	{ "acme:badNonce", P_DO_WAIT },
	{ "acme:badReply", P_DO_BAD_REPLY },
	{ "acme:caa", P_DO_CAA },
	{ "acme:connection", P_DO_REACH },
	{ "acme:directory", P_DO_BAD_REPLY },
	{ "acme:dns", P_DO_AUTHZ },
	{ "acme:eab", P_DO_EAB },
	{ "acme:externalAccountRequired", P_DO_EAB },
	{ "acme:http-", P_DO_ANSWERS },
	{ "acme:incorrectResponse", P_DO_AUTHZ },
	{ "acme:invalid", P_DO_WORDS },
	{ "acme:malformed", P_DO_WORDS },
	{ "acme:no-dns-", P_DO_CHALLENGE },
	{ "acme:no-http-", P_DO_CHALLENGE },
	{ "acme:no-tls-", P_DO_CHALLENGE },
	{ "acme:order", P_DO_WORDS },
	{ "acme:other", P_DO_WORDS },
	{ "acme:paused", P_DO_PAUSED },
	{ "acme:rateLimited", P_DO_RATE },
	{ "acme:rejectedIdentifier", P_DO_NAMES },
	{ "acme:serverInternal", P_DO_WAIT },
	{ "acme:slow", P_DO_WAIT },
	{ "acme:tos", P_DO_TOS },
	{ "acme:unauthorized", P_DO_AUTHZ },
	{ "acme:unsupportedIdentifier", P_DO_NAMES },
	{ "cert:chain", P_DO_CERT },
	{ "cert:expired", P_DO_DATES },
	{ "cert:key", P_DO_CERT },
	{ "cert:names", P_DO_CERT },
	{ "cert:not-yet", P_DO_DATES },
	{ "cert:syntax", P_DO_CERT },
	{ "cluster:away", P_DO_CLUSTER },
	{ "cluster:differs", P_DO_DIFFERS },
	{ "cluster:name", P_DO_CLUSTER_CONF },
	{ "cluster:secret", P_DO_CLUSTER_CONF },
	{ "csr:key", P_DO_CSR },
	{ "csr:names", P_DO_CSR },
	{ "csr:syntax", P_DO_CSR },
	{ "dns:no-answer", P_DO_RESOLVERS },
	{ "dns:refused-update", P_DO_UPDATE },
	{ "dns:resolver", P_DO_RESOLVERS },
	{ "dns:stale", P_DO_STALE },
	{ "dns:tsig", P_DO_UPDATE },
	{ "dns:zone", P_DO_ZONE },
	{ "engine:clock", P_DO_CLOCK },
	{ "engine:due-on-arrival", P_DO_ON_ARRIVAL },
	{ "engine:no-room", P_DO_DISK },
	{ "etcd:denied", P_DO_ETCD_USER },
	{ "etcd:space", P_DO_ETCD_SPACE },
	{ "given:chain", P_DO_GIVEN },
	{ "given:expired", P_DO_GIVEN },
	{ "given:key", P_DO_GIVEN },
	{ "given:names", P_DO_GIVEN },
	{ "given:not-yet", P_DO_GIVEN },
	{ "given:serial", P_DO_GIVEN },
	{ "given:syntax", P_DO_GIVEN },
	{ "http:connect", P_DO_NETWORK },
	{ "http:io", P_DO_WAIT },
	{ "http:redirect", P_DO_ANSWERS },
	{ "http:resolve", P_DO_NETWORK },
	{ "http:timeout", P_DO_NETWORK },
	{ "http:tls", P_DO_TLS },
	{ "http:too-large", P_DO_ANSWERS },
	{ "provider:credentials", P_DO_CREDENTIALS },
	{ "provider:no-zone", P_DO_ZONE },
	{ "publish:behind", P_DO_BEHIND },
	{ "publish:stopped", P_DO_STOPPED },
	{ "store:full", P_DO_DISK },
	{ "store:io", P_DO_DISK },
	{ "sys:io", P_DO_DISK },
};

/* The beginning of codes ends with '-'. */
static bool
is_of(const char *code, const char *entry)
{
	size_t len = strlen(entry);

	return entry[len - 1] == '-' ? strncmp(code, entry, len) == 0 :
	    strcmp(code, entry) == 0;
}

enum phrase
advice_phrase(const char *code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (is_of(code, table[i].code))
			return table[i].advice;
	}
	return P_END;
}

char *
advice_link(const char *words)
{
	const char *from = words != NULL ? strstr(words, "https://") : NULL;
	char *link;
	size_t len;

	if (from == NULL)
		return NULL;
	len = strcspn(from, " \t<>\"')],;");
	while (len > 8 && (from[len - 1] == '.' || from[len - 1] == ':'))
		len--;
	if (len <= 8 || len > LINK_MAX)
		return NULL;
	link = xstrndup(from, len);
	text_clean(link);
	return link;
}

char *
advice_text(const struct error *err, const char *name, const char *who,
    bool is_chinese)
{
	enum phrase p = advice_phrase(err->code);
	char *link = NULL, *text;

	if (strcmp(err->code, "acme:userActionRequired") == 0 &&
	    (link = advice_link(err->msg)) != NULL)
		p = P_DO_LINK;
	text = p == P_END ? NULL : phrase_fill(p, is_chinese,
	    (struct phrase_var[]){ { "name", name }, { "who", who },
	    { "link", link }, { NULL, NULL } });
	free(link);
	return text;
}
