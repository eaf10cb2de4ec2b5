# SPDX-License-Identifier: MIT
"""Configurations, good and bad, and directories that cannot be written."""

import json
import os
import subprocess

import pytest

from lab import daemon, proc

NOBODY = 65534


def check(acmed, text):
    """acmed --check-config on that text: status and output."""
    acmed.write_conf(text)
    return proc.run([daemon.program("ACMED", "acmed"), "--check-config",
                     "-c", acmed.conf], check=False)


BROKEN = {
    "unknown key": (lambda t: t.replace("agree_tos", "agree_toss"),
                    ["agree_toss", "agree_tos"]),
    "unknown provider": (lambda t: t.replace('provider = "dns"',
                                             'provider = "dsn"'),
                         ["dsn"]),
    "unknown account": (lambda t: t.replace('account = "lab"',
                                            'account = "lba"'), ["lba"]),
    "bad name": (lambda t: t.replace('names = { "a.example.test" }',
                                     'names = { "a..example.test" }'),
                 ["a..example.test"]),
    "inner wildcard": (lambda t: t.replace(
        'names = { "a.example.test" }', 'names = { "a.*.example.test" }'),
        ["a.*.example.test"]),
    "twice": (lambda t: t.replace("ttl = 5", "ttl = 5\n\tttl = 6"), ["ttl"]),
    "cut short": (lambda t: t[:t.rindex("}")], ["acmed.conf"]),
    "syntax": (lambda t: t.replace("account", "account {{", 1),
               ["acmed.conf"]),
    "bad duration": (lambda t: t.replace(
        'certificate "a.example.test" {',
        'certificate "a.example.test" {\n\trenew_before = "30 parsecs"'),
        ["renew_before"]),
    "bad key": (lambda t: t.replace(
        'certificate "a.example.test" {',
        'certificate "a.example.test" {\n\tkey = "ec999"'),
        ["ec999", "ec256"]),
    "unknown type": (lambda t: t.replace('"rfc2136"', '"rfc2163"'),
                     ["rfc2163", "rfc2136"]),
}


@pytest.mark.parametrize("mistake", list(BROKEN))
def test_broken_configuration(acmed, mistake):
    """--check-config and the daemon both refuse, and say where and what."""
    acmed.cert("a.example.test")
    change, words = BROKEN[mistake]
    text = acmed.text()
    assert check(acmed, text).returncode == 0
    broken = change(text)
    assert broken != text
    p = check(acmed, broken)
    assert p.returncode == 1, p.stdout
    assert acmed.conf + ":" in p.stdout, p.stdout
    for word in words:
        assert word in p.stdout, p.stdout
    acmed.launch()
    assert acmed.proc.wait(10) == 1
    assert not os.path.exists(acmed.socket)


def test_all_mistakes_at_once(acmed):
    acmed.cert("a.example.test", ["bad..name"], account="nobody")
    acmed.cert("b.example.test", key="ec1")
    p = check(acmed, acmed.text())
    assert p.returncode == 1
    for word in ("bad..name", "nobody", "ec1"):
        assert word in p.stdout, p.stdout
    assert len(p.stdout.splitlines()) >= 3


def put(acmed, name, text, mode=0o755):
    path = os.path.join(acmed.folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


@pytest.mark.parametrize("found, wanted", [
    ("Bearer s3cret\n", 'found a header as in "Bearer SECRET"'),
    ("<s3cret>\n", "found a placeholder"),
    ("YOUR_API_TOKEN", "found a placeholder"),
    ('"s3cret"', "found quotes"),
    ("\ufeff s3cret \r\n", None)])
def test_tokens_as_pasted(acmed, found, wanted):
    """In a file and in acmed.conf, before a vendor could refuse them."""
    cloud = acmed.providers["cloud"] = {"type": "cloudflare"}
    acmed.cert("a.example.test")
    for key, value in (("api_token_file", put(acmed, "token", found, 0o600)),
                       ("api_token", found.strip("\r\n"))):
        cloud.clear()
        cloud.update({"type": "cloudflare", key: value})
        p = check(acmed, acmed.text())
        assert "s3cret" not in p.stdout, p.stdout
        if wanted is None:
            assert p.returncode == 0, p.stdout
        else:
            line = [n for n, line in enumerate(acmed.text().splitlines(), 1)
                    if key in line][0]
            assert p.returncode == 1, p.stdout
            assert '%s:%d: provider "cloud": %s: ' % (acmed.conf, line, key) \
                in p.stdout and wanted in p.stdout, p.stdout


def test_programs_that_cannot_run(acmed):
    """Each with what mends it, when the configuration is read."""
    script = "#!/bin/sh\nexit 0\n"
    plain = put(acmed, "plain", script, 0o644)
    crlf = put(acmed, "crlf", script.replace("\n", "\r\n"))
    shell5 = put(acmed, "shell5", "#!/opt/none/shell5\n")
    lost = put(acmed, "lost", "#!/usr/bin/env no-such-snake\n")
    good = put(acmed, "good", script)
    hooks = os.path.join(acmed.folder, "hooks")
    hook = put(acmed, "hooks/deploy.d/10-a", script, 0o644)
    shared = put(acmed, "hooks/post.d/20-b", script, 0o777)
    put(acmed, "hooks/pre.d/README", "Nothing to run.\n", 0o644)
    mount = os.path.join(acmed.folder, "mount")
    os.makedirs(mount)
    proc.run(["mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", mount])
    try:
        still = put(acmed, "mount/still", script)
        acmed.options["hooks_dir"] = hooks
        acmed.providers["own"] = {"type": "exec", "program": [plain, "x"],
                                  "cleanup_program": [good]}
        acmed.cert("a.example.test", deploy={
            "crlf": {"exec": [crlf]}, "env": {"exec": [lost]},
            "test": {"reload": "x.service", "config_test": [acmed.folder]},
            "mount": {"exec": [still]}, "path": {"exec": ["no-such-one"]},
            "good": {"exec": ["true"]}})
        acmed.notifies["pager"] = {"exec": [shell5]}
        acmed.notifies["mail"] = {"mail_to": ["a@example.test"],
                                  "mail_from": "b@example.test",
                                  "sendmail": "/none/sendmail"}
        p = check(acmed, acmed.text())
    finally:
        proc.run(["umount", mount])
    assert p.returncode == 0, p.stdout
    for wanted in (
            'provider "own": program: %s is not executable: chmod +x %s'
            % (plain, plain),
            'deploy "crlf": exec: %s: its interpreter /bin/sh\\r does not '
            "exist (CRLF line ends? sed -i 's/\\r$//' %s)" % (crlf, crlf),
            'deploy "env": exec: %s: its interpreter no-such-snake is not in '
            "the search path" % lost,
            'deploy "test": config_test: %s is a directory' % acmed.folder,
            'deploy "mount": exec: %s is on a file system mounted noexec'
            % still,
            'deploy "path": exec: there is no program no-such-one in the '
            "search path",
            'notify "pager": exec: %s: its interpreter /opt/none/shell5 does '
            "not exist" % shell5,
            'notify "mail": sendmail: there is no program /none/sendmail',
            "hooks_dir: %s is not executable: chmod +x %s" % (hook, hook),
            "hooks_dir: %s is not run, for others can write" % shared):
        assert wanted in p.stdout, (wanted, p.stdout)
    assert p.stdout.count("warning: ") == 10, p.stdout


def test_program_of_another_user(acmed):
    """Root may run it, the daemon may not; and what a deploy says."""
    os.mkdir(acmed.state_dir, 0o700)
    for path in (acmed.folder, acmed.state_dir):
        os.chown(path, NOBODY, NOBODY)
    program = put(acmed, "roots", "#!/bin/sh\n", 0o700)
    acmed.user = NOBODY
    acmed.cert("a.example.test", deploy={"own": {"exec": [program]}})
    said = "cannot run %s (root:root, mode 0700): chgrp" % program
    p = check(acmed, acmed.text())
    assert p.returncode == 0 and said in p.stdout, p.stdout
    acmed.start(write=False)
    acmed.wait("the deploy to fail", lambda: said in json.dumps(
        acmed.cert_status("a.example.test")["deploy"]))


def test_missing_file(acmed):
    p = proc.run([daemon.program("ACMED", "acmed"), "-c",
                  acmed.folder + "/none.conf"], check=False)
    assert p.returncode == 1 and "none.conf" in p.stdout


def test_many_certificates_load_fast(acmed):
    """2,000 files in conf.d: a second or two, not minutes."""
    folder = os.path.join(acmed.folder, "conf.d")
    os.mkdir(folder)
    for i in range(2000):
        with open("%s/c%d.conf" % (folder, i), "w") as f:
            f.write(daemon.section("certificate", "m%d.example.test" % i, {
                "names": ["m%d.example.test" % i], "account": "lab",
                "provider": "dns"}))
    acmed.write_conf(acmed.text() + 'include("conf.d/*.conf")\n')
    p = proc.run([daemon.program("ACMED", "acmed"), "--check-config", "-c",
                  acmed.conf], timeout=10)
    assert p.returncode == 0


@pytest.mark.parametrize("how", ["SIGHUP", "acmectl"])
def test_reload(acmed, how):
    def reload():
        if how == "SIGHUP":
            acmed.reload()
            return None
        return acmed.ctl("reload")

    acmed.cert("one.example.test")
    acmed.start()
    acmed.wait_valid("one.example.test")

    acmed.cert("two.example.test")
    acmed.write_conf()
    p = reload()
    assert p is None or p.returncode == 0
    acmed.wait("the second one", lambda: acmed.cert_status(
        "two.example.test"))
    acmed.wait_valid("two.example.test")
    serial = acmed.serial("one.example.test")

    acmed.write_conf(acmed.text() + "nonsense = 1\n")
    p = reload()
    if p:
        assert p.returncode == 1 and "nonsense" in p.stdout
    acmed.wait("the error to be shown", lambda: "nonsense" in (
        acmed.status()["config"]["error"] or ""))
    assert acmed.cert_status("two.example.test")["state"] == "valid"
    assert "nonsense" in acmed.ctl("status").stdout

    acmed.write_conf()
    reload()
    acmed.wait("the error to go away", lambda: acmed.status()["config"][
        "error"] is None)
    assert acmed.serial("one.example.test") == serial


def test_reload_keeps_work_in_progress(acmed, ca_proxy):
    """A run goes on, and its order is not made again."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert("busy.example.test")
    seen = []

    def hook(request):
        if request.kind == "challenge" and not seen:
            seen.append(1)
            acmed.cert("new.example.test")
            acmed.write_conf()
            acmed.reload()
            proc.wait_until("the reload", lambda: acmed.cert_status(
                "new.example.test"))
    ca_proxy.before = hook
    acmed.start()
    acmed.wait_valid("busy.example.test", 30)
    acmed.wait_valid("new.example.test", 30)
    assert seen and ca_proxy.count("newOrder") == 2


def test_unwritable_state_directory(acmed):
    """Not root, and not its directory: says so, and by whom."""
    acmed.cert("a.example.test")
    os.mkdir(acmed.state_dir, 0o700)
    acmed.user = NOBODY
    acmed.options["control_socket"] = acmed.socket = "/tmp/acmed-nobody.sock"
    os.chmod(acmed.folder, 0o755)
    acmed.write_conf()
    acmed.launch()
    try:
        assert acmed.proc.wait(10) == 1
    finally:
        acmed.end()
    assert acmed.state_dir in acmed.log()


def test_runs_without_root(acmed, lab):
    acmed.cert("user.example.test")
    acmed.user = NOBODY
    os.chown(acmed.folder, NOBODY, NOBODY)
    acmed.start()
    acmed.wait_valid("user.example.test")
    assert os.stat(acmed.live("user.example.test")).st_uid == NOBODY
    # Root may ask; another user may not.
    assert acmed.ctl("status").returncode == 0
    p = subprocess.run([daemon.program("ACMECTL", "acmectl"), "--socket",
                        acmed.socket, "status"], user=1, group=1,
                       extra_groups=[], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=20)
    assert p.returncode == 4 and p.stdout.strip(), p


def test_disk_full(acmed):
    """A full disk fails the run, not the daemon, and nothing is lost."""
    acmed.cert("full.example.test")
    os.mkdir(acmed.state_dir, 0o700)
    proc.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs",
              acmed.state_dir])
    try:
        acmed.start()
        acmed.wait_valid("full.example.test")
        serial = acmed.serial("full.example.test")
        with open(acmed.state_dir + "/filler", "wb", 0) as f:
            try:
                while True:
                    f.write(b"x" * 512)
            except OSError:
                pass
        assert acmed.ctl("renew-now", "full.example.test").returncode == 1
        assert acmed.proc.alive()
        assert acmed.serial("full.example.test") == serial
        os.unlink(acmed.state_dir + "/filler")
        acmed.wait("a renewal", lambda: acmed.ctl(
            "renew-now", "full.example.test").returncode == 0, 30)
        assert acmed.serial("full.example.test") != serial
        acmed.stop()
    finally:
        acmed.end()
        proc.run(["umount", "-l", acmed.state_dir])
