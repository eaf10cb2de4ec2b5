/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/error.h"
#include "daemon/io/starttls.h"

/* Length, number, version, "10.11", thread, salt, filler, capabilities. */
#define MYSQL_GREETING(caps) "\x17\0\0\0\x0a" "10.11\0" "\x07\0\0\0" \
    "saltsalt\0" caps "\0"
#define MYSQL_REQUEST "\x20\0\0\x01\0\x8a\0\0\0\0\0\x01\x21" \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* What comes and what is said to it, in turns; the last is the verdict. */
static const struct {
	enum starttls	 kind;
	const char	*in;		/* all that comes, whole or bytewise */
	size_t		 in_len;	/* 0: strlen */
	const char	*says;		/* all that is sent */
	size_t		 says_len;
	int		 verdict;
	size_t		 left;		/* bytes not used at the end */
} cases[] = {
	{ STARTTLS_SMTP, "220 mx ESMTP\r\n250-mx\r\n250-SIZE 1\r\n"
	    "250 STARTTLS\r\n220 go\r\n", 0,
	    "EHLO acmed.invalid\r\nSTARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_SMTP, "220-a\r\n220-b\r\n220\r\n250 x\n220\n", 0,
	    "EHLO acmed.invalid\r\nSTARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_SMTP, "220 x\r\n250 x\r\n220 x\r\nMORE", 0,
	    "EHLO acmed.invalid\r\nSTARTTLS\r\n", 0, 1, 4 },
	{ STARTTLS_SMTP, "554 go away\r\n", 0, "", 0, -1, 0 },
	{ STARTTLS_SMTP, "220 x\r\n250 x\r\n454 no TLS now\r\n", 0,
	    "EHLO acmed.invalid\r\nSTARTTLS\r\n", 0, -1, 0 },
	{ STARTTLS_SMTP, "2200 x\r\n", 0, "", 0, -1, 0 },
	{ STARTTLS_IMAP, "* OK hi\r\n* CAPABILITY X\r\na1 OK go\r\n", 0,
	    "a1 STARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_IMAP, "* PREAUTH hi\r\n", 0, "", 0, -1, 0 },
	{ STARTTLS_IMAP, "* OK hi\r\na1 BAD what\r\n", 0,
	    "a1 STARTTLS\r\n", 0, -1, 0 },
	{ STARTTLS_POP3, "+OK hi\r\n+OK go\r\n", 0, "STLS\r\n", 0, 1, 0 },
	{ STARTTLS_POP3, "+OK hi\r\n-ERR no\r\n", 0, "STLS\r\n", 0, -1, 0 },
	{ STARTTLS_POSTGRES, "S", 0, "\0\0\0\x08\x04\xd2\x16\x2f", 8, 1, 0 },
	{ STARTTLS_POSTGRES, "N", 0, "\0\0\0\x08\x04\xd2\x16\x2f", 8, -1, 0 },
	{ STARTTLS_LDAP, "0\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04"
	    "\x00", 14, "0\x1d\x02\x01\x01w\x18\x80\x16"
	    "1.3.6.1.4.1.1466.20037", 31, 1, 0 },
	{ STARTTLS_LDAP, "0\x84\x00\x00\x00\x0c", 6, "0\x1d\x02\x01\x01w\x18"
	    "\x80\x16" "1.3.6.1.4.1.1466.20037", 31, 0, 6 },
	{ STARTTLS_LDAP, "0\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04"
	    "\x00", 14, "0\x1d\x02\x01\x01w\x18\x80\x16"
	    "1.3.6.1.4.1.1466.20037", 31, -1, 0 },
	{ STARTTLS_LDAP, "0\x03\x02\x01\x01", 5, "0\x1d\x02\x01\x01w\x18"
	    "\x80\x16" "1.3.6.1.4.1.1466.20037", 31, -1, 0 },
	{ STARTTLS_LDAP, "HTTP/1.1", 0, "0\x1d\x02\x01\x01w\x18"
	    "\x80\x16" "1.3.6.1.4.1.1466.20037", 31, -1, 0 },
	{ STARTTLS_XMPP, "<?xml version='1.0'?><stream:stream><stream:features"
	    "><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	    "</stream:features><proceed xmlns='x'/>", 0,
	    "<?xml version='1.0'?><stream:stream to='chat.test' "
	    "xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
	    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 0, 1, 0 },
	{ STARTTLS_XMPP, "<stream:stream><stream:features></stream:features>",
	    0, "<?xml version='1.0'?><stream:stream to='chat.test' "
	    "xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
	    0, -1, 0 },
	{ STARTTLS_XMPP_SERVER, "<stream:stream><stream:features><starttls "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
	    "<proceed xmlns='x'/>", 0,
	    "<?xml version='1.0'?><stream:stream to='chat.test' "
	    "xmlns='jabber:server' from='acmed.invalid' "
	    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
	    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 0, 1, 0 },
	/* As vsftpd, and as servers with a long greeting say it. */
	{ STARTTLS_FTP, "220 (vsFTPd 3.0.3)\r\n234 Proceed.\r\n", 0,
	    "AUTH TLS\r\n", 0, 1, 0 },
	{ STARTTLS_FTP, "220-Welcome\r\n 220 is our number\r\n221-x\r\n"
	    "220-\r\n220\r\n234-a\r\n234 b\r\nX", 0,
	    "AUTH TLS\r\n", 0, 1, 1 },
	{ STARTTLS_FTP, "220 x\r\n530 Please login.\r\n", 0,
	    "AUTH TLS\r\n", 0, -1, 0 },
	{ STARTTLS_FTP, "220-x\r\n530 not the end\r\n", 0, "", 0, 0, 0 },
	{ STARTTLS_LMTP, "220 x LMTP\r\n250-x\r\n250 STARTTLS\r\n"
	    "220 2.0.0\r\n", 0, "LHLO acmed.invalid\r\nSTARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_NNTP, "201 hi\r\n382 go\r\n", 0, "STARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_NNTP, "502 no\r\n", 0, "", 0, -1, 0 },
	{ STARTTLS_NNTP, "200 hi\r\n580 cannot\r\n", 0, "STARTTLS\r\n", 0, -1,
	    0 },
	{ STARTTLS_SIEVE, "\"IMPLEMENTATION\" \"Dovecot\"\r\n\"SIEVE\" {4}\r\n"
	    "copy\r\n\"STARTTLS\"\r\nOK \"ready.\"\r\nOK \"Begin.\"\r\n", 0,
	    "STARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_SIEVE, "OK\r\nNO \"TLS is not available\"\r\n", 0,
	    "STARTTLS\r\n", 0, -1, 0 },
	{ STARTTLS_SIEVE, "BYE \"too many\"\r\n", 0, "", 0, -1, 0 },
	{ STARTTLS_IRC, ":irc.test NOTICE * :*** Looking up\r\n"
	    "PING :x\r\n:irc.test 670 * :go\r\n", 0, "STARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_IRC, "670 x :go\n", 0, "STARTTLS\r\n", 0, 1, 0 },
	{ STARTTLS_IRC, ":irc.test 691 * :no\r\n", 0, "STARTTLS\r\n", 0,
	    -1, 0 },
	{ STARTTLS_IRC, ":x\r\n\r\nERROR :Closing\r\n", 0, "STARTTLS\r\n", 0,
	    -1, 0 },
	/* MariaDB 10.11's greeting, as far as it matters. */
	{ STARTTLS_MYSQL, MYSQL_GREETING("\xfe\xff"), 21 + 6,
	    MYSQL_REQUEST, 36, 1, 0 },
	{ STARTTLS_MYSQL, MYSQL_GREETING("\xfe\xf7"), 21 + 6, "", 0, -1, 0 },
	{ STARTTLS_MYSQL, "\x09\0\0\0\xff\x6a\x04" "no one", 13, "", 0, -1, 0 },
	{ STARTTLS_MYSQL, "\x03\0\0\0\x0a" "ab", 7, "", 0, -1, 0 },
	{ STARTTLS_MYSQL, "HTTP/1.1", 0, "", 0, -1, 0 },
	{ STARTTLS_MYSQL, "\x17\0\0\0\x0a", 5, "", 0, 0, 5 },
	{ STARTTLS_XMPP, "<stream:stream><stream:error>", 0,
	    "<?xml version='1.0'?><stream:stream to='chat.test' "
	    "xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
	    0, -1, 0 },
};

/* As tls.c does it, with the input in pieces of that size. */
static void
run(size_t i, size_t piece)
{
	struct starttls_talk t = { .kind = cases[i].kind,
	    .host = "chat.test" };
	size_t len = cases[i].in_len != 0 ? cases[i].in_len :
	    strlen(cases[i].in), have = 0, from = 0, said = 0, used;
	size_t says_len = cases[i].says_len != 0 ? cases[i].says_len :
	    strlen(cases[i].says);
	char says[1024];
	struct error err;
	int rc = 0;

	for (;;) {
		do {
			rc = starttls_feed(&t, cases[i].in + from,
			    have - from, &used, &err);
			if (rc == -1)
				break;
			from += used;
			memcpy(says + said, t.say, t.say_len);
			said += t.say_len;
		} while (rc == 0 && used > 0);
		if (rc != 0 || have == len)
			break;
		have += piece < len - have ? piece : len - have;
	}
	if (rc != cases[i].verdict || said != says_len ||
	    memcmp(says, cases[i].says, said) != 0)
		fail_msg("case %zu, pieces of %zu: %d, said %zu: %.*s", i,
		    piece, rc, said, (int)said, says);
	if (rc != -1 && piece > 1)
		assert_int_equal(len - from, cases[i].left);
	if (rc == -1)
		assert_string_equal(err.code, "tls:starttls");
}

static void
test_talks(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		run(i, 1000);
		run(i, 1);
	}
}

static void
test_names(void **state)
{
	enum starttls kind = STARTTLS_END;

	for (unsigned i = 0; i < STARTTLS_END; i++) {
		assert_int_equal(starttls_parse(starttls_name(
		    (enum starttls)i), &kind), 0);
		assert_int_equal(kind, i);
		assert_non_null(strstr(STARTTLS_ALL, starttls_name(kind)));
	}
	assert_int_equal(starttls_parse("gopher", &kind), -1);
	assert_int_equal(starttls_of_port(587), STARTTLS_SMTP);
	assert_int_equal(starttls_of_port(5269), STARTTLS_XMPP_SERVER);
	assert_int_equal(starttls_of_port(443), STARTTLS_NONE);
	assert_int_equal(starttls_of_port(0), STARTTLS_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("starttls", tests, NULL, NULL);
}
