# SPDX-License-Identifier: MIT
"""Where the TXT records go, by whose hands, and who is asked for them."""

import pytest

from conftest import BIND
from lab import acmedns


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
