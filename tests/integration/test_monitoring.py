# SPDX-License-Identifier: MIT
"""What a monitoring system sees: metrics, by socket and by file, the rules and
the dashboard that come with acmed, and acmectl check-status."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import time

import pytest

from lab import daemon, metrics

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"),
    reason="promtool (Debian: prometheus, 96 MB) is not installed")


def test_metrics(acmed):
    good, bad = "good.example.test", "bad.nowhere.invalid"
    acmed.cert(good)
    acmed.cert(bad)
    acmed.notifies["watch"] = {"exec": ["/bin/true"]}
    acmed.start()
    acmed.wait_valid(good)
    acmed.wait("the failure", lambda: acmed.cert_status(bad)["failures"], 60)
    code, text = acmed.get("/metrics")
    assert code == 200
    all = metrics.parse(text)
    label = '{name="%s"}'
    failures = all["acmed_certificate_failures"]
    assert failures[label % good] == 0 and failures[label % bad] >= 1
    expiry = all["acmed_certificate_expiry_timestamp_seconds"]
    assert expiry[label % good] > time.time() and expiry[label % bad] == 0
    following = all["acmed_certificate_next_attempt_timestamp_seconds"]
    assert time.time() < following[label % good] < expiry[label % good]
    assert list(all["acmed_build_info"].values()) == [1]
    assert all["acmed_notify_failing"] == {'{channel="watch"}': 0}
    begin = all["acmed_certificate_not_before_timestamp_seconds"]
    success = all["acmed_certificate_last_success_timestamp_seconds"]
    assert list(begin) == list(success) == [label % good]
    assert 0 <= time.time() - success[label % good] < 60
    conditions = all["acmed_certificate_condition"]
    assert set(conditions.values()) == {1} and len(conditions) == 2
    assert '{name="%s",condition="missing"}' % bad in conditions
    assert 0 <= time.time() - all["process_start_time_seconds"][""] < 60
    assert 1 << 20 < all["process_resident_memory_bytes"][""] < 1 << 28
    assert metrics.histogram(all, "acmed_loop_lag_seconds", "") > 0
    assert_counted(all)
    assert acmed.ctl("renew-now", good).returncode == 0
    later = metrics.parse(acmed.get("/metrics")[1])
    for family in all:
        for series, n in all[family].items():
            if family.endswith("_total") or series.startswith("_"):
                assert later[family][series] >= n, (family, series)
    assert_counted(later)


def assert_counted(all):
    """Who was asked, and how that went: a CA and a provider."""
    for what in "ca", "provider":
        family = "acmed_%s_request" % what
        requests = all[family + "s_total"]
        assert len(requests) == 1, requests
        (labels, n), = requests.items()
        assert n > 1
        assert metrics.histogram(all, family + "_duration_seconds",
                                 labels.strip("{}")) == n
        errors = all[family + "_errors_total"]
        assert len(errors) == 5 and sum(errors.values()) <= n, errors
        assert ('account="' in labels and ',ca="' in labels if what == "ca"
                else 'provider="' in labels and ',type="' in labels)


@needs_promtool
def test_promtool(acmed):
    acmed.cert("good.example.test")
    acmed.notifies["watch"] = {"exec": ["/bin/true"]}
    acmed.start()
    acmed.wait_valid("good.example.test")
    text = acmed.get("/metrics")[1]
    metrics.parse(text)
    p = subprocess.run(["promtool", "check", "metrics"], input=text,
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr


def textfile(acmed, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "acmed.prom")
    acmed.options["metrics_textfile"] = path
    return path


def test_textfile(acmed):
    folder = os.path.join(acmed.folder, "collector")
    path = textfile(acmed, folder)
    # Somebody else's, at the name that the half written file has: nobody waits
    # there for a reader.
    os.mkfifo(folder + "/.acmed.prom.tmp")
    name = "good.example.test"
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    # Not only each minute.
    acmed.wait("the file", lambda: os.path.exists(path) and
               'success_timestamp_seconds{name="%s"}' % name
               in open(path).read(), 15)
    text = open(path).read()
    here = metrics.parse(text)
    assert set(here) == set(metrics.parse(acmed.get("/metrics")[1]))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    assert os.listdir(folder) == ["acmed.prom"]
    told = acmed.status()["metrics_textfile"]
    assert told["path"] == path and told["error"] is None
    assert time.time() - told["written_at"] < 60
    # What would never change again goes with the key.
    del acmed.options["metrics_textfile"]
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    assert os.listdir(folder) == []
    assert acmed.status()["metrics_textfile"] is None


def test_textfile_that_cannot_be_written(acmed):
    path = textfile(acmed, os.path.join(acmed.folder, "collector"))
    os.rmdir(os.path.dirname(path))
    acmed.cert("good.example.test")
    acmed.start()
    acmed.wait("the error", lambda: acmed.status()["metrics_textfile"]
               ["error"], 10)
    for _ in range(3):
        assert acmed.ctl("reload").returncode == 0
    acmed.wait_valid("good.example.test")
    words = [line for line in acmed.log().splitlines()
             if "metrics_textfile" in line and " warning" in line]
    assert len(words) == 1 and "its directory is not there" in words[0]
    p = subprocess.run([daemon.program("ACMED", "acmed"), "--check-config",
                        "-c", acmed.conf], capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    assert re.search(r"warning: .*:[0-9]+: metrics_textfile: acmed cannot "
                     "write in " + os.path.dirname(path), p.stderr), p.stderr
    os.mkdir(os.path.dirname(path))
    assert acmed.ctl("reload").returncode == 0
    acmed.wait("the file", lambda: os.path.exists(path), 10)
    assert acmed.status()["metrics_textfile"]["error"] is None
    assert "is written again" in acmed.log()


def used_metrics():
    """{file: names} of the expressions that come with acmed."""
    rules = open(os.path.join(TOP, "etc/prometheus/acmed.rules.yml")).read()
    dashboard = json.load(open(os.path.join(TOP, "etc/grafana/acmed.json")))
    assert len({p["id"] for p in dashboard["panels"]}) == len(
        dashboard["panels"])
    texts = {"rules": re.sub(r"(?m)^\s*(#|- alert:|summary:|description:).*",
                             "", rules),
             "dashboard": "\n".join(
                 target["expr"] for panel in dashboard["panels"]
                 for target in panel["targets"]) + "\n".join(
                 v.get("definition", "")
                 for v in dashboard["templating"]["list"])}
    return {file: set(re.findall(r"\b(?:acmed|process)_[a-z_]+\b", text))
            for file, text in texts.items()}


def test_rules_and_dashboard_use_what_there_is(acmed):
    acmed.cert("good.example.test")
    acmed.notifies["watch"] = {"exec": ["/bin/true"]}
    acmed.start()
    acmed.wait_valid("good.example.test")
    here = set(metrics.parse(acmed.get("/metrics")[1]))
    with open(os.path.join(TOP, "doc/monitoring.md")) as f:
        told = set(re.findall(r"`((?:acmed|process)_[a-z_]+)", f.read()))
    assert told == here
    for file, names in used_metrics().items():
        assert len(names) > 10
        names = {re.sub("_(bucket|count|sum)$", "", n)
                 if n not in here else n for n in names}
        assert names <= here, (file, names - here)


@needs_promtool
def test_rules_by_promtool():
    for args in (["check", "rules", "etc/prometheus/acmed.rules.yml"],
                 ["test", "rules", "tests/lab/acmed.rules.test.yml"]):
        p = subprocess.run(["promtool"] + args, cwd=TOP, text=True,
                           capture_output=True)
        assert p.returncode == 0, p.stdout + p.stderr


def test_every_rule_says_what_to_do():
    """And no command of acmectl that there is not."""
    with open(os.path.join(TOP, "etc/prometheus/acmed.rules.yml")) as f:
        rules = re.split(r"\n +- alert: ", f.read())[1:]
    known = subprocess.run([daemon.program("ACMECTL", "acmectl"), "--help"],
                           capture_output=True, text=True).stdout
    for rule in rules:
        text = " ".join(rule.split("description:")[1].split())
        assert re.search("acmectl |acmed --|systemctl|journalctl", text), rule
        for command in re.findall(r"acmectl ([a-z-]+)", text):
            assert re.search(r"(?m)^  %s " % command, known), command


def check_status(acmed, *args, **kw):
    p = acmed.ctl("check-status", *args, **kw)
    first, *rest = p.stdout.splitlines()
    m = re.fullmatch(r"ACMED (OK|WARNING|CRITICAL|UNKNOWN) - ([^|]+)"
                     r"(?:\|(.*))?", first)
    assert m, p.stdout + p.stderr
    assert "|" not in "".join(rest), rest
    assert p.returncode == ("OK", "WARNING", "CRITICAL",
                            "UNKNOWN").index(m[1])
    perf = dict(part.split("=") for part in (m[3] or "").split())
    for value in perf.values():
        assert re.fullmatch(r"[0-9.]+(;[0-9.:]*)*", value), first
    return m[1], m[2], perf, rest


def test_check_status(acmed):
    good, bad = "good.example.test", "bad.nowhere.invalid"
    acmed.cert(good)
    acmed.start()
    acmed.wait_valid(good)
    word, text, perf, rest = check_status(acmed)
    assert word == "OK" and good in text and not rest, text
    assert perf["certificates"].startswith("1;") and "'%s'" % good in perf
    left = float(perf["days_left"])
    assert left > 1
    # By days, also in short; what is near is worse.
    assert check_status(acmed, "-w", str(left + 1), "-c", "1")[0] == "WARNING"
    assert check_status(acmed, good, "--warning", str(left + 2), "--critical",
                        str(left + 1))[0] == "CRITICAL"
    for wrong in (["-w", "soon"], ["-w", "-1"], ["-w", "1", "-c", "2"]):
        assert check_status(acmed, *wrong)[0] == "UNKNOWN", wrong
    assert acmed.ctl("check-status", "--no-such").returncode == 3
    word, text, _, _ = check_status(acmed, good, "gone.example.test")
    assert word == "UNKNOWN" and "gone.example.test" in text
    # It hides nothing that is worse.
    word, text, _, rest = check_status(acmed, good, "gone.example.test", "-c",
                                       str(left + 1))
    assert word == "CRITICAL" and text.startswith("2 problems: " + good), text
    assert [line.split()[0] for line in rest] == ["[CRITICAL]", "[UNKNOWN]"]
    # One that cannot be had, whose provider says what would break the line.
    acmed.providers["odd"] = {"type": "exec", "program": acmed.folder + "/odd"}
    with open(acmed.folder + "/odd", "w") as f:
        f.write("#!/bin/sh\necho 'no | way' >&2; exit 1\n")
    os.chmod(acmed.folder + "/odd", 0o755)
    acmed.cert("odd.example.test", provider="odd")
    acmed.cert(bad)
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    for name in bad, "odd.example.test":
        acmed.wait("the failure of " + name,
                   lambda: acmed.cert_status(name)["failures"], 60)
    word, text, perf, rest = check_status(acmed)
    assert word == "CRITICAL" and text.startswith("2 problems: "), text
    assert perf["critical"].startswith("2;") and len(rest) == 2
    assert "no / way" in "".join(rest), rest
    assert check_status(acmed, "good.*")[0] == "OK"
    acmed.stop()
    word, text, _, _ = check_status(acmed)
    assert word == "CRITICAL" and "systemctl status acmed" in text


# --- the journal ---

JOURNAL = "/run/systemd/journal/socket"


def message_ids():
    """{name: id} of common/log_id.c."""
    with open(os.path.join(TOP, "common/log_id.c")) as f:
        return dict(re.findall(r'\[LOGM_(\w+)\] = "([0-9a-f]{32})"', f.read()))


def catalog(name):
    with open(os.path.join(TOP, "systemd", name), encoding="utf-8") as f:
        return f.read()


def test_catalog(tmp_path):
    ids = message_ids()
    assert len(set(ids.values())) == len(ids) >= 9
    for name in "acmed.catalog", "acmed.zh_CN.catalog":
        entries = re.findall(r"(?m)^-- ([0-9a-f]{32})$", catalog(name))
        assert sorted(entries) == sorted(ids.values())
        for field in re.findall("@([A-Z_]+)@", catalog(name)):
            assert field in ("ACMED_CERT", "ACMED_STEP", "ACMED_CODE",
                             "ACMED_TARGET"), field
    with open(os.path.join(TOP, "doc/monitoring.md")) as f:
        assert set(re.findall("`([0-9a-f]{32})`", f.read())) == set(
            ids.values())
    if not shutil.which("journalctl"):
        pytest.skip("journalctl is not installed")
    folder = tmp_path / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    for name in "acmed.catalog", "acmed.zh_CN.catalog":
        (folder / name).write_text(catalog(name), encoding="utf-8")
    root = "--root=%s" % tmp_path
    p = subprocess.run(["journalctl", root, "--update-catalog"], check=True,
                       text=True, stderr=subprocess.PIPE)
    assert p.stderr == ""
    p = subprocess.run(["journalctl", root, "--dump-catalog",
                        ids["RENEWAL_FAILED"]], check=True, text=True,
                       stdout=subprocess.PIPE)
    assert "Subject: A renewal failed" in p.stdout


class Journal:
    """What a journal would be sent."""

    def __init__(self):
        os.makedirs(os.path.dirname(JOURNAL), exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(JOURNAL)
        self.socket.setblocking(False)
        self.messages = []

    def read(self):
        try:
            while True:
                text = self.socket.recv(65536).decode()
                self.messages.append(dict(
                    line.split("=", 1) for line in text.split("\n") if line))
        except BlockingIOError:
            return self.messages

    def find(self, **fields):
        return [m for m in self.read()
                if all(m.get(k) == v for k, v in fields.items())]

    def close(self):
        self.socket.close()
        os.unlink(JOURNAL)


@pytest.mark.skipif(os.path.exists(JOURNAL),
                    reason="there is a journal, whose socket this would take")
def test_message_ids(acmed):
    ids, good, bad = message_ids(), "good.example.test", "bad.nowhere.invalid"
    acmed.cert(good, deploy={"web": {"exec": ["/bin/false"]}})
    acmed.cert(bad)
    with open(acmed.log_path, "a") as f:
        st = os.fstat(f.fileno())
    acmed.env = dict(os.environ, JOURNAL_STREAM="%d:%d" % (st.st_dev,
                                                          st.st_ino))
    journal = Journal()
    try:
        acmed.start()
        acmed.wait("the installation", lambda: journal.find(
            MESSAGE_ID=ids["INSTALLED"], ACMED_CERT=good), 30)
        acmed.wait("the deploy", lambda: journal.find(
            MESSAGE_ID=ids["DEPLOY_FAILED"], ACMED_CERT=good,
            ACMED_TARGET="web", ACMED_CODE="deploy:failed"), 30)
        acmed.wait("the failure", lambda: journal.find(
            MESSAGE_ID=ids["RENEWAL_FAILED"], ACMED_CERT=bad), 60)
        failure = journal.find(MESSAGE_ID=ids["RENEWAL_FAILED"])[0]
        assert failure["ACMED_CODE"] == acmed.cert_status(bad)["error"]["code"]
        assert failure["PRIORITY"] == "4"
        acmed.write_conf(acmed.text() + "nonsense = 1\n")
        assert acmed.ctl("reload").returncode == 1
        assert journal.find(MESSAGE_ID=ids["CONFIG_REJECTED"],
                            ACMED_CODE="conf:invalid")
        acmed.stop()
    finally:
        journal.close()
