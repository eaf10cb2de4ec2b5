# SPDX-License-Identifier: MIT
"""README.md from the first certificate to the everyday commands, and then
doc/backup.md, typed as they stand under a real systemd; Let's Encrypt and
Alibaba Cloud are played as in test_first_hour.py."""

import os
import re
import shutil

import pytest

from lab import proc
from lab.documents import block, blocks, commands
from lab.person import Person
from test_first_hour import LIVE, NAME, WWW, make_desk
from test_systemd import SDBOX

README = "README.md"
BACKUP, UPGRADING = "doc/backup.md", "doc/upgrading.md"
INSTALLING, ZH = "doc/installing.md", "doc/zh/getting-started.md"


@pytest.fixture
def desk_at_ali(lab):
    d = make_desk(lab, False, NAME)
    yield d
    d.stop()


def add(d):
    """It asks, and is answered."""
    line, = commands(block(README, "First certificate", "acmectl add"))
    options = d.ali.options()
    p = Person([SDBOX, "run", "/bin/bash", "-c",
                'command -v sudo >/dev/null || sudo() { "$@"; }\n' + line],
               env=d.box.env)
    p.answer("E-mail address", "admin@example.com")
    p.answer("Do you agree", "y")
    p.answer("access_key_id - ", options["access_key_id"])
    p.answer("access_key_secret - ", options["access_key_secret"])
    assert p.end() == 0, p.seen
    assert options["access_key_secret"] not in p.seen
    assert "FAIL" not in p.seen, p.seen


def to_production(d):
    """Two commands, and the certificate of the other CA is served."""
    old = d.issuer(NAME), d.served()
    for line in commands(block(README, "From staging to production",
                               "check-config")):
        d.type(line)
    d.wait("a certificate of the other CA",
           lambda: d.issuer(NAME) != old[0])
    d.wait("nginx to serve it", lambda: d.served() != old[1])
    d.wait("it to be valid", lambda: d.status(NAME)["state"] == "valid"
           and d.status(NAME)["run"] is None)


def known(d):
    """What is known of the certificate whatever is lost."""
    c = d.status(NAME)
    return c["serial"], c["not_after"], c["state"]


def account(d):
    return d.type("acmectl account show letsencrypt")


def backed_up(d):
    """doc/backup.md and doc/upgrading.md: saved in two ways, lost, restored;
    nothing is issued for that."""
    before, registered = known(d), account(d)
    stopped, = blocks(BACKUP, "A backup with acmed stopped")
    running, = blocks(BACKUP, "A backup while acmed runs")
    restore, database = blocks(BACKUP, "Restore")
    unpack = [line for line in commands(restore) if "tar -C" in line]
    assert len(unpack) == 1
    for line in commands(stopped):
        d.type(line)
    ways = [commands(restore)]
    if shutil.which("sqlite3"):
        for line in commands(running):
            d.type(line)
        ways.append([line.replace("acmed-backup", "acmed-files")
                     for line in ways[0]])
        ways[1].insert(ways[1].index(
            unpack[0].replace("acmed-backup", "acmed-files")) + 1,
            commands(database)[0])
    for way in ways:
        d.type("systemctl stop acmed; rm -rf /etc/acmed /var/lib/acmed")
        for line in way:
            d.type(line)
        d.wait("the restored state", lambda: known(d) == before)
        assert account(d) == registered
        d.wait("it to be fit", lambda: "FAIL" not in d.type(
            "acmectl check " + NAME))
    # Back to an older version, without a backup of the old state.db.
    for line in commands(block(UPGRADING, "Going back to an older version",
                               "state.db")):
        d.type(line)
    d.wait("what live/ has", lambda: known(d) == before)
    for line in commands(block(UPGRADING, "A build from source",
                               "make install")):
        if "make install" not in line:
            d.type(line)
    assert known(d) == before
    d.type("acmectl renew-now " + NAME, timeout=120)
    assert account(d) == registered


def monitored(d):
    """The two checks run, and the line for the page has it served."""
    checks, line = blocks(README, "Monitoring")
    for check in commands(checks):
        # After "Every day" the certificate is one that was rolled back.
        d.type("%s; test $? -lt 3" % check)
    d.type("printf '%%s\\n' '%s' >>/etc/acmed/acmed.conf" % line.strip())
    d.type("systemctl reload acmed")
    address = line.split('"')[1]
    assert "example.com" in d.type("curl -fsS http://%s/" % address)
    assert "acmed_build_info" in d.type("curl -fsS http://%s/metrics"
                                        % address)


LEFT = ("ls -d /etc/acmed* /etc/*/*acmed* /etc/*/*/*acmed* "
        "/usr/*/acme[dc]* /usr/share/*/acme[dc]* "
        "/usr/share/*/*/acme[dc]* /lib/systemd/system/acmed* "
        "/var/lib/acmed* 2>/dev/null; :")


def purged(d):
    """The same of the package."""
    d.type("apt-get purge acmed", timeout=120)
    assert d.type(LEFT) == ""


def removed(d):
    """doc/installing.md: nothing of acmed is left."""
    for text in blocks(INSTALLING, "Removing what was built from source"):
        for line in commands(text):
            if "make uninstall" in line:
                proc.run(["make", "-C", os.path.dirname(
                    os.environ["ACMED"]), "uninstall",
                    "DESTDIR=" + d.box.root])
            else:
                d.type(line)
    assert d.type(LEFT) == ""
    d.type("id acmed", code=1)


def test_getting_started(desk_at_ali):
    """doc/zh/getting-started.md, from the AccessKey to production."""
    d, options = desk_at_ali, desk_at_ali.ali.options()
    d.write("/etc/acmed/acmed.conf", 'include("conf.d/*.conf")\n')
    heading = "方案一：阿里云云解析 DNS"
    for line in commands(block(ZH, heading, "install -o acmed")):
        file = re.match(r"editor (\S+)$", line)
        d.type("printf '%%s\\n' '%s' >%s" % (
            options["access_key_secret"], file.group(1)) if file else line)
    conf = block(ZH, heading, "certificate ")
    assert conf.count("LTAI...") == 1
    d.write("/etc/acmed/conf.d/example.com.conf",
            conf.replace("LTAI...", options["access_key_id"]))
    heading = "部署到 nginx"
    for line in commands(block(ZH, heading, "polkit-acmed.rules")):
        d.type(line)
    lines = commands(block(ZH, heading, "acmed --check-config"))
    for line in lines[:-1]:
        d.type(line)
    d.wait("a certificate", lambda: d.status(NAME)["serial"])
    d.write("/etc/nginx/nginx.conf", (
        "user www-data; pid /run/nginx.pid; events {}\nhttp {\nserver {\n"
        "listen %s:443 ssl;\n%s}\n}\n" % (WWW, block(
            ZH, heading, "ssl_certificate"))))
    d.type("nginx -t && systemctl start nginx")
    for line in [lines[-1]] + commands(block(ZH, heading,
                                             "acmectl deploy")):
        d.wait(line, lambda: d.status(NAME)["run"] is None, 90)
        said = d.type(line, timeout=120)
    assert "staging" in said, said
    d.type("sed -i s/letsencrypt-staging/letsencrypt/ "
           "/etc/acmed/conf.d/example.com.conf; systemctl reload acmed")
    d.wait("it to be valid", lambda: d.status(NAME)["state"] == "valid"
           and not d.status(NAME)["staging"]
           and d.status(NAME)["run"] is None
           and d.status(NAME)["deploy"][0]["state"] == "done", 90)
    for text in blocks(ZH, "常见错误"):
        for line in commands(text):
            d.type(line, timeout=120)


def test_readme(desk_at_ali):
    d = desk_at_ali
    d.write("/etc/acmed/acmed.conf", 'include("conf.d/*.conf")\n')
    d.write("/etc/nginx/nginx.conf", (
        "user www-data; pid /run/nginx.pid; events {}\nhttp {\n"
        "server { listen %s:80; }\ninclude /etc/nginx/conf.d/*.conf;\n}\n"
        % WWW))
    d.type("rm -f /etc/nginx/conf.d/*; systemctl start nginx")
    add(d)
    assert d.status(NAME)["staging"]
    # The front has the port of other addresses.
    text, n = re.subn("listen 443 ", "listen %s:443 " % WWW, block(
        README, "First certificate", "ssl_certificate"))
    assert n == 1
    d.write("/etc/nginx/conf.d/example.com.conf", text)
    for line in commands(block(README, "First certificate", "nginx -t")):
        d.type(line)
    to_production(d)
    verify, = blocks(README, "From staging to production")[1].splitlines()
    d.write("/root/editor", "#!/bin/sh\nsed -i '/reload = /a\\\n%s' \"$1\"\n"
            % verify, 0o755)
    d.type("EDITOR=/root/editor acmectl edit " + NAME)
    assert verify.split('"')[1] in d.type("acmectl deploy " + NAME,
                                          timeout=120)
    for line in commands(block(README, "Every day", "acmectl plan")):
        d.type(line, timeout=120)
    monitored(d)
    d.type("test -s %s%s/privkey.pem" % (LIVE, NAME))
    backed_up(d)
    if os.environ.get("DESK_PACKAGE"):
        purged(d)
    else:
        removed(d)
