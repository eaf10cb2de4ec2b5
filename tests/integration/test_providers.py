# SPDX-License-Identifier: MIT
"""Every DNS provider against a fake of its vendor: one suite for all.

Neither root nor the laboratory's servers are needed.  PROVIDER_TOOL names
the built tests/provider-tool.
"""

import json
import os
import re
import subprocess

import pytest

from lab import daemon, vendors
from lab.vendors.base import IDN_ZONE, SHOWN_ZONE, Record

pytestmark = pytest.mark.no_lab

NAME = "_acme-challenge.www.example.test"
A = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
B = "-9B7wJ2a4x5cO0jzWq3k1pRrYt8sVuNnMmLlKkJjHhG"
FOREIGN = "somebody-else_s"
MOST_REQUESTS = 25          # of one add or remove

TROUBLE = re.compile(r"ERROR: \w+Sanitizer|runtime error:|"
                     r"==\d+== .*(Invalid|uninitialised|definitely lost)")


class Bench:
    """A vendor, the tool, and what must hold whatever is done."""

    def __init__(self, cls, folder):
        self.v = cls()
        self.conf = os.path.join(folder, "acmed.conf")
        self.stderr = os.path.join(folder, "stderr")
        self.options = {}
        self.bystanders = None
        self.last = None
        self.n = 0

    def populate(self, foreign=True):
        """Neighbours: some with our very values, at other names."""
        v = self.v
        if foreign and v.MAX_VALUES is None:
            v.put_foreign(NAME, FOREIGN)
        for name in ("x" + NAME, "x." + NAME, NAME.split(".", 1)[1],
                     "_acme-challenge.example.test",
                     "_acme-challenge.www.notexample.test"):
            if v.zone_of(name) is not None:
                v.put_foreign(name, A)
                v.put_foreign(name, B)
        for i in range(6):
            v.put_foreign("f%d.www.example.test" % i, "filler %d" % i)
        self.bystanders = self.others()

    def others(self):
        return sorted(map(str, (r.key() for r in self.v.records
                      if r.name != NAME or FOREIGN in r.value)))

    def write_conf(self):
        options = {"type": self.v.NAME}
        options.update(self.options or self.v.options())
        with open(self.conf, "w") as f:
            f.write("state_dir = \"/nonexistent\"\n"
                    + daemon.section("provider", "dns1", options))
        os.chmod(self.conf, 0o600)

    def run(self, what, *values, name=NAME, handles=None, timeout=90):
        """One call of the tool; its answer."""
        self.write_conf()
        argv = [daemon.program("PROVIDER_TOOL", "tests/provider-tool"),
                self.conf, "dns1", what, name, *values]
        if handles:
            argv += ["--handles", ",".join(handles)]
        env = {k: w for k, w in os.environ.items()
               if not k.lower().endswith("_proxy")}
        self.n = len(self.v.log)
        p = subprocess.run(argv, capture_output=True, timeout=timeout,
                           text=True, errors="replace",
                           env=dict(env, ACMED_TEST_FAST="1"))
        self.n = len(self.v.log) - self.n
        print("$ %s %s %s\n%s%s" % (what, name, " ".join(values), p.stdout,
                                    p.stderr))
        assert p.returncode == 0, p.stderr
        assert not TROUBLE.search(p.stderr), p.stderr
        for secret in self.v.secrets():
            assert secret not in p.stdout + p.stderr, "a secret is shown"
        self.last = json.loads(p.stdout)
        return self.last

    def ok(self, what, *values, **more):
        got = self.run(what, *values, **more)
        assert got["ok"], got
        return got["handles"]

    def refused(self, kinds, what, *values, **more):
        got = self.run(what, *values, **more)
        assert not got["ok"], "it succeeded"
        assert got["kind"] in kinds.split(), got
        assert got["msg"].startswith("dns1: ") and len(got["msg"]) > 20, got
        return got

    def expect(self, *values, name=NAME, foreign=True):
        """The set holds these, and the foreign value; nobody else was
        touched."""
        want = list(values)
        if foreign and name == NAME and self.v.MAX_VALUES is None:
            want.append(FOREIGN)
        assert self.v.values(name) == sorted(want)
        if name == NAME:
            assert self.others() == self.bystanders

    def cleared(self, *values):
        """What is left of values once they were removed."""
        return values if not self.v.CAN_REMOVE else ()


ALL = vendors.all_vendors()
CAA_TYPES = ("alidns", "azuredns", "cloudflare", "desec", "gcloud", "hetzner",
             "pdns", "route53", "tencentcloud")

# What is not asked of whom, and why: these cases are not made at all.  Each is
# decided by what the fake says of its vendor (tests/lab/vendors/base.py);
# test_left_out counts the vendors, so that none is lost by accident.
NEEDS = {
    # need: (who has it, vendors without it, why they have not)
    "two values": (lambda v: v.MAX_VALUES != 1, "duckdns",
                   "one value of a name"),
    "removal": (lambda v: v.CAN_REMOVE, "acme-dns",
                "the oldest value gives way to a new one"),
    "safe changes": (lambda v: v.MAX_VALUES is None and (
        v.HAS_PRECONDITION or v.SEMANTICS in ("record", "value")),
        "acme-dns desec duckdns gandiv5 godaddy huaweicloud namecheap ns1 "
        "pdns", "sets are replaced without a precondition (pdns: old ones)"),
    "reading back": (lambda v: v.READS_BACK, None,
                     "only where a set is replaced blindly"),
    "a zone in a zone": (lambda v: v.HAS_SUBZONE,
                         "acme-dns duckdns godaddy httpreq namecheap "
                         "namesilo porkbun gcloud route53",
                         "registered domains only, or one zone configured "
                         "(gcloud, route53: in one variant)"),
    "zones": (lambda v: v.HAS_ZONES,
              "acme-dns duckdns httpreq gcloud route53",
              "one name or zone is configured (gcloud, route53: in one "
              "variant)"),
    "a clock": (lambda v: v.signs_time(), None,
                "no time in requests, or it is theirs (ovh)"),
    "lagging lists": (lambda v: v.LISTS_LAG, None,
                      "nobody has seen their lists lag"),
    "standing records": (lambda v: v.MAX_VALUES is None and v.STANDING,
                         "acme-dns duckdns netcup", "they hold nothing but "
                         "values of dns-01 (netcup: in one variant)"),
    "lasting refusals": (lambda v: v.LASTING, None,
                         "no recording of one that could be a lost race"),
    "no rewriting": (lambda v: not v.REWRITES, "inwx netcup",
                     "what is deleted is sent as it was read (netcup: in one "
                     "variant)"),
    "records": (lambda v: v.SEMANTICS == "record", None,
                "sets are sent as they were read"),
    "CAA": (lambda v: v.NAME in CAA_TYPES, None,
            "the calls that write TXT write nothing else, or are not known "
            "to"),
    "bodies": (lambda v: not v.PLAIN_STATUS, "httpreq",
               "only the status counts"),
}


def needs(*what):
    """Marks a case that is only for vendors who have all that."""
    def mark(f):
        f.needs = what
        return f
    return mark


def fit(f):
    """The vendors whom a case is for."""
    return [v for v in ALL if all(NEEDS[n][0](v)
            for n in getattr(f, "needs", ()))]


def pytest_generate_tests(metafunc):
    if "bench" in metafunc.fixturenames:
        who = fit(metafunc.function)
        metafunc.parametrize("bench", who, indirect=True,
                             ids=[v.label() for v in who])


def test_left_out():
    for need, (has, without, why) in NEEDS.items():
        if without is not None:
            left = {v.NAME for v in ALL if not has(v)}
            assert left == set(without.split()), (need, why)


@pytest.fixture
def bench(request, tmp_path):
    b = Bench(request.param, str(tmp_path))
    b.populate()
    yield b
    b.v.stop()
    print("\n".join(map(repr, b.v.log[-40:])))
    assert not b.v.problems, b.v.problems


@needs("standing records")
def test_standing_record(bench):
    """What dns-persist-01 wants: another name, a value with blanks and
    semicolons."""
    b = bench
    name = "_validation-persist.www.example.test"
    value = ("letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt"
             ".org/acme/acct/1234567890; policy=wildcard; "
             "persistUntil=1830297599")
    b.v.put_foreign(name, FOREIGN)
    handles = b.ok("add", value, name=name)
    b.ok("add", value, name=name)
    b.expect(value, FOREIGN, name=name)
    b.ok("remove", value, name=name, handles=handles)
    b.expect(FOREIGN, name=name)


@needs("two values")
def test_life(bench):
    a = bench.ok("add", A)
    bench.expect(A)
    assert bench.ok("add", A) == a or bench.v.SEMANTICS != "record"
    bench.expect(A)
    b = bench.ok("add", B)
    bench.expect(A, B)
    bench.ok("remove", A, handles=a)
    if not bench.v.CAN_REMOVE:
        return
    bench.expect(B)
    bench.ok("remove", A, handles=a)
    bench.expect(B)
    assert b
    if bench.v.ID_LOST_OK:
        bench.ok("remove", B)
    else:
        bench.ok("remove", B, handles=b)
    bench.expect()
    bench.ok("remove", B)
    bench.expect()


def test_one_value(bench):
    bench.ok("add", A)
    bench.expect(A)
    bench.ok("add", A)
    bench.expect(A)
    bench.ok("remove", A)
    bench.expect(*bench.cleared(A))


def test_apex_and_wildcard_in_one_call(bench):
    if bench.v.MAX_VALUES == 1:
        got = bench.refused("config", "add", A, B)
        assert got["code"] == "provider:max-values"
        return
    handles = bench.ok("add", A, B)
    bench.expect(A, B)
    bench.ok("add", A, B)
    bench.expect(A, B)
    bench.ok("remove", A, B, handles=handles)
    if not bench.v.CAN_REMOVE:
        return
    bench.expect()
    bench.ok("add", A, B)
    bench.ok("remove", B, A)
    bench.expect()


@needs("two values", "removal")
def test_half_is_there(bench):
    """One of two is there already; one of two is gone already."""
    bench.ok("add", B)
    bench.ok("add", A, B)
    bench.expect(A, B)
    bench.ok("remove", A)
    bench.ok("remove", A, B)
    bench.expect()


@needs("removal")
def test_stale_handle(bench):
    bench.ok("add", A)
    bench.ok("remove", A, handles=["no-such-handle"])
    bench.expect()


@needs("safe changes")
def test_changed_meanwhile(bench):
    """Somebody else adds a value between our look and our write."""
    v = bench.v
    late = []
    for what, left in (("add", [A, B]), ("remove", [])):
        late.append("%s-late-%d" % (FOREIGN, len(late)))
        v.before_write = lambda: v.put_foreign(NAME, late[-1])
        bench.ok(what, A, B)
        assert v.before_write is None
        assert v.values(NAME) == sorted(left + late + [FOREIGN])


@needs("reading back")
def test_overwritten(bench):
    """Somebody else's blind write takes our values away again."""
    v = bench.v

    def overwrite():
        v.records = [r for r in v.records
                     if r.name != NAME or FOREIGN in r.value]
    v.after_write = overwrite
    bench.ok("add", A, B)
    assert v.after_write is None
    bench.expect(A, B)


@pytest.mark.parametrize("name", ["_acme-challenge.example.test",
                                  "_acme-challenge.a.b.example.test"])
def test_alone_at_the_name(bench, name):
    """From no set to no set: at the apex, and with the zone two labels
    up."""
    bench.v.records = [r for r in bench.v.records if r.name != name]
    values = (A,) if bench.v.MAX_VALUES == 1 else (A, B)
    bench.ok("add", *values, name=name)
    bench.expect(*values, name=name)
    mine = bench.v.find(name)
    assert all(r.zone in (None, "example.test") for r in mine), mine
    bench.ok("remove", *values, name=name)
    bench.expect(*bench.cleared(*values), name=name)


@needs("a zone in a zone")
def test_longest_zone(bench):
    name = "_acme-challenge.www.sub.example.test"
    bench.ok("add", A, name=name)
    bench.expect(A, name=name)
    assert [r.zone for r in bench.v.find(name)] in (
        [None], ["sub.example.test"])
    bench.ok("remove", A, name=name)
    bench.expect(*bench.cleared(A), name=name)


@needs("zones")
def test_configured_zone(bench):
    bench.options = dict(bench.v.options(), zone="Example.Test.")
    bench.ok("add", A)
    bench.expect(A)
    bench.ok("remove", A)
    bench.expect(*bench.cleared(A))
    n = len(bench.v.log)
    bench.refused("config", "add", A, name="_acme-challenge.else.where")
    assert len(bench.v.log) == n


def test_bad_credentials(bench):
    bench.options = bench.v.bad_options()
    got = bench.refused("config", "add", A)
    assert got["code"] == "provider:credentials", got
    assert bench.n <= bench.v.AUTH_TRIES, "accounts get locked"
    if bench.v.AUTH_WORDS:
        assert bench.v.AUTH_WORDS in got["msg"]
    bench.expect()
    if bench.v.CAN_REMOVE:      # else nothing is asked, and it succeeds
        got = bench.refused("config", "remove", A)
        assert got["code"] == "provider:credentials", got
        assert bench.n <= bench.v.AUTH_TRIES


@needs("a clock")
def test_wrong_clock(bench):
    bench.v.fail("clock", 0)
    got = bench.refused("config", "add", A)
    assert re.search(r"the clock of this machine is (1h 0m|59m \S+) slow",
                     got["msg"]), got
    assert bench.n == 1


@needs("zones")
@pytest.mark.parametrize("name", ["_acme-challenge.www.nowhere.invalid",
                                  "_acme-challenge.xexample.test"])
def test_no_zone(bench, name):
    got = bench.refused("config rejected", "add", A, name=name)
    assert re.search("zone|domain", got["msg"], re.I), got
    bench.expect()
    bench.refused("config rejected", "remove", A, name=name)
    bench.expect()


def test_throttled_once(bench):
    bench.v.fail("throttle", 1)
    bench.ok("add", A)
    bench.expect(A)
    assert bench.v.heal() == 1


def test_throttled_for_long(bench):
    bench.v.fail("throttle", 0)
    got = bench.refused("rate-limited", "add", A)
    assert bench.n <= 3
    assert got["code"]
    bench.v.heal()
    bench.expect()


def test_vendor_names_the_time(bench):
    bench.v.fail("throttle-long", 0)
    got = bench.refused("rate-limited", "add", A)
    assert bench.n == 1 and 115 <= got["retry_in"] <= 121, got


def test_down_for_long(bench):
    bench.v.fail("500", 0)
    bench.refused("transient", "add", A)
    assert bench.n == 3
    bench.v.heal()
    bench.expect()


def one_failure(bench, kind):
    """Whatever single request goes wrong: the outcome is the same."""
    values = (A,) if bench.v.MAX_VALUES == 1 else (A, B)
    for i in range(MOST_REQUESTS):
        bench.v.fail(kind, 1, skip=i)
        handles = bench.ok("add", *values)
        n = bench.v.heal()
        bench.expect(*values)
        bench.v.fail(kind, 1, skip=i)
        bench.ok("remove", *values, handles=handles)
        n += bench.v.heal()
        bench.expect(*bench.cleared(*values))
        if n == 0:
            return
    pytest.fail("no end of requests")


@pytest.mark.parametrize("kind", ["500", "throttle", "truncated", "lost"])
def test_one_failure(bench, kind):
    one_failure(bench, kind)


@needs("bodies")
def test_one_garbage(bench):
    one_failure(bench, "garbage")


@pytest.mark.parametrize("kind", ["lost", "hang"])
def test_create_was_done_unseen(bench, kind):
    """Once: it is there once.  Always: it is found and removed later."""
    bench.v.fail(kind, 1, writes=True)
    bench.ok("add", A)
    assert bench.v.heal() == 1
    bench.expect(A)
    bench.ok("remove", A)
    bench.expect(*bench.cleared(A))
    if kind == "hang" or not bench.v.CAN_REMOVE:
        return
    bench.v.fail(kind, 0, writes=True)
    got = bench.run("add", A)
    assert got["ok"] or got["kind"] == "transient", got
    bench.v.heal()
    bench.ok("remove", A)
    bench.expect()


@needs("lagging lists")
def test_lists_lag(bench):
    """What was made unseen is not in the list either, for a while."""
    bench.v.hide_new(5)
    bench.v.fail("lost", 1, writes=True)
    handles = bench.ok("add", A)
    assert bench.v.heal() == 1
    bench.expect(A)
    assert handles == [str(r.id) for r in bench.v.find(NAME)
                       if FOREIGN not in r.value]
    bench.v.hide_new(0)
    bench.ok("remove", A)
    bench.expect()


@needs("removal")
@pytest.mark.parametrize("kind", ["numbers", "nulls", "objects"])
def test_odd_types(bench, kind):
    """Whatever is made of it: nobody else's value is lost, and ours are
    found later."""
    values = (A,) if bench.v.MAX_VALUES == 1 else (A, B)
    handles = bench.ok("add", *values)
    for what in "add", "remove":
        bench.v.fail(kind, 0)
        bench.run(what, *values, handles=handles)
        bench.v.heal()
        assert bench.others() == bench.bystanders
        assert bench.v.MAX_VALUES or FOREIGN in bench.v.values(NAME)
    bench.v.problems.clear()    # what is not seen is created again, ...
    bench.ok("remove", *values)
    bench.expect(*bench.cleared(*values))


def test_long_lists(bench):
    """Each entry is there 500 times."""
    bench.v.fail("many", 0)
    bench.run("add", A)
    bench.run("remove", A)
    bench.v.heal()
    bench.v.problems.clear()
    assert set(bench.others()) == set(bench.bystanders)
    assert bench.v.MAX_VALUES or FOREIGN in bench.v.values(NAME)


def test_names_in_another_case(bench):
    values = (A,) if bench.v.MAX_VALUES == 1 else (A, B)
    bench.v.fail("shouted", 0)
    bench.ok("add", *values)
    bench.ok("add", *values)
    bench.expect(*values)
    bench.ok("remove", *values)
    bench.expect(*bench.cleared(*values))


@needs("zones")
def test_big_account(bench):
    """Zones and records behind many others."""
    v = bench.v
    v.zone_list[:0] = ["z%04d.test" % i for i in range(v.MANY_ZONES)]
    for i in range(1100):
        v.put_foreign("n%04d.example.test" % i, "n")
    bench.bystanders = bench.others()
    v.records.sort(key=lambda r: not r.name.startswith("n"))
    handles = bench.ok("add", A)
    bench.ok("add", A)
    bench.expect(A)
    bench.ok("remove", A, handles=handles)
    bench.ok("add", A)
    v.records.sort(key=lambda r: not r.name.startswith("n"))
    bench.ok("remove", A)
    bench.expect()


def another_form(bench, form):
    values = (A,) if bench.v.MAX_VALUES == 1 else (A, B)
    bench.v.fail(form, 0)
    handles = bench.ok("add", *values)
    bench.ok("add", *values)
    bench.expect(*values)
    bench.ok("remove", *values, handles=handles)
    bench.expect(*bench.cleared(*values))
    name = "_acme-challenge.fresh.example.test"
    bench.ok("add", *values, name=name)
    bench.ok("remove", *values, name=name)
    bench.expect(*bench.cleared(*values), name=name)


def test_sent_in_another_form(bench):
    """With a BOM, packed though nobody asked for it, and in pieces."""
    another_form(bench, "sent")


@needs("no rewriting")
def test_written_in_another_form(bench):
    """JSON that means the same (lab.vendors.base.another_form)."""
    another_form(bench, "written")


@needs("no rewriting", "records")
@pytest.mark.parametrize("form", ["strings", "digits", "quotes"])
def test_values_in_another_form(bench, form):
    another_form(bench, form)


@needs("lasting refusals")
def test_refused_for_good(bench):
    """A CNAME at the name, a lock, a quota: nobody else was faster."""
    for cause, (_, _, words) in bench.v.LASTING.items():
        bench.v.refuse_writes(cause)
        got = bench.refused("config rejected", "add", A)
        assert words in got["msg"], got
        assert "somebody else" not in got["msg"], got
        assert got["code"] != "provider:credentials", got
    assert bench.v.refused == len(bench.v.LASTING), "one write is enough"
    bench.expect()


@needs("zones")
def test_names_in_unicode(bench):
    """A zone that the vendor shows in Unicode, with the zone found and
    configured."""
    v, name = bench.v, "_acme-challenge.www." + IDN_ZONE
    if v.MAX_VALUES is None:
        v.put_foreign(name, FOREIGN)
    v.fail("unicode", 0)
    foreign = [FOREIGN] if v.MAX_VALUES is None else []
    for zone in None, SHOWN_ZONE:
        if zone:
            bench.options = dict(v.options(), zone=zone)
        bench.ok("add", A, name=name)
        bench.ok("add", A, name=name)
        bench.expect(A, *foreign, name=name)
        bench.ok("remove", A, name=name)
        bench.expect(*bench.cleared(A), *foreign, name=name)


@needs("bodies")
@pytest.mark.parametrize("kind", ["garbage", "bare"])
def test_malformed(bench, kind):
    bench.v.fail(kind, 0)
    bench.refused("transient rejected config", "add", A)
    bench.v.heal()
    bench.expect()
    if bench.v.CAN_REMOVE:
        bench.ok("add", A)
        bench.v.fail(kind, 0)
        bench.refused("transient rejected config", "remove", A)
        bench.v.heal()
        bench.expect(A)


@needs("CAA")
def test_caa(bench):
    """A CAA record is added beside those of others, and no TXT value is
    touched; again it is there already; and exactly it is taken away."""
    b, v, name = bench, bench.v, "www.example.test"
    ours = '0 issue "ca.test; accounturi=https://ca.test/acct/7; ' \
        'validationmethods=dns-01"'
    theirs = '0 issue "other.test"'
    v.records.append(Record(name, "CAA", theirs, v.TTL, v.new_id(),
                            v.zone_of(name)))
    before = sorted(map(str, (r.key() for r in v.records)))

    def held(where=name):
        return sorted(r.value for r in v.records
                      if (r.name, r.type) == (where, "CAA"))
    for _ in range(2):
        b.ok("add-caa", ours, name=name)
        assert held() == sorted([ours, theirs])
    b.ok("remove-caa", ours, name=name)
    assert sorted(map(str, (r.key() for r in v.records))) == before
    b.ok("add-caa", ours, name="new.example.test")
    assert held("new.example.test") == [ours] and held() == [theirs]
