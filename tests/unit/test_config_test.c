/* SPDX-License-Identifier: MIT */
/* What servers say of their configuration, as Debian's versions say it. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>

#include "common/error.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/config_test.h"
#include "daemon/io/child.h"

static const char nginx_bad[] =
    "nginx: [alert] could not open error log file: open() \"/var/log/nginx/"
    "error.log\" failed (13: Permission denied)\n"
    "2026/11/22 02:00:00 [warn] 7#7: the \"user\" directive makes sense only "
    "if the master process runs with super-user privileges, ignored in /etc/"
    "nginx/nginx.conf:1\n"
    "2026/11/22 02:00:00 [emerg] 7#7: unknown directive \"nonsense\" in /etc/"
    "nginx/nginx.conf:7\n"
    "nginx: configuration file /etc/nginx/nginx.conf test failed\n";
static const char nginx_hidden[] =
    "nginx: [alert] could not open error log file: open() \"/var/log/nginx/"
    "error.log\" failed (13: Permission denied)\n"
    "2026/11/22 02:00:00 [emerg] 7#7: open() \"/run/nginx.pid\" failed (13: "
    "Permission denied)\n"
    "nginx: configuration file /etc/nginx/nginx.conf test failed\n";
static const char apache_bad[] =
    "AH00558: apache2: Could not reliably determine the server's fully "
    "qualified domain name\n"
    "AH00526: Syntax error on line 3 of /etc/apache2/apache2.conf:\n"
    "Invalid command 'Nonsense', perhaps misspelled\n"
    "Action 'configtest' failed.\n"
    "The Apache error log may have more information.\n";
static const char apache_hidden[] =
    "AH00526: Syntax error on line 9 of /etc/apache2/x.conf:\n"
    "SSLCertificateKeyFile: file '/etc/ssl/private/x.key' does not exist or "
    "is empty\n";
/* The sandbox forbids ulimit; the mistake counts all the same. */
static const char apache_ulimit[] =
    "/usr/sbin/apache2ctl: 93: ulimit: error setting limit (Operation not "
    "permitted)\n"
    "Setting ulimit failed. See README.Debian for more information.\n"
    "AH00526: Syntax error on line 3 of /etc/apache2/apache2.conf:\n"
    "Invalid command 'Nonsense', perhaps misspelled\n";
static const char haproxy_hidden[] =
    "[ALERT]    (7) : config : parsing [/etc/haproxy/haproxy.cfg:9] : 'bind "
    "*:443' in section 'frontend' : cannot open the file '/etc/x.pem'.\n"
    "[ALERT]    (7) : config : Fatal errors found in configuration.\n";
static const char haproxy_bad[] =
    "[NOTICE]   (7) : haproxy version is 2.6.12\n"
    "[ALERT]    (7) : config : parsing [/etc/haproxy/haproxy.cfg:40] : unknown "
    "keyword 'nonsense' in 'frontend' section\n"
    "[ALERT]    (7) : config : Fatal errors found in configuration.\n";

static const char *const argv[] = { "nginx", "-t", NULL };
static const char *const apache[] = { "apache2ctl", "configtest", NULL };
static const char *const haproxy[] = { "haproxy", "-c", NULL };
static const char *const dovecot[] = { "doveconf", "-n", NULL };
static const char *const postfix[] = { "postfix", "check", NULL };

static void
test_judge(void **state)
{
	static const struct {
		const char *const *argv;
		const char	*errout, *out;
		bool		 is_own, is_root;
		enum config_verdict verdict;
		const char	*part;
	} cases[] = {
		{ argv, nginx_bad, "", false, false, CONFIG_BAD,
		    "nginx -t: 2026/11/22 02:00:00 [emerg] 7#7: unknown" },
		{ argv, nginx_hidden, "", false, false, CONFIG_GOOD, "" },
		{ argv, nginx_hidden, "", false, true, CONFIG_BAD,
		    "nginx.pid" },
		{ argv, nginx_hidden, "", true, false, CONFIG_BAD,
		    "nginx.pid" },
		{ argv, "nginx: odd\n", "", false, false, CONFIG_UNSEEN,
		    "odd" },
		{ apache, apache_bad, "", false, false, CONFIG_BAD,
		    "apache2.conf: | Invalid command 'Nonsense'" },
		{ apache, apache_ulimit, "", false, false, CONFIG_BAD,
		    "configtest: AH00526" },
		{ apache, apache_hidden, "", false, false, CONFIG_UNSEEN,
		    "x.key" },
		{ haproxy, haproxy_bad, "", false, false, CONFIG_BAD,
		    "haproxy.cfg:40" },
		{ haproxy, "", haproxy_bad, false, false, CONFIG_BAD,
		    "nonsense" },
		{ haproxy, haproxy_hidden, "", false, false, CONFIG_UNSEEN,
		    "x.pem" },
		{ dovecot, "doveconf: Fatal: Error in configuration file "
		    "/etc/dovecot/dovecot.conf line 97: Unknown setting: x\n",
		    "", false, false, CONFIG_BAD, "line 97" },
		{ dovecot, "doveconf: Fatal: Error in configuration file "
		    "/etc/dovecot/dovecot.conf line 97: No matches\n",
		    "", false, false, CONFIG_UNSEEN, "line 97" },
		{ postfix, "postfix: fatal: the postfix command is reserved "
		    "for the superuser\n", "", false, false, CONFIG_UNSEEN,
		    "fatal" },
		/* Whoever is not root gets no word of it: it goes to syslog. */
		{ postfix, "", "", false, false, CONFIG_UNSEEN,
		    "did not say why" },
		{ argv, "", "", false, false, CONFIG_UNSEEN,
		    "did not say why" },
		{ postfix, "", "", false, true, CONFIG_BAD,
		    "did not say why" },
		{ postfix, "", "", true, false, CONFIG_BAD,
		    "did not say why" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct child_reply reply = { .status = 1,
		    .errout = cases[i].errout,
		    .errout_len = strlen(cases[i].errout),
		    .out = cases[i].out, .out_len = strlen(cases[i].out) };
		struct error why;

		assert_int_equal(config_test_judge(cases[i].argv,
		    cases[i].is_own, cases[i].is_root, NULL, &reply,
		    &why), cases[i].verdict);
		assert_int_equal(why.kind, ERR_CONFIG);
		if (strstr(why.msg, cases[i].part) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].part,
			    why.msg);
	}
}

static void
test_no_run(void **state)
{
	struct child_reply good = { .errout = nginx_hidden, .out = "" };
	struct child_reply killed = { .status = -1, .signo = SIGSEGV,
	    .errout = "", .out = "" };
	struct child_reply slow = { .status = -1, .signo = SIGTERM,
	    .timed_out = true, .timeout_ms = 5000, .errout = "", .out = "" };
	struct error missing, why;

	(void)error_set(&missing, ERR_CONFIG, "child:exec", "no nginx");
	assert_int_equal(config_test_judge(argv, true, false, NULL, &good,
	    &why), CONFIG_GOOD);
	assert_int_equal(config_test_judge(argv, false, true, &missing, NULL,
	    &why), CONFIG_UNSEEN);
	assert_int_equal(config_test_judge(argv, true, true, &missing, NULL,
	    &why), CONFIG_BAD);
	assert_string_equal(why.msg, "no nginx");
	assert_int_equal(config_test_judge(argv, false, true, NULL, &killed,
	    &why), CONFIG_UNSEEN);
	assert_int_equal(config_test_judge(argv, false, true, NULL, &slow,
	    &why), CONFIG_UNSEEN);
	assert_int_equal(config_test_judge(argv, true, true, NULL, &slow,
	    &why), CONFIG_BAD);
	assert_int_equal(why.kind, ERR_TRANSIENT);
}

static void
test_argv(void **state)
{
	char *own[] = { (char []){ "/bin/test" }, NULL }, *none[] = { NULL };
	struct conf_deploy target = { .config_test = NULL };

	assert_string_equal(config_test_argv(&target, "nginx.service",
	    false)[1], "-t");
	assert_string_equal(config_test_argv(&target, "postfix.service",
	    true)[0], "postfix");
	assert_null(config_test_argv(&target, "postfix.service", false));
	assert_null(config_test_argv(&target, "other.service", true));
	assert_null(config_test_argv(&target, "haproxy@two.service", true));
	target.config_test = none;
	assert_null(config_test_argv(&target, "nginx.service", true));
	target.config_test = own;
	assert_string_equal(config_test_argv(&target, "other.service",
	    false)[0], "/bin/test");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_no_run),
		cmocka_unit_test(test_argv),
	};

	return cmocka_run_group_tests_name("config_test", tests, NULL, NULL);
}
