# SPDX-License-Identifier: MIT
"""netcup CCP: sessions, a list of changes, ids that change with each.

CloudDNS: the answers are those of aellwein/netcup-dns-api, pkg/rest/v1, whose
tests have run against the vendor's own servers."""

import re
import secrets

from .base import Answer, Record, Vendor, reply

NUMBER, KEY, PASSWORD = "123456", "netcupApiKey0123456789", "netcupPass9876543"
ENDPOINT = "/run/webservice/servers/endpoint.php"


class Netcup(Vendor):
    NAME = "netcup"
    REWRITES = True             # the whole record
    HAS_SUBZONE = True
    AUTH_WORDS = "The login to the API failed"
    WORDS = {4001: "The session id is not in a valid format.",
             4010: AUTH_WORDS + ". The API key or password is wrong.",
             4013: "Validation Error. More than 180 requests per minute.",
             5028: "Domain not found. The domain is not in this account.",
             5029: "Can not get DNS records for zone. DNS records not found.",
             5031: "Can not get DNS records for zone.  Domain not found."}

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
            self.fail_with(5031 if body["action"] == "infoDnsZone" else 5028)
        if body["action"] == "infoDnsZone":
            return self.message(2000, {
                "name": zone, "ttl": "86400", "serial": "2026112901",
                "refresh": "28800", "retry": "7200", "expire": "1209600",
                "dnssecstatus": False})
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


class NetcupCloud(Vendor):
    NAME = "netcup"
    VARIANT = "cloud"
    HAS_SUBZONE = True
    STANDING = False
    AUTH_WORDS = "Authentication token is not valid or has expired"
    CLOUD_KEY = "netcupCloudKey-" + "k0" * 24 + "z"
    LOOKS = 2                   # until a challenge is deployed

    def options(self):
        return {"base_url": self.url + "/v1", "api_key": self.CLOUD_KEY}

    def bad_options(self):
        return dict(self.options(), api_key="wrongCloudKey000" * 4)

    def envelope(self, status, result, *error):
        return reply(status, {
            "success": not error, "messages": [], "meta": None,
            "errors": [dict(zip(("code", "message"), error))]
            if error else [], "result": result})

    def refuse(self, status, code, message):
        raise Answer(status, self.envelope(status, None, code, message)[2])

    def throttle(self):
        return self.envelope(429, None, "tooManyRequests", "Slow down.")

    def server_error(self):
        return self.envelope(500, None, "serverError", "Out of order.")

    def domain_id(self, zone):
        return 1047093 + self.zones().index(zone)

    def handle(self, req):
        if req.headers.get("Authorization") != "Bearer " + self.CLOUD_KEY:
            self.refuse(400, "authenticationError", self.AUTH_WORDS + ".")
        parts = req.parts()
        self.check(parts[0] == "v1", "%s", req.target)
        if parts[1:] == ["domain"] and req.method == "GET":
            return self.domain(req)
        self.check(parts[1] == "domain" and
                   parts[3:5] == ["acme", "challenge"] and
                   not req.raw_query, "%s", req.target)
        zone = [z for z in self.zones()
                if str(self.domain_id(z)) == parts[2]][0]
        if req.method == "POST":
            self.check(len(parts) == 5, "%s", req.target)
            body = req.json()
            self.check(set(body) == {"scope", "value"}, "%r", body)
            return self.add(zone, body["scope"], body["value"])
        self.check(len(parts) == 7 and not req.body, "%r", req)
        return self.one(req.method, zone, parts[5], parts[6])

    def domain(self, req):
        self.check([k for k, _ in req.query] == ["fqdn"], "%s", req.target)
        name = req.arg("fqdn")
        if "_" in name:
            self.refuse(400, "validationError",
                        "Domain name is not a valid domain name.")
        if name not in self.zones():
            self.refuse(404, "resourceDoesNotExist", "No results found, "
                        "the page number may be too high.")
        return self.envelope(200, [{
            "id": self.domain_id(name), "fqdn": name,
            "isDnsManaged": True}])

    def name(self, zone, scope):
        self.check(scope == "@" or re.fullmatch(
            r"[a-z0-9-]+(\.[a-z0-9-]+)*", scope), "scope %r", scope)
        return "_acme-challenge." + ("" if scope == "@"
                                     else scope + ".") + zone

    def challenge(self, name, value):
        found = [r for r in self.find(name) if r.value == value]
        return found[0] if found else None

    def show(self, r):
        host = r.name[len("_acme-challenge."):-len(r.zone)].rstrip(".")
        looks = getattr(r, "looks", 0)
        return [{"scope": host or "@", "fqdn": r.name, "value": r.value,
                 "status": "pending" if looks else "deployed"}]

    def add(self, zone, scope, value):
        if not re.fullmatch(r"[\w-]{43}", value):
            self.refuse(400, "validationError", "The value is no digest.")
        name = self.name(zone, scope)
        r = self.challenge(name, value)
        if r is not None:
            return self.envelope(200, self.show(r))
        r = Record(name, "TXT", value, self.TTL, zone=zone,
                   looks=self.LOOKS)
        self.records.append(r)
        return self.envelope(201, self.show(r))

    def one(self, method, zone, scope, value):
        r = self.challenge(self.name(zone, scope), value)
        if r is None:
            self.refuse(404, "resourceDoesNotExist", "No result was found.")
        if method == "DELETE":
            self.records.remove(r)
            return reply(204)
        self.check(method == "GET", "%s", method)
        shown = self.show(r)
        if getattr(r, "looks", 0):
            r.looks -= 1
        return self.envelope(200, shown)


VENDORS = [Netcup, NetcupCloud]
