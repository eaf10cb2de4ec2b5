# SPDX-License-Identifier: MIT
"""acmectl's exit codes: each one of the table in acmectl(1), by what brings it
about."""

import os
import re
import shutil
import signal
import subprocess
import threading

import pytest

from lab import daemon

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
NAME, BAD = "x.example.test", "bad.other.test"


@pytest.fixture
def two(acmed, ca_proxy):
    """One that is well, and one that fails."""
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.providers["bad"] = daemon.rfc2136(key_name="nobody")
    acmed.cert(NAME)
    acmed.cert(BAD, provider="bad")
    acmed.start()
    acmed.wait_valid(NAME)
    acmed.wait_error(BAD)
    return acmed


def denied(acmed):
    """Of a user who may not open the socket."""
    program = os.path.join(acmed.folder, "acmectl")
    shutil.copy(daemon.program("ACMECTL", "acmectl"), program)
    for path in acmed.folder, os.path.dirname(acmed.folder):
        os.chmod(path, os.stat(path).st_mode | 0o711)
    return subprocess.run([program, "--socket", acmed.socket, "status"],
                          user=65534, group=65534, extra_groups=[],
                          capture_output=True).returncode


def interrupted(acmed, ca_proxy):
    """Ctrl-C while the CA does not answer."""
    asked, go_on = threading.Event(), threading.Event()

    def wait(request):
        if request.kind == "newOrder":
            asked.set()
            go_on.wait(30)
    ca_proxy.before = wait
    p = subprocess.Popen([daemon.program("ACMECTL", "acmectl"), "--socket",
                          acmed.socket, "renew-now", NAME],
                         stderr=subprocess.PIPE, text=True)
    try:
        assert asked.wait(30)
        p.send_signal(signal.SIGINT)
        said = p.communicate(timeout=30)[1]
    finally:
        go_on.set()
    assert "goes on" in said
    return p.returncode


def test_every_code(two, ca_proxy):
    with open(os.path.join(ROOT, "doc", "acmectl.1")) as f:
        page = f.read()
    table = page[page.index(".Sh EXIT STATUS"):page.index(".Sh EXAMPLES")]
    codes = [int(c) for c in re.findall(r"^\.It (\d+)$", table, re.M)]
    p = two.ctl("--help")
    said = re.search(r"Exit codes: ((?:.|\n)*?)\.\n", p.stdout).group(1)
    assert [int(c) for c in re.findall(r"\b\d+\b", said)] == codes

    def ctl(*args):
        return two.ctl(*args).returncode
    cases = {
        0: lambda: [ctl("status"), ctl("check", NAME),
                    ctl("renew-now", NAME)],
        1: lambda: [ctl("status", "--check"), ctl("renew-now", BAD),
                    ctl("status", "--check", BAD)],
        2: lambda: [ctl(), ctl("renwe-now"), ctl("renew-now"),
                    ctl("status", "--force"), ctl("delete", NAME),
                    ctl("plan", "--days", "soon")],
        4: lambda: [denied(two)],
        5: lambda: [ctl("status", "none.test"), ctl("renew-now", "none.test"),
                    ctl("account", "show", "none"),
                    ctl("revoke", "--cancel", NAME),
                    ctl("renew-now", "--dry-run", NAME)],
        6: lambda: [ctl("check", BAD)],
        130: lambda: [interrupted(two, ca_proxy)],
        3: lambda: [two.stop() or ctl("status"), ctl("renew-now", NAME)],
    }
    assert sorted(cases) == codes
    for code, run in cases.items():
        got = run()
        assert got == [code] * len(got), (code, got)
