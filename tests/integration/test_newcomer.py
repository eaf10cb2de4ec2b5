# SPDX-License-Identifier: MIT
"""acmectl add where a package has just been installed, under a real systemd:
one command for each certificate, and nothing else."""

import json

from lab import ca
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
