# SPDX-License-Identifier: MIT
"""A fleet: acmeds with one configuration around an etcd cluster."""

import json
import os
import time

from . import proc

SECRET = "0123456789abcdef" * 4


class Fleet:
    """make: as the fixture; etcd: an Etcd.  All members have the same certs,
    accounts and providers; what differs is their cluster { }."""

    def __init__(self, make, etcd, prefix, lease="5s", **opt):
        self.make, self.etcd, self.prefix = make, etcd, prefix
        self.lease, self.opt = lease, opt
        self.certs, self.members = {}, {}

    def member(self, name, role="both", **more):
        """One more of it, not started."""
        a = self.make(**self.opt)
        secret = os.path.join(a.folder, "fleet")
        with open(secret, "w") as f:
            f.write(SECRET + "\n")
        os.chmod(secret, 0o600)
        a.cluster = dict({"etcd": self.etcd.urls, "prefix": self.prefix,
                          "encrypt_key_file": secret, "name": name,
                          "role": role, "lease": self.lease}, **more)
        a.certs = self.certs
        self.members[name] = a
        return a

    def cert(self, name, names=None, **more):
        self.certs[name] = dict({"names": names or [name], "account": "lab",
                                 "provider": "dns"}, **more)
        return name

    def state(self, member, name):
        return self.members[member].cert_status(name)

    def serials(self, name, members=None):
        """member -> what its live/ holds, or None."""
        return {m: self.members[m].serial(name)
                for m in members or self.members}

    def is_settled(self, member, name):
        """Is it this member's by its own view, with nobody's run under way
        that another one began?  Who began first keeps it until then."""
        p = self.members[member].ctl("cluster", "status", "--json")
        view = json.loads(p.stdout) if p.returncode == 0 else {}
        own = [m for m in view.get("members", []) if m["self"]]
        return bool(own) and own[0]["owned"] > 0 and not [
            k for k in view["locks"] if k["certificate"] == name]

    def everywhere(self, name, than=None, members=None, timeout=30):
        """Until all have the same, another one than that; its serial, and
        how long the last took after the first."""
        members = list(members or self.members)
        first = [None]

        def check():
            found = self.serials(name, members)
            new = {s for s in found.values() if s not in (None, than)}
            if new and first[0] is None:
                first[0] = time.monotonic()
            return len(new) == 1 and None not in found.values() and \
                than not in found.values() and new.pop()
        serial = proc.wait_until(lambda: "%s everywhere: %s\n%s" % (
            name, self.serials(name, members), "\n".join(
                "--- %s: %s" % (m, self.members[m].describe()[-1500:])
                for m in members)), check, timeout)
        return serial, time.monotonic() - first[0]
