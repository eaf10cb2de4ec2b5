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
