# SPDX-License-Identifier: MIT
"""Name servers that are late, dead or refuse; programs as providers."""

import os
import time

import pytest

from conftest import BIND, DEAD, RESOLVER
from lab import daemon, names, odd_dns

ODD = "127.0.1.20"


def messages(acmed, name):
    """All that was said about a certificate, in one string."""
    return " ".join(s["msg"] for s in acmed.get(
        "/v1/certificates/" + name)[1]["steps"])


def test_slow_secondary(acmed, lab, txt):
    """A secondary 5 s behind is waited for, hardly longer than needed.

    Pebble resolves through that secondary alone: who does not wait for it
    is refused.
    """
    lag = names.Lag(lab.bind, lab.secondary, "slow.test", 5)
    try:
        name = "late.slow.test"
        acmed.cert(name)
        acmed.start()
        begin = time.monotonic()

        def waiting():
            run = (acmed.cert_status(name) or {}).get("run")
            return run and "ns2.slow.test" in (run["msg"] or "")
        acmed.wait("the late server to be named", waiting, 5)
        acmed.wait_valid(name, 30)
        took = time.monotonic() - begin
        acmed.wait_clean(30)
        assert "_acme-challenge." + name not in txt(
            "slow.test", server="127.0.1.2")
    finally:
        lag.stop()
    # 5 s, 5 %, and what this machine may be busy with.
    assert 4.9 < took < 6.5, took


def test_dead_secondary(acmed, lab, txt):
    """After its patience acmed goes on without it, and says which."""
    lab.dead.pause()
    try:
        name = "sub.dead.test"
        acmed.cert(name, propagation_timeout="6s")
        acmed.start()

        def waiting():
            run = (acmed.cert_status(name) or {}).get("run")
            return run and "ns2.dead.test" in (run["msg"] or "")
        acmed.wait("the dead server to be named", waiting, 6)
        acmed.wait_valid(name, 40)
        assert "ns2.dead.test" in messages(acmed, name)
        assert DEAD in messages(acmed, name)
        acmed.wait_clean(40)
    finally:
        lab.dead.resume()
    assert txt("dead.test", name) == {}


def test_server_that_never_shows_the_value(acmed, lab, txt):
    """One that answers must agree: the run fails and names it."""
    name = "stale.slow.test"
    acmed.cert(name, propagation_timeout="2s")
    acmed.start()
    error = acmed.wait_error(name, 30)
    assert "ns2.slow.test" in error["msg"]
    # The secondary's copy of the zone is older than the primary's.
    assert "has serial" in error["msg"] and BIND in error["msg"], error
    assert error["kind"] == "transient"
    assert acmed.cert_status(name)["next"]["action"] == "retry"
    lab.bind.proc.alive()
    assert "_acme-challenge." + name not in txt("slow.test", server=BIND)


@pytest.mark.parametrize("what", ["secret", "key name", "algorithm"])
def test_tsig_refused(acmed, txt, what):
    change = {"secret": {"key_secret": "d3JvbmcgIHdyb25nICB3cm9uZyAgd3Jvbmc="},
              "key name": {"key_name": "nobody"},
              "algorithm": {"key_algorithm": "hmac-sha512"}}[what]
    acmed.providers["dns"] = daemon.rfc2136(**change)
    acmed.cert("tsig.example.test")
    acmed.start()
    error = acmed.wait_error("tsig.example.test")
    assert error["kind"] == "config", error
    assert "TSIG" in error["msg"] or "BADKEY" in error["msg"] \
        or "BADSIG" in error["msg"] or "NOTAUTH" in error["msg"], error
    p = acmed.ctl("renew-now", "tsig.example.test")
    assert p.returncode == 1
    assert BIND in p.stdout or "ns1.example.test" in p.stdout \
        or "dns" in p.stdout
    assert txt("example.test", "tsig.example.test") == {}


def test_secret_from_file(acmed):
    path = os.path.join(acmed.folder, "secret")
    with open(path, "w") as f:
        f.write(names.KEY_SECRET + "\n")
    os.chmod(path, 0o600)
    acmed.providers["dns"] = daemon.rfc2136(key_secret=None,
                                            key_secret_file=path)
    acmed.cert("file.example.test")
    acmed.start()
    acmed.wait_valid("file.example.test")


@pytest.mark.parametrize("how", ["bind", "certbot", "key_secret_file"])
def test_key_file(acmed, how):
    """The key's file as it is, and the server by name: whatever has the name
    and the algorithm needs neither."""
    path = os.path.join(acmed.folder, "key")
    with open(path, "w") as f:
        f.write("dns_rfc2136_server = 192.0.2.1\ndns_rfc2136_name = %s.\n"
                "dns_rfc2136_secret = %s\n"
                "dns_rfc2136_algorithm = HMAC-SHA256\n"
                % (names.KEY_NAME, names.KEY_SECRET) if how == "certbot"
                else '# mine\nkey "%s" {\n\talgorithm hmac-sha256;\n\t'
                'secret "%s";\n};\n' % (names.KEY_NAME, names.KEY_SECRET))
    os.chmod(path, 0o600)
    key = "key_secret_file" if how == "key_secret_file" else "key_file"
    acmed.providers["dns"] = daemon.rfc2136(
        server="ns1.example.test", key_name=None, key_secret=None,
        **{key: path})
    name = how.replace("_", "-") + ".example.test"
    acmed.cert(name)
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    if how != "bind":
        return
    # A mistake in the file is told with the line that names it.
    with open(path, "a") as f:
        f.write('key "other" { algorithm hmac-sha256; secret "QQ=="; };\n')
    p = acmed.ctl("reload")
    line = acmed.text().splitlines().index('\tkey_file = "%s"' % path) + 1
    assert p.returncode == 1 and "acmed.conf:%d: " % line in p.stdout \
        and "say which by key_name" in p.stdout, p.stdout


def test_update_server_down_and_back(acmed, lab, txt):
    """The name server dies while a record stands; it is removed later."""
    name = "back.example.test"
    acmed.cert(name, propagation_timeout="2s")
    lab.bind.pause()
    try:
        acmed.start()
        error = acmed.wait_error(name, 60)
        assert error["kind"] == "transient"
    finally:
        lab.bind.resume()
    assert acmed.ctl("renew-now", name).returncode == 0
    acmed.wait_valid(name)
    acmed.wait_clean(90)
    assert txt("example.test", name) == {}


@pytest.mark.parametrize("how", ["SERVFAIL", "REFUSED", "silent"])
def test_zone_told(acmed, txt, how):
    """No resolver gives a SOA: zone = of the provider is enough, for the
    renewal, the removal, and check; without it the error says how to go on."""
    import dns.rcode
    import dns.rdatatype

    def answer(q, tcp):
        if q.question[0].rdtype != dns.rdatatype.SOA:
            return odd_dns.forward(q, RESOLVER, tcp)
        return None if how == "silent" else odd_dns.reply(
            q, dns.rcode.from_text(how), aa=False, ra=True)
    odd = odd_dns.OddNS(ODD, answer)
    try:
        name = "told.example.test"
        acmed.options["resolvers"] = [ODD]
        if how == "SERVFAIL":
            acmed.cert(name)
            acmed.start()
            error = acmed.wait_error(name)["msg"]
            assert "SERVFAIL" in error and BIND in error \
                and "zone" in error, error
            assert acmed.status()["cleanup"] == []
        acmed.providers["dns"] = daemon.rfc2136(zone="Example.TEST.")
        acmed.cert(name)
        acmed.write_conf()
        if how == "SERVFAIL":
            assert acmed.ctl("reload").returncode == 0
            assert acmed.ctl("renew-now", name).returncode == 0
        else:
            acmed.start()
        acmed.wait_valid(name, 60)
        acmed.wait_clean(60)
        assert txt("example.test", name) == {}
        if how == "SERVFAIL":
            p = acmed.ctl("check", name)
            assert p.returncode == 0 and "FAIL" not in p.stdout, p.stdout
    finally:
        odd.close()


@pytest.mark.parametrize("how", ["asked", "zone told"])
def test_above_the_cut(acmed, lab, txt, how):
    """The provider's server has delegated the name: told in seconds, with
    both zones, whether the server says so itself or only takes the update."""
    name = "www.cut.example.test"
    sub = names.Knot(os.path.join(acmed.folder, "knot"), ODD,
                     {"cut.example.test": names.zone_text(
                         "cut.example.test", {"ns1": ODD})})
    try:
        if how == "zone told":
            acmed.providers["dns"] = daemon.rfc2136(zone="example.test")
        acmed.cert(name)
        acmed.start()
        error = acmed.wait_error(name)
        assert error["code"] == "dns:zone-cut", error
        assert "zone cut.example.test" in error["msg"] \
            and "zone example.test" in error["msg"], error
        acmed.wait_clean()
        assert txt("example.test", name) == {}
        p = acmed.ctl("check", name)
        assert p.returncode == 6 and "alias_provider" in p.stdout, p.stdout
    finally:
        sub.stop()


@pytest.mark.parametrize("why", ["key", "no zone"])
def test_refused_add_leaves_nothing(acmed, txt, why):
    """What the server refused to add is not removed, nor told of: it was
    never there."""
    import dns.query
    import dns.tsigkeyring
    import dns.update
    name = "astray.example.test" if why == "no zone" else "key.example.test"
    if why == "key":
        acmed.providers["dns"] = daemon.rfc2136(key_name="nobody")
    acmed.cert(name)
    acmed.start()
    error = acmed.wait_error(name)
    assert error["kind"] == "config", error
    acmed.wait_clean(10)
    assert "not removed yet" not in acmed.log()
    if why == "key":
        acmed.providers["dns"] = daemon.rfc2136()
        acmed.write_conf()
        assert acmed.ctl("reload").returncode == 0
    else:
        u = dns.update.Update("example.test", keyring=dns.tsigkeyring
                              .from_text({names.KEY_NAME: names.KEY_SECRET}),
                              keyalgorithm="hmac-sha256")
        u.delete("_acme-challenge.astray", "CNAME")
        dns.query.tcp(u, BIND, timeout=5)
        assert acmed.ctl("renew-now", name).returncode == 0
    acmed.wait_valid(name)
    acmed.wait_clean()
    assert acmed.ctl("status", "--check").returncode == 0
    assert txt("example.test", name) == {}


def test_hundred_values(acmed, txt):
    """BIND takes no more than a hundred at a name: the error counts them."""
    acmed.cert("hundred.example.test")
    acmed.start()
    error = acmed.wait_error("hundred.example.test")
    if error["code"] == "dns:servfail" or "100 other values" not in \
            error["msg"]:
        pytest.fail(str(error))
    assert error["kind"] == "config"
    p = acmed.ctl("check", "hundred.example.test")
    assert p.returncode == 6 and "remove the old TXT records" in p.stdout


UPDATE = """#!/bin/sh
# What a user's own program would do, with nsupdate.
echo "$*|ident=${CERTBOT_IDENTIFIER:-}|domain=${CERTBOT_DOMAIN:-}|value=\
${CERTBOT_VALIDATION:-}|left=${CERTBOT_REMAINING_CHALLENGES:-}|all=\
${CERTBOT_ALL_DOMAINS:-}|out=${CERTBOT_AUTH_OUTPUT:-}" >>LOG
change() {
	nsupdate -y hmac-sha256:KEY:SECRET <<EOF
server BIND
update $1 $2 $3 TXT "$4"
send
EOF
}
"""
LEGO = UPDATE + """
case $1 in
present) change add "$2" 5 "$3" ;;
cleanup) change delete "$2" "" "$3" ;;
*) exit 64 ;;
esac
"""
CERTBOT_ADD = UPDATE + """
[ $# = 0 ] || exit 64
change add "_acme-challenge.$CERTBOT_DOMAIN." 5 "$CERTBOT_VALIDATION" &&
    echo "record-of-$CERTBOT_VALIDATION"
"""
CERTBOT_REMOVE = UPDATE + """
change delete "_acme-challenge.$CERTBOT_DOMAIN." "" "$CERTBOT_VALIDATION"
"""


def program(acmed, name, text):
    path = os.path.join(acmed.folder, name)
    for word, value in (("LOG", acmed.folder + "/calls"), ("BIND", BIND),
                        ("KEY", names.KEY_NAME),
                        ("SECRET", names.KEY_SECRET)):
        text = text.replace(word, value)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)
    return path


def calls(acmed):
    with open(acmed.folder + "/calls") as f:
        return f.read().splitlines()


def test_exec_lego(acmed, txt):
    name = "lego.example.test"
    acmed.providers["dns"] = {
        "type": "exec", "mode": "lego",
        "program": program(acmed, "hook", LEGO)}
    acmed.cert(name, [name, "*." + name])
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    fqdn = "_acme-challenge.%s." % name
    verbs = [line.split("|")[0].split()[:2] for line in calls(acmed)]
    assert sorted(verbs) == [["cleanup", fqdn]] * 2 + [["present", fqdn]] * 2
    assert txt("example.test", name) == {}


def test_exec_certbot(acmed, txt):
    name = "certbot.example.test"
    acmed.providers["dns"] = {
        "type": "exec", "mode": "certbot",
        "program": program(acmed, "auth", CERTBOT_ADD),
        "cleanup_program": program(acmed, "cleanup", CERTBOT_REMOVE)}
    acmed.cert(name, [name, "*." + name])
    acmed.start()
    acmed.wait_valid(name)
    acmed.wait_clean()
    lines = calls(acmed)
    assert len(lines) == 4
    for line in lines:
        fields = dict(f.split("=", 1) for f in line.split("|")[1:])
        assert fields["domain"] == fields["ident"] == name
        if line in lines[2:]:
            assert fields["out"] == "record-of-" + fields["value"]
    assert txt("example.test", name) == {}


def test_exec_failure_is_told(acmed):
    acmed.providers["dns"] = {
        "type": "exec", "mode": "lego", "program": program(
            acmed, "hook", "#!/bin/sh\necho the vendor says no >&2\nexit 3\n")}
    acmed.cert("fail.example.test")
    acmed.start()
    error = acmed.wait_error("fail.example.test")
    assert "the vendor says no" in error["msg"] + acmed.log()
    assert "3" in error["msg"]
