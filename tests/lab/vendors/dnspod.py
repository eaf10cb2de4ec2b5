# SPDX-License-Identifier: MIT
"""DNSPod's old API: forms, a login token, HTTP 200 for everything, codes in
strings, TTL below 600 refused, an empty list with code 10 or without."""

from .base import Answer, Record, Vendor, reply

TOKEN = "13490,6b5976c68aba5b14a0558b77c17c3932"


class Dnspod(Vendor):
    NAME = "dnspod"
    HAS_SUBZONE = True
    AUTH_WORDS = "Login failed"
    LISTS_LAG = True
    PAGE = 2
    LEAST_TTL = 600
    EMPTY_IS_ERROR = False

    def options(self):
        return {"base_url": self.url, "login_token": TOKEN}

    def bad_options(self):
        return dict(self.options(), login_token="13490,not-the-token")

    def is_write(self, req):
        return req.path in ("/Record.Create", "/Record.Remove")

    def status(self, code, message, **more):
        return reply(200, dict(more, status={
            "code": str(code), "message": message,
            "created_at": "2026-11-22 00:00:00"}))

    def fail_with(self, code, message):
        _, headers, body = self.status(code, message)
        raise Answer(200, body, headers)

    def throttle(self):
        return self.status(-2, "API usage is limited")

    def handle(self, req):
        form = req.form()
        if form.get("login_token") != TOKEN:
            return self.status(-1, "Login failed")
        self.check(req.method == "POST" and not req.raw_query, "%r", req)
        self.check(form["format"] == "json" and form["lang"] == "en"
                   and form["error_on_empty"] == "no", "common fields")
        call = getattr(self, "do_" + req.path[1:].replace(".", "_"), None)
        if call is None:
            return reply(404, "not found")
        return self.status(1, "Action completed successful", **call(form))

    def zone_id(self, zone):
        return str(2238269 + self.zones().index(zone))

    def do_Domain_Info(self, form):
        zone = form["domain"]
        if "." not in zone:
            self.fail_with(6, "Domain name invalid")
        if zone not in self.zones():
            self.fail_with(13, "Domain is not under this account")
        return {"domain": {"id": self.zone_id(zone), "name": zone,
                           "status": "enable"}}

    def zone(self, form):
        for z in self.zones():
            if self.zone_id(z) == form["domain_id"]:
                return z
        return self.fail_with(6, "Domain id invalid")

    def sub(self, r):
        return "@" if r.name == r.zone else r.name[:-len(r.zone) - 1]

    def do_Record_List(self, form):
        zone = self.zone(form)
        found = [r for r in self.listed() if r.zone == zone
                 and form.get("sub_domain") in (None, self.sub(r))
                 and form.get("record_type") in (None, r.type)]
        at = int(form.get("offset", 0))
        part = found[at:at + min(int(form["length"]), self.PAGE)]
        if not found and self.EMPTY_IS_ERROR:
            self.fail_with(10, "No records")
        return {"info": {"record_total": str(len(found)),
                         "records_num": str(len(part))},
                "records": [{"id": r.id, "name": self.sub(r),
                             "type": r.type, "value": r.value,
                             "ttl": str(r.ttl), "line": "默认",
                             "line_id": "0", "enabled": "1"} for r in part]}

    def do_Record_Create(self, form):
        zone = self.zone(form)
        sub = form["sub_domain"]
        name = zone if sub == "@" else sub + "." + zone
        self.check(form.get("record_line_id") == "0", "line")
        if int(form["ttl"]) < self.LEAST_TTL:
            self.fail_with(32, "TTL out of range")
        if any(r.value == form["value"]
               for r in self.find(name, form["record_type"])):
            self.fail_with(104, "Record already exists")
        r = Record(name, form["record_type"], form["value"],
                   int(form["ttl"]), self.new_id(), zone)
        self.records.append(r)
        return {"record": {"id": r.id, "name": sub, "status": "enabled"}}

    def do_Record_Remove(self, form):
        zone = self.zone(form)
        r = self.by_id(form["record_id"])
        if r is None or r.zone != zone:
            self.fail_with(8, "Record id invalid")
        self.records.remove(r)
        return {}


class DnspodEmpty(Dnspod):
    """As before error_on_empty, and a TTL that only paid plans allow."""

    VARIANT = "empty"
    EMPTY_IS_ERROR = True

    def options(self):
        return dict(super().options(), ttl=120)


VENDORS = [Dnspod, DnspodEmpty]
