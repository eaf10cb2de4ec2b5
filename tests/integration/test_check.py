# SPDX-License-Identifier: MIT
"""acmectl check: what would stand in the way of a renewal."""

import json
import os
import re
import socket
import subprocess
import threading
import time

import dns.message
import dns.query
import dns.tsigkeyring
import dns.update
import pytest

from conftest import BIND, HTTP_NGINX, KNOT, SECONDARY, ZONES
from lab import daemon, names, proc, web

SIGNED, VALIDATOR = "127.0.1.9", "127.0.1.10"
CA = "ca.test"


class Records:
    """Records beside the zone's own, gone at the end."""

    def __init__(self):
        self.added = []

    def send(self, zone, change):
        update = dns.update.Update(zone, keyring=dns.tsigkeyring.from_text(
            {names.KEY_NAME: names.KEY_SECRET}), keyalgorithm="hmac-sha256")
        change(update)
        assert dns.query.tcp(update, BIND, timeout=5).rcode() == 0

    def add(self, zone, name, kind, data):
        self.send(zone, lambda u: u.add(name, 5, kind, data))
        self.added.append((zone, name, kind, data))

    def clear(self):
        for zone, name, kind, data in reversed(self.added):
            self.send(zone, lambda u: u.delete(name, kind, data))


@pytest.fixture
def records(lab):
    made = Records()
    yield made
    made.clear()


@pytest.fixture
def acmed(make):
    """Its CA says how CAA records name it; nothing is renewed by itself."""
    return make(caa=[CA], nonce_reject=0)


def idle(acmed, name, *args, **opts):
    """A certificate that is issued, so that only the check touches it."""
    acmed.cert(name, *args, **opts)
    acmed.start()
    acmed.wait_valid(name, 30)
    acmed.wait_clean(30)


def check(acmed, *args, code=0):
    """The lines of acmectl check --json, as dicts."""
    p = acmed.ctl("--json", "check", *args)
    assert p.returncode == code, p.stdout
    return [json.loads(line) for line in p.stdout.splitlines()]


def find(lines, check, name=None):
    found = [line for line in lines if line.get("check") == check
             and (name is None or line["name"] == name)]
    assert found, lines
    return found[0]


def values(txt, zone, suffix):
    return [v for vs in txt(zone, suffix).values() for v in vs]


@pytest.mark.current_pebble
def test_all_is_well(acmed, txt):
    """Of a delegated name, a plain one and its wildcard, one line each."""
    idle(acmed, "well", ["www.example.test", "kept.example.test",
                         "*.kept.example.test"])
    begin = time.monotonic()
    p = acmed.ctl("check", "well")
    assert time.monotonic() - begin < 10
    assert p.returncode == 0, p.stdout
    for line in (
            "certificate well\n  ok    directory   the CA answers: https",
            r"  ok    account     account .lab. is registered: https://",
            r"\nwww.example.test\n  ok    servers     zone example.test: "
            r"ns1.example.test \(%s\); over UDP and TCP" % BIND,
            r"  ok    dnssec      zone example.test: cannot tell",
            r"  ok    servers     zone other.test: ns1.other.test",
            r"  ok    delegation  _acme-challenge.www.example.test -> "
            r"www.acme.other.test, in zone other.test, through provider "
            r".dns. \(rfc2136\)",
            r"  ok    caa         no CAA records",
            r"  ok    probe       a TXT value was added at "
            r"www.acme.other.test through provider .dns., seen and removed",
            r"\n\*.kept.example.test\n  ok    delegation",
            r"1 certificate checked: nothing stands in the way"):
        assert re.search(line, p.stdout), (line, p.stdout)
    assert p.stdout.count("  ok    probe  ") == 2
    # Somebody else's value is still there, and none of ours.
    assert values(txt, "example.test", "kept.example.test") == [
        "somebody else's"]
    assert txt("other.test", "acme.other.test") == {}
    assert acmed.status()["cleanup"] == []
    lines = check(acmed, "well", "--no-probe")
    assert [line for line in lines if line.get("check") == "probe"] == []
    assert lines[-1]["end"] and lines[-1]["ok"]
    assert check(acmed)[-1]["cert"] == "well"


def test_exit_codes(acmed):
    acmed.cert("known.example.test")
    acmed.start()
    p = acmed.ctl("check", "knwon.example.test")
    assert p.returncode == 5 and "known.example.test" in p.stdout
    assert acmed.ctl("status", "--no-probe").returncode == 2
    acmed.stop()
    p = acmed.ctl("check")
    assert p.returncode == 3 and "not running" in p.stdout


def test_wrong_key(acmed, txt):
    idle(acmed, "key.example.test")
    acmed.providers["dns"] = daemon.rfc2136(
        key_secret="d3JvbmcgIHdyb25nICB3cm9uZyAgd3Jvbmc=")
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    lines = check(acmed, "key.example.test", code=6)
    probe = find(lines, "probe")
    assert probe["result"] == "fail" and "dns" in probe["msg"]
    assert "credentials" in probe["fix"]
    assert lines[-1]["failures"] == 1 and not lines[-1]["ok"]
    assert txt("example.test", "key.example.test") == {}


@pytest.mark.current_pebble
@pytest.mark.parametrize("data,fix", [
    ('0 issue "other.example"',
     'add the record: caa.example.test. CAA 0 issue "ca.test"'),
    ('0 issue "ca.test; accounturi=https://ca.test/acct/1"',
     'CAA 0 issue "ca.test; accounturi=https://localhost:'),
    ('0 issue "ca.test; validationmethods=http-01"',
     'CAA 0 issue "ca.test; validationmethods=http-01,dns-01"'),
    ('0 issue "ca.test; validationmethods=dns-01"', None),
], ids=["other", "accounturi", "validationmethods", "ours"])
def test_caa(acmed, records, data, fix):
    idle(acmed, "a.caa.example.test")
    records.add("example.test", "caa", "CAA", data)
    lines = check(acmed, "a.caa.example.test", code=6 if fix else 0)
    caa = find(lines, "caa")
    assert "caa.example.test" in caa["msg"]
    if fix is None:
        assert caa["result"] == "ok"
    else:
        assert caa["result"] == "fail" and fix in caa["fix"], caa


@pytest.mark.current_pebble
def test_caa_hint(acmed, records):
    """The narrowest record, of the account and all of its methods; when it is
    published, nothing is hinted any more."""
    name = "b.caahint.example.test"
    acmed.options["http_listen"] = "127.0.0.1:5080"
    acmed.cert("w.caahint.example.test", challenge="http-01", provider=None)
    idle(acmed, name, [name, "*." + name])
    caa = find(check(acmed, name), "caa")
    m = re.search(r"publish (\S+)\. CAA (0 issue "
                  r'"ca.test; accounturi=https://localhost:\S+; '
                  r'validationmethods=dns-01,http-01")$', caa["fix"])
    assert caa["result"] == "ok" and m.group(1) == name
    lines = check(acmed, name)
    assert sum("CAA" in (line.get("fix") or "") for line in lines) == 1
    assert lines[-1]["warnings"] == 0
    records.add("example.test", "b.caahint", "CAA", m.group(2))
    # The resolver may still know that there was none.
    acmed.wait("the record", lambda: [
        (line["result"], line["fix"]) for line in check(acmed, name)
        if line.get("check") == "caa"] == [("ok", None)] * 2)


def caa_of(server, name):
    """What that server itself shows."""
    answer = dns.query.tcp(dns.message.make_query(name, "CAA"), server,
                           timeout=5)
    return sorted(str(r) for rrset in answer.answer for r in rrset)


@pytest.mark.current_pebble
@pytest.mark.parametrize("server,zone", [(BIND, "example.test"),
                                         (KNOT, "knot.test")],
                         ids=["bind", "knot"])
def test_write_caa(acmed, records, server, zone):
    """It is shown first, and nothing written without a yes; then it is beside
    the records of others, seen, and again there is nothing to do."""
    name = "wcaa." + zone
    if server == BIND:
        records.add(zone, "wcaa", "CAA", '0 issue "other.example"')
        records.add(zone, "wcaa", "CAA", '0 issue "ca.test"')
    theirs = caa_of(server, name)
    acmed.providers["dns"] = daemon.rfc2136(server)
    idle(acmed, name, [name, "*." + name])
    p = acmed.ctl("check", "--write-caa", name)
    assert p.returncode == 2 and "--yes" in p.stdout, p.stdout
    assert "1 record to be written" in p.stdout and "other CA may issue" \
        in p.stdout if server == KNOT else "stay" in p.stdout, p.stdout
    assert caa_of(server, name) == theirs
    lines = check(acmed, "--write-caa", "--yes", name)
    ours = [line["record"] for line in lines if "record" in line]
    m = re.fullmatch(re.escape(name) + r'\. CAA (0 issue "ca.test; accounturi='
                     r'https://localhost:\S+; validationmethods=dns-01")',
                     ours[0])
    assert len(ours) == 1 and m, lines
    records.added.append((zone, "wcaa", "CAA", m.group(1))) \
        if server == BIND else None
    assert caa_of(server, name) == sorted(theirs + [m.group(1)])
    first = find(lines, "caa")
    assert first["msg"].startswith('added through provider "dns", and seen')
    if server == BIND:
        # That of the same CA makes it useless, and is not ours to remove.
        assert first["result"] == "warn" and \
            'as long as "ca.test" stays' in first["fix"]
    # A resolver may still know what was there before.
    acmed.wait("the resolver", lambda: not [
        line for line in check(acmed, "--write-caa", "--yes", name)
        if "record" in line])
    assert caa_of(server, name) == sorted(theirs + [m.group(1)])


def test_write_caa_refused(acmed):
    """Where nobody can write it, it is shown, to be pasted."""
    acmed.providers["other"] = {"type": "exec", "program": "/bin/true"}
    idle(acmed, "x.example.test")
    acmed.cert("y.example.test", provider="other")
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    lines = check(acmed, "--write-caa", "--yes", "y.example.test", code=6)
    caa = find(lines, "caa")
    assert caa["result"] == "fail" and "cannot write CAA" in caa["msg"]
    assert caa["fix"].startswith("publish by hand: y.example.test. CAA 0 "
                                 "issue \"ca.test; accounturi=")


def test_ca_without_identities(make, ca_proxy):
    def without(request):
        if request.kind != "directory":
            return None
        directory = json.loads(request.reply)
        directory["meta"].pop("caaIdentities", None)
        return 200, [], json.dumps(directory).encode()

    ca_proxy.after = without
    acmed = make(directory=ca_proxy.directory)
    acmed.cert("x.example.test")
    acmed.start()
    assert "does not say" in find(check(acmed), "caa")["msg"]


def test_no_account_is_made(make, lab):
    """Terms and external accounts are told; nothing is sent to the CA."""
    acmed = make(eab={"kid-7": "cnmMK5UbnEKdd8OD1Ofq_8HL7r7Rh2BWJHtqZ9CpKuE"})
    acmed.cert("eab.example.test")
    acmed.start()
    acmed.wait_error("eab.example.test")
    account = find(check(acmed, "--no-probe", code=6), "account")
    assert account["result"] == "fail" and "eab_kid" in account["fix"]


def test_dead_and_lame_servers(acmed, lab, records):
    """Knot refuses other.test; slow.test has a server that is silent."""
    acmed.cert("two", ["lame.other.test", "late.dead.test"])
    # Nothing shall be renewed meanwhile, in zones of other tests.
    acmed.accounts["lab"]["directory"] = "https://localhost:1/dir"
    acmed.start()
    records.add("other.test", "ns-lame", "A", KNOT)
    records.add("other.test", "@", "NS", "ns-lame")
    lab.dead.pause()
    try:
        lines = check(acmed, "--no-probe", code=6)
    finally:
        lab.dead.resume()
    assert find(lines, "directory")["result"] == "fail"
    lame = find(lines, "servers", "lame.other.test")
    assert lame["result"] == "warn" and lame["fix"]
    assert "ns-lame.other.test (%s) answers REFUSED" % KNOT in lame["msg"]
    dead = find(lines, "servers", "late.dead.test")
    assert dead["result"] == "warn"
    assert re.search(r"ns2.dead.test \(\S+\) does not answer", dead["msg"])
    assert "ns1.dead.test" in dead["msg"]


def test_delegation_mistakes(acmed, records):
    idle(acmed, "plain.example.test")
    records.add("example.test", "_acme-challenge.dangling", "CNAME",
                "x.nowhere.invalid.")
    acmed.cert("loop.example.test")
    acmed.cert("dangling.example.test")
    acmed.cert("d1.example.test", challenge_alias="d9.acme.other.test")
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    lines = check(acmed, "--no-probe", code=6)
    loop = find(lines, "delegation", "loop.example.test")
    assert loop["result"] == "fail" and "CNAME" in loop["fix"]
    dangling = find(lines, "delegation", "dangling.example.test")
    assert dangling["result"] == "fail", dangling
    assert "-> x.nowhere.invalid: there is no zone" in dangling["msg"]
    alias = find(lines, "delegation", "d1.example.test")
    assert alias["fix"] == ("add the record: _acme-challenge.d1.example.test."
                            " CNAME d9.acme.other.test.")


@pytest.fixture
def signed(lab):
    """A signed root with zones whose DS is right, wrong and not there."""
    folder = os.path.join(lab.folder, "signed%d" % next(lab.serial))
    text = {z: names.zone_text(z, {"ns1": SIGNED})
            for z in ("signed.test", "broken.test")}
    tree = names.Signed(folder, SIGNED, text, {
        "example.test": ZONES["example.test"]}, ["broken.test"])
    validator = names.Validator(os.path.join(folder, "v"), VALIDATOR, tree)
    yield tree
    validator.stop()
    tree.stop()


def test_dnssec(acmed, signed):
    acmed.options["resolvers"] = [VALIDATOR]
    acmed.providers["signed"] = daemon.rfc2136(server=SIGNED)
    cert = acmed.cert("d", ["a.example.test", "a.signed.test",
                            "a.broken.test"])
    cert["name"] = {"a.signed.test": {"provider": "signed"},
                    "a.broken.test": {"provider": "signed"}}
    acmed.start()
    lines = check(acmed, "d", code=6)
    insecure = find(lines, "dnssec", "a.example.test")
    assert insecure["result"] == "ok" and "not signed" in insecure["msg"]
    secure = find(lines, "dnssec", "a.signed.test")
    assert secure["result"] == "ok" and VALIDATOR in secure["msg"]
    broken = find(lines, "dnssec", "a.broken.test")
    assert broken["result"] == "fail" and "DS record" in broken["fix"]
    assert find(lines, "probe", "a.signed.test")["result"] == "ok"


def silent(kinds):
    """A port of which nobody answers; and refused, where nobody listens."""
    made = []
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    made.append(udp)
    if "tcp" in kinds:
        tcp = socket.socket()
        tcp.bind(udp.getsockname())
        tcp.listen()
        made.append(tcp)
    return made


@pytest.mark.parametrize("kinds, said", [
    ("udp, tcp", "does not answer"), ("none", "nobody listens")])
def test_no_resolver(acmed, kinds, said):
    """Port 53 is closed: one line for one cause, and soon."""
    sockets = silent(kinds)
    address = "127.0.0.1:%d" % sockets[0].getsockname()[1]
    if kinds == "none":
        sockets.pop().close()
    acmed.options["resolvers"] = [address]
    acmed.cert("one", ["www.example.test", "*.example.test"])
    acmed.cert("two", ["b.example.test"])
    acmed.start()
    begin = time.monotonic()
    lines = check(acmed, code=6)
    assert time.monotonic() - begin < (14 if said != "nobody listens" else 5)
    for cert in ("one", "two"):
        bad = [line for line in lines if line["cert"] == cert
               and line.get("result") not in ("ok", None)]
        assert [line["check"] for line in bad] == ["resolvers"], bad
        assert address in bad[0]["msg"] and said in bad[0]["msg"], bad
        assert "firewall" in bad[0]["fix"] and "resolvers = " in bad[0]["fix"]
    for s in sockets:
        s.close()


def probing(acmed):
    """Wait until a probe's value is in the journal."""
    return acmed.wait("a probe", lambda: [
        r for r in acmed.status()["cleanup"]
        if r["value"].startswith("acmed-probe-")], 10)


def background(acmed, *args):
    return subprocess.Popen(
        [daemon.program("ACMECTL", "acmectl"), "--socket", acmed.socket,
         "check"] + list(args), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("how", ["kill -9", "Ctrl-C", "stop"])
def test_ended_midway(acmed, lab, txt, how):
    """The server that would show the probe does not: it waits, and ends."""
    lag = names.Lag(lab.bind, lab.secondary, "slow.test", 0)
    try:
        idle(acmed, "end.slow.test")
    finally:
        lag.stop()
    ctl = background(acmed)
    probing(acmed)
    proc.wait_until("the probe to be there", lambda: values(
        txt, "slow.test", "end.slow.test"))
    time.sleep(0.6)     # the journal, too, says that it was added
    if how == "kill -9":
        acmed.kill()
        assert ctl.wait(10) == 3
        acmed.start(write=False)
    elif how == "stop":
        acmed.stop()
        assert ctl.wait(10) == 3
        assert "stopping" in ctl.stdout.read()
        acmed.start(write=False)
    else:
        ctl.send_signal(2)
        assert ctl.wait(10) == 130
    lag = names.Lag(lab.bind, lab.secondary, "slow.test", 0)
    try:
        acmed.wait_clean(30)
    finally:
        lag.stop()
    assert values(txt, "slow.test", "end.slow.test") == []


def test_during_a_renewal(acmed, lab, txt):
    """Both go well, and neither takes the other's value away."""
    name = "both.slow.test"
    lag = names.Lag(lab.bind, lab.secondary, "slow.test", 3)
    try:
        acmed.cert(name)
        acmed.start()
        acmed.wait("the renewal to wait", lambda: [
            r for r in acmed.status()["cleanup"] if r["state"] == "in use"])
        ctl = background(acmed, name)
        probing(acmed)
        acmed.wait("both values", lambda: len(
            values(txt, "slow.test", name)) == 2)
        acmed.wait_valid(name, 30)
        out = ctl.communicate(timeout=60)[0]
        assert ctl.returncode == 0, out
        assert "seen and removed" in out
        acmed.wait_clean(30)
    finally:
        lag.stop()
    assert values(txt, "slow.test", name) == []


def test_many_at_once(acmed):
    """100 names, five checks of them at the same time: one is told to wait."""
    acmed.cert("many", ["n%d.example.test" % i for i in range(100)])
    acmed.cert("idle.example.test")
    acmed.start()
    acmed.wait_valid("many", 60)
    begin = time.monotonic()
    assert len(check(acmed, "many")) > 300
    assert time.monotonic() - begin < 20
    acmed.wait_clean(30)
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        acmed.ctl("check", "--no-probe").returncode)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [0] * 4


def test_http01(acmed, records):
    """No zone and no provider are asked for, but an address and a server."""
    records.add("example.test", "web", "A", "127.0.0.1")
    cert = acmed.cert("cert", ["web.example.test", "lost.example.test"],
                      challenge="http-01", webroot=acmed.folder)
    del cert["provider"]
    acmed.start()
    lines = check(acmed, code=6)
    assert {line["check"] for line in lines[2:-1]} - {"clock", "account",
                                                    "profile"} == {
        "address", "port", "caa"}
    web = find(lines, "address", "web.example.test")
    assert web["msg"].endswith("is at 127.0.0.1")
    lost = find(lines, "address", "lost.example.test")
    assert lost["result"] == "fail" and "A or AAAA" in lost["fix"]
    # The names of the laboratory are not in this machine's resolv.conf.
    assert find(lines, "port")["result"] == "warn"


@pytest.mark.current_pebble
def test_standing_record(acmed, lab):
    """dns-persist-01: the record is looked for, with a provider or without;
    the rest of dns-01 matters only where it may be needed."""
    name = "cstand.example.test"
    acmed.cert(name, challenge="dns-persist-01")
    bare = acmed.cert("cbare.example.test", challenge="dns-persist-01")
    del bare["provider"]
    acmed.start()
    acmed.wait_valid(name, 30)          # by dns-01
    lines = check(acmed, name)
    line = find(lines, "standing", name)
    assert line["result"] == "warn" and "acmectl persist" in line["fix"]
    assert find(lines, "probe", name)["result"] == "ok"
    lines = check(acmed, "cbare.example.test", code=6)
    line = find(lines, "standing", "cbare.example.test")
    assert line["result"] == "fail" and "acmectl persist" in line["fix"]
    assert not [x for x in lines if x.get("check") in ("probe", "servers")]
    assert acmed.ctl("persist", "--write", name).returncode == 0
    try:
        line = find(check(acmed, name), "standing", name)
        assert line["result"] == "ok"
    finally:
        acmed.ctl("persist", "--remove", name)


def test_name_under_its_wildcard(acmed):
    acmed.cert("both", ["*.under.example.test", "w.under.example.test"])
    acmed.start()
    lines = check(acmed, "--no-probe")
    line = find(lines, "names")
    assert line["name"] == "w.under.example.test"
    assert line["result"] == "warn" and "leave" in line["fix"], line


@pytest.fixture
def site80(lab):
    """nginx on port 80 of the address that *.h.example.test has."""
    n = web.Plain(os.path.join(lab.folder, "www%d" % next(lab.serial)),
                  HTTP_NGINX, 80)
    n.start()
    yield n.root
    n.stop()


def webroot(acmed, name, path):
    entry = acmed.cert("web", [name], challenge="http-01", webroot=path)
    del entry["provider"]
    acmed.providers = {}


def test_webroot_is_served(acmed, site80):
    """A file is put there, fetched and removed; a wrong webroot and one that
    cannot be written are failures."""
    webroot(acmed, "a.h.example.test", site80)
    acmed.start()
    line = find(check(acmed), "port")
    assert line["result"] == "ok" and site80 in line["msg"], line
    acmed.wait("the file to be removed", lambda: not os.listdir(
        os.path.join(site80, ".well-known/acme-challenge")))
    wrong = os.path.join(acmed.folder, "wrong")
    os.mkdir(wrong)
    acmed.certs["web"]["webroot"] = wrong
    acmed.write_conf()
    acmed.reload()
    line = find(check(acmed, code=6), "port")
    assert line["result"] == "fail" and "HTTP status 404" in line["msg"]
    assert wrong in line["fix"], line
    acmed.certs["web"]["webroot"] = "/proc"
    acmed.write_conf()
    acmed.reload()
    line = find(check(acmed, code=6), "port")
    assert line["result"] == "fail" and "webroot: /proc" in line["msg"], line


def test_secondary_is_behind(acmed, records):
    """It answers, but does not get what changes."""
    acmed.cert("behind", ["lag.slow.test"])
    acmed.start()
    records.add("slow.test", "moved", "A", "127.0.0.1")
    lines = [line for line in check(acmed, "--no-probe")
             if line.get("result") != "wait"]
    line = find(lines, "servers")
    assert line["result"] == "warn" and "transferred" in line["fix"], line
    assert re.search(r"ns2.slow.test \(%s\) shows serial \d+; still so"
                     % SECONDARY, line["msg"]), line
    p = acmed.ctl("check", "--no-probe")
    assert p.returncode == 0 and "nothing stands" not in p.stdout
    assert "no failures, but 1 warning above" in " ".join(p.stdout.split())


@pytest.mark.long
def test_secondary_stays_behind(acmed):
    """The probe is not seen there in two minutes, and the serials tell that
    a longer wait is no help."""
    acmed.cert("behind", ["lag.slow.test"])
    acmed.start()
    p = acmed.ctl("--json", "check", timeout=200)
    assert p.returncode == 6, p.stdout
    line = find([json.loads(t) for t in p.stdout.splitlines()], "probe")
    assert "ns2.slow.test" in line["msg"] and "still shows serial" in \
        line["msg"], line


def test_several_cas(scripted, make, records):
    """All of them are looked at; what is wrong with the second one is a warning
    that says what to do."""
    first, second = scripted(), scripted()
    first.meta = {"caaIdentities": ["first.test"]}
    second.meta = {"caaIdentities": ["second.test"]}
    a = make(first.directory, ca_file=first.ca_file)
    a.accounts["second"] = {"directory": second.directory,
                            "ca_file": second.ca_file, "agree_tos": True}
    idle(a, "a.both.example.test", account=["lab", "second"], profile="short")
    records.add("example.test", "both", "CAA", '0 issue "first.test"')
    lines = check(a, "--no-probe", "a.both.example.test")
    caa = [c for c in lines if c.get("check") == "caa"]
    assert [c["result"] for c in caa] == ["ok", "warn"], caa
    assert caa[1]["msg"].startswith('account "second": '), caa
    assert 'both.example.test. CAA 0 issue "second.test"' in caa[1]["fix"]
    for what in "directory", "account", "profile":
        both = [c["msg"] for c in lines if c.get("check") == what]
        assert both[0].startswith('account "lab": '), both
        assert both[1].startswith('account "second": '), both
    # One that is away is no failure where the first one answers.
    second.before["directory"] = lambda ca, h, payload: ca.problem(
        503, "serverInternal", "away")
    lines = check(a, "--no-probe", "a.both.example.test")
    away = [c for c in lines if c.get("check") == "directory"][1]
    assert away["result"] == "warn" and "away" in away["msg"], away
