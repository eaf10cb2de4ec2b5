# SPDX-License-Identifier: MIT
"""Fixtures: the servers are started once, acmed once per test.

Everything runs in network and mount namespaces of this process's own, so
that no port is taken and nothing is left behind.  Run through run.sh; the
variables ACMED and ACMECTL name the built programs.
"""

import itertools
import os
import re
import shutil
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

from lab import ca, daemon, names, proc, proxy, rgw, script_ca, web     # noqa: E402

BIND, SECONDARY, DEAD, KNOT, RESOLVER = (
    "127.0.1.5", "127.0.1.2", "127.0.1.4", "127.0.1.1", "127.0.1.3")
# PowerDNS, while a test of it runs.
PDNS = "127.0.1.6"
# A name server without IPv4, and the resolver of those inside: test_views.py.
SIX, INSIDE = "fd00:53::1", "127.0.1.8"
# Where acmed itself answers, and a second one.
BUILTIN, TWIN = "127.0.1.7", "127.0.1.9"
# The same through socket activation: test_systemd.py.
ACTIVATED, ACTIVATED6 = ("10.53.0.2", "10.53.0.3"), "fd53::2"
# The addresses of *.h.example.test and *.l.example.test.
HTTP_NGINX, HTTP_OWN = "127.0.1.10", "127.0.1.11"

# The zones, and the servers each is delegated to.
ZONES = {
    "example.test": {"ns1": BIND},
    "other.test": {"ns1": BIND},
    "slow.test": {"ns1": BIND, "ns2": SECONDARY},
    "dead.test": {"ns1": BIND, "ns2": DEAD},
    "knot.test": {"ns1": KNOT},
    # The fakes of DNS vendors, see lab/feed.py.
    "example.com": {"ns1": BIND, "ns2": KNOT},
    "vendors.test": {"ns1": BIND},
    "pdns.test": {"ns1": PDNS},
    # BIND has another split.test, which only those inside see.
    "split.test": {"ns1": KNOT},
    "six.test": {"ns1": SIX},
    # Knot does not know this one.
    "lame.test": {"ns1": BIND, "ns2": KNOT},
}
EXTRA = {
    "example.test": """
_acme-challenge.www	CNAME	www.acme.other.test.
_acme-challenge.loop	CNAME	loop2
loop2			CNAME	_acme-challenge.loop
_acme-challenge.kept	TXT	"somebody else's"
$GENERATE 1-100 _acme-challenge.hundred TXT "old $"
_acme-challenge.astray	CNAME	x7.dcv.gone.invalid.
cut			NS	ns1.cut
ns1.cut			A	127.0.1.20
$GENERATE 1-4 _acme-challenge.a$ CNAME d0c5.other.test.
$GENERATE 1-5 _acme-challenge.d$ CNAME d$.acme.other.test.
*.wild			CNAME	nowhere.other.test.
_acme-challenge.near	CNAME	near.acme
_acme-challenge.chain	CNAME	chain.acme.other.test.
$GENERATE 1-40 _acme-challenge.fat TXT "somebody else's, and a lot of it: $ %s"
ns-bi			A	%s
_acme-challenge.bi	NS	ns-bi
ns-bi2			A	%s
_acme-challenge.peers	NS	ns-bi
_acme-challenge.peers	NS	ns-bi2
self			NS	ns.self
ns.self			A	%s
_acme-challenge.bic	CNAME	bic.self
_acme-challenge.sd3	NS	ns-sd
ns-sd			A	%s
ns-sd			AAAA	%s
*.h			A	%s
*.l			A	%s
m.h			A	%s
""" % ("x" * 150, BUILTIN, TWIN, BUILTIN, ACTIVATED[0], ACTIVATED6, HTTP_NGINX,
       HTTP_OWN, HTTP_NGINX),
    "other.test": "chain.acme	CNAME	chain.example.com.",
    "example.com": "_acme-challenge.away	CNAME	away.acme.knot.test.",
}

lab_problem = None
pebble_binary = None


def pytest_configure(config):
    """Enter the namespaces before anything is started."""
    global lab_problem, pebble_binary
    config.addinivalue_line("markers", "long: only in make check-long")
    config.addinivalue_line("markers", "no_lab: needs no servers, no root")
    config.addinivalue_line("markers", "current_pebble: Debian's is too old")
    try:
        lost = names.missing()
        if lost:
            raise proc.LabError("not installed: " + ", ".join(lost))
        # May need the real network.
        pebble_binary = os.environ.get("LAB_PEBBLE") or ca.pebble_path()
        if os.environ.get("LAB_LONG"):
            rgw.fetch()                     # the same
        proc.enter_namespaces()
    except proc.LabError as e:
        lab_problem = str(e)


def pytest_collection_modifyitems(config, items):
    if not os.environ.get("LAB_LONG"):
        config.hook.pytest_deselected(
            items=[i for i in items if "long" in i.keywords])
        items[:] = [i for i in items if "long" not in i.keywords]
    if os.environ.get("LAB_SHARD"):
        # Every Nth test, so that slow neighbours are spread.
        mine, of = map(int, os.environ["LAB_SHARD"].split("/"))
        config.hook.pytest_deselected(
            items=[t for i, t in enumerate(items) if i % of != mine])
        items[:] = [t for i, t in enumerate(items) if i % of == mine]
    for item in items:
        if lab_problem and "no_lab" not in item.keywords:
            item.add_marker(pytest.mark.skip(reason=lab_problem))
        elif "current_pebble" in item.keywords and not lab_problem \
                and not ca.is_current(pebble_binary):
            item.add_marker(pytest.mark.skip(
                reason="Debian's Pebble is too old, and no newer one could "
                "be built: see tests/lab/pebble.sh"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.lab_failed = report.failed
    path = os.environ.get("LAB_RESULTS")
    if path and (report.when == "call" or report.skipped or report.failed):
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        with open(path, "a") as f:
            f.write("%s\t%s\t%s\n" % (report.outcome, item.nodeid,
                                      reason.replace("\n", " ")))
        # One write a line: several workers share the screen.
        os.write(int(os.environ.get("LAB_SCREEN", "2")), (
            "%-7s %s%s (%.1f s)\n" % (
                report.outcome.upper(), item.nodeid,
                ": " + reason if reason else "",
                report.duration)).encode())


class Lab:
    """All that the tests share; what is rarely used starts when asked for."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="acmed-lab.")
        os.chmod(self.folder, 0o755)
        self.tls = ca.Tls(os.path.join(self.folder, "tls"))
        self.ports = itertools.count(14000)
        self.serial = itertools.count(1)
        self.made = {}
        texts = {z: names.zone_text(z, s, EXTRA.get(z, ""))
                 for z, s in ZONES.items()}
        f = self.folder
        self.bind = names.Bind(os.path.join(f, "bind"), BIND, dict({
            z: t for z, t in texts.items() if ZONES[z]["ns1"] == BIND},
            **{"split.test": names.zone_text("split.test", {"ns1": BIND})}))
        self.secondary = names.Knot(os.path.join(f, "secondary"), SECONDARY,
                                    secondary={"slow.test": BIND})
        self.dead = names.Knot(os.path.join(f, "dead"), DEAD,
                               secondary={"dead.test": BIND})
        self.knot = names.Knot(os.path.join(f, "knot"), KNOT, {
            z: t for z, t in texts.items() if KNOT in ZONES[z].values()
            and z != "lame.test"})
        # What Pebble sees of these is what the slow server shows.
        self.resolver = names.Resolver(os.path.join(f, "resolver"), RESOLVER,
                                       ZONES, {"slow.test": SECONDARY,
                                               "dead.test": BIND,
                                               "example.com": KNOT})

    def pebble(self, dns=RESOLVER, **opt):
        """The Pebble with these options, started at the first call."""
        key = (dns, repr(sorted(opt.items())))
        if key not in self.made:
            self.made[key] = ca.Pebble(
                pebble_binary, self.tls, os.path.join(self.folder, "pebble"),
                next(self.ports), dns + ":53", **opt)
        return self.made[key]

    def server(self, address):
        return self.knot if address == KNOT else self.bind

    def stop(self):
        for s in list(self.made.values()) + [
                self.bind, self.secondary, self.dead, self.knot,
                self.resolver]:
            s.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def lab():
    lab = Lab()
    yield lab
    if os.environ.get("LAB_KEEP"):
        print("laboratory kept in", lab.folder)
        return
    lab.stop()


@pytest.fixture
def txt():
    """txt(zone, suffix="", server=BIND): the challenge values there now."""
    import dns.query
    import dns.rdatatype
    import dns.zone

    def look(zone, suffix="", server=None):
        server = server or ZONES[zone]["ns1"]
        z = dns.zone.from_xfr(dns.query.xfr(server, zone, lifetime=5))
        found = {}
        for name, node in z.nodes.items():
            fqdn = name.derelativize(z.origin).to_text(True)
            values = [b"".join(r.strings).decode() for rds in node.rdatasets
                      if rds.rdtype == dns.rdatatype.TXT for r in rds]
            if values and fqdn.endswith(suffix):
                found[fqdn] = sorted(values)
        return found
    return look


SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|"
                       r"==\d+== .*(Invalid|uninitialised|definitely lost)")


@pytest.fixture
def scripted(lab):
    """scripted(host="localhost", issuer=...): a ScriptCA; an Acmed before it:
    make(ca.directory, ca_file=ca.ca_file)."""
    made = []

    def build(host="localhost", **options):
        c = script_ca.ScriptCA(os.path.join(lab.folder, "ca%d"
                                            % next(lab.serial)),
                               next(lab.ports), host, **options)
        made.append(c)
        return c
    yield build
    for c in made:
        c.stop()


@pytest.fixture
def make(lab, request):
    """make(**pebble options): an Acmed before that Pebble, not started.

    Keywords directory and ca_file override its CA.  At the end it is killed, and its
    log must show neither a sanitizer's report nor a secret.
    """
    made = []

    def build(directory=None, ca_file=None, **opt):
        url = directory or lab.pebble(**opt).directory
        folder = os.path.join(lab.folder, "t%d" % next(lab.serial))
        a = daemon.Acmed(folder, url, ca_file or lab.tls.ca, RESOLVER)
        wrap = os.environ.get("LAB_WRAP")   # e.g. valgrind and its options
        a.wrap = wrap.split() if wrap else []
        made.append(a)
        return a

    yield build
    problems = []
    for a in made:
        a.end()
        log = a.log() if os.path.exists(a.log_path) else ""
        if SANITIZER.search(log):
            problems.append("sanitizer: " + log[-6000:])
        if names.KEY_SECRET in log:
            problems.append("the TSIG secret is in the log")
        if getattr(request.node, "lab_failed", False):
            print("--- end of %s\n%s" % (a.log_path, log[-8000:]))
        elif not os.environ.get("LAB_KEEP"):
            shutil.rmtree(a.folder, ignore_errors=True)
    assert not problems, problems


@pytest.fixture
def acmed(make):
    """An Acmed before the usual Pebble (15 % of nonces refused)."""
    return make()


@pytest.fixture
def ca_proxy(lab):
    """A proxy before a Pebble that refuses no nonce: counts are exact."""
    p = proxy.CaProxy(lab.pebble(nonce_reject=0), next(lab.ports))
    yield p
    p.stop()


@pytest.fixture
def nginx(lab):
    made = []

    def build(cert, key, port=443):
        n = web.Nginx(os.path.join(lab.folder, "nginx%d"
                                   % next(lab.serial)), "127.0.0.1", port,
                      cert, key)
        made.append(n)
        return n
    yield build
    for n in made:
        n.stop()
