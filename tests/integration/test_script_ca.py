# SPDX-License-Identifier: MIT
"""The scripted CA issues as a plain CA does: what the tests of odd ones stand
on."""


def test_plain_issue(scripted, make):
    ca = scripted()
    a = make(ca.directory, ca_file=ca.ca_file)
    a.cert("plain.example.test", ["plain.example.test"])
    a.start()
    c = a.wait_valid("plain.example.test")
    assert c["error"] is None
    n = ca.count()
    assert (n["newOrder"], n["finalize"], n["cert"]) == (1, 1, 1)


def test_valid_at_once(scripted, make):
    """What the CA knows as valid already needs no provider, and no zone: an
    order that is ready, and one that is pending with valid authorizations."""
    def pending(ca, status, headers, obj):
        return status, headers, dict(obj, status="pending")
    for keep in False, True:
        ca = scripted()
        ca.auto_authz = True
        if keep:
            ca.after["newOrder"] = pending
        acmed = make(directory=ca.directory, ca_file=ca.ca_file)
        acmed.providers["dns"] = {"type": "exec", "program": "/bin/false"}
        acmed.cert("a.nowhere.test", ["a.nowhere.test", "*.nowhere.test"])
        acmed.start()
        acmed.wait_valid("a.nowhere.test")
        count = ca.count()
        assert count.get("challenge", 0) == 0
        assert count.get("authz", 0) == (2 if keep else 0)
        assert acmed.status()["cleanup"] == []
        acmed.stop()
