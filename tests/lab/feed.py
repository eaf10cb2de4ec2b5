# SPDX-License-Identifier: MIT
"""From a vendor's API to its name servers: what makes a fake vendor real.

Every change of the fake's TXT records is put into a zone of real name servers
by DNS UPDATE, at each of them a while later, as vendors do.
"""

import collections
import random
import threading
import time

from . import names

TTL = 5


class Feed:
    """Follows a vendor until stop(), which takes its values out again.

    servers is {address: (least, most)}: seconds between a change and when it
    is shown there.  watch names what a vendor keeps outside of its records,
    pause is how often it looks.  zone may be more than what the vendor hosts.
    """

    def __init__(self, vendor, zone, servers, watch=(), pause=0.02):
        self.vendor, self.zone, self.watch = vendor, zone, watch
        self.pause = pause
        self.over = threading.Event()
        self.problems = []
        self.shown = {s: {} for s in servers}
        for s in servers:
            self.publish(s, self.look())
        self.threads = [threading.Thread(target=self.follow, args=(s, d),
                                         daemon=True)
                        for s, d in servers.items()]
        for t in self.threads:
            t.start()

    def look(self):
        """{name: values} of all TXT sets in the zone as the vendor has
        them."""
        v = self.vendor
        with v.lock:
            found = {r.name for r in v.records if r.type == "TXT"}
            found = {n: v.values(n) for n in found.union(self.watch)}
        return {n: tuple(values) for n, values in found.items() if values
                and (n == self.zone or n.endswith("." + self.zone))}

    def follow(self, server, delay):
        last, due = self.shown[server], collections.deque()
        while not self.over.wait(self.pause):
            now = time.monotonic()
            seen = self.look()
            if seen != last:
                # A later change is never shown first.
                at = now + random.uniform(*delay)
                due.append((max(at, due[-1][0] if due else 0), seen))
                last = seen
            while due and now >= due[0][0]:
                try:
                    self.publish(server, due.popleft()[1])
                except Exception as e:      # a feed that fails is noticed
                    self.problems.append("%s: %r" % (server, e))

    def publish(self, server, sets):
        import dns.query
        import dns.rcode
        import dns.tsigkeyring
        import dns.update

        change = dns.update.Update(
            self.zone + ".", keyring=dns.tsigkeyring.from_text(
                {names.KEY_NAME: names.KEY_SECRET}),
            keyalgorithm="hmac-sha256")
        old = self.shown[server]
        for name in {n for n in {**old, **sets}
                     if old.get(n) != sets.get(n)}:
            change.delete(name + ".", "TXT")
            if name in sets:
                change.add(name + ".", TTL, "TXT",
                           *['"%s"' % v for v in sets[name]])
        self.shown[server] = sets
        if change.update:
            reply = dns.query.tcp(change, server, timeout=5)
            if reply.rcode() != dns.rcode.NOERROR:
                raise RuntimeError(dns.rcode.to_text(reply.rcode()))

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()
        for s in self.shown:
            self.publish(s, {})
        assert not self.problems, self.problems


class Throttle:
    """Lets a vendor take no more than n requests in any second; what is over
    that gets the vendor's own words of it."""

    def __init__(self, vendor, n):
        self.n, self.refused = n, 0
        self.taken = collections.deque()
        vendor.fault_now = self.fault_now

    def fault_now(self, req):
        now = time.monotonic()
        while self.taken and self.taken[0] <= now - 1:
            self.taken.popleft()
        if len(self.taken) >= self.n:
            self.refused += 1
            return "throttle"
        self.taken.append(now)
        return None
