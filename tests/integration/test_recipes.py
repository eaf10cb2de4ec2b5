# SPDX-License-Identifier: MIT
"""doc/deploy-recipes.md, typed line by line: servers with users of their own,
as Debian packages and starts them, get their copies and serve them."""

import os
import re
import shutil
import textwrap

import pytest

from conftest import RESOLVER
from lab import daemon, dovecot, proc
from lab.documents import blocks, commands, section
from test_systemd import SOURCE, box, status, unit   # noqa: F401
from test_units import CTL, RULES, served

with open(os.path.join(SOURCE, "doc/deploy-recipes.md")) as f:
    TEXT = f.read()
AS_ROOT = section("doc/deploy-recipes.md", "Servers that read their key as root")
OTHERS = TEXT.partition("## 3. ")[2].partition("## 4. ")[0]
SECTION = TEXT.partition("## 1. ")[2].partition("## 2. ")[0]
ROOTS = TEXT.partition("## 2. ")[2].partition("## 3. ")[0]
DIRECTORY = re.search("^    (install -d .*)$", SECTION, re.M).group(1)
BLOCK = re.search(r'^    certificate "NAME" \{\n.*?^    \}\n', SECTION,
                  re.M | re.S).group(0)
LDIF = re.sub("^    (# )?", "", re.search(
    r"^    # ldapmodify .*?^    EOF\n", SECTION, re.M | re.S).group(0),
    flags=re.M)


def rows(heading, text=SECTION):
    """A table of the recipes: {server: [cells]}."""
    table = re.search(r"^\| server \| %s.*\n\|[-|]+\n((\|.*\n)+)" % heading,
                      text, re.M).group(1)
    return {cells[0].lower(): cells[1:] for cells in (
        [c.strip() for c in line.strip("|").split(" | ")]
        for line in table.splitlines())}


def spans(text):
    return re.findall("`([^`]+)`", text.partition(" (")[0])


STEPS, LINES = rows("directory"), rows("file")
ROOT = rows("file", AS_ROOT)
# What runs it, what its file says besides (None: what Debian put there), and
# what openssl asks.
SERVERS = {
    "caddy": ("caddy", "{\nauto_https disable_redirects\n}\n"
              "NAME {\nLINES\nrespond hi\n}\n",
              [(443, "-servername", "NAME")]),
    "coturn": ("turnserver", "realm=example.test\nlistening-ip=127.0.0.1\n"
               "LINES\n", [(5349,)]),
    "mariadb": ("mariadbd", "[mariadbd]\nLINES\n",
                [(3306, "-starttls", "mysql")]),
    "mosquitto": ("mosquitto", "listener 8883\nLINES\n", [(8883,)]),
    "prosody": ("prosody", 'VirtualHost "NAME"\nLINES\n',
                [(5222, "-starttls", "xmpp", "-xmpphost", "NAME"),
                 (5269, "-starttls", "xmpp-server", "-xmpphost", "NAME")]),
    "redis": ("redis-server", None, [(6379,)]),
    "slapd": ("slapd", None, [(389, "-starttls", "ldap"), (636,)]),
}


@pytest.fixture(scope="module")
def kitchen(box):                                    # noqa: F811
    if not shutil.which("pkaction"):
        pytest.skip("pkaction is not installed")
    with open(os.path.join(SOURCE, "etc/polkit-acmed.rules")) as f:
        box.write(RULES, f.read().replace("// , ", ", "))
    box.write("/etc/systemd/system/acmed.service.d/recipes.conf",
              "[Service]\n" + "".join("ReadWritePaths=-%s\n" % spans(s[0])[0]
                                      for s in STEPS.values()))
    box.run("systemd-sysusers")
    box.run("systemctl", "daemon-reload")
    return box


@pytest.fixture
def port443(kitchen):
    """Whoever has it leaves it."""
    yield
    kitchen.run("systemctl", "stop", "nginx", "apache2", "haproxy",
                "lighttpd", check=False)


def conf(lab):
    a = daemon.Acmed(os.path.join(lab.folder, "re"), lab.pebble().directory,
                     "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers["dns"] = daemon.rfc2136(
        key_secret=None,
        key_secret_file="/run/credentials/acmed.service/tsig")
    return a.text()


def block_of(folder, step, verify):
    """The recipe's block, with what the table says of this server."""
    block = BLOCK if folder else blocks(
        "doc/deploy-recipes.md", "Servers that read their key as root")[0]
    for pattern, line in (
            ("names = .*",
             'names = "NAME"\naccount = "lab"\nprovider = "dns"'),
            ("reload = .*", step),
            ("verify = .*", "verify = { %s }" % ", ".join(
                '"NAME:%s connect=127.0.0.1"' % v.partition(":")[2]
                for v in verify))):
        block, n = re.subn(pattern, line, block)
        assert n == 1
    return block.replace("/etc/caddy/certs", folder or "")


def configure(box, row, name, text):                 # noqa: F811
    """Its own configuration gets the recipe's lines."""
    file = spans(row[0])[0]
    # Without a remark behind them.
    lines = "\n".join(re.findall("`([^`]+)`", re.sub("(?<=`) [(].*", "",
                                                     row[1])))
    if text is None:
        with open(box.root + file) as f:
            text = f.read() + "LINES\n"
    box.write(file.replace("NAME", name),
              text.replace("LINES", lines).replace("NAME", name))


def wait_state(box, state):                          # noqa: F811
    def check():
        s = status(box)
        return s and [d["state"] for c in s["certificates"]
                      for d in c["deploy"]] == [state]
    proc.wait_until(lambda: "the deploy to be %s: %s" % (
        state, status(box)["certificates"][0]["deploy"]), check, 30)


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_recipe(kitchen, lab, kind):
    (program, text, asked), name = SERVERS[kind], kind + ".example.test"
    for p in (program,) + ("ldapmodify",) * (kind == "slapd"):
        if not shutil.which(p, path="/usr/sbin:/usr/bin"):
            pytest.skip(p + " is not installed")
    (folder,), group, (step,), verify = (
        spans(STEPS[kind][0]), STEPS[kind][1], spans(STEPS[kind][2]),
        spans(STEPS[kind][3]))
    unit = step.split('"')[1]
    kitchen.run(*DIRECTORY.replace("/etc/caddy/certs", folder).replace(
        "caddy", group).split())
    configure(kitchen, LINES[kind], name, text)
    kitchen.write(kitchen.conf, conf(lab) + block_of(
        folder, step, verify).replace("NAME", name))
    kitchen.run("systemctl", "restart", "acmed")
    if "reload" in step:
        wait_state(kitchen, "verifying")
        p = kitchen.run("systemctl", "start", unit, check=False)
        assert p.returncode == 0, kitchen.run("journalctl", "-u", unit, "-o",
                                              "cat").stdout
    if kind == "slapd":
        wait_state(kitchen, "verifying")
        kitchen.run("sh", "-c", LDIF.replace("NAME", name))
    wait_state(kitchen, "done")
    serials = set()
    for _ in range(2):
        if serials:
            p = kitchen.run(*CTL, "renew-now", name, check=False)
            assert p.returncode == 0, p.stdout
        for end in ("pem", "key"):
            assert kitchen.run("stat", "-c", "%U %G %a", "%s/%s.%s" % (
                folder, name, end)).stdout == "acmed %s 640\n" % group
        serial, = [c["serial"] for c in status(kitchen)["certificates"]]
        for port, *options in asked:
            assert served(port, *[o.replace("NAME", name)
                                  for o in options]) == serial.lstrip("0")
        serials.add(serial)
    assert len(serials) == 2
    kitchen.run("systemctl", "stop", unit)


# The unit, what its file says besides, what openssl asks.
OF_ROOT = {
    "apache": ("apache2.service", "<VirtualHost *:443>\nServerName NAME\n"
               "LINES\n</VirtualHost>\n", (443,)),
    "dovecot": ("dovecot.service", None, (993,)),
    "lighttpd": ("lighttpd.service", "LINES\n", (443,)),
    "nginx": ("nginx.service", "server {\nlisten 443 ssl;\n"
              "server_name NAME;\nLINES\n}\n", (443,)),
    "postfix": ("postfix.service", "compatibility_level = 3.6\n"
                "myhostname = NAME\nmydestination =\n"
                "inet_interfaces = 127.0.0.1\nLINES\n",
                (25, "-starttls", "smtp")),
}


def served_twice(box, name, asked):                  # noqa: F811
    """What was issued first, and what comes with a renewal."""
    serials = set()
    while len(serials) < 2:
        if serials:
            p = box.run(*CTL, "renew-now", name, check=False)
            assert p.returncode == 0, p.stdout
        wait_state(box, "done")
        serial, = [c["serial"] for c in status(box)["certificates"]]
        assert served(*asked) == serial.lstrip("0")
        serials.add(serial)


@pytest.mark.parametrize("kind", sorted(OF_ROOT))
def test_of_root(kitchen, port443, lab, kind):
    """First the certificate, then the server's lines, then its start, and
    `acmectl deploy`: as the document says."""
    (unit, text, asked), name = OF_ROOT[kind], kind + ".example.test"
    program = unit.partition(".")[0]
    if not shutil.which(program, path="/usr/sbin:/usr/bin"):
        pytest.skip(program + " is not installed")
    row = ROOT.get(kind) or ROOT["dovecot %d.%d" % dovecot.version()]
    if kind == "dovecot":
        text = dovecot.head("imap") + "LINES\n"
    kitchen.run("sh", "-c", "rm -f /etc/nginx/sites-enabled/* "
                "/etc/apache2/sites-enabled/*")
    (step,), verify = spans(row[2]), spans(row[3])
    kitchen.write(kitchen.conf, conf(lab) + block_of(
        None, step, verify).replace("NAME", name))
    kitchen.run("systemctl", "restart", "acmed")
    wait_cert(kitchen)
    if kind == "apache":
        kitchen.run("a2enmod", "-q", "ssl")
    configure(kitchen, row, name, text)
    p = kitchen.run("systemctl", "start", unit, check=False)
    assert p.returncode == 0, kitchen.run("journalctl", "-u", program + "*",
                                          "-o", "cat").stdout
    deploy(kitchen, name)
    served_twice(kitchen, name, asked)
    kitchen.run("systemctl", "stop", unit)


def deploy(box, name):                               # noqa: F811
    """Once the first try is over, whatever came of it."""
    def done():
        p = box.run(*CTL, "deploy", name, check=False)
        assert p.returncode in (0, 5), p.stdout
        return p.returncode == 0
    proc.wait_until("the target to be free", done, 90)


def wait_cert(box):                                  # noqa: F811
    def check():
        s = status(box)
        return s and s["certificates"][0]["serial"]
    proc.wait_until(lambda: "a certificate: %s" % status(box), check, 30)


def test_haproxy(kitchen, port443, lab):
    """Root, and a copy in another form."""
    if not shutil.which("haproxy", path="/usr/sbin"):
        pytest.skip("haproxy is not installed")
    name = "haproxy.example.test"
    row = re.search(r"^\| HAProxy, `(.*?)` \| (.*) \|$", OTHERS, re.M)
    install, step, make, paths = re.findall("`([^`]+)`", row.group(2))
    kitchen.run(*make.split())
    kitchen.write("/etc/systemd/system/acmed.service.d/haproxy.conf",
                  "[Service]\n%s\n" % paths)
    kitchen.run("systemctl", "daemon-reload")
    kitchen.write("/etc/haproxy/haproxy.cfg", (
        "global\n user haproxy\n group haproxy\ndefaults\n mode http\n"
        " timeout client 10s\n timeout server 10s\n timeout connect 3s\n"
        "frontend f\n %s\n http-request return status 200\n"
        % row.group(1)))
    block = block_of(None, install + "\n" + step, ["x:443"])
    kitchen.write(kitchen.conf, conf(lab) + block.replace("NAME", name))
    kitchen.run("systemctl", "restart", "acmed")
    wait_cert(kitchen)
    proc.wait_until("the copy", lambda: os.path.exists(
        kitchen.root + "/etc/haproxy/certs/%s.pem" % name), 30)
    kitchen.run("systemctl", "start", "haproxy")
    deploy(kitchen, name)
    served_twice(kitchen, name, (443,))


def test_container(kitchen, port443, lab):
    """nginx in place of the container, a stand-in for docker that signals
    it: the unit, the rule, the copies are the document's."""
    name, where = "container.example.test", ("doc/deploy-recipes.md",
                                             "4. Containers")
    prepare, unit_text, block = blocks(*where)
    rule = re.search(r'`("acmed-container-web.service": [^`]*)`',
                     section(*where)).group(1)
    kitchen.run(*commands(prepare)[0].split())
    paths, = [x for x in commands(prepare) if x.startswith("ReadWrite")]
    kitchen.write("/etc/systemd/system/acmed.service.d/container.conf",
                  "[Service]\n%s\n" % paths)
    file = re.search("`(/etc/systemd/system/[^`]*)`:",
                     section(*where)).group(1)
    kitchen.write(file, unit_text)
    kitchen.write("/usr/bin/docker", "#!/bin/sh\necho \"$@\" >>/root/asked\n"
                  "exec systemctl kill -s HUP --kill-who=main nginx\n", 0o755)
    with open(kitchen.root + RULES) as f:
        rules = f.read()
    kitchen.write(RULES, rules.replace('"apache2.service"',
                                       rule + ',\n"apache2.service"'))
    copy = "/etc/acmed-web/" + name
    kitchen.write("/etc/nginx/sites-enabled/" + name, (
        "server {\nlisten 443 ssl;\nserver_name %s;\nssl_certificate "
        "%s.pem;\nssl_certificate_key %s.key;\n}\n" % (name, copy, copy)))
    for pattern, line in (
            ("names = .*",
             'names = "NAME"\naccount = "lab"\nprovider = "dns"'),
            ("verify = .*", 'verify = { "NAME:443 connect=127.0.0.1" }')):
        block, n = re.subn(pattern, line, block)
        assert n == 1
    kitchen.write(kitchen.conf, conf(lab) + block.replace("NAME", name))
    kitchen.run("systemctl", "daemon-reload")
    kitchen.run("systemctl", "restart", "acmed")
    proc.wait_until("the copy", lambda: os.path.exists(
        kitchen.root + copy + ".key"), 30)
    kitchen.run("systemctl", "start", "nginx")
    deploy(kitchen, name)
    served_twice(kitchen, name, (443,))
    assert set(kitchen.run("cat", "/root/asked").stdout.splitlines()) == {
        "kill --signal=HUP web"}
    kitchen.write(RULES, rules)


def test_postgresql(kitchen, lab):
    """A key that its owner alone may have: a hook of root copies it."""
    if not shutil.which("pg_createcluster"):
        pytest.skip("pg_createcluster is not installed")
    name = "postgresql.example.test"
    version = max(os.listdir("/usr/lib/postgresql"), key=float)
    text = re.sub(r"\bNAME\b", name, ROOTS.replace(
        "/15/", "/%s/" % version).replace("pg.example.com", "NAME"))
    folder = "/etc/postgresql/%s/main" % version
    hook, block = (textwrap.dedent(re.search(
        "^    %s.*?^    %s\n" % ends, text, re.M | re.S).group(0))
        for ends in (("#!/bin/sh", "done"), ("certificate ", "}")))
    for pattern, more in (("(names = .*)", r'\1 account = "lab" '
                           'provider = "dns"'),
                          ("(:5432)", r"\1 connect=127.0.0.1")):
        block, n = re.subn(pattern, more, block)
        assert n == 1
    settings = re.findall(r"`(ssl_\w+ =\s'[^`']+')`", text)
    assert len(settings) == 2
    built = os.path.dirname(unit())
    kitchen.install(os.path.join(built, "acmed-hook@.service"),
                    "/etc/systemd/system/acmed-hook@.service")
    kitchen.install(os.path.join(built, "root-hooks"),
                    "/usr/libexec/acmed/root-hooks", 0o755)
    kitchen.write("/etc/acmed/root-hooks.d/10-postgresql", hook, 0o755)
    kitchen.run("rm", "-rf", folder, "/var/lib/postgresql/%s/main" % version)
    kitchen.run("pg_createcluster", "-p", "5432", version, "main")
    kitchen.write(folder + "/conf.d/acmed.conf", "ssl = on\n" + "".join(
        " ".join(s.split()) + "\n" for s in settings))
    kitchen.write(kitchen.conf, conf(lab) + block)
    kitchen.run("systemctl", "daemon-reload")
    kitchen.run("systemctl", "restart", "acmed")
    wait_state(kitchen, "verifying")
    units = "postgresql.service", "postgresql@%s-main.service" % version
    kitchen.run("systemctl", "start", *units)
    wait_state(kitchen, "done")
    serials = set()
    for is_renewed in (False, True):
        if is_renewed:
            p = kitchen.run(*CTL, "renew-now", name, check=False)
            assert p.returncode == 0, p.stdout
        assert kitchen.run("stat", "-c", "%U %a", folder + "/privkey.pem"
                           ).stdout == "postgres 600\n"
        serial, = [c["serial"] for c in status(kitchen)["certificates"]]
        assert served(5432, "-starttls", "postgres") == serial.lstrip("0")
        serials.add(serial)
    assert len(serials) == 2
    kitchen.run("systemctl", "stop", *units)
