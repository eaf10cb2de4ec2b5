# SPDX-License-Identifier: MIT
"""dns-account-01: the record's label is made of the account."""

import base64
import hashlib
import re


def label(acmed, name):
    shown = acmed.ctl("account", "show", "lab").stdout
    kid = re.search(r"https://\S+/my-account/\S+", shown).group(0)
    digest = hashlib.sha256(kid.encode()).digest()[:10]
    return "_%s._acme-challenge.%s" % (
        base64.b32encode(digest).decode().lower(), name)


def test_issue(acmed, txt):
    """Its record comes and goes there, and check names it."""
    name = "account.example.test"
    acmed.cert(name, [name, "*." + name], challenge="dns-account-01")
    acmed.start()
    acmed.wait_valid(name, 60)
    acmed.wait_clean(20)
    at = label(acmed, name)
    assert "adding 2 TXT values at %s" % at in acmed.log()
    p = acmed.ctl("check", name)
    assert p.returncode == 0 and at in p.stdout, p.stdout
    assert "_acme-challenge." + name not in acmed.log().replace(at, "")


def test_before_registration(acmed):
    """The name of the record is not known yet: that is said."""
    name = "early.example.test"
    acmed.accounts["lab"]["directory"] = "https://127.0.0.1:9/dir"
    acmed.cert(name, challenge="dns-account-01")
    acmed.start()
    p = acmed.ctl("check", name)
    assert "which is not registered yet" in p.stdout, p.stdout
