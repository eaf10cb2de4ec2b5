/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dnsaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/text.h"

/* 1 to 65535, the whole of s; 0 if it is anything else. */
static uint16_t
parse_port(const char *s)
{
	unsigned port = 0;

	if (s[0] == '\0' || strlen(s) > 5)
		return 0;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		port = port * 10 + (unsigned)(*s - '0');
	}
	return port > 65535 ? 0 : (uint16_t)port;
}

static void
set_text(struct dns_server *s, const char *address, uint16_t port)
{
	if (port == DNS_PORT)
		(void)text_printf(s->text, sizeof(s->text), "%s", address);
	else if (s->ss.ss_family == AF_INET6)
		(void)text_printf(s->text, sizeof(s->text), "[%s]:%u",
		    address, (unsigned)port);
	else
		(void)text_printf(s->text, sizeof(s->text), "%s:%u", address,
		    (unsigned)port);
}

void
dnsaddr_from_in(struct dns_server *s, const char *name,
    const struct in_addr *in, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(port), .sin_addr = *in };
	char text[INET_ADDRSTRLEN];

	memset(s, 0, sizeof(*s));
	(void)text_printf(s->name, sizeof(s->name), "%s", name);
	memcpy(&s->ss, &sin, sizeof(sin));
	s->ss_len = sizeof(sin);
	(void)inet_ntop(AF_INET, in, text, sizeof(text));
	set_text(s, text, port);
}

void
dnsaddr_from_in6(struct dns_server *s, const char *name,
    const struct in6_addr *in6, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(port), .sin6_addr = *in6 };
	char text[INET6_ADDRSTRLEN];

	memset(s, 0, sizeof(*s));
	(void)text_printf(s->name, sizeof(s->name), "%s", name);
	memcpy(&s->ss, &sin6, sizeof(sin6));
	s->ss_len = sizeof(sin6);
	(void)inet_ntop(AF_INET6, in6, text, sizeof(text));
	set_text(s, text, port);
}

void
dnsaddr_from_ss(struct dns_server *s, const struct sockaddr_storage *ss)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (ss->ss_family == AF_INET6) {
		memcpy(&sin6, ss, sizeof(sin6));
		dnsaddr_from_in6(s, "", &sin6.sin6_addr,
		    ntohs(sin6.sin6_port));
	} else {
		memcpy(&sin, ss, sizeof(sin));
		dnsaddr_from_in(s, "", &sin.sin_addr, ntohs(sin.sin_port));
	}
}

void
dnsaddr_with_port(struct dns_server *s, const char *name,
    const struct dns_server *of, uint16_t port)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (of->ss.ss_family == AF_INET6) {
		memcpy(&sin6, &of->ss, sizeof(sin6));
		dnsaddr_from_in6(s, name, &sin6.sin6_addr, port);
	} else {
		memcpy(&sin, &of->ss, sizeof(sin));
		dnsaddr_from_in(s, name, &sin.sin_addr, port);
	}
}

/* An IPv6 address that may carry a zone, "fe80::1%eth0". */
static int
parse_in6(struct dns_server *s, char *host, uint16_t port)
{
	struct in6_addr in6;
	char *percent = strchr(host, '%');
	unsigned scope = 0;

	if (percent != NULL) {
		*percent = '\0';
		if ((scope = if_nametoindex(percent + 1)) == 0)
			return -1;
	}
	if (inet_pton(AF_INET6, host, &in6) != 1)
		return -1;
	dnsaddr_from_in6(s, "", &in6, port);
	if (percent != NULL) {
		((struct sockaddr_in6 *)&s->ss)->sin6_scope_id = scope;
		*percent = '%';
		set_text(s, host, port);
	}
	return 0;
}

/* host is cut out of text; *port is set if one is given. */
static int
split(const char *text, char *host, size_t size, uint16_t *port)
{
	const char *end, *colon = strchr(text, ':');
	size_t len;

	if (text[0] == '[') {
		if ((end = strchr(++text, ']')) == NULL)
			return -1;
		colon = end[1] == '\0' ? NULL : end + 1;
		if (colon != NULL && *colon != ':')
			return -1;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;		/* one colon: IPv4 with a port */
	} else {
		end = text + strlen(text);
		colon = NULL;
	}
	len = (size_t)(end - text);
	if (len == 0 || len >= size)
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (colon != NULL && (*port = parse_port(colon + 1)) == 0)
		return -1;
	return 0;
}

int
dnsaddr_parse(const char *text, struct dns_server *s, struct error *err)
{
	char host[64];
	struct in_addr in;
	uint16_t port = DNS_PORT;

	if (split(text, host, sizeof(host), &port) == 0) {
		if (text[0] != '[' && inet_pton(AF_INET, host, &in) == 1) {
			dnsaddr_from_in(s, "", &in, port);
			return 0;
		}
		if (parse_in6(s, host, port) == 0)
			return 0;
	}
	return error_set(err, ERR_CONFIG, "dns:address", "\"%s\" is not an "
	    "address such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53",
	    text);
}

size_t
dnsaddr_of_resolv_conf(const char *text, struct dns_server *out, size_t max)
{
	static const char keyword[] = "nameserver";
	size_t n = 0;

	for (const char *p = text; *p != '\0' && n < max;) {
		const char *end = p + strcspn(p, "\n");
		char address[64];
		struct error ignored;
		size_t len;

		if (strncmp(p, keyword, sizeof(keyword) - 1) == 0) {
			p += sizeof(keyword) - 1;
			len = strspn(p, " \t");
			p += len;
			len = len == 0 ? 0 : strcspn(p, " \t\r\n");
			if (len < sizeof(address)) {
				memcpy(address, p, len);
				address[len] = '\0';
				n += dnsaddr_parse(address, &out[n],
				    &ignored) == 0;
			}
		}
		p = *end == '\n' ? end + 1 : end;
	}
	return n;
}

bool
dnsaddr_equal(const struct dns_server *a, const struct dns_server *b)
{
	return a->ss_len == b->ss_len &&
	    memcmp(&a->ss, &b->ss, a->ss_len) == 0;
}

const char *
dnsaddr_label(const struct dns_server *s, char out[DNSADDR_LABEL_MAX])
{
	if (s->name[0] == '\0')
		(void)text_printf(out, DNSADDR_LABEL_MAX, "%s", s->text);
	else
		(void)text_printf(out, DNSADDR_LABEL_MAX, "%s (%s)", s->name,
		    s->text);
	return out;
}

bool
dnsaddr_is_routable(const struct dns_server *s)
{
	int rc, fd = socket(s->ss.ss_family,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return errno != EAFNOSUPPORT;
	rc = connect(fd, (const struct sockaddr *)&s->ss, s->ss_len);
	if (rc == -1 && errno != ENETUNREACH && errno != EADDRNOTAVAIL)
		rc = 0;			/* not a matter of routes */
	(void)close(fd);
	return rc == 0;
}
