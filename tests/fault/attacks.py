# SPDX-License-Identifier: MIT
"""What a hostile CA does: the table of hostile.py.

Each case changes a ScriptCA before acmed meets it.  told is what acmed has to
say of it, a regular expression, or None where the certificate comes all the
same.
"""

import datetime
import gzip
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lab import script_ca

NAME = "hostile.example.test"
JSON = [("Content-Type", "application/json")]
PEM = [("Content-Type", "application/pem-certificate-chain")]
# What a terminal or a person would take for something else.
MARKUP = "<script>x</script>"
POISON = MARKUP + "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202egnp.exe\u2066 \r\nroot# \u2028"
KINDS = ["directory", "account", "newOrder", "authz", "challenge", "order",
         "finalize", "cert"]

# Of several tries: each fails with words, or issues.
ANY = "."

CASES = []


class Case:
    def __init__(self, name, attack, told, speed=1, seconds=10, quick=False,
                 requests=60, options=None, rounds=1, stays=0, orders=1):
        self.name, self.attack, self.told = name, attack, told
        self.speed = speed          # of acmed's clock: its limits are minutes
        self.seconds = seconds      # it may take so long, on our clock
        self.quick = quick          # one of the sample
        self.requests = requests    # it may send so many
        self.options = options or {}    # of the certificate
        self.rounds = rounds
        self.stays = stays          # s: so long it is looked at afterwards,
        self.orders = orders        # and has not ordered more


def case(name, told, **kw):
    """A decorator: the function is given the CA."""
    def add(attack):
        CASES.append(Case(name, attack, told, **kw))
        return attack
    return add


def answers(name, kind, told, answer, **kw):
    """kind is always answered so: a triple, or a function of the handler."""
    def attack(ca):
        there = [("Location", ca.url("order", 1))]
        full = answer if callable(answer) or any(
            k == "Location" for k, v in answer[1]) else (
                answer[0], answer[1] + there, answer[2])
        ca.before[kind] = lambda ca, h, payload: full
    CASES.append(Case(name, attack, told, **kw))


def changes(name, kind, told, change, **kw):
    """change(ca, object) alters what the CA would have answered."""
    kinds = (kind,) if isinstance(kind, str) else kind

    def attack(ca):
        def hook(ca, status, headers, o):
            if isinstance(o, dict):
                o = json.loads(json.dumps(o))
                o = change(ca, o) or o
            return status, headers, o
        for k in kinds:
            ca.after[k] = hook
    CASES.append(Case(name, attack, told, **kw))


def headed(name, kind, told, headers, status=None, **kw):
    """Headers besides, and perhaps another status, on what is right else."""
    def attack(ca):
        ca.after[kind] = lambda ca, s, h, o: (
            status or s, [x for x in h if x[0] not in dict(headers)] +
            headers, o)
    CASES.append(Case(name, attack, told, **kw))


def text(status, headers, body):
    head = "HTTP/1.1 %d X\r\n" % status + "".join(
        "%s: %s\r\n" % pair for pair in headers)
    return head.encode("latin-1") + b"\r\n" + body


def writes(pieces, pause=0.0):
    """A function of the handler that writes these, until it is left."""
    def write(h):
        try:
            for piece in pieces():
                h.wfile.write(piece)
                h.wfile.flush()
                if pause:
                    time.sleep(pause)
        except OSError:
            pass
    return write


def endless(first, piece):
    def pieces():
        yield first
        while True:
            yield piece
    return pieces


CASES.append(Case("none", lambda ca: None, None, quick=True))

def poison_problem(ca, status=403):
    return status, [], {
        "type": "urn:ietf:params:acme:error:unauthorized" + POISON,
        "detail": "refused " + POISON + "x" * 5000, "status": status,
        "instance": "https://x/" + POISON, "subproblems": [
            {"type": POISON, "detail": POISON, "identifier": {
                "type": "dns", "value": POISON}}] * 50}


# --- bodies and heads that never end, or not where they say ---

for kind in KINDS:
    # Of the answer to a challenge only the order tells what became of it.
    never = kind == "challenge" and "still pending after 5m"
    answers("cut-" + kind, kind, "localhost: .*(closed|end of response|"
            "outstanding|transfer)", writes(lambda: [
                text(200, JSON + [("Content-Length", "5000")], b'{"a":')]),
            speed=10, quick=kind == "newOrder")
    answers("endless-" + kind, kind, never or "longer than [0-9]+ bytes",
            writes(endless(text(200, JSON, b'{"a":"'), b"x" * 65536)),
            quick=kind in ("directory", "cert"), speed=40 if never else 1,
            seconds=30)
    answers("deep-" + kind, kind, never or (
        None if kind == "account" else       # its status may be left out
        "maximum parsing depth|no certificate in it"),
            (200, JSON, b'{"a":' * 40000), quick=kind == "order",
            speed=40 if never else 1, seconds=30)
answers("endless-chunked", "newOrder", "longer than [0-9]+ bytes", writes(
    endless(text(200, JSON + [("Transfer-Encoding", "chunked")], b""),
            b"4000\r\n" + b"x" * 0x4000 + b"\r\n")))
answers("bad-chunks", "newOrder", "localhost: ", writes(lambda: [text(
    200, JSON + [("Transfer-Encoding", "chunked")],
    b"ffffffffffffffffff\r\n{}")]), speed=10)


def nonces(name, told, answer, **kw):
    """No reply brings one, so that each has to be fetched."""
    def attack(ca):
        for kind in KINDS:
            ca.after[kind] = lambda ca, s, h, o: (
                s, h + [("Replay-Nonce", "")], o)
        ca.before["nonce"] = lambda ca, h, payload: answer
    CASES.append(Case(name, attack, told, **kw))


nonces("endless-nonce", "new nonce", writes(
    endless(text(405, [], b""), b"x" * 65536)), speed=10)
nonces("nonce-of-megabytes", "new nonce", (
    200, [("Replay-Nonce", "x" * 30000)], b""), quick=True)
answers("endless-header", "newOrder", "too many headers|localhost: ", writes(
    endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536)), quick=True, speed=10)
answers("endless-headers", "newOrder", "too many headers", writes(
    endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n" * 50)), quick=True)
answers("endless-1xx", "newOrder", "within 30 s|localhost: |headers", writes(
    endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), 0.001), speed=30,
    seconds=20)
answers("no-http", "newOrder", "localhost: ", writes(
    lambda: [b"SSH-2.0-OpenSSH_9.2\r\n"]), speed=10)
answers("nothing", "newOrder", "localhost: ", writes(lambda: []), speed=10)

# --- slow ---

for kind in ("directory", "newOrder", "cert"):
    # A byte of each second that acmed sees.
    answers("slow-body-" + kind, kind, "no complete answer within [36]0 s",
            writes(endless(text(200, JSON + [("Content-Length", "100000")],
                                b""), b" "), 1 / 30), speed=30, seconds=25,
            quick=kind == "newOrder")
answers("slow-head", "newOrder", "no complete answer within 30 s", writes(
    endless(b"HTTP/1.1 200 OK\r\n", b"X"), 1 / 30), speed=30, seconds=25)
nonces("silent-nonce", "no complete answer within 30 s", writes(
    endless(b"", b""), 0.05), speed=30, seconds=25)

# --- wrong types ---

WRONG = [None, True, 7, -1, 1e300, "", "x", [], ["x"], {}, {"a": "b"}]


def wrong(kind, members):
    """One run for each wrong type of each member; ca.round says which."""
    for member in members:
        def change(ca, o, member=member):
            *path, last = [int(p) if p.isdigit() else p
                           for p in member.split(".")]
            at = o
            for p in path:
                at = at[p]
            if not isinstance(at, dict) or last in at or kind == "order":
                at[last] = WRONG[ca.round % len(WRONG)]
        changes("type-%s-%s" % (kind, member), kind, ANY, change,
                rounds=len(WRONG), seconds=60, requests=600, speed=40,
                quick=member == "challenges.0")


wrong("directory", ["newNonce", "newAccount", "newOrder"])
wrong("account", ["status"])
wrong("newOrder", ["status", "authorizations", "authorizations.0",
                   "finalize", "identifiers"])
wrong("authz", ["status", "identifier", "identifier.type",
                "identifier.value", "challenges", "challenges.0",
                "challenges.0.type", "challenges.0.url",
                "challenges.0.status", "challenges.0.token"])
wrong("order", ["status", "error", "certificate", "finalize"])
wrong("finalize", ["status", "certificate", "error"])
for body in ("null", "true", "7", '"x"', "[]", "{}", "", "\x00", "nul",
             '{"status":"valid","status":"pending"}', "\xff\xfe"):
    for kind in ("directory", "newOrder", "authz", "order"):
        answers("%s-is-%s" % (kind, body.encode("unicode_escape").decode()[
            :12] or "empty"), kind, "JSON|URL|status|list|directory",
            (200, JSON, body.encode("latin-1")),
            quick=body.startswith('{"s'))

# --- redirects ---

for code in (301, 302, 303, 307, 308):
    answers("redirect-%d" % code, "newOrder", "HTTP status %d" % code,
            (code, [("Location", "https://localhost:1/")], b""),
            quick=code == 307)


@case("redirect-loop", "redirected, and not followed|Maximum .*redirects",
      quick=True)
def redirect_loop(ca):
    ca.before["directory"] = lambda ca, h, p: (
        302, [("Location", ca.directory)], b"")


answers("redirect-http", "directory", "redirected, and not followed",
        (302, [("Location", "http://127.0.0.1:9/dir")], b""), quick=True)
answers("redirect-file", "directory", "redirected, and not followed",
        (302, [("Location", "file:///etc/passwd")], b""), quick=True)
answers("redirect-away", "directory", "127.0.0.1|localhost",
        (302, [("Location", "https://127.0.0.1:9/dir")], b""), speed=10)

# --- nonces ---


@case("bad-nonce-for-ever", "badNonce", quick=True)
def bad_nonce(ca):
    ca.before["newOrder"] = lambda ca, h, p: ca.problem(
        400, "badNonce", "no")


@case("nonces-that-are-none", "Replay-Nonce", quick=True)
def no_nonce(ca):
    for kind in ["nonce"] + KINDS:
        ca.after[kind] = lambda ca, s, h, o: (
            s, h + [("Replay-Nonce", "a b\x7f\"")], o)


# --- states ---

changes("order-processing-for-ever", ("order", "finalize"),
        "still processing after 5m", lambda ca, o: o.update(
            status="processing") if o["status"] == "valid" else None,
        speed=40, seconds=30, quick=True)
changes("order-pending-for-ever", "order", "still pending after 5m",
        lambda ca, o: o.update(status="pending"), speed=40, seconds=30)
changes("order-ready-for-ever", ("order", "finalize"),
        "still ready after 5m", lambda ca, o: o.update(
            status="ready"), speed=40, seconds=30, requests=100)


@case("authz-pending-for-ever", "still pending after 5m", speed=40,
      seconds=30)
def authz_pending(ca):
    ca.polls_authz = 1 << 30


for kind in ("newOrder", "order", "finalize", "authz"):
    # Of the answer to finalize the order tells more.
    changes("status-unknown-" + kind, kind, None if kind == "finalize" else
            'its status is "frobnicated"',
            lambda ca, o: o.update(status="frobnicated"),
            quick=kind == "authz")
for status in ("deactivated", "expired", "revoked", "invalid"):
    changes("authz-" + status, "authz", "authorization.* is " + status,
            lambda ca, o, status=status: o.update(status=status))

# --- tokens ---

TOKENS = {"path": "../../../../x", "slash": "/etc/passwd", "empty": "",
          "dot": ".", "dots": "..", "long": "a" * 10240,
          "nul": "abc\0def", "newline": "abc\ndef", "space": "a b",
          "percent": "%2e%2e%2f", "utf-8": "\u202eabc", "tilde": "~root"}
for what, token in TOKENS.items():
    def tokens(ca, o, token=token):
        for c in o["challenges"]:
            c["token"] = token
    changes("token-" + what, "authz", "token|not JSON|no http-01", tokens,
            quick=what in ("path", "nul"))

# --- orders that do not fit ---

changes("finalize-missing", ("newOrder", "order", "finalize"),
        'no URL "finalize"', lambda ca, o: o.pop("finalize", None) and o,
        quick=True)
changes("no-authorizations", "newOrder", "pending|authoriz",
        lambda ca, o: o.update(authorizations=[]), speed=40, seconds=30)
changes("too-many-authorizations", "newOrder", "it has 5000 authorizations",
        lambda ca, o: o.update(authorizations=o["authorizations"] * 5000))
changes("same-authorization-100-times", "newOrder", None,
        lambda ca, o: o.update(authorizations=o["authorizations"] * 100),
        requests=8, quick=True)


@case("authorizations-of-others", "was not asked for", quick=True)
def of_others(ca):
    n = ca.new_order([{"type": "dns", "value": "victim.example.org"}])
    url = ca.orders[n]["obj"]["authorizations"][0]

    def hook(ca, s, h, o):
        return s, h, dict(o, authorizations=o["authorizations"] + [url])
    ca.after["newOrder"] = hook


changes("authorization-for-path", "authz", 'its identifier is ".*"',
        lambda ca, o: o["identifier"].update(value="../../etc"))
changes("authorization-for-other", "authz", "was not asked for",
        lambda ca, o: o["identifier"].update(value="victim.example.org"))
changes("authorization-for-wildcard", "authz", "was not asked for",
        lambda ca, o: o.update(wildcard=True))
changes("no-challenges", "authz", "offers no http-01",
        lambda ca, o: o.update(challenges=[]))
changes("thousand-challenges", "authz", "it has 900 challenges",
        lambda ca, o: o.update(challenges=o["challenges"] * 300))


@case("one-url-for-all", "acceptable Location|Replay-Nonce", speed=10,
      quick=True)
def one_url(ca):
    url = ca.directory
    ca.after["directory"] = lambda ca, s, h, o: (s, h, dict(
        o, newNonce=url, newAccount=url, newOrder=url))


# --- URLs ---

URLS = {"http": "http://localhost/x", "file": "file:///etc/passwd",
        "user": "https://a:b@localhost/x", "empty": "",
        "long": "https://localhost/" + "x" * 200000,
        "newline": "https://localhost/\r\nX: y",
        "poison": "https://localhost/" + POISON,
        "nul": "https://localhost/\0x", "scheme": "javascript:alert(1)",
        "gopher": "gopher://localhost:25/x"}
for what, url in URLS.items():
    changes("finalize-url-" + what, "newOrder", "finalize|not JSON",
            lambda ca, o, url=url: o.update(finalize=url),
            quick=what in ("http", "poison"))
    changes("cert-url-" + what, ("order", "finalize"),
            "certificate|not JSON", lambda ca, o, url=url: o.update(
                certificate=url) if "certificate" in o else None)
answers("megabyte-url", "newOrder", "longer than 262144 bytes", (
    201, JSON, b'{"status":"pending","finalize":"https://localhost/'
    + b"x" * (1 << 20) + b'"}'))
LOCATIONS = {"other-host": "https://127.0.0.1:9/order/1",
             "http": "http://localhost/order/1", "poison": "/\x1b[2J\x9b",
             "long": "/" + "x" * 10000, "relative": "../order",
             "empty": "", "two-slashes": "//127.0.0.1:9/x"}
for what, where in LOCATIONS.items():
    headed("location-" + what, "newOrder",
           "acceptable Location|127.0.0.1:? ", [("Location", where)],
           speed=10, quick=what == "other-host")
    headed("account-location-" + what, "account",
           None if what == "other-host" else "acceptable Location",
           [("Location", where)])

# --- certificates ---


def chains(name, told, chain, **kw):
    """chain(ca, the CSR's key) is the text."""
    def attack(ca):
        ca.chain = lambda leaf: chain(ca, leaf.public_key())
    kw.setdefault("seconds", 15)
    CASES.append(Case(name, attack, told, **kw))


def signed(ca, key, names=(NAME,), begin=-3600, end=90 * 86400, by=None):
    now = datetime.datetime.now(script_ca.UTC)
    b = (x509.CertificateBuilder().subject_name(script_ca.name(NAME))
         .issuer_name(ca.inter.subject).public_key(key)
         .serial_number(x509.random_serial_number())
         .not_valid_before(now + datetime.timedelta(seconds=begin))
         .not_valid_after(now + datetime.timedelta(seconds=end)))
    if names:
        b = b.add_extension(x509.SubjectAlternativeName(
            [x509.DNSName(n) for n in names]), False)
    return script_ca.pem(b.sign(by or ca.int_key, hashes.SHA256()))


def inter(ca):
    return script_ca.pem(ca.inter)


def other_key():
    return ec.generate_private_key(ec.SECP256R1())


chains("cert-other-key", "made for another key", lambda ca, key: signed(
    ca, other_key().public_key()) + inter(ca), quick=True)
chains("cert-other-name", NAME + " is not in it", lambda ca, key: signed(
    ca, key, ["victim.example.org"]) + inter(ca), quick=True)
chains("cert-no-name", "certificate", lambda ca, key: signed(
    ca, key, []) + inter(ca))
chains("cert-expired", "expired at", lambda ca, key: signed(
    ca, key, begin=-7200, end=-3600) + inter(ca), quick=True)
chains("cert-not-yet", "not valid before", lambda ca, key: signed(
    ca, key, begin=86400) + inter(ca), quick=True)
chains("cert-year-9999", None, lambda ca, key: signed(
    ca, key, end=(9998 - 2026) * 365 * 86400) + inter(ca))
chains("cert-other-signer", "signed by none of", lambda ca, key: signed(
    ca, key, by=other_key()) + inter(ca))
chains("cert-wrong-order", None, lambda ca, key: inter(ca) + script_ca.pem(
    ca.root) + signed(ca, key))
chains("cert-only-issuer", "another key", lambda ca, key: inter(ca))
chains("cert-key-instead", "certificate", lambda ca, key:
       "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n")
chains("cert-garbage", "certificate", lambda ca, key:
       "-----BEGIN CERTIFICATE-----\n" + "AAAA" * 30 +
       "\n-----END CERTIFICATE-----\n", quick=True)
chains("cert-no-end", "certificate", lambda ca, key:
       "-----BEGIN CERTIFICATE-----\n" + "A" * 60000)
chains("cert-thousand", "certificate", lambda ca, key: signed(
    ca, key) + inter(ca) * 300)
chains("cert-poison-around", None, lambda ca, key: POISON + signed(
    ca, key) + POISON + inter(ca))
answers("cert-empty", "cert", "certificate", (200, PEM, b""))
answers("cert-nul", "cert", "certificate", (200, PEM, b"\0" * 5000))
answers("cert-html", "cert", "certificate", (
    200, [("Content-Type", "text/html")], b"<html>" + b"<p>" * 1000))


@case("alternates-100", None, quick=True, requests=30, options={
    "preferred_chain": "Root X"})
def alternates(ca):
    links = [("Link", '<%s>;rel="alternate"' % ca.url("cert", "1", i))
             for i in range(60)]
    more = [("Link", ", ".join('<%s>;rel="alternate"' % ca.url("cert", "1", i)
                               for i in range(60, 100)))]
    ca.after["cert"] = lambda ca, s, h, o: (s, h + links + more, o)


@case("alternates-slow", None, speed=20, seconds=20, requests=30, options={
    "preferred_chain": "Root X"})
def alternates_slow(ca):
    hits = []

    def hook(ca, s, h, o):
        hits.append(1)
        if len(hits) > 1:
            return writes(endless(text(200, PEM, b""), b" "), 0.05)
        return s, h + [("Link", '<%s>;rel="alternate"' % ca.url("cert", "1"))
                       ] * 20, o
    ca.after["cert"] = hook


# --- renewal information ---

def ari(name, info, **kw):
    """info is the answer: a dict, or anything for renewalInfo's hook."""
    def attack(ca):
        ca.ari = lambda ca, certid: info
        if not isinstance(info, dict):
            ca.before["renewalInfo"] = lambda ca, h, payload: info
    # By its clock two minutes and more.
    CASES.append(Case(name, attack, None, speed=40, seconds=20, stays=3,
                      **kw))


def window(start, end, **more):
    return dict({"suggestedWindow": {"start": start, "end": end}}, **more)


# At each look again: "renew now".  Once, for a real reason, it may.
ari("ari-now-for-ever", window("2020-01-01T00:00:00Z",
                               "2020-01-02T00:00:00Z"), orders=2, quick=True)
ari("ari-reversed", window("2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z"))
ari("ari-year-9999", window("9999-01-01T00:00:00Z", "9999-12-31T00:00:00Z"))
ari("ari-no-dates", window("soon", "-1"))
ari("ari-types", {"suggestedWindow": [1, 2]})
ari("ari-poison", window("2027-01-20T00:00:00Z", "2027-01-21T00:00:00Z",
                         explanationURL="https://x/" + POISON), quick=True)
ari("ari-endless", writes(endless(text(200, JSON, b'{"a":"'), b"x" * 65536)))
ari("ari-deep", (200, JSON, b'{"a":' * 40000))
ari("ari-retry-after", (200, JSON + [("Retry-After", "0")], window(
    "2027-01-20T00:00:00Z", "2027-01-21T00:00:00Z")), quick=True)
ari("ari-refused", poison_problem(None))

# --- Retry-After ---

AFTER = {"negative": "-5", "date": "Fri, 31 Dec 2027 23:59:59 GMT",
         "past": "Sat, 01 Jan 2000 00:00:00 GMT", "ten-years": "315360000",
         "huge": "9" * 40, "word": "soon", "zero": "0", "float": "1.5",
         "bad-date": "Fri, 99 Foo 2027 99:99:99 GMT", "hex": "0x10",
         "empty": ""}
for what, value in AFTER.items():
    def refuse(ca, value=value):
        ca.before["newOrder"] = lambda ca, h, p: (
            503, [("Retry-After", value)] + JSON,
            b'{"type":"urn:ietf:params:acme:error:serverInternal",'
            b'"detail":"closed"}')
    CASES.append(Case("retry-after-" + what, refuse, "closed", speed=10,
                      quick=what in ("ten-years", "negative")))

    def poll(ca, value=value):
        ca.polls_order = 3
        ca.retry_after = value
    CASES.append(Case("poll-after-" + what, poll, None, speed=20,
                      seconds=20))


@case("retry-after-several", "closed", speed=10)
def retry_several(ca):
    ca.before["newOrder"] = lambda ca, h, p: (
        503, [("Retry-After", "5"), ("Retry-After", "315360000"),
              ("Retry-After", "x")] + JSON, b'{"detail":"closed"}')


# --- texts ---

for kind in ("account", "newOrder", "authz", "challenge", "order",
             "finalize", "cert"):
    def poison(ca, kind=kind):
        ca.before[kind] = lambda ca, h, p: poison_problem(ca)
    CASES.append(Case("poison-" + kind, poison, "refused", seconds=20,
                      speed=5, quick=kind in ("newOrder", "challenge")))
answers("poison-body", "newOrder", "HTTP status 500", (
    500, [("Content-Type", "text/html")], (POISON * 9).encode()), speed=10)
answers("nul-in-problem", "newOrder", "HTTP status 400|JSON", (
    400, JSON, b'{"type":"urn:ietf:params:acme:error:malformed",'
    b'"detail":"a\\u0000b"}'))
changes("poison-order-error", "order", "refused", lambda ca, o: o.update(
    status="invalid", error=poison_problem(ca)[2]), quick=True)
changes("poison-challenge-error", ("authz",), "refused", lambda ca, o: [
    c.update(status="invalid", error=poison_problem(ca)[2])
    for c in o["challenges"]] and dict(o, status="invalid"))


@case("poison-terms", "terms of service", quick=True)
def terms(ca):
    ca.meta = {"termsOfService": "https://x/" + POISON + "x" * 3000,
               "profiles": {POISON: POISON, "a": POISON},
               "website": POISON, "caaIdentities": [POISON, 7, "../.."]}
    ca.agree = False


# --- encodings ---

BOMB = gzip.compress(b"[" * (64 << 20), 9)
answers("gzip-bomb", "newOrder", "not JSON", (
    201, JSON + [("Content-Encoding", "gzip")], BOMB), quick=True)
answers("gzip-bomb-cert", "cert", "certificate", (
    200, PEM + [("Content-Encoding", "gzip")], BOMB))
answers("unknown-encoding", "newOrder", "not JSON|localhost", (
    201, JSON + [("Content-Encoding", "br, gzip, zstd")], b"\x1f\x8b"))
answers("big-number", "newOrder", "not JSON|status", (
    201, JSON, b'{"status":1' + b"0" * 100000 + b"}"))
answers("wide", "newOrder", "status|URL", (201, JSON, (
    "{" + ",".join('"%d":{}' % i for i in range(20000)) + "}").encode()))
answers("collisions", "directory", "newNonce|longer", (200, JSON, (
    "{" + ",".join('"%s":0' % ("\\u0061" * i) for i in range(280))
    + "}").encode()))
