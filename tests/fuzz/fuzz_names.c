/* SPDX-License-Identifier: MIT */
/*
 * fuzz_names - what says where a name leads and who may issue for it: the texts
 * of hosts(5) and resolv.conf(5), the address of a server, a name, and CAA
 * records, a line each: the flags, the tag, the value.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/dns/addresses.h"
#include "daemon/dns/caa.h"
#include "daemon/dns/dnsaddr.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS_MAX 20

static void
need(bool ok)
{
	if (!ok)
		abort();
}

static void
read_hosts(const char *text)
{
	struct dns_server list[4];

	need(addresses_of_hosts(text, "a.example.test", list, 4) <= 4);
	need(dnsaddr_of_resolv_conf(text, list, 4) <= 4);
}

static void
read_name(const char *text)
{
	char name[DNAME_SIZE], again[DNAME_SIZE], address[DNAME_SIZE];
	struct dns_server server;
	struct error err;

	if (dname_normalize(text, true, true, name, &err) == 0) {
		need(strlen(name) <= DNAME_MAX);
		need(dname_normalize(name, true, true, again, &err) == 0);
		need(strcmp(name, again) == 0);
	}
	if (dnsaddr_parse(text, &server, &err) == 0)
		need(memchr(server.text, '\0', sizeof(server.text)) != NULL);
	if (address_normalize(text, address)) {
		need(name_is_address(address));
		need(address_normalize(address, again));
		need(strcmp(address, again) == 0);
	}
}

static void
read_caa(char *text)
{
	static const char *const identities[] = { "ca.test", NULL };
	struct caa_args a = { .name = "www.example.test",
	    .identities = identities, .account = "https://ca.test/acct/1",
	    .method = "dns-01" };
	struct caa_record records[RECORDS_MAX];
	struct caa_refusal refusal;
	char *line, *rest = text;
	size_t n = 0;

	while (n < RECORDS_MAX && (line = strsep(&rest, "\n")) != NULL) {
		const char *flags = strsep(&line, " "), *tag;

		tag = strsep(&line, " ");
		if (line == NULL)
			continue;
		records[n++] = (struct caa_record){ (unsigned)strtoul(flags,
		    NULL, 10) & 255, tag, line };
	}
	for (int wild = 0; wild < 2; wild++) {
		bool ok = caa_allows(records, n, "example.test", &a,
		    &refusal);

		need(ok == (refusal.why[0] == '\0'));
		for (const char *p = refusal.why; *p != '\0'; p++)
			need((unsigned char)*p >= ' ' && *p != 0x7f);
		for (const char *p = refusal.fix; *p != '\0'; p++)
			need((unsigned char)*p >= ' ' && *p != 0x7f);
		a.name = "*.example.test";
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);

	read_hosts(text);
	read_name(text);
	read_caa(text);
	free(text);
	return 0;
}
