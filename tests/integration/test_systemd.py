# SPDX-License-Identifier: MIT
"""acmed.service under a real systemd, in a container of this machine."""

import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import RESOLVER
from lab import daemon, names, proc

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
        self.env = dict(os.environ, SDBOX_NAME=os.path.basename(
                            os.path.dirname(folder)).replace(".", "-"),
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
    with open(acmed, "rb") as f:
        if b"__asan_init" in f.read():
            pytest.skip("a sanitizer's build does not run in the sandbox")
    try:
        b = Box(os.path.join(lab.folder, "box"))
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
            "RestartSec=100ms\n")
    yield b
    b.down()


def configure(box, lab, all_names):
    a = daemon.Acmed(os.path.join(lab.folder, "sd"), lab.pebble().directory,
                     "/etc/lab-ca.pem", RESOLVER)
    a.options["state_dir"] = "/var/lib/acmed"
    a.options["control_socket"] = "/run/acmed/acmed.sock"
    a.providers["dns"] = daemon.rfc2136(
        key_secret=None,
        key_secret_file="/run/credentials/acmed.service/tsig")
    for n in all_names:
        a.cert(n, deploy={"mark": {"exec": ["/usr/bin/env"]}})
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
    box.run("systemd-sysusers")
    box.run("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/acmed.conf")
    box.run("systemctl", "daemon-reload")
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

    # A broken file: reload changes nothing, a start fails and says why.
    pid = box.show("MainPID")
    box.write(box.conf, "nonsense = 1\n")
    box.run("systemctl", "reload", "acmed", check=False)
    assert status(box)["certificates"] and box.show("MainPID") == pid
    box.run("systemctl", "stop", "acmed")
    assert box.show("Result") == "success"
    p = box.run("systemctl", "start", "acmed", check=False)
    assert p.returncode != 0
    assert "nonsense" in box.run("journalctl", "-u", "acmed", "-o",
                                 "cat").stdout
    box.run("systemctl", "stop", "acmed", check=False)
