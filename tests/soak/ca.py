# SPDX-License-Identifier: MIT
"""The CA of the simulated year.

It issues for the life that a profile has, looks for each challenge's TXT value
in the zone, and keeps the limits that Let's Encrypt publishes, counting as that
does: buckets that refill evenly, renewals it knows exempt.
"""

import base64
import hashlib
import json
import traceback

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from lab import script_ca

HOUR, DAY = 3600, 86400
LIVES = {"classic": 90 * DAY, "middle": 64 * DAY, "tlsserver": 45 * DAY,
         "shortlived": 160 * HOUR}
# https://letsencrypt.org/docs/rate-limits/
LIMITS = {"orders": (300, 3 * HOUR), "domain": (50, 7 * DAY),
          "duplicates": (5, 7 * DAY), "failures": (5, HOUR)}
# For few certificates.
SHORT_LIMITS = dict(LIMITS, orders=(4, 3 * HOUR), domain=(2, 7 * DAY))
# In Boulder's words.
TOLD = {
    "orders": "too many new orders (%d) from this account in the last %dh",
    "domain": "too many certificates (%d) already issued for this registered "
              "domain in the last %dh",
    "duplicates": "too many certificates (%d) already issued for this exact "
                  "set of identifiers in the last %dh",
    "failures": "too many failed authorizations (%d) for this hostname in "
                "the last %dh"}
# acmed's.
WORDS = {"orders": "orders %d per %dh except renewals",
         "domain": "certificates %d per domain per %dh except renewals",
         "duplicates": "duplicates %d per %dh",
         "failures": "failures %d per name per %dh"}


def words(limits, which, words_of):
    return words_of[which] % (limits[which][0], limits[which][1] // HOUR)
# What a lost reply may have been to.
LOSABLE = {"newOrder", "authz", "challenge", "finalize", "order", "cert"}


def b64u(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Bucket:
    """n at once, and again after period/n for each."""

    def __init__(self, n, period):
        self.each, self.period = period / n, period
        self.full_at = {}

    def wait(self, key, now):
        """How long until there is one; 0: now."""
        at = max(self.full_at.get(key, now), now) + self.each
        return max(0, at - now - self.period)

    def take(self, key, now):
        self.full_at[key] = max(self.full_at.get(key, now), now) + self.each


class SoakCA(script_ca.ScriptCA):
    def __init__(self, folder, port, server, limits, has_ari):
        self.zone_server = server
        self.dead = set()           # names whose validation fails
        self.away = None            # None "busy" "page" "internal"
        self.until = 0              # of what it says in Retry-After
        self.was_told = False       # somebody
        self.told_at = 0            # ... the last time
        self.losing = 0             # so many more replies are lost
        self.on_request = lambda kind: None
        self.limits = limits
        self.buckets = {k: Bucket(*v) for k, v in limits.items()}
        self.over = dict.fromkeys(LIMITS, 0)    # asked all the same
        self.early = 0              # orders in spite of Retry-After
        self.requests = {}          # {kind: n}
        self.lost = 0
        self.errors = []            # of this program
        self.failures = 0           # validations
        self.issued = 0
        self.ends = {}              # {names: when the last one expires}
        self.by_id = {}             # ARI's: (not_before, not_after)
        self.replaced = set()
        self.in_flight = 0
        super().__init__(folder, port)
        self.meta = {"profiles": {k: "of %d hours" % (v // HOUR)
                                  for k, v in LIVES.items()}}
        if has_ari:
            self.ari = SoakCA.window
        self.ari_every = DAY

    # --- what goes wrong ---

    def handle(self, h):
        self.in_flight += 1
        try:
            super().handle(h)
        except OSError:
            pass                # killed, or gone
        except Exception:
            self.errors.append(traceback.format_exc())
        finally:
            self.in_flight -= 1

    def refusal(self, kind, payload):
        if self.away == "page" and kind != "nonce":
            return 503, [("Retry-After", str(self.left())),
                         ("Content-Type", "text/html")], b"<p>maintenance</p>"
        if self.away == "busy" and kind == "newOrder":
            # One that would be near its end then may ask all the same.
            asked = self.until - self.told_at
            left = self.ends.get(self.names_of(payload), 0) - self.told_at
            self.early += self.was_told and not 0 < left <= 2 * asked \
                and self.now() > self.told_at + 5
            self.was_told, self.told_at = True, self.now()
            return self.limited("the service is busy", self.left(), None)
        if self.away == "internal" and kind == "finalize":
            return self.problem(500, "serverInternal", "a disk of ours died")
        return None

    def left(self):
        return max(1, int(self.until - self.now()))

    def limited(self, text, wait, which):
        if which:
            self.over[which] += 1
        s, headers, body = self.problem(429, "rateLimited", text)
        return s, [("Retry-After", str(int(wait) + 1))], body

    def serve(self, h, kind, parts, payload):
        self.seen.clear()
        self.connections = [c for c in self.connections if c.fileno() != -1]
        self.requests[kind] = self.requests.get(kind, 0) + 1
        self.on_request(kind)
        answer = self.refusal(kind, payload)
        if answer:
            return answer
        if kind == "newOrder":
            answer = self.take_order(h, payload)
        elif kind == "challenge":
            self.validate(h, parts)
        answer = answer or super().serve(h, kind, parts, payload)
        if self.losing > 0 and kind in LOSABLE:
            self.losing -= 1
            self.lost += 1
            return "drop"
        return answer

    # --- limits ---

    def take_order(self, h, payload):
        now = self.now()
        account = h.protected.get("kid")
        names = self.names_of(payload)
        replaces = payload.get("replaces")
        if replaces in self.replaced:
            return self.problem(409, "alreadyReplaced",
                                "it has been replaced already")
        domains = {".".join(n.split(".")[-2:]) for n in names}
        asked = []
        if replaces not in self.by_id:
            asked.append(("duplicates", names))
        # A renewal that does not say so is known by its names.
        if asked and names not in self.ends:
            asked += [("domain", d) for d in domains] + [("orders", account)]
        for which, key in asked + [("failures", (account, n)) for n in names]:
            wait = self.buckets[which].wait(key, now)
            if wait > 0:
                return self.limited(words(self.limits, which, TOLD), wait,
                                    which)
        if len(asked) > 1:
            self.buckets["orders"].take(account, now)
        answer = super().serve(h, "newOrder", ["new-order"], payload)
        o = self.orders[self.order_of(answer)]
        o["profile"] = payload.get("profile", "classic")
        o["replaces"] = replaces
        # Once it has brought a certificate.
        o["counts"] = [a for a in asked if a[0] != "orders"]
        return answer

    @staticmethod
    def names_of(payload):
        return tuple(sorted(i["value"] for i in payload["identifiers"]))

    @staticmethod
    def order_of(answer):
        return int(dict(answer[1])["Location"].rsplit("/", 1)[1])

    # --- validation ---

    def thumbprint(self, h):
        n = int(h.protected["kid"].rsplit("/", 1)[1])
        jwk = next(k for k, v in self.accounts.items() if v[0] == n)
        return hashlib.sha256(json.dumps(
            json.loads(jwk), sort_keys=True,
            separators=(",", ":")).encode()).digest()

    def txt(self, name):
        q = dns.message.make_query(name, "TXT")
        try:
            r = dns.query.udp_with_fallback(q, self.zone_server, timeout=5)[0]
        except (OSError, dns.exception.DNSException):
            return set()
        return {b"".join(x.strings).decode() for rr in r.answer for x in rr
                if x.rdtype == dns.rdatatype.TXT}

    def validate(self, h, parts):
        a = self.authzs[int(parts[1])]["obj"]
        ch = next(c for c in a["challenges"] if c["type"] == parts[2])
        name = a["identifier"]["value"]
        key = ch["token"] + "." + b64u(self.thumbprint(h))
        want = b64u(hashlib.sha256(key.encode()).digest())
        if a["status"] != "pending":
            return
        if name not in self.dead and want in self.txt(
                "_acme-challenge." + name):
            return
        self.failures += 1
        self.buckets["failures"].take((h.protected["kid"], name), self.now())
        a["status"] = ch["status"] = "invalid"
        ch["error"] = {"type": "urn:ietf:params:acme:error:dns",
                       "detail": "no TXT record for " + name,
                       "status": 400}

    # --- certificates ---

    def issue(self, n):
        o = self.orders[n]
        self.lifetime = LIVES[o["profile"]]
        super().issue(n)
        leaf = self.certs[n]
        self.issued += 1
        self.ends[self.names_of(o["obj"])] = self.now() + self.lifetime
        for which, key in o["counts"]:
            self.buckets[which].take(key, self.now())
        self.replaced.add(o["replaces"])
        self.replaced.discard(None)
        serial = leaf.serial_number
        aki = self.inter.extensions.get_extension_for_class(
            script_ca.x509.SubjectKeyIdentifier).value.digest
        self.by_id[b64u(aki) + "." + b64u(serial.to_bytes(
            serial.bit_length() // 8 + 1, "big"))] = (
                self.now() - self.backdate, self.lifetime)

    def window(self, certid):
        if certid not in self.by_id:
            return None
        begin, life = self.by_id[certid]
        zone = script_ca.UTC

        def text(at):
            return script_ca.datetime.datetime.fromtimestamp(
                at, zone).strftime("%Y-%m-%dT%H:%M:%SZ")
        at = begin + life * (0.5 if life < 10 * DAY else 2 / 3)
        return {"suggestedWindow": {"start": text(at - life * 0.01),
                                    "end": text(at + life * 0.01)}}
