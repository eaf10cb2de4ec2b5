# SPDX-License-Identifier: MIT
"""Certificates that others renew: looked at, shown, told of once and again."""

import json
import os

import pytest

from lab import mail, private_ca

DAY = 86400


@pytest.fixture
def issuer(acmed):
    return private_ca.Issuer(os.path.join(acmed.folder, "issuer"))


@pytest.fixture
def told(acmed):
    """told(): the messages so far, as programs get them."""
    out = os.path.join(acmed.folder, "told")
    acmed.options.update({"alarm_gather": "0s"})
    acmed.notifies["run"] = {"exec": [
        "/bin/sh", "-c", "cat >>%s; echo >>%s" % (out, out)]}

    def read():
        if not os.path.exists(out):
            return []
        with open(out) as f:
            return [json.loads(line) for line in f if line.strip()]
    return read


def watched(acmed, target):
    """What is known of it, once it was looked at."""
    for w in acmed.status()["watches"]:
        if w["target"] == target and w["looked_at"]:
            return w
    return None


def test_watch(acmed, issuer, told):
    """Well, for another name, too weak, ending soon, and not there at all: by
    TLS, by STARTTLS, in a file; over a restart nothing is told twice; what is
    mended is told as such."""
    good = issuer.sign("good", "erp.example.test")
    webs = {"good": private_ca.Web(good), "name": private_ca.Web(good)}
    weak = issuer.sign("weak", "old.example.test", key="rsa:1024")[0]
    soon = issuer.sign("soon", "mail.example.test", days=1)
    smtp = mail.Faulty(cert=soon[0], key=soon[1])
    file = issuer.path("bought.pem")

    def target(name, port, more=""):
        return "%s:%d connect=127.0.0.1%s" % (name, port, more)
    t = {"good": target("erp.example.test", webs["good"].port),
         "name": target("shop.example.test", webs["name"].port),
         "mail": target("mail.example.test", smtp.port, " starttls=smtp")}
    acmed.watches["intranet"] = {"targets": list(t.values()),
                                 "files": [file, weak], "warn": "3d",
                                 "ca_file": issuer.ca}
    try:
        acmed.start()
        acmed.reload()          # at once, not within half a minute
        acmed.wait("all looks", lambda: all(
            watched(acmed, x) for x in list(t.values()) + [file, weak]))
        well = watched(acmed, t["good"])
        assert well["ok"] and well["condition"] == "valid", well
        assert well["key"] == "RSA 2048" and well["issuer"] == "Intranet CA"
        assert well["next_at"] - well["looked_at"] > DAY / 2
        wrong = watched(acmed, t["name"])
        assert wrong["condition"] == "wrong"
        assert wrong["error"]["code"] == "watch:name"
        assert "is for erp.example.test" in wrong["error"]["msg"]
        assert watched(acmed, t["mail"])["condition"] == "ends soon"
        missing = watched(acmed, file)
        assert missing["condition"] == "not answering", missing
        assert "key is RSA 1024" in watched(acmed, weak)["error"]["msg"]
        # The file's absence is not told before it has lasted.
        acmed.wait("three messages", lambda: len(told()) >= 3)
        assert {m["event"] for m in told()} == {"watched"}
        assert {m["certificates"][0]["object"] for m in told()} == {
            t["name"], t["mail"], weak}
        ending = [m for m in told() if "certificate ends" in m["subject"]]
        assert len(ending) == 1 and ending[0]["level"] == "warning"
        assert "acmed does not renew it" in " ".join(
            ending[0]["text"].split())

        shown = " ".join(acmed.ctl("status").stdout.split())
        assert "watched, renewed by others: intranet: " in shown
        assert "intranet: %s: wrong, ends in" % t["name"] in shown
        assert acmed.ctl("status", "--check").returncode == 1
        check = acmed.ctl("check-status", "--warning", "3", "--critical", "2")
        assert check.returncode == 2 and "ends soon" in check.stdout
        metrics = acmed.get("/metrics")[1]
        assert 'acmed_watched_ok{name="intranet",target="%s"} 1' % t["good"] \
            in metrics
        assert 'acmed_watched_ok{name="intranet",target="%s"} 0' % t["name"] \
            in metrics

        acmed.stop()
        acmed.start()
        acmed.reload()
        issuer.sign("bought", "shop.example.test")
        webs["name"].show(issuer.sign("shop", "shop.example.test"))
        acmed.reload()
        acmed.wait("the right name", lambda: watched(
            acmed, t["name"])["ok"])
        acmed.wait("the file", lambda: watched(acmed, file)["ok"])
        acmed.wait("the end", lambda: any(
            m["what"] == "recovered" for m in told()))
        assert len(told()) == 4, [m["subject"] for m in told()]
        assert told()[3]["certificates"][0]["object"] == t["name"]
        # What is taken out is forgotten, and not called well.
        del acmed.watches["intranet"]
        acmed.write_conf()
        acmed.reload()
        acmed.wait("nothing", lambda: acmed.status()["watches"] == [])
        acmed.stop()
        assert len(told()) == 4
    finally:
        smtp.stop()
        for web in webs.values():
            web.stop()


def test_server_that_is_away(acmed, issuer, told):
    """Told after some tries, with a clock that passes."""
    pair = issuer.sign("erp", "erp.example.test", days=90)
    web = private_ca.Web(pair)
    target = "erp.example.test:%d connect=127.0.0.1" % web.port
    acmed.watches["erp"] = {"targets": [target], "ca_file": issuer.ca}
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("no libfaketime")
    acmed.start()
    acmed.reload()
    acmed.wait("a look", lambda: watched(acmed, target))
    web.stop()
    seconds = 0
    for tries in range(1, 4):
        assert told() == []
        seconds += 2 * DAY if tries == 1 else 2 * 3600
        jump(seconds)
        acmed.wait("try %d" % tries, lambda: watched(
            acmed, target)["tries"] >= tries)
    acmed.wait("a message", lambda: len(told()) == 1)
    assert "connection refused" in told()[0]["text"]
    assert watched(acmed, target)["not_after"]      # seen before
    web = private_ca.Web(pair, web.port)
    jump(seconds + 2 * 3600)
    acmed.wait("the end", lambda: len(told()) == 2)
    assert told()[1]["what"] == "recovered"
    # Three quarters of its life are over: the same story, told as its end.
    jump(70 * DAY)
    acmed.wait("the quarter", lambda: len(told()) >= 3)
    assert "certificate ends" in told()[2]["subject"]
    web.stop()
