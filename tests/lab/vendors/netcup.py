# SPDX-License-Identifier: MIT
"""netcup CCP: sessions, a list of changes, ids that change with each."""

import secrets

from .base import Answer, Record, Vendor, reply

NUMBER, KEY, PASSWORD = "123456", "netcupApiKey0123456789", "netcupPass9876543"
ENDPOINT = "/run/webservice/servers/endpoint.php"


class Netcup(Vendor):
    NAME = "netcup"
    HAS_SUBZONE = True
    AUTH_WORDS = "The login to the API failed"
    WORDS = {4001: "The session id is not in a valid format.",
             4010: AUTH_WORDS + ". The API key or password is wrong.",
             4013: "Validation Error. More than 180 requests per minute.",
             5028: "Domain not found. The domain is not in this account.",
             5029: "Can not get DNS records for zone. DNS records not found."}

    def __init__(self):
        super().__init__()
        self.sessions = {}

    def options(self):
        return {"base_url": self.url + ENDPOINT, "customer_number": NUMBER,
                "api_key": KEY, "api_password": PASSWORD}

    def bad_options(self):
        return dict(self.options(), api_password="netcupWrongPass")

    def is_write(self, req):
        return (req.json() or {}).get("action") == "updateDnsRecords"

    def message(self, code, data=""):
        ok = code == 2000
        return reply(200, {
            "serverrequestid": "x", "clientrequestid": "", "action": "a",
            "status": "success" if ok else "error", "statuscode": code,
            "shortmessage": "ok" if ok else "no",
            "longmessage": "" if ok else self.WORDS[code],
            "responsedata": data})

    def throttle(self):
        return self.message(4013)

    def fail_with(self, code):
        raise Answer(200, self.message(code)[2])

    def handle(self, req):
        self.check(req.method == "POST" and req.target == ENDPOINT + "?JSON",
                   "%s %s", req.method, req.target)
        body = req.json()
        param = body["param"]
        if body["action"] == "login":
            if param != {"customernumber": NUMBER, "apikey": KEY,
                         "apipassword": PASSWORD}:
                self.fail_with(4010)
            session = secrets.token_urlsafe(24)
            self.sessions[session] = 5      # calls; really 15 minutes
            return self.message(2000, {"apisessionid": session})
        self.check(param["customernumber"] == NUMBER, "customernumber")
        left = self.sessions.get(param["apisessionid"], 0)
        if left == 0 or param["apikey"] != KEY:
            self.fail_with(4001)
        self.sessions[param["apisessionid"]] -= 1
        zone = param["domainname"]
        if "_" in zone or "." not in zone:
            raise Answer(200, dict(
                status="error", statuscode=4013,
                shortmessage="Validation Error.", longmessage="Value in "
                "field domainname does not match requirements of type: "
                "domainname. ", action="", responsedata=""))
        if zone not in self.zones():
            self.fail_with(5028)
        if body["action"] == "updateDnsRecords":
            self.update(zone, param["dnsrecordset"]["dnsrecords"])
        else:
            self.check(body["action"] == "infoDnsRecords", "%r", body)
        found = [self.show(r) for r in self.records if r.zone == zone]
        if not found and body["action"] == "infoDnsRecords":
            self.fail_with(5029)
        return self.message(2000, {"dnsrecords": found})

    def show(self, r):
        return {"id": r.id, "hostname": r.name[:-len(r.zone)].rstrip(".")
                or "@", "type": r.type, "priority": "0",
                "destination": r.value, "deleterecord": False,
                "state": "yes"}

    def update(self, zone, changes):
        for change in changes:
            if change["id"] == "":
                host = change["hostname"]
                self.check(change["deleterecord"] is False, "%r", change)
                self.records.append(Record(
                    zone if host == "@" else host + "." + zone,
                    change["type"], change["destination"], self.TTL,
                    zone=zone))
                continue
            r = self.by_id(change["id"])
            self.check(change["deleterecord"] is True, "%r", change)
            if self.check(r is not None and r.zone == zone and
                          dict(self.show(r), deleterecord=True) == dict(
                              change, hostname=change["hostname"].lower()),
                          "not as it is: %r", change):
                self.records.remove(r)
        for r in self.records:
            r.id = self.new_id()


VENDORS = [Netcup]
