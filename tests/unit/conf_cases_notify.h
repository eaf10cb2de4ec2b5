/* SPDX-License-Identifier: MIT */
/* The cases of test_conf_mistakes.c about notify sections. */
#define NOTIFY "notify \"ops\" {\n"
#define NAT AT "1: notify \"ops\": "
#define NAT2 AT "2: notify \"ops\": "
{ "notify \"ops\" { mail_to = { \"ops@example.com\" }  "
    "smtp = \"smtps://mail.example.com\" }\n",
    "" },
{ NOTIFY "}\n",
    NAT "it has no channel; allowed: one of mail_to, syslog, webhook, "
    "exec, heartbeat\n" },
{ NOTIFY "syslog = daemon\nexec = { /bin/true }\n}\n",
    NAT "syslog and exec are given; allowed: one of them, and another "
    "notify section for the other\n" },
{ NOTIFY "syslog = local9\n}\n",
    NAT2 "syslog = \"local9\"; allowed: a facility: auth, authpriv, cron, "
    "daemon, local0 to local7, mail, user\n" },
{ NOTIFY "syslog = daemon\nchat = 5\n}\n",
    AT "3: notify \"ops\": chat is for a channel with webhook; this one has "
    "syslog\n" },
{ NOTIFY "syslog = daemon\nevents = { renewal-failed, nonsense }\n}\n",
    AT "3: notify \"ops\": events = \"nonsense\"; allowed: default, all, "
    "renewal-failed, expiring, deploy-failed, serving-old, cleanup-failed, "
    "account, credentials, configuration, recovered, renewed, digest, "
    "repository-tampered, start-failed, revocation-failed, "
    "names-missing, watched, fleet, cluster\n" },
{ NOTIFY "syslog = daemon\nevents = {}\n}\n",
    NAT "events is empty: it would never tell anything; allowed: default, "
    "all, renewal-failed, expiring, deploy-failed, serving-old, "
    "cleanup-failed, account, credentials, configuration, recovered, "
    "renewed, digest, repository-tampered, start-failed, "
    "revocation-failed, names-missing, watched, fleet, cluster\n" },
{ NOTIFY "syslog = daemon\nlevel = loud\n}\n",
    AT "3: notify \"ops\": level = \"loud\"; allowed: notice, warning, "
    "critical\n" },
{ NOTIFY "syslog = daemon\nlanguage = de\n}\n",
    AT "3: notify \"ops\": language = \"de\"; allowed: en, zh\n" },
{ NOTIFY "mail_to = { a@b }\n}\n",
    NAT "smtp is missing; allowed: smtp = \"smtps://HOST\", or sendmail = "
    "\"/usr/sbin/sendmail\"\n" },
{ NOTIFY "mail_to = { \"a@b, c@d\", \"x\", \"a\\r\\nBcc: e@f\" }\n"
    "smtp = \"smtp://h\"\n}\n",
    NAT2 "mail_to = \"a  Bcc: e@f\"; allowed: one line of text, not empty\n"
    NAT2 "mail_to = \"a@b, c@d\"; allowed: NAME@DOMAIN in ASCII, one address "
    "in each\n"
    NAT2 "mail_to = \"x\"; allowed: NAME@DOMAIN in ASCII, one address in "
    "each\n"
    NAT2 "mail_to = \"a  Bcc: e@f\"; allowed: NAME@DOMAIN in ASCII, one "
    "address in each\n" },
{ NOTIFY "mail_to = { a@b }\nsmtp = \"imap://h\"\n}\n",
    AT "3: notify \"ops\": smtp = \"imap://h\"; allowed: smtps://HOST, "
    "smtp://HOST, each with :PORT or without\n" },
{ NOTIFY "mail_to = { a@b }\nsmtp = \"smtp://h:99999\"\n}\n",
    AT "3: notify \"ops\": smtp = \"smtp://h:99999\"; allowed: "
    "smtps://HOST, smtp://HOST, each with :PORT or without\n" },
{ NOTIFY "mail_to = { a@b }\nsmtp = \"smtp://[::1]:25/\"\n}\n",
    "" },
{ NOTIFY "mail_to = { a@b }\nsmtp = \"smtps://h\"\nstarttls = none\n}\n",
    AT "4: notify \"ops\": starttls is for smtp://; with smtps:// everything "
    "is encrypted\n" },
{ NOTIFY "mail_to = { a@b }\nsmtp = \"smtp://h\"\nstarttls = none\n"
    "user = u\npassword_file = secret\n}\n",
    AT "4: notify \"ops\": the password would be sent unencrypted; allowed: "
    "starttls = \"required\", or no user\n" },
{ NOTIFY "mail_to = { a@b }\nsmtp = \"smtp://h\"\nuser = u\n}\n",
    AT "4: notify \"ops\": user is given, password_file is missing\n" },
{ NOTIFY "mail_to = { a@b }\nsendmail = \"/usr/sbin/sendmail\"\n"
    "smtp = \"smtp://h\"\n}\n",
    AT "4: notify \"ops\": smtp and sendmail are given; allowed: one of "
    "them\n" },
{ NOTIFY "webhook = \"ftp://h/secret\"\n}\n",
    NAT "webhook is not a URL; allowed: https://..., and http://... in a "
    "network of your own\n" },
{ NOTIFY "webhook = \"<https://h/secret>\"\n}\n",
    NAT2 "webhook: found a placeholder, as in a manual's example; allowed: "
    "the secret itself, without <> or ${} around it\n" },
{ NOTIFY "webhook = \"https://h/secret\"\ntemplate = teams\n}\n",
    AT "3: notify \"ops\": templates: there is no teams.conf here, nor in "
    PKGDATADIR "/templates; acmed --list-templates prints all templates "
    "beside those that are built in: json, dingtalk, wecom, feishu, slack, "
    "telegram, ntfy\n" },
{ NOTIFY "webhook = \"https://h/secret\"\ntemplate = telegram\n}\n",
    NAT "chat is missing: the number of the chat, or @CHANNEL\n" },
{ NOTIFY "webhook = \"https://h/s\"\ntemplate = slack\n"
    "secret_file = secret\n}\n",
    NAT "slack has no secret other than its URL; secret is for json, dingtalk, "
    "feishu and ntfy\n" },
{ NOTIFY "webhook = \"https://h/s\"\nsecret_file = open\n"
    "template = dingtalk\n}\n" "notify \"ops\" { syslog = daemon }\n",
    AT "3: notify \"ops\": secret_file: open: every user can read this "
    "secret: chmod o-rwx open\n"
    AT "6: notify \"ops\": it is given twice, first in acmed.conf:1; "
    "allowed: once\n" },
{ NOTIFY "heartbeat = \"https://hc.example/uuid\"\ninterval = 0s\n}\n",
    AT "3: notify \"ops\": interval = \"0s\"; allowed: 1s to 1d, written "
    "like 30d, 12h, 10m or 90s\n" },
{ NOTIFY "exec = { \"/bin/true\", x }\n}\ndigest_at = \"24:00\"\n",
    AT "4: digest_at = \"24:00\"; allowed: a time of day such as 08:00\n" },
{ "alarm_after_tries = 0\nalarm_repeat = 1s\n",
    AT "1: alarm_after_tries = \"0\"; allowed: 1 to 100\n"
    AT "2: alarm_repeat = \"1s\"; allowed: 1m to 365d, written like 30d, "
    "12h, 10m or 90s\n" },
