# SPDX-License-Identifier: MIT
"""Every write to the disk fails once, or is the last thing acmed does."""

import http.client
import os
import shutil
import signal
import time

import pytest

from lab import proc

SYSCALLS = {
    "sync": "fsync,fdatasync",
    "rename": "rename,renameat,renameat2",
    "unlink": "unlink,unlinkat",
    "write": "write",
}


def look(acmed, name):
    """It may die while it answers."""
    try:
        return acmed.cert_status(name)
    except (OSError, http.client.HTTPException):
        return None


def first_run(acmed, name, log):
    """Until the run is over, or the daemon; True if the fault was met."""
    end = time.monotonic() + 20
    while acmed.proc.alive() and time.monotonic() < end:
        c = look(acmed, name)
        if c and c["run"] is None and (c["error"] or (c["deploy"] and c[
                "deploy"][0]["state"] in ("done", "failed"))):
            break
        time.sleep(0.02)
    killed = not acmed.proc.alive() \
        and acmed.proc.popen.returncode == -signal.SIGKILL
    acmed.end()
    with open(log) as f:
        return killed or "INJECTED" in f.read()


def recovers(acmed, name, txt):
    """Without the fault: installed, deployed, and nothing left behind."""
    acmed.wrap = []
    acmed.launch().ready(acmed.answers)
    c = acmed.cert_status(name)
    if c["error"] and c["run"] is None:
        acmed.ctl("renew-now", name)
    acmed.wait_valid(name, 30)
    acmed.wait("the deploy action", lambda: [
        d["state"] for d in acmed.cert_status(name)["deploy"]] == ["done"])
    acmed.wait_clean(60)
    assert txt("example.test", name) == {}
    acmed.stop()
    acmed.start()       # what a crash leaves in pending/ goes at the start
    assert os.listdir(os.path.join(acmed.state_dir, "pending")) == []
    assert len(os.listdir(os.path.join(acmed.state_dir, "archive",
                                       name))) == 1
    acmed.end()


@pytest.mark.long
@pytest.mark.parametrize("kind, fault", [
    ("sync", "error=EIO"), ("sync", "signal=KILL"),
    ("rename", "error=ENOSPC"), ("rename", "signal=KILL"),
    ("unlink", "signal=KILL"), ("write", "error=ENOSPC")])
def test_each_call(make, ca_proxy, txt, kind, fault):
    """The first such system call of a daemon's life, the second, ..."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    if os.environ.get("LAB_WRAP"):
        pytest.skip("strace and %s" % os.environ["LAB_WRAP"])
    n = 2 if kind == "write" else 1     # a lost log line is no fault
    while True:
        acmed = make(ca_proxy.directory)
        name = "%s%d-%s.example.test" % (kind, n, fault[-3:].lower())
        log = os.path.join(acmed.folder, "strace")
        acmed.cert(name, [name, "*." + name],
                   deploy={"x": {"exec": ["/bin/true"]}})
        acmed.options["log_level"] = "notice"
        # -D: acmed stays the child of this process.
        acmed.wrap = ["strace", "-D", "-f", "-qq", "-o", log, "-e",
                      "trace=" + SYSCALLS[kind], "-e", "inject=%s:%s:when=%d"
                      % (SYSCALLS[kind], fault, n)]
        ca_proxy.reset()
        acmed.write_conf()
        acmed.launch()
        met = first_run(acmed, name, log)
        try:
            recovers(acmed, name, txt)
        except (AssertionError, proc.LabError) as e:
            raise AssertionError("%s, call %d: %s" % (fault, n, e)) from e
        # Only an order whose URL was not saved in time is made again.
        assert ca_proxy.count("newOrder") <= 2, n
        assert ca_proxy.count("finalize") == 1, n
        if not met:
            break
        n += 1
    assert n > 3
