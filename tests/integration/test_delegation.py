# SPDX-License-Identifier: MIT
"""Where the TXT records go, by whose hands, and who is asked for them."""

import pytest

from conftest import BIND, KNOT
from lab import acmedns, daemon


def said(acmed, name):
    return [s["msg"] for s in acmed.get("/v1/certificates/" + name)[1]
            ["steps"]]


def has(lines, text):
    return any(text in line for line in lines)


@pytest.fixture
def acme_dns(lab):
    made = acmedns.AcmeDns(next(lab.ports), "other.test", "d0c5", BIND)
    yield made
    made.stop()


def test_more_values_than_the_provider_holds(acmed, acme_dns):
    """Three values at one name of acme-dns, which holds two: two rounds."""
    acmed.providers["ad"] = acme_dns.options()
    dns_names = ["a%d.example.test" % i for i in (1, 2, 3)]
    acmed.cert("many", dns_names, provider="ad")
    acmed.start()
    acmed.wait_valid("many", 60)
    lines = said(acmed, "many")
    assert has(lines, "in 2 rounds")
    assert len(acme_dns.calls) == 3
    # Nothing can be removed there: the rows are closed, not waited for.
    acmed.wait_clean(5)
    assert has(said(acmed, "many"), "cannot remove")
    assert sorted(acme_dns.rows) == sorted(acme_dns.calls[1:])


def test_two_certificates_at_one_name(acmed, acme_dns):
    """The second waits until the first is done with the name."""
    acmed.providers["ad"] = acme_dns.options()
    acmed.cert("one", ["a1.example.test", "a2.example.test"], provider="ad")
    acmed.cert("two", ["a3.example.test", "a4.example.test"], provider="ad")
    acmed.start()
    acmed.wait_valid("one", 60)
    acmed.wait_valid("two", 60)
    assert has(said(acmed, "one") + said(acmed, "two"),
               "holds no more than 2")


@pytest.fixture
def other(acmed):
    """Provider "dns" may change example.test only, "other" other.test."""
    acmed.providers["dns"] = daemon.rfc2136(zone="example.test")
    acmed.providers["other"] = daemon.rfc2136(zone="other.test")


def test_alias_provider(acmed, other, txt):
    """Outside of the zone of its name a record is another's business."""
    dns_names = ["plain.example.test", "d1.example.test",
                 "near.example.test", "*.d1.example.test"]
    acmed.cert("cert", dns_names, alias_provider="other")
    acmed.start()
    acmed.wait_valid("cert", 30)
    lines = said(acmed, "cert")
    for line in ("1 TXT value at _acme-challenge.plain.example.test through "
                 "provider dns",
                 "1 TXT value at near.acme.example.test through provider dns",
                 "2 TXT values at d1.acme.other.test through provider other"):
        assert has(lines, line), lines
    acmed.wait_clean()
    assert txt("other.test", "acme.other.test") == {}


def test_alias_and_provider_of_one_name(acmed, other):
    """What a name says for itself goes before what the certificate says."""
    cert = acmed.cert("cert", ["plain.example.test", "d4.example.test",
                               "d5.example.test"],
                      challenge_alias="d4.acme.other.test",
                      alias_provider="other")
    cert["name"] = {
        "plain.example.test": {
            "provider": "dns",
            "challenge_alias": "_acme-challenge.plain.example.test"},
        "d5.example.test": {"challenge_alias": "D5.acme.other.test."}}
    acmed.start()
    acmed.wait_valid("cert", 30)
    lines = said(acmed, "cert")
    for line in ("at _acme-challenge.plain.example.test through provider dns",
                 "at d4.acme.other.test through provider other",
                 "at d5.acme.other.test through provider other"):
        assert has(lines, line), lines
    acmed.wait_clean()


def test_cname_is_not_followed(acmed, other, txt):
    """The CNAME is there, so BIND refuses a TXT record beside it."""
    acmed.cert("d3.example.test", follow_cname=False,
               alias_provider="other", propagation_timeout="2s")
    acmed.start()
    acmed.wait_error("d3.example.test", 30)
    assert has(said(acmed, "d3.example.test"),
               "at _acme-challenge.d3.example.test through provider dns")
    assert txt("other.test", "acme.other.test") == {}


def test_cname_of_a_wildcard_is_not_followed(acmed, other, txt):
    name = "host.wild.example.test"
    acmed.cert(name, alias_provider="other")
    acmed.start()
    acmed.wait_valid(name)
    assert has(said(acmed, name),
               "at _acme-challenge.%s through provider dns" % name)
    acmed.wait_clean()
    assert txt("example.test", name) == {}


def test_own_resolvers(acmed):
    """Split horizon: only the certificate's own resolvers know its zone."""
    view = acmed.options["resolvers"]
    acmed.options["resolvers"] = [KNOT]     # refuses all but its own zones
    acmed.cert("inside.example.test", resolvers=view)
    acmed.cert("outside.example.test")
    acmed.start()
    acmed.wait_valid("inside.example.test")
    assert "no resolver answers" in \
        acmed.wait_error("outside.example.test", 60)["msg"]
    acmed.wait_clean()


@pytest.mark.parametrize("whom", ["resolvers", "both", "none"])
def test_propagation(acmed, lab, txt, whom):
    """Asked or not asked as told, and the delay is kept."""
    name = "p-%s.example.test" % whom
    acmed.cert(name, propagation=whom, propagation_delay="1s")
    acmed.start()
    acmed.wait_valid(name, 30)
    lines = said(acmed, name)
    assert has(lines, "waiting 1s more")
    acmed.wait_clean()
    assert has(said(acmed, name), "is removed" if whom == "none"
               else "seen gone")
    assert txt("example.test", name) == {}
