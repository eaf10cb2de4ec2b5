# SPDX-License-Identifier: MIT
"""One host publishes, another one fetches, checks, installs and deploys."""

import json
import os
import time

import pytest

from lab import proc


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


@pytest.fixture
def hosts(make, lab):
    """hosts(names): publisher and subscriber with one repository."""
    folder = os.path.join(lab.folder, "fleet%d" % next(lab.serial))
    os.makedirs(folder)
    secret = os.path.join(folder, "secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4 + "\n")
    os.chmod(secret, 0o600)

    def build(name, names=None, ca=None, **opts):
        publisher, web = make(**(ca or {})), make()
        for a in (publisher, web):
            a.repositories["fleet"] = dict({
                "type": "directory", "path": folder,
                "encrypt_key_file": secret}, **opts)
        publisher.cert(name, names or [name],
                       deploy={"fleet": {"publish": "fleet"}})
        web.accounts, web.providers = {}, {}
        web.certs[name] = {"source": "fleet", "poll": "60s",
                           "names": names or [name], "deploy": {"log": {
                               "exec": ["/bin/sh", "-c",
                                        "echo $ACMED_SERIAL >>%s/ran"
                                        % web.folder]}}}
        web.folder_of_fleet = folder
        return publisher, web
    return build


def published(publisher, name, than=None):
    def check():
        c = publisher.cert_status(name)
        return c["serial"] not in (None, than) and c["run"] is None and \
            c["deploy"][0]["state"] == "done" and c["serial"]
    return publisher.wait("publication", check, timeout=30)


def installed(web, name, serial):
    def check():
        c = web.cert_status(name)
        return c["serial"] == serial and c["run"] is None and \
            c["deploy"][0]["state"] == "done" and c
    return web.wait("certificate %s" % serial, check, timeout=30)


def test_subscribe(hosts):
    name = "fleet.example.test"
    publisher, web = hosts(name, [name, "*." + name])
    publisher.start()
    first = published(publisher, name)
    web.start()
    c = installed(web, name, first)
    assert c["state"] == "valid" and c["next"]["action"] == "poll"
    for file in ("privkey.pem", "fullchain.pem", "cert.pem", "chain.pem"):
        assert read(web.live(name, file)) == read(publisher.live(name, file))
    assert os.stat(web.live(name, "privkey.pem")).st_mode & 0o77 == 0
    # Nothing new: nothing happens, and nothing is said.
    assert "installed already" in web.ctl("renew-now", name).stdout
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    assert web.ctl("renew-now", name).returncode == 0
    installed(web, name, second)
    assert read(os.path.join(web.folder, "ran")).split() == [first, second]
    # Nothing is forgotten, nothing is done twice.
    web.stop()
    web.start()
    time.sleep(0.5)
    installed(web, name, second)
    assert read(os.path.join(web.folder, "ran")).split() == [first, second]
    shown = web.ctl("status", name).stdout
    assert "fleet" in shown
    p = web.ctl("check", name)
    assert p.returncode == 0 and second in p.stdout
    p = web.ctl("persist", name)
    assert p.returncode != 0 and "fetched from repository" in p.stdout


def test_directory_is_not_there(hosts):
    """What to do is said: of a directory that nobody has made or mounted, and
    of one that the unit's sandbox does not let acmed write to."""
    name = "nowhere.example.test"
    publisher, web = hosts(name)
    folder = os.path.join(publisher.folder, "mnt", "fleet")
    publisher.repositories["fleet"]["path"] = folder
    publisher.start()

    def error(word):
        publisher.wait(word, lambda: publisher.cert_status(name)["serial"] and
                       word in (publisher.cert_status(name)["deploy"][0][
                           "error"] or ""), timeout=30)
    error("the directory %s is not there: make it" % folder)
    assert not os.path.exists(folder)
    os.makedirs(folder)
    proc.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder])
    try:
        assert publisher.ctl("deploy", name).returncode != 0
        error("[Service] ReadWritePaths=-%s; systemctl restart" % folder)
    finally:
        proc.run(["umount", folder])
    assert publisher.ctl("deploy", name).returncode == 0
    published(publisher, name)


def test_freeze(hosts):
    """What is published in one waits, unless a person asks for it."""
    name = "frozen.example.test"
    publisher, web = hosts(name)
    days = [time.strftime("%Y-%m-%d", time.localtime(time.time() + s * 86400))
            for s in (-1, 20)]
    web.options["freeze"] = ["%s - %s" % tuple(days)]
    web.certs[name]["poll"] = "5s"
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)     # the first one does not wait
    time.sleep(1.1)         # the second one is newer, by its dates
    assert publisher.ctl("renew-now", name).returncode == 0
    second = published(publisher, name, first)

    def held():
        c = web.cert_status(name)
        return c["next"]["action"] == "fetch" and c["next"]["at"] == \
            c["freeze"]["until"] and c
    assert web.wait("the news", held, timeout=30)["serial"] == first
    assert web.ctl("renew-now", name).returncode == 0
    installed(web, name, second)
    assert read(os.path.join(web.folder, "ran")).split() == [first, second]


def test_publisher_rolls_back(hosts):
    """Its other steps go back; what is published stays, as nobody would
    take an older one."""
    name = "back.example.test"
    publisher, web = hosts(name)
    ran = os.path.join(publisher.folder, "ran")
    publisher.certs[name]["deploy"]["fleet"]["exec"] = [
        "/bin/sh", "-c", "echo $ACMED_SERIAL >>" + ran]
    publisher.start()
    first = published(publisher, name)
    time.sleep(1.1)         # the second one is newer, by its dates
    assert publisher.ctl("renew-now", name).returncode == 0
    second = published(publisher, name, first)
    p = publisher.ctl("rollback", name)
    assert p.returncode == 0 and "keeps the newer" in p.stdout, p.stdout
    assert read(ran).split() == [first, second, first]
    web.start()
    installed(web, name, second)


def test_poll(hosts):
    """The subscriber comes by itself."""
    name = "poll.example.test"
    publisher, web = hosts(name)
    publisher.start()
    first = published(publisher, name)
    jump = web.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    web.start()
    installed(web, name, first)
    jump(120)           # it looks, and there is nothing new
    assert publisher.ctl("renew-now", name).returncode == 0
    second = published(publisher, name, first)
    assert web.cert_status(name)["serial"] == first
    jump(240)
    installed(web, name, second)


def test_seconds(make, lab, hosts):
    """Near the planned renewal three subscribers have what is published
    within 10 s, with the default poll."""
    name = "soon.example.test"
    publisher, web = hosts(name, ca={"validity_s": 90})
    webs = [web, make(), make()]
    for w in webs:
        w.accounts, w.providers = {}, {}
        w.repositories = web.repositories
        w.certs = {name: dict(web.certs[name], poll=None)}
    publisher.start()
    first = published(publisher, name)
    for w in webs:
        w.start()
        w.ctl("renew-now", name)
    for w in webs:
        there = installed(w, name, first)["published"]
        assert there["host"] and there["repository"] == "fleet"
        assert there["renew_at"] == publisher.cert_status(
            name)["next"]["at"]
    publisher.ctl("renew-now", "--no-wait", name)
    second = published(publisher, name, first)
    start, took = time.monotonic(), []
    for w in webs:
        installed(w, name, second)
        took.append(time.monotonic() - start)
    print("published to deployed on three hosts:", took)
    assert took[-1] < 10


def test_tampering_is_told(hosts):
    """At the first failure, with an event of its own; and so is an old
    manifest that was put back, whose signature is good."""
    name = "replay.example.test"
    publisher, web = hosts(name)
    told = os.path.join(web.folder, "told")
    web.options["alarm_gather"] = "0s"
    web.notifies["ops"] = {"exec": ["/bin/sh", "-c", "cat >>%s; echo >>%s"
                                    % (told, told)],
                           "events": ["repository-tampered", "recovered"],
                           "level": "critical"}

    def messages():
        return [json.loads(x) for x in read(told).split("\n") if x] \
            if os.path.exists(told) else []
    publisher.start()
    first = published(publisher, name)
    manifest = os.path.join(web.folder_of_fleet, name, "manifest.json")
    old = read(manifest)
    web.start()
    installed(web, name, first)
    # A second later, so that it is newer by its dates, too.
    time.sleep(1.1)
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    web.ctl("renew-now", name)
    installed(web, name, second)
    good = read(manifest)

    def put(text):
        with open(manifest, "w") as f:
            f.write(text)
    put(old)
    p = web.ctl("renew-now", name)
    assert p.returncode == 1 and "went back to certificate" in p.stdout
    web.wait("the message", messages)
    m = messages()[0]
    assert m["event"] == "repository-tampered" and m["level"] == "critical"
    item = m["certificates"][0]
    assert item["repository"] == "fleet" and item["publisher"]
    assert "acmed on" in " ".join(m["text"].split()) or \
        "on %s:" % item["publisher"] in " ".join(m["text"].split())
    assert "renew-now" not in m["text"]
    c = web.cert_status(name)
    assert c["serial"] == second and c["error"]["code"] == "fetch:older"
    assert "went back" in " ".join(web.ctl("status", name).stdout.split())
    put(good)
    assert web.ctl("renew-now", name).returncode == 0
    web.wait("the end", lambda: len(messages()) == 2)
    put(good.replace('"serial": "', '"serial": "00'))
    assert web.ctl("renew-now", name).returncode == 1
    web.wait("the next", lambda: len(messages()) == 3)
    assert messages()[2]["event"] == "repository-tampered"


@pytest.mark.parametrize("what", [
    "file", "manifest", "missing file", "key", "names", "foreign secret"])
def test_nothing_wrong_is_installed(hosts, what):
    """What has been tampered with: the old one stays, the reason is told."""
    name = "bad.example.test"
    publisher, web = hosts(name)
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    publisher.ctl("renew-now", name)
    second = published(publisher, name, first)
    at = os.path.join(web.folder_of_fleet, name)
    manifest = json.loads(read(os.path.join(at, "manifest.json")))
    key = os.path.join(at, manifest["files"]["privkey.pem"]["path"])
    if what == "file":
        data = bytearray(read(key, "rb"))
        data[-1] ^= 1
        with open(key, "wb") as f:
            f.write(data)
    elif what == "manifest":
        manifest["not_after"] += 1
        with open(os.path.join(at, "manifest.json"), "w") as f:
            json.dump(manifest, f)
    elif what == "missing file":
        os.unlink(key)
    elif what == "key":
        old = os.path.join(at, first, "privkey.pem")
        with open(key, "wb") as f:
            f.write(read(old, "rb"))
    elif what == "names":
        web.certs[name]["names"] = [name, "www." + name]
        web.write_conf()
        web.ctl("reload")
    elif what == "foreign secret":
        web.repositories["fleet"]["encrypt_key_file"] += "2"
        with open(web.repositories["fleet"]["encrypt_key_file"], "w") as f:
            f.write("f" * 64)
        os.chmod(web.repositories["fleet"]["encrypt_key_file"], 0o600)
        web.write_conf()
        web.ctl("reload")
    p = web.ctl("renew-now", name)
    assert p.returncode != 0
    assert {"file": "not what the manifest says",
            "manifest": "not signed with our key",
            "missing file": "no such file",
            "key": "not what the manifest says",
            "names": "does not have the name www." + name,
            "foreign secret": "not signed with our key"}[what] in p.stdout
    c = web.cert_status(name)
    assert c["serial"] == first and c["state"] == "valid"
    assert c["error"] and second != first
    assert read(os.path.join(web.folder, "ran")).split() == [first]


def test_read_while_it_is_published(hosts):
    """The same version once more, and its files come before its manifest:
    nothing has been tampered with."""
    name = "again.example.test"
    publisher, web = hosts(name)
    publisher.start()
    published(publisher, name)
    at = os.path.join(web.folder_of_fleet, name, "manifest.json")
    old = os.path.join(os.path.dirname(at), json.loads(read(at))["files"][
        "privkey.pem"]["path"])
    good = read(old, "rb")
    with open(old, "wb") as f:
        f.write(good[:-1] + bytes([good[-1] ^ 1]))
    web.start()
    web.wait("the look", lambda: web.cert_status(name)["run"])
    time.sleep(0.5)
    assert web.cert_status(name)["run"], "it looks again"
    with open(old, "wb") as f:
        f.write(good)
    installed(web, name, publisher.cert_status(name)["serial"])
    assert "not what the manifest says" not in web.log()


def test_a_name_more_than_published(hosts):
    """What is installed lacks it, and there is nothing newer: that is told."""
    name = "more.example.test"
    publisher, web = hosts(name)
    publisher.start()
    first = published(publisher, name)
    web.start()
    installed(web, name, first)
    web.certs[name]["names"] = [name, "www." + name]
    web.write_conf()
    web.ctl("reload")
    p = web.ctl("renew-now", name)
    assert p.returncode != 0
    assert "does not have the name www." + name in p.stdout
    assert web.cert_status(name)["serial"] == first


def test_nothing_is_published_yet(hosts):
    """The subscriber comes first: it waits, and says for what."""
    name = "early.example.test"
    publisher, web = hosts(name)
    web.start()
    c = web.wait("the error", lambda: (lambda c: c["error"] and c)(
        web.cert_status(name)))
    assert "fleet" in c["error"]["msg"] and c["next"]["action"] == "retry"
    assert c["next"]["at"] < time.time() + 120
    p = web.ctl("check", name)
    assert p.returncode == 6 and "publish it there" in p.stdout
    publisher.start()
    serial = published(publisher, name)
    web.ctl("renew-now", name)
    installed(web, name, serial)


def test_mistakes(hosts):
    name = "mist.example.test"
    _, web = hosts(name)
    web.certs[name]["account"] = "lab"
    web.certs[name]["source"] = "flet"
    web.write_conf()
    p = proc.run([os.environ["ACMED"], "-c", web.conf, "--check-config"],
                 check=False)
    assert p.returncode != 0
    assert "account is not for a certificate with source" in p.stdout
    assert 'source = "flet" is not defined' in p.stdout
