/* SPDX-License-Identifier: MIT */
/* Right configurations: what they mean, how files go together. */
#include "daemon/config/conf_read.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "providers/provider.h"
#include "tests/unit/conf_fixture.h"

static const char full[] =
    "state_dir = /srv/acmed\n"
    "control_socket = /srv/acmed.sock\n"
    "resolvers = { 192.0.2.53, \"[2001:db8::53]:5353\" }\n"
    "log_level = debug\n"
    "max_renewals = 3\n"
    "account \"lab\" {\n"
    "	directory = \"https://127.0.0.1:14000/dir\"\n"
    "	contact = { \"mailto:a@example.com\", \"mailto:b@example.com\" }\n"
    "	agree_tos = true\n"
    "	ca_file = ca.pem\n"
    "	proxy = \"http://192.0.2.1:3128\"\n"
    "	key = rsa2048\n"
    "	eab_kid = \"kid-1\"\n"
    "	eab_hmac_key_file = hmac\n"
    "}\n"
    "provider \"dns\" {\n"
    "	type = tsig\n"
    "	server = \"192.0.2.1:53\"\n"
    "	key_name = 'it''s'\n"
    "	key_secret_file = hmac\n"
    "	zones = { a.example, b.example }\n"
    "}\n"
    "provider \"other\" { type = tokendns\n api_token = \"${HOME}$x\\$\" }\n"
    "certificate \"web\" {\n"
    "	names = { \"Example.COM\", \"*.example.com\" }\n"
    "	account = lab\n"
    "	challenge = dns-01\n"
    "	provider = dns\n"
    "	name \"*.example.com\" { provider = other\n"
    "		challenge_alias = \"_x.Acme.example\" }\n"
    "	challenge_alias = acme.example\n"
    "	alias_provider = other\n"
    "	follow_cname = no\n"
    "	resolvers = 192.0.2.54\n"
    "	propagation = resolvers\n"
    "	propagation_delay = 7s\n"
    "	key = ec384\n"
    "	reuse_key = yes\n"
    "	renew_before = 20d\n"
    "	preferred_chain = \"ISRG Root X1\"\n"
    "	profile = shortlived\n"
    "	propagation_timeout = \"90s\"\n"
    "	deploy \"nginx\" { exec = { \"/bin/x\", \"a\\tb\" } timeout = 5m }\n"
    "	deploy \"mail\" { exec = reload-mail }\n"
    "	deploy \"web\" { reload = { nginx, \"x.target\" } config_test = none\n"
    "		restart = apache2 start = \"a@b\" }\n"
    "}\n"
    "certificate \"a.example\" { provider = dns }\n";

#define SHARED "0123456789abcdef0123456789abcdef"

static struct conf *
load(const char *text)
{
	struct conf *conf;
	char *got;

	fixture_write("acmed.conf", 0600, text);
	conf = fixture_load("acmed.conf", &got);
	if (got[0] != '\0')
		fail_msg("%s", got);
	free(got);
	assert_non_null(conf);
	fixture_remove("acmed.conf");
	return conf;
}

/* Loading the main file must fail with these lines. */
static void
refuse(const char *want)
{
	char *got;

	assert_null(fixture_load("acmed.conf", &got));
	assert_string_equal(got, want);
	free(got);
}

static void
test_defaults(void **state)
{
	struct conf *conf = load("account \"le\" { }\n"
	    "provider \"p\" { type = bare }\n"
	    "certificate \"example.com\" { }\n");
	const struct conf_cert *cert = conf_find_cert(conf, "example.com");

	assert_string_equal(conf->state_dir, "/var/lib/acmed");
	assert_string_equal(conf->control_socket, "/run/acmed/acmed.sock");
	assert_null(conf->resolvers[0]);
	assert_int_equal(conf->log_level, LOGL_NOTICE);
	assert_int_equal(conf->max_renewals, 20);
	assert_string_equal(conf->accounts[0]->directory,
	    "https://acme-v02.api.letsencrypt.org/directory");
	assert_null(conf->accounts[0]->contact[0]);
	assert_false(conf->accounts[0]->agree_tos);
	assert_null(conf->accounts[0]->ca_file);
	assert_int_equal(conf->accounts[0]->key, KEY_EC256);
	assert_int_equal(cert->n_names, 1);
	assert_string_equal(cert->names[0].name, "example.com");
	assert_ptr_equal(cert->names[0].provider, conf->providers[0]);
	assert_ptr_equal(cert->account, conf->accounts[0]);
	assert_int_equal(cert->key, KEY_EC256);
	assert_false(cert->reuse_key);
	assert_int_equal(cert->renew_before_s, 30 * 86400);
	assert_int_equal(cert->propagation_timeout_s, 600);
	assert_null(cert->names[0].challenge_alias);
	assert_null(cert->alias_provider);
	assert_true(cert->follow_cname);
	assert_null(cert->resolvers[0]);
	assert_int_equal(cert->propagation, PROPAGATION_AUTHORITATIVE);
	assert_int_equal(cert->propagation_delay_s, 0);
	assert_null(cert->preferred_chain);
	assert_null(cert->profile);
	assert_false(cert->profile_required);
	/* The hooks of the default directory, whenever it is there. */
	assert_int_equal(cert->n_deploys, 1);
	assert_non_null(cert->deploys[0]->hooks_dir);
	assert_int_equal(cert->line, 3);
	assert_int_equal(cert->end_line, 3);
	assert_string_equal(cert->file, fixture_path("acmed.conf"));
	conf_unref(conf);
}

static void
check_account(const struct conf_account *a)
{
	assert_string_equal(a->directory, "https://127.0.0.1:14000/dir");
	assert_string_equal(a->contact[1], "mailto:b@example.com");
	assert_null(a->contact[2]);
	assert_true(a->agree_tos);
	assert_string_equal(a->ca_file, fixture_path("ca.pem"));
	assert_string_equal(a->proxy, "http://192.0.2.1:3128");
	assert_int_equal(a->key, KEY_RSA2048);
	assert_string_equal(a->eab_kid, "kid-1");
	assert_string_equal(a->eab_hmac_key_file, fixture_path("hmac"));
}

static void
check_cert(const struct conf *conf, const struct conf_cert *cert)
{
	assert_int_equal(cert->n_names, 2);
	assert_string_equal(cert->names[0].name, "example.com");
	assert_string_equal(cert->names[1].name, "*.example.com");
	assert_ptr_equal(cert->names[0].provider,
	    conf_find_provider(conf, "dns"));
	assert_ptr_equal(cert->names[1].provider,
	    conf_find_provider(conf, "other"));
	assert_int_equal(cert->names[0].challenge, CHALLENGE_DNS_01);
	assert_false(cert->names[0].has_own_challenge);
	assert_false(cert->names[0].has_own_provider);
	assert_true(cert->names[1].has_own_provider);
	assert_string_equal(cert->names[0].challenge_alias, "acme.example");
	assert_string_equal(cert->names[1].challenge_alias, "_x.acme.example");
	assert_ptr_equal(cert->alias_provider,
	    conf_find_provider(conf, "other"));
	assert_false(cert->follow_cname);
	assert_string_equal(cert->resolvers[0], "192.0.2.54");
	assert_null(cert->resolvers[1]);
	assert_int_equal(cert->propagation, PROPAGATION_RESOLVERS);
	assert_int_equal(cert->propagation_delay_s, 7);
	assert_int_equal(cert->key, KEY_EC384);
	assert_true(cert->reuse_key);
	assert_int_equal(cert->renew_before_s, 20 * 86400);
	assert_string_equal(cert->preferred_chain, "ISRG Root X1");
	assert_string_equal(cert->profile, "shortlived");
	assert_int_equal(cert->propagation_timeout_s, 90);
	assert_int_equal(cert->n_deploys, 4);
	assert_string_equal(cert->deploys[0]->name, "nginx");
	assert_string_equal(cert->deploys[0]->exec[1], "a\tb");
	assert_null(cert->deploys[0]->exec[2]);
	assert_int_equal(cert->deploys[0]->timeout_s, 300);
	assert_string_equal(cert->deploys[1]->exec[0], "reload-mail");
	assert_int_equal(cert->deploys[1]->timeout_s, 120);
	assert_null(cert->deploys[1]->reload);
	assert_null(cert->deploys[1]->config_test);
	assert_string_equal(cert->deploys[2]->reload[0], "nginx.service");
	assert_string_equal(cert->deploys[2]->reload[1], "x.target");
	assert_null(cert->deploys[2]->reload[2]);
	assert_string_equal(cert->deploys[2]->restart[0], "apache2.service");
	assert_string_equal(cert->deploys[2]->start[0], "a@b.service");
	assert_null(cert->deploys[2]->config_test[0]);
}

/* Also that quotes in a row, as in 'it''s', are two values: refused. */
static void
test_full(void **state)
{
	char *text = xstrdup(full);
	struct conf *conf;
	char *quotes = strstr(text, "''");

	fixture_write("ca.pem", 0644, "");
	fixture_write("hmac", 0600, "c2Vj\n\n");
	fixture_write("acmed.conf", 0600, full);
	refuse("acmed.conf:19: provider \"dns\": unknown key \"s\"; allowed: "
	    "type, server, key_name, key_secret, key_secret_file, ttl, tcp, "
	    "wait, zones\n");
	memcpy(quotes, "\\'", 2);
	conf = load(text);
	free(text);
	assert_string_equal(conf->path, fixture_path("acmed.conf"));
	assert_string_equal(conf->state_dir, "/srv/acmed");
	assert_string_equal(conf->control_socket, "/srv/acmed.sock");
	assert_string_equal(conf->resolvers[1], "[2001:db8::53]:5353");
	assert_null(conf->resolvers[2]);
	assert_int_equal(conf->log_level, LOGL_DEBUG);
	assert_int_equal(conf->max_renewals, 3);
	check_account(conf->accounts[0]);
	assert_int_equal(conf->n_certs, 2);
	assert_string_equal(conf->certs[0]->name, "a.example");
	check_cert(conf, conf->certs[1]);
	fixture_remove("ca.pem");
	fixture_remove("hmac");
	conf_unref(conf);
}

static void
test_provider_values(void **state)
{
	struct conf *conf;
	const struct provider_values *v;

	fixture_write("hmac", 0600, "line one\n\n");
	conf = load("provider \"dns\" {\n type = tsig\n server = a\n"
	    " key_name = \"$\\$${HOME}\"\n key_secret_file = hmac\n"
	    " tcp = off\n zones = { x, \"y z\" }\n}\n"
	    "provider \"none\" { type = tokendns\n limit = -7\n"
	    " hosts_file = \"sub/hosts\" }\n");
	v = conf_find_provider(conf, "dns")->values;
	assert_string_equal(provider_str(v, TSIG_NAME), "$$${HOME}");
	assert_string_equal(provider_str(v, TSIG_SECRET), "line one");
	assert_int_equal(provider_int(v, TSIG_TTL), 5);
	assert_false(provider_bool(v, TSIG_TCP));
	assert_int_equal(provider_int(v, TSIG_WAIT), 120);
	assert_string_equal(provider_list(v, TSIG_ZONES)[1], "y z");
	assert_null(provider_list(v, TSIG_ZONES)[2]);
	v = conf_find_provider(conf, "none")->values;
	assert_null(provider_str(v, 0));
	assert_string_equal(provider_str(v, 1), "all");
	assert_int_equal(provider_int(v, 2), -7);
	assert_null(provider_list(v, 2)[0]);
	assert_string_equal(provider_str(v, 3), fixture_path("sub/hosts"));
	assert_null(conf_find_provider(conf, "else"));
	fixture_remove("hmac");
	conf_unref(conf);
}

/* A literal secret in a file that every user can read; credentials. */
static void
test_secrets(void **state)
{
	static const char text[] = "provider \"p\" { type = tokendns\n"
	    " api_token = \"hunter2\" }\n";
	struct conf *conf;
	char *got, *dir = xstrdup(fixture_path(""));

	fixture_write("acmed.conf", 0644, text);
	refuse("acmed.conf:2: provider \"p\": api_token is a secret and "
	    "every user can read this file; chmod o-r acmed.conf, or use "
	    "api_token_file\n");
	fixture_write("acmed.conf", 0640, text);
	conf = fixture_load("acmed.conf", &got);
	assert_string_equal(got, "");
	free(got);
	conf_unref(conf);
	dir[strlen(dir) - 1] = '\0';
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	fixture_write("cred", 0400, "hunter3\n");
	conf = load("provider \"p\" { type = tokendns\n"
	    " api_token_file = \"credential:cred\" }\n");
	assert_string_equal(provider_str(conf->providers[0]->values, 0),
	    "hunter3");
	conf_unref(conf);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	fixture_remove("cred");
	free(dir);
}

static void
count_notes(enum conf_level level, const char *line, void *arg)
{
	int *n = arg;

	assert_int_not_equal(level, CONF_MISTAKE);
	*n += level == CONF_NOTE &&
	    strstr(line, "only the service has its credentials") != NULL;
}

/* --check-config outside of the service, or where systemd shows it none. */
static void
test_credentials_of_others(void **state)
{
	static const char *const files[] = { "credential:x",
	    "/run/credentials/no-such.service/x" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char text[200];
		struct conf *conf;
		int notes = 0;

		(void)snprintf(text, sizeof(text), "provider \"p\" { type = "
		    "tokendns\n api_token_file = \"%s\" }\n", files[i]);
		fixture_write("acmed.conf", 0640, text);
		conf = conf_check(fixture_path("acmed.conf"), count_notes,
		    &notes);
		assert_non_null(conf);
		assert_int_equal(notes, 1);
		conf_unref(conf);
	}
	refuse("acmed.conf:2: provider \"p\": api_token_file: "
	    "/run/credentials/no-such.service/x: No such file or "
	    "directory\n");
}

static void
write_cert(const char *file, const char *name, const char *more)
{
	char text[400];

	(void)snprintf(text, sizeof(text), "certificate \"%s\" {\n%s}\n",
	    name, more);
	fixture_write(file, 0600, text);
}

/* Files in any order, references between them, globs, relative paths. */
static void
test_include(void **state)
{
	struct conf *conf;

	assert_int_equal(mkdir(fixture_path("d"), 0700), 0);
	write_cert("d/b.conf", "b.example", "");
	write_cert("d/a.conf", "a.example", " provider = q\n");
	fixture_write("d/.hidden.conf", 0600, "broken");
	fixture_write("accounts", 0600, "account \"le\" { }\n"
	    "include('d/p.inc')\n");
	fixture_write("d/p.inc", 0600, "provider \"q\" { type = bare }\n"
	    "log_level = info include(\"../more\")");
	fixture_write("more", 0600, "");
	conf = load("include(\"d/*.conf\")\ninclude(\"accounts\")\n"
	    "include(\"none/[a-z]*.conf\")\n");
	assert_int_equal(conf->n_certs, 2);
	assert_string_equal(conf->certs[0]->file, fixture_path("d/a.conf"));
	assert_int_equal(conf->certs[0]->line, 1);
	assert_non_null(conf->certs[1]->account);
	assert_int_equal(conf->log_level, LOGL_INFO);
	conf_unref(conf);
	fixture_remove("more");
	fixture_remove("d/p.inc");
	fixture_remove("accounts");
	fixture_remove("d/.hidden.conf");
	fixture_remove("d/a.conf");
	fixture_remove("d/b.conf");
	fixture_remove("d");
}

/* One syntax error per file, everything else of all files, in order. */
static void
test_all_mistakes(void **state)
{
	fixture_write("acmed.conf", 0600, "log_level = loud\n"
	    "include(\"one\")\ninclude(\"two\")\ninclude(\"gone\")\n"
	    "include(\"three\")\ninclude(\"two\")\nmax_renewals = -1\n"
	    "account \"a\" { }\nprovider \"p\" { type = bare }\n"
	    "certificate \"x.example\" { account = unknown }\n");
	fixture_write("one", 0600, "state_dir = a\nmax_renewals = 5\n"
	    "account \"a\" { }\n");
	fixture_write("two", 0600, "key = { a b\naccount \"b\" {\n");
	fixture_write("three", 0600,
	    "certificate \"x.example\" { kye = ec256 }\n");
	refuse("acmed.conf:1: log_level = \"loud\"; allowed: error, warning, "
	    "notice, info, debug\n"
	    "acmed.conf:4: include: gone: No such file or directory\n"
	    "acmed.conf:6: include: two: it is read already, included in "
	    "acmed.conf:3\n"
	    "acmed.conf:7: max_renewals = \"-1\"; allowed: 1 to 1000\n"
	    "one:1: state_dir = \"a\"; allowed: an absolute path of at most "
	    "1024 bytes\n"
	    "one:2: max_renewals is given twice, first in acmed.conf:7; "
	    "allowed: once\n"
	    "one:3: account \"a\": it is given twice, first in "
	    "acmed.conf:8; allowed: once\n"
	    "two:1: unknown key \"key\"; allowed: " ROOT_KEYS "\n"
	    "two:1: syntax error: the file ends inside this statement\n"
	    "three:1: certificate \"x.example\": unknown key \"kye\"; did "
	    "you mean \"key\"?\n"
	    "three:1: certificate \"x.example\": it is given twice, first in "
	    "acmed.conf:10; allowed: once\n");
	fixture_remove("acmed.conf");
	fixture_remove("one");
	fixture_remove("two");
	fixture_remove("three");
	refuse("acmed.conf: No such file or directory\n");
}

static void
test_depth(void **state)
{
	char name[16], text[40];

	for (int i = 1; i <= 11; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		(void)snprintf(text, sizeof(text), "include(f%d)\n", i + 1);
		fixture_write(name, 0600, i < 11 ? text : "");
	}
	fixture_write("acmed.conf", 0600, "include(f1)\n");
	refuse("f10:1: include: f11: files are included at more than 10 "
	    "levels\n");
	fixture_write("f10", 0600, "");
	conf_unref(load("include(f1)\n"));
	for (int i = 1; i <= 11; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		fixture_remove(name);
	}
}

static void
test_many_names(void **state)
{
	struct conf *conf;
	char text[8192];
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "account \"a\" { }\n"
	    "provider \"p\" { type = bare }\n"
	    "certificate \"x\" { names = {\n");
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "\"n%d.example\",\n", i);
	(void)snprintf(text + n, sizeof(text) - n, "} }\n");
	conf = load(text);
	assert_int_equal(conf->certs[0]->n_names, 100);
	conf_unref(conf);
	(void)snprintf(text + n, sizeof(text) - n, "\"one.example\" } }\n");
	fixture_write("acmed.conf", 0600, text);
	refuse("acmed.conf:104: certificate \"x\": found 101 names; "
	    "allowed: 1 to 100\n");
	fixture_remove("acmed.conf");
}

/* etc/acmed.conf, as it is and with its examples brought to life. */
static void
test_sample(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct conf *conf;
	struct error err;
	char *path, *text, *to;
	size_t len;

	path = xasprintf("%s/etc/acmed.conf", srcdir != NULL ? srcdir : ".");
	if (file_read(AT_FDCWD, path, 65536, &text, &len, &err) == -1)
		fail_msg("%s", err.msg);
	conf = load(text);
	assert_int_equal(conf->n_accounts, 1);
	assert_int_equal(conf->n_certs, 0);
	conf_unref(conf);
	/* "#key" is an example, "# word" is not. */
	to = text;
	for (const char *from = text; *from != '\0'; from++) {
		if (*from == '#' && (from == text || from[-1] == '\n') &&
		    from[1] != ' ')
			continue;
		*to++ = *from;
	}
	*to = '\0';
	to = strstr(text, "/etc/acmed/secrets/acmed-key");
	assert_non_null(to);
	memset(to, 's', strlen("/etc/acmed/secrets/acmed-key"));
	fixture_write("ssssssssssssssssssssssssssss", 0600, "secret");
	to = strstr(text, "/etc/acmed/secrets/cluster");
	assert_non_null(to);
	memset(to, 'k', strlen("/etc/acmed/secrets/cluster"));
	fixture_write("kkkkkkkkkkkkkkkkkkkkkkkkkk", 0600, SHARED);
	conf = load(text);
	assert_int_equal(conf->n_certs, 1);
	assert_int_equal(conf->certs[0]->n_deploys, 1);
	assert_non_null(conf->cluster);
	conf_unref(conf);
	fixture_remove("ssssssssssssssssssssssssssss");
	fixture_remove("kkkkkkkkkkkkkkkkkkkkkkkkkk");
	free(text);
	free(path);
}

/* They go to the repository of all its certificates, and are no part of what a
 * member is. */
static void
test_cluster_waves(void)
{
	static const char text[] = "cluster { etcd = \"http://a:2379\" "
	    "name = m encrypt_key_file = shared %s }\n"
	    "account \"ca\" { directory = \"https://ca.test/\" "
	    "agree_tos = true }\nprovider \"dns\" { type = bare }\n"
	    "certificate \"c\" { names = { \"c.test\" } }\n";
	char *plain = xasprintf(text, ""), *waves = xasprintf(text,
	    "waves = { \"canary-*\", \"*\" } wave_pause = 1h");
	struct conf *a = load(plain), *b = load(waves);
	const struct conf_repository *r = b->certs[0]->realm->certs;
	struct conf_cluster *copy = conf_cluster_copy(b->cluster);

	assert_true(a->cluster->hash == b->cluster->hash);
	assert_null(a->certs[0]->realm->certs->waves);
	assert_int_equal(r->n_waves, 2);
	assert_int_equal(r->wave_pause_s, 3600);
	conf_unref(b);
	assert_string_equal(copy->waves[0], "canary-*");
	conf_cluster_free(copy);
	conf_unref(a);
	free(plain);
	free(waves);
}

static void
test_cluster(void **state)
{
	struct conf *conf;
	char host[DNAME_SIZE];

	fixture_write("shared", 0600, SHARED);
	conf = load("cluster { etcd = { \"http://a:2379\", \"https://b:1\" }\n"
	    "encrypt_key_file = shared }\n");
	assert_string_equal(conf->cluster->etcd->members[1], "https://b:1");
	assert_string_equal(conf->cluster->prefix, "/acmed");
	dname_of_host(host);
	assert_string_equal(conf->cluster->name, host);
	assert_int_equal(conf->cluster->role, CLUSTER_BOTH);
	assert_int_equal(conf->cluster->lease_s, 15);
	conf_unref(conf);
	conf = load("cluster { etcd = \"http://a:2379\" role = serve\n"
	    "encrypt_key_file = shared prefix = \"x/y/\" name = web-1\n"
	    "lease = 1m }\n");
	assert_string_equal(conf->cluster->prefix, "x/y");
	assert_string_equal(conf->cluster->name, "web-1");
	assert_int_equal(conf->cluster->role, CLUSTER_SERVE);
	assert_int_equal(conf->cluster->lease_s, 60);
	conf_unref(conf);
	test_cluster_waves();
	conf = load("account \"le\" { }\n");
	assert_null(conf->cluster);
	conf_unref(conf);
	fixture_remove("shared");
}

static void
test_nul_byte(void **state)
{
	FILE *fp = fopen(fixture_path("acmed.conf"), "w");

	assert_non_null(fp);
	assert_int_equal(fwrite("log_level = info\0\n", 1, 18, fp), 18);
	assert_int_equal(fclose(fp), 0);
	refuse("acmed.conf: syntax error: found a NUL byte\n");
	fixture_remove("acmed.conf");
}

static void
test_refs(void **state)
{
	struct conf *conf = load(full + strlen(full));
	const struct conf *again = conf_ref(conf);

	assert_ptr_equal(again, conf);
	assert_int_equal(conf->refs, 2);
	conf_unref(conf);
	assert_int_equal(conf->refs, 1);
	assert_null(conf_find_cert(again, "none"));
	conf_unref(again);
	conf_unref(NULL);
}

static void
test_key_types(void **state)
{
	enum key_type type;

	for (int i = 0; i < KEY_TYPE_END; i++) {
		assert_int_equal(key_type_parse(key_type_name(i), &type), 0);
		assert_int_equal(type, i);
	}
	assert_int_equal(key_type_parse("ed25519", &type), -1);
}

static void
test_challenges(void **state)
{
	struct conf *conf = load("account \"le\" { }\n"
	    "provider \"dns\" { type = bare }\n"
	    "http_listen = systemd\n"
	    "status_listen = { \"127.0.0.1:9780\", \"[::1]:9780\" }\n"
	    "status_hosts = status.example\n"
	    "certificate \"a\" { names = { a.example, b.example, c.example,"
	    " \"*.a.example\" }\n"
	    "	challenge = http-01 webroot = \"/srv/a//\"\n"
	    "	name \"b.example\" { webroot = /srv/b }\n"
	    "	name \"c.example\" { challenge = dns-01 }\n"
	    "	name \"*.a.example\" { challenge = dns-01 } }\n"
	    "certificate \"b.example\" { challenge = http-01 }\n");
	const struct conf_name *n = conf->certs[0]->names;

	assert_string_equal(conf->http_listen[0], "systemd");
	assert_null(conf->http_listen[1]);
	assert_string_equal(conf->status_listen[1], "[::1]:9780");
	assert_string_equal(conf->status_hosts[0], "status.example");
	assert_int_equal(n[0].challenge, CHALLENGE_HTTP_01);
	assert_string_equal(n[0].webroot, "/srv/a");
	assert_false(conf_name_needs_dns(&n[0]));
	assert_int_equal(n[1].challenge, CHALLENGE_HTTP_01);
	assert_string_equal(n[1].webroot, "/srv/b");
	assert_int_equal(n[2].challenge, CHALLENGE_DNS_01);
	assert_true(conf_name_needs_dns(&n[2]));
	assert_ptr_equal(n[2].provider, conf->providers[0]);
	assert_int_equal(n[3].challenge, CHALLENGE_DNS_01);
	n = conf->certs[1]->names;
	assert_int_equal(n[0].challenge, CHALLENGE_HTTP_01);
	assert_null(n[0].webroot);
	conf_unref(conf);
}

static void
test_challenge_types(void **state)
{
	enum challenge_type type;

	for (enum challenge_type i = 0; i < CHALLENGE_TYPE_END; i++) {
		assert_int_equal(challenge_type_parse(challenge_type_name(i),
		    &type), 0);
		assert_int_equal(type, i);
	}
	assert_int_equal(challenge_type_parse("tls-sni-01", &type), -1);
}

/* A provider that is known to be slow lengthens the default, no more. */
static void
test_slow_provider(void **state)
{
	static const struct {
		const char	*more;
		int		 seconds;
	} certs[] = {
		{ "provider = fast", 600 },
		{ "provider = slow", 1800 },
		{ "provider = fast alias_provider = slow", 1800 },
		{ "provider = slow propagation_timeout = 5m", 300 },
	};

	for (size_t i = 0; i < N_ELEMENTS(certs); i++) {
		char text[512];
		struct conf *conf;

		(void)snprintf(text, sizeof(text), "account \"le\" { "
		    "agree_tos = true }\nprovider \"fast\" { type = bare }\n"
		    "provider \"slow\" { type = tokendns "
		    "zones = a }\ncertificate \"example.com\" { %s }\n",
		    certs[i].more);
		conf = load(text);
		assert_int_equal(conf->certs[0]->propagation_timeout_s,
		    certs[i].seconds);
		conf_unref(conf);
	}
}

/* All in one file, in no order; each is found. */
/* A certificate has its account's profile, its own, or none. */
static void
test_profiles(void **state)
{
	struct conf *conf = load("account \"le\" { profile = tlsserver "
	    "profile_required = yes }\n"
	    "provider \"p\" { type = bare }\n"
	    "certificate \"a.example\" { }\n"
	    "certificate \"b.example\" { profile = shortlived "
	    "profile_required = no }\n"
	    "certificate \"c.example\" { profile = none }\n");
	struct conf_issuer a = conf_issuer(conf->certs[0], 0),
	    b = conf_issuer(conf->certs[1], 0),
	    c = conf_issuer(conf->certs[2], 0);

	assert_true(conf_has_profile(&a, "tlsserver"));
	assert_true(a.profile_required);
	assert_true(conf_has_profile(&b, "shortlived"));
	assert_false(conf_has_profile(&b, NULL));
	assert_false(b.profile_required);
	assert_true(conf_has_profile(&c, NULL));
	assert_false(conf_has_profile(&c, "tlsserver"));
	conf_unref(conf);
}

/* Each CA has the profile of its own account, if the certificate has none. */
static void
test_issuers(void **state)
{
	struct conf *conf = load("account \"le\" { profile = tlsserver "
	    "profile_required = yes }\n"
	    "account \"other\" { directory = \"https://o.example/d\" }\n"
	    "provider \"p\" { type = bare }\n"
	    "certificate \"a.example\" { account = { \"other\", \"le\" } "
	    "}\n"
	    "certificate \"b.example\" { account = { \"le\", \"other\" } "
	    "profile = shortlived profile_required = no }\n");
	const struct conf_cert *a = conf->certs[0], *b = conf->certs[1];

	assert_int_equal(conf_n_issuers(a), 2);
	assert_string_equal(conf_issuer(a, 0).account->name, "other");
	assert_null(conf_issuer(a, 0).profile);
	assert_false(conf_issuer(a, 0).profile_required);
	assert_string_equal(conf_issuer(a, 1).profile, "tlsserver");
	assert_true(conf_issuer(a, 1).profile_required);
	assert_int_equal(conf_issuer_index(a, "le"), 1);
	assert_int_equal(conf_issuer_index(a, NULL), 0);
	assert_int_equal(conf_issuer_index(a, "gone"), 0);
	assert_string_equal(conf_issuer(b, 1).profile, "shortlived");
	assert_false(conf_issuer(b, 1).profile_required);
	assert_false(conf_same_issuers(a, b));
	assert_true(conf_same_issuers(b, b));
	conf_unref(conf);
}

/* Where the CAs are, and who is told of an external account. */
static void
test_directories(void **state)
{
	static const struct { const char *text, *url, *warning; } cases[] = {
		{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/"
		    "directory", NULL },
		{ "zerossl", "https://acme.zerossl.com/v2/DV90", "set contact "
		    "= \"mailto:NAME@DOMAIN\", for which acmed gets them by "
		    "itself, or set eab_kid and eab_hmac_key_file, from "
		    "https://app.zerossl.com/developer" },
		{ "zerossl contact = \"mailto:a@b.example\"",
		    "https://acme.zerossl.com/v2/DV90", NULL },
		{ "google contact = \"mailto:a@b.example\"",
		    "https://dv.acme-v02.api.pki.goog/directory",
		    "from https://cloud.google.com/" },
		{ "google-staging eab_kid = k eab_hmac_key_file = hmac",
		    "https://dv.acme-v02.test-api.pki.goog/directory", NULL },
		{ "sslcom", "https://acme.ssl.com/sslcom-dv-ecc",
		    "from https://www.ssl.com/" },
		{ "actalis", "https://acme-api.actalis.com/acme/directory",
		    "from https://www.actalis.com/" },
	};

	fixture_write("hmac", 0600, "c2VjcmV0\n");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = xasprintf("account \"x\" { agree_tos = yes "
		    "directory = %s }\n", cases[i].text), *got;
		struct conf *conf;

		fixture_write("acmed.conf", 0600, text);
		conf = fixture_load_all("acmed.conf", &got);
		assert_non_null(conf);
		assert_string_equal(conf->accounts[0]->directory,
		    cases[i].url);
		if ((strstr(got, "gives accounts to those only") != NULL) !=
		    (cases[i].warning != NULL) || (cases[i].warning != NULL &&
		    strstr(got, cases[i].warning) == NULL))
			fail_msg("%s: %s", cases[i].text, got);
		conf_unref(conf);
		free(text);
		free(got);
	}
	fixture_remove("hmac");
	fixture_remove("acmed.conf");
}

/* Let's Encrypt has addresses in one profile only. */
static void
test_profile_of_addresses(void **state)
{
	static const char head[] = "account \"x\" { agree_tos = yes }\n"
	    "certificate \"192.0.2.7\" { challenge = http-01 webroot = /srv "
	    "profile = ";
	char *text = xasprintf("%sshortlived }\n", head), *got;

	fixture_write("acmed.conf", 0600, text);
	conf_unref(fixture_load_all("acmed.conf", &got));
	assert_null(strstr(got, "is an address"));
	free(got);
	free(text);
	text = xasprintf("%snone }\n", head);
	fixture_write("acmed.conf", 0600, text);
	conf_unref(fixture_load_all("acmed.conf", &got));
	assert_non_null(strstr(got, "warning: acmed.conf:2: certificate "
	    "\"192.0.2.7\": \"192.0.2.7\" is an address, and"));
	fixture_remove("acmed.conf");
	free(text);
	free(got);
}

/* A freeze that is to come, and longer than the profile's certificates live. */
static void
test_profile_and_freeze(void **state)
{
	static const struct { const char *days; bool warns; } cases[] = {
		{ "2099-01-01 - 2099-01-10", true },
		{ "2099-01-01 - 2099-01-05", false },
		{ "2020-01-01 - 2020-01-10", false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = xasprintf("freeze = { \"%s\" }\n"
		    "account \"x\" { agree_tos = yes }\n"
		    "certificate \"a.example\" { challenge = http-01 webroot "
		    "= /srv profile = shortlived }\n", cases[i].days), *got;

		fixture_write("acmed.conf", 0600, text);
		conf_unref(fixture_load_all("acmed.conf", &got));
		assert_true((strstr(got, "warning: acmed.conf:3: certificate "
		    "\"a.example\": freeze: certificates of the profile "
		    "\"shortlived\" live for 6d 16h only, less than "
		    "\"2099-01-01 - 2099-01-10\": it is renewed and deployed "
		    "in it all the same\n") != NULL) == cases[i].warns);
		fixture_remove("acmed.conf");
		free(text);
		free(got);
	}
}

/* Let's Encrypt's known profiles: 25 names, of another CA any. */
static void
test_profile_names(void **state)
{
	static const struct {
		const char	*directory, *profile;
		int		 n;
		bool		 is_refused;
	} cases[] = {
		{ "letsencrypt", "shortlived", 25, false },
		{ "letsencrypt", "shortlived", 26, true },
		{ "letsencrypt-staging", "tlsserver", 26, true },
		{ "letsencrypt", "classic", 100, false },
		{ "https://ca.example/dir", "shortlived", 100, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = xasprintf("account \"x\" { directory = \"%s\" "
		    "agree_tos = yes }\nprovider \"p\" { type = bare }\n"
		    "certificate \"c\" { profile = %s names = { a0.example",
		    cases[i].directory, cases[i].profile), *longer, *got;
		struct conf *conf;

		for (int n = 1; n < cases[i].n; n++) {
			longer = xasprintf("%s, a%d.example", text, n);
			free(text);
			text = longer;
		}
		longer = xasprintf("%s } }\n", text);
		fixture_write("acmed.conf", 0600, longer);
		conf = fixture_load("acmed.conf", &got);
		assert_int_equal(conf == NULL, cases[i].is_refused);
		assert_int_equal(strstr(got, "acmed.conf:3: certificate \"c\": "
		    "profile = ") != NULL, cases[i].is_refused);
		conf_unref(conf);
		fixture_remove("acmed.conf");
		free(longer);
		free(text);
		free(got);
	}
}

static void
test_many_sections(void **state)
{
	enum { N = 5000, EACH = 48 };
	char *text = xcalloc(N + 2, EACH), name[32];
	struct conf *conf;
	size_t len = 0;

	for (int i = 0; i < N; i++)
		len += (size_t)snprintf(text + len, EACH,
		    "certificate \"c%d.example\" { }\n", i * 7 % N);
	(void)snprintf(text + len, 2 * EACH, "account \"a\" { }\n"
	    "provider \"p\" { type = bare }\n");
	conf = load(text);
	free(text);
	assert_int_equal(conf->n_certs, N);
	for (int i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "c%d.example", i);
		assert_non_null(conf_find_cert(conf, name));
	}
	conf_unref(conf);
}

/* Steps run as the file has them; verify looks at what the others did. */
static void
test_order_of_steps(void **state)
{
	static const struct {
		const char	*keys, *want;
	} cases[] = {
		{ "exec = x reload = a start = b", "exec reload start" },
		{ "start = b reload = a exec = x", "start reload exec" },
		{ "verify = h reload = a", "reload verify" },
		{ "reload = a webhook \"https://h/\" { } verify = h",
		    "reload webhook verify" },
		{ "verify = h restart = a webhook \"https://h/\" { }",
		    "restart verify webhook" },
		{ "timeout = 9s install \"/x/a\" { format = der } "
		    "start = b\ninstall \"/x/b\" { format = der }\n"
		    "reload += a reload += c", "install start reload" },
	};
	uint64_t hash = 0;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = xasprintf("account \"a\" { directory = "
		    "letsencrypt agree_tos = yes contact = \"mailto:a@b.example"
		    "\" }\nprovider \"p\" { type = bare "
		    "}\ncertificate \"c.example\" { deploy \"d\" {\n"
		    "%s } }\n", cases[i].keys), got[200] = "";
		struct conf *conf = load(text);
		const struct conf_deploy *d = conf->certs[0]->deploys[0];

		for (size_t j = 0; d->steps[j] != NULL; j++) {
			size_t used = strlen(got);

			(void)text_printf(got + used, sizeof(got) - used,
			    "%s%s", j > 0 ? " " : "", d->steps[j]);
		}
		assert_string_equal(got, cases[i].want);
		/* Another order is another target. */
		if (i < 2)
			assert_int_not_equal(d->hash, hash);
		hash = d->hash;
		conf_unref(conf);
		free(text);
	}
}

/* All domains of a cloud product are verified, but those that are patterns. */
static void
test_cloud_domains(void **state)
{
	struct conf *conf = load("account \"a\" { directory = letsencrypt "
	    "agree_tos = yes contact = \"mailto:a@b.example\" }\n"
	    "provider \"p\" { type = bare }\n" KEYS
	    "certificate \"c.example\" { deploy \"d\" {\n"
	    "cloud \"aliyun-cdn\" { domains = { \".c.example\" }\n"
	    "domains += a1.example domains += a2.example\n"
	    "domains += a3.example domains += a4.example\n"
	    "domains += a5.example domains += a6.example\n"
	    "domains += a7.example domains += a8.example\n"
	    "domains += a9.example domains += a10.example\n"
	    "domains += a11.example domains += a12.example\n"
	    "domains += a13.example domains += a14.example\n"
	    "domains += a15.example domains += a16.example\n"
	    "domains += a17.example domains += a18.example\n"
	    "domains += a19.example domains += a20.example\n"
	    "domains += a21.example } } }\n");
	const struct conf_deploy *d = conf->certs[0]->deploys[0];

	assert_int_equal(d->n_verify, 21);
	assert_string_equal(d->verify[0].host, "a1.example");
	assert_string_equal(d->verify[20].sni, "a21.example");
	assert_int_equal(d->verify[20].port, 443);
	conf_unref(conf);
}

/* What words mean, byte by byte, and in which line they are. */
static void
test_words(void **state)
{
	static const char *const want[] = { "/x", "a\tb\nc", "say \"x\" \\",
	    "q", "it's", "\\n \\", "${X} $", "joined", "#no//comment", NULL };
	struct conf *conf = load("account \"a\" { directory = letsencrypt "
	    "agree_tos = yes contact = \"mailto:a@b.example\" }\n"
	    "provider \"p\" { type = bare }\n"
	    "certificate \"c.example\" { deploy \"d\" {\n"
	    "exec = { /x, # \"one\",\n \"a\\tb\\nc\", /* \"two\",\n */ "
	    "\"say \\\"x\\\" \\\\\",\n \"\\q\", 'it\\'s', '\\n \\\\', "
	    "\"${X} $\", \"joi\\\nned\", '#no//comment', } } }\n"
	    "certificate \"d.example\" { }\n");
	char **argv = conf->certs[0]->deploys[0]->exec;

	for (size_t i = 0; i < N_ELEMENTS(want) - 1; i++)
		assert_string_equal(argv[i], want[i]);
	assert_null(argv[N_ELEMENTS(want) - 1]);
	assert_int_equal(conf->certs[1]->line, 9);
	conf_unref(conf);
}

static void
collect_try(enum conf_level level, const char *line, void *arg)
{
	char **all = arg, *longer;

	if (level != CONF_MISTAKE)
		return;
	longer = xasprintf("%s%s\n", *all, line);
	free(*all);
	*all = longer;
}

/* Files that are to be are read as if they were there, and not written. */
static void
test_drafts(void **state)
{
	char *account = xstrdup(fixture_path("conf.d/a.conf"));
	char *cert = xstrdup(fixture_path("conf.d/c.conf"));
	char *old = xstrdup(fixture_path("conf.d/old.conf"));
	char *main_file = xstrdup(fixture_path("acmed.conf"));
	char *told = xstrdup("");
	struct conf_draft drafts[] = { { account, "account \"le\" { }\n" },
	    { cert, "\ncertificate \"c.example\" { provider = p\n}\n" },
	    { old, "provider \"p\" { type = bare }\n" } };
	const struct conf_cert *c;
	struct conf *conf;

	assert_int_equal(mkdir(fixture_path("conf.d"), 0755), 0);
	fixture_write("conf.d/old.conf", 0600, "nonsense {");
	fixture_write("acmed.conf", 0600, "include(\"conf.d/*.conf\")\n");
	conf = conf_try(main_file, drafts, 3, collect_try, &told);
	assert_string_equal(told, "");
	c = conf_find_cert(conf, "c.example");
	assert_non_null(c);
	assert_string_equal(c->file, cert);
	assert_int_equal(c->line, 2);
	assert_int_equal(c->end_line, 3);
	assert_ptr_equal(c->account, conf->accounts[0]);
	conf_unref(conf);
	assert_int_equal(access(cert, F_OK), -1);

	/* Without the account; then where no include leads. */
	assert_null(conf_try(main_file, drafts + 1, 2, collect_try, &told));
	assert_non_null(strstr(told, "/conf.d/c.conf:2: "));
	fixture_write("acmed.conf", 0600, "");
	told[0] = '\0';
	assert_null(conf_try(main_file, drafts, 1, collect_try, &told));
	assert_non_null(strstr(told, "/acmed.conf: no include leads to "));
	fixture_remove("conf.d/old.conf");
	fixture_remove("acmed.conf");
	assert_int_equal(rmdir(fixture_path("conf.d")), 0);
	free(told);
	free(main_file);
	free(old);
	free(cert);
	free(account);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_steps),
		cmocka_unit_test(test_cloud_domains),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_drafts),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_provider_values),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_credentials_of_others),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_issuers),
		cmocka_unit_test(test_profile_names),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_profile_of_addresses),
		cmocka_unit_test(test_profile_and_freeze),
		cmocka_unit_test(test_many_sections),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_refs),
		cmocka_unit_test(test_key_types),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_slow_provider),
		cmocka_unit_test(test_challenge_types),
	};

	return cmocka_run_group_tests(tests, fixture_setup,
	    fixture_teardown);
}
