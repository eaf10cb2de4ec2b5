# SPDX-License-Identifier: MIT
"""What the fakes of all vendors share: a server, records, faults, a log.

A fake is the vendor's documentation made executable.  It recomputes every
signature, keeps real records, enforces the vendor's rules (replace or append,
duplicates, pages, least TTL), and what acmed should never send it notes in
`problems`.  Only the standard library is needed.
"""

import gzip
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse
from email.utils import formatdate

FAULTS = ("500", "throttle", "throttle-long", "garbage", "bare", "clock",
          "truncated", "lost", "hang", "numbers", "nulls", "objects", "many",
          "shouted", "unicode")
# Answers that mean the same and look otherwise: how they are sent, and written.
FORMS = ("sent", "written", "strings", "digits", "quotes")
CARRIED_OUT = ("truncated", "lost", "hang", "numbers", "nulls", "objects",
               "many", "shouted", "unicode") + FORMS

# A zone as it is in the DNS, and as vendors may show it.
IDN_ZONE = "xn--sanremomlheim-3ob.de"
SHOWN_ZONE = "sanremom\u00fclheim.de"


class Record:
    """One value.  name is absolute, without a final dot; value is as the
    vendor keeps it (perhaps quoted)."""

    def __init__(self, name, type, value, ttl, id=None, zone=None, **more):
        self.name, self.type, self.value = name, type, value
        self.ttl, self.id, self.zone = ttl, id, zone
        self.__dict__.update(more)

    def key(self):
        return (self.name, self.type, self.value, self.ttl)

    def __repr__(self):
        return "Record(%s %s %s %s id=%s)" % (
            self.name, self.ttl, self.type, self.value, self.id)


def is_caa(text):
    """Is it a CAA record as a zone file has it?"""
    return re.fullmatch(r'\d+ (issue|issuewild|iodef) "[^"]+"',
                        text) is not None


class Request:
    """One request: path is raw and has no query, query is a decoded list of
    pairs, headers compare without case."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers = method, target, headers
        self.path, _, self.raw_query = target.partition("?")
        self.query = urllib.parse.parse_qsl(self.raw_query,
                                            keep_blank_values=True)
        self.body = body

    def arg(self, name, default=None):
        """The first query parameter of that name."""
        for k, v in self.query:
            if k == name:
                return v
        return default

    def parts(self):
        """The path's segments, decoded."""
        return [urllib.parse.unquote(p) for p in self.path.split("/")[1:]]

    def json(self):
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def form(self):
        """The body's fields as a dict."""
        return dict(urllib.parse.parse_qsl(self.body.decode(),
                                           keep_blank_values=True))

    def __repr__(self):
        return "%s %s %s" % (self.method, self.target,
                             self.body[:300].decode(errors="replace"))


class Answer(Exception):
    """Raised by a vendor to answer at once."""

    def __init__(self, status, body=b"", headers=None):
        super().__init__(status)
        self.reply = reply(status, body, headers)


def reply(status, body=b"", headers=None):
    """(status, headers, bytes) of anything: dicts and lists become JSON."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    elif isinstance(body, str):
        body = body.encode()
    return status, headers, body


def twist(kind, body, names):
    """A JSON answer in which types, sizes or the case of names are others."""
    def walk(j, top=False):
        if isinstance(j, dict):
            return {k: walk(v) for k, v in j.items()}
        if isinstance(j, list):
            if kind == "objects":
                return {str(i): walk(v) for i, v in enumerate(j)}
            return [walk(v) for v in j] * (500 if kind == "many" else 1)
        if kind == "numbers":
            return 9007199254740993 if isinstance(j, str) else j
        if kind == "nulls":
            return None
        if kind == "shouted" and isinstance(j, str) and \
                j.rstrip(".") in names:
            return j.title()
        return j

    try:
        j = json.loads(body)
    except ValueError:
        return body
    return json.dumps(walk(j)).encode()


def another_form(kind, body, names, values):
    """A JSON answer that means the same and looks otherwise: null for empty
    lists and for no error, a number that no double and no int64 holds, types
    in lower case, dots behind names; numbers in strings, or strings of digits
    that are none; values with quotes, or without."""
    def walk(j, depth=0):
        if isinstance(j, dict):
            j = {k: walk(v, depth + 1) for k, v in j.items()}
            if kind == "written":
                j = {k: None if v == [] else v for k, v in j.items()}
                for k in ("error", "errors", "Error", "x") if depth < 2 else ():
                    j.setdefault(k, 2 ** 64 - 1 if k == "x" else None)
            return j
        if isinstance(j, list):
            return [walk(v, depth + 1) for v in j]
        if kind == "strings" and type(j) is int and depth > 0:
            return str(j)
        if not isinstance(j, str):
            return j
        if kind == "digits" and j.isdigit() and len(j) < 19:
            return int(j)
        if kind == "quotes" and unquote(j) in values:
            return unquote(j) if j.startswith('"') else '"%s"' % j
        if kind == "written" and j.rstrip(".") in names and "." in j:
            return j.rstrip(".") if j.endswith(".") else j + "."
        return "txt" if kind == "written" and j == "TXT" else j

    try:
        j = json.loads(body)
    except ValueError:
        return body
    return json.dumps(walk(j)).encode()


def unquote(value):
    """A TXT value without its quotes, strings joined."""
    if not value.startswith('"'):
        return value
    return "".join(re.sub(r"\\(.)", r"\1", s) for s in
                   re.findall(r'"((?:[^"\\]|\\.)*)"', value))


class Vendor:
    """A vendor's API on a port of 127.0.0.1."""

    NAME = None                 # provider type
    ADDRESS = "127.0.0.1", 0    # 0: any port
    VARIANT = ""                # where one type has several fakes
    ZONE = "example.test"
    OTHER_ZONE = "notexample.test"
    HAS_SUBZONE = False         # hosts sub.example.test as well
    HAS_ZONES = True            # False: cannot say "no such zone"
    SEMANTICS = "record"        # "rrset", "value", "single", "zone"
    ID_LOST_OK = True           # remove works without a handle
    CAN_REMOVE = True
    STANDING = True             # takes other values than those of dns-01
    MAX_VALUES = None           # of one name
    HAS_PRECONDITION = False    # a change in between is refused by the vendor
    LISTS_LAG = False           # lists are made by listed()
    READS_BACK = False          # acmed must notice that its values were lost
    MANY_ZONES = 1100           # more than a page holds
    REWRITES = False            # what is deleted is sent as it was read
    PLAIN_STATUS = False        # only the status counts, not the body
    AUTH_TRIES = 1              # requests that wrong credentials may cost
    AUTH_WORDS = None           # what the vendor says of them
    TTL = 600                   # of foreign records
    CHARSET = "utf-8"           # of answers

    def __init__(self):
        self.records, self.log, self.problems = [], [], []
        self.serial = 1000
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.fault = self.lasting = None
        self.refused = 0
        self.hidden_looks, self.known = 0, set()
        self.before_write = self.after_write = None     # called once
        self.zone_list = [self.ZONE, self.OTHER_ZONE, IDN_ZONE]
        if self.HAS_SUBZONE:
            self.zone_list.append("sub." + self.ZONE)
        vendor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536        # an answer in one segment
            disable_nagle_algorithm = True

            def serve(self):
                vendor.serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve
            do_HEAD = do_OPTIONS = serve

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(self.ADDRESS, Handler)
        self.server.daemon_threads = True
        self.host = "%s:%d" % self.server.server_address
        self.url = "http://" + self.host
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @classmethod
    def label(cls):
        return cls.NAME + ("-" + cls.VARIANT if cls.VARIANT else "")

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # --- what each vendor says ---

    def options(self):
        """acmed.conf options, base_url and good credentials."""
        raise NotImplementedError

    def bad_options(self):
        """The same with wrong credentials."""
        raise NotImplementedError

    def handle(self, req):
        """Returns (status, headers, bytes), as reply() makes."""
        raise NotImplementedError

    def is_write(self, req):
        return req.method not in ("GET", "HEAD")

    def throttle(self):
        return reply(429, {"message": "slow down"})

    def throttle_long(self):
        """The same with 120 s to wait."""
        status, headers, body = self.throttle()
        return reply(status, body, dict(headers, **{"Retry-After": "120"}))

    def server_error(self):
        return reply(500, {"message": "out of order"})

    def clock_error(self):
        """What is said to a signature of another hour."""
        raise NotImplementedError

    # What is said to a write that will never do, by its cause; each is
    # (status, body, words that must be shown).
    LASTING = {}

    def refuse_writes(self, cause):
        """From now on; None: no more."""
        self.lasting = self.LASTING[cause] if cause else None

    @classmethod
    def signs_time(cls):
        """Does it know a wrong clock when it sees one?"""
        return cls.clock_error is not Vendor.clock_error

    def secrets(self):
        """Strings that must never be seen in acmed's log."""
        return [v for o in (self.options(), self.bad_options())
                for k, v in o.items() if isinstance(v, str)
                and re.search("secret|token|key|password", k)
                and not k.endswith("_id")]

    # --- records ---

    def zones(self):
        return self.zone_list

    def zone_of(self, name):
        """The longest zone that holds the name, or None."""
        for z in sorted(self.zones(), key=len, reverse=True):
            if name == z or name.endswith("." + z):
                return z
        return None

    def shown_names(self):
        """Of zones and records, absolute and relative."""
        names = {r.name for r in self.records}
        return set(self.zones()) | names | {
            n[:-len(z) - 1] for n in names for z in self.zones()
            if n.endswith("." + z)}

    def new_id(self):
        """A new id; ids beyond 2^53 find those who use doubles."""
        self.serial += 1
        return str(9007199254740992 + self.serial)

    def put_foreign(self, name, value):
        """Somebody else's TXT value, as the vendor keeps it."""
        r = Record(name, "TXT", self.stored(value), self.TTL, self.new_id(),
                   self.zone_of(name))
        self.records.append(r)
        return r

    def stored(self, value):
        """How the vendor keeps a value given without quotes."""
        return value

    def find(self, name, type="TXT"):
        return [r for r in self.records
                if r.name == name and r.type == type]

    def hide_new(self, looks):
        """What is made from now on is not seen in the next lists."""
        self.hidden_looks = looks
        self.known = set(map(id, self.records))

    def listed(self):
        """The records that a list shows."""
        if self.hidden_looks == 0:
            return self.records
        self.hidden_looks -= 1
        return [r for r in self.records if id(r) in self.known]

    def by_id(self, id):
        for r in self.records:
            if str(r.id) == str(id):
                return r
        return None

    def values(self, name):
        return sorted(unquote(r.value) for r in self.find(name))

    # --- faults ---

    def fail(self, kind, n=1, skip=0, writes=False):
        """After skip requests the next n fail so (0: all), or of those that
        write only."""
        assert kind in FAULTS + FORMS, kind
        self.fault = {"kind": kind, "n": n, "skip": skip, "writes": writes,
                      "used": 0}

    def heal(self):
        """No more faults; returns how many there were."""
        used = self.fault["used"] if self.fault else 0
        self.fault = None
        return used

    def fault_now(self, req):
        f = self.fault
        if f is None or (f["writes"] and not self.is_write(req)):
            return None
        if f["skip"] > 0:
            f["skip"] -= 1
            return None
        if f["n"] and f["used"] >= f["n"]:
            return None
        f["used"] += 1
        return f["kind"]

    # --- the server ---

    def problem(self, text, *args):
        """Note what acmed should not have sent."""
        self.problems.append(text % args if args else text)

    def check(self, ok, text, *args):
        if not ok:
            self.problem(text, *args)
        return ok

    def answer(self, req):
        try:
            if self.lasting and self.is_write(req):
                self.refused += 1
                return reply(*self.lasting[:2])
            status, headers, body = self.handle(req)
            return reply(status, body, headers)
        except Answer as a:
            return a.reply
        except Exception as e:      # a fake that fails must be noticed
            self.problem("fake: %s: %r on %r", type(e).__name__, e, req)
            return reply(500, "fake: %r" % e)

    def carry_out(self, req):
        """Answer, and let somebody else act before or after a write."""
        is_write = self.is_write(req)
        if is_write and self.before_write:
            call, self.before_write = self.before_write, None
            call()
        got = self.answer(req)
        if is_write and self.after_write:
            call, self.after_write = self.after_write, None
            call()
        return got

    def serve(self, h):
        n = int(h.headers.get("Content-Length") or 0)
        body = h.rfile.read(n) if n else b""
        req = Request(h.command, h.path, h.headers, body)
        with self.lock:
            self.log.append(req)
            fault = self.fault_now(req)
            if fault is None or fault in CARRIED_OUT:
                status, headers, out = self.carry_out(req)
                if fault == "unicode":
                    out = out.replace(IDN_ZONE.encode(),
                                      SHOWN_ZONE.encode(self.CHARSET))
                elif fault in ("numbers", "nulls", "objects", "many",
                             "shouted"):
                    out = twist(fault, out, self.shown_names())
                elif fault == "sent" and out:
                    out = gzip.compress(b"\xef\xbb\xbf" + out)
                    headers["Content-Encoding"] = "gzip"
                elif fault in FORMS:
                    out = another_form(fault, out, self.shown_names(), {
                        unquote(r.value) for r in self.records})
            elif fault == "500":
                status, headers, out = self.server_error()
            elif fault == "throttle":
                status, headers, out = self.throttle()
            elif fault == "throttle-long":
                status, headers, out = self.throttle_long()
            elif fault == "clock":
                status, headers, out = self.clock_error()
                headers["Date"] = formatdate(time.time() + 3600, usegmt=True)
            elif fault == "garbage":
                status, headers = 200, {"Content-Type": "text/html"}
                out = b"<html><body>Please log in to the Wi-Fi</body></html>"
            else:
                status, headers = 200, {"Content-Type": "application/json"}
                out = b"{}"
        if fault == "hang":
            self.stopping.wait(20)
        if fault in ("lost", "hang"):
            self.cut(h)
            return
        try:
            h.send_response_only(status)
            headers.setdefault("Date", formatdate(usegmt=True))
            for k, v in headers.items():
                for one in v if isinstance(v, list) else [v]:
                    h.send_header(k, one)
            if fault == "sent" and out:
                h.send_header("Transfer-Encoding", "chunked")
                out = b"".join(b"%x\r\n%s\r\n" % (len(x), x) for x in (
                    out[:9], out[9:], b""))
            elif status not in (204, 304) or out:
                h.send_header("Content-Length", str(
                    len(out) or (10 if fault == "truncated" else 0)))
            h.end_headers()
            if fault == "truncated":
                h.wfile.write(out[:len(out) // 2])
                self.cut(h)
            elif req.method != "HEAD":
                h.wfile.write(out)
        except OSError:
            h.close_connection = True

    def cut(self, h):
        """Close without a word more."""
        h.close_connection = True
        try:
            h.wfile.flush()
            h.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def utc(form="%Y-%m-%dT%H:%M:%SZ"):
    return time.strftime(form, time.gmtime())


def encode(text):
    """Percent-encoding of RFC 3986."""
    return urllib.parse.quote(text, safe="-_.~")


def sorted_query(pairs):
    return "&".join("%s=%s" % p for p in sorted(
        (encode(k), encode(v)) for k, v in pairs))
