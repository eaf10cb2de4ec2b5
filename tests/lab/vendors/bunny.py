# SPDX-License-Identifier: MIT
"""bunny.net DNS: Pascal case, PUT creates, duplicates are accepted."""

from .base import Record, Vendor, reply

KEY = "c3a1f9d2-bunny-4711-access-key-99"
TXT = 3


class Bunny(Vendor):
    NAME = "bunny"
    HAS_SUBZONE = True
    AUTH_WORDS = "Authorization has been denied for this request."
    PAGE = 1

    def options(self):
        return {"base_url": self.url, "api_key": KEY}

    def bad_options(self):
        return dict(self.options(), api_key="c3a1f9d2-wrong-key")

    def new_id(self):
        return int(super().new_id())

    def zone_ids(self):
        return {71 + i: z for i, z in enumerate(self.zones())}

    def handle(self, req):
        if req.headers.get("AccessKey") != KEY:
            return reply(401, {"Message": self.AUTH_WORDS})
        parts = req.parts()
        self.check(parts[0] == "dnszone", "path %s", req.path)
        if len(parts) == 1:
            return self.list(req)
        zone = self.zone_ids().get(int(parts[1]))
        if zone is None:
            return self.error(404, "dnszone.zone.not_found", "No such zone")
        if len(parts) == 2 and req.method == "GET":
            return reply(200, {"Id": int(parts[1]), "Domain": zone,
                               "Records": [self.show(r) for r in self.records
                                           if r.zone == zone]})
        if len(parts) == 3 and req.method == "PUT":
            return self.create(req, zone)
        if len(parts) == 4 and req.method == "DELETE":
            r = self.by_id(parts[3])
            if r is None or r.zone != zone:
                return self.error(404, "dnszone.record.not_found",
                                  "The requested record was not found.")
            self.records.remove(r)
            return reply(204)
        return reply(405, {"Message": "no such method"})

    def list(self, req):
        """The search is a substring's; pages are small here."""
        self.check(5 <= int(req.arg("perPage")) <= 1000, "perPage")
        found = [(i, z) for i, z in self.zone_ids().items()
                 if req.arg("search") in z]
        at = (int(req.arg("page")) - 1) * self.PAGE
        return reply(200, {
            "Items": [{"Id": i, "Domain": z} for i, z in
                      found[::-1][at:at + self.PAGE]],
            "CurrentPage": int(req.arg("page")), "TotalItems": len(found),
            "HasMoreItems": at + self.PAGE < len(found)})

    def create(self, req, zone):
        body = req.json()
        if body["Type"] != TXT or not 15 <= body["Ttl"] <= 86400:
            return self.error(400, "validation_error", "Invalid TTL")
        name = body["Name"] + "." + zone if body["Name"] else zone
        r = Record(name, "TXT", body["Value"], body["Ttl"], self.new_id(),
                   zone)
        self.records.append(r)
        return reply(201, self.show(r))

    def show(self, r):
        return {"Id": r.id, "Type": TXT if r.type == "TXT" else 0,
                "Name": r.name[:-len(r.zone)].rstrip("."), "Value": r.value,
                "Ttl": r.ttl}

    def error(self, status, key, message):
        return reply(status, {"ErrorKey": key, "Field": "x",
                              "Message": message})


VENDORS = [Bunny]
