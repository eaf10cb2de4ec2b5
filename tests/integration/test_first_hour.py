# SPDX-License-Identifier: MIT
"""The first hour of a new administrator: the lines of README.md and of
doc/configuration.md, typed as they stand, under a real systemd.

Let's Encrypt and Alibaba Cloud are played by Pebble and a fake of the API behind
their own names, in /etc/hosts and trusted, so that nothing of them needs to
be changed but the access key.  The name server of example.com is the BIND of the
machine itself, at the document's address; for README's own example it is at
Alibaba Cloud.

By default the program that was built is installed; the test marked long types
the lines of doc/installing.md as well (tests/bare/run.sh runs it on bare
machines), and with DESK_PACKAGE the package is (tests/newcomer/run.sh).
"""

import json
import os
import re
import subprocess

import pytest

from lab import ca, daemon, feed, names, proc, vendors, web
from lab.documents import block, commands, section
from test_systemd import SDBOX, SOURCE, Box

NAME, OTHER = "example.com", "example.net"
SERVER = "192.0.2.53"           # the document's
BY_HAND, INSTALLING = "doc/configuration.md", "doc/installing.md"
WWW = "192.0.2.80"
RESOLVER, HOSTING = "127.0.1.20", "127.0.1.21"
FRONT = {"acme-staging-v02.api.letsencrypt.org": "127.0.1.22",
         "acme-v02.api.letsencrypt.org": "127.0.1.23",
         "alidns.aliyuncs.com": "127.0.1.24"}
LIVE = "/var/lib/acmed/live/"


class Front:
    """Their names, on port 443, lead to our servers."""

    def __init__(self, lab, targets):
        folder = os.path.join(lab.folder, "front%d" % next(lab.serial))
        os.makedirs(folder)
        proc.run(["openssl", "req"] + ca.NEW_EC + [
            "-keyout", "key", "-out", "csr", "-subj", "/CN=front", "-addext",
            "subjectAltName=" + ",".join("DNS:" + h for h in FRONT)],
            cwd=folder)
        tls = os.path.dirname(lab.tls.ca)
        proc.run(["openssl", "x509", "-req", "-in", "csr", "-CA", lab.tls.ca,
                  "-CAkey", os.path.join(tls, "ca.key"), "-CAcreateserial",
                  "-days", "2", "-copy_extensions", "copy", "-out", "cert"],
                 cwd=folder)
        n = web.Nginx(folder, "127.0.1.25", 443, folder + "/cert",
                      folder + "/key")
        with open(n.conf) as f:
            head = f.read().split("server {")[0]
        with open(n.conf, "w") as f:
            f.write(head)
            for host, (url, extra) in targets.items():
                f.write("server {\nlisten %s:443 ssl;\nssl_certificate "
                        "%s/cert;\nssl_certificate_key %s/key;\n"
                        "proxy_set_header Host $host;\n%s\n"
                        "location / { proxy_pass %s; }\n}\n" % (
                            FRONT[host], folder, folder, extra, url))
            f.write("}\n")
        self.conf, self.folder = n.conf, folder
        self.start()

    def start(self):
        self.proc = proc.Proc(["nginx", "-c", self.conf],
                              self.folder + "/log")
        proc.wait_until("the front", lambda: os.path.exists(
            self.folder + "/pid"))


class Desk:
    """Where somebody sits and types."""

    def __init__(self, lab, literal, at_ali=OTHER):
        self.lab, self.made = lab, []
        for address in [SERVER, WWW, RESOLVER, HOSTING] + list(
                FRONT.values()):
            proc.run(["ip", "addr", "replace", address + "/32", "dev", "lo"])
        folder = os.path.join(lab.folder, "hour%d" % next(lab.serial))
        self.hosting = names.Bind(folder + "-hosting", HOSTING, {
            at_ali: names.zone_text(at_ali, {"ns1": HOSTING},
                                    "@ A %s\n" % WWW)})
        zone_here = {} if at_ali == NAME else {NAME: {"ns1": SERVER}}
        self.resolver = names.Resolver(folder + "-resolver", RESOLVER, {
            at_ali: {"ns1": HOSTING}, **zone_here}, {})
        cls = [c for c in vendors.all_vendors() if c.NAME == "alidns"][0]
        self.ali = type("Alidns", (cls,), {
            "ZONE": at_ali, "OTHER_ZONE": "not" + at_ali})()
        self.feed = feed.Feed(self.ali, at_ali, {HOSTING: (0.2, 1)},
                              ["_acme-challenge." + at_ali])
        # Two CAs, not one under two names.
        self.cas = [lab.pebble(dns=RESOLVER, alternate_roots=n)
                    for n in (0, 1)]
        directory = ("location = /directory { proxy_pass "
                     "https://localhost:%d/dir; }")
        hosts = list(FRONT)
        self.front = Front(lab, {
            hosts[0]: ("https://localhost:%d" % self.cas[0].port,
                       directory % self.cas[0].port),
            hosts[1]: ("https://localhost:%d" % self.cas[1].port,
                       directory % self.cas[1].port),
            hosts[2]: (self.ali.url, "")})
        self.box = Box(folder + "-box")
        self.prepare()
        self.install(literal)

    def prepare(self):
        b = self.box
        b.write("/etc/resolv.conf", "nameserver %s\n" % RESOLVER)
        b.write("/etc/hosts", "127.0.0.1 localhost\n" + "".join(
            "%s %s\n" % (a, h) for h, a in FRONT.items()))
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        with open(self.lab.tls.ca) as f:
            mine = f.read()
        with open(b.root + bundle) as f:
            b.write(bundle, f.read() + mine)
        b.write("/etc/bind/named.conf", (
            'options { directory "/var/cache/bind"; listen-on { %s; }; '
            'listen-on-v6 { none; }; recursion no; };\n'
            'zone "%s" { type primary; file "/var/cache/bind/zone"; };\n'
            % (SERVER, NAME)))
        b.write("/var/cache/bind/zone", names.zone_text(
            NAME, {"ns1": SERVER}, "@ A %s\n" % WWW))
        b.run("chown", "-R", "bind:", "/var/cache/bind")
        b.run("systemctl", "start", "named")

    def install(self, literal):
        if os.environ.get("DESK_PACKAGE"):
            line, = [c for c in commands(block("README.md", "Install",
                                               "apt install"))
                     if "apt install" in c]
            self.type("cd /root; " + line, timeout=300)
            return
        if literal:
            tar = subprocess.run(
                "git ls-files -z | tar -cf - --null -T -", shell=True,
                cwd=SOURCE, stdout=subprocess.PIPE, check=True).stdout
            at = self.box.root + "/root/acmed"
            os.makedirs(at)
            subprocess.run(["tar", "-xf", "-", "-C", at], input=tar,
                           check=True)
        for line in commands(block(INSTALLING, "From source", "make install")):
            if literal:
                self.type("cd /root/acmed; " + line, timeout=900)
            elif "make install" in line:
                proc.run(["make", "-C", os.path.dirname(os.environ["ACMED"]),
                          "install", "DESTDIR=" + self.box.root])
            elif re.match(r"sudo (systemd|systemctl|cp)", line):
                self.type(line)

    def type(self, line, code=0, timeout=60):
        """A line at root's prompt; what it prints."""
        p = proc.run([SDBOX, "run", "/bin/bash", "-c",
                      "command -v sudo >/dev/null || sudo() { \"$@\"; }\n"
                      + line], env=self.box.env, check=False,
                     timeout=timeout)
        assert p.returncode == code, "%s: %d\n%s\n%s" % (
            line, p.returncode, p.stdout, self.box.run(
                "journalctl", "-u", "acmed", "-o", "cat", "-n", "30",
                check=False).stdout)
        return p.stdout

    def write(self, path, text, mode=0o644):
        self.box.write(path, text, mode)

    def read(self, path):
        with open(self.box.root + path) as f:
            return f.read()

    def status(self, name):
        s = json.loads(self.type("acmectl status --json"))
        return [c for c in s["certificates"] if c["name"] == name][0]

    def wait(self, what, check, timeout=60):
        return proc.wait_until(
            lambda: "%s: %s" % (what, self.type("acmectl status")), check,
            timeout, 0.2)

    def issuer(self, name):
        return self.type("openssl x509 -noout -issuer -in %s%s/cert.pem"
                         % (LIVE, name))

    def served(self):
        return self.type("openssl s_client -connect %s:443 -servername %s "
                         "</dev/null 2>/dev/null | openssl x509 -noout "
                         "-fingerprint" % (WWW, NAME))

    def stop(self):
        self.box.down()
        self.front.proc.stop()
        self.feed.stop()
        self.ali.stop()
        self.resolver.stop()
        self.hosting.stop()


def make_desk(lab, *args):
    if os.environ.get("DESK_PACKAGE"):
        return Desk(lab, *args)
    build = os.path.dirname(daemon.program("ACMED", "acmed"))
    makefile = os.path.join(build, "Makefile")
    if not os.path.exists(makefile) or not re.search(
            r"^prefix = /usr$", open(makefile).read(), re.M):
        pytest.skip("acmed is not configured as doc/installing.md says "
                    "(--prefix=/usr)")
    if daemon.is_sanitized():
        pytest.skip("a sanitizer's build does not run in the sandbox")
    try:
        return Desk(lab, *args)
    except proc.LabError as e:
        if "systemd-nspawn" not in str(e):
            raise
        pytest.skip("no systemd container here: %s" % e)


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.long)],
                ids=["built", "literal"])
def desk(lab, request):
    d = make_desk(lab, request.param)
    yield d
    d.stop()


def with_bind(d):
    """A key for the zone, and BIND that knows it."""
    lines = commands(block(BY_HAND, "BIND", "tsig-keygen"))
    for line in lines[:-1]:
        d.type(line)
    include = re.search(r'`(include "/etc/bind/[^`]*)`',
                        section(BY_HAND, "BIND")).group(1)
    policy = block(BY_HAND, "BIND", "update-policy")
    d.write("/etc/bind/named.conf", include + "\n" + d.read(
        "/etc/bind/named.conf").replace("type primary;",
                                        "type primary; " + policy))
    d.type(lines[-1])


def first_certificate(d):
    """doc/configuration.md, from top to bottom."""
    d.write("/etc/acmed/acmed.conf", block(BY_HAND, "The configuration",
                                             'account "lets'))
    with_bind(d)
    for line in commands(block(
            BY_HAND, "Permission to reload", "polkit-acmed.rules")):
        d.type(line)
    verbs = commands(block(BY_HAND, "Check, start, look", "acmed --check"))
    assert "warning" not in d.type(verbs[0])
    d.type(verbs[1])
    d.wait("a certificate", lambda: d.status(NAME)["serial"])
    # "Point your server at": its first start is the administrator's.
    d.write("/etc/nginx/nginx.conf", (
        "user www-data; pid /run/nginx.pid; events {}\nhttp {\nserver {\n"
        "listen %s:443 ssl;\nssl_certificate %s%s/fullchain.pem;\n"
        "ssl_certificate_key %s%s/privkey.pem;\n}\n}\n"
        % (WWW, LIVE, NAME, LIVE, NAME)))
    d.type("systemctl start nginx")
    # Else renew-now would only follow what is under way.
    d.wait("nginx to be seen", lambda: d.status(NAME)["run"] is None
           and d.status(NAME)["deploy"][0]["state"] == "done", 90)
    for line in verbs[2:]:
        d.type(line, timeout=120)
    assert d.status(NAME)["state"] == "valid"


def first_failure(d):
    """The name server is down: status says whose it is, and it is mended."""
    d.type("systemctl stop named")
    d.type("acmectl renew-now " + NAME, code=1, timeout=120)
    assert SERVER in d.type("acmectl status " + NAME)
    d.type("acmectl status --check", code=1)
    d.type("systemctl start named")
    d.type("acmectl renew-now " + NAME)
    d.type("acmectl status --check")


def to_production(d):
    """One line changed and a reload: nothing else is to be done."""
    old, seen = d.issuer(NAME), d.served()
    assert "staging" in d.type("acmectl status").lower()
    conf = d.read("/etc/acmed/acmed.conf")
    d.write("/etc/acmed/acmed.conf", conf.replace(
        '"letsencrypt-staging"', '"letsencrypt"'))
    d.type("systemctl reload acmed")
    d.wait("a certificate of the other CA", lambda: d.issuer(NAME) != old)
    d.wait("nginx to serve it", lambda: d.served() != seen)
    d.wait("it to be valid", lambda: d.status(NAME)["state"] == "valid")
    assert "staging" not in d.type("acmectl status").lower()


def with_aliyun(d):
    """A provider of Alibaba Cloud, and a file in conf.d."""
    options = d.ali.options()
    d.write("/etc/acmed/conf.d/ali.conf", block(
        BY_HAND, "A provider's API", 'provider "ali"').replace(
            "LTAI...", options["access_key_id"]) + (
            'certificate "%s" {\n    names = { "%s", "*.%s" }\n'
            '    provider = "ali"\n}\n' % (OTHER, OTHER, OTHER)))
    d.write("/etc/acmed/secrets/alidns", options["access_key_secret"] + "\n")
    # Made by root, as people do: the check says what mends it.
    d.type("chmod 600 /etc/acmed/secrets/alidns")
    said = d.type("acmed --check-config", code=1)
    mend = re.search(r"(chgrp acmed \S+ && chmod 640 \S+|chown acmed\S* \S+)",
                     said)
    assert mend, said
    d.type("systemctl reload acmed", code=1)
    d.type(mend.group(1))
    d.type("acmed --check-config && systemctl reload acmed")
    d.wait("a certificate through Alibaba Cloud",
           lambda: d.status(OTHER)["state"] == "valid")
    assert options["access_key_secret"] not in d.type(
        "journalctl -u acmed -o json")
    d.wait("its records to be gone", lambda: json.loads(d.type(
        "acmectl status --json"))["cleanup"] == [])


def test_first_hour(desk):
    first_certificate(desk)
    first_failure(desk)
    to_production(desk)
    with_aliyun(desk)
