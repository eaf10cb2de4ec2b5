# SPDX-License-Identifier: MIT
"""When a renewal is tried again, and how often a certificate is ordered,
whatever the CA answers and whatever the clock shows."""

import os
import socket
import threading
import time

import pytest

NAME = "when.example.test"


@pytest.fixture
def ca(scripted):
    return scripted()


@pytest.fixture
def acmed(make, ca):
    a = make(ca.directory, ca_file=ca.ca_file)
    a.cert(NAME)
    return a


def next_in(acmed, name=NAME):
    return acmed.cert_status(name)["next"]["at"] - time.time()


def maintenance(seconds):
    return lambda ca, h, p: (503, [
        ("Retry-After", str(seconds)), ("Content-Type", "text/html")],
        b"<html>maintenance</html>")


def settles(acmed, ca, orders):
    """No other order comes, also after a restart."""
    time.sleep(2)
    assert ca.count()["newOrder"] == orders
    acmed.stop()
    acmed.start()
    time.sleep(2)
    assert ca.count()["newOrder"] == orders


@pytest.mark.parametrize("lifetime,backdate,says", [
    (7200, 3900, "valid for 54m only, 1h 5m old on arrival; no other"),
    (90 * 86400, 70 * 86400, "valid for 19d only, 70d old on arrival"),
    (10, 0, "valid for"),
])
def test_due_when_it_arrives(acmed, ca, lifetime, backdate, says):
    ca.lifetime, ca.backdate = lifetime, backdate
    acmed.start()
    error = acmed.wait_error(NAME)
    assert error["code"] == "engine:due-on-arrival"
    assert says in error["msg"] or says.replace("54m", "55m").replace(
        "19d", "20d") in error["msg"]
    assert next_in(acmed) > 3590
    settles(acmed, ca, 1)
    shown = acmed.ctl("status", NAME).stdout
    assert "due when it arrived" in shown and "retry in" in shown, shown
    assert acmed.ctl("status", "--check").returncode == 1
    # A person who asks is not held.
    ca.lifetime, ca.backdate = 90 * 86400, 3600
    assert acmed.ctl("renew-now", NAME).returncode == 0
    assert acmed.cert_status(NAME)["error"] is None


def test_clock_is_ahead(acmed, ca):
    if acmed.fake_clock() is None:
        pytest.skip("no libfaketime")
    with open(os.path.join(acmed.folder, "clock"), "w") as f:
        f.write("+75d\n")
    acmed.start()
    error = acmed.wait_error(NAME)
    assert "75d old on arrival; this machine's clock is 75d ahead of the " \
        "CA's" in error["msg"], error
    shown = acmed.get("/v1/certificates/" + NAME)[1]
    told = [s for s in shown["steps"] if "75d ahead of the CA's" in s["msg"]]
    assert [(s["step"], s["level"]) for s in told] == [
        ("order", "warning"), ("install", "warning")], shown["steps"]
    assert "timedatectl" in shown["clock"]
    assert "clock" in acmed.ctl("status", NAME).stdout
    settles(acmed, ca, 1)


def test_clock_is_of_no_use(acmed, ca):
    """What is issued would have expired already: no order is made, until
    the clock is right, or a person insists."""
    clock = os.path.join(acmed.folder, "clock")
    if acmed.fake_clock() is None:
        pytest.skip("no libfaketime")
    with open(clock, "w") as f:
        f.write("+370d\n")
    acmed.start()
    error = acmed.wait_error(NAME)
    assert error["code"] == "engine:clock" and error["kind"] == "transient"
    assert "370d ahead of the CA's" in error["msg"]
    asked = acmed.ctl("renew-now", NAME)
    assert asked.returncode != 0 and "--force" in asked.stdout, asked.stdout
    assert "newOrder" not in ca.count()
    acmed.stop()
    with open(clock, "w") as f:
        f.write("+0\n")
    acmed.start()
    acmed.wait_valid(NAME)
    assert ca.count()["newOrder"] == 1
    assert acmed.cert_status(NAME)["clock"] is None


def test_asked_for_and_failed(acmed, ca):
    """The CA is down for a moment; the certificate is not due for long."""
    acmed.start()
    acmed.wait_valid(NAME)
    ca.before["newOrder"] = lambda ca, h, p: ca.problem(
        403, "unauthorized", "not today")
    acmed.stop()
    acmed.start()
    assert acmed.ctl("renew-now", NAME).returncode != 0
    assert next_in(acmed) < 80
    # What only a person can mend is tried again at a reload.
    del ca.before["newOrder"]
    assert acmed.ctl("reload").returncode == 0
    acmed.wait("the renewal", lambda: acmed.cert_status(NAME)["error"] is None)
    assert ca.count()["cert"] == 2


def test_retry_after_over_expiry(acmed, ca):
    """Nobody at the CA says a day to a certificate of some minutes."""
    ca.lifetime, ca.backdate = 300, 0
    acmed.start()
    acmed.wait_valid(NAME)
    ca.before["newOrder"] = maintenance(86400)
    assert acmed.ctl("renew-now", NAME).returncode != 0
    assert 3000 < next_in(acmed) < 4400


def test_retry_after_of_a_second(acmed, ca):
    ca.before["newOrder"] = maintenance(1)
    acmed.start()
    acmed.wait_error(NAME)
    assert 40 < next_in(acmed) < 80
    assert ca.count()["newOrder"] == 1


def test_refused_by_policy(acmed, ca):
    ca.before["newOrder"] = lambda ca, h, p: ca.problem(
        400, "malformed", "Error creating new order :: Domain name "
        "\"www.example.test\" is redundant with a wildcard domain in the "
        "same request. Remove one or the other from the certificate request.")
    acmed.cert("wild", ["*.example.test", "www.example.test"])
    acmed.start()
    assert "redundant with a wildcard" in acmed.wait_error("wild")["msg"]
    assert next_in(acmed, "wild") > 19 * 3600


def test_account_is_held(acmed, ca):
    """One is told to wait: the others do not ask, nor renew-now."""
    ca.before["newOrder"] = lambda ca, h, p: (429, [
        ("Retry-After", "3600")], {
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many new orders from this account"})
    acmed.start()
    acmed.wait_error(NAME)
    for i in range(5):
        acmed.cert("more%d.example.test" % i)
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    p = acmed.ctl("renew-now", "more1.example.test")
    assert p.returncode == 5, p.stdout
    assert "to wait until" in p.stdout and "--force" in p.stdout, p.stdout
    assert "too many new orders" in p.stdout
    settles(acmed, ca, 1)
    assert "to wait until" in acmed.ctl("status", "more1.example.test").stdout
    del ca.before["newOrder"]
    p = acmed.ctl("renew-now", "--force", "more1.example.test")
    assert p.returncode == 0, p.stdout
    # The CA takes orders again.
    acmed.wait_valid("more2.example.test", 30)


def test_staging_to_production(make, scripted):
    """Another directory in the configuration is enough."""
    staging, production = scripted(), scripted()
    both = os.path.join(staging.folder, "both.pem")
    with open(both, "w") as f:
        for c in staging, production:
            with open(c.ca_file) as g:
                f.write(g.read())
    a = make(staging.directory, ca_file=both)
    a.cert(NAME)
    a.start()
    a.wait_valid(NAME)
    serial = a.serial(NAME)
    a.accounts["lab"]["directory"] = production.directory
    a.write_conf()
    assert a.ctl("reload").returncode == 0
    a.wait("the other CA", lambda: a.serial(NAME) != serial)
    c = a.wait_valid(NAME)
    assert c["directory"] == production.directory and not c["other_ca"]
    assert staging.count()["newOrder"] == 1
    assert production.count()["newOrder"] == 1


@pytest.mark.parametrize("n_taken", [0, 3])
def test_many_are_told_to_wait(acmed, ca, n_taken):
    """Twenty are due at once, and the CA asks to wait: it hears it from few,
    and when it takes orders again all come, without a failure of their own."""
    lock = threading.Lock()
    asked = []

    def limit(ca, h, p):
        with lock:
            asked.append(time.time())
            n = len(asked)
        time.sleep(0.1)
        if n <= n_taken:
            return None
        return (429, [("Retry-After", "3600")], {
            "type": "urn:ietf:params:acme:error:rateLimited",
            "detail": "too many new orders from this account"})
    ca.before["newOrder"] = limit
    names = ["many%02d.example.test" % i for i in range(20)]
    acmed.certs.clear()
    for n in names:
        acmed.cert(n)
    acmed.start()

    def ended():
        certs = acmed.status()["certificates"]
        if any(c["run"] or c["next"]["action"] == "running" for c in certs):
            return None
        return [c for c in certs if c["held"] and c["state"] == "missing"]
    waiting = acmed.wait("all to end", ended)
    assert len(waiting) == 20 - n_taken
    assert len(asked) <= 2 * n_taken + 1, len(asked)
    told = [c for c in waiting if c["failures"]]
    assert len(told) == len(asked) - n_taken
    del ca.before["newOrder"]
    p = acmed.ctl("renew-now", "--force", waiting[0]["name"])
    assert p.returncode == 0, p.stdout
    for c in waiting:
        if not c["failures"]:
            acmed.wait_valid(c["name"], 30)


class Closed:
    """A port that takes connections, counts them, and says nothing."""

    def __init__(self, port):
        self.sock = socket.create_server(("127.0.0.1", port), backlog=128)
        self.n = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            self.n += 1
            conn.close()

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join()


def lines(acmed):
    """What is told at the usual log level."""
    return [line for line in acmed.log().splitlines() if "cert=" in line
            and line.split()[1] not in ("debug", "info")]


def test_dead_ca(make, scripted):
    """200 that are due cost a CA that is down as many connections, and the
    log as many lines, as ten; all go on when it answers."""
    daemons = []
    for n in 10, 200:
        ca = scripted()
        ca.stop()
        a = make(ca.directory, ca_file=ca.ca_file)
        a.n, a.ca, a.closed = n, ca, Closed(ca.port)
        for i in range(n):
            a.cert("many%03d.example.test" % i)
        daemons.append(a)
    for a in daemons:
        a.start()

    def told(a, n):
        certs = a.status()["certificates"]
        assert n == 1 or sum(c["run"] is not None for c in certs) <= 1
        return all(c["run"] is None and c["failures"] == n for c in certs)
    for n in 1, 2:
        for a in daemons:
            a.wait("round %d" % n, lambda: told(a, n))
            assert len(lines(a)) == n, a.log()
            # A request is tried three times, with what http tries again.
            assert a.closed.n <= 6 * n, a.closed.n
            if n == 1:
                assert a.ctl("reload").returncode == 0
    few, many = daemons
    assert abs(few.closed.n - many.closed.n) <= 2
    assert "; 199 others wait for this CA" in many.log()
    last = many.cert_status("many199.example.test")
    assert last["condition"] == "missing" and last["next"]["action"] == "retry"
    assert last["error"]["msg"].startswith("account: directory https://")
    assert "no certificate of account" in last["held"]["msg"]
    shown = many.ctl("status", "many199.example.test").stdout
    assert "one asks the CA again in" in shown, shown
    # A person asks at once, for one; and so it is up again for all.
    p = many.ctl("renew-now", "many100.example.test")
    assert p.returncode == 1 and "directory https://" in p.stdout, p.stdout
    many.closed.stop()
    few.closed.stop()
    few.ca.auto_authz = many.ca.auto_authz = True
    many.ca.start()
    assert many.ctl("renew-now", "many100.example.test").returncode == 0
    many.wait("all", lambda: all(
        c["ok"] for c in many.status()["certificates"]), 60)
    assert len([s for s in many.log().splitlines()
                if "can be ordered again" in s]) == 1


def test_ca_dies(acmed, ca):
    """It dies after it has answered: the nonces kept are of no use."""
    ca.auto_authz = True
    acmed.start()
    acmed.wait_valid(NAME)
    ca.stop()
    closed = Closed(ca.port)
    names = ["late%02d.example.test" % i for i in range(40)]
    for n in names:
        acmed.cert(n)
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0

    def ended():
        certs = [acmed.cert_status(n) for n in names]
        return all(c["run"] is None and c["error"] for c in certs)
    acmed.wait("the end", ended, 30)
    assert len([s for s in lines(acmed) if "late" in s]) == 1, acmed.log()
    assert closed.n <= 8, closed.n
    closed.stop()
    ca.start()
    assert acmed.ctl("renew-now", names[7]).returncode == 0
    for n in names:
        acmed.wait_valid(n, 30)
