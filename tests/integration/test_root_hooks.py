# SPDX-License-Identifier: MIT
"""acmed-hook@.service: hooks as people have them for certbot, as root."""

import os
import shutil

import pytest

from conftest import RESOLVER
from lab import daemon, proc
from test_systemd import SOURCE, box, status, unit, wait_valid   # noqa: F401

CERT = "my-site.example.test"
NAMES = [CERT, "*.example.test", "www.my-site.example.test"]
HOOKS = "/etc/acmed/root-hooks.d/"
CTL = ["/usr/local/bin/acmectl", "--socket", "/run/acmed/acmed.sock"]

PEOPLES = {
    "10-copy": """#!/bin/sh
set -e
for domain in $RENEWED_DOMAINS; do
    case $domain in
    www.my-site.example.test)
        daemon_cert_root=/etc/ssl/private
        umask 077
        cp "$RENEWED_LINEAGE/fullchain.pem" "$daemon_cert_root/$domain.cert"
        cp "$RENEWED_LINEAGE/privkey.pem" "$daemon_cert_root/$domain.key"
        chown www-data "$daemon_cert_root/$domain.key"
        chmod 400 "$daemon_cert_root/$domain.key"
    esac
done
echo "$RENEWED_DOMAINS" >/var/tmp/domains; cp /var/tmp/domains /srv/domains
""",
    "20-root": """#!/bin/bash
if [ "$(id -u)" -ne 0 ]; then echo "This script must be run as root"; exit 1
fi
if [ "$RENEWED_LINEAGE" = "/etc/letsencrypt/live/my-site.example.test" ] ||
    [ "$(basename $RENEWED_LINEAGE)" = "my-site.example.test" ]; then
  install -o www-data -g www-data -m 640 \\
    /etc/letsencrypt/live/my-site.example.test/privkey.pem /srv/app.pem
  cat /etc/letsencrypt/live/my-site.example.test/fullchain.pem >>/srv/app.pem
fi
""",
    "30-reload": "#!/bin/sh\nnginx -t && systemctl reload nginx\n"
    "pkill -HUP -x sleep || :\nrunuser -u www-data -- id -un >/srv/user\n",
    "40-note.txt": "not a program\n",
}
NGINX = """
user www-data; pid /run/nginx.pid; events {} error_log stderr;
http { access_log /var/log/nginx/access.log;
server { listen 127.0.0.1:443 ssl;
ssl_certificate /etc/ssl/private/www.my-site.example.test.cert;
ssl_certificate_key /etc/ssl/private/www.my-site.example.test.key; } }
"""


@pytest.fixture(scope="module")
def hooks(box, lab):                                 # noqa: F811
    for program in ("nginx", "pkaction"):
        if not shutil.which(program):
            pytest.skip(program + " is not installed")
    built = os.path.dirname(unit())
    box.install(os.path.join(built, "acmed-hook@.service"),
                "/etc/systemd/system/acmed-hook@.service")
    box.install(os.path.join(built, "root-hooks"),
                "/usr/libexec/acmed/root-hooks", 0o755)
    box.install(os.path.join(SOURCE, "etc/polkit-acmed.rules"),
                "/etc/polkit-1/rules.d/50-acmed.rules")
    a = daemon.Acmed(os.path.join(lab.folder, "rh"), lab.pebble().directory,
                     "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers["dns"] = daemon.rfc2136(
        key_secret=None,
        key_secret_file="/run/credentials/acmed.service/tsig")
    a.cert(CERT, NAMES, deploy={"root": {
        "start": "acmed-hook@%s.service" % CERT}})
    box.write(box.conf, a.text())
    for name, text in PEOPLES.items():
        box.write(HOOKS + name, text,
                  0o644 if name.endswith(".txt") else 0o755)
    box.write("/etc/nginx/nginx.conf", NGINX)
    box.run("mkdir", "-p", "/etc/ssl/private")
    box.run("sh", "-c", "cd /etc/ssl/private && openssl req -x509 -nodes "
            "-newkey rsa:2048 -subj /CN=old -keyout %s.key -out %s.cert" % (
                (NAMES[2],) * 2))
    box.run("systemd-sysusers")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", "nginx", "polkit")
    p = box.run("systemctl", "start", "acmed", check=False)
    assert p.returncode == 0, box.run("journalctl", "-u", "acmed", "-o",
                                      "cat").stdout
    wait_valid(box, CERT)
    box.acmed = a
    return box


def settled(box):                                    # noqa: F811
    def check():
        c = status(box)["certificates"][0]
        d = c["deploy"][0]
        return c["run"] is None and d["state"] in ("done", "failed") and d
    return proc.wait_until("the deploy", check, 30)


def again(box):                                      # noqa: F811
    box.run(*CTL, "deploy", CERT, check=False)
    return settled(box)


def nothing_left(box):                               # noqa: F811
    proc.wait_until("the copies to be removed", lambda: not box.run(
        "ls", "-A", "/run/acmed-hook").stdout, 5)


def test_peoples_hooks(hooks):
    d = settled(hooks)
    assert d["state"] == "done", d["error"] + hooks.run(
        "journalctl", "-u", "acmed-hook@*", "-o", "cat").stdout
    live = "/var/lib/acmed/live/" + CERT
    key = hooks.run("cat", live + "/privkey.pem").stdout
    copy = "/etc/ssl/private/%s.key" % NAMES[2]
    assert hooks.run("cat", copy).stdout == key
    stat = hooks.run("stat", "-c", "%U %G %a", copy, "/srv/app.pem").stdout
    assert stat == "www-data root 400\nwww-data www-data 640\n"
    assert hooks.run("cat", "/srv/app.pem").stdout.startswith(key)
    assert sorted(hooks.run("cat", "/srv/domains").stdout.split()) == \
        sorted(NAMES)
    assert hooks.run("cat", "/srv/user").stdout == "www-data\n"
    # nginx has read them, and nothing of it is left.
    with open(hooks.root + live + "/cert.pem") as f:
        want = f.read().split()

    def is_served():
        p = proc.run(["openssl", "s_client", "-connect", "127.0.0.1:443"],
                     check=False)
        p = proc.run(["openssl", "x509"], input=p.stdout, stdin=None,
                     check=False)
        return p.stdout.split() == want
    proc.wait_until("nginx to serve it", is_served, 5)
    assert hooks.run("sh", "-c", "ls -A /etc/letsencrypt/live",
                     check=False).stdout.count("pem") == 0
    nothing_left(hooks)


def test_as_systemd_escapes_it(hooks):
    unit_name = hooks.run("systemd-escape", "--template",
                          "acmed-hook@.service", CERT).stdout.strip()
    assert "\\x2d" in unit_name
    hooks.run("rm", "/srv/domains")
    text = hooks.acmed.text().replace(
        '"acmed-hook@%s.service"' % CERT, "'%s'" % unit_name)
    assert unit_name in text
    hooks.write(hooks.conf, text)
    hooks.run(*CTL, "reload")
    d = again(hooks)
    assert d["state"] == "done", d["error"]
    assert hooks.run("cat", "/srv/domains").stdout.split()
    hooks.write(hooks.conf, hooks.acmed.text())
    hooks.run(*CTL, "reload")


def test_what_is_refused(hooks):
    """A hook that others may write to, one that fails, a certificate that is
    none, and a link to what acmed may not read."""
    hooks.write(HOOKS + "50-bad", "#!/bin/sh\necho the dog ate it\nexit 3\n",
                0o755)
    d = again(hooks)
    assert d["state"] == "failed"
    assert "the dog ate it" in d["error"] and "status 3" in d["error"], d
    nothing_left(hooks)
    hooks.write(HOOKS + "50-bad", "#!/bin/sh\ntouch /srv/ran\n", 0o775)
    d = again(hooks)
    assert HOOKS + "50-bad: not run" in d["error"], d
    assert not os.path.exists(hooks.root + "/srv/ran")
    hooks.run("rm", HOOKS + "50-bad")
    assert again(hooks)["state"] == "done"

    live = "/var/lib/acmed/live/" + CERT
    hooks.write("/root/secret", "secret\n", 0o600)
    hooks.run("mv", live + "/chain.pem", live + "/chain")
    hooks.run("ln", "-s", "/root/secret", live + "/chain.pem")
    p = hooks.run("systemctl", "start", "acmed-hook@%s.service" % CERT,
                  check=False)
    assert p.returncode != 0
    assert "chain.pem cannot be read as acmed" in hooks.run(
        "journalctl", "-u", "acmed-hook@*", "-o", "cat").stdout
    hooks.run("mv", live + "/chain", live + "/chain.pem")
    for name in ("nobody.example.test", "..", "-x"):
        p = hooks.run("systemctl", "start", "acmed-hook@%s.service" % name,
                      check=False)
        assert p.returncode != 0, name
