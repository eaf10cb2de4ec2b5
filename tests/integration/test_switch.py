# SPDX-License-Identifier: MIT
"""Many certificates renewed at once on one nginx and one Apache, under a real
systemd: no server ever reads half a switch, and one reload serves many."""

import os
import shutil

import pytest

from conftest import RESOLVER
from lab import daemon, proc
from test_systemd import SOURCE, box, status     # noqa: F401
from test_units import APACHE, CTL, NGINX, RULES, served

N = 50
NAMES = ["s%02d.example.test" % i for i in range(N)]
LIVE = "/var/lib/acmed/live/"

# Opens each fullchain, and later each key, as servers do: by a path of its
# own.  Exits with 1 if live/ was switched in between.
READER = """#!/usr/bin/python3
import os, sys, time
live = "%s"
names = sorted(n for n in os.listdir(live) if not n.startswith("."))
first = [os.path.realpath(live + n) for n in names]
time.sleep(0.2)
torn = [n for n, f in zip(names, first) if os.path.realpath(live + n) != f]
with open("/root/reads", "a") as f:
    f.write("torn: %%s\\n" %% torn if torn else "read\\n")
sys.exit(bool(torn))
""" % LIVE


def vhosts(one):
    return "".join(one.replace("NAME", n) for n in NAMES)


NGINX_ALL = NGINX.partition("server {")[0] + vhosts("""
server { listen 127.0.0.1:11443 ssl; server_name NAME;
ssl_certificate %sNAME/fullchain.pem; ssl_certificate_key %sNAME/privkey.pem;
location / { return 200 hi; } }""" % (LIVE, LIVE)) + "}\n"
APACHE_ALL = APACHE.partition("SSLEngine")[0] + vhosts("""
<VirtualHost 127.0.0.1:12443>
ServerName NAME
SSLEngine on
SSLCertificateFile %sNAME/fullchain.pem
SSLCertificateKeyFile %sNAME/privkey.pem
</VirtualHost>""" % (LIVE, LIVE))


@pytest.fixture(scope="module")
def many(box, lab):                                  # noqa: F811
    for program in ("nginx", "apache2", "pkaction"):
        if not shutil.which(program):
            pytest.skip(program + " is not installed")
    a = daemon.Acmed(os.path.join(lab.folder, "sw"), lab.pebble().directory,
                     "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers["dns"] = daemon.rfc2136(
        key_secret=None,
        key_secret_file="/run/credentials/acmed.service/tsig")
    for name in NAMES:
        a.cert(name)
    box.write(box.conf, a.text())
    box.write("/etc/systemd/system/lab-reader.service",
              "[Service]\nExecStart=/bin/sleep 10000\n"
              "ExecReload=/usr/local/bin/lab-reader\n")
    box.write("/usr/local/bin/lab-reader", READER, 0o755)
    with open(os.path.join(SOURCE, "etc/polkit-acmed.rules")) as f:
        box.write(RULES, f.read().replace(
            '"nginx.service":',
            '"lab-reader.service": ["reload"],\n"nginx.service":'))
    box.write("/etc/nginx/nginx.conf", NGINX_ALL)
    box.write("/etc/apache2/apache2.conf", APACHE_ALL)
    box.run("systemd-sysusers")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", "acmed")
    proc.wait_until("the first %d certificates" % N, lambda: is_over(box), 60)
    box.run("systemctl", "start", "nginx", "apache2", "lab-reader")
    for name in NAMES:
        a.cert(name, deploy={
            "reader": {"reload": "lab-reader"},
            "apache": {"reload": "apache2", "verify": ["127.0.0.1:12443"]},
            "nginx": {"reload": "nginx", "verify": ["127.0.0.1:11443"]}})
    box.write(box.conf, a.text())
    box.run(*CTL, "reload")
    proc.wait_until("their targets", lambda: all(
        [d["state"] for d in c["deploy"]] == ["done"] * 3
        for c in status(box)["certificates"]), 60)
    return box


def is_over(box):                                    # noqa: F811
    s = status(box)
    return s and len(s["certificates"]) == N and all(
        c["serial"] and c["run"] is None for c in s["certificates"]) and s


def jobs(box, unit):                                 # noqa: F811
    """How many reloads of it systemd has finished."""
    return box.run("journalctl", "-u", unit, "-o", "cat").stdout.count(
        "Reloaded " + unit)


def reads(box):                                      # noqa: F811
    with open(box.root + "/root/reads") as f:
        return f.read().splitlines()


def renew_all(box):                                  # noqa: F811
    """One round; the reloads of the reader, nginx and Apache it took."""
    before = (len(reads(box)), jobs(box, "nginx.service"),
              jobs(box, "apache2.service"))
    old = {c["name"]: c["serial"] for c in status(box)["certificates"]}
    p = box.run(*CTL, "renew-now", *NAMES, check=False)
    assert p.returncode == 0, p.stdout[-3000:]
    for c in is_over(box)["certificates"]:
        assert c["serial"] != old[c["name"]] and not c["error"]
        assert [d["state"] for d in c["deploy"]] == ["done"] * 3, c
        assert [d["tries"] for d in c["deploy"]] == [0] * 3, c
    assert set(reads(box)) == {"read"}
    return tuple(now - then for now, then in zip(
        (len(reads(box)), jobs(box, "nginx.service"),
         jobs(box, "apache2.service")), before))


def test_one_round(many, lab):
    open(many.root + "/root/reads", "w").close()
    for count in renew_all(many):
        assert 1 <= count <= 3
    for unit in ("nginx", "apache2"):
        assert many.run("systemctl", "is-active", unit).stdout == "active\n"
    assert served(11443) and served(12443)
    # One that is alone waits for nobody.
    p = many.run(*CTL, "renew-now", NAMES[0])
    assert "reload nginx" in p.stdout and "waits a moment" not in p.stdout


@pytest.mark.long
def test_twenty_rounds(many, lab):
    open(many.root + "/root/reads", "w").close()
    for _ in range(20):
        counts = renew_all(many)
        print("reloads of reader, nginx, Apache:", *counts)
        assert 1 <= min(counts) and max(counts) <= 3
