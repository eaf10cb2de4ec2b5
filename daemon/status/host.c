/* SPDX-License-Identifier: MIT */
#include "daemon/status/host.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/names.h"
#include "common/text.h"

/* name, or its first label. */
static bool
is_name(const char *host, const char *name)
{
	return strcasecmp(host, name) == 0 ||
	    (strlen(host) == strcspn(name, ".") &&
	    strncasecmp(host, name, strlen(host)) == 0);
}

static bool
is_address(const char *host)
{
	unsigned char addr[sizeof(struct in6_addr)];
	size_t len = strlen(host);
	char v6[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, host, addr) == 1)
		return true;
	return len > 2 && host[0] == '[' && host[len - 1] == ']' &&
	    text_printf(v6, sizeof(v6), "%.*s", (int)len - 2, host + 1) &&
	    inet_pton(AF_INET6, v6, addr) == 1;
}

bool
host_is_ours(const char *host, const char *own, char *const *names)
{
	const char *port = strrchr(host, ':');
	char bare[DNAME_SIZE + 2];
	size_t len = strlen(host);

	if (port != NULL && strspn(port + 1, "0123456789") == strlen(port + 1))
		len = (size_t)(port - host);
	if (len == 0 || !text_printf(bare, sizeof(bare), "%.*s", (int)len,
	    host))
		return false;
	if (is_address(bare))
		return true;
	if (len > 1 && bare[len - 1] == '.')
		bare[len - 1] = '\0';
	if (strcasecmp(bare, "localhost") == 0 || is_name(bare, own))
		return true;
	for (; *names != NULL; names++) {
		if (strcasecmp(bare, *names) == 0)
			return true;
	}
	return false;
}
