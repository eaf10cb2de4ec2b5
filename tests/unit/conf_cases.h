/* SPDX-License-Identifier: MIT */
/* The cases of test_conf_mistakes.c: text, and what is told of it. */
{ "",
    "" },
{ "# a comment\n"
    "/* one\n"
    "more */ // and this\n",
    "" },
{ BASE,
    "" },
{ CERT
    "}\n",
    "" },
{ "stat_dir = \"/x\"\n",
    AT "1: unknown key \"stat_dir\"; did you mean \"state_dir\"?\n" },
{ "zzzzzzzzzzzz = 1\n",
    AT "1: unknown key \"zzzzzzzzzzzz\"; allowed: " ROOT_KEYS "\n" },
{ "state_dir = \"relative\"\n",
    AT "1: state_dir = \"relative\"; allowed: an absolute path "
    "of at most 1024 bytes\n" },
{ "state_dir = \"\"\n",
    AT "1: state_dir = \"\"; allowed: one line of text, not "
    "empty\n" },
{ "# one\n"
    "# two\n"
    "\n"
    "/* three\n"
    " */ log_level = \"loud\" # five\n",
    AT "5: log_level = \"loud\"; allowed: error, warning, notice, "
    "info, debug\n" },
/* Lines go on in texts and comments. */
{ "http_listen = { /* one,\n two */ 127.0.0.1, # three\n"
    " \"127.0.0.\\\n2\", '127.0.0.\\\n3' }\n"
    "log_level = \"loud\"\n",
    AT "6: log_level = \"loud\"; allowed: error, warning, notice, "
    "info, debug\n" },
{ "log_level = info\n"
    "state_dir = /a\n"
    "log_level = debug\n",
    AT "3: log_level is given twice, first in line 1; allowed: "
    "once\n" },
{ "log_level = { info }\n",
    AT "1: log_level = { ... }: found a list; allowed: one value\n" },
{ "log_level += info\n",
    AT "1: log_level += ...: it is not a list; write log_level "
    "= VALUE\n" },
{ "log_level info\n",
    AT "1: syntax error: missing equal sign after option 'log_level'\n" },
{ "log_level = = info\n",
    AT "1: syntax error: unexpected token '='\n" },
{ "log_level = \"info\n",
    AT "1: syntax error: the text that begins with \" has no "
    "closing \" in this line\n" },
{ "log_level = 'info",
    AT "1: syntax error: the text that begins with ' has no "
    "closing ' in this line\n" },
{ "/* no end\n"
    "log_level = info\n",
    AT "1: syntax error: the comment that begins with \"/*\" "
    "has no \"*/\"\n" },
{ "max_renewals = 0\n",
    AT "1: max_renewals = \"0\"; allowed: 1 to 1000\n" },
{ "max_renewals = many; log_level = info;\n",
    AT "1: found \";\"; lines end without one\n"
    AT "1: max_renewals = \"many\"; allowed: 1 to 1000\n" },
{ "max_renewals = 99999999999999999999\n",
    AT "1: max_renewals = \"99999999999999999999\"; allowed: "
    "1 to 1000\n" },
{ "metrics_textfile = \"/no/such/acmed.prom\"\n",
    "" },
{ "metrics_textfile = \"/run/acmed.txt\"\n",
    AT "1: metrics_textfile = \"/run/acmed.txt\"; allowed: an absolute path "
    "that ends in .prom, of at most 1024 bytes\n" },
{ "metrics_textfile = \"acmed.prom\"\n",
    AT "1: metrics_textfile = \"acmed.prom\"; allowed: an absolute path "
    "that ends in .prom, of at most 1024 bytes\n" },
{ "host_name = \"a/b\"\n"
    "repository \"r\" { type = https receipts = no behind_after = 1s\n"
    " url = \"https://h\" encrypt_key_file = /dev/null }\n"
    "repository \"s\" { type = directory receipts = maybe path = /srv\n"
    " behind_after = 1s hmac_key_file = /dev/null }\n",
    AT "1: host_name: \"a/b\" cannot be a name here: only letters, digits, "
    "'.', '_' and '-' are allowed\n"
    AT "2: repository \"r\": receipts is not for type = https\n"
    AT "2: repository \"r\": behind_after is not for type = https\n"
    AT "2: repository \"r\": behind_after = \"1s\"; allowed: 1m to 30d, "
    "written like 30d, 12h, 10m or 90s\n"
    AT "3: repository \"r\": encrypt_key_file: /dev/null: not a regular "
    "file\n"
    AT "4: repository \"s\": receipts = \"maybe\"; allowed: true, false\n"
    AT "5: repository \"s\": hmac_key_file: /dev/null: not a regular file\n"
    AT "5: repository \"s\": behind_after = \"1s\"; allowed: 1m to 30d, "
    "written like 30d, 12h, 10m or 90s\n" },
{ "repository \"r\" { type = directory path = /srv receipts = no\n"
    " hmac_key_file = /dev/null\n"
    " waves = { \"canary-*\", \"a b\" } wave_pause = 1y }\n",
    AT "2: repository \"r\": hmac_key_file: /dev/null: not a regular file\n"
    AT "3: repository \"r\": wave_pause = \"1y\"; allowed: 0d to 30d, "
    "written like 30d, 12h, 10m or 90s\n"
    AT "3: repository \"r\": waves = \"a b\"; allowed: patterns of host "
    "names such as web-*\n"
    AT "3: repository \"r\": waves need receipts: without them nobody knows "
    "when a wave is done\n" },
{ "hooks_dir = none\n",
    "" },
{ "hooks_dir = \"/\"\n",
    "" },
{ "hooks_dir = \"/no/such\"\n",
    AT "1: hooks_dir = \"/no/such\"; allowed: a directory that exists, or "
    "none\n" },
{ "hooks_dir = \"hooks\"\n",
    AT "1: hooks_dir = \"hooks\"; allowed: an absolute path of at most 1024 "
    "bytes\n" },
{ "hooks_dir = \"/\"\n"
    CERT
    " deploy \"deploy.d\" { exec = x } }\n",
    AT "4: certificate \"example.com\": deploy \"deploy.d\" is the target "
    "of the hooks in /; allowed: another name\n" },
{ "control_socket = \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "bbbbbbbbbbbb\"\n",
    AT "1: control_socket = \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    "bbbbbbbbbbbbbbb\"; allowed: an absolute path of at most "
    "107 bytes\n" },
{ "resolvers = { 1.1.1.1, \"8.8.8.8:53\", '[::1]:53', \"::1\", "
    "\"[::1]\" }\n",
    "" },
{ "resolvers = {\n"
    " 1.1.1,\n"
    " \"dns.google\",\n"
    " 1.1.1.1:0,\n"
    " \"[::1:53\",\n"
    " 1.1.1.1:65536,\n"
    " \"::1:x\" }\n",
    AT "2: resolvers = \"1.1.1\"; allowed: ADDRESS, ADDRESS:PORT "
    "or [IPV6]:PORT, with addresses in numbers\n"
    AT "3: resolvers = \"dns.google\"; allowed: ADDRESS, ADDRESS:PORT "
    "or [IPV6]:PORT, with addresses in numbers\n"
    AT "4: resolvers = \"1.1.1.1:0\"; allowed: ADDRESS, ADDRESS:PORT "
    "or [IPV6]:PORT, with addresses in numbers\n"
    AT "5: resolvers = \"[::1:53\"; allowed: ADDRESS, ADDRESS:PORT "
    "or [IPV6]:PORT, with addresses in numbers\n"
    AT "6: resolvers = \"1.1.1.1:65536\"; allowed: ADDRESS, "
    "ADDRESS:PORT or [IPV6]:PORT, with addresses in numbers\n"
    AT "7: resolvers = \"::1:x\"; allowed: ADDRESS, ADDRESS:PORT "
    "or [IPV6]:PORT, with addresses in numbers\n" },
{ "resolvers = { 1.1.1.1 }\n"
    "resolvers = { 9.9.9.9 }\n",
    AT "2: resolvers is given twice, first in line 1; allowed: "
    "once\n" },
{ "resolvers = { 1.1.1.1 9.9.9.9 }\n",
    AT "1: a comma is missing before \"9.9.9.9\"; allowed: { \"a\", "
    "\"b\" }\n" },
{ "resolvers = { 1.1.1.1, 9.9.9.9\n",
    AT "1: syntax error: the file ends inside this statement\n" },
{ "account { }\n",
    AT "1: account { ... }: the name is missing; allowed: account "
    "\"NAME\" { ... }\n" },
{ "account = \"x\"\nnotify = y\n",
    AT "1: account = ... is no key here; a section is written: account "
    "\"NAME\" { ... }; the key belongs into a certificate\n"
    AT "2: notify = ... is no key here; a section is written: notify "
    "\"NAME\" { ... }\n" },
{ "account \"x\" = 5\n",
    AT "1: found \"=\" behind the name of a section; allowed: account "
    "\"NAME\" { ... }\n" },
{ "account \"x\" = { }\nlog_level = x\n",
    AT "1: found \"=\" behind the name of a section; allowed: account "
    "\"NAME\" { ... }\n"
    AT "2: log_level = \"x\"; allowed: error, warning, notice, info, "
    "debug\n" },
{ "[account]\ndirectory = \"letsencrypt\"\n",
    AT "1: unknown key \"[account]\"; a section is written: account "
    "\"NAME\" { ... }\n" },
{ "account \"x\" { email = \"a@b.example\" }\n",
    AT "1: account \"x\": unknown key \"email\"; did you mean "
    "\"contact\"?\n" },
{ "account \"x\" {\n"
    " agree_tos = true\n",
    AT "1: account \"x\": syntax error: the file ends inside "
    "this section; a \"}\" is missing\n" },
{ "account \"x\" {\n"
    " agree_tos = true\n"
    "certificate \"y\" {\n"
    "}\n",
    AT "1: account \"x\": syntax error: the file ends inside "
    "this section; a \"}\" is missing\n"
    AT "3: account \"x\": found certificate inside this section; "
    "is a \"}\" missing before it?\n" },
{ "account \"x\" {\n"
    "}\n"
    "}\n",
    AT "3: syntax error: unexpected closing brace\n" },
{ "account \"x/y\" { }\n"
    "account \".x\" { }\n",
    AT "1: account \"x/y\": \"x/y\" cannot be a name here: only "
    "letters, digits, '.', '_' and '-' are allowed\n"
    AT "2: account \".x\": \".x\" cannot be a name here: it "
    "begins with '.' or '-'\n" },
{ "account \"x\" { }\n"
    "account \"y\" { }\n"
    "account \"x\" { }\n"
    "account \"x\" { }\n",
    AT "3: account \"x\": it is given twice, first in acmed.conf:1; "
    "allowed: once\n"
    AT "4: account \"x\": it is given twice, first in acmed.conf:1; "
    "allowed: once\n" },
{ "account \"x\" {\n"
    " directory = \"http://example.com/dir\"\n"
    "}\n",
    AT "2: account \"x\": directory = \"http://example.com/dir\"; "
    "allowed: letsencrypt, letsencrypt-staging, zerossl, google, "
    "google-staging, sslcom, actalis, or a URL that begins with "
    "https://\n" },
{ "account \"x\" {\n"
    " directory = \"https://me:s3cr3t@example.com/dir\"\n"
    " staging_directory = \"https://me@example.com/@/dir\"\n"
    "}\n",
    AT "2: account \"x\": directory = (hidden): there is a user's name or "
    "password in it; allowed: a URL without, as in "
    "https://ca.example/directory\n"
    AT "3: account \"x\": staging_directory = (hidden): there is a user's "
    "name or password in it; allowed: a URL without, as in "
    "https://ca.example/directory\n" },
{ "account \"x\" {\n"
    " directory = buypass\n"
    "}\n"
    "account \"y\" {\n"
    " directory = \"https://api.buypass.com/acme/directory\"\n"
    "}\n",
    AT "2: account \"x\": directory = \"buypass\": Buypass issues no "
    "certificates since October 2025; allowed: letsencrypt, "
    "letsencrypt-staging, zerossl, google, google-staging, sslcom, actalis, "
    "or a URL\n"
    AT "5: account \"y\": directory = "
    "\"https://api.buypass.com/acme/directory\": Buypass issues no "
    "certificates since October 2025; allowed: letsencrypt, "
    "letsencrypt-staging, zerossl, google, google-staging, sslcom, actalis, "
    "or a URL\n" },
{ "account \"x\" {\n"
    " directory = \"letsencrypt-stagin\"\n"
    "}\n",
    AT "2: account \"x\": directory = \"letsencrypt-stagin\"; "
    "did you mean \"letsencrypt-staging\"?\n" },
{ "account \"x\" {\n"
    " directory = letsencrypt\n"
    " agree_tos = maybe\n"
    "}\n",
    AT "3: account \"x\": agree_tos = \"maybe\"; allowed: true, "
    "false\n" },
{ "account \"x\" {\n"
    " contact = { \"admin@example.com\", \"mailto:a@example.com\",\n"
    " \"mailto:a@b.example,c@d.example\", \"mailto:\" }\n"
    "}\n",
    AT "2: account \"x\": contact = \"admin@example.com\"; allowed: "
    "mailto:NAME@DOMAIN, one address in each\n"
    AT "3: account \"x\": contact = \"mailto:a@b.example,c@d.example\"; "
    "allowed: mailto:NAME@DOMAIN, one address in each\n"
    AT "3: account \"x\": contact = \"mailto:\"; allowed: mailto:NAME@DO"
    "MAIN, one address in each\n" },
{ "account \"x\" {\n"
    " key = \"ec255\"\n"
    "}\n",
    AT "2: account \"x\": key = \"ec255\"; allowed: ec256, ec384, "
    "rsa2048, rsa3072, rsa4096\n" },
{ "account \"x\" {\n"
    " ari = perhaps\n"
    "}\n",
    AT "2: account \"x\": ari = \"perhaps\"; allowed: true, false\n" },
#define NO_PAIR "key is for a certificate with two of them; allowed: with " \
    "key = { \"ec256\", \"rsa2048\" } in the certificate\n"
#define LIMITS_ALLOWED "allowed: letsencrypt, none, or a list of \"orders N " \
    "per TIME\", \"certificates N per domain per TIME\", \"duplicates N per " \
    "TIME\" and \"failures N per name per TIME\", each once, as in \"orders " \
    "300 per 3h\"; \"except renewals\" may follow the first two; N is 1 to " \
    "1000000, TIME 1s to 30d\n"
{ "account \"x\" {\n"
    " limits = {\n"
    "  \"orders 0 per 3h\",\n"
    "  \"orders 300 per 31d\",\n"
    "  \"order 300 per 3h\",\n"
    "  \"certificates 50 per 7d\",\n"
    "  \"certificates 50 per name per 7d\",\n"
    "  \"duplicates 5 per 7d except renewals\",\n"
    "  \"failures 5 per name per 1h except\",\n"
    "  letsencrypt,\n"
    "  \"orders 3 per 3h\",\n"
    "  \"orders 4 per 3h\"\n"
    " }\n"
    "}\n",
    AT "3: account \"x\": limits = \"orders 0 per 3h\"; " LIMITS_ALLOWED
    AT "4: account \"x\": limits = \"orders 300 per 31d\"; " LIMITS_ALLOWED
    AT "5: account \"x\": limits = \"order 300 per 3h\"; " LIMITS_ALLOWED
    AT "6: account \"x\": limits = \"certificates 50 per 7d\"; "
    LIMITS_ALLOWED
    AT "7: account \"x\": limits = \"certificates 50 per name per 7d\"; "
    LIMITS_ALLOWED
    AT "8: account \"x\": limits = \"duplicates 5 per 7d except "
    "renewals\"; " LIMITS_ALLOWED
    AT "9: account \"x\": limits = \"failures 5 per name per 1h except\"; "
    LIMITS_ALLOWED
    AT "10: account \"x\": limits = \"letsencrypt\"; " LIMITS_ALLOWED
    AT "12: account \"x\": limits = \"orders 4 per 3h\": orders are "
    "limited twice; allowed: once\n" },
{ "account \"x\" {\n"
    " staging_directory = letsencrypt\n"
    "}\n",
    AT "2: account \"x\": staging_directory = \"letsencrypt\"; allowed: "
    "letsencrypt-staging, google-staging, or a URL that begins with "
    "https://\n" },
{ "account \"x\" {\n"
    " profile = \"two words\"\n"
    "}\n"
    "account \"y\" {\n"
    " profile_required = true\n"
    "}\n",
    AT "2: account \"x\": profile = \"two words\"; allowed: a name that "
    "the CA's directory offers, of at most 64 letters, digits and signs, or "
    "none\n"
    AT "5: account \"y\": profile_required is given, profile is missing; "
    "allowed: both, or profile alone\n" },
{ "account \"x\" {\n"
    " eab_kid = k1\n"
    "}\n"
    "account \"y\" {\n"
    " eab_hmac_key_file = secret\n"
    "}\n",
    AT "2: account \"x\": eab_kid is given, eab_hmac_key_file "
    "is missing; allowed: both or none\n"
    AT "5: account \"y\": eab_hmac_key_file is given, eab_kid "
    "is missing; allowed: both or none\n" },
{ "account \"x\" {\n"
    " eab_kid = k1\n"
    " eab_hmac_key_file = secret\n"
    "}\n",
    "" },
{ "account \"x\" {\n"
    " eab_kid = k1\n"
    " eab_hmac_key_file = base64\n"
    "}\n",
    AT "3: account \"x\": eab_hmac_key_file: base64: it is not base64url; "
    "allowed: letters, digits, \"-\" and \"_\", as the CA shows it "
    "(write \"-\" for \"+\" and \"_\" for \"/\")\n" },
{ "account \"x\" {\n"
    " eab_kid = k1\n"
    " eab_hmac_key_file = open\n"
    "}\n",
    AT "3: account \"x\": eab_hmac_key_file: open: every user "
    "can read this secret: chmod o-rwx open\n" },
{ "account \"x\" {\n"
    " ca_file = none.pem\n"
    "}\n"
    "account \"y\" {\n"
    " ca_file = \"/\"\n"
    "}\n",
    AT "2: account \"x\": ca_file: none.pem: No such file or "
    "directory\n"
    AT "5: account \"y\": ca_file: /: it is not a regular file; "
    "allowed: a file in PEM\n" },
{ "account \"x\" {\n"
    " proxy = \"user:password@proxy\"\n"
    "}\n",
    AT "2: account \"x\": proxy is not the URL of a proxy; allowed: "
    "none, http://HOST:PORT, or https, socks4, socks4a, socks5, "
    "socks5h\n" },
{ "account \"x\" { proxy = \"http://127.0.0.1:3128\" }\n"
    "account \"y\" { proxy = none }\n",
    "" },
{ "provider \"p\" {\n"
    "}\n",
    AT "1: provider \"p\": type is missing; allowed: bare, rfc2136, "
    "tokendns, tsig\n" },
{ "provider \"p\" {\n"
    " unknown = 1\n"
    " type = \"tsgi\"\n"
    "}\n",
    AT "3: provider \"p\": type = \"tsgi\"; did you mean \"tsig\"?\n" },
{ "provider \"p\" { type = cloudxns\n"
    " api_key = x }\n",
    AT "1: provider \"p\": cloudxns: the service ended in 2021, choose "
    "another: move the zone, or let _acme-challenge be a CNAME into a zone "
    "elsewhere\n" },
{ "provider \"p\" { type = \"somethingelse\" }\n",
    AT "1: provider \"p\": type = \"somethingelse\"; allowed: "
    "bare, rfc2136, tokendns, tsig\n" },
{ TSIG
    " key_secret_file = secret\n"
    " ttl = 60\n"
    " tcp = no\n"
    " wait = 90s\n"
    " zones = { a, b }\n"
    "}\n",
    "" },
{ TSIG
    " key_secret = literal\n"
    "}\n",
    "" },
{ TSIG
    " key_secret = literal\n"
    " key_secret_file = secret\n"
    "}\n",
    AT "6: provider \"p\": key_secret and key_secret_file are "
    "given; allowed: one of them\n" },
{ TSIG
    " key_secret_file = open\n"
    "}\n",
    AT "5: provider \"p\": key_secret_file: open: every user "
    "can read this secret: chmod o-rwx open\n" },
{ TSIG
    " key_secret_file = missing\n"
    "}\n",
    AT "5: provider \"p\": key_secret_file: missing: No such "
    "file or directory\n" },
{ TSIG
    " key_secret_file = \"credential:tsig\"\n"
    "}\n",
    AT "5: provider \"p\": key_secret_file = \"credential:tsig\": "
    "$CREDENTIALS_DIRECTORY is not set; credentials exist "
    "for a service of systemd only, see LoadCredential= in "
    "systemd.exec(5)\n" },
{ TSIG
    " key_secret_file = \"credential:../tsig\"\n"
    "}\n",
    AT "5: provider \"p\": key_secret_file = \"credential:../tsig\"; "
    "allowed: credential:NAME as in LoadCredential=NAME:... "
    "of acmed.service\n" },
{ TSIG
    " key_secret = x\n"
    " ttl = 0\n"
    " tcp = 7\n"
    " wait = long\n"
    " api_token = x\n"
    "}\n",
    AT "6: provider \"p\": ttl = \"0\"; allowed: 1 to 86400\n"
    AT "7: provider \"p\": tcp = \"7\"; allowed: true, false\n"
    AT "8: provider \"p\": wait = \"long\"; allowed: a time "
    "written like 90s, 10m or 12h\n"
    AT "9: provider \"p\": unknown key \"api_token\"; allowed: "
    "type, server, key_name, key_secret, key_secret_file, "
    "ttl, tcp, wait, zones\n" },
{ TSIG
    " key_secret = \"\"\n"
    " ttl = { 5, 6 }\n"
    "}\n",
    AT "5: provider \"p\": key_secret = ...; allowed: text, "
    "not empty\n"
    AT "6: provider \"p\": ttl = { ... }: found a list; allowed: "
    "one value\n" },
{ TSIG
    " key_secret = \" c2VjcmV0 \\n\"\n"
    "}\n",
    "" },
{ TSIG
    " key_secret = \"Bearer c2VjcmV0\"\n"
    "}\n",
    AT "5: provider \"p\": key_secret: found a header as in \"Bearer "
    "SECRET\"; allowed: the secret alone, without the word before "
    "it\n" },
{ TSIG
    " key_secret = \"<c2VjcmV0>\"\n"
    "}\n",
    AT "5: provider \"p\": key_secret: found a placeholder, as in a "
    "manual's example; allowed: the secret itself, without <> or ${} "
    "around it\n" },
{ TSIG
    " key_secret = \"'c2VjcmV0'\"\n"
    "}\n",
    AT "5: provider \"p\": key_secret: found quotes around the secret; "
    "allowed: the secret alone, without quotes\n" },
{ "provider \"p\" { type = tsig }\n",
    AT "1: provider \"p\": server is missing (address of the "
    "server)\n"
    AT "1: provider \"p\": key_name is missing (name of the "
    "key)\n"
    AT "1: provider \"p\": key_secret or key_secret_file is "
    "missing (secret of the key)\n" },
{ "provider \"p\" { type = tokendns api_tokne = x }\n",
    AT "1: provider \"p\": unknown key \"api_tokne\"; did you "
    "mean \"api_token\"?\n" },
{ "credentials \"a\" { type = cloudflare api_token = t0ken }\n"
    "provider \"p\" { type = tokendns credentials = a }\n",
    "" },
{ "credentials \"a\" { api_token = t0ken }\n"
    "credentials \"b\" { type = clodflare }\n"
    "credentials \"c\" { type = mail }\n"
    "credentials \"d\" { type = aliyun access_key_id = x tpye = y }\n"
    "credentials \"d\" { type = cloudflare api_token = t0ken }\n",
    AT "1: credentials \"a\": type is missing; allowed: " CREDENTIALS "\n"
    AT "2: credentials \"b\": type = \"clodflare\"; did you mean "
    "\"cloudflare\"?\n"
    AT "3: credentials \"c\": type = \"mail\"; allowed: " CREDENTIALS "\n"
    AT "4: credentials \"d\": unknown key \"tpye\"; did you mean "
    "\"type\"?\n"
    AT "4: credentials \"d\": access_key_secret or access_key_secret_file "
    "is missing (its AccessKey secret)\n"
    AT "5: credentials \"d\": it is given twice, first in acmed.conf:4; "
    "allowed: once\n" },
{ "credentials \"a\" { type = aws access_key_id = x\n"
    " secret_access_key = s3cret }\n"
    "credentials \"b\" { type = cloudflare api_token = t0ken }\n"
    "provider \"p\" { type = tokendns credentials = a }\n"
    "provider \"q\" { type = tokendns credentials = bb }\n"
    "provider \"r\" { type = tokendns credentials = b\n"
    " api_token = other }\n"
    "provider \"s\" { type = tsig credentials = b\n"
    " server = x key_name = y key_secret = c2VjcmV0 }\n",
    AT "4: provider \"p\": credentials \"a\" are of type aws; allowed for "
    "tokendns: type cloudflare\n"
    AT "5: provider \"q\": credentials = \"bb\" is not defined; did you "
    "mean \"b\"?\n"
    AT "7: provider \"r\": api_token and credentials are given; allowed: "
    "one of them\n"
    AT "8: provider \"s\": unknown key \"credentials\"; allowed: type, "
    "server, key_name, key_secret, key_secret_file, ttl, tcp, wait, "
    "zones\n" },
{ "credentials \"a\" { type = aliyun source = ecs }\n"
    "credentials \"b\" { type = aliyun source = ecs_ram_role\n"
    " access_key_id = x }\n"
    "credentials \"c\" { type = aliyun ram_role_name = r\n"
    " access_key_id = x access_key_secret = s3cret }\n"
    "credentials \"d\" { type = aliyun source = environment\n"
    " role_arn = r sts_endpoint = sts.aliyuncs.com }\n"
    "credentials \"e\" { type = aliyun source = oidc_role_arn\n"
    " duration_seconds = 899 }\n"
    "credentials \"f\" { type = aws source = Environment external_id = x }\n",
    AT "1: credentials \"a\": source = \"ecs\"; allowed: access_key, "
    "ecs_ram_role, oidc_role_arn, environment\n"
    AT "3: credentials \"b\": access_key_id is given, but source = "
    "\"ecs_ram_role\"; allowed with source = \"access_key\" only\n"
    AT "4: credentials \"c\": ram_role_name is given, but source = "
    "\"access_key\"; allowed with source = \"ecs_ram_role\" only\n"
    AT "7: credentials \"d\": sts_endpoint = \"sts.aliyuncs.com\"; "
    "allowed: https://sts.REGION.aliyuncs.com\n"
    AT "9: credentials \"e\": duration_seconds = \"899\"; allowed: 900 to "
    "43200\n"
    AT "10: credentials \"f\": external_id is given without role_arn, the "
    "role that demands it; allowed: both, or neither\n" },
{ "credentials \"a\" { type = aliyun source = ecs_ram_role }\n"
    "credentials \"b\" { type = aliyun source = environment role_arn = r }\n"
    "credentials \"c\" { type = aliyun access_key_id = x\n"
    " access_key_secret = s3cret role_arn = r }\n",
    "" },
{ "credentials \"a\" { type = aws source = instance }\n"
    "credentials \"b\" { type = aws source = Ec2InstanceMetadata\n"
    " profile = p }\n"
    "credentials \"c\" { type = aws }\n"
    "credentials \"d\" { type = aws source = Environment\n"
    " role_arn = r sts_region = moon }\n"
    "credentials \"e\" { type = aws source = Environment\n"
    " sts_endpoint = sts.amazonaws.com }\n",
    AT "1: credentials \"a\": source = \"instance\"; allowed: access_key, "
    "Environment, profile, Ec2InstanceMetadata, EcsContainer, web_identity\n"
    AT "3: credentials \"b\": profile is given, but source = "
    "\"Ec2InstanceMetadata\"; allowed with source = \"profile\" only\n"
    AT "4: credentials \"c\": access_key_id is missing (id of the access key, "
    "\"AKIA...\")\n"
    AT "6: credentials \"d\": sts_region = \"moon\"; allowed: the name of a "
    "region, such as eu-central-1\n"
    AT "8: credentials \"e\": sts_endpoint = \"sts.amazonaws.com\"; "
    "allowed: https://HOST\n" },
{ "credentials \"a\" { type = azure client_id = x }\n"
    "credentials \"b\" { type = azure source = managed_identity\n"
    " federated_token_file = \"/dev/null\" }\n"
    "credentials \"c\" { type = azure source = msi environment = mars }\n"
    "credentials \"d\" { type = azure source = msi }\n"
    "credentials \"e\" { type = gcp }\n"
    "credentials \"f\" { type = gcp source = metadata_server\n"
    " token_uri = x }\n"
    "credentials \"g\" { type = gcp source = metadata }\n"
    "credentials \"h\" { type = gcp source = application_default\n"
    " token_uri = oauth2.example }\n"
    "credentials \"i\" { type = azure source = workload_identity\n"
    " authority_host = login.example }\n",
    AT "1: credentials \"a\": tenant_id is missing (directory (tenant) id; "
    "with workload_identity, if it is not AZURE_TENANT_ID)\n"
    AT "3: credentials \"b\": federated_token_file is given, but source = "
    "\"managed_identity\"; allowed with source = \"workload_identity\" "
    "only\n"
    AT "4: credentials \"c\": environment is public, china or "
    "usgovernment, not \"mars\"\n"
    AT "5: credentials \"d\": source = \"msi\"; allowed: client_secret, "
    "managed_identity, workload_identity\n"
    AT "6: credentials \"e\": service_account or service_account_file is "
    "missing (key of a service account in JSON, as downloaded)\n"
    AT "8: credentials \"f\": token_uri is given, but source = "
    "\"metadata_server\"; allowed with source = \"application_default\" "
    "only\n"
    AT "9: credentials \"g\": source = \"metadata\"; allowed: "
    "service_account, metadata_server, application_default\n"
    AT "11: credentials \"h\": token_uri = \"oauth2.example\"; allowed: "
    "https://HOST/PATH\n"
    AT "13: credentials \"i\": authority_host = \"login.example\"; "
    "allowed: https://HOST\n" },
{ "credentials \"a\" { type = aws source = Ec2InstanceMetadata }\n"
    "credentials \"b\" { type = aws source = EcsContainer role_arn = r }\n"
    "credentials \"c\" { type = azure source = managed_identity }\n"
    "credentials \"d\" { type = azure source = workload_identity }\n"
    "credentials \"e\" { type = gcp source = metadata_server }\n"
    "credentials \"f\" { type = gcp source = application_default }\n",
    "" },
{ KEYS CERT
    " deploy \"cdn\" { cloud \"aliyun-cdn\" {\n"
    "  domains = { \"www.example.com\", \".example.com\" } } }\n"
    " deploy \"cas\" { cloud \"aliyun-cas\" { credentials = ali } verify = "
    "none }\n"
    "}\n",
    "" },
{ KEYS CERT
    " deploy \"a\" { cloud \"aliyun-cd\" { x = y } }\n"
    " deploy \"b\" { cloud \"aliyun-cdn\" { domain = z } }\n"
    " deploy \"c\" { cloud \"aliyun-cdn\" { domains = a.example } }\n"
    " deploy \"d\" { cloud \"aliyun-cdn\" { domains = a.example } }\n"
    " deploy \"e\" { cloud \"aliyun-cas\" { credentials = other\n"
    "  site = moon } verify = none }\n"
    " deploy \"f\" { exec = /bin/true verify_timeout = 5s }\n"
    "}\n",
    AT "5: certificate \"example.com\": deploy \"a\": cloud \"aliyun-cd\": "
    "product = \"aliyun-cd\"; did you mean \"aliyun-cdn\"?\n"
    AT "6: certificate \"example.com\": deploy \"b\": cloud \"aliyun-cdn\": "
    "unknown key \"domain\"; did you mean \"domains\"?\n"
    AT "6: certificate \"example.com\": deploy \"b\": cloud \"aliyun-cdn\": "
    "domains is missing (accelerated domains; a wildcard is "
    "\".example.com\")\n"
    AT "8: certificate \"example.com\": deploy \"d\": cloud \"aliyun-cdn\": "
    "certificate \"example.com\": deploy \"c\" writes the same domain in "
    "" AT "7; allowed: once\n"
    AT "9: certificate \"example.com\": deploy \"e\": cloud \"aliyun-cas\": "
    "credentials = \"other\" is not defined; defined: \"ali\"\n"
    AT "10: certificate \"example.com\": deploy \"e\": cloud "
    "\"aliyun-cas\": site = \"moon\"; allowed: china, international\n"
    AT "11: certificate \"example.com\": deploy \"f\": verify_timeout "
    "without verify; allowed: with it\n" },
{ "credentials \"v\" { type = vault address = vault.example.com\n"
    " token = hvs.x }\n"
    "credentials \"w\" { type = vault address = \"https://vault.test\" }\n"
    "credentials \"x\" { type = vault address = \"https://vault.test\"\n"
    " role_id = r }\n",
    AT "1: credentials \"v\": address = \"vault.example.com\"; allowed: "
    "https://HOST:PORT\n"
    AT "3: credentials \"w\": token is missing; allowed: either token, or "
    "role_id and secret_id\n"
    AT "5: credentials \"x\": role_id and secret_id belong together\n" },
{ KEYS CERT
    " deploy \"a\" { cloud \"aliyun-alb\" { region = cn-hangzhou\n"
    "  listener_id = l certificate = both } }\n"
    " deploy \"b\" { cloud \"aliyun-clb\" { region = oss-cn-hangzhou\n"
    "  load_balancer_id = lb } }\n"
    " deploy \"c\" { cloud \"aliyun-waf\" { } }\n"
    " deploy \"d\" { cloud \"aliyun-waf\" { access = port } }\n"
    " deploy \"e\" { cloud \"aliyun-waf\" { access = resource } }\n"
    " deploy \"f\" { cloud \"aliyun-fc\" { region = cn-hangzhou\n"
    "  domains = f.example version = 4 } }\n"
    "}\n",
    AT "6: certificate \"example.com\": deploy \"a\": cloud \"aliyun-alb\": "
    "certificate = \"both\"; allowed: default, additional\n"
    AT "7: certificate \"example.com\": deploy \"b\": cloud \"aliyun-clb\": "
    "region = \"oss-cn-hangzhou\"; allowed: a region such as "
    "cn-hangzhou\n"
    AT "9: certificate \"example.com\": deploy \"c\": cloud \"aliyun-waf\": "
    "domains is missing (domains that get the certificate)\n"
    AT "10: certificate \"example.com\": deploy \"d\": cloud \"aliyun-waf\": "
    "access = \"port\"; allowed: domains, default, resource\n"
    AT "11: certificate \"example.com\": deploy \"e\": cloud \"aliyun-waf\": "
    "resource_instance_id belongs to access = \"resource\"\n"
    AT "13: certificate \"example.com\": deploy \"f\": cloud \"aliyun-fc\": "
    "version = \"4\"; allowed: 3.0, 2.0\n" },
{ KEYS CERT
    " deploy \"a\" { cloud \"aliyun-cdn\" { domains = { } } }\n"
    "}\n",
    AT "5: certificate \"example.com\": deploy \"a\": cloud \"aliyun-cdn\": "
    "domains is missing (accelerated domains; a wildcard is "
    "\".example.com\")\n" },
{ "credentials \"v\" { type = vault address = \"https://vault.test\"\n"
    " token = hvs.x }\n"
    CERT
    " deploy \"a\" { cloud \"vault-kv2\" { path = a/b } }\n"
    " deploy \"b\" { cloud \"vault-kv2\" { path = a/b mount = kv } }\n"
    " deploy \"c\" { cloud \"vault-kv2\" { path = a/b\n"
    "  fullchain_field = cert privkey_field = key } }\n"
    " deploy \"d\" { cloud \"vault-kv2\" { path = a/b } }\n"
    "}\n",
    AT "10: certificate \"example.com\": deploy \"d\": cloud \"vault-kv2\": "
    "certificate \"example.com\": deploy \"a\" writes the same path in "
    "" AT "6; allowed: once\n" },
{ "credentials \"v\" { type = vault address = \"https://vault.test\"\n"
    " token = hvs.x }\n"
    CERT
    " deploy \"a\" { cloud \"vault-kv2\" { path = a/../b } }\n"
    " deploy \"b\" { cloud \"vault-kv2\" {\n"
    "  path = a//b } }\n"
    " deploy \"c\" { cloud \"vault-kv2\" { path = /a } }\n"
    " deploy \"d\" { cloud \"vault-kv2\" { path = a/. } }\n"
    " deploy \"e\" { cloud \"vault-kv2\" { path = a mount = \"kv/\" } }\n"
    " deploy \"f\" { cloud \"vault-kv2\" { path = .a/b..c/...\n"
    "  mount = team/kv } }\n"
    "}\n",
    AT "6: certificate \"example.com\": deploy \"a\": cloud \"vault-kv2\": "
    "path = \"a/../b\"; " VAULT_PATH
    AT "8: certificate \"example.com\": deploy \"b\": cloud \"vault-kv2\": "
    "path = \"a//b\"; " VAULT_PATH
    AT "9: certificate \"example.com\": deploy \"c\": cloud \"vault-kv2\": "
    "path = \"/a\"; " VAULT_PATH
    AT "10: certificate \"example.com\": deploy \"d\": cloud \"vault-kv2\": "
    "path = \"a/.\"; " VAULT_PATH
    AT "11: certificate \"example.com\": deploy \"e\": cloud \"vault-kv2\": "
    "mount = \"kv/\"; " VAULT_PATH },
{ KEYS CERT
    " deploy \"a\" { cloud \"aliyun-esa\" { site_id = 1\n"
    "  certificate_id = c } }\n"
    " deploy \"b\" { cloud \"aliyun-esa\" { site_id = 2\n"
    "  certificate_id = c } }\n"
    " deploy \"c\" { cloud \"aliyun-esa\" { site_id = 1\n"
    "  certificate_id = c } }\n"
    "}\n",
    AT "9: certificate \"example.com\": deploy \"c\": cloud \"aliyun-esa\": "
    "certificate \"example.com\": deploy \"a\" writes the same "
    "certificate_id in " AT "5; allowed: once\n" },
{ "credentials \"h\" { type = huaweicloud access_key_id = x\n"
    " secret_access_key = s3cret }\n"
    "credentials \"i\" { type = huaweicloud access_key_id = x"
    " secret_access_key = s3cret }\n"
    "credentials \"q\" { type = qiniu access_key = x secret_key = s3cret }\n"
    "credentials \"u\" { type = upyun token = t0ken }\n"
    CERT
    " deploy \"a\" { cloud \"huawei-elb\" { credentials = h\n"
    "  region = \"cn.north\" } }\n"
    " deploy \"b\" { cloud \"huawei-elb\" { credentials = h\n"
    "  region = cn-north-4\n"
    "  project_id = \"..\" } }\n"
    " deploy \"c\" { cloud \"huawei-elb\" { credentials = h\n"
    "  region = cn-north-4\n"
    "  listeners = { l1, \"l/2\" } } }\n"
    " deploy \"d\" { cloud \"huawei-cdn\" { credentials = h\n"
    "  domains = \"a.test/b\" } }\n"
    " deploy \"e\" { cloud \"huawei-obs\" { credentials = h\n"
    "  region = cn-north-4\n"
    "  bucket = x domains = \"*.a.test\" } }\n"
    " deploy \"f\" { cloud \"qiniu\" {\n"
    "  domains = \".a.test\"\n"
    "  service = oss } }\n"
    " deploy \"g\" { cloud \"upyun\" {\n"
    "  domains = \"..\" } }\n"
    " deploy \"h\" { cloud \"huawei-scm\" { credentials = h\n"
    "  site = moon } }\n"
    " deploy \"i\" { cloud \"huawei-scm\" { } }\n"
    " deploy \"j\" { cloud \"aws-acm\" { region = eu-west-1 } }\n"
    "}\n",
    AT "10: certificate \"example.com\": deploy \"a\": cloud \"huawei-elb\": "
    "region = \"cn.north\"; allowed: the name of a region, such as "
    "cn-north-4\n"
    AT "13: certificate \"example.com\": deploy \"b\": cloud \"huawei-elb\": "
    "project_id = \"..\"; allowed: the id of a project\n"
    AT "16: certificate \"example.com\": deploy \"c\": cloud \"huawei-elb\": "
    "listeners = \"l/2\"; allowed: ids of listeners\n"
    AT "18: certificate \"example.com\": deploy \"d\": cloud \"huawei-cdn\": "
    "domains = \"a.test/b\"; allowed: domain names\n"
    AT "21: certificate \"example.com\": deploy \"e\": cloud \"huawei-obs\": "
    "domains: \"*.a.test\"; allowed: names without \"*\", which OBS "
    "does not map\n"
    AT "24: certificate \"example.com\": deploy \"f\": cloud \"qiniu\": "
    "service = \"oss\"; allowed: cdn, kodo\n"
    AT "26: certificate \"example.com\": deploy \"g\": cloud \"upyun\": "
    "domains = \"..\"; allowed: domain names\n"
    AT "28: certificate \"example.com\": deploy \"h\": cloud \"huawei-scm\": "
    "site = \"moon\"; allowed: china, international\n"
    AT "29: certificate \"example.com\": deploy \"i\": cloud \"huawei-scm\": "
    "credentials is missing; defined: \"h\", \"i\"\n"
    AT "30: certificate \"example.com\": deploy \"j\": cloud \"aws-acm\": "
    "credentials is missing; none is of type aws\n" },
{ "credentials \"w\" { type = aws access_key_id = x\n"
    " secret_access_key = s3cret }\n"
    CERT
    " deploy \"a\" { cloud \"aws-acm\" { region = eu-west-1\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    " deploy \"b\" { cloud \"aws-acm\" { region = eu-west-1 } }\n"
    " deploy \"c\" { cloud \"aws-acm\" { region = eu-west-1\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    "}\n",
    AT "9: certificate \"example.com\": deploy \"c\": cloud \"aws-acm\": "
    "certificate \"example.com\": deploy \"a\" writes the same "
    "certificate_arn in " AT "6; allowed: once\n" },
{ "credentials \"w\" { type = aws access_key_id = x\n"
    " secret_access_key = s3cret }\n"
    CERT
    " deploy \"a\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/a\"\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    " deploy \"b\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/b\"\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    " deploy \"c\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "us-east-1:1:listener/c\" } }\n"
    " deploy \"d\" { cloud \"aws-cloudfront\" { region = eu-west-1\n"
    "  distribution_id = E1 } }\n"
    " deploy \"e\" { cloud \"aws-cloudfront\" {\n"
    "  distribution_id = \"E1/../E2\" } }\n"
    "}\n"
    "certificate \"b.example.com\" {\n"
    " deploy \"a\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/d\"\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    "}\n",
    AT "13: certificate \"example.com\": deploy \"c\": cloud "
    "\"aws-elbv2\": listener_arn is of region us-east-1, but region = "
    "\"eu-west-1\"\n"
    AT "14: certificate \"example.com\": deploy \"d\": cloud "
    "\"aws-cloudfront\": region = \"eu-west-1\"; allowed: us-east-1, and "
    "for China cn-northwest-1\n"
    AT "17: certificate \"example.com\": deploy \"e\": cloud "
    "\"aws-cloudfront\": distribution_id = \"E1/../E2\"; allowed: letters "
    "and digits, as in E1EXAMPLE\n"
    AT "20: certificate \"b.example.com\": deploy \"a\": cloud "
    "\"aws-elbv2\": certificate \"example.com\": deploy \"a\" writes the "
    "same certificate_arn in " AT "6; allowed: once\n" },
{ "credentials \"w\" { type = aws access_key_id = x\n"
    " secret_access_key = s3cret }\n"
    CERT
    " deploy \"a\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/a\"\n"
    "  domains = example.com } }\n"
    " deploy \"b\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/b\"\n"
    "  domains = example.com } }\n"
    " deploy \"c\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/b\" }\n"
    "  verify = none }\n"
    "}\n",
    "" },
{ "credentials \"w\" { type = aws access_key_id = x\n"
    " secret_access_key = s3cret }\n"
    CERT " key = { ec256, rsa2048 }\n"
    " deploy \"a\" { cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/a\"\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    " deploy \"b\" { key = rsa2048 cloud \"aws-elbv2\" { region = eu-west-1\n"
    "  listener_arn = \"" ELB "eu-west-1:1:listener/b\"\n"
    "  certificate_arn = \"arn:aws:acm:x\" } }\n"
    "}\n",
    AT "10: certificate \"example.com\": deploy \"b\": cloud \"aws-elbv2\": "
    "certificate \"example.com\": deploy \"a\" writes the same "
    "certificate_arn in " AT "7; allowed: once\n" },
{ "credentials \"t\" { type = tencentcloud secret_id = x\n"
    " secret_key = s3cret }\n"
    CERT
    " deploy \"a\" { cloud \"tencent-clb\" { region = r listener_id = l1\n"
    "  load_balancer_id = b domains = www.example.com } }\n"
    " deploy \"b\" { cloud \"tencent-clb\" { region = r listener_id = l2\n"
    "  load_balancer_id = b domains = www.example.com } }\n"
    " deploy \"c\" { cloud \"tencent-clb\" { region = r listener_id = l2\n"
    "  load_balancer_id = b domains = www.example.com } }\n"
    " deploy \"d\" { cloud \"tencent-clb\" { region = r listener_id = l3\n"
    "  load_balancer_id = b } }\n"
    " deploy \"e\" { cloud \"tencent-clb\" { region = r listener_id = l3\n"
    "  load_balancer_id = b } verify = none }\n"
    "}\n",
    AT "10: certificate \"example.com\": deploy \"c\": cloud \"tencent-clb\""
    ": certificate \"example.com\": deploy \"b\" writes the same domain in "
    "" AT "8; allowed: once\n"
    AT "14: certificate \"example.com\": deploy \"e\": cloud \"tencent-clb\""
    ": certificate \"example.com\": deploy \"d\" writes the same listener_id "
    "in " AT "12; allowed: once\n" },
{ "provider \"p\" { type = tokendns\n"
    " zones = none }\n",
    AT "2: provider \"p\": zones = none makes no sense\n" },
{ "provider \"p\" { type = tokendns\n"
    " zones = { a } limit = -5\n"
    " limit = x }\n",
    AT "2: provider \"p\": zones = { ... }: found a list; allowed: "
    "one value\n"
    AT "3: provider \"p\": limit is given twice, first in line "
    "2; allowed: once\n" },
{ "provider \"p\" { type = tokendns\n"
    " limit = 0x }\n"
    "provider \"p\" { type = bare }\n",
    AT "2: provider \"p\": limit = \"0x\"; allowed: a whole "
    "number\n"
    AT "3: provider \"p\": it is given twice, first in acmed.conf:1; "
    "allowed: once\n" },
{ CERT
    " nmaes = { \"a.example\" }\n"
    "}\n",
    AT "4: certificate \"example.com\": unknown key \"nmaes\"; "
    "did you mean \"names\"?\n" },
{ CERT
    " key = { \"ec256\", \"ec384\" }\n"
    " deploy \"a\" { key = \"rsa2048\"\n"
    "  exec = /x }\n"
    "}\n",
    AT "4: certificate \"example.com\": key: ec256 and ec384 are of one "
    "kind; allowed: one EC and one RSA key\n"
    AT "5: certificate \"example.com\": deploy \"a\": key = \"rsa2048\"; "
    "allowed: ec256, ec384, as the certificate has\n" },
{ CERT
    " key = { \"ec256\", \"rsa2048\", \"ec384\" }\n"
    " deploy \"a\" {\n"
    "  install \"/a\" { format = cert key = \"ec256\" } }\n"
    " deploy \"b\" { key = \"rsa2048\" exec = /x }\n"
    "}\n",
    AT "4: certificate \"example.com\": key: found 3 values; allowed: one, "
    "or a pair such as { \"ec256\", \"rsa2048\" }\n"
    AT "6: certificate \"example.com\": deploy \"a\": install \"/a\": "
    NO_PAIR
    AT "7: certificate \"example.com\": deploy \"b\": " NO_PAIR },
{ CERT
    " key = { \"ec256\", \"rsa2048\" }\n"
    " deploy \"a\" { key = \"rsa2048\"\n"
    "  install \"/a\" { format = cert key = \"ec256\" } }\n"
    " deploy \"b\" {\n"
    "  ssh \"h\" { file \"/b\" { format = cert key = \"rsa4096\" } } }\n"
    "}\n",
    AT "6: certificate \"example.com\": deploy \"a\": install \"/a\": key "
    "is given for the whole target already; allowed: one of them\n"
    AT "8: certificate \"example.com\": deploy \"b\": ssh \"h\": file "
    "\"/b\": key = \"rsa4096\"; allowed: ec256, rsa2048, as the "
    "certificate has\n" },
{ CERT
    " key = \"ec255\"\n"
    " renew_before = 5x\n"
    " renew_before = 10s\n"
    "}\n",
    AT "4: certificate \"example.com\": key = \"ec255\"; allowed: "
    "ec256, ec384, rsa2048, rsa3072, rsa4096\n"
    AT "5: certificate \"example.com\": renew_before = \"5x\"; "
    "allowed: 1h to 365d, written like 30d, 12h, 10m or 90s\n"
    AT "6: certificate \"example.com\": renew_before is given "
    "twice, first in line 5; allowed: once\n" },
{ CERT
    " renew_before = 10s\n"
    " propagation_timeout = 2d\n"
    " reuse_key = 2\n"
    " placeholder = maybe\n"
    "}\n",
    AT "4: certificate \"example.com\": renew_before = \"10s\"; "
    "allowed: 1h to 365d, written like 30d, 12h, 10m or 90s\n"
    AT "5: certificate \"example.com\": propagation_timeout "
    "= \"2d\"; allowed: 1s to 1d, written like 30d, 12h, "
    "10m or 90s\n"
    AT "6: certificate \"example.com\": reuse_key = \"2\"; allowed: "
    "true, false\n"
    AT "7: certificate \"example.com\": placeholder = \"maybe\"; allowed: "
    "true, false\n" },
{ CERT
    " renew_before = 90d\n"
    " propagation_timeout = \"15m\"\n"
    " key = rsa2048 }\n",
    "" },
{ CERT
    " names = { \"a..example.com\",\n"
    " \"*.*.example.com\", \"localhost\",\n"
    " \"example.com\", \"EXAMPLE.com.\", \"under_score.example.com\" "
    "}\n"
    "}\n",
    AT "4: certificate \"example.com\": names: \"a..example.com\" "
    "is not a domain name: it has an empty label\n"
    AT "5: certificate \"example.com\": names: \"*.*.example.com\" "
    "is not a domain name: \"*\" is allowed as the whole first "
    "label only, if at all\n"
    AT "5: certificate \"example.com\": names: \"localhost\" "
    "is not a domain name: it has only one label\n"
    AT "6: certificate \"example.com\": names: \"example.com\" "
    "is given twice; allowed: once\n"
    AT "6: certificate \"example.com\": names: \"under_score.example.com"
    "\" is not a domain name: underscores are not allowed in "
    "it\n" },
{ CERT
    " names = { *.example.com }\n"
    "}\n",
    AT "4: certificate \"example.com\": syntax error: found "
    "\"*\" outside quotes; write such a word as \"...\"\n" },
/* Several accounts. */
{ BASE "account \"zero\" { directory = \"https://z.example/d\" }\n"
    "account \"le2\" { directory = "
    "\"https://ACME-v02.api.letsencrypt.org:443/directory/\" }\n"
    "certificate \"example.com\" {\n"
    " account = { \"le\", \"zero\", \"le\", \"zeros\",\n"
    "  \"le2\" }\n}\n"
    "certificate \"b.example\" { account = { } }\n",
    AT "6: certificate \"example.com\": account: \"le\" is given twice; "
    "allowed: once\n"
    AT "6: certificate \"example.com\": account = \"zeros\" is not "
    "defined; did you mean \"zero\"?\n"
    AT "7: certificate \"example.com\": account: \"le2\" is of the same "
    "CA as \"le\" (https://acme-v02.api.letsencrypt.org/directory); "
    "allowed: one account of each CA\n"
    AT "9: certificate \"b.example\": account = { }; allowed: 1 to 8 "
    "accounts\n" },
{ CERT
    " names = { }\n"
    "}\n",
    AT "3: certificate \"example.com\": names = { }; allowed: "
    "1 to 100 names\n" },
{ CERT
    " names = \"example.com\"\n"
    " names += { \"*.example.com\", \"b\xc3\xbc"
    "cher.example\" }\n"
    "}\n",
    "" },
{ BASE
    "certificate \"web\" {\n"
    "}\n",
    AT "3: certificate \"web\": names is missing, and the certificate's "
    "own name is not a domain name\n" },
{ BASE
    "certificate \"a b\" { names = a.example }\n",
    AT "3: certificate \"a b\": \"a b\" cannot be a name here: "
    "only letters, digits, '.', '_' and '-' are allowed\n" },
{ CERT
    " account = other\n"
    " provider = dsn\n"
    "}\n",
    AT "4: certificate \"example.com\": account = \"other\" "
    "is not defined; defined: \"le\"\n"
    AT "5: certificate \"example.com\": provider = \"dsn\" is "
    "not defined; did you mean \"dns\"?\n" },
{ "certificate \"example.com\" {\n"
    "}\n",
    AT "1: certificate \"example.com\": account is missing; "
    "none is defined\n"
    AT "1: certificate \"example.com\": provider is missing; "
    "none is defined\n" },
{ "certificate \"example.com\" {\n"
    " account = x provider = y }\n",
    AT "2: certificate \"example.com\": account = \"x\" is not "
    "defined; none is defined\n"
    AT "2: certificate \"example.com\": provider = \"y\" is "
    "not defined; none is defined\n" },
{ BASE
    "account \"two\" { }\n"
    "provider \"dns2\" { type = bare }\n"
    "certificate \"example.com\" { }\n",
    AT "5: certificate \"example.com\": account is missing; "
    "defined: \"le\", \"two\"\n"
    AT "5: certificate \"example.com\": provider is missing; "
    "defined: \"dns\", \"dns2\"\n" },
{ BASE
    "provider \"dns2\" { type = bare }\n"
    "certificate \"a.example\" {\n"
    " names = { a.example, b.example }\n"
    " name \"a.example\" { provider = dns }\n"
    " name \"B.example\" { provider = dns2 } }\n",
    "" },
{ BASE
    "provider \"dns2\" { type = bare }\n"
    "certificate \"a.example\" {\n"
    " name \"b.example\" { provider = dns }\n"
    " name \"a.example\" { }\n"
    " provider = dns\n"
    "}\n",
    AT "5: certificate \"a.example\": name \"b.example\": it "
    "is not one of the certificate's names\n"
    AT "6: certificate \"a.example\": name \"a.example\": it says "
    "nothing; allowed: challenge, webroot, provider, "
    "challenge_alias\n" },
{ CERT
    " challenge = dns-02\n"
    " names = { example.com, www.example.com }\n"
    " name \"www.example.com\" { challenge = dns-01 }\n"
    " name \"example.com\" { challenge = dns-persist-01 }\n"
    "}\n",
    AT "4: certificate \"example.com\": challenge = \"dns-02\"; "
    "allowed: dns-01, http-01, tls-alpn-01, dns-persist-01, "
    "dns-account-01\n" },
/* Neither a provider nor a zone is needed. */
{ "account \"le\" { }\n"
    "http_listen = { systemd, 0.0.0.0, \"[::]:8080\" }\n"
    "certificate \"example.com\" { challenge = http-01 }\n"
    "certificate \"b\" { challenge = http-01 webroot = \"/srv/b/\"\n"
    " names = { b.example, www.b.example }\n"
    " name \"www.b.example\" { webroot = /srv/www } }\n",
    "" },
{ BASE
    "certificate \"b\" { names = { b.example, \"*.b.example\" }\n"
    " challenge = http-01 webroot = /srv/b\n"
    " name \"*.b.example\" { challenge = dns-01 } }\n",
    "" },
{ BASE
    "certificate \"b\" { names = { b.example, \"*.b.example\" }\n"
    " name \"b.example\" { challenge = http-01 webroot = /srv/b } }\n",
    "" },
{ "account \"le\" { }\n"
    "certificate \"b\" { names = { b.example, \"*.b.example\" }\n"
    " name \"b.example\" { challenge = http-01 webroot = /srv/b } }\n",
    AT "2: certificate \"b\": provider is missing; none is defined\n" },
{ "http_listen = { systemd, all, \"0.0.0.0:99999\" }\n",
    AT "1: http_listen = \"all\"; allowed: ADDRESS, ADDRESS:PORT or "
    "[IPV6]:PORT, with addresses in numbers, or systemd: the sockets of "
    "acmed-http.socket\n"
    AT "1: http_listen = \"0.0.0.0:99999\"; allowed: ADDRESS, ADDRESS:PORT "
    "or [IPV6]:PORT, with addresses in numbers, or systemd: the sockets of "
    "acmed-http.socket\n" },
{ "status_listen = { systemd, \"127.0.0.1:9780\", localhost }\n"
    "status_hosts = { \"a.example:80\", status.example }\n",
    AT "1: status_listen = \"localhost\"; allowed: ADDRESS:PORT or "
    "[IPV6]:PORT, with addresses in numbers, or systemd: the sockets of "
    "acmed-status.socket\n"
    AT "2: status_hosts = \"a.example:80\"; allowed: host names such as "
    "acmed.example.com, without a port\n" },
/* Who answers?  Told once. */
{ CERT
    " names = { example.com, www.example.com }\n"
    " challenge = http-01 }\n",
    AT "5: certificate \"example.com\": challenge = "
    "\"http-01\": nobody would answer on port 80; add webroot = "
    "\"/var/www/html\", the directory that your web server serves, or "
    "http_listen = \"systemd\" outside of the section, and acmed answers "
    "by itself\n" },
{ CERT
    " names = { example.com, www.example.com }\n"
    " name \"www.example.com\" {\n"
    "  challenge = http-01 } }\n",
    AT "6: certificate \"example.com\": name \"www.example.com\": challenge = "
    "\"http-01\": nobody would answer on port 80; add webroot = "
    "\"/var/www/html\", the directory that your web server serves, or "
    "http_listen = \"systemd\" outside of the section, and acmed answers "
    "by itself\n" },
{ CERT
    " names = { \"*.example.com\", \"*.www.example.com\" }\n"
    " challenge = http-01 webroot = /srv\n"
    " name \"*.example.com\" { challenge = http-01 } }\n",
    AT "5: certificate \"example.com\": challenge = \"http-01\" cannot "
    "prove \"*.www.example.com\": a CA takes it for single names only; add "
    "name \"*.www.example.com\" { challenge = \"dns-01\" }\n"
    AT "6: certificate \"example.com\": name \"*.example.com\": challenge "
    "= \"http-01\" cannot prove \"*.example.com\": a CA takes it for "
    "single names only; add name \"*.example.com\" { challenge = "
    "\"dns-01\" }\n" },
{ CERT
    " webroot = /srv/www\n"
    " name \"example.com\" { webroot = www } }\n",
    AT "4: certificate \"example.com\": webroot is for challenge = "
    "\"http-01\" only\n"
    AT "5: certificate \"example.com\": name \"example.com\": webroot = "
    "\"www\"; allowed: an absolute path of at most 1024 bytes\n"
    AT "5: certificate \"example.com\": name \"example.com\": webroot is "
    "for challenge = \"http-01\" only\n" },
/* dns-persist-01 needs no provider, but can have one. */
{ "account \"le\" { }\n"
    "certificate \"example.com\" { challenge = dns-persist-01 }\n"
    "certificate \"b.example\" { names = { b.example, c.example }\n"
    " name \"c.example\" { challenge = dns-persist-01 } }\n",
    AT "3: certificate \"b.example\": provider is missing; none is defined\n"
    },
{ BASE
    "certificate \"a.example\" { challenge = dns-persist-01\n"
    " provider = nodns }\n"
    "certificate \"b.example\" { challenge = dns-persist-01\n"
    " provider = dns }\n",
    AT "4: certificate \"a.example\": provider = \"nodns\" is not defined; "
    "did you mean \"dns\"?\n" },
{ CERT
    " names = { a.example, b.example }\n"
    " challenge_alias = \"_acme-challenge.Acme.example.\"\n"
    " alias_provider = dns\n"
    " name \"b.example\" { challenge_alias = b.acme.example }\n"
    " follow_cname = false\n"
    " resolvers = { 192.0.2.53, \"[2001:db8::53]:5353\" }\n"
    " propagation = both\n"
    " propagation_delay = 0s\n"
    "}\n",
    "" },
{ CERT
    " challenge_alias = \"*.acme.example\"\n"
    " alias_provider = dnss\n"
    " follow_cname = maybe\n"
    " resolvers = { \"dns.example\" }\n"
    " propagation = all\n"
    " propagation_delay = 2d\n"
    " on_name_failure = never\n"
    " name \"example.com\" {\n"
    "  challenge_alias = \"acme\"\n"
    "  alias_provider = dns } }\n",
    AT "4: certificate \"example.com\": challenge_alias: "
    "\"*.acme.example\" is not a domain name: \"*\" is allowed as the "
    "whole first label only, if at all\n"
    AT "5: certificate \"example.com\": alias_provider = \"dnss\" is "
    "not defined; did you mean \"dns\"?\n"
    AT "6: certificate \"example.com\": follow_cname = \"maybe\"; "
    "allowed: true, false\n"
    AT "7: certificate \"example.com\": resolvers = \"dns.example\"; "
    "allowed: ADDRESS, ADDRESS:PORT or [IPV6]:PORT, with addresses "
    "in numbers\n"
    AT "8: certificate \"example.com\": propagation = \"all\"; allowed: "
    "authoritative, resolvers, both, none\n"
    AT "9: certificate \"example.com\": propagation_delay = \"2d\"; "
    "allowed: 0d to 1d, written like 30d, 12h, 10m or 90s\n"
    AT "10: certificate \"example.com\": on_name_failure = \"never\"; "
    "allowed: fail, shrink\n"
    AT "12: certificate \"example.com\": name \"example.com\": "
    "challenge_alias: \"acme\" is not a domain name: it has only one label\n"
    AT "13: certificate \"example.com\": name \"example.com\": unknown "
    "key \"alias_provider\"; allowed: challenge, webroot, provider, "
    "challenge_alias\n" },
{ CERT
    " name \"example.com\" { provider = dns }\n"
    " name \"example.com.\" { provider = dns }\n"
    " name \"x y\" { provider = dns }\n"
    "}\n",
    AT "5: certificate \"example.com\": name \"example.com.\": "
    "it is given twice; allowed: once\n"
    AT "6: certificate \"example.com\": name \"x y\": \"x y\" "
    "is not a domain name: it has a blank or a comma; write each name in "
    "quotes of its own\n" },
{ CERT
    " names = { \"https://a.example\", \"a.example:443\", \"a.example/\",\n"
    " \"[2001:db8::1]\", \"a$b.example\" }\n"
    " domains = \"b.example\"\n"
    "}\n",
    AT "4: certificate \"example.com\": names: \"https://a.example\" is not a "
    "domain name: it is a URL; write the name only\n"
    AT "4: certificate \"example.com\": names: \"a.example:443\" is not a "
    "domain name: it has a \":\"; write the name only, without a port\n"
    AT "4: certificate \"example.com\": names: \"a.example/\" is not a "
    "domain name: it has a \"/\"; write the name only\n"
    AT "5: certificate \"example.com\": names: \"[2001:db8::1]\" is not a "
    "domain name: it looks like an IP address\n"
    AT "5: certificate \"example.com\": names: \"a$b.example\" is not a "
    "domain name: \"$\" is not allowed in it\n"
    AT "6: certificate \"example.com\": unknown key \"domains\"; did you "
    "mean \"names\"?\n" },
/* Addresses: by HTTP only; the two forms are one. */
{ CERT
    " names = { \"a.example\", \"192.0.2.7\" }\n"
    "}\n",
    AT "4: certificate \"example.com\": \"192.0.2.7\" is an address, which "
    "dns-01 cannot prove; add challenge = \"http-01\", for this one alone: "
    "name \"192.0.2.7\" { challenge = \"http-01\" }\n" },
{ CERT
    " names = { \"2001:db8::7\", \"2001:DB8:0::7\" }\n"
    " challenge = dns-persist-01\n"
    "}\n",
    AT "4: certificate \"example.com\": names: \"2001:db8::7\" is given "
    "twice; allowed: once\n"
    AT "5: certificate \"example.com\": challenge = \"dns-persist-01\" "
    "cannot prove the address \"2001:db8::7\"; allowed for addresses: "
    "http-01, tls-alpn-01\n" },
{ CERT
    " names = { \"a.example\", \"b.example\" }\n"
    " challenge = tls-alpn-01\n"
    " name \"b.example\" { webroot = /srv }\n"
    "}\n"
    "tls_alpn_listen = \"localhost:443\"\n",
    AT "6: certificate \"example.com\": name \"b.example\": webroot is for "
    "challenge = \"http-01\" only\n"
    AT "8: tls_alpn_listen = \"localhost:443\"; allowed: ADDRESS, "
    "ADDRESS:PORT or [IPV6]:PORT, with addresses in numbers, or systemd: the "
    "sockets of acmed-alpn.socket\n" },
{ CERT
    " challenge = tls-alpn-01\n"
    "}\n",
    AT "4: certificate \"example.com\": challenge = \"tls-alpn-01\": nobody "
    "would answer; add tls_alpn_listen = \"systemd\" outside of the section, "
    "or an address that your server on port 443 passes acme-tls/1 on to\n" },
{ CERT
    " names = { \"a.example\", \"192.0.2.7\", \"*.b.example\" }\n"
    " challenge = tls-alpn-01\n"
    "}\n"
    "tls_alpn_listen = \"[::1]:10443\"\n",
    AT "5: certificate \"example.com\": challenge = \"tls-alpn-01\" cannot "
    "prove \"*.b.example\": a CA takes it for single names only; add name "
    "\"*.b.example\" { challenge = \"dns-01\" }\n" },
{ CERT
    " names = { \"a.example\", \"2001:DB8::7\" }\n"
    " name \"2001:db8:0::7\" { challenge = http-01 webroot = /srv }\n"
    "}\n",
    "" },
/* "_acme-challenge." must fit before the name. */
{ CERT
    " names = \"" LONG_NAME "\"\n"
    "}\n"
    "certificate \"alias\" { names = \"" LONG_NAME "\"\n"
    " challenge_alias = \"x.example\" }\n"
    "certificate \"http\" { names = \"" LONG_NAME "\"\n"
    " challenge = http-01 webroot = / }\n",
    AT "4: certificate \"example.com\": \"" LABEL_60
    "...\" is too long for challenge = \"dns-01\": its record "
    "\"_acme-challenge....\" would have a name of 254 characters; "
    "allowed: 253; use a challenge_alias, or challenge = \"http-01\"\n" },
/* Two that write one file, however its path is spelled. */
{ BASE
    "certificate \"a.example\" { deploy \"x\" {\n"
    " install \"/tmp/site.pem\" { format = combined }\n"
    " ssh \"h\" { file \"/k\" { format = cert } }\n"
    "} }\n"
    "certificate \"b.example\" { deploy \"y\" {\n"
    " install \"/tmp/../tmp//site.pem\" { format = combined }\n"
    " ssh \"h\" { file \"/./k\" { format = cert } }\n"
    "} deploy \"z\" {\n"
    " ssh \"other\" { file \"/k\" { format = cert } }\n"
    "} }\n",
    AT "8: certificate \"b.example\": deploy \"y\": install "
    "\"/tmp/../tmp//site.pem\": certificate \"a.example\": deploy \"x\" "
    "writes the same file in acmed.conf:4; allowed: once\n"
    AT "9: certificate \"b.example\": deploy \"y\": ssh \"h\": file "
    "\"/./k\": certificate \"a.example\": deploy \"x\": ssh \"h\" writes "
    "the same file in acmed.conf:5; allowed: once\n" },
{ "\xff\xfe" "a=b", AT " syntax error: the file is UTF-16; save it as "
    "UTF-8\n" },
{ CERT
    " deploy \"nginx\" { exec = { \"systemctl\", \"reload\", "
    "\"nginx\" } timeout = 90s }\n"
    "}\n",
    "" },
{ CERT
    " deploy \"a\" { install \"/x/a.pem\" { format = combined "
    "mode = 0640 group = root }\n"
    " install \"/x/b.der\" { format = der mode = 0644 } }\n"
    "}\n",
    "" },
{ CERT
    " deploy \"a\" { install \"/x/.\" { format = cert } }\n"
    " deploy \"b\" { docker { container = web\n"
    "  copy \"/x/..\" { format = cert } } }\n"
    "}\n",
    AT "4: certificate \"example.com\": deploy \"a\": install \"/x/.\": "
    "allowed: install \"/ABSOLUTE/PATH/OF/A/FILE\" { ... }\n"
    AT "6: certificate \"example.com\": deploy \"b\": docker: copy "
    "\"/x/..\": allowed: copy \"/ABSOLUTE/PATH/OF/A/FILE\" { ... }, "
    "without quotes and wildcards\n" },
{ CERT
    " deploy \"a\" {\n"
    " install \"x/a.pem\" { }\n"
    " install \"/x\" { format = pem }\n"
    " install \"/y\" { format = pkcs12 }\n"
    " install \"/y\" { format = cert password_file = /nowhere }\n"
    " install \"/z\" { format = privkey mode = 0644 }\n"
    " install \"/w\" { format = cert mode = 0755 owner = \"no one\" }\n"
    " } }\n",
    AT "5: certificate \"example.com\": deploy \"a\": install "
    "\"x/a.pem\": allowed: install "
    "\"/ABSOLUTE/PATH/OF/A/FILE\" { ... }\n"
    AT "5: certificate \"example.com\": deploy \"a\": install "
    "\"x/a.pem\": format is missing; allowed: fullchain, cert, "
    "chain, privkey, combined, pkcs12, der\n"
    AT "6: certificate \"example.com\": deploy \"a\": install "
    "\"/x\": format = \"pem\"; allowed: fullchain, cert, "
    "chain, privkey, combined, pkcs12, der\n"
    AT "7: certificate \"example.com\": deploy \"a\": install "
    "\"/y\": password_file is missing; allowed: a file with the "
    "password of the PKCS#12 file\n"
    AT "8: certificate \"example.com\": deploy \"a\": install "
    "\"/y\": certificate \"example.com\": deploy \"a\" writes the same "
    "file in " AT "7; allowed: once\n"
    AT "8: certificate \"example.com\": deploy \"a\": install "
    "\"/y\": password_file is for format = pkcs12 only\n"
    AT "9: certificate \"example.com\": deploy \"a\": install "
    "\"/z\": mode = \"0644\"; allowed: nothing for other users "
    "(such as 0640): the private key is in this file\n"
    AT "10: certificate \"example.com\": deploy \"a\": install "
    "\"/w\": owner = \"no one\"; allowed: a user of this system\n"
    AT "10: certificate \"example.com\": deploy \"a\": install "
    "\"/w\": mode = \"0755\"; allowed: an octal number such as "
    "0640, readable by its owner, executable by nobody\n" },
{ CERT
    " deploy \"a\" { ssh \"root@web1.example\" { port = 2222\n"
    " file \"/x y/a.pem\" { format = fullchain } command = "
    "\"systemctl reload nginx\" }\n"
    " haproxy \"/run/haproxy.sock\" { file = \"/x/a.pem\" }\n"
    " webhook \"https://hook.example/x\" { include_key = yes } }\n"
    "}\n",
    "" },
{ CERT
    " deploy \"a\" { docker { container = { nginx, web-1 } signal = HUP\n"
    " copy \"/etc/a.pem\" { format = fullchain }\n"
    " copy \"/etc/k.pem\" { format = privkey owner = 101 group = 0 } } }\n"
    " deploy \"b\" { docker { socket = /run/podman/podman.sock\n"
    " label = \"acmed=yes\" exec = { nginx, -s, reload } } }\n"
    "}\n",
    "" },
{ CERT
    " deploy \"a\" {\n"
    " docker \"x\" { }\n"
    " docker { socket = docker.sock }\n"
    " docker { }\n"
    " }\n"
    " deploy \"b\" { docker { container = { a/b, .. } label = x\n"
    " signal = \"-9\" restart = yes exec = { \"nginx -s reload\" }\n"
    " copy \"/k\" { format = privkey owner = nginx mode = 0644 } } }\n"
    " deploy \"c\" { docker { label = \"=x\" exec = { } } }\n"
    "}\n",
    AT "5: certificate \"example.com\": deploy \"a\": found a name behind "
    "docker; allowed: docker { ... }\n"
    AT "6: certificate \"example.com\": deploy \"a\": docker: socket = "
    "\"docker.sock\"; allowed: an absolute path, at most 107 bytes, such as "
    "/run/docker.sock or /run/podman/podman.sock\n"
    AT "6: certificate \"example.com\": deploy \"a\": docker: it names no "
    "container; allowed: container = { \"NAME\", ... } or label = "
    "\"KEY=VALUE\"\n"
    AT "6: certificate \"example.com\": deploy \"a\": docker: it says nothing "
    "to do; allowed: copy \"/PATH\" { ... }, signal = \"HUP\", restart = true "
    "or exec = { ... }\n"
    AT "7: certificate \"example.com\": deploy \"a\": docker: it is the "
    "second docker of this target; allowed: one, and another deploy section\n"
    AT "9: certificate \"example.com\": deploy \"b\": docker: it has both "
    "container and label; allowed: container = { \"NAME\", ... } or label = "
    "\"KEY=VALUE\"\n"
    AT "9: certificate \"example.com\": deploy \"b\": docker: container = "
    "\"a/b\"; allowed: a container's name: letters, digits and _.-\n"
    AT "9: certificate \"example.com\": deploy \"b\": docker: container = "
    "\"..\"; allowed: a container's name: letters, digits and _.-\n"
    AT "9: certificate \"example.com\": deploy \"b\": docker: allowed: one "
    "of signal, restart and exec\n"
    AT "10: certificate \"example.com\": deploy \"b\": docker: signal = "
    "\"-9\"; allowed: a signal's name, such as HUP or USR1\n"
    AT "10: certificate \"example.com\": deploy \"b\": docker: exec = \"nginx "
    "-s reload\"; allowed: program and arguments one by one, as in { "
    "\"nginx\", \"-s\", \"reload\" }; there is no shell\n"
    AT "11: certificate \"example.com\": deploy \"b\": docker: copy \"/k\": "
    "owner = \"nginx\"; allowed: 0 to 2097151\n"
    AT "11: certificate \"example.com\": deploy \"b\": docker: copy \"/k\": "
    "mode = \"0644\"; allowed: nothing for other users (such as 0640): the "
    "private key is in this file\n"
    AT "12: certificate \"example.com\": deploy \"c\": docker: label = "
    "\"=x\"; allowed: KEY or KEY=VALUE\n"
    AT "12: certificate \"example.com\": deploy \"c\": docker: exec is empty; "
    "allowed: exec = { \"PROGRAM\", \"ARGUMENT\", ... }\n" },
{ CERT
    " deploy \"a\" {\n"
    " ssh \"-oProxyCommand=x\" { port = 0 }\n"
    " ssh \"web2\" { }\n"
    " haproxy \"sock\" { }\n"
    " webhook \"http://x/\" { token_file = /nowhere }\n"
    " }\n"
    " deploy \"b\" { ssh \"web2\" {\n"
    " file \"/a*b\" { format = cert owner = root } }\n"
    " haproxy \"/s\" { file = \"a b\" } }\n"
    "}\n",
    AT "5: certificate \"example.com\": deploy \"a\": ssh "
    "\"-oProxyCommand=x\": allowed: ssh \"[USER@]HOST\" { ... }\n"
    AT "5: certificate \"example.com\": deploy \"a\": ssh "
    "\"-oProxyCommand=x\": port = \"0\"; allowed: 1 to 65535\n"
    AT "5: certificate \"example.com\": deploy \"a\": ssh "
    "\"-oProxyCommand=x\": it says nothing to do; allowed: file "
    "\"/PATH\" { format = ... }, command, or both\n"
    AT "6: certificate \"example.com\": deploy \"a\": ssh "
    "\"web2\": it is the second ssh of this target; allowed: one, "
    "and another deploy section\n"
    AT "7: certificate \"example.com\": deploy \"a\": haproxy "
    "\"sock\": allowed: haproxy \"/PATH/OF/ITS/SOCKET\" { ... }, at "
    "most 107 bytes, or \"ADDRESS:PORT\", in numbers\n"
    AT "7: certificate \"example.com\": deploy \"a\": haproxy "
    "\"sock\": file is missing; allowed: the certificate's path as "
    "in HAProxy's configuration (\"show ssl cert\" lists them)\n"
    AT "8: certificate \"example.com\": deploy \"a\": webhook "
    "\"http://x/\": allowed: webhook \"https://HOST/PATH\" { ... }\n"
    AT "8: certificate \"example.com\": deploy \"a\": webhook "
    "\"http://x/\": token_file: /nowhere: No such file or "
    "directory\n"
    AT "11: certificate \"example.com\": deploy \"b\": ssh "
    "\"web2\": file \"/a*b\": unknown key \"owner\"; allowed: "
    "format, key, mode, password_file\n"
    AT "11: certificate \"example.com\": deploy \"b\": ssh "
    "\"web2\": file \"/a*b\": allowed: file "
    "\"/ABSOLUTE/PATH/OF/A/FILE\" { ... }, without quotes and "
    "wildcards\n"
    AT "12: certificate \"example.com\": deploy \"b\": haproxy "
    "\"/s\": file = \"a b\"; allowed: a path without spaces and "
    "special characters\n" },
{ "repository \"r\" { type = s3 endpoint = \"https://h/base\"\n"
    " region = \"\" bucket = \"a/b\" access_key_id = x\n"
    " secret_access_key_file = /nowhere\n"
    " encrypt_key_file = /nowhere }\n"
    "repository \"s\" { type = https encrypt_key_file = /nowhere\n"
    " url = \"http://h/base\" token_file = /nowhere }\n",
    AT "1: repository \"r\": endpoint = \"https://h/base\"; allowed: an "
    "address without a path; see bucket and prefix\n"
    AT "2: repository \"r\": bucket = \"a/b\"; allowed: letters, digits, "
    "'.', '-' and '_'\n"
    AT "2: repository \"r\": region = \"\"; allowed: one line of text, "
    "not empty\n"
    AT "3: repository \"r\": secret_access_key_file: /nowhere: No such "
    "file or directory\n"
    AT "4: repository \"r\": encrypt_key_file: /nowhere: No such file or "
    "directory\n"
    AT "5: repository \"s\": encrypt_key_file: /nowhere: No such file or "
    "directory\n"
    AT "6: repository \"s\": url = \"http://h/base\"; allowed: "
    "https://HOST where there is a token_file\n"
    AT "6: repository \"s\": token_file: /nowhere: No such file or "
    "directory\n" },
{ CERT
    " deploy \"a\" { haproxy \"localhost:9999\" { file = /x } }\n"
    " deploy \"b\" { haproxy \"[::1]:9999\" { file = /x } }\n"
    " deploy \"c\" { haproxy \"127.0.0.1\" { file = /x } }\n"
    "}\n",
    AT "4: certificate \"example.com\": deploy \"a\": haproxy "
    "\"localhost:9999\": allowed: haproxy \"/PATH/OF/ITS/SOCKET\" { "
    "... }, at most 107 bytes, or \"ADDRESS:PORT\", in numbers\n"
    AT "6: certificate \"example.com\": deploy \"c\": haproxy "
    "\"127.0.0.1\": allowed: haproxy \"/PATH/OF/ITS/SOCKET\" { ... }, "
    "at most 107 bytes, or \"ADDRESS:PORT\", in numbers\n" },
{ "repository \"r\" { type = etcd user = u\n"
    " etcd = { \"http://h:2379\", \"https://h/x\" }\n"
    " encrypt_key_file = /dev/null key_file = /nowhere }\n"
    "repository \"s\" { type = etcd encrypt_key_file = /dev/null\n"
    " endpoint = \"https://h\" }\n",
    AT "1: repository \"r\": user is given without password_file; "
    "allowed: both, or neither\n"
    AT "2: repository \"r\": etcd = \"http://h:2379\"; allowed: "
    "https://HOST:2379 (http:// only where it is encrypted and without "
    "user)\n"
    AT "2: repository \"r\": etcd = \"https://h/x\"; allowed: "
    "https://HOST:2379 (http:// only where it is encrypted and without "
    "user)\n"
    AT "3: repository \"r\": encrypt_key_file: /dev/null: not a regular "
    "file\n"
    AT "3: repository \"r\": key_file: /nowhere: No such file or "
    "directory\n"
    AT "3: repository \"r\": key_file is given without cert_file; "
    "allowed: both, or neither\n"
    AT "4: repository \"s\": encrypt_key_file: /dev/null: not a regular "
    "file\n"
    AT "4: repository \"s\": etcd is missing; type = etcd needs it\n"
    AT "5: repository \"s\": endpoint is not for type = etcd\n" },
{ "repository \"r\" { type = directory path = /srv/certs\n"
    " hmac_key_file = /dev/null }\n"
    "repository \"s\" { type = s3 endpoint = \"http://s3.example\"\n"
    " url = x path_style = maybe prefix = \"/x\" }\n"
    "repository \"t\" { type = ftp encrypt_key_file = /nowhere\n"
    " hmac_key_file = /nowhere }\n",
    AT "2: repository \"r\": hmac_key_file: /dev/null: not a regular "
    "file\n"
    AT "3: repository \"s\": encrypt_key_file is missing; allowed: "
    "encrypt_key_file, a secret that publisher and subscribers share; or "
    "encrypt_to = hosts on the publisher and host_key_file on each "
    "subscriber, which has a key of its own; or hmac_key_file, a secret "
    "that signs only, where private keys may lie there as they are\n"
    AT "3: repository \"s\": bucket is missing; type = s3 needs it\n"
    AT "3: repository \"s\": region is missing; type = s3 needs it\n"
    AT "3: repository \"s\": access_key_id is missing; type = s3 needs "
    "it\n"
    AT "3: repository \"s\": secret_access_key_file is missing; type = "
    "s3 needs it\n"
    AT "3: repository \"s\": endpoint = \"http://s3.example\"; allowed: "
    "https://HOST (http:// only where it is encrypted)\n"
    AT "4: repository \"s\": url is not for type = s3\n"
    AT "4: repository \"s\": prefix = \"/x\"; allowed: letters, digits, "
    "'.', '-', '_' and '/', not first\n"
    AT "4: repository \"s\": path_style = \"maybe\"; allowed: true, "
    "false\n"
    AT "5: repository \"t\": type = \"ftp\"; allowed: s3, oss, https, "
    "etcd, directory\n"
    AT "5: repository \"t\": encrypt_key_file: /nowhere: No such file "
    "or directory\n"
    AT "6: repository \"t\": hmac_key_file is given with "
    "encrypt_key_file; allowed: one of them (what is encrypted is "
    "signed as well)\n" },
{ "host \"a\" { }\n"
    "host \"b\" { public_key = \"abc\" }\n"
    "host \"c\" { public_key = \"" PUBLIC_A "\" }\n"
    "host \"d\" { public_key = \"" PUBLIC_A "\" name = d }\n"
    "repository \"p\" { type = directory path = /srv/certs\n"
    " encrypt_to = host }\n"
    "repository \"q\" { type = directory path = /srv/certs\n"
    " encrypt_to = hosts encrypt_key_file = secret publisher_key = x }\n"
    "repository \"r\" { type = directory path = /srv/certs\n"
    " host_key_file = hostkey }\n"
    "repository \"s\" { type = directory path = /srv/certs\n"
    " host_key_file = secret publisher_key = x }\n",
    AT "1: host \"a\": public_key is missing; allowed: " HOST_KEY "\n"
    AT "2: host \"b\": public_key = \"abc\"; allowed: " HOST_KEY "\n"
    AT "4: host \"d\": unknown key \"name\"; allowed: public_key\n"
    AT "4: host \"d\": public_key: it is that of host \"c\"; allowed: a "
    "key of its own\n"
    AT "6: repository \"p\": encrypt_to = \"host\"; allowed: hosts\n"
    AT "8: repository \"q\": encrypt_to is given with encrypt_key_file; "
    "allowed: one of them (what is encrypted is signed as well)\n"
    AT "8: repository \"q\": publisher_key is given without "
    "host_key_file; allowed: with it\n"
    AT "8: repository \"q\": encrypt_key_file: secret: it has 8 characters; "
    "allowed: at least 32, such as of openssl rand -hex 32\n"
    AT "10: repository \"r\": publisher_key is missing, and hostkey has "
    "none; allowed: the key that acmectl host list prints on the host that "
    "publishes\n"
    AT "12: repository \"s\": publisher_key = \"x\"; allowed: " HOST_KEY
    "\n"
    AT "12: repository \"s\": host_key_file: secret: it is no key that "
    "acmectl host has made: no JSON object\n" },
{ BASE "repository \"p\" { type = directory path = /srv/certs\n"
    " encrypt_to = hosts }\n"
    "repository \"s\" { type = directory path = /srv/certs\n"
    " host_key_file = hostkey publisher_key = \"" PUBLIC_A "\" }\n"
    "certificate \"a.example\" { source = p }\n"
    "certificate \"b.example\" { deploy \"d\" { publish = s } }\n"
    "certificate \"c.example\" { deploy \"d\" { publish = p } }\n"
    "certificate \"d.example\" { hosts = \"web-*\" }\n"
    "certificate \"e.example\" { hosts = { } deploy \"d\" { publish = p } "
    "}\n",
    AT "7: certificate \"a.example\": source: repository \"p\" has "
    "encrypt_to, which is to publish only; allowed: one with host_key_file, "
    "or encrypt_key_file\n"
    AT "8: certificate \"b.example\": deploy \"d\": publish: repository "
    "\"s\" has host_key_file, which is to fetch from only; allowed: one "
    "with encrypt_to = hosts, or encrypt_key_file\n"
    AT "9: certificate \"c.example\": hosts is missing; repository \"p\" "
    "encrypts to hosts: hosts = { \"web-*\" } names those that may open "
    "this certificate\n"
    AT "10: certificate \"d.example\": hosts is for a certificate that is "
    "published in a repository with encrypt_to = hosts\n"
    AT "11: certificate \"e.example\": hosts: found 0; allowed: 1 to 100 "
    "names of hosts, or patterns such as \"web-*\"\n" },
{ BASE "repository \"p\" { type = directory path = /srv/certs\n"
    " encrypt_to = hosts }\n"
    "certificate \"a.example\" { hosts = \"web-*\" key = { rsa2048, ec384 }\n"
    " deploy \"d\" { key = ec384 publish = p } }\n",
    AT "6: certificate \"a.example\": deploy \"d\": key is not for publish, "
    "which takes both certificates; allowed: another deploy section\n" },
{ BASE "host \"web-1\" { public_key = \"" PUBLIC_A "\" }\n"
    "repository \"p\" { type = directory path = /srv encrypt_to = hosts }\n"
    "repository \"s\" { type = https url = \"https://h\"\n"
    " host_key_file = hostkey publisher_key = \"" PUBLIC_A "\" }\n"
    "repository \"t\" { type = directory path = /srv\n"
    " hmac_key_file = /dev/null }\n"
    "certificate \"a.example\" { key_source = own hosts = \"web-1\"\n"
    " deploy \"d\" { publish = p } }\n"
    "certificate \"b.example\" { key_source = host csr = csr.pem\n"
    " hosts = \"web-*\" deploy \"d\" { publish = p } }\n"
    "certificate \"c.example\" { key_source = host hosts = \"web-1\" }\n"
    "certificate \"d.example\" { source = s key_source = host key = ec384 }"
    "\n"
    "certificate \"e.example\" { source = t key_source = host }\n"
    "certificate \"f.example\" { source = t key = ec384 }\n",
    AT "8: repository \"t\": hmac_key_file: /dev/null: not a regular "
    "file\n"
    AT "9: certificate \"a.example\": key_source = \"own\"; allowed: "
    "host\n"
    AT "11: certificate \"b.example\": key_source is given with csr; "
    "allowed: one of them\n"
    AT "12: certificate \"b.example\": hosts: key_source = host is for one "
    "host, whose key it is; allowed: the name of one host section\n"
    AT "13: certificate \"c.example\": key_source = host is for a "
    "certificate that is published in a repository with encrypt_to = "
    "hosts\n"
    AT "14: certificate \"d.example\": key_source = host needs a repository "
    "to write a request to; \"s\" is of type https, which is to fetch from "
    "only\n"
    AT "15: certificate \"e.example\": key_source = host needs a repository "
    "with host_key_file, which says who asks; \"t\" has none\n"
    AT "16: certificate \"f.example\": key is not for a certificate with "
    "source: the host that publishes it decides\n" },
{ BASE "host \"web-1\" { public_key = \"" PUBLIC_A "\" }\n"
    "repository \"p\" { type = directory path = /srv encrypt_to = hosts }\n"
    "repository \"s\" { type = directory path = /srv\n"
    " host_key_file = hostkey publisher_key = \"" PUBLIC_A "\" }\n"
    "certificate \"a.example\" { key_source = host hosts = \"web-1\"\n"
    " key = { ec256, rsa2048 } reuse_key = yes placeholder = yes\n"
    " on_name_failure = shrink\n"
    " deploy \"d\" { publish = p install \"/x\" { format = combined } } }\n"
    "certificate \"b.example\" { key_source = host hosts = \"web-2\"\n"
    " deploy \"d\" { publish = p } }\n"
    "certificate \"c.example\" { source = s key_source = host\n"
    " key = { ec256, rsa2048 } }\n"
    "certificate \"d.example\" { source = s key_source = host csr = csr.pem "
    "}\n",
    AT "8: certificate \"a.example\": key is not for a certificate with "
    "key_source = host: its key is where the request was made; allowed: one "
    "of the two\n"
    AT "8: certificate \"a.example\": reuse_key is not for a certificate "
    "with key_source = host: its key is where the request was made; allowed: "
    "one of the two\n"
    AT "8: certificate \"a.example\": placeholder is not for a certificate "
    "with key_source = host: its key is where the request was made; allowed: "
    "one of the two\n"
    AT "9: certificate \"a.example\": on_name_failure = shrink is not for "
    "a certificate with key_source = host: the request names what it is for; "
    "allowed: fail\n"
    AT "10: certificate \"a.example\": deploy \"d\": install \"/x\": "
    "format = combined " CSR_NO_KEY
    AT "11: certificate \"b.example\": hosts: key_source = host is for one "
    "host, whose key it is; allowed: the name of one host section\n"
    AT "14: certificate \"c.example\": key: key_source = host is for one "
    "key; allowed: one type\n"
    AT "15: certificate \"d.example\": key_source is given with csr; "
    "allowed: one of them\n"
    AT "15: certificate \"d.example\": csr is not for a certificate with "
    "source: the host that publishes it decides\n" },
{ BASE "freeze = { \"2020-02-29 - 2020-03-01\", "
    "\"2020-02-29 - 2099-12-31\" }\n",
    "" },
{ CERT " freeze = { \"2026-12-20\",\n"
    " \"2026-12-20-2027-01-05\",\n"
    " \"2027-01-05 - 2026-12-20\",\n"
    " \"2027-02-29 - 2027-03-01\",\n"
    " \"2026-13-01 - 2026-13-02\",\n"
    " \"20-12-2026 - 05-01-2027\",\n"
    " \" 2026-1-20 - 2026-12-21\" } }\n",
    AT "4: certificate \"example.com\": freeze = "
    "\"2026-12-20\"; allowed: " FREEZE_ALLOWED "\n"
    AT "5: certificate \"example.com\": freeze = "
    "\"2026-12-20-2027-01-05\"; allowed: " FREEZE_ALLOWED "\n"
    AT "6: certificate \"example.com\": freeze = "
    "\"2027-01-05 - 2026-12-20\"; allowed: " FREEZE_ALLOWED "\n"
    AT "7: certificate \"example.com\": freeze = "
    "\"2027-02-29 - 2027-03-01\"; allowed: " FREEZE_ALLOWED "\n"
    AT "8: certificate \"example.com\": freeze = "
    "\"2026-13-01 - 2026-13-02\"; allowed: " FREEZE_ALLOWED "\n"
    AT "9: certificate \"example.com\": freeze = "
    "\"20-12-2026 - 05-01-2027\"; allowed: " FREEZE_ALLOWED "\n"
    AT "10: certificate \"example.com\": freeze = "
    "\" 2026-1-20 - 2026-12-21\"; allowed: " FREEZE_ALLOWED "\n" },
{ CERT
    " deploy_order = parallel deploy_window = \"02:00-05:00\"\n"
    " deploy \"a\" { verify = { \"example.com\", \"[::1]:8443 sni=x.test\","
    " \"mx:25\", \"a.test:1 starttls=imap ca_file=/dev/null "
    "connect=192.0.2.1\" }"
    " verify_timeout = 5s on_verify_failure = rollback"
    " deploy_window = { \"22:00-04:30\", \"12:00-24:00\","
    " \"Mon-Thu 02:00-05:00\", \"sat,Sun,fri-mon 22:00-05:00\" } }\n"
    "}\n",
    "" },
{ CERT
    " deploy \"a\" { exec = x run_on = holder }\n"
    " deploy \"b\" { exec = x run_on = hosts }\n"
    " deploy \"c\" { exec = x run_on = all } }\n",
    AT "6: certificate \"example.com\": deploy \"c\": run_on = \"all\"; "
    "allowed: holder, hosts\n" },
{ CERT
    " deploy \"a\" { verify = \"a.test ca_file=/nowhere\"\n"
    " webhook \"https://h.example/\" { ca_file = /nowhere } } }\n",
    AT "4: certificate \"example.com\": deploy \"a\": verify = "
    "\"a.test ca_file=/nowhere\"; allowed: ca_file= a file of PEM "
    "certificates that can be read\n"
    AT "5: certificate \"example.com\": deploy \"a\": webhook "
    "\"https://h.example/\": ca_file: /nowhere: No such file or "
    "directory\n" },
{ CERT
    " deploy_order = any\n"
    " deploy_window = { \"2-5\", \"02:00-02:00\", \"25:00-26:00\","
    " \"Mon-Mon 02:00-05:00\", \"Mon,Lun 02:00-05:00\", "
    "\"Mon, Tue 02:00-05:00\", \"Sat02:00-05:00\", \"Sat\" }\n"
    " deploy \"a\" { verify = { \"a b.test\", \"a.test:99999\","
    " \"a.test starttls=gopher\", \"a_b\", \"a.test sni=::1\" } }\n"
    " deploy \"b\" { exec = x verify_timeout = 5s }\n"
    " deploy \"c\" { verify = x on_verify_failure = panic }\n"
    " deploy \"d\" { verify = {} }\n"
    "}\n",
    AT "4: certificate \"example.com\": deploy_order = \"any\"; allowed: "
    "sequential, parallel\n"
    AT "5: certificate \"example.com\": deploy_window = \"2-5\"; allowed: "
    WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = \"02:00-02:00\"; "
    "allowed: " WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = \"25:00-26:00\"; "
    "allowed: " WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = \"Mon-Mon "
    "02:00-05:00\"; allowed: " WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = \"Mon,Lun "
    "02:00-05:00\"; allowed: " WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = \"Mon, Tue "
    "02:00-05:00\"; allowed: " WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = "
    "\"Sat02:00-05:00\"; allowed: " WINDOW_ALLOWED "\n"
    AT "5: certificate \"example.com\": deploy_window = \"Sat\"; allowed: "
    WINDOW_ALLOWED "\n"
    AT "6: certificate \"example.com\": deploy \"a\": verify = \"a b.test\"; "
    "allowed: " VERIFY_ALLOWED "\n"
    AT "6: certificate \"example.com\": deploy \"a\": verify = "
    "\"a.test:99999\"; allowed: " VERIFY_ALLOWED "\n"
    AT "6: certificate \"example.com\": deploy \"a\": verify = "
    "\"a.test starttls=gopher\"; allowed: starttls= one of none, smtp, imap, "
    "pop3, ldap, postgres, xmpp, xmpp-server, ftp, mysql, sieve, lmtp, "
    "nntp, irc\n"
    AT "6: certificate \"example.com\": deploy \"a\": verify = \"a_b\"; "
    "allowed: " VERIFY_ALLOWED "\n"
    AT "6: certificate \"example.com\": deploy \"a\": verify = "
    "\"a.test sni=::1\"; allowed: sni= a name, or none\n"
    AT "7: certificate \"example.com\": deploy \"b\": verify_timeout without "
    "verify; allowed: with it\n"
    AT "8: certificate \"example.com\": deploy \"c\": on_verify_failure = "
    "\"panic\"; allowed: none, rollback\n"
    AT "9: certificate \"example.com\": deploy \"d\": verify has 0 entries; "
    "allowed: 1 to 20 of " VERIFY_ALLOWED "\n" },
{ CERT
    " deploy \"a\" { }\n"
    " deploy \"b\" {\n"
    " exec = { \"bin/x\" }\n"
    " timeout = 2h }\n"
    " deploy \"b\" { exec = \"systemctl reload nginx\" timeout "
    "= 0 }\n"
    " deploy \"c d\" { exec = \"\" }\n"
    "}\n",
    AT "4: certificate \"example.com\": deploy \"a\": it says "
    "nothing to do; allowed: a step, such as exec, install, "
    "reload or verify\n"
    AT "6: certificate \"example.com\": deploy \"b\": exec = "
    "\"bin/x\"; allowed: an absolute path, or the name of "
    "a program in the search path\n"
    AT "7: certificate \"example.com\": deploy \"b\": timeout "
    "= \"2h\"; allowed: 1s to 1h, written like 30d, 12h, "
    "10m or 90s\n"
    AT "8: certificate \"example.com\": deploy \"b\": it is "
    "given twice; allowed: once\n"
    AT "8: certificate \"example.com\": deploy \"b\": exec = "
    "\"systemctl reload nginx\"; allowed: program and arguments "
    "one by one, as in { \"systemctl\", \"reload\", \"nginx\" "
    "}; there is no shell\n"
    AT "8: certificate \"example.com\": deploy \"b\": timeout "
    "= \"0\"; allowed: 1s to 1h, written like 30d, 12h, 10m "
    "or 90s\n"
    AT "9: certificate \"example.com\": deploy \"c d\": \"c "
    "d\" cannot be a name here: only letters, digits, '.', "
    "'_' and '-' are allowed\n"
    AT "9: certificate \"example.com\": deploy \"c d\": exec "
    "= \"\"; allowed: an absolute path, or the name of a "
    "program in the search path\n" },
{ CERT
    " deploy \"a\" { reload = { nginx, \"apache2.service\" }\n"
    " restart = \"x@1.socket\" start = \"a.b\" config_test = none }\n"
    " deploy \"b\" { reload = {} restart = \"\" }\n"
    " deploy \"c\" { start = { \"a b\", \"x@.service\", \"../x\" }\n"
    " config_test = none }\n"
    " deploy \"d\" { reload = x config_test = \"nginx -t\" }\n"
    "}\n",
    AT "6: certificate \"example.com\": deploy \"b\": reload is empty; "
    "allowed: names of systemd's units\n"
    AT "6: certificate \"example.com\": deploy \"b\": restart = \"\"; "
    UNITS
    AT "7: certificate \"example.com\": deploy \"c\": start = \"a b\"; "
    UNITS
    AT "7: certificate \"example.com\": deploy \"c\": start = "
    "\"x@.service\"; " UNITS
    AT "7: certificate \"example.com\": deploy \"c\": start = \"../x\"; "
    UNITS
    AT "8: certificate \"example.com\": deploy \"c\": config_test is there "
    "without reload or restart, which it is for\n"
    AT "9: certificate \"example.com\": deploy \"d\": config_test = "
    "\"nginx -t\"; allowed: none, or program and arguments one by one, as "
    "in { \"nginx\", \"-t\" }; there is no shell\n" },
{ CERT
    " deploy \"a\" { exc = { x }\n"
    " tiemout = 5s }\n"
    " deploy { exec = x } }\n",
    AT "4: certificate \"example.com\": deploy \"a\": unknown "
    "key \"exc\"; did you mean \"exec\"?\n"
    AT "4: certificate \"example.com\": deploy \"a\": it says "
    "nothing to do; allowed: a step, such as exec, install, "
    "reload or verify\n"
    AT "5: certificate \"example.com\": deploy \"a\": unknown "
    "key \"tiemout\"; did you mean \"timeout\"?\n"
    AT "6: certificate \"example.com\": deploy { ... }: the "
    "name is missing; allowed: deploy \"NAME\" { ... }\n" },
{ CERT
    " deploy \"a\" { exec = /x\n",
    AT "4: certificate \"example.com\": deploy \"a\": syntax "
    "error: the file ends inside this section; a \"}\" is "
    "missing\n" },
{ CERT
    " preferred_chain = \"ISRG Root X1\"\n"
    "}\n",
    "" },
{ CERT
    " preferred_chain = \"${HOME}\"\n"
    "}\n",
    "" },
{ CERT
    " preferred_chain = ${HOME}\n"
    "}\n",
    AT "4: certificate \"example.com\": syntax error: found "
    "\"${\" outside quotes; environment variables are not "
    "used here\n" },
{ CERT
    " preferred_chain = \"a\\001\"\n"
    "}\n",
    AT "4: certificate \"example.com\": syntax error: found "
    "the escape \"\\0\"; write the character itself (\\n, "
    "\\t, \\\" and \\\\ are known)\n" },
{ CERT
    " preferred_chain = \"caf\xe9\"\n"
    "}\n",
    AT "4: certificate \"example.com\": syntax error: found "
    "bytes that are not UTF-8; save the file as UTF-8\n" },
{ CERT
    "} # caf\xe9\n",
    "" },
{ CERT
    " preferred_chain = \"a\\nb\"\n"
    "}\n",
    AT "4: certificate \"example.com\": preferred_chain = \"a "
    "b\"; allowed: one line of text, not empty\n" },
{ CERT
    "}\n"
    "certificate \"example.com\" { }\n"
    "certificate \"example.com\" { }\n",
    AT "5: certificate \"example.com\": it is given twice, first "
    "in acmed.conf:3; allowed: once\n"
    AT "6: certificate \"example.com\": it is given twice, first "
    "in acmed.conf:3; allowed: once\n" },
{ CERT
    " include(\"x\")\n"
    "}\n",
    AT "4: certificate \"example.com\": found include inside "
    "this section; is a \"}\" missing before it?\n" },
{ "include(\"missing.conf\")\n"
    "include(\"none.d/*.conf\")\n",
    AT "1: include: missing.conf: No such file or directory\n" },
{ "include(\"acmed.conf\")\n",
    AT "1: include: acmed.conf: it is read already; it is the "
    "main file\n" },
{ "include(\"\")\n"
    "include(\"/\")\n",
    AT "1: include(\"\"): allowed: a file or a pattern\n"
    AT "2: include: /: it is not a regular file\n" },
{ "include \"x\"\n",
    AT "1: syntax error: allowed: include(\"FILE\")\n" },
{ "include(x, y)\n",
    AT "1: syntax error: allowed: include(\"FILE\")\n" },
{ "unknown \"x\" { a = { b, c } d { e = 1 } f(g, h) }\n"
    "other = { 1, 2 }\n"
    "third(4)\n"
    "log_level = loud\n",
    AT "1: unknown key \"unknown\"; allowed: " ROOT_KEYS "\n"
    AT "2: unknown key \"other\"; allowed: " ROOT_KEYS "\n"
    AT "3: unknown key \"third\"; allowed: " ROOT_KEYS "\n"
    AT "4: log_level = \"loud\"; allowed: error, warning, notice, "
    "info, debug\n" },
{ "unknown = { 1, { 2\n",
    AT "1: unknown key \"unknown\"; allowed: " ROOT_KEYS "\n"
    AT "1: syntax error: the file ends inside this statement\n" },
{ "unknown unknown unknown\n",
    AT "1: unknown key \"unknown\"; allowed: " ROOT_KEYS "\n" },
{ "= 5\n",
    AT "1: syntax error: unexpected token '='\n" },
{ "}\n",
    AT "1: syntax error: unexpected closing brace\n" },
{ "__end = 1\n"
    "__line = 5\n",
    AT "1: unknown key \"__end\"; allowed: " ROOT_KEYS "\n"
    AT "2: unknown key \"__line\"; allowed: " ROOT_KEYS "\n" },
{ "a|b = 5\n"
    "account=x|key = 5\n",
    AT "1: unknown key \"a|b\"; allowed: " ROOT_KEYS "\n"
    AT "2: account = ... is no key here; a section is written: account "
    "\"NAME\" { ... }; the key belongs into a certificate\n"
    AT "2: syntax error: unexpected token '='\n" },
{ "log_level = info\x01\n",
    AT "1: syntax error: found a control character\n" },
{ "\xef\xbb\xbflog_level = info\r\n"
    "max_renewals = 5\r\n",
    "" },
{ "log_level = in\\\n"
    "fo\n",
    AT "2: unknown key \"fo\"; allowed: " ROOT_KEYS "\n"
    AT "2: syntax error: the file ends inside this statement\n" },
{ "log_level = \"in\\\n"
    "fo\"\n"
    "max_renewals = x\n",
    AT "3: max_renewals = \"x\"; allowed: 1 to 1000\n" },
{ BASE "watch \"w\" {\n"
    "targets = { \"a.test:443\", \"b.test:25\" }\n"
    "files = { \"/nowhere/x.pem\" }\n"
    "warn = 30d\n}\n",
    "" },
{ "watch \"w\" {\n}\n",
    AT "1: watch \"w\": it watches nothing; allowed: targets = { "
    "\"HOST:PORT\" }, files = { \"PATH\" }\n" },
{ "watch \"w\" {\n"
    "targets = { \"a.test:443\", \"a.test:443\", \"a.test:0\" }\n"
    "files = { \"/x\",\n\"/x\" }\n"
    "warn = 5m\nca_file = \"/nowhere/ca.pem\"\n}\n",
    AT "2: watch \"w\": targets: \"a.test:443\" is given twice; allowed: "
    "once\n"
    AT "2: watch \"w\": targets = \"a.test:0\"; allowed: \"HOST:PORT\", and "
    "after a space starttls=PROTOCOL, sni=NAME, connect=ADDRESS[:PORT], "
    "ca_file=FILE\n"
    AT "4: watch \"w\": files: \"/x\" is given twice; allowed: once\n"
    AT "5: watch \"w\": warn = \"5m\"; allowed: 1h to 825d, written like "
    "30d, 12h, 10m or 90s\n"
    AT "6: watch \"w\": ca_file: /nowhere/ca.pem: No such file or "
    "directory\n" },
{ BASE "certificate \"shop\" {\n"
    "files { fullchain = \"/a\" privkey = \"/b\" }\n}\n"
    "certificate \"by-put\" {\nnames = a.test\nfiles { }\npoll = 10s\n}\n",
    "" },
{ BASE "certificate \"shop\" {\n"
    "files { fullchain = \"/a\" }\nkey = rsa2048\naccount = le\n}\n"
    "certificate \"two\" {\n"
    "files { }\nfiles { }\nsource = x\n}\n",
    AT "4: certificate \"shop\": files: privkey is missing; allowed: both "
    "fullchain and privkey, or none of them (acmectl put)\n"
    AT "5: certificate \"shop\": key is not for a certificate with files: "
    "nobody renews it here\n"
    AT "6: certificate \"shop\": account is not for a certificate with "
    "files: nobody renews it here\n"
    AT "9: certificate \"two\": source and files are given; allowed: one of "
    "them\n"
    AT "10: certificate \"two\": files is given twice, first in line 9; "
    "allowed: once\n" },
{ "cluster {\nrole = boss\nlease = 1s\nprefix = \"/\"\n"
    "name = \"a b\"\nencrypt_key_file = /dev/null\n"
    "waves = { \"canary-*\", \"a b\" } wave_pause = 1y\n}\n"
    "cluster {\n}\n",
    AT "1: cluster: etcd is missing; allowed: etcd = { "
    "\"https://HOST:2379\", ... }, the members of the etcd cluster\n"
    AT "2: cluster: role = \"boss\"; allowed: both, renew, serve\n"
    AT "3: cluster: lease = \"1s\"; allowed: 5s to 5m, written like 30d, "
    "12h, 10m or 90s\n"
    AT "4: cluster: prefix = \"/\"; allowed: letters, digits, '.', '-', "
    "'_' and '/', such as /acmed\n"
    AT "5: cluster: name: \"a b\" cannot be a name here: only letters, "
    "digits, '.', '_' and '-' are allowed\n"
    AT "6: cluster: encrypt_key_file: /dev/null: not a regular file\n"
    AT "7: cluster: wave_pause = \"1y\"; allowed: 0d to 30d, written like "
    "30d, 12h, 10m or 90s\n"
    AT "7: cluster: waves = \"a b\"; allowed: patterns of host names such as "
    "web-*\n"
    AT "9: cluster: it is given twice, first in line 1; allowed: once\n" },
/* Who only serves needs no secrets of renewing. */
#define ELSEWHERE(role) \
    "cluster {\netcd = \"http://h:2379\"\nrole = " role "\n}\n" \
    "account \"a\" {\ndirectory = \"https://ca.test/\"\n" \
    "contact = { \"mailto:a@b.test\" }\neab_kid = k\n" \
    "eab_hmac_key_file = /nowhere/eab\n}\n" \
    "provider \"p\" {\ntype = tokendns\nzones = one\nlimit = 1\n" \
    "api_token_file = /nowhere/tsig\n}\n" \
    "certificate \"c\" {\nnames = { \"c.test\" }\n" \
    "deploy \"web\" {\ninstall \"/x\" { format = cert owner = nobody-there " \
    "}\n}\n" \
    "deploy \"pods\" {\nkubernetes \"https://k.test\" {\n" \
    "namespace = n\nsecret = s\ntoken_file = /nowhere/token\n}\n}\n}\n"
#define NO_KEY AT "1: cluster: encrypt_key_file is missing; allowed: a file " \
    "with a secret that all members share, such as of openssl rand -hex 32\n"
#define NO_EAB AT "9: account \"a\": eab_hmac_key_file: /nowhere/eab: " \
    "No such file or directory\n"
#define NO_TSIG AT "15: provider \"p\": api_token_file: /nowhere/tsig: " \
    "No such file or directory\n"
#define NO_OWNER AT "20: certificate \"c\": deploy \"web\": install " \
    "\"/x\": owner = \"nobody-there\"; allowed: a user of this system\n"
#define NO_TOKEN AT "26: certificate \"c\": deploy \"pods\": kubernetes " \
    "\"https://k.test\": token_file: /nowhere/token: No such file or " \
    "directory\n"
{ ELSEWHERE("both"), NO_KEY NO_EAB NO_TSIG NO_OWNER NO_TOKEN },
{ ELSEWHERE("serve"), NO_KEY NO_OWNER },
{ ELSEWHERE("renew"), NO_KEY NO_EAB NO_TSIG NO_TOKEN },
{ "cluster {\netcd = { \"http://h:2379\" }\n}\n" BASE
    "certificate \"c\" { csr = \"/nowhere/x.csr\" }\n",
    NO_KEY
    AT "6: certificate \"c\": csr is not for a configuration with cluster, "
    "of which each member would order; allowed: one host that renews\n"
    AT "6: certificate \"c\": csr: /nowhere/x.csr: No such file or "
    "directory\n" },
{ "cluster {\netcd = { \"http://h:2379\" }\n}\n"
    "repository \"cluster\" {\ntype = https\nurl = \"https://h.test/\"\n"
    "encrypt_key_file = /dev/null\n}\n",
    NO_KEY
    AT "4: repository \"cluster\": with cluster { } this is the name of what "
    "its members share; allowed: another name\n"
    AT "7: repository \"cluster\": encrypt_key_file: /dev/null: not a regular "
    "file\n" },
{ "cluster {\netcd = { \"http://::1:2379\", \"http://[::1]:2379\",\n"
    "\"http://[::1\", \"http://[::1]x\" }\n}\n",
    NO_KEY
    AT "2: cluster: etcd = \"http://::1:2379\"; allowed: an IPv6 address in "
    "brackets, as in https://[2001:db8::1]:2379\n"
    AT "3: cluster: etcd = \"http://[::1\"; allowed: an IPv6 address in "
    "brackets, as in https://[2001:db8::1]:2379\n"
    AT "3: cluster: etcd = \"http://[::1]x\"; allowed: an IPv6 address in "
    "brackets, as in https://[2001:db8::1]:2379\n" },
{ CERT "key = { \"EC256\", rsa2048 }\n}\n",
    AT "4: certificate \"example.com\": key = \"EC256\"; allowed: ec256, "
    "ec384, rsa2048, rsa3072, rsa4096\n" },
{ BASE "host \"web-1\" { public_key = \"" PUBLIC_A "\" }\n"
    "repository \"p\" { type = directory path = /srv encrypt_to = hosts }\n"
    "certificate \"a.example\" { key_source = host hosts = \"web-1\"\n"
    " key = { ec256, rsa2048 } deploy \"d\" { publish = p } }\n",
    AT "6: certificate \"a.example\": key is not for a certificate with "
    "key_source = host: its key is where the request was made; allowed: one "
    "of the two\n" },
{ "cluster {\netcd = { \"http://h:2379\" }\nuser = u\n}\n",
    AT "1: cluster: encrypt_key_file is missing; allowed: a file with a "
    "secret that all members share, such as of openssl rand -hex 32\n"
    AT "2: cluster: etcd = \"http://h:2379\"; allowed: https://HOST:2379 "
    "(http:// only where it is encrypted and without user)\n"
    AT "3: cluster: user is given without password_file; allowed: both, or "
    "neither\n" },
{ BASE "certificate \"web\" {\n"
    "csr = csr.pem\npoll = 10s\n"
    "deploy \"d\" {\ninstall \"/x/y\" { format = der }\n"
    "webhook \"https://h.test/\" { include_key = no }\n}\n}\n"
    "certificate \"two\" {\nnames = { B.example, a.example }\n"
    "csr = \"csr.pem\"\nprofile = x\n}\n",
    "" },
{ BASE "certificate \"web\" {\n"
    "names = { a.example, c.example }\ncsr = csr.pem\nkey = rsa2048\n"
    "reuse_key = yes\nplaceholder = yes\non_name_failure = shrink\n"
    "deploy \"d\" {\n"
    "install \"/x/y\" {\nformat = combined\n}\n"
    "haproxy \"/h\" { file = \"/f\" }\n}\n}\n"
    "certificate \"two\" {\nnames = x.test\ncsr = \"acmed.conf\"\n"
    "files { }\n}\n",
    AT "5: certificate \"web\": csr: csr.pem: it asks for "
    "b.example, and it does not ask for c.example; allowed: the same names "
    "here and there, or names left out\n"
    AT "6: certificate \"web\": key is not for a certificate with csr: its "
    "key is where the request was made; allowed: one of the two\n"
    AT "7: certificate \"web\": reuse_key is not for a certificate with "
    "csr: its key is where the request was made; allowed: one of the two\n"
    AT "8: certificate \"web\": placeholder is not for a certificate with "
    "csr: its key is where the request was made; allowed: one of the two\n"
    AT "9: certificate \"web\": on_name_failure = shrink is not for a "
    "certificate with csr: the request names what it is for; allowed: "
    "fail\n"
    AT "12: certificate \"web\": deploy \"d\": install \"/x/y\": format = "
    "combined " CSR_NO_KEY
    AT "14: certificate \"web\": deploy \"d\": haproxy \"/h\": haproxy "
    CSR_NO_KEY
    AT "19: certificate \"two\": csr: acmed.conf: it is no "
    "certificate request; allowed: PKCS#10 in PEM or DER, as openssl req "
    "-new makes it\n"
    AT "19: certificate \"two\": csr is not for a certificate with files: "
    "nobody renews it here\n" },
