# SPDX-License-Identifier: MIT
"""dns-persist-01: standing records, used, missing, written and removed."""

import json
import time

import dns.query
import dns.tsigkeyring
import dns.update
import pytest

from conftest import BIND, KNOT
from lab import names

ISSUER = "pebble.letsencrypt.org"
DAY = 86400
pytestmark = pytest.mark.current_pebble



class Zone:
    """Changes at a primary, undone at the end."""

    def __init__(self):
        self.undo = []

    def change(self, what, server, zone, name, value):
        key = dns.tsigkeyring.from_text({names.KEY_NAME: names.KEY_SECRET})
        u = dns.update.Update(zone, keyring=key, keyalgorithm="hmac-sha256")
        if what == "add":
            u.add(name + ".", 5, "TXT", '"%s"' % value)
        else:
            u.delete(name + ".")
        reply = dns.query.tcp(u, server, timeout=5)
        assert reply.rcode() == 0, reply

    def add(self, domain, value, server=BIND):
        zone = ".".join(domain.split(".")[-2:])
        name = "_validation-persist." + domain
        self.change("add", server, zone, name, value)
        self.undo.append((server, zone, name))

    def clear(self, domain, server=BIND):
        zone = ".".join(domain.split(".")[-2:])
        self.change("delete", server, zone,
                    "_validation-persist." + domain, None)


@pytest.fixture
def zone():
    z = Zone()
    yield z
    for server, zone, name in z.undo:
        z.change("delete", server, zone, name, None)


def account_url(acmed):
    """Registers the account, if need be, as acmectl persist does."""
    p = acmed.ctl("--json", "persist", next(iter(acmed.certs)))
    assert p.returncode in (0, 1), p.stdout
    return json.loads(p.stdout)["account_url"]


def said(acmed, name):
    return " ".join(s["level"] + " " + s["msg"] for s in acmed.get(
        "/v1/certificates/" + name)[1]["steps"])


def prepare(acmed, name, dns_names=None, **opts):
    """A certificate whose account is known before it is first wanted."""
    acmed.cert(name, dns_names, challenge="dns-persist-01", **opts)
    # What begins at once fails, as there is no record yet.
    acmed.start()
    return account_url(acmed)


@pytest.mark.parametrize("server,base", [(BIND, "example.test"),
                                         (KNOT, "knot.test")])
def test_record_is_used(acmed, lab, txt, zone, server, base):
    """With the record there is no TXT value, no provider; twice."""
    name = "standing." + base
    url = prepare(acmed, name, provider=None)
    error = acmed.wait_error(name)
    assert error["code"] == "persist:record", error
    line = '_validation-persist.%s. IN TXT "%s; accounturi=%s"' % (
        name, ISSUER, url)
    assert line in error["msg"]
    p = acmed.ctl("persist", name)
    assert p.returncode == 1 and line.replace(". IN", ". 3600 IN") \
        in p.stdout.splitlines(), p.stdout
    zone.add(name, "%s; accounturi=%s" % (ISSUER, url), server)
    p = acmed.ctl("persist", name)
    assert p.returncode == 0 and "right" in p.stdout, p.stdout
    for is_first in (True, False):
        p = acmed.ctl("renew-now", name)
        assert p.returncode == 0, p.stdout
        # Pebble uses one authorization in a hundred again, whatever
        # PEBBLE_AUTHZREUSE says: then there is nothing to prove.
        assert not is_first or \
            "its dns-persist-01 record is there" in p.stdout
        assert "adding" not in p.stdout
    acmed.wait_valid(name)
    assert "_acme-challenge." + name not in lab.server(server).proc.log()
    assert txt(base, name, server) == {
        "_validation-persist." + name: ["%s; accounturi=%s" % (ISSUER, url)]}


def test_falls_back(acmed, txt):
    """Without the record dns-01 does it, and the reason is told."""
    name = "fallback.example.test"
    acmed.cert(name, challenge="dns-persist-01")
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    assert ("warning %s: not by dns-persist-01 but by dns-01: the record at "
            "_validation-persist.%s is not there" % (name, name)) \
        in said(acmed, name)
    assert txt("example.test", name) == {}


@pytest.mark.parametrize("value,why", [
    ("{issuer}; accounturi={url}0", "is for another account"),
    ("{issuer}; accounturi={url}; policy=wildcard; persistUntil=1700000000",
     "has expired"),
    ("{issuer}; accounturi={url}", "has no policy=wildcard"),
    ("{issuer}; accounturi={url};", "is malformed"),
    ("letsencrypt.org; accounturi={url}", "is not there, only others"),
])
def test_record_that_will_not_do(acmed, lab, zone, value, why):
    """The CA is never asked to look in vain."""
    name = "wrong.example.test"
    url = prepare(acmed, "wrong", ["*." + name], provider=None)
    acmed.wait_error("wrong")
    value = value.format(issuer=ISSUER, url=url)
    zone.add(name, value)
    asked = lab.pebble().count("/chalZ/")
    p = acmed.ctl("renew-now", "wrong")
    assert p.returncode == 1 and why in p.stdout.replace("\n  ", " "), \
        p.stdout
    assert lab.pebble().count("/chalZ/") == asked
    # And the CA would have said no: our reading is no stricter than need be.
    zone.clear(name)
    zone.add(name, "%s; accounturi=%s; policy=wildcard" % (ISSUER, url))
    p = acmed.ctl("renew-now", "wrong")
    assert p.returncode == 0, p.stdout


def test_wildcard_and_its_base(acmed, txt, zone):
    """One record for both; of two records only one has to be right."""
    name = "both.example.test"
    url = prepare(acmed, name, [name, "*." + name], provider=None)
    acmed.wait_error(name)
    zone.add(name, "other.test; accounturi=x; whatever")
    zone.add(name, "%s;accounturi=%s;policy=WILDCARD;persistUntil=4102444800"
             % (ISSUER, url))
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    assert "*." + name in acmed.x509(name, "-ext", "subjectAltName")


def test_write_renew_remove(acmed, txt):
    """The provider writes what stays, and takes it away when asked."""
    name = "write.example.test"
    entry = acmed.cert(name, [name, "*." + name])
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    p = acmed.ctl("persist", "--write", "--until", "400d", name)
    assert p.returncode == 0 and "(written)" in p.stdout, p.stdout
    assert 'challenge = "dns-persist-01"' in p.stdout
    values = txt("example.test", name)["_validation-persist." + name]
    assert len(values) == 1 and values[0].startswith(
        ISSUER + "; accounturi=https://") and "persistUntil=" in values[0]
    entry["challenge"] = "dns-persist-01"
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0 and "adding" not in p.stdout, p.stdout
    assert acmed.status()["cleanup"] == []
    # Forever instead: one value takes the place of the other.
    p = acmed.ctl("--json", "persist", "--write", name)
    record = json.loads(p.stdout)["records"][0]
    assert record["action"] == "written" and record["state"] == "right"
    assert txt("example.test", name) == {
        "_validation-persist." + name: [record["value"]]}
    assert "persistUntil" not in record["value"]
    # A restart leaves it alone.
    acmed.stop()
    acmed.start()
    p = acmed.ctl("persist", "--write", name)
    assert p.returncode == 0 and "(kept)" in p.stdout, p.stdout
    p = acmed.ctl("persist", "--remove", name)
    assert p.returncode == 0 and "(removed)" in p.stdout, p.stdout
    assert txt("example.test", name) == {}
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    assert "not by dns-persist-01 but by dns-01" in p.stdout
    acmed.wait_clean()


def test_warns_before_the_end(acmed, zone):
    """persistUntil before the next renewal and 14 days more."""
    name = "soon.example.test"
    url = prepare(acmed, name, provider=None)
    acmed.wait_error(name)
    zone.add(name, "%s; accounturi=%s; persistUntil=%d" % (
        ISSUER, url, time.time() + 70 * DAY))
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 0, p.stdout
    text = "warning the dns-persist-01 record at _validation-persist.%s " \
        "ends at" % name
    acmed.wait("the warning", lambda: text in said(acmed, name))
    entry = acmed.cert_status(name)["persist"][0]
    assert entry["state"] == "right" and "ends at" in entry["problem"]
    p = acmed.ctl("status", name)
    assert "persist" in p.stdout and "right, ends in" in p.stdout, p.stdout
    # Not again at every start.
    zone.clear(name)
    zone.add(name, "%s; accounturi=%s" % (ISSUER, url))
    acmed.reload()
    acmed.wait("the record to be right", lambda: acmed.cert_status(name)[
        "persist"][0]["problem"] is None)


def test_who_cannot_write(acmed, txt):
    acmed.providers["in"] = {
        "type": "duckdns", "token": "00000000-0000-0000-0000-000000000000"}
    acmed.cert("cannot.example.test", provider="in")
    acmed.start()
    p = acmed.ctl("persist", "--write", "cannot.example.test")
    assert p.returncode == 1, p.stdout
    assert "holds only values for dns-01" in p.stdout, p.stdout
    p = acmed.ctl("persist", "--until", "yesterday", "cannot.example.test")
    assert p.returncode == 2, p.stdout
    p = acmed.ctl("persist", "nothing.example.test")
    assert p.returncode == 5, p.stdout


def test_servers_differ(acmed, lab, zone):
    """The secondary lags behind: the record is not there yet, it says who."""
    name = "lag.slow.test"
    url = prepare(acmed, name, provider=None)
    acmed.wait_error(name)
    zone.add(name, "%s; accounturi=%s" % (ISSUER, url))
    p = acmed.ctl("persist", name)
    assert p.returncode == 1 and "is not there at ns2.slow.test" in \
        p.stdout, p.stdout
    lab.secondary.refresh("slow.test")
    acmed.wait("the secondary",
               lambda: acmed.ctl("persist", name).returncode == 0)
    assert acmed.ctl("renew-now", name).returncode == 0


def test_refused_by_the_ca(make, zone):
    """A CA that sees another DNS: after one refusal it is dns-01's turn."""
    acmed = make(dns=KNOT)              # which knows nothing of this zone
    name = "refused.example.test"
    acmed.cert(name, challenge="dns-persist-01")
    acmed.start()
    acmed.wait_error(name)
    zone.add(name, "%s; accounturi=%s" % (ISSUER, account_url(acmed)))
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 1 and "adding" not in p.stdout, p.stdout
    assert "DNS-PERSIST-01" in p.stdout
    p = acmed.ctl("renew-now", name)
    assert p.returncode == 1 and "adding" in p.stdout, p.stdout
    assert "the CA refused it the last time" in p.stdout
    acmed.wait_clean()


def test_records_of_each_ca(scripted, make, txt):
    """With two accounts there are two records, which check and status look at;
    what is wrong with the second CA hides nothing of the first."""
    second = scripted()
    a = make(nonce_reject=0)
    a.accounts["second"] = {
        "directory": second.directory, "ca_file": second.ca_file,
        "contact": ["mailto:admin@example.test"], "agree_tos": True}
    name = "each.example.test"
    a.cert(name, challenge="dns-persist-01", account=["lab", "second"])
    a.start()
    a.wait_valid(name, 60)              # by dns-01
    p = a.ctl("persist", name)
    assert p.returncode == 1 and "caaIdentities" in p.stdout, p.stdout
    assert "IN TXT \"%s; accounturi=" % ISSUER in p.stdout
    second.meta = {"caaIdentities": ["second.test"]}
    p = a.ctl("check", name)
    assert 'account "second": the standing record' in p.stdout, p.stdout
    p = a.ctl("persist", "--write", name)
    assert p.returncode == 0 and p.stdout.count("(written)") == 2, p.stdout
    try:
        values = txt("example.test", name)["_validation-persist." + name]
        assert sorted(v.split(";")[0] for v in values) == [
            ISSUER, "second.test"]
        p = a.ctl("check", name)
        for which in "lab", "second":
            assert 'account "%s": the standing record at ' \
                "_validation-persist.%s is right" % (which, name) in p.stdout
        a.reload()
        a.wait("both to be seen", lambda: [
            (e["account"], e["state"]) for e in a.cert_status(name)[
                "persist"]] == [("lab", "right"), ("second", "right")])
        assert "(account second): right" in a.ctl("status", name).stdout
    finally:
        p = a.ctl("persist", "--remove", name)
    assert p.returncode == 0 and p.stdout.count("(removed)") == 2, p.stdout
    assert txt("example.test", name) == {}
