# SPDX-License-Identifier: MIT
"""Namespaces, child processes, and waiting with a deadline."""

import ctypes
import errno
import os
import signal
import subprocess
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC_PRIVATE = 0x4000 | (1 << 18)
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    pass


def enter_namespaces():
    """Move this process into new network and mount namespaces, lo up.

    Raises LabError with a reason that a person understands.
    """
    if os.geteuid() != 0:
        raise LabError("the laboratory needs root (a network namespace)")
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        raise LabError("no network namespace: unshare: "
                       + os.strerror(ctypes.get_errno()))
    # EINVAL: / is no mount point, as in a chroot.
    if libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) != 0 \
            and ctypes.get_errno() != errno.EINVAL:
        raise LabError("mount --make-rprivate: "
                       + os.strerror(ctypes.get_errno()))
    # libfaketime leaves files there, by process id: a killed one's would keep
    # another from starting.
    run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=False)
    run(["ip", "link", "set", "lo", "up"])
    # Some servers bind only addresses that an interface has.
    for i in range(1, 11):
        run(["ip", "addr", "add", "127.0.1.%d/32" % i, "dev", "lo"])
    # Where instances of clouds find their metadata.
    for address in ("100.100.100.200/32", "169.254.169.254/32"):
        run(["ip", "addr", "add", address, "dev", "lo"])
    run(["ip", "addr", "add", "fd00:53::1/128", "dev", "lo", "nodad"],
        check=False)    # a machine without IPv6 does without


def run(argv, check=True, timeout=60, **kw):
    """Run a program to its end; its output is in .stdout (text)."""
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.STDOUT)
    kw.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.run(argv, timeout=timeout, text=True, errors="replace",
                       **kw)
    if check and p.returncode != 0:
        raise LabError("%s: exit status %d: %s"
                       % (" ".join(argv), p.returncode, p.stdout))
    return p


def wait_until(what, check, timeout=15.0, pause=0.02):
    """Call check() until it returns something true, and return that."""
    end = time.monotonic() + timeout
    while True:
        got = check()
        if got:
            return got
        if time.monotonic() > end:
            raise LabError("waited %g s for %s" % (timeout, what() if
                           callable(what) else what))
        time.sleep(pause)


class Proc:
    """A server in the background, its output in a file.

    It dies with the process that started it, unless keep is set.
    """

    keep = False

    def __init__(self, argv, log, env=None, user=None, group=None, cwd=None):
        self.argv = [str(a) for a in argv]
        self.log_path = str(log)
        self.exit_status = None
        keep = Proc.keep

        def child():
            os.setsid()
            if not keep:
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

        with open(self.log_path, "ab") as out:
            self.popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=env, cwd=cwd, user=user, group=group, preexec_fn=child,
                extra_groups=[] if user is not None else None)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def kill(self, sig=signal.SIGKILL):
        if self.alive():
            self.popen.send_signal(sig)

    def wait(self, timeout=15.0):
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError("%s did not end in %g s"
                           % (self.argv[0], timeout)) from None

    def stop(self, timeout=15.0):
        """TERM, then KILL; returns the exit status."""
        if self.alive():
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self.popen.returncode

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def ready(self, check, timeout=15.0):
        """Wait for check(); an early death is told with the log's end."""
        def step():
            if not self.alive():
                raise LabError("%s ended with status %d: %s"
                               % (" ".join(self.argv), self.popen.returncode,
                                  self.log()[-2000:]))
            return check()
        wait_until(lambda: "%s to be ready: %s" % (self.argv[0],
                   self.log()[-2000:]), step, timeout)
        return self
