# SPDX-License-Identifier: MIT
"""One fact has one word wherever it is shown: acmectl, its JSON, metrics, the
unit's status line, messages; and one warning in the log."""

import json
import os
import re
import socket
import threading

import pytest

PORT = 13443


class Unit:
    """What systemctl status shows of a service: its last STATUS=."""

    def __init__(self, path):
        self.status = ""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while not self.over:
            try:
                data = self.sock.recv(65536).decode()
            except socket.timeout:
                continue
            for line in data.splitlines():
                if line.startswith("STATUS="):
                    self.status = line.partition("=")[2]

    def stop(self):
        self.over = True
        self.thread.join()
        self.sock.close()


@pytest.fixture
def shown(make):
    """shown(**CA): an Acmed, its unit and its messages."""
    units = []

    def build(*args, **opts):
        a = make(*args, **opts)
        path = os.path.join(a.folder, "notify")
        units.append(Unit(path))
        a.env = dict(os.environ, NOTIFY_SOCKET=path)
        a.unit = units[-1]
        a.options.update(alarm_gather="0s", alarm_after_tries=1)
        a.told = os.path.join(a.folder, "told")
        a.notifies["ops"] = {"exec": [
            "/bin/sh", "-c", "cat >> %s; echo >> %s" % (a.told, a.told)]}
        return a
    yield build
    for unit in units:
        unit.stop()


def messages(a):
    if not os.path.exists(a.told):
        return []
    with open(a.told) as f:
        return [json.loads(line) for line in f if line.strip()]


def warnings(a, words):
    """The log's lines at warning or above that have these words."""
    return [line for line in a.log().splitlines()
            if re.match(r"\S+ (error|warning)[ :]", line)
            and words in line]


def one_word(a, name, word):
    """All views say it, and no other."""
    a.wait("the unit's line", lambda: "1 " + word in a.unit.status, 10)
    assert a.cert_status(name)["condition"] == word
    row, = [line for line in a.ctl("status").stdout.splitlines()
            if line.startswith(name)]
    assert row.split(None, 1)[1].startswith(word), row
    assert word in a.ctl("status", name).stdout
    values = re.findall(
        r'^acmed_certificates_by_condition\{condition="(.*)"\} 1$',
        a.get("/metrics")[1], re.M)
    assert values == [word]


def test_broken_configuration(shown):
    a = shown()
    a.cert("a.example.test")
    a.start()
    a.wait_valid("a.example.test")
    one_word(a, "a.example.test", "valid")
    assert "acmed_configuration_mistaken 0" in a.get("/metrics")[1]
    a.write_conf(a.text() + "nonsense = 1\n")
    assert a.ctl("reload").returncode == 1
    a.wait("the message", lambda: messages(a), 10)
    a.wait("the unit's line", lambda: "the configuration has mistakes"
           in a.unit.status, 10)
    assert "nonsense" in a.status()["config"]["error"]
    assert "nonsense" in a.ctl("status").stdout
    assert a.ctl("status", "--check").returncode == 1
    assert "acmed_configuration_mistaken 1" in a.get("/metrics")[1]
    message, = messages(a)
    assert message["event"] == "configuration", message
    assert "mistakes in the configuration" in message["subject"]
    assert "nonsense" in message["text"]
    a.write_conf()
    assert a.ctl("reload").returncode == 0
    a.wait("the end", lambda: len(messages(a)) == 2
           and "mistakes" not in a.unit.status, 10)
    assert "acmed_configuration_mistaken 0" in a.get("/metrics")[1]


def test_failed_deploy(shown):
    """Its program's last line is the reason, and it is one warning."""
    a = shown()
    name = "a.example.test"
    a.cert(name, deploy={"web": {"exec": [
        "/bin/sh", "-c", "echo first; echo the disk is full; exit 3"]}})
    a.start()
    a.wait("the message", lambda: messages(a), 30)
    one_word(a, name, "not deployed")
    reason = "/bin/sh exited with status 3: the disk is full"
    c = a.cert_status(name)
    assert c["deploy"][0]["error"] == reason, c
    assert reason in " ".join(a.ctl("status", name).stdout.split())
    message, = messages(a)
    assert message["event"] == "deploy-failed"
    assert reason in " ".join(message["text"].split())
    told = warnings(a, "deploy")
    assert len(told) == 1 and reason in told[0], told
    # What is next is the deploy, in every view.
    assert c["next"]["action"] == "deploy"
    assert "done; next renewal" not in a.log()


def test_rolled_back(shown, nginx):
    a = shown()
    name = "r.example.test"
    flag = os.path.join(a.folder, "broken")
    a.cert(name)
    a.start()
    a.wait_valid(name)
    web = nginx(a.live(name), a.live(name, "privkey.pem"), PORT)
    web.start()
    a.certs[name]["deploy"] = {"web": {
        "exec": ["/bin/sh", "-c", "test -e %s || %s" % (
            flag, " ".join(web.reload_argv))],
        "verify": ["%s:%d connect=127.0.0.1" % (name, PORT)],
        "verify_timeout": "1s", "on_verify_failure": "rollback"}}
    a.write_conf()
    assert a.ctl("reload").returncode == 0
    a.wait("the target", lambda: [d["state"] for d in a.cert_status(
        name)["deploy"]] == ["done"])
    open(flag, "w").close()
    assert a.ctl("renew-now", name).returncode == 1
    a.wait("the rollback", lambda: a.cert_status(name)["run"] is None
           and a.cert_status(name)["deploy"][0]["state"] == "done", 10)
    one_word(a, name, "rolled back")
    a.wait("the message", lambda: messages(a), 10)
    assert any("rolled back" in m["text"] for m in messages(a)), messages(a)
    assert len(warnings(a, "rolled back")) == 1, a.log()


def test_staging(shown, scripted):
    ca = scripted(issuer="(STAGING) Fake E1")
    a = shown(ca.directory, ca_file=ca.ca_file)
    name = "s.example.test"
    a.cert(name)
    a.start()
    a.wait_valid(name)
    one_word(a, name, "staging")
    assert a.cert_status(name)["staging"]
    assert "acmed_certificates_staging 1" in a.get("/metrics")[1]
