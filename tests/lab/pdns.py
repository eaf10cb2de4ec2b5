# SPDX-License-Identifier: MIT
"""PowerDNS, a real one, with its HTTP API."""

import json
import os
import re
import shutil
import sqlite3
import urllib.error
import urllib.request

from . import names, proc

KEY = "laboratory-api-key"
SCHEMA = "usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
NEW = (4, 9, 12)        # from here on it knows EXTEND and PRUNE


def version(program):
    text = proc.run([program, "--version"], check=False).stdout
    found = re.search(r"Authoritative Server (\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else None


def servers():
    """{"old" or "new": (program, schema, version)}: what there is: Debian's
    package, and what pdns.sh has put into the cache."""
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join(
        os.environ.get("HOME") or "/root", ".cache"), "acmed-lab")
    found = {}
    for program, root in (
            (shutil.which("pdns_server", path=os.environ.get("PATH", "")
                          + ":/usr/sbin"), "/"),
            (os.path.join(cache, "pdns-trixie", "bin", "pdns_server"),
             os.path.join(cache, "pdns-trixie"))):
        schema = os.path.join(root, SCHEMA)
        if program and os.path.exists(program) and os.path.exists(schema):
            v = version(program)
            if v:
                found.setdefault("new" if v >= NEW else "old",
                                 (program, schema, v))
    return found


class PowerDns(names.Server):
    """A primary at an address of its own, the API at port 8081 there.

    Its zones have the name server ns1.ZONE of the first of them; what is
    below another is delegated there.
    """

    def __init__(self, folder, address, program, schema, zones):
        self.address = address
        self.url = "http://%s:8081" % address
        os.makedirs(folder, exist_ok=True)
        db = os.path.join(folder, "db")
        if os.path.exists(db):
            os.unlink(db)
        with open(schema) as f, sqlite3.connect(db) as conn:
            conn.executescript(f.read())
        with open(os.path.join(folder, "pdns.conf"), "w") as f:
            f.write("\n".join([
                "launch=gsqlite3", "gsqlite3-database=" + db,
                "gsqlite3-pragma-synchronous=0", "local-address=" + address,
                "socket-dir=" + folder, "api=yes", "api-key=" + KEY,
                "webserver=yes", "webserver-address=" + address,
                "webserver-port=8081", "webserver-allow-from=127.0.0.0/8",
                "primary=yes", "allow-axfr-ips=127.0.0.0/8", "only-notify=",
                "cache-ttl=0", "query-cache-ttl=0", "negquery-cache-ttl=0",
                "zone-cache-refresh-interval=0", "security-poll-suffix=",
                "default-soa-content=ns1.@ hostmaster.@ 0 3600 600 86400 1",
                ""]))
        self.proc = proc.Proc([program, "--config-dir=" + folder,
                               "--daemon=no", "--guardian=no"],
                              os.path.join(folder, "pdns.log"))
        self.proc.ready(self.answers)
        ns = "ns1.%s." % zones[0]
        for zone in zones:
            self.call("POST", "", {"name": zone + ".", "kind": "Master",
                                   "soa_edit_api": "INCREASE",
                                   "nameservers": [ns]})
            parent = zone.split(".", 1)[1]
            if parent in zones:
                self.put(parent, zone, [ns], "NS")
        self.put(zones[0], ns.rstrip("."), [address], "A")

    def answers(self):
        try:
            return self.call("GET", "") is not None
        except OSError:
            return False

    def call(self, method, path, body=None):
        """The reply to a request below .../zones, None if there is none."""
        request = urllib.request.Request(
            self.url + "/api/v1/servers/localhost/zones" + path,
            json.dumps(body).encode() if body is not None else None,
            {"X-API-Key": KEY, "Content-Type": "application/json"},
            method=method)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as r:
                data = r.read()
        except urllib.error.HTTPError as e:
            raise proc.LabError("PowerDNS: %d %s" % (
                e.code, e.read().decode())) from None
        return json.loads(data) if data else None

    def put(self, zone, name, contents, kind="TXT", ttl=60, change=None):
        """Replace a set; no contents: delete it."""
        self.call("PATCH", "/%s." % zone, {"rrsets": [{
            "name": name + ".", "type": kind, "ttl": ttl, "changetype":
            change or ("REPLACE" if contents else "DELETE"),
            "records": [{"content": c, "disabled": False}
                        for c in contents]}]})

    def sets(self, zone):
        """{name: contents} of the TXT sets."""
        return {r["name"].rstrip("."): sorted(x["content"]
                                              for x in r["records"])
                for r in self.call("GET", "/%s." % zone)["rrsets"]
                if r["type"] == "TXT"}

    def options(self):
        return {"type": "pdns", "base_url": self.url, "api_key": KEY}
