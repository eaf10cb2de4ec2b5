# SPDX-License-Identifier: MIT
"""Certificates that may come from several CAs, and limits that are about some
names only, in Boulder's words."""

import glob
import os
import threading


def account(ca):
    return {"directory": ca.directory, "ca_file": ca.ca_file,
            "contact": ["mailto:admin@example.test"], "agree_tos": True}


def ill(ca, h, payload):
    return ca.problem(503, "serverInternal", "Service unavailable")


def test_second_ca(scripted, make):
    """The first CA is down: the second one, Pebble, issues at once, also for who
    asks, and it stays so; when the first is back, it is asked first again."""
    first = scripted(issuer="The first CA")
    a = make(nonce_reject=0)
    a.accounts["first"] = account(first)
    name = "two.example.test"
    a.cert(name, account=["first", "lab"])
    a.start()
    assert a.wait_valid(name, 60)["fallback"] is None
    assert "The first CA" in a.x509(name, "-issuer")
    first.before["newOrder"] = ill
    r = a.ctl("renew-now", name, timeout=120)
    assert r.returncode == 0, r.stdout
    assert 'going on with account "lab"' in r.stdout
    assert "Pebble" in a.x509(name, "-issuer")
    c = a.wait_valid(name)
    assert c["fallback"]["first"] == "first"
    assert c["fallback"]["issued"] == "lab"
    assert "Service unavailable" in c["fallback"]["why"]
    assert not c["other_ca"]
    out = a.ctl("status", name).stdout
    assert "lab, not first" in out and "Service unavailable" in out
    # No renewal for its sake, nor for a restart's.
    first.before.clear()
    asked, serial = first.count()["newOrder"], a.serial(name)
    a.stop()
    a.start()
    c = a.wait_valid(name)
    assert c["next"]["reason"] in ("lifetime", "ari"), c["next"]
    assert a.serial(name) == serial
    assert first.count()["newOrder"] == asked
    # ARI is asked of the CA that issued it; "replaces" is for that alone.
    r = a.ctl("renew-now", name, timeout=120)
    assert r.returncode == 0, r.stdout
    assert "The first CA" in a.x509(name, "-issuer")
    orders = [p for _, k, p in first.seen if k == "newOrder"]
    assert "replaces" not in orders[-1]
    assert a.wait_valid(name)["fallback"] is None
    # Each version knows its CA, whatever becomes of state.db: the second one
    # revokes what it issued, which the first does not know how to.
    a.stop()
    for f in glob.glob(a.state_dir + "/state.db*"):
        os.unlink(f)
    a.start(write=False)
    assert a.wait_valid(name)["directory"] == first.directory
    r = a.ctl("revoke", name, "--only", "--yes", "--serial",
              serial.split("=")[-1])
    assert r.returncode == 0, r.stdout
    assert first.count().get("revoke", 0) == 0
    assert first.count()["newOrder"] == asked + 1


def test_killed_at_second_ca(scripted, make):
    """kill -9 in the middle of the second CA's order: it is resumed there, though
    the first one is back."""
    first, second = scripted(), scripted()
    a = make(first.directory, ca_file=first.ca_file)
    a.accounts["second"] = account(second)
    name = "killed.example.test"
    a.cert(name, account=["lab", "second"])
    reached, go_on = threading.Event(), threading.Event()

    def finalize(ca, h, payload):
        reached.set()
        go_on.wait(60)
        return "drop"
    first.before["account"] = ill
    second.before["finalize"] = finalize
    a.start()
    assert reached.wait(60)
    a.kill()
    go_on.set()
    first.before.clear()
    second.before.clear()
    a.start(write=False)
    a.wait_valid(name, 60)
    assert second.count()["newOrder"] == 1
    assert first.count().get("newOrder", 0) == 0


def test_limit_of_a_domain(scripted, make):
    """What one certificate is told of a registered domain holds the others in it,
    and nobody else; also after a restart."""
    ca = scripted()
    a = make(ca.directory, ca_file=ca.ca_file)
    text = ('too many certificates (50) already issued for "%s" in the last '
            '168h0m0s, retry after 2099-01-02 03:04:05 UTC: see https://'
            'letsencrypt.org/docs/rate-limits/#new-certificates-per-registered'
            '-domain' % "limited.example.test")
    told = []

    def limit(ca, h, payload):
        names = [i["value"] for i in payload["identifiers"]]
        if names[0].endswith("limited.example.test"):
            told.append(names[0])
            return ca.problem(429, "rateLimited", text)
    ca.before["newOrder"] = limit
    a.cert("one.limited.example.test")
    a.start()
    error = a.wait_error("one.limited.example.test", 60)
    assert error["code"] == "acme:rateLimited"
    a.stop()
    a.cert("two.limited.example.test")
    a.cert("other.example.test")
    a.start()
    a.wait_valid("other.example.test", 60)
    c = a.cert_status("two.limited.example.test")
    assert "already issued for" in c["held"]["msg"], c
    assert told == ["one.limited.example.test"]
    r = a.ctl("renew-now", "two.limited.example.test")
    assert r.returncode != 0 and "--force" in r.stdout


def test_paused_name(scripted, make):
    """A name that the CA has paused: the link is shown whole, nothing more is
    asked until a person does."""
    ca = scripted()
    a = make(ca.directory, ca_file=ca.ca_file)
    name = "paused.example.test"
    link = ("https://portal.letsencrypt.org/sfe/v1/unpause?jwt=" + "eyJ" +
            "Zm9v" * 150 + ".c2ln")

    def paused(ca, h, payload):
        return ca.problem(429, "rateLimited", "Your account is temporarily "
                          "prevented from requesting certificates for %s and "
                          "possibly others. Please visit: %s" % (name, link))
    ca.before["newOrder"] = paused
    a.cert(name)
    a.start()
    error = a.wait_error(name, 60)
    assert error["code"] == "acme:paused"
    assert link in error["msg"] and "renew-now" in error["advice"]
    c = a.cert_status(name)
    assert c["next"]["action"] == "held" and c["next"]["at"] is None
    assert link in c["held"]["msg"]
    for command in ("status", name), ("plan",):
        out = a.ctl(*command).stdout
        assert link in "".join(out.split()), out
    a.stop()
    a.start()
    a.wait("it to be held", lambda: a.cert_status(name)["held"])
    assert ca.count()["newOrder"] == 1
    ca.before.clear()
    r = a.ctl("renew-now", name, timeout=60)
    assert r.returncode == 0, r.stdout
    assert a.wait_valid(name)["held"] is None


def test_dry_run_at_each(scripted, make):
    """renew-now --dry-run tries each account that has a staging directory, also
    after one that fails, and says which has none."""
    one, two = scripted(), scripted()
    a = make(nonce_reject=0)
    both = os.path.join(a.folder, "cas.pem")
    with open(both, "w") as f:
        for path in a.accounts["lab"]["ca_file"], one.ca_file, two.ca_file:
            with open(path) as ca:
                f.write(ca.read())
    a.accounts["second"] = dict(account(one), staging_directory=two.directory)
    a.accounts["third"] = account(two)
    a.accounts["lab"]["staging_directory"] = one.directory
    for entry in a.accounts.values():
        entry["ca_file"] = both
    name = "tried.example.test"
    a.cert(name, account=["lab", "second", "third"])
    a.start()
    a.wait_valid(name, 60)
    r = a.ctl("renew-now", name, "--dry-run", timeout=120)
    assert r.returncode == 0, r.stdout
    assert "a renewal works at each of them" in r.stdout
    assert 'not tried with account "third"' in r.stdout
    assert one.count()["cert"] == two.count()["cert"] == 1
    one.before["newOrder"] = ill
    r = a.ctl("renew-now", name, "--dry-run", timeout=120)
    assert r.returncode == 1, r.stdout
    assert "at %s: a renewal works" % two.directory in r.stdout
    assert "at %s: " % one.directory in r.stdout.splitlines()[-1]
    assert "Service unavailable" in r.stdout.splitlines()[-1]
    assert two.count()["cert"] == 2
    assert "Pebble" in a.x509(name, "-issuer")
