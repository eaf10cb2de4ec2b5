# SPDX-License-Identifier: MIT
"""acmectl add where a package has just been installed, under a real systemd:
one command for each certificate, and nothing else."""

import json
import os

import pytest

from lab import ca, clients
from test_first_hour import LIVE, NAME, SERVER, WWW, with_bind
from test_first_hour import desk                        # noqa: F401

ADD = "acmectl add %s --staging --agree-tos --email admin@example.com "


def prepare(d):
    """BIND with a key, and nginx that serves files."""
    with_bind(d)
    d.type("mkdir -p /var/www/html")
    d.write("/etc/nginx/nginx.conf", (
        "user www-data; pid /run/nginx.pid; events {}\nhttp {\nserver {\n"
        "listen %s:80; listen %s:%d; root /var/www/html;\n}\n}\n"
        % (WWW, WWW, ca.HTTP_PORT)))
    d.type("systemctl start nginx")


def test_add(desk):                                     # noqa: F811
    d = desk
    d.write("/etc/acmed/acmed.conf", 'include("conf.d/*.conf")\n')
    prepare(d)
    assert d.type("systemctl is-active acmed", code=3).strip() == "inactive"
    # It does not run: it is started; it may have nginx reloaded.
    said = d.type(ADD % (NAME + " '*.%s'" % NAME) + "--provider rfc2136 "
                  "--option server=%s --option "
                  "key_file=/etc/acmed/secrets/acmed-key --reload nginx"
                  % SERVER, timeout=120)
    assert "FAIL" not in said, said
    c = d.status(NAME)
    assert c["state"] == "valid" and c["deploy"][0]["state"] == "done", said
    assert d.type("systemctl is-enabled acmed").strip() == "enabled"
    assert "reload" in d.read("/etc/polkit-1/rules.d/50-acmed-nginx.service"
                              ".rules")
    # The sandbox is opened for the webroot, which is acmed's there.
    said = d.type(ADD % NAME + "--name files --webroot /var/www/html",
                  timeout=120)
    assert "FAIL" not in said, said
    assert d.status("files")["state"] == "valid"
    d.type("test -s %sfiles/fullchain.pem" % LIVE)
    dropin = "/etc/systemd/system/acmed.service.d/webroot-files.conf"
    assert "ReadWritePaths=-/var/www/html/.well-known" in d.read(dropin)
    # What fails leaves none of that.
    d.type("mkdir -p /var/www/none")
    d.type(ADD % NAME + "--name none --webroot /var/www/none", code=6,
           timeout=120)
    assert "none" not in d.type("ls /etc/systemd/system/acmed.service.d")
    assert json.loads(d.type("acmectl status --json"))["config"][
        "error"] is None


def certbot(d):
    """Forty lineages of the certbot in there, 38 of them copies."""
    if d.type("test -x /usr/bin/certbot || echo none"):
        pytest.skip("certbot is not installed")
    for n in "n00", "n01":
        # Debian 12's stumbles over each nonce that Pebble refuses.
        d.type("for i in 1 2 3 4 5 6; do REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt certbot "
               "certonly --server https://acme-staging-v02.api.letsencrypt.org"
               "/directory --agree-tos --register-unsafely-without-email "
               "--webroot -w /var/www/html -d %s --cert-name %s "
               "--non-interactive && exit 0; done; exit 1" % (NAME, n),
               timeout=120)
    made = clients.Certbot.__new__(clients.Certbot)
    made.dir = d.box.root + "/etc/letsencrypt"
    for i in range(2, 40):
        made.clone("n0%d" % (i % 2), "n%02d" % i)


def test_forty(desk):                                   # noqa: F811
    """doc/moving.md: forty certificates of certbot's, in one go."""
    d = desk
    d.write("/etc/acmed/acmed.conf", 'include("conf.d/*.conf")\n')
    prepare(d)
    certbot(d)
    said = d.type("acmectl import certbot --yes", timeout=120)
    assert "40 certificates to import, 0 not" in said, said
    s = json.loads(d.type("acmectl status --json"))["certificates"]
    assert len(s) == 40 and {c["state"] for c in s} == {"valid"}, said
    assert {c["next"]["action"] for c in s} == {"renew"}
    # Nothing is left to do for the renewals: the sandbox has been opened.
    assert "must be allowed" not in said, said
    assert "FAIL" not in d.type("acmectl check n00", timeout=120)
    d.type("acmectl renew-now n39", timeout=120)
    d.type("test /var/lib/acmed/live/n39/cert.pem -nt "
           "/etc/letsencrypt/live/n39/cert.pem")
