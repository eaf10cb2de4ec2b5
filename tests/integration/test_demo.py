# SPDX-License-Identifier: MIT
"""What `./quickstart demo` shows, less the build before it."""

import os
import shutil
import sys

import pytest

from lab import daemon, proc

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
DEMO = os.path.join(SOURCE, "tests", "lab", "demo.py")


def demo(folder, *options, script="demo.py"):
    env = dict(os.environ, ACMED=daemon.program("ACMED", "acmed"),
               ACMECTL=daemon.program("ACMECTL", "acmectl"))
    os.chmod(folder, 0o755)
    return proc.run([sys.executable, "-B", os.path.join(
        os.path.dirname(DEMO), script), str(folder)]
                    + list(options), env=env, timeout=120, check=False)


COMMON = ("Pebble, a test CA", "issued and installed",
          "$ acmectl renew-now example.test", "done; next renewal in",
          "$ acmectl status", "nginx really serves",
          "DNS:example.test, DNS:*.example.test", "to look further")
BUILTIN = ("_acme-challenge.example.test.  NS  acme-ns.example.test.",
           'type = "builtin"', "nothing was written to it")


MAIL = ("Subject: [acmed] example.test:", "Next try:",
        "so is the last word: [acmed] example.test:")


@pytest.mark.parametrize("options", [("--mail",), ("--builtin",),
                                     ("--builtin", "--mail")],
                         ids=["rfc2136", "builtin", "builtin-mail"])
def test_demo(lab, options):
    folder = os.path.join(lab.folder, "demo%d" % next(lab.serial))
    os.mkdir(folder)
    p = demo(folder, *options)
    assert p.returncode == 0, p.stdout
    for line in COMMON + (BUILTIN if "--builtin" in options else ()) + (
            MAIL if "--mail" in options else ()):
        assert line in p.stdout, p.stdout
    if "--builtin" in options:
        assert "key_secret" not in p.stdout


def test_demo_of_a_fleet(lab):
    """--fleet: who is killed in the middle is replaced, and nothing is ordered
    twice; the script fails else."""
    if not shutil.which("etcd") or not shutil.which("etcdctl"):
        pytest.skip("etcd-server or etcd-client is not installed")
    folder = os.path.join(lab.folder, "demo%d" % next(lab.serial))
    os.mkdir(folder)
    p = demo(folder, script="demo_fleet.py")
    assert p.returncode == 0, p.stdout
    for line in ("etcd, 3 members", "killed: kill -9", "orders at the CA: 1",
                 "has gone on when the lease of",
                 "TXT records left in the DNS: none", "ordered nothing"):
        assert line in p.stdout, p.stdout
    assert p.stdout.count("nginx of web3") == 2


def test_demo_is_kept(lab):
    """--keep: the scripts that it names work, and the last leaves nothing."""
    folder = os.path.join(lab.folder, "demo%d" % next(lab.serial))
    os.mkdir(folder)
    p = demo(folder, "--builtin", "--keep")
    try:
        assert p.returncode == 0, p.stdout
        enter, stop = (os.path.join(folder, f) for f in ("enter", "stop"))
        assert enter in p.stdout and stop in p.stdout
        got = proc.run([enter, "acmectl", "status"]).stdout
        assert "example.test  valid" in got
        got = proc.run([enter, "acmectl", "renew-now", "example.test"]).stdout
        assert "done; next renewal" in got
    finally:
        proc.run([os.path.join(folder, "stop")], check=False)
    assert not os.path.exists(folder)


@pytest.mark.no_lab
def test_usage():
    quickstart = os.path.join(SOURCE, "quickstart")
    got = proc.run([quickstart, "--help"]).stdout
    assert "demo --builtin" in got and "quickstart test" in got
    assert "set -eu" not in got and "Debian" in got
    for wrong in ([], ["demo", "--nonsense"], ["nonsense"],
                  ["demo", "--fleet", "--keep"]):
        p = proc.run([quickstart] + wrong, check=False)
        assert p.returncode == 2 and "demo --builtin" in p.stdout


@pytest.mark.no_lab
def test_packages_fail(tmp_path):
    """What apt-get cannot install ends quickstart, with apt's own words."""
    for name, text in (
            ("dpkg-query", "exit 1"),
            ("apt-get", "echo 'E: Unable to locate package gcc' >&2; "
                        "exit 100"),
            ("systemctl", "exit 0")):
        tool = tmp_path / name
        tool.write_text("#!/bin/sh\n%s\n" % text)
        tool.chmod(0o755)
    policy = "/usr/sbin/policy-rc.d"
    there = os.path.exists(policy)
    p = proc.run([os.path.join(SOURCE, "quickstart"), "demo"], check=False,
                 env=dict(os.environ, TMPDIR=str(tmp_path),
                          PATH="%s:%s" % (tmp_path, os.environ["PATH"])))
    assert p.returncode == 1, p.stdout
    assert "packages" in p.stdout and " failed\n" in p.stdout
    assert "    E: Unable to locate package gcc\n" in p.stdout
    assert "autoreconf" not in p.stdout
    assert os.path.exists(policy) == there
