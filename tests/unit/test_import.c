/* SPDX-License-Identifier: MIT */
/* What acmectl import reads of other clients' files. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "ctl/import/command.h"
#include "ctl/import/common.h"
#include "ctl/import/dns_map.h"
#include "ctl/import/import.h"
#include "ctl/import/ini.h"
#include "ctl/import/shvars.h"
#include "ctl/import/source.h"
#include "providers/provider.h"
#include "tests/unit/scratch.h"

static void
test_ini(void **state)
{
	static const char text[] =
	    "# renew_before_expiry = 30 days\n"
	    "version = 2.1.0\n"
	    "archive_dir = /etc/letsencrypt/archive/a\n"
	    "[renewalparams]\n"
	    "account = None\n"
	    "pref_challs = dns-01,\n"
	    "webroot_path = /srv/a, \"/srv/b, c\"  # two\n"
	    "renew_hook = \"\"\"say \"it\", then go\"\"\"\n"
	    "empty =\n"
	    "[[webroot_map]]\n"
	    "  a.example = /srv/a\n"
	    "\"odd=key\" = 'x # y'\n"
	    "[acme_renewal_info]\n"
	    "ari_retry_after = 2026-11-29T16:05:42\n";
	static const char *const bad[] = { "no sign\n", "a = \"open\n",
	    "a = 'x' y\n", "a = 1\na = 2\n", "[[deep]]\n", "[a\n", "[a]\n[a]\n",
	    "= 1\n", "[a]] \n", "a = \xff\n", "[[[[x]]]]\n" };
	struct error err;
	json_t *j = ini_parse(text, &err), *params;

	assert_non_null(j);
	params = json_object_get(j, "renewalparams");
	assert_string_equal(ini_str(j, "version"), "2.1.0");
	assert_null(ini_str(params, "account"));
	assert_int_equal(json_array_size(json_object_get(params,
	    "pref_challs")), 1);
	assert_string_equal(jsonx_str(params, "webroot_path.1"),
	    "/srv/b, c");
	assert_string_equal(ini_str(params, "renew_hook"),
	    "say \"it\", then go");
	assert_string_equal(ini_str(params, "empty"), "");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    params, "webroot_map"), "a.example")), "/srv/a");
	assert_string_equal(ini_str(json_object_get(params, "webroot_map"),
	    "odd=key"), "x # y");
	assert_non_null(json_object_get(j, "acme_renewal_info"));
	json_decref(j);
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		print_message("%s", bad[i]);
		assert_null(ini_parse(bad[i], &err));
		assert_string_equal(err.code, "import:syntax");
	}
}

static void
test_shvars(void **state)
{
	static const char text[] =
	    "#!/bin/sh\n"
	    "A='one two'\n"
	    "  export B=\"say \\\"x\\\" \\$5\"\n"
	    "C=plain # comment\n"
	    "D=\n"
	    "E='it'\"'\"'s'\n"
	    "F=\"$(id)\"\nG=`id`\nH=$HOME\nI=a;id\nJ='open\n";
	static const char *const left[] = { "F", "G", "H", "I", "J" };
	json_t *vars = shvars_parse(text);

	assert_string_equal(shvars_str(vars, "A"), "one two");
	assert_string_equal(shvars_str(vars, "B"), "say \"x\" $5");
	assert_string_equal(shvars_str(vars, "C"), "plain");
	assert_null(shvars_str(vars, "D"));
	assert_string_equal(shvars_str(vars, "E"), "it's");
	for (size_t i = 0; i < N_ELEMENTS(left); i++) {
		assert_null(shvars_str(vars, left[i]));
		assert_string_equal(json_string_value(json_array_get(
		    json_object_get(vars, ""), i)), left[i]);
	}
	json_decref(vars);
	vars = shvars_parse("if [ 1 = 1 ]; then\n1X=2\necho A=3\n");
	assert_int_equal(json_object_size(vars), 0);
	json_decref(vars);
}

/* "reload a.service, restart b.service" */
static char *
steps_of(const struct import_cert *c)
{
	char *text = xstrdup(""), *longer;

	for (size_t i = 0; i < c->n_deploys; i++) {
		longer = xasprintf("%s%s%s %s", text, i > 0 ? ", " : "",
		    c->deploys[i].step == IMPORT_RELOAD ? "reload" :
		    "restart", c->deploys[i].text);
		free(text);
		text = longer;
	}
	return text;
}

static void
test_commands(void **state)
{
	static const struct { const char *command, *steps; } cases[] = {
		{ "systemctl reload nginx", "reload nginx.service" },
		{ "/usr/bin/systemctl --no-block reload nginx.service",
		    "reload nginx.service" },
		{ "sudo systemctl reload-or-restart dovecot postfix",
		    "reload dovecot.service, reload postfix.service" },
		{ "service haproxy restart", "restart haproxy.service" },
		{ "service nginx force-reload >/dev/null 2>&1",
		    "reload nginx.service" },
		{ "/etc/init.d/exim4 reload;systemctl restart 'x@1.service'",
		    "reload exim4.service, restart x@1.service" },
		{ "nginx -t && nginx -s reload", "reload nginx.service" },
		{ "systemctl reload nginx || systemctl restart nginx",
		    "reload nginx.service" },
		{ "systemctl reload nginx || true", "reload nginx.service" },
		{ "#!/bin/sh\nset -e\n\n# the web server\n"
		    "systemctl reload nginx\nexit 0\n",
		    "reload nginx.service" },
		{ "postfix reload\ndoveadm reload\n",
		    "reload postfix.service, reload dovecot.service" },
		/* These need a shell, or do something else. */
		{ "cp /a /b; systemctl reload nginx", NULL },
		{ "systemctl reload $SERVICE", NULL },
		{ "systemctl reload `cat x`", NULL },
		{ "systemctl stop nginx", NULL },
		{ "systemctl reload nginx | tee log", NULL },
		{ "systemctl reload nginx > /etc/passwd", NULL },
		{ "systemctl reload nginx &", NULL },
		{ "systemctl reload ../x", NULL },
		{ "systemctl reload", NULL },
		{ "systemctl reload 'open", NULL },
		{ "if true; then systemctl reload nginx; fi", NULL },
		{ "true", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct import plan = { .program = "test" };
		struct import_cert *c = import_add_cert(&plan, "a");
		char *steps;

		print_message("%s\n", cases[i].command);
		assert_int_equal(command_map(cases[i].command, c),
		    cases[i].steps != NULL);
		steps = steps_of(c);
		assert_string_equal(steps, cases[i].steps != NULL ?
		    cases[i].steps : "");
		free(steps);
		import_clear(&plan);
	}
}

static const struct provider_opt *
find_opt(const struct provider *p, const char *name)
{
	for (const struct provider_opt *o = p->opts; o->name != NULL; o++) {
		if (strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

/* Every row names a type that there is, and options of it, all that are
 * required. */
static void
test_dns_table(void **state)
{
	size_t n[DNS_CLIENT_END] = { 0 };

	for (const struct dns_map *m = dns_maps; m->type != NULL; m++) {
		const struct provider *p = provider_find(m->type);
		size_t i;

		print_message("%s -> %s\n", m->theirs, m->type);
		assert_non_null(p);
		assert_ptr_equal(dns_map_find(m->client, m->theirs), m);
		for (i = 0; i < DNS_MAP_OPTS && m->opts[i].from != NULL; i++)
			assert_non_null(find_opt(p, m->opts[i].to));
		for (const struct provider_opt *o = p->opts; o->name != NULL;
		    o++) {
			bool found = !o->required;

			for (size_t k = 0; k < i; k++)
				found |= strcmp(m->opts[k].to, o->name) == 0;
			assert_true(found);
		}
		n[m->client]++;
	}
	for (int c = 0; c < DNS_CLIENT_END; c++)
		assert_true(n[c] > 20);
	assert_null(dns_map_find(DNS_LEGO, "dns_cf"));
}

/* What a client has -> what acmed is told, one of each shape. */
static void
test_dns_cases(void **state)
{
	static const struct {
		enum dns_client client;
		const char *theirs, *vars, *opt, *value, *why;
	} cases[] = {
		{ DNS_CERTBOT, "dns-cloudflare",
		    "{\"api_token\": \" t0k \"}", "api_token", "t0k", NULL },
		{ DNS_CERTBOT, "dns-cloudflare",
		    "{\"email\": \"a@b\", \"api_key\": \"global\"}", NULL,
		    NULL, "make an API token" },
		{ DNS_CERTBOT, "dns-ionos",
		    "{\"prefix\": \"p\", \"secret\": \"s\"}", "api_key", "p.s",
		    NULL },
		{ DNS_CERTBOT, "dns-route53", "{}", NULL, NULL,
		    "aws_access_key_id" },
		{ DNS_ACME_SH, "dns_dp", "{\"DP_Id\": \"1\", \"DP_Key\": "
		    "\"k\"}", "login_token", "1,k", NULL },
		{ DNS_ACME_SH, "dns_dp", "{\"DP_Id\": \"1\"}", NULL, NULL,
		    "DP_Key" },
		{ DNS_ACME_SH, "dns_ali", "{\"Ali_Key\": \"i\", "
		    "\"Ali_Secret\": \"s\"}", "access_key_secret", "s", NULL },
		{ DNS_ACME_SH, "dns_tencent", "{\"Tencent_SecretId\": \"i\", "
		    "\"Tencent_SecretKey\": \"k\"}", "secret_id", "i", NULL },
		{ DNS_LEGO, "cloudflare", "{\"CLOUDFLARE_DNS_API_TOKEN\": "
		    "\"t\"}", "api_token", "t", NULL },
		{ DNS_LEGO, "gcloud", "{\"GCE_SERVICE_ACCOUNT_FILE\": "
		    "\"key.json\"}", "service_account", "{\"x\": 1}", NULL },
		{ DNS_LEGO, "gcloud", "{\"GCE_SERVICE_ACCOUNT_FILE\": "
		    "\"none.json\"}", NULL, NULL, "none.json" },
	};
	struct source source;
	struct scratch s;
	struct error err;

	scratch_make(&s);
	scratch_write(scratch_path(&s, "key.json"), "{\"x\": 1}\n");
	assert_int_equal(source_open(&source, s.dir, &err), 0);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct import plan = { .program = "test" };
		json_t *vars = json_loads(cases[i].vars, 0, NULL);
		char *why = NULL;
		int n = dns_map_add(&plan, &source, dns_map_find(
		    cases[i].client, cases[i].theirs), vars, "x", &why);

		print_message("%s %s\n", cases[i].theirs, cases[i].vars);
		if (cases[i].why != NULL) {
			assert_int_equal(n, IMPORT_NONE);
			assert_non_null(strstr(why, cases[i].why));
			assert_int_equal(plan.n_providers, 0);
		} else {
			assert_int_equal(n, 0);
			assert_string_equal(import_opt_get(&plan.providers[0],
			    cases[i].opt), cases[i].value);
			/* The same again is the same provider. */
			assert_int_equal(dns_map_add(&plan, &source,
			    dns_map_find(cases[i].client, cases[i].theirs),
			    vars, "x", &why), 0);
			assert_int_equal(plan.n_providers, 1);
		}
		free(why);
		json_decref(vars);
		import_clear(&plan);
	}
	source_close(&source);
	scratch_remove(&s);
}

/* Whose files are believed, and which. */
static void
test_source(void **state)
{
	struct source source;
	struct scratch s;
	struct error err;
	char *path, *text, *big;

	scratch_make(&s);
	assert_int_equal(source_open(&source, s.dir, &err), 0);
	scratch_write(scratch_path(&s, "a"), "text");
	text = source_read(&source, "a", &err);
	assert_string_equal(text, "text");
	free(text);
	assert_null(source_read(&source, "b", &err));
	assert_string_equal(err.code, "file:missing");
	path = source_path(&source, "a");
	assert_int_equal(chmod(path, 0666), 0);
	assert_null(source_read(&source, "a", &err));
	assert_string_equal(err.code, "import:owner");
	assert_int_equal(chmod(path, 0600), 0);
	/* Root is asked to read a file that the directory's owner does not
	 * have. */
	if (geteuid() == 0) {
		assert_int_equal(chown(s.dir, 12345, (gid_t)-1), 0);
		source_close(&source);
		assert_int_equal(source_open(&source, s.dir, &err), 0);
		assert_null(source_read(&source, "a", &err));
		assert_string_equal(err.code, "import:owner");
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		text = source_read(&source, "a", &err);
		assert_string_equal(text, "text");
		free(text);
		assert_int_equal(chown(s.dir, 0, (gid_t)-1), 0);
		source_close(&source);
		assert_int_equal(source_open(&source, s.dir, &err), 0);
	}
	free(path);
	path = source_path(&source, "fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(source_read(&source, "fifo", &err));
	assert_string_equal(err.code, "file:type");
	free(path);
	big = xmalloc(SOURCE_FILE_MAX + 2);
	memset(big, 'x', SOURCE_FILE_MAX + 1);
	big[SOURCE_FILE_MAX + 1] = '\0';
	scratch_write(scratch_path(&s, "big"), big);
	free(big);
	assert_null(source_read(&source, "big", &err));
	assert_string_equal(err.code, "file:size");
	assert_int_equal(chmod(s.dir, 0777), 0);
	source_close(&source);
	assert_int_equal(source_open(&source, s.dir, &err), -1);
	assert_int_equal(chmod(s.dir, 0700), 0);
	scratch_remove(&s);
}

static void
test_span(void **state)
{
	assert_int_equal(common_span("30 days"), 30 * 86400);
	assert_int_equal(common_span("3 weeks"), 21 * 86400);
	assert_int_equal(common_span("12 hours"), 12 * 3600);
	assert_int_equal(common_span("20"), 20 * 86400);
	assert_int_equal(common_span("soon"), 0);
	assert_int_equal(common_span("-1 days"), 0);
	assert_int_equal(common_span("1 fortnight"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini),
		cmocka_unit_test(test_shvars),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_dns_table),
		cmocka_unit_test(test_dns_cases),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
