# SPDX-License-Identifier: MIT
"""kill -9 and SIGTERM everywhere: no order is lost, no record stays."""

import os
import random
import signal
import threading
import time

import pytest

import test_dns
from lab import daemon, proc

# Where the first run of a daemon can be when it dies.
STEPS = ["directory", "account", "newOrder", "authz", "challenge", "order",
         "finalize", "cert"]


def finish(acmed, ca_proxy, txt, name, zone="example.test"):
    """Started again: one valid certificate, and an empty zone."""
    acmed.start()
    acmed.wait_valid(name, 40)
    acmed.wait_clean(40)
    assert txt(zone, name) == {}
    archive = os.path.join(acmed.state_dir, "archive", name)
    assert len(os.listdir(archive)) == 1
    assert os.listdir(os.path.join(acmed.state_dir, "pending")) == []
    acmed.stop()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", STEPS)
def test_kill_at_request(acmed, ca_proxy, txt, kind, when):
    """Dies when it sends a request, or when the CA has just obeyed it."""
    name = "%s-%s.example.test" % (kind.lower(), when)
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name, [name, "*." + name])
    killed = []

    def hook(request):
        if request.kind == kind and not killed:
            killed.append(request.number)
            acmed.proc.kill(signal.SIGKILL)
            return "drop"
        return None
    setattr(ca_proxy, when, hook)
    acmed.write_conf()
    acmed.launch()
    try:
        acmed.proc.wait(30)
    finally:
        acmed.end()
    assert killed, "never asked for " + kind
    finish(acmed, ca_proxy, txt, name)
    # Only an order whose URL was never heard of is made a second time.
    lost = kind == "newOrder" and when == "after"
    assert ca_proxy.count("newOrder") == (2 if lost else 1)
    assert ca_proxy.count("cert") in (1, 2)
    assert ca_proxy.count("finalize") == 1


HOOK = test_dns.UPDATE + """
once() {
	[ "WHEN" = "$1" ] && [ ! -e FLAG ] || return 0
	: >FLAG
	kill -9 $PPID
}
case $1 in
present)
	once add-before
	change add "$2" 5 "$3"
	once add-after ;;
cleanup)
	once remove-before
	change delete "$2" "" "$3"
	once remove-after ;;
esac
"""


@pytest.mark.parametrize("when", ["add-before", "add-after",
                                  "remove-before", "remove-after"])
def test_kill_at_provider(acmed, ca_proxy, txt, when):
    """Dies around the change of a record: the journal knows of it."""
    name = "%s.example.test" % when
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    text = HOOK.replace("WHEN", when).replace("FLAG", acmed.folder + "/flag")
    acmed.providers["dns"] = {
        "type": "exec", "mode": "lego",
        "program": test_dns.program(acmed, "hook", text)}
    acmed.cert(name, [name, "*." + name])
    acmed.write_conf()
    acmed.launch()
    try:
        assert acmed.proc.wait(30) == -signal.SIGKILL
    finally:
        acmed.end()
    finish(acmed, ca_proxy, txt, name)
    assert ca_proxy.count("newOrder") == 1


def test_kill_at_deploy(acmed, ca_proxy, txt):
    """Dies in the deploy command: it is run again, nothing is renewed."""
    name = "deploy-kill.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    flag = os.path.join(acmed.folder, "flag")
    acmed.cert(name, deploy={"x": {"exec": [
        "/bin/sh", "-c", 'echo run >>%s; '
        '[ $(wc -l <%s) -gt 1 ] || kill -9 $PPID' % (flag, flag)]}})
    acmed.write_conf()
    acmed.launch()
    assert acmed.proc.wait(30) == -signal.SIGKILL
    acmed.start()

    def done():
        c = acmed.cert_status(name)
        return c["deploy"] and c["deploy"][0]["state"] == "done"
    acmed.wait("the deploy action", done, 30)
    acmed.wait_clean(30)
    with open(flag) as f:
        assert len(f.readlines()) == 2
    assert ca_proxy.count("newOrder") == 1
    assert txt("example.test", name) == {}


@pytest.mark.parametrize("kind", ["newOrder", "challenge", "finalize"])
def test_sigterm_in_the_middle(acmed, ca_proxy, txt, kind):
    """Ends within seconds with status 0, and removes its records first."""
    name = "term-%s.example.test" % kind.lower()
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name, [name, "*." + name])
    reached = []

    def hook(request):
        if request.kind == kind and not reached:
            reached.append(request)
            acmed.proc.kill(signal.SIGTERM)
            time.sleep(0.3)     # the CA is slow: acmed must not wait for it
        return None
    ca_proxy.before = hook
    acmed.write_conf()
    acmed.launch()
    begin = time.monotonic()
    assert acmed.proc.wait(30) == 0
    assert reached and time.monotonic() - begin < 20
    assert txt("example.test", name) == {}
    finish(acmed, ca_proxy, txt, name)


def test_second_daemon(acmed):
    """One daemon per state directory; the second says who has it."""
    acmed.cert("second.example.test")
    acmed.start()
    acmed.wait_valid("second.example.test")
    second = daemon.Acmed(acmed.folder + "/2", "https://localhost/", "/dev/"
                          "null")
    second.options["state_dir"] = acmed.state_dir
    second.certs = acmed.certs
    second.accounts = acmed.accounts
    second.write_conf()
    second.launch()
    try:
        assert second.proc.wait(10) == 1
    finally:
        second.end()
    assert str(acmed.proc.pid) in second.log()
    assert acmed.state_dir in second.log()
    assert acmed.ctl("status").returncode == 0


@pytest.mark.long
def test_kill_at_random_points(acmed, ca_proxy, txt):
    """200 deaths at any moment, and every state recovers."""
    seed = int(os.environ.get("LAB_SEED", time.time()))
    print("LAB_SEED=%d" % seed)
    dice = random.Random(seed)
    names = ["random%d.example.test" % i for i in range(3)]
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    for n in names:
        acmed.cert(n, [n, "*." + n])
    acmed.write_conf()
    for i in range(200):
        acmed.launch()
        time.sleep(dice.uniform(0, 0.25))
        if dice.random() < 0.5 and os.path.exists(acmed.socket):
            acmed.ctl("renew-now", "--no-wait", dice.choice(names))
            time.sleep(dice.uniform(0, 0.15))
        acmed.end()
    acmed.start()
    for n in names:
        acmed.wait_valid(n, 60)
        assert acmed.ctl("renew-now", n).returncode == 0
    acmed.wait_clean(60)
    assert not [n for n in txt("example.test") if "random" in n]


def test_early_renewal_goes_on(acmed, ca_proxy):
    """One that was asked for long before it was due is ended after a stop,
    unasked, with the order that it had."""
    name = "early.example.test"
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    serial = acmed.serial(name)
    reached = threading.Event()

    def hook(request):
        if request.kind == "finalize" and not reached.is_set():
            reached.set()
            time.sleep(1)
            return "drop"
        return None
    ca_proxy.before = hook
    acmed.ctl("renew-now", "--no-wait", name)
    assert reached.wait(10)
    acmed.stop()
    assert acmed.serial(name) == serial
    acmed.start()
    acmed.wait("the renewal", lambda: acmed.serial(name) not in (
        None, serial))
    acmed.wait_valid(name)
    assert ca_proxy.count("newOrder") == 2


def test_crash_between_live_and_state(acmed, ca_proxy):
    """live/ shows the new certificate, state.db knows nothing of it: the
    deploy commands are run all the same."""
    name = "between.example.test"
    runs = os.path.join(acmed.folder, "runs")
    acmed.accounts["lab"]["directory"] = ca_proxy.directory
    acmed.cert(name, deploy={"x": {"exec": [
        "/bin/sh", "-c", "echo $ACMED_SERIAL >>%s" % runs]}})
    acmed.start()
    acmed.wait_valid(name)
    killed = threading.Event()

    def serials():
        with open(runs) as f:
            return f.read().split()

    def hook(request):
        if request.kind == "cert":
            acmed.proc.kill(signal.SIGKILL)
            killed.set()
            return "drop"
        return None
    ca_proxy.before = hook
    acmed.ctl("renew-now", "--no-wait", name)
    assert killed.wait(10)
    acmed.end()
    # What is on disk before the installation, but for live/ and archive/.
    saved = os.path.join(acmed.folder, "saved")
    os.mkdir(saved)
    proc.run(["cp", "-a", "state.db", "state.db-wal", "pending", saved],
             cwd=acmed.state_dir)
    ca_proxy.before = lambda r: None
    acmed.start()
    acmed.wait("the renewal", lambda: len(serials()) == 2)
    acmed.wait_valid(name)
    acmed.stop()
    proc.run(["cp", "-a", saved + "/.", acmed.state_dir])
    acmed.start()
    acmed.wait("the deploy command", lambda: len(serials()) == 3)
    assert serials()[1] == serials()[2] != serials()[0]
    acmed.wait_valid(name)
    assert ca_proxy.count("newOrder") == 2
    # Killed a moment later, when only the key was to be removed.
    acmed.stop()
    pending = os.path.join(acmed.state_dir, "pending")
    proc.run(["cp", "-a", saved + "/pending/.", pending])
    assert os.listdir(pending)
    acmed.start()
    assert os.listdir(pending) == []
