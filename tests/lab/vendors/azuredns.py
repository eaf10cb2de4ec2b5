# SPDX-License-Identifier: MIT
"""Azure DNS: client credentials for a token, whole sets, ETags, zones listed
page by page."""

from .base import Record, Vendor, reply

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SECRET = "abc8Q~secret+with/odd=characters&more"
SUBSCRIPTION = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
GROUP = "dns (prod)"
SCOPE = "https://management.azure.com/.default"


class Azuredns(Vendor):
    NAME = "azuredns"
    kind = "TXT"                # of the request
    MANY_ZONES = 120            # one a page
    SEMANTICS = "rrset"
    HAS_SUBZONE = True
    HAS_PRECONDITION = True
    AUTH_WORDS = "AADSTS7000215"
    LASTING = {
        "lock": (409, {"error": {"code": "ScopeLocked", "message":
                 "The scope '/x' cannot perform write operation because "
                 "following scope(s) are locked: '/x'. Please remove the "
                 "lock and try again."}}, "remove the lock"),
        "cname": (409, {"code": "Conflict", "message": "The record could not "
                  "be created because a CNAME record with the same name "
                  "already exists in this zone."}, "because a CNAME record")}

    def __init__(self):
        super().__init__()
        self.tokens, self.etags, self.metadata = [], {}, {}

    def options(self):
        return {"base_url": self.url, "authority_host": self.url + "/login/",
                "tenant_id": TENANT, "client_id": CLIENT,
                "client_secret": SECRET, "subscription_id": SUBSCRIPTION}

    def bad_options(self):
        return dict(self.options(), client_secret="wrong8Q~secret")

    def secrets(self):
        return super().secrets() + self.tokens

    def is_write(self, req):
        return req.method in ("PUT", "DELETE")

    def throttle(self):
        return self.error(429, "TooManyRequests", "The request was throttled",
                          {"Retry-After": "0"})

    def throttle_long(self):
        return self.error(429, "TooManyRequests", "The request was throttled",
                          {"Retry-After": "120"})

    def error(self, status, code, words, headers=None):
        return reply(status, {"error": {"code": code, "message": words}},
                     headers)

    def token(self, req):
        self.check(req.parts() == ["login", TENANT, "oauth2", "v2.0",
                                   "token"], "path %s", req.path)
        self.check(req.raw_query == "", "query %s", req.raw_query)
        form = req.form()
        if form.get("client_secret") != SECRET or \
                form.get("client_id") != CLIENT:
            return reply(401, {
                "error": "invalid_client", "error_description":
                "AADSTS7000215: Invalid client secret provided. Trace ID: 1",
                "error_codes": [7000215]})
        if form != {"grant_type": "client_credentials", "scope": SCOPE,
                    "client_id": CLIENT, "client_secret": SECRET}:
            return reply(400, {"error": "invalid_request",
                               "error_description": "AADSTS900144"})
        self.tokens.append("eyJ0eXAi.%d.%s" % (len(self.tokens), "y" * 1500))
        return reply(200, {"token_type": "Bearer", "expires_in": 3599,
                           "ext_expires_in": 3599,
                           "access_token": self.tokens[-1]})

    def zone_id(self, zone):
        return ("/subscriptions/%s/resourceGroups/%s/providers/"
                "Microsoft.Network/dnszones/%s" % (SUBSCRIPTION, GROUP, zone))

    def is_token(self, req):
        return self.tokens and req.headers.get("Authorization") == \
            "Bearer " + self.tokens[-1]

    def find(self, name, type=None):
        return super().find(name, type or self.kind)

    def handle(self, req):
        if req.path.startswith("/login"):
            return self.token(req)
        if not self.is_token(req):
            return self.error(401, "InvalidAuthenticationToken",
                              "The access token is invalid.")
        if req.arg("api-version") != "2018-05-01":
            return self.error(400, "MissingApiVersionParameter", "missing")
        parts = [p.lower() for p in req.parts()]
        self.check(parts[:2] == ["subscriptions", SUBSCRIPTION], "path %s",
                   req.path)
        if parts[2:] == ["providers", "microsoft.network", "dnszones"]:
            return self.list_zones(req)
        if parts[2:4] != ["resourcegroups", GROUP]:
            return self.error(404, "ResourceGroupNotFound", "Resource group "
                              "'%s' could not be found." % parts[3])
        self.check(parts[4:7] == ["providers", "microsoft.network",
                                  "dnszones"], "path %s", req.path)
        zone = parts[7]
        if len(parts) == 8:
            if zone not in self.zones():
                return self.error(404, "ResourceNotFound", "The Resource "
                                  "'%s' was not found." % zone)
            return reply(200, self.show_zone(zone))
        if zone not in self.zones():
            return self.error(404, "ParentResourceNotFound", "no such zone")
        self.check(parts[8] in ("txt", "caa"), "path %s", req.path)
        self.kind = parts[8].upper()
        name = zone if parts[9] == "@" else parts[9] + "." + zone
        return getattr(self, "set_" + req.method.lower())(req, zone, name)

    def show_zone(self, zone):
        return {"id": self.zone_id(zone), "name": zone, "etag": "0",
                "type": "Microsoft.Network/dnszones",
                "properties": {"zoneType": "Public"}}

    def list_zones(self, req):
        at = int(req.arg("$skipToken", "=0&")[1:-1])
        answer = {"value": [self.show_zone(z) for z in self.zones()[at:][:1]]}
        if at + 1 < len(self.zones()):
            answer["nextLink"] = (
                "https://elsewhere.invalid%s?api-version=2018-05-01&"
                "$skipToken=%%3D%d%%26" % (req.path, at + 1))
        return reply(200, answer)

    def etag(self, name):
        """Changes with the content, also when others change it."""
        state = tuple(sorted(r.key() for r in self.find(name)))
        if self.etags.get(name, (None,))[0] != state:
            self.serial += 1
            self.etags[name] = (state, "etag-%d" % self.serial)
        return self.etags[name][1]

    def show(self, name, zone):
        rows = self.find(name)
        if self.kind == "CAA":
            return {"id": self.zone_id(zone) + "/CAA/x", "name": name,
                    "etag": self.etag(name), "properties": {
                        "metadata": {"owner": "ops"}, "TTL": rows[0].ttl,
                        "caaRecords": [dict(zip(
                            ("flags", "tag", "value"),
                            (int(r.value.split()[0]), r.value.split()[1],
                             r.value.split(" ", 2)[2].strip('"'))))
                            for r in rows]}}
        return {"id": self.zone_id(zone) + "/TXT/x", "name": name,
                "etag": self.etag(name),
                "type": "Microsoft.Network/dnszones/TXT", "properties": {
                    "metadata": {"owner": "ops"}, "fqdn": name + ".",
                    "TTL": rows[0].ttl, "provisioningState": "Succeeded",
                    "TXTRecords": [{"value": [r.value[:20], r.value[20:]]
                                    if len(r.value) > 20 else [r.value]}
                                   for r in rows]}}

    def set_get(self, req, zone, name):
        if not self.find(name):
            return self.error(404, "NotFound", "The resource record '%s' does "
                              "not exist in resource group" % name)
        return reply(200, self.show(name, zone))

    def precondition(self, req, name):
        """What does not hold, or None."""
        old = self.find(name)
        match = req.headers.get("If-Match")
        none = req.headers.get("If-None-Match")
        self.check((match is None) != (none is None), "no precondition")
        if (none == "*" and old) or (match is not None and (
                not old or match != self.etag(name))):
            return self.error(412, "PreconditionFailed",
                              "The condition was not met")
        return None

    def set_put(self, req, zone, name):
        wrong = self.precondition(req, name)
        if wrong:
            return wrong
        old, p = self.find(name), req.json()["properties"]
        if old:
            self.check(p.get("metadata") == {"owner": "ops"}, "metadata")
        if self.kind == "CAA":
            self.records = [r for r in self.records if r not in old] + [
                Record(name, "CAA", '%d %s "%s"' % (
                    r["flags"], r["tag"], r["value"]), p["TTL"], None, zone)
                for r in p["caaRecords"]]
            return reply(200, self.show(name, zone))
        values = ["".join(t["value"]) for t in p["TXTRecords"]]
        if not values or len(set(values)) != len(values) or p["TTL"] < 1 or \
                any(len(s) > 255 for t in p["TXTRecords"]
                    for s in t["value"]):
            return self.error(400, "BadRequest", "invalid set")
        self.check(not any('"' in v for v in values), "quotes are stored")
        self.records = [r for r in self.records if r not in old]
        self.records += [Record(name, "TXT", v, p["TTL"], None, zone)
                         for v in values]
        return reply(200 if old else 201, self.show(name, zone))

    def set_delete(self, req, zone, name):
        if not self.find(name):
            return reply(204)
        wrong = self.precondition(req, name)
        if wrong:
            return wrong
        self.records = [r for r in self.records
                        if (r.name, r.type) != (name, self.kind)]
        return reply(200)


class AzurednsGroup(Azuredns):
    """A configured group; somebody else writes between read and write."""
    VARIANT = "group"

    def __init__(self):
        super().__init__()
        self.races = 0

    def options(self):
        return dict(super().options(), resource_group=GROUP)

    def precondition(self, req, name):
        wrong = super().precondition(req, name)
        self.races += 1
        if self.races % 3 == 1:
            return self.error(412, "PreconditionFailed", "not met")
        if self.races % 3 == 2:
            return self.error(409, "AnotherOperationInProgress", "busy")
        return wrong


VENDORS = [Azuredns, AzurednsGroup]
