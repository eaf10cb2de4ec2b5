# SPDX-License-Identifier: MIT
"""acmed.service under a real systemd, in a container of this machine."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from conftest import ACTIVATED, ACTIVATED6, HTTP_OWN, RESOLVER
from lab import ca, daemon, names, proc

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
SDBOX = os.path.join(SOURCE, "tests", "lab", "sdbox")


def unit():
    path = os.environ.get("ACMED_UNIT", "systemd/acmed.service")
    if not os.path.exists(path):
        pytest.skip("no acmed.service: set ACMED_UNIT")
    return path


def unit_value(key):
    with open(unit()) as f:
        return re.search("^%s=(.*)$" % key, f.read(), re.M).group(1)


def test_security_score():
    """The sandbox is worth its name."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    p = proc.run(["systemd-analyze", "security", "--offline=true",
                  "--no-pager", unit()])
    score = float(re.search(r"exposure level for \S+: ([0-9.]+)",
                            p.stdout).group(1))
    assert score <= 2.0, p.stdout


class Box:
    """The container; files is the path of its root seen from outside."""

    def __init__(self, folder):
        # A machine's name has neither dots nor underscores.
        self.env = dict(os.environ, SDBOX_NAME=re.sub(
                            "[^a-z0-9]", "x", os.path.basename(
                                os.path.dirname(folder)).lower()),
                        SDBOX_STATE=folder,
                        SDBOX_NETNS="/proc/%d/ns/net" % os.getpid())
        with open(folder + ".log", "wb") as out:
            try:
                status = subprocess.run(
                    [SDBOX, "up"], env=self.env, stdin=subprocess.DEVNULL,
                    stdout=out, stderr=out, timeout=60).returncode
            except subprocess.TimeoutExpired:
                status = -1
        if status != 0:
            with open(folder + ".log", errors="replace") as f:
                raise proc.LabError("systemd-nspawn: " + f.read()[-300:])
        self.root = proc.run([SDBOX, "root"], env=self.env).stdout.strip()

    def run(self, *argv, check=True):
        return proc.run([SDBOX, "run"] + list(argv), check=check,
                        env=self.env)

    def show(self, prop):
        return self.run("systemctl", "show", "acmed", "-P",
                        prop).stdout.strip()

    def install(self, source, path, mode=0o644):
        target = self.root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        os.chmod(target, mode)

    def write(self, path, text, mode=0o644):
        target = self.root + path
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as f:
            f.write(text)
        os.chmod(target, mode)

    def down(self):
        subprocess.run([SDBOX, "down"], env=self.env, timeout=60,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def box(lab):
    if not shutil.which("systemd-nspawn"):
        pytest.skip("systemd-nspawn is not installed")
    acmed = daemon.program("ACMED", "acmed")
    if daemon.is_sanitized():
        pytest.skip("a sanitizer's build does not run in the sandbox")
    try:
        b = Box(os.path.join(lab.folder, "box%d" % next(lab.serial)))
    except proc.LabError as e:
        pytest.skip("no systemd container here: %s" % e)
    argv = unit_value("ExecStart").split()
    b.install(acmed, argv[0], 0o755)
    b.install(daemon.program("ACMECTL", "acmectl"), "/usr/local/bin/acmectl",
              0o755)
    b.conf = argv[argv.index("-c") + 1]
    b.install(unit(), "/etc/systemd/system/acmed.service")
    b.install(os.path.join(SOURCE, "systemd/acmed.sysusers"),
              "/etc/sysusers.d/acmed.conf")
    b.install(os.path.join(SOURCE, "systemd/acmed.tmpfiles"),
              "/etc/tmpfiles.d/acmed.conf")
    b.install(lab.tls.ca, "/etc/lab-ca.pem")
    # The secret comes as a credential that only root can read.
    b.write("/root/tsig", names.KEY_SECRET + "\n", 0o600)
    b.write("/etc/systemd/system/acmed.service.d/lab.conf",
            "[Service]\nLoadCredential=tsig:/root/tsig\nWatchdogSec=3s\n"
            "RestartSec=100ms\n"
            # systemd 257 counts over a daemon-reload, and tests are quick.
            "[Unit]\nStartLimitIntervalSec=0\n")
    b.run("systemd-sysusers")
    b.run("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/acmed.conf")
    b.run("systemctl", "daemon-reload")
    yield b
    b.down()


def configure(box, lab, all_names, provider=None, deploy=None):
    a = daemon.Acmed(os.path.join(lab.folder, "sd"), lab.pebble().directory,
                     "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers["dns"] = provider or daemon.rfc2136(
        key_secret=None,
        key_secret_file="/run/credentials/acmed.service/tsig")
    for n in all_names:
        a.cert(n, deploy={"mark": deploy or {"exec": ["/usr/bin/env"]}})
    box.write(box.conf, a.text())


def status(box):
    p = box.run("/usr/local/bin/acmectl", "--socket",
                "/run/acmed/acmed.sock", "status", "--json", check=False)
    return json.loads(p.stdout) if p.returncode == 0 else None


def wait_valid(box, name):
    def check():
        s = status(box)
        for c in s["certificates"] if s else []:
            if c["name"] == name and c["state"] == "valid" \
                    and c["run"] is None:
                return c
        return None
    return proc.wait_until(
        lambda: "%s to be valid: %s" % (name, box.run(
            "journalctl", "-u", "acmed", "-o", "cat", "-n", "60").stdout),
        check, 30, 0.1)


def test_life_under_systemd(box, lab):
    """enable --now, STATUS, reload, restart, watchdog, stop."""
    configure(box, lab, ["sd1.example.test"])
    p = box.run("systemctl", "enable", "--now", "acmed", check=False)
    assert p.returncode == 0, p.stdout + box.run(
        "journalctl", "-u", "acmed", "-o", "cat").stdout
    wait_valid(box, "sd1.example.test")
    assert box.show("ActiveState") == "active"
    proc.wait_until(lambda: "a STATUS line, not " + box.show("StatusText"),
                    lambda: "1" in box.show("StatusText"), 10)
    stat = box.run("stat", "-c", "%U %a", "/var/lib/acmed", "/run/acmed",
                   "/run/acmed/acmed.sock").stdout.split("\n")
    assert stat[0] == "acmed 700" and stat[1] == "acmed 750"
    user = box.run("ps", "-o", "user=", "-p", box.show("MainPID")).stdout
    assert user.strip() == "acmed"

    # Fields of the journal.
    p = box.run("journalctl", "-o", "cat", "ACMED_CERT=sd1.example.test")
    assert p.stdout.strip()
    assert names.KEY_SECRET not in box.run(
        "journalctl", "-u", "acmed", "-o", "json").stdout

    # The group may ask, others may not.
    box.run("useradd", "-G", "acmed", "operator1")
    box.run("useradd", "stranger1")
    ctl = ["/usr/local/bin/acmectl", "--socket", "/run/acmed/acmed.sock",
           "status"]
    p = box.run("runuser", "-u", "operator1", "--", *ctl, check=False)
    assert p.returncode == 0, p.stdout
    p = box.run("runuser", "-u", "stranger1", "--", *ctl, check=False)
    assert p.returncode == 4, p.stdout

    # Reload.
    pid = box.show("MainPID")
    configure(box, lab, ["sd1.example.test", "sd2.example.test"])
    box.run("systemctl", "reload", "acmed")
    wait_valid(box, "sd2.example.test")
    assert box.show("MainPID") == pid

    # Restart renews nothing.
    serial = wait_valid(box, "sd1.example.test")["serial"]
    box.run("systemctl", "restart", "acmed")
    assert wait_valid(box, "sd1.example.test")["serial"] == serial
    pid = box.show("MainPID")
    assert box.show("NRestarts") == "0"

    # A daemon that hangs is replaced by the watchdog.
    box.run("systemctl", "kill", "-s", "STOP", "acmed")
    proc.wait_until(
        lambda: "the watchdog: " + box.run(
            "systemctl", "status", "acmed", check=False).stdout,
        lambda: box.show("NRestarts") == "1" and box.show("ActiveState")
        == "active" and box.show("MainPID") != pid, 30, 0.2)
    wait_valid(box, "sd1.example.test")

    # What the service cannot read: the check of root says so, with the
    # command, and a reload fails.
    pid = box.show("MainPID")
    box.run("chmod", "600", box.conf)
    p = box.run("/usr/sbin/acmed", "--check-config", check=False) \
        if box.conf == "/etc/acmed/acmed.conf" else box.run(
            unit_value("ExecStart").split()[0], "-t", "-c", box.conf,
            check=False)
    assert p.returncode == 1 and "chgrp acmed %s && chmod 640" % box.conf \
        in p.stdout, p.stdout
    assert box.run("systemctl", "reload", "acmed",
                   check=False).returncode != 0
    box.run("sh", "-c", p.stdout.strip().split(": ")[-1])
    box.run("systemctl", "reload", "acmed")

    # A broken file: a reload fails and changes nothing, a start goes on with
    # the last good version and says so.
    box.write(box.conf, "nonsense = 1\n")
    p = box.run("systemctl", "reload", "acmed", check=False)
    assert p.returncode != 0, p.stdout
    assert status(box)["certificates"] and box.show("MainPID") == pid
    proc.wait_until("the mistake in the status", lambda: "nonsense" in (
        status(box)["config"]["error"] or ""))
    box.run("systemctl", "restart", "acmed")
    wait_valid(box, "sd1.example.test")
    assert "nonsense" in status(box)["config"]["error"]

    # Without one it ends, says why, and is not started again and again.
    box.run("systemctl", "stop", "acmed")
    assert box.show("Result") == "success"
    box.run("rm", "/var/lib/acmed/last-good")
    p = box.run("systemctl", "start", "acmed", check=False)
    assert p.returncode != 0
    assert box.show("ActiveState") == "failed"
    assert box.show("NRestarts") == "0"
    assert "nonsense" in box.run("journalctl", "-u", "acmed", "-o",
                                 "cat").stdout
    p = box.run(*ctl, check=False)
    assert "could not start: the configuration has mistakes" in p.stdout
    assert "systemctl status acmed" in p.stdout
    assert "Cannot start: the configuration has mistakes" in box.run(
        "systemctl", "status", "acmed", check=False).stdout
    box.run("systemctl", "stop", "acmed", check=False)


ESCAPE = ("setsid sh -c 'trap : TERM HUP; echo $$ >/var/lib/acmed/escaped; "
          "while :; do sleep 9; done' >/dev/null 2>&1 & sleep 60")


def test_escaped_hook(box, lab):
    """What a program has put into a session of its own, deaf to TERM, outlives
    its time limit, but no stop and no crash of acmed, and delays neither."""
    configure(box, lab, ["sd4.example.test"], deploy={
        "exec": ["/bin/sh", "-c", ESCAPE], "timeout": "1s"})
    box.run("systemctl", "restart", "acmed")
    wait_valid(box, "sd4.example.test")
    path = box.root + "/var/lib/acmed/escaped"
    for end in (["restart", "acmed"],
                ["kill", "-s", "KILL", "--kill-who=main", "acmed"]):
        if end[0] == "kill":
            box.run("/usr/local/bin/acmectl", "--socket",
                    "/run/acmed/acmed.sock", "deploy",
                    "sd4.example.test", check=False)
        with open(path) as f:
            escaped = f.read().strip()
        os.unlink(path)
        box.run("kill", "-0", escaped)
        old, began = box.show("MainPID"), time.monotonic()
        box.run("systemctl", *end)
        proc.wait_until("acmed to be back", lambda: box.show("MainPID")
                        not in (old, "0") and status(box), 20)
        # Not TimeoutStopSec.
        assert time.monotonic() - began < 30
        assert box.run("kill", "-0", escaped, check=False).returncode != 0


# As doc/builtin-responder.md has it; systemd wants the service stopped.
SWITCH_ON = ("systemctl stop acmed",
             "systemctl enable --now acmed-dns.socket",
             "systemctl start acmed")


class Prober:
    """Asks for a TCP connection all the time; counts refusals."""

    def __init__(self, address):
        self.address, self.over = address, threading.Event()
        self.made, self.problems = 0, []
        self.thread = threading.Thread(target=self.probe, daemon=True)
        self.thread.start()

    def probe(self):
        while not self.over.wait(0.005):
            try:
                socket.create_connection((self.address, 53), 5).close()
                self.made += 1
            except OSError as e:
                self.problems.append(str(e))

    def stop(self):
        self.over.set()
        self.thread.join()


@pytest.fixture
def port_53(box):
    """A network of its own for acmed-dns.socket as it is shipped, which
    wants port 53 of all addresses; the lab reaches it over a cable."""
    ip = ["ip", "-n", "acmed-dns"]
    box.run("ip", "netns", "add", "acmed-dns")
    p = box.run("ip", "link", "add", "to-dns", "type", "veth", "peer", "name",
                "to-lab", "netns", "acmed-dns", check=False)
    if p.returncode != 0:
        pytest.skip("no veth devices here: " + p.stdout.strip())
    for a in ACTIVATED:
        box.run(*ip, "addr", "add", a + "/24", "dev", "to-lab")
    box.run(*ip, "addr", "add", ACTIVATED6 + "/64", "dev", "to-lab", "nodad")
    box.run(*ip, "link", "set", "to-lab", "up")
    box.run("ip", "addr", "add", "10.53.0.1/24", "dev", "to-dns")
    box.run("ip", "addr", "add", "fd53::1/64", "dev", "to-dns", "nodad")
    box.run("ip", "link", "set", "to-dns", "up")
    box.install(os.path.join(SOURCE, "systemd/acmed-dns.socket"),
                "/etc/systemd/system/acmed-dns.socket")
    box.write("/etc/systemd/system/acmed-dns.socket.d/lab.conf",
              "[Socket]\nNetworkNamespacePath=/run/netns/acmed-dns\n")
    box.run("systemctl", "daemon-reload")
    yield
    box.run("systemctl", "stop", "acmed-dns.socket", "acmed.service",
            check=False)
    box.run("ip", "link", "del", "to-dns")
    box.run("ip", "netns", "del", "acmed-dns")


def test_dns_socket_activation(box, lab, port_53):
    """The responder on port 53 of all addresses, without any privilege."""
    zone = "_acme-challenge.sd3.example.test"

    def ask(address, how, kind="SOA"):
        return how(dns.message.make_query(zone, kind, use_edns=0), address,
                   timeout=5)
    configure(box, lab, [], {"type": "builtin", "zones": [zone],
                             "ns_name": "ns-sd.example.test"})
    box.run("systemctl", "enable", "--now", "acmed")
    for line in SWITCH_ON:
        p = box.run(*line.split(), check=False)
        assert p.returncode == 0, line + p.stdout + box.run(
            "journalctl", "-u", "acmed", "-u", "acmed-dns.socket", "-o",
            "cat").stdout
    proc.wait_until("acmed to answer", lambda: status(box), 10)
    for address in ACTIVATED + (ACTIVATED6,):
        for how in dns.query.udp, dns.query.tcp:
            # UDP: dnspython wants the answer from the address it asked.
            reply = ask(address, how)
            assert reply.answer and reply.flags & dns.flags.AA, reply
            assert how(dns.message.make_query("example.test", "SOA"),
                       address, timeout=5).rcode() == dns.rcode.REFUSED
    pid = box.show("MainPID")
    state = box.run("cat", "/proc/%s/status" % pid).stdout
    assert re.search("^CapEff:\\s0+$", state, re.M), state
    assert re.search("^CapBnd:\\s0+$", state, re.M), state
    assert box.run("ps", "-o", "user=", "-p", pid).stdout.strip() == "acmed"

    # A renewal, two values at once; Pebble's resolver asks the first address.
    conf = daemon.section("certificate", "sd3.example.test", {
        "names": ["sd3.example.test", "*.sd3.example.test"],
        "account": "lab", "provider": "dns"})
    with open(box.root + box.conf, "a") as f:
        f.write(conf)
    box.run("systemctl", "reload", "acmed")
    serial = wait_valid(box, "sd3.example.test")["serial"]

    # A restart: nobody is refused, a question waits for the new process.
    prober = Prober(ACTIVATED[0])
    try:
        box.run("systemctl", "stop", "acmed")
        assert box.run("systemctl", "is-active", "acmed-dns.socket"
                       ).stdout.strip() == "active"
        # This starts it again by itself.
        for how in dns.query.udp, dns.query.tcp:
            assert ask(ACTIVATED6, how).answer
        assert box.show("MainPID") not in ("0", pid)
        for _ in range(2):
            box.run("systemctl", "restart", "acmed")
            assert ask(ACTIVATED[1], dns.query.udp).answer
    finally:
        prober.stop()
    assert prober.made > 10 and not prober.problems, prober.problems
    assert wait_valid(box, "sd3.example.test")["serial"] == serial
    box.run("/usr/local/bin/acmectl", "--socket", "/run/acmed/acmed.sock",
            "renew-now", "sd3.example.test")
    assert wait_valid(box, "sd3.example.test")["serial"] != serial


def wait_code(box, name, code):
    """Until the last run of that certificate failed with this code."""
    def check():
        s = status(box)
        for c in s["certificates"] if s else []:
            if c["name"] == name and c["error"] \
                    and c["error"]["code"] == code:
                return c["error"]
        return None
    return proc.wait_until(
        lambda: "%s: %s" % (code, box.run(
            "journalctl", "-u", "acmed", "-o", "cat", "-n", "60").stdout),
        check, 30, 0.1)


def test_http01_under_systemd(box, lab):
    """The sandbox and a webroot: what is told, and does it help?  Then
    acmed-http.socket."""
    name, folder = "box.l.example.test", "/srv/www/.well-known/acme-challenge"
    a = daemon.Acmed(os.path.join(lab.folder, "sdh"),
                     lab.pebble().directory, "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers = {}
    entry = a.cert(name, challenge="http-01", webroot="/srv/www")
    del entry["provider"]
    box.write(box.conf, a.text())
    box.run("systemd-sysusers")
    box.run("mkdir", "-p", "/srv/www")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "acmed")
    told = wait_code(box, name, "http01:webroot")["msg"]
    mend = "install -d -o acmed -m 755 " + folder
    assert mend in told and "ReadWritePaths=-" + folder in told
    box.run(*mend.split())
    box.write("/etc/systemd/system/acmed.service.d/www.conf",
              "[Service]\nReadWritePaths=%s\n" % folder)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "acmed")
    ctl = ["/usr/local/bin/acmectl", "--socket", "/run/acmed/acmed.sock"]
    box.run(*ctl, "renew-now", name, check=False)
    # Nobody serves it here, so that the CA finds nobody.
    wait_code(box, name, "acme:connection")
    assert box.run("ls", folder).stdout == ""

    box.install(os.path.join(SOURCE, "systemd/acmed-http.socket"),
                "/etc/systemd/system/acmed-http.socket")
    box.write("/etc/systemd/system/acmed-http.socket.d/lab.conf",
              "[Socket]\nListenStream=\nListenStream=%s:%d\n" % (
                  HTTP_OWN, ca.HTTP_PORT))
    del entry["webroot"]
    a.options["http_listen"] = "systemd"
    box.write(box.conf, a.text())
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "stop", "acmed")
    box.run("systemctl", "start", "acmed-http.socket")
    box.run("systemctl", "start", "acmed")
    box.run(*ctl, "renew-now", name)
    wait_valid(box, name)
    box.run("systemctl", "stop", "acmed", "acmed-http.socket")
