# SPDX-License-Identifier: MIT
"""The deploy steps reload, restart and start, as user acmed, with the real
systemd, polkit, nginx and Apache."""

import json
import os
import shutil
import time

import pytest

from conftest import RESOLVER
from lab import daemon, proc
from test_systemd import SOURCE, box, status, wait_valid     # noqa: F401

RULES = "/etc/polkit-1/rules.d/50-acmed.rules"
CERT = "units.example.test"
LIVE = "/var/lib/acmed/live/" + CERT
CTL = ["/usr/local/bin/acmectl", "--socket", "/run/acmed/acmed.sock"]

NGINX = """
user www-data; pid /run/nginx.pid; events {} error_log stderr;
http { access_log /var/log/nginx/access.log;
server { listen 127.0.0.1:11443 ssl;
ssl_certificate %s/fullchain.pem; ssl_certificate_key %s/privkey.pem;
location / { return 200 hi; } } }
""" % (LIVE, LIVE)
APACHE = "".join(
    "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (m, m)
    for m in ("mpm_event", "authz_core", "socache_shmcb", "ssl")) + """
ServerName localhost
User www-data
Group www-data
PidFile ${APACHE_PID_FILE}
ErrorLog syslog
Mutex file:/run/apache2 default
Listen 127.0.0.1:12443 https
SSLEngine on
SSLCertificateFile %s/fullchain.pem
SSLCertificateKeyFile KEY
""" % LIVE
POSTFIX = """
compatibility_level = 3.6
myhostname = units.example.test
mydestination =
inet_interfaces = 127.0.0.1
smtpd_tls_security_level = may
smtpd_tls_chain_files = %s/privkey.pem, %s/fullchain.pem
""" % (LIVE, LIVE)
HAPROXY = """
global
 user haproxy
 group haproxy
defaults
 mode http
 timeout client 10s
 timeout server 10s
 timeout connect 3s
frontend f
 bind 127.0.0.1:13443 ssl crt /etc/haproxy/lab.pem
 http-request return status 200
"""
UNITS = {
    "lab-bad.service": "[Service]\nExecStart=/bin/sleep 1000\n"
    "ExecReload=/bin/sh -c 'echo the cat sits on the key; exit 3'\n",
    "lab-copy.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c "
    "'id -un >/root/copied; cat %s/privkey.pem >>/root/copied'\n" % LIVE,
    "lab-no.service": "[Service]\nExecStart=/bin/sleep 1000\n",
}


def write_conf(box, lab, deploy):                    # noqa: F811
    a = daemon.Acmed(os.path.join(lab.folder, "un"), lab.pebble().directory,
                     "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers["dns"] = daemon.rfc2136(
        key_secret=None,
        key_secret_file="/run/credentials/acmed.service/tsig")
    a.cert(CERT, deploy=deploy)
    box.write(box.conf, a.text())


@pytest.fixture(scope="module")
def servers(box, lab):                               # noqa: F811
    """acmed with a certificate; nginx and Apache serve it; units of ours."""
    for program in ("nginx", "apache2", "pkaction"):
        if not shutil.which(program):
            pytest.skip(program + " is not installed")
    write_conf(box, lab, {"web": {"reload": ["nginx", "apache2.service"]}})
    for name, text in UNITS.items():
        box.write("/etc/systemd/system/" + name, text)
    box.install(os.path.join(SOURCE, "etc/polkit-acmed.rules"), RULES)
    box.write("/etc/nginx/nginx.conf", NGINX)
    box.write("/etc/apache2/apache2.conf",
              APACHE.replace("KEY", LIVE + "/privkey.pem"))
    box.run("systemd-sysusers")
    box.run("systemctl", "daemon-reload")
    p = box.run("systemctl", "start", "acmed", check=False)
    assert p.returncode == 0, box.run("journalctl", "-u", "acmed", "-o",
                                      "cat").stdout
    # Nothing runs yet: nothing to reload.
    wait_valid(box, CERT)
    assert deploy_of(box)["state"] == "done"
    box.run("systemctl", "start", "nginx", "apache2", "lab-bad", "lab-no")
    return box


def deploy_of(box):                                  # noqa: F811
    return status(box)["certificates"][0]["deploy"][0]


def served(port, *options):
    p = proc.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port,
                  *options], check=False)
    p = proc.run(["openssl", "x509", "-noout", "-serial"], check=False,
                 input=p.stdout, stdin=None)
    return p.stdout.strip().partition("=")[2].lower().lstrip("0")


def renew(box):                                      # noqa: F811
    return box.run(*CTL, "renew-now", CERT, check=False)


def settled(box, is_renewed=True):                   # noqa: F811
    """Renewed and deployed, well or not: what acmectl says of the deploy.

    The reload of acmed may have begun an earlier failure's next try, and runs
    a target that is new or not the same any more.
    """
    if is_renewed:
        renew(box)
    return proc.wait_until(
        "the deploy", lambda: deploy_of(box)["state"] in ("done", "failed")
        and deploy_of(box), 20)


def deploy(box, lab, target, is_renewed=True):       # noqa: F811
    write_conf(box, lab, {"web": target})
    box.run(*CTL, "reload")
    return settled(box, is_renewed)


def serial(box):                                     # noqa: F811
    return status(box)["certificates"][0]["serial"].lower().lstrip("0")


def test_reload(servers, lab):
    before = serial(servers)
    assert served(11443) == before and served(12443) == before
    d = deploy(servers, lab, {"reload": ["nginx", "apache2.service"]})
    assert d["state"] == "done", d["error"]
    now = serial(servers)
    assert now != before
    proc.wait_until("both to serve it", lambda: served(11443) == now
                    and served(12443) == now, 5)


def checked(box, lab, target, code):                 # noqa: F811
    """What acmectl check says of the target; nothing happened to a unit."""
    write_conf(box, lab, {"web": target})
    box.run(*CTL, "reload")
    settled(box, False)
    invocations = [box.run("systemctl", "show", "-P", "ExecReload",
                           u).stdout for u in ("nginx", "lab-bad")]
    p = box.run(*CTL, "--json", "check", "--no-probe", check=False)
    assert p.returncode == code, p.stdout
    assert invocations == [box.run("systemctl", "show", "-P", "ExecReload",
                                   u).stdout for u in ("nginx", "lab-bad")]
    return [d for d in map(json.loads, p.stdout.splitlines())
            if d.get("check") == "deploy"][0]


def test_check(servers, lab):
    """What would stand in a deploy's way is found before it: no rule, no such
    unit, a mistake in nginx.conf, a directory that is not acmed's."""
    d = checked(servers, lab, {"reload": ["nginx", "apache2"],
                               "verify": ["%s:11443 connect=127.0.0.1"
                                          % CERT]}, 0)
    assert d["result"] == "ok" and "is served" in d["msg"], d
    d = checked(servers, lab, {"reload": "nginx", "verify": [
        "%s:11499 connect=127.0.0.1" % CERT], "verify_timeout": "1s"}, 0)
    assert d["result"] == "warn" and "refused" in d["msg"], d
    d = checked(servers, lab, {"restart": "nginx"}, 6)
    assert d["result"] == "fail" and 'verb "restart"' in d["msg"], d
    d = checked(servers, lab, {"reload": "no-such-unit"}, 6)
    assert "knows no unit" in d["msg"], d
    d = checked(servers, lab, {"start": "no-such-unit"}, 6)
    assert "knows no unit" in d["msg"], d
    d = checked(servers, lab, {"install": {"/etc/key.pem": {
        "format": "privkey"}}}, 6)
    assert "/etc/key.pem" in d["msg"], d
    servers.write("/etc/nginx/nginx.conf", "nonsense on;\n" + NGINX)
    try:
        d = checked(servers, lab, {"reload": "nginx"}, 6)
        assert 'unknown directive "nonsense"' in d["msg"], d
    finally:
        servers.write("/etc/nginx/nginx.conf", NGINX)


def test_no_rule(servers, lab):
    """Nothing is allowed that the rule does not name."""
    d = deploy(servers, lab, {"reload": "lab-bad"})
    assert d["state"] == "failed"
    for part in ("acmed", "reload", "lab-bad.service", RULES,
                 "org.freedesktop.systemd1.manage-units"):
        assert part in d["error"], d["error"]
    # A verb of its own.
    d = deploy(servers, lab, {"restart": "nginx"})
    assert 'verb "restart"' in d["error"], d["error"]


def test_polkit_itself(servers, lab):
    """A rule that polkit may not read, and no polkit at all, are told apart
    from a rule that is missing."""
    servers.run("chmod", "600", RULES)
    servers.run("systemctl", "restart", "polkit")
    d = deploy(servers, lab, {"reload": "nginx"}, is_renewed=False)
    assert "polkit cannot use " + RULES in d["error"], d["error"]
    assert "chmod 644 " + RULES in d["error"]
    activated = ("/usr/share/dbus-1/system-services/"
                 "org.freedesktop.PolicyKit1.service")
    servers.run("mv", activated, "/root/activated")
    servers.run("systemctl", "reload", "dbus")
    servers.run("systemctl", "stop", "polkit")
    d = deploy(servers, lab, {"reload": "nginx.service", "timeout": "60s"})
    assert "apt-get install polkitd" in d["error"], d["error"]
    servers.run("mv", "/root/activated", activated)
    servers.run("systemctl", "reload", "dbus")
    servers.run("chmod", "644", RULES)


def test_install_for_a_group(servers, lab):
    """Each refusal names the command that mends it; afterwards the server's
    group has its key, and a directory that is gone keeps acmed from no
    start."""
    folder = "/etc/lab-server"
    target = {"install": {folder + "/key.pem": {
        "format": "privkey", "group": "labkeys", "mode": "0640"}}}
    servers.run("groupadd", "labkeys")
    servers.run("install", "-d", "-o", "acmed", folder)
    d = deploy(servers, lab, target, is_renewed=False)
    mend = "ReadWritePaths=-" + folder
    assert mend in d["error"] and "crash" not in d["error"], d["error"]

    def restarted():
        servers.run("systemctl", "daemon-reload")
        servers.run("systemctl", "restart", "acmed")
        wait_valid(servers, CERT)
        return settled(servers)
    servers.write("/etc/systemd/system/acmed.service.d/write.conf",
                  "[Service]\n%s\n" % mend)
    d = restarted()
    mend = "usermod -a -G labkeys acmed"
    assert mend in d["error"], d["error"]
    servers.run(*mend.split())
    d = restarted()
    assert d["state"] == "done", d["error"]
    assert servers.run("stat", "-c", "%U %G %a", folder + "/key.pem"
                       ).stdout.strip() == "acmed labkeys 640"
    d = deploy(servers, lab, {"install": {folder + "/key.pem": {
        "format": "privkey", "owner": "www-data"}}})
    assert "acmed-hook@.service" in d["error"], d["error"]
    servers.run("rm", "-r", folder)
    servers.run("systemctl", "restart", "acmed")
    wait_valid(servers, CERT)


def test_failures(servers, lab):
    """The unit's own words; what cannot be done is said."""
    with open(os.path.join(SOURCE, "etc/polkit-acmed.rules")) as f:
        rules = f.read()
    servers.write(RULES, rules.replace(
        '"nginx.service":', '"lab-bad.service": ["reload"],\n'
        '"lab-copy.service": ["start"], "nginx.service":'))
    time.sleep(1)       # polkit watches the directory
    d = deploy(servers, lab, {"reload": "lab-bad"})
    assert "the cat sits on the key" in d["error"], d["error"]
    d = deploy(servers, lab, {"reload": "lab-no"})
    assert "restart =" in d["error"], d["error"]
    d = deploy(servers, lab, {"reload": "no-such-unit"})
    assert "knows no unit no-such-unit.service" in d["error"], d["error"]
    # A program that runs as root, which acmed itself may not.
    d = deploy(servers, lab, {"start": "lab-copy.service"})
    assert d["state"] == "done", d["error"]
    with open(servers.root + "/root/copied") as f:
        lines = f.read()
    assert lines.startswith("root\n") and "PRIVATE KEY" in lines


def test_config_test(servers, lab):
    """A configuration with a mistake is not reloaded."""
    servers.write("/etc/nginx/nginx.conf", "nonsense on;\n" + NGINX)
    before = served(11443)
    d = deploy(servers, lab, {"reload": "nginx"})
    assert "test of its configuration" in d["error"], d["error"]
    assert 'unknown directive "nonsense"' in d["error"], d["error"]
    servers.write("/etc/nginx/nginx.conf", NGINX)
    d = deploy(servers, lab, {
        "reload": "nginx", "config_test": ["/bin/sh", "-c",
                                           "echo not today; exit 1"]})
    assert "not today" in d["error"], d["error"]
    assert served(11443) == before
    d = deploy(servers, lab, {"reload": "nginx", "config_test": "none"})
    assert d["state"] == "done", d["error"]
    proc.wait_until("nginx to serve it",
                    lambda: served(11443) == serial(servers), 5)


def test_tests_that_see_nothing(servers, lab):
    """Default tests of configurations that cannot judge without privileges
    keep no server from its reload: Postfix says nothing to others than root,
    and HAProxy may not read its key."""
    for program in ("postfix", "haproxy"):
        if not shutil.which(program):
            pytest.skip(program + " is not installed")
    servers.write("/etc/postfix/main.cf", POSTFIX)
    servers.write("/etc/haproxy/haproxy.cfg", HAPROXY)
    servers.run("sh", "-c", "umask 077; cat %s/fullchain.pem %s/privkey.pem "
                ">/etc/haproxy/lab.pem" % (LIVE, LIVE))
    p = servers.run("systemctl", "start", "postfix", "haproxy", check=False)
    assert p.returncode == 0, p.stdout + servers.run(
        "journalctl", "-u", "haproxy", "-u", "postfix*", "-o", "cat").stdout
    before = served(25, "-starttls", "smtp")
    assert before == serial(servers)
    d = deploy(servers, lab, {"reload": ["postfix", "haproxy"]})
    assert d["state"] == "done", d["error"]
    assert serial(servers) != before
    proc.wait_until("Postfix to serve it", lambda: served(
        25, "-starttls", "smtp") == serial(servers), 10)
    # A mistake that can be seen counts.
    servers.write("/etc/haproxy/haproxy.cfg", "nonsense\n"
                  + HAPROXY.replace("ssl crt /etc/haproxy/lab.pem", ""))
    d = deploy(servers, lab, {"reload": "haproxy"})
    assert "test of its configuration" in d["error"], d["error"]
    assert "haproxy.cfg:1" in d["error"], d["error"]
    servers.run("systemctl", "stop", "postfix", "haproxy")


def test_server_that_exits(servers, lab):
    """Apache is told to reload, agrees, and exits: its key is another's."""
    servers.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", "/etc/apache2/other.key")
    servers.write("/etc/apache2/apache2.conf",
                  APACHE.replace("KEY", "/etc/apache2/other.key"))
    d = deploy(servers, lab, {"reload": "apache2"}, is_renewed=False)
    for part in ("apache2.service: the reload", "failed (exit-code)",
                 "do not match"):
        assert d["state"] == "failed" and part in d["error"], d["error"]
    d = settled(servers)
    assert d["state"] == "failed" and "do not match" in d["error"], d
    # Mended: the next deploy starts what has failed.
    servers.write("/etc/apache2/apache2.conf",
                  APACHE.replace("KEY", LIVE + "/privkey.pem"))
    servers.run(*CTL, "deploy", CERT, check=False)
    d = settled(servers, False)
    assert d["state"] == "done", d["error"]
    proc.wait_until("Apache to serve it",
                    lambda: served(12443) == serial(servers), 5)
