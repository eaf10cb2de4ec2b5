# SPDX-License-Identifier: MIT
"""Faults that administrators make, each found and mended from acmed's own words:
what is typed to find it is one of three commands, and what mends it is read in
their answers.  Typed under a real systemd, as in test_first_hour.py."""

import re
import time

from lab.documents import block, commands
from test_first_hour import BY_HAND, LIVE, NAME, SERVER, WWW
from test_first_hour import desk, first_certificate      # noqa: F401

CONF, KEY = "/etc/acmed/acmed.conf", "/etc/acmed/secrets/acmed-key"
RULES = "/etc/polkit-1/rules.d/50-acmed.rules"
BAD, RETRY = "acmectl status --check", "acmectl renew-now " + NAME
LOOK, CHECK = "acmectl status " + NAME, "acmectl check " + NAME


class Fault:
    """One fault: what is typed until it is mended is counted."""

    def __init__(self, d):
        self.d, self.typed, self.since = d, 0, time.monotonic()

    def type(self, line, code=0):
        self.typed += 1
        return self.d.type(line, code, timeout=150)

    def read(self, line, words, code=0):
        """What the words (a pattern) are in the answer."""
        said = " ".join(self.type(line, code).split())
        found = re.search(words, said)
        assert found, "%s is not in: %s" % (words, said)
        return found

    def is_mended(self, line=RETRY):
        said = self.type(line)
        self.d.type("acmectl status --check")
        assert "fail" not in self.d.type(LOOK).split("Last steps")[0]
        return said


def secret_of_root(d, f):
    d.type("chown root: %s; chmod 600 %s" % (KEY, KEY))
    words = f.read("acmed --check-config", "(chgrp acmed %s && chmod 640 %s|"
                   "chown acmed:? %s)" % (KEY, KEY, KEY), code=1)
    f.type(words.group(1))
    f.type("systemctl reload acmed")
    f.is_mended()


def typing_error(d, f):
    d.type("sed -i 's/reload  *=/relaod =/' " + CONF)
    d.type("systemctl reload acmed", code=1)
    words = f.read(BAD, CONF + r':(\d+): .*unknown key "(\w+)"; did you '
                   r'mean "(\w+)"\?', code=1)
    f.type("sed -i '%ss/%s/%s/' %s" % (words.groups() + (CONF,)))
    f.type("systemctl reload acmed")
    f.is_mended()


def stopped(d, f):
    d.type("systemctl stop acmed")
    words = f.read(LOOK + " 2>&1", "`(systemctl start acmed)` starts it",
                   code=3)
    f.type(words.group(1))
    f.is_mended()


def another_key(d, f):
    d.type("tsig-keygen acmed-key >/etc/bind/acmed.key; rndc reload")
    d.type(RETRY, code=1)
    f.read(LOOK, r"%s: the server refused the TSIG signature \(BADSIG\): "
           "key_secret of key acmed-key is wrong" % SERVER)
    f.type([c for c in commands(block(BY_HAND, "BIND", "tsig-keygen"))
            if c.startswith("install")][0])
    f.is_mended()


def name_server_down(d, f):
    d.type("systemctl stop named")
    d.type(RETRY, code=1)
    f.read(LOOK, re.escape(SERVER))
    f.type("systemctl start named")
    f.is_mended()


def no_policy(d, f):
    d.type("cp /etc/bind/named.conf /root/; sed -i 's/update-policy {[^}]*};//'"
           " /etc/bind/named.conf; rndc reload")
    d.type(RETRY, code=1)
    f.read(LOOK, "its update policy does not let key acmed-key change the "
           "TXT records of _acme-challenge." + NAME)
    f.type("cp /root/named.conf /etc/bind/; rndc reload")
    f.is_mended()


def no_permission(d, f):
    d.type("rm " + RULES)
    # polkitd sees by inotify that it is gone.
    d.wait("no permission", lambda: "no polkit rule" in d.box.run(
        "acmectl", "check", NAME, check=False).stdout)
    d.type(RETRY, code=1)
    f.read(LOOK, 'no polkit rule allows .*"reload" and unit "nginx.service".*'
           + re.escape(RULES))
    f.type([c for c in commands(block(BY_HAND, "Permission to reload",
                                      "polkit-acmed.rules"))
            if c.startswith("install")][0])
    d.wait("permission", lambda: "no polkit rule" not in d.box.run(
        "acmectl", "check", NAME, check=False).stdout)
    f.is_mended("acmectl deploy " + NAME)


def broken_nginx(d, f):
    d.type("echo 'oops;' >>/etc/nginx/nginx.conf")
    d.type(RETRY, code=1)
    words = f.read(LOOK, r"nginx -t -q: .* in (/\S+):(\d+)")
    f.type("sed -i '%sd' %s" % (words.group(2), words.group(1)))
    f.is_mended("acmectl deploy " + NAME)


def other_file(d, f):
    conf = "/etc/nginx/nginx.conf"
    live = LIVE + NAME
    d.type("cp -L %s/fullchain.pem %s/privkey.pem /etc/nginx/; sed -i "
           "'s|%s/|/etc/nginx/|' %s; systemctl reload nginx"
           % (live, live, live, conf))
    d.type(RETRY, code=1)
    words = f.read(LOOK, r"(%s):443.*still serves the old certificate.*"
                   r"(%s/fullchain\.pem)" % (NAME, live))
    f.type("sed -i 's|/etc/nginx/\\(.*pem\\)|%s/\\1|' %s" % (
        words.group(2).rsplit("/", 1)[0], conf))
    f.is_mended("acmectl deploy " + NAME)


def caa(d, f):
    # Pebble does not look at CAA; whom acmed checks for, it says itself.
    d.type("rndc freeze; echo '@ CAA 0 issue \"other.example\"' "
           ">>/var/cache/bind/zone; rndc thaw; rndc reload")
    words = f.read(CHECK, r"add the record: \S+ (CAA 0 issue \"\S+\")",
                   code=6)
    f.type("rndc freeze; echo '@ %s' >>/var/cache/bind/zone; rndc thaw; "
           "rndc reload" % words.group(1))
    f.is_mended(CHECK)


def hook(d, f):
    path = "/etc/acmed/hooks/deploy.d/10-copy"
    d.type("mkdir -p %s" % path.rsplit("/", 1)[0])
    d.write(path, "#!/bin/sh\nexit 0\n")
    d.type("systemctl reload acmed")
    words = f.read("acmed --check-config 2>&1", "chmod \\+x " + path)
    f.type(words.group(0))
    f.type("systemctl reload acmed")
    f.is_mended("acmectl deploy " + NAME)


def ca_away(d, f):
    d.front.proc.stop()
    d.type(RETRY, code=1)
    words = f.read(CHECK, r"curl -sS https://\S+/directory", code=6)
    f.type(words.group(0), code=7)      # not acmed's fault
    d.front.start()
    f.is_mended()


FAULTS = [secret_of_root, typing_error, stopped, another_key,
          name_server_down, no_policy, no_permission, broken_nginx,
          other_file, caa, hook, ca_away]


def test_faults(desk, capsys):                           # noqa: F811
    d = desk
    first_certificate(d)
    d.type(RETRY, timeout=120)          # it was rolled back
    lines = []
    for fault in FAULTS:
        f = Fault(d)
        fault(d, f)
        lines.append("%-16s %d commands, %4.1f s" % (
            fault.__name__, f.typed, time.monotonic() - f.since))
        assert f.typed <= 4, lines[-1]
    with capsys.disabled():
        print("\n" + "\n".join(lines))
