/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX (1 << 20)

struct dns {
	struct loop	*loop;
	struct dns_server servers[RESOLVERS_MAX];
	size_t		 n_servers;
	size_t		 preferred;	/* the one that answered last */
	bool		 is_system;	/* from RESOLV_CONF */
	struct timespec	 mtime;		/* of it, when it was read */
	unsigned	 in_flight;
	struct dns_told	*told;
	size_t		 n_told;
};

/* Those of resolv.conf; without any, the local host as in resolv.conf(5). */
static void
read_resolv_conf(struct dns *dns)
{
	struct error ignored;
	char *text;
	size_t len;

	dns->n_servers = 0;
	dns->preferred = 0;
	if (file_read(AT_FDCWD, RESOLV_CONF, RESOLV_CONF_MAX, &text, &len,
	    &ignored) == 0) {
		dns->n_servers = dnsaddr_of_resolv_conf(text, dns->servers,
		    RESOLVERS_MAX);
		free(text);
	}
	if (dns->n_servers == 0 &&
	    dnsaddr_parse("127.0.0.1", &dns->servers[0], &ignored) == 0)
		dns->n_servers = 1;
}

static void
refresh(struct dns *dns)
{
	struct stat st;

	if (!dns->is_system)
		return;
	if (stat(RESOLV_CONF, &st) == -1)
		memset(&st, 0, sizeof(st));
	if (dns->n_servers > 0 &&
	    st.st_mtim.tv_sec == dns->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == dns->mtime.tv_nsec)
		return;
	dns->mtime = st.st_mtim;
	read_resolv_conf(dns);
}

int
dns_set_resolvers(struct dns *dns, const char *const *resolvers,
    struct error *err)
{
	struct dns_server servers[RESOLVERS_MAX];
	size_t n = 0;

	for (; resolvers != NULL && resolvers[n] != NULL; n++) {
		if (n == RESOLVERS_MAX)
			return error_set(err, ERR_CONFIG, "dns:address",
			    "more than %d resolvers", RESOLVERS_MAX);
		if (dnsaddr_parse(resolvers[n], &servers[n], err) == -1)
			return error_wrap(err, "resolvers");
	}
	dns->is_system = n == 0;
	dns->preferred = 0;
	dns->n_servers = n;
	memcpy(dns->servers, servers, n * sizeof(*servers));
	refresh(dns);
	return 0;
}

struct dns *
dns_new(struct loop *loop, const char *const *resolvers, struct error *err)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	dns->loop = loop;
	if (dns_set_resolvers(dns, resolvers, err) == -1) {
		free(dns);
		return NULL;
	}
	return dns;
}

static void
forget_told(struct dns *dns)
{
	for (size_t i = 0; i < dns->n_told; i++)
		free(dns->told[i].server);
	free(dns->told);
	dns->told = NULL;
	dns->n_told = 0;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	forget_told(dns);
	free(dns);
}

void
dns_tell(struct dns *dns, const char *apex, const char *server)
{
	struct dns_told *t;

	if (apex == NULL) {
		forget_told(dns);
		return;
	}
	dns->told = xreallocarray(dns->told, dns->n_told + 1,
	    sizeof(*dns->told));
	t = &dns->told[dns->n_told++];
	(void)text_printf(t->apex, sizeof(t->apex), "%s", apex);
	t->server = server != NULL ? xstrdup(server) : NULL;
}

const struct dns_told *
dns_told(const struct dns *dns, const char *name)
{
	const struct dns_told *best = NULL;

	for (size_t i = 0; i < dns->n_told; i++) {
		const struct dns_told *t = &dns->told[i];

		if ((t->apex[0] == '\0' || dname_is_in(name, t->apex)) &&
		    (best == NULL || strlen(t->apex) > strlen(best->apex)))
			best = t;
	}
	return best;
}

struct dns *
dns_new_like(const struct dns *like, const char *const *resolvers,
    struct error *err)
{
	struct dns *dns = dns_new(like->loop, resolvers, err);

	for (size_t i = 0; dns != NULL && i < like->n_told; i++)
		dns_tell(dns, like->told[i].apex, like->told[i].server);
	return dns;
}

struct loop *
dns_loop(const struct dns *dns)
{
	return dns->loop;
}

const struct dns_server *
dns_resolvers(struct dns *dns, size_t *n)
{
	refresh(dns);
	*n = dns->n_servers;
	return dns->servers;
}

size_t
dns_preferred(const struct dns *dns)
{
	return dns->preferred;
}

void
dns_prefer(struct dns *dns, const struct dns_server *server)
{
	for (size_t i = 0; i < dns->n_servers; i++) {
		if (dnsaddr_equal(&dns->servers[i], server)) {
			dns->preferred = i;
			return;
		}
	}
}

unsigned *
dns_in_flight(struct dns *dns)
{
	return &dns->in_flight;
}
