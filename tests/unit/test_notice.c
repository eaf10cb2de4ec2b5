/* SPDX-License-Identifier: MIT */
/* What people are told, word by word; and the mail around it. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "daemon/notify/catalogue.h"
#include "daemon/notify/mime.h"
#include "daemon/notify/notice.h"

#define NOW	1800000000		/* 2027-01-15 08:00 UTC */
#define DAY	86400

static const struct notice_item web = {
	.name = "example.com",
	.names = "example.com, www.example.com",
	.step = "authorize",
	.words = "example.com: the CA says: unauthorized: No TXT record found "
	    "at _acme-challenge.example.com",
	.not_after = NOW + 12 * DAY,
	.since = NOW - 2 * DAY,
	.next_at = NOW + 4000,
	.tries = 5,
};

static struct notice
base(void)
{
	return (struct notice){
		.event = NEV_FAILED, .level = NLEV_WARNING, .at = NOW,
		.id = "1.a@web1", .host = "web1.example.net",
		.code = "acme:unauthorized", .who = "", .items = &web,
		.n_items = 1,
	};
}

static void
expect(const struct notice *n, bool zh, const char *subject, const char *text)
{
	struct notice_text t;

	notice_format(n, zh, &t);
	assert_string_equal(t.subject, subject);
	if (text != NULL)
		assert_string_equal(t.text, text);
	assert_true(text_columns(t.subject) < NOTICE_SUBJECT_MAX);
	notice_text_clear(&t);
}

static void
test_failed(void **state)
{
	struct notice n = base();

	expect(&n, false, "[acmed] example.com: renewal fails, 12 days left",
	    "The certificate example.com cannot be renewed.\n"
	    "\n"
	    "Certificate:  example.com\n"
	    "Names:        example.com, www.example.com\n"
	    "Expires:      2027-01-27 08:00 UTC (in 12 days)\n"
	    "Failed:       5 times since 2027-01-13 08:00 UTC\n"
	    "Step:         authorize\n"
	    "Reason:       example.com: the CA says: unauthorized: No TXT "
	    "record found at\n"
	    "              _acme-challenge.example.com\n"
	    "Next try:     2027-01-15 09:06 UTC (in 67 minutes)\n"
	    "\n"
	    "What you can do:\n"
	    "  Check that the domain's name servers are right and all give the "
	    "same\n"
	    "  answer:\n"
	    "      acmectl check example.com\n"
	    "\n"
	    "Host:         web1.example.net\n"
	    "Time:         2027-01-15 08:00 UTC\n");
	expect(&n, true, "[acmed] example.com：续期失败，剩余 12 天",
	    "证书 example.com 无法续期。\n"
	    "\n"
	    "证书:         example.com\n"
	    "域名:         example.com, www.example.com\n"
	    "到期:         2027-01-27 08:00 UTC（12 天后）\n"
	    "失败:         自 2027-01-13 08:00 UTC 起 5 次\n"
	    "步骤:         authorize\n"
	    "原因:         example.com: the CA says: unauthorized: No TXT "
	    "record found at\n"
	    "              _acme-challenge.example.com\n"
	    "下次尝试:     2027-01-15 09:06 UTC（67 分钟后）\n"
	    "\n"
	    "您可以：\n"
	    "  检查域名的权威服务器是否正确、各处应答是否一致：\n"
	    "      acmectl check example.com\n"
	    "\n"
	    "主机:         web1.example.net\n"
	    "时间:         2027-01-15 08:00 UTC\n");
}

static void
test_subjects(void **state)
{
	static const struct {
		enum notify_event event;
		enum notice_what what;
		time_t not_after;
		const char *en, *zh;
	} cases[] = {
		{ NEV_FAILED, NOTICE_NEW, 0, "example.com: renewal fails",
		    "example.com：续期失败" },
		{ NEV_FAILED, NOTICE_WORSE, NOW + 40 * 3600,
		    "example.com: renewal fails, 40 hours left",
		    "example.com：续期失败，剩余 40 小时" },
		{ NEV_FAILED, NOTICE_WORSE, NOW - 5, "example.com: EXPIRED",
		    "example.com：证书已过期" },
		{ NEV_EXPIRING, NOTICE_NEW, NOW + 3 * DAY,
		    "example.com: not renewed, 3 days left",
		    "example.com：尚未续期，剩余 3 天" },
		{ NEV_FAILED, NOTICE_RECOVERED, NOW + 89 * DAY,
		    "example.com: works again, 89 days left",
		    "example.com：已恢复正常，剩余 89 天" },
		{ NEV_DEPLOY, NOTICE_NEW, NOW + 89 * DAY,
		    "example.com: deploy fails, 89 days left",
		    "example.com：部署失败，剩余 89 天" },
		{ NEV_DEPLOY, NOTICE_NEW, 0, "example.com: deploy fails",
		    "example.com：部署失败" },
		{ NEV_DEPLOY, NOTICE_WORSE, NOW - 1,
		    "example.com: not deployed, old one EXPIRED",
		    "example.com：未部署，旧证书已过期" },
		{ NEV_SERVING_OLD, NOTICE_WORSE, NOW - 1,
		    "example.com: EXPIRED certificate is served",
		    "example.com：服务器仍在使用已过期的证书" },
		{ NEV_CLEANUP, NOTICE_NEW, NOW - 1,
		    "example.com: TXT record is not removed",
		    "example.com：TXT 记录无法删除" },
		{ NEV_CREDENTIALS, NOTICE_NEW, NOW + 25 * DAY,
		    "example.com: DNS credentials refused, 25 days left",
		    "example.com：DNS 凭据被拒绝，剩余 25 天" },
		{ NEV_CONFIG, NOTICE_NEW, 0, "mistakes in the configuration",
		    "配置有错误" },
		{ NEV_RENEWED, NOTICE_NEW, NOW + 90 * DAY,
		    "example.com: renewed, 90 days left",
		    "example.com：已续期，剩余 90 天" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct notice_item item = web;
		struct notice n = base();
		char *en = xasprintf("[acmed] %s", cases[i].en);
		char *zh = xasprintf("[acmed] %s", cases[i].zh);

		item.not_after = cases[i].not_after;
		n.items = &item;
		n.event = cases[i].event;
		n.what = cases[i].what;
		expect(&n, false, en, NULL);
		expect(&n, true, zh, NULL);
		free(en);
		free(zh);
	}
}

/* What is served until when; tries, the next one; commands in one piece. */
static void
test_deploy(void **state)
{
	struct notice_item item = { .name = "a-rather-long-name-of-a-mail-"
	    "server.department.example.com", .object = "postfix",
	    .words = "status 1", .not_after = NOW + 3 * DAY,
	    .new_not_after = NOW + 89 * DAY, .since = NOW - 3600,
	    .next_at = NOW + 600, .tries = 3 };
	struct notice n = base();

	n.event = NEV_DEPLOY;
	n.code = "";
	n.items = &item;
	expect(&n, false, "[acmed] a-rather-long-name-of-a-mail-se...: deploy "
	    "fails, 3 days left",
	    "The certificate a-rather-long-name-of-a-mail-server.department."
	    "example.com\n"
	    "is installed here, but the deploy target \"postfix\" fails: the "
	    "server may not\n"
	    "have it.\n"
	    "\n"
	    "Certificate:  a-rather-long-name-of-a-mail-server.department."
	    "example.com\n"
	    "Concerns:     postfix\n"
	    "Expires:      2027-01-18 08:00 UTC (in 3 days)\n"
	    "New expires:  2027-04-14 08:00 UTC (in 89 days)\n"
	    "Failed:       3 times since 2027-01-15 07:00 UTC\n"
	    "Reason:       status 1\n"
	    "Next try:     2027-01-15 08:10 UTC (in 10 minutes)\n"
	    "\n"
	    "What you can do:\n"
	    "  acmed tries again by itself. See what the target said:\n"
	    "      acmectl status a-rather-long-name-of-a-mail-server."
	    "department.example.com\n"
	    "  When the cause is fixed:\n"
	    "      acmectl deploy a-rather-long-name-of-a-mail-server."
	    "department.example.com postfix\n"
	    "\n"
	    "Host:         web1.example.net\n"
	    "Time:         2027-01-15 08:00 UTC\n");
	item.not_after = 0;
	item.name = "web";
	expect(&n, true, "[acmed] web：部署失败",
	    "证书 web 已安装到本机，但部署目标“postfix”失败：服务器可能尚未"
	    "使用该证书。\n"
	    "\n"
	    "证书:         web\n"
	    "对象:         postfix\n"
	    "到期:         未知：从未查到服务器所用的证书\n"
	    "新证书到期:   2027-04-14 08:00 UTC（89 天后）\n"
	    "失败:         自 2027-01-15 07:00 UTC 起 3 次\n"
	    "原因:         status 1\n"
	    "下次尝试:     2027-01-15 08:10 UTC（10 分钟后）\n"
	    "\n"
	    "您可以：\n"
	    "  acmed 会自动重试。查看部署输出：\n"
	    "      acmectl status web\n"
	    "  排除原因后执行：\n"
	    "      acmectl deploy web postfix\n"
	    "\n"
	    "主机:         web1.example.net\n"
	    "时间:         2027-01-15 08:00 UTC\n");
}

/* Names beyond ASCII in both forms, if the one leads to the other. */
static void
test_names(void **state)
{
	struct notice_item item = web;
	struct notice n = base();
	struct notice_text t;

	item.name = "xn--bcher-kva.example";
	item.names = "xn--bcher-kva.example, *.xn--bcher-kva.example, "
	    "xn--55qx5d.example, xn--a.example, plain.example";
	n.items = &item;
	notice_format(&n, false, &t);
	assert_non_null(strstr(t.text, "Certificate:  b\u00fccher.example "
	    "(xn--bcher-kva.example)\n"));
	assert_non_null(strstr(t.text, "*.b\u00fccher.example\n"
	    "              (*.xn--bcher-kva.example), \u516c\u53f8.example "
	    "(xn--55qx5d.example),\n"));
	assert_non_null(strstr(t.text, " xn--a.example, plain.example\n"));
	/* What programs and commands get. */
	assert_non_null(strstr(t.text, " acmectl check "
	    "xn--bcher-kva.example\n"));
	assert_non_null(strstr(t.json, "\"names\":\"xn--bcher-kva.example, *"));
	notice_text_clear(&t);
}

/* On a host that only fetches, the advice is to look at the other. */
static void
test_source(void **state)
{
	struct notice_item item = { .name = "web", .repository = "fleet",
	    .publisher = "ca1.example.net", .words = "the manifest is not "
	    "signed with our key", .not_after = NOW + 3 * DAY,
	    .since = NOW, .next_at = NOW + 60, .tries = 1 };
	struct notice n = base();
	struct notice_text t;

	n.event = NEV_REPOSITORY;
	n.code = "manifest:mac";
	n.who = "fleet";
	n.items = &item;
	expect(&n, false, "[acmed] web: repository is not to be trusted",
	    "What the repository \"fleet\" holds for web is not to be "
	    "trusted: nothing of\n"
	    "it was installed.\n"
	    "\n"
	    "Certificate:  web\n"
	    "Expires:      2027-01-18 08:00 UTC (in 3 days)\n"
	    "Failed:       once, at 2027-01-15 08:00 UTC\n"
	    "Repository:   fleet\n"
	    "Published by: ca1.example.net\n"
	    "Reason:       the manifest is not signed with our key\n"
	    "Next try:     2027-01-15 08:01 UTC (in 1 minute)\n"
	    "\n"
	    "What you can do:\n"
	    "  Find out who can write to the repository, and check that this "
	    "host and\n"
	    "  ca1.example.net have the same key. To publish it again, on\n"
	    "  ca1.example.net:\n"
	    "      acmectl deploy web\n"
	    "\n"
	    "Host:         web1.example.net\n"
	    "Time:         2027-01-15 08:00 UTC\n");
	n.event = NEV_EXPIRING;
	n.code = n.who = "";
	notice_format(&n, false, &t);
	assert_non_null(strstr(t.text, "Look at acmed on "
	    "ca1.example.net:\n      acmectl status web\n"));
	assert_null(strstr(t.text, "renew-now"));
	notice_text_clear(&t);
	item.publisher = "";
	n.event = NEV_FAILED;
	notice_format(&n, true, &t);
	assert_non_null(strstr(t.text, "并在发布该证书的主机上查看 acmed："));
	assert_null(strstr(t.text, "renew-now"));
	notice_text_clear(&t);
}

/* A hundred and seven certificates, one message. */
static void
test_many(void **state)
{
	struct notice_item items[107];
	char names[107][80];
	struct notice n = base();
	struct notice_text t;
	size_t lines = 0;

	for (size_t i = 0; i < N_ELEMENTS(items); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%zu.a-name-that-"
		    "is-longer-than-most-are.example.com", i);
		items[i] = web;
		items[i].name = names[i];
	}
	n.items = items;
	n.n_items = N_ELEMENTS(items);
	notice_format(&n, false, &t);
	assert_string_equal(t.subject, "[acmed] 0.a-name-that-is... and "
	    "106 more: renewal fails, 12 days left");
	assert_non_null(strstr(t.text, "107 certificates cannot be renewed"));
	assert_non_null(strstr(t.text, "\n  and 87 more\n"));
	for (const char *s = t.text; *s != '\0'; s++)
		lines += *s == '\n';
	assert_true(lines < 45);
	notice_text_clear(&t);
	notice_format(&n, true, &t);
	assert_non_null(strstr(t.text, "\n  另有 87 个\n"));
	assert_true(text_columns(t.subject) < NOTICE_SUBJECT_MAX);
	notice_text_clear(&t);
}

/* A peer may say anything. */
static void
test_hostile(void **state)
{
	static const char words[] = "evil\r\nBcc: x@y\r\n.\r\n\033[2J {name} "
	    "%s%n \xff\xfe \xe4\xb8";
	struct notice_item item = web;
	struct notice n = base();
	struct notice_text t;
	json_t *j;
	char *big = xcalloc(1, 20001);

	item.words = words;
	n.items = &item;
	notice_format(&n, false, &t);
	assert_non_null(strstr(t.text, "Reason:       evil Bcc: x@y . [2J "
	    "{name} %s%n ??"));
	assert_null(strpbrk(t.text, "\r\033"));
	assert_null(strstr(t.text, "\nBcc"));
	j = json_loads(t.json, 0, NULL);
	assert_non_null(j);
	json_decref(j);
	notice_text_clear(&t);
	memset(big, 'x', 20000);
	item.words = big;
	notice_format(&n, false, &t);
	assert_true(strlen(t.text) < 3000);
	notice_text_clear(&t);
	free(big);
}

static void
test_advice(void **state)
{
	static const struct {
		enum notify_event event;
		const char *code, *words, *want;
	} cases[] = {
		{ NEV_ACCOUNT, "acme:rateLimited", "rateLimited: Your account "
		    "is paused for example.com. Unpause: "
		    "https://unpause.example/?jwt=abc. Then go on",
		    "The CA asks for a person: "
		    "https://unpause.example/?jwt=abc\n" },
		{ NEV_ACCOUNT, "acme:rateLimited", "too many",
		    "Nothing: the CA limits" },
		{ NEV_ACCOUNT, "acme:userActionRequired",
		    "terms changed [see https://ca.example/tos]",
		    "person: https://ca.example/tos\n" },
		{ NEV_CREDENTIALS, "provider:credentials", "403",
		    "section provider "
		    "\"dns\"\n" },
		{ NEV_FAILED, "acme:caa", "no", "CAA record" },
		{ NEV_FAILED, "dns:zone", "no zone",
		    "provider \"dns\" has" },
		{ NEV_FAILED, "provider:no-zone", "no zone",
		    "acmectl check example.com" },
		{ NEV_FAILED, "dns:stale", "ns2 has no record",
		    "(NOTIFY," },
		{ NEV_FAILED, "engine:due-on-arrival", "due",
		    "Compare this machine's clock" },
		{ NEV_FAILED, "http:connect", "x", "firewall and proxy" },
		/* What has no advice of its own; not a renewal's error. */
		{ NEV_FAILED, "http:proxy", "x", "acmectl renew-now "
		    "example.com" },
		{ NEV_FAILED, "acme:http-500", "x", "not what the server" },
		{ NEV_DEPLOY, "http:connect", "x", "acmectl deploy "
		    "example.com" },
		{ NEV_ACCOUNT, "acme:tos", "x", "agree_tos = true" },
		{ NEV_CONFIG, "", "x", "--check-config" },
		{ NEV_CLUSTER, "cluster:differs", "r2", "renewed by nobody." },
		{ NEV_CLUSTER, "cluster:differs", "r2", "role = serve" },
		{ NEV_CLUSTER, "cluster:away", "x", "renews nothing" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct notice_item item = web;
		struct notice n = base();
		struct notice_text t;

		item.words = cases[i].words;
		n.items = &item;
		n.event = cases[i].event;
		n.code = cases[i].code;
		n.who = "dns";
		notice_format(&n, false, &t);
		if (strstr(t.text, cases[i].want) == NULL)
			fail_msg("case %zu: %s", i, t.text);
		notice_text_clear(&t);
	}
}

static void
test_test_and_digest(void **state)
{
	struct notice n = base();

	n.items = NULL;
	n.n_items = 0;
	n.channel = "ops";
	expect(&n, false, "[acmed] test message", "This is a test message for "
	    "the channel \"ops\". Nothing is wrong.\n"
	    "\n"
	    "Host:         web1.example.net\n"
	    "Time:         2027-01-15 08:00 UTC\n");
	n.channel = NULL;
	n.event = NEV_DIGEST;
	n.n_certs = n.n_valid = 7;
	n.dropped = 3;
	expect(&n, false, "[acmed] daily digest: all is well",
	    "7 certificates: 7 valid, 0 failing.\n"
	    "\n"
	    "Host:         web1.example.net\n"
	    "Time:         2027-01-15 08:00 UTC\n"
	    "\n"
	    "Note: 3 older messages could not be delivered for too long and "
	    "were dropped.\n");
	n.n_failing = 1;
	n.items = &web;
	n.n_items = 1;
	expect(&n, true, "[acmed] 每日摘要：6/7", NULL);
}

/* --- the mail --- */

static void
test_header(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "plain", "plain" },
		{ "a\r\nBcc: b", "a  Bcc: b" },
		{ "=?x?=", "=?UTF-8?B?PT94Pz0=?=" },
		{ "续期", "=?UTF-8?B?57ut5pyf?=" },
		{ "续期续期续期续期续期续期续期续期",
		    "=?UTF-8?B?57ut5pyf57ut5pyf57ut5pyf57ut5pyf57ut5pyf57ut5py"
		    "f57ut5pyf?=\r\n =?UTF-8?B?57ut5pyf?=" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *got = mime_header(cases[i].in);

		assert_string_equal(got, cases[i].out);
		free(got);
	}
}

static void
test_mail(void **state)
{
	static const char *const to[] = { "a@example.com", "b@example.com",
	    NULL };
	struct mime_args a = { .from = "acmed@web1", .to = to,
	    .subject = "x\nEvil: y", .text = "one\n.\ntwo", .id = "7.9@web1",
	    .at = NOW, .is_urgent = true };
	char *mail = mime_mail(&a), *body;

	assert_string_equal(mail,
	    "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
	    "From: acmed <acmed@web1>\r\n"
	    "To: <a@example.com>,\r\n <b@example.com>\r\n"
	    "Subject: x Evil: y\r\n"
	    "Message-ID: <7.9@web1>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "Importance: high\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n"
	    "one\r\n.\r\ntwo\r\n");
	free(mail);
	a.text = "\xe7\xbb\xad = 1 \nlonglonglonglonglonglonglonglonglonglong"
	    "longlonglonglonglonglonglonglonglonglonglonglong\n";
	mail = mime_mail(&a);
	body = strstr(mail, "\r\n\r\n") + 4;
	assert_non_null(strstr(mail, "charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"));
	assert_string_equal(body, "=E7=BB=AD =3D 1=20\r\nlonglonglonglonglong"
	    "longlonglonglonglonglonglonglonglonglonglonglonglonglon=\r\n"
	    "glonglonglong\r\n");
	free(mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_deploy),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_test_and_digest),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_mail),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
