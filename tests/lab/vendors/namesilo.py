# SPDX-License-Identifier: MIT
"""NameSilo v1: GET for all, the key in the URL, XML with HTTP 200; ids that
change whenever a zone is edited."""

import secrets
from xml.sax.saxutils import escape

from .base import Record, Vendor, reply

KEY = "1a2b3c4d5e6f7g8h9i0jklmn"


class Namesilo(Vendor):
    NAME = "namesilo"
    AUTH_WORDS = "code 110: Invalid API Key"
    TTL = 7207
    FULL_HOSTS = True           # in lists

    def options(self):
        return {"base_url": self.url + "/api", "api_key": KEY}

    def bad_options(self):
        return dict(self.options(), api_key="namesilo-wrong-key")

    def new_id(self):
        return secrets.token_hex(16)

    def is_write(self, req):
        return "/dnsAdd" in req.path or "/dnsDelete" in req.path

    def xml(self, code, detail, inner=""):
        return reply(200, "<?xml version=\"1.0\"?>\n<namesilo><request>"
                     "<operation>x</operation><ip>192.0.2.7</ip></request>"
                     "<reply><code>%d</code><detail>%s</detail>%s</reply>"
                     "</namesilo>" % (code, escape(detail), inner),
                     {"Content-Type": "text/xml"})

    def throttle(self):
        return self.xml(400, "Existing API request is still processing")

    def server_error(self):
        return self.xml(201, "Internal system error")

    def handle(self, req):
        self.check(req.method == "GET" and not req.body, "%s", req)
        if req.arg("version") != "1" or req.arg("type") != "xml":
            return self.xml(104, "No version or type")
        if req.arg("key") != KEY:
            return self.xml(110, "Invalid API Key")
        operation = req.parts()[1]
        if operation == "listDomains":
            # Ten on a page, of which this is the first, and not theirs.
            return self.xml(300, "success", "<domains>%s</domains><pager>"
                            "<total>100</total><pageSize>10</pageSize>"
                            "<page>1</page></pager>" % "".join(
                                "<domain>d%d.test</domain>" % i
                                for i in range(10)))
        zone = req.arg("domain")
        if "_" in zone:
            return self.xml(114, "Invalid Domain Syntax")
        if zone not in self.zones():
            return self.xml(200, "Domain is not active, or does not belong "
                            "to this user")
        return getattr(self, operation)(req, zone)

    def edited(self):
        """Every edit gives the records new ids."""
        for r in self.records:
            r.id = self.new_id()

    def dnsListRecords(self, req, zone):
        rows = ""
        for r in self.records:
            if r.zone != zone:
                continue
            host = r.name if self.FULL_HOSTS or r.name == zone else \
                r.name[:-len(zone) - 1]
            rows += ("<resource_record><record_id>%s</record_id><type>%s"
                     "</type><host>%s</host><value>%s</value><ttl>%d</ttl>"
                     "<distance>0</distance></resource_record>" %
                     (r.id, r.type, host, escape(r.value), r.ttl))
        return self.xml(300, "success", rows)

    def dnsAddRecord(self, req, zone):
        host = req.arg("rrhost")
        name = host + "." + zone if host else zone
        value, ttl = req.arg("rrvalue"), int(req.arg("rrttl", 7207))
        if not 3600 <= ttl <= 2592000:
            return self.xml(280, "invalid TTL")
        if any(r.value == value for r in self.find(name)):
            return self.xml(280, "could not add resource record to domain "
                            "since it already exists (duplicate)")
        self.edited()
        r = Record(name, req.arg("rrtype"), value, ttl, self.new_id(), zone)
        self.records.append(r)
        return self.xml(300, "success", "<record_id>%s</record_id>" % r.id)

    def dnsDeleteRecord(self, req, zone):
        r = self.by_id(req.arg("rrid"))
        if r is None or r.zone != zone:
            return self.xml(280, "could not delete resource record: not "
                            "found")
        self.records.remove(r)
        self.edited()
        return self.xml(300, "success")


class NamesiloShort(Namesilo):
    VARIANT = "short"
    FULL_HOSTS = False


VENDORS = [Namesilo, NamesiloShort]
