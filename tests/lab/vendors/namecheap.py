# SPDX-License-Identifier: MIT
"""Namecheap: setHosts replaces a zone, and what is not sent is lost."""

from xml.sax.saxutils import quoteattr

from .base import Record, Vendor, reply

USER, KEY, IP = "user1", "0123456789abcdef0123456789abcdef", "192.0.2.7"


class Namecheap(Vendor):
    NAME = "namecheap"
    MANY_ZONES = 120            # one a page
    SEMANTICS = "zone"
    READS_BACK = True
    AUTH_WORDS = "error 1011102: API Key is invalid"
    PAGE = 2                    # domains of a list, however many are asked
    TTL = 1799

    def __init__(self):
        super().__init__()
        self.email_type = {z: "MXE" for z in self.zones()}
        for z in self.zones():
            self.put(z, z, "A", "192.0.2.1")
            self.put(z, z, "MX", "mail." + z + ".", mx="20")
            self.put(z, z, "CAA", "ca.example", flag="0", tag="issue")
            self.put(z, "_dmarc." + z, "TXT", 'v="1" & <all>')
            self.put(z, "www." + z, "URL301", "https://x.test/?a=1&b=2")

    def put(self, zone, name, type, value, mx="10", flag=None, tag=None,
            ttl=1800):
        self.records.append(Record(name, type, value, ttl, self.new_id(),
                                   zone, mx=mx, flag=flag, tag=tag))

    def put_foreign(self, name, value):
        r = super().put_foreign(name, value)
        r.mx, r.flag, r.tag = "10", None, None
        return r

    def options(self):
        return {"base_url": self.url + "/xml.response", "api_user": USER,
                "api_key": KEY, "client_ip": IP}

    def bad_options(self):
        return dict(self.options(), api_key="namecheap-wrong-key")

    def is_write(self, req):
        return req.form().get("Command", "").endswith("setHosts")

    def xml(self, status, inner):
        return reply(200, '<?xml version="1.0" encoding="utf-8"?>\n'
                     '<ApiResponse Status="%s" xmlns="http://api.namecheap'
                     '.com/xml.response">%s<Server>P</Server></ApiResponse>'
                     % (status, inner), {"Content-Type": "text/xml"})

    def error(self, number, text):
        return self.xml("ERROR", '<Errors><Error Number="%d">%s</Error>'
                        '</Errors><CommandResponse />' % (number, text))

    def ok(self, inner):
        return self.xml("OK", "<Errors /><Warnings /><CommandResponse>%s"
                        "</CommandResponse>" % inner)

    def throttle(self):
        return self.error(500000, "Too many requests")

    def server_error(self):
        return self.error(5050900, "Unknown exceptions")

    def handle(self, req):
        self.check(req.method == "POST" and not req.query, "%s %s",
                   req.method, req.target)
        form = req.form()
        if form.get("ApiKey") != KEY or form.get("ApiUser") != USER:
            return self.error(1011102, "API Key is invalid or API access "
                              "has not been enabled")
        if form.get("ClientIp") != IP or form.get("UserName") != USER:
            return self.error(1011150, "Invalid request IP")
        command = form["Command"].removeprefix("namecheap.domains.")
        if command == "getList":
            return self.get_list(form)
        zone = form["SLD"] + "." + form["TLD"]
        if zone not in self.zones():
            return self.error(2019166, "Domain name not found")
        if command == "dns.getHosts":
            return self.get_hosts(zone)
        self.check(command == "dns.setHosts", "command %s", command)
        return self.set_hosts(zone, form)

    def get_list(self, form):
        if not 10 <= int(form["PageSize"]) <= 100:
            return self.error(2010324, "PageSize must be 10 to 100")
        names = ["a1.invalid", "a2.invalid", "a3.invalid"] + self.zones()
        at = (int(form["Page"]) - 1) * self.PAGE
        return self.ok(
            "<DomainGetListResult>%s</DomainGetListResult><Paging>"
            "<TotalItems>%d</TotalItems><CurrentPage>%s</CurrentPage>"
            "<PageSize>%d</PageSize></Paging>" % ("".join(
                '<Domain ID="1" Name="%s" IsExpired="false" />' % n
                for n in names[at:at + self.PAGE]), len(names),
                form["Page"], self.PAGE))

    def get_hosts(self, zone):
        hosts = ""
        for r in self.records:
            if r.zone != zone:
                continue
            short = "@" if r.name == zone else r.name[:-len(zone) - 1]
            hosts += ('<host HostId="%s" Name="%s" Type="%s" Address=%s '
                      'MXPref="%s" TTL="%d"' % (
                          r.id, short, r.type, quoteattr(r.value), r.mx,
                          r.ttl))
            if r.tag is not None:
                hosts += ' Flag="%s" Tag="%s"' % (r.flag, r.tag)
            hosts += ' AssociatedAppTitle="" IsActive="true" />'
        return self.ok('<DomainDNSGetHostsResult Domain="%s" EmailType="%s" '
                       'IsUsingOurDNS="true">%s</DomainDNSGetHostsResult>' %
                       (zone, self.email_type[zone], hosts))

    def set_hosts(self, zone, form):
        self.check(form.get("EmailType") == self.email_type[zone],
                   "EmailType %s", form.get("EmailType"))
        new, n = [], 1
        while "HostName%d" % n in form:
            host = {k: form.get(k + str(n)) for k in (
                "HostName", "RecordType", "Address", "MXPref", "TTL", "Flag",
                "Tag")}
            short = host["HostName"]
            name = zone if short == "@" else short + "." + zone
            ttl = int(host["TTL"] or 1800)
            if not 60 <= ttl <= 60000:
                return self.error(2050900, "Invalid TTL")
            if any(r.key()[:3] == (name, host["RecordType"],
                                   host["Address"]) for r in new):
                return self.error(2050900, "Duplicate host")
            new.append(Record(name, host["RecordType"], host["Address"], ttl,
                              self.new_id(), zone, mx=host["MXPref"] or "10",
                              flag=host["Flag"], tag=host["Tag"]))
            n += 1
        old = {r.key(): (r.mx, r.flag, r.tag) for r in self.records
               if r.zone == zone}
        for r in new:
            self.check(old.get(r.key(), (r.mx, r.flag, r.tag)) ==
                       (r.mx, r.flag, r.tag), "attributes of %r", r)
        self.records = [r for r in self.records if r.zone != zone] + new
        return self.ok('<DomainDNSSetHostsResult Domain="%s" '
                       'IsSuccess="true" />' % zone)


VENDORS = [Namecheap]
