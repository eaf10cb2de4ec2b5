# SPDX-License-Identifier: MIT
"""Amazon Route 53: SigV4, XML, whole sets, batches that apply or do not."""

import datetime
import hashlib
import hmac
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from .base import Answer, Record, Vendor, encode, is_caa, reply, sorted_query

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN=="
NS = "https://route53.amazonaws.com/doc/2013-04-01/"


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Route53(Vendor):
    NAME = "route53"
    LASTING = {"cname": (400, """<?xml version="1.0"?>
<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error>
<Type>Sender</Type><Code>InvalidChangeBatch</Code><Message>[RRSet of type TXT
with DNS name x. is not permitted because a conflicting RRSet of type CNAME
with the same DNS name already exists in zone example.test.]</Message></Error>
<RequestId>1</RequestId></ErrorResponse>""", "conflicting RRSet of type")}
    SEMANTICS = "rrset"
    HAS_SUBZONE = True
    HAS_PRECONDITION = True
    AUTH_WORDS = "security token included in the request is invalid"

    def __init__(self):
        super().__init__()
        self.ids = {z: "Z0%08XQQQ" % (i * 7919 + 77)
                    for i, z in enumerate(self.zones())}
        self.changes = {}

    def options(self):
        return {"base_url": self.url, "access_key_id": KEY_ID,
                "secret_access_key": SECRET}

    def bad_options(self):
        return dict(self.options(), access_key_id="AKIAWRONGWRONGWRONG1")

    def keys_of(self, id):
        """Secret and session token of an access key."""
        return (SECRET, None) if id == KEY_ID else None

    def stored(self, value):
        return '"%s"' % value

    def xml(self, root, inner, status=200):
        return reply(status, '<?xml version="1.0"?>\n<%s xmlns="%s">%s</%s>'
                     % (root, NS, inner, root), {"Content-Type": "text/xml"})

    def error(self, status, code, message):
        return self.xml("ErrorResponse", "<Error><Type>Sender</Type><Code>%s"
                        "</Code><Message>%s</Message></Error><RequestId>b25"
                        "f48e8-84fd-11e6-80d9-574e0c4664cb</RequestId>"
                        % (code, escape(message)), status)

    def throttle(self):
        return self.error(400, "Throttling", "Rate exceeded")

    def clock_error(self):
        return self.error(403, "SignatureDoesNotMatch", "Signature expired: "
                          "20261122T000000Z is now earlier than "
                          "20261122T005500Z (20261122T010000Z - 5 min.)")

    def server_error(self):
        return self.error(503, "ServiceUnavailable", "try again")

    def authenticate(self, req):
        """As the document "Create a signed AWS API request" has it."""
        auth = req.headers.get("Authorization", "")
        scheme, _, rest = auth.partition(" ")
        f = dict(p.strip().split("=", 1) for p in rest.split(","))
        stamp = req.headers.get("X-Amz-Date", "")
        scope = "%s/us-east-1/route53/aws4_request" % stamp[:8]
        key_id, _, their_scope = f["Credential"].partition("/")
        if scheme != "AWS4-HMAC-SHA256" or their_scope != scope:
            raise Answer(*self.error(400, "IncompleteSignature", auth)[::2])
        keys = self.keys_of(key_id)
        if keys is None:
            raise Answer(*self.error(
                403, "InvalidClientTokenId", "The security token included "
                "in the request is invalid.")[::2])
        names = f["SignedHeaders"].split(";")
        self.check(names == sorted(names) and {"host", "x-amz-date"}
                   <= set(names), "signed headers %s", names)
        for h in req.headers.keys():
            if h.lower().startswith("x-amz-"):
                self.check(h.lower() in names, "%s is not signed", h)
        canonical = "\n".join([
            req.method, encode(req.path).replace("%2F", "/"),
            sorted_query(req.query),
            "".join("%s:%s\n" % (n, " ".join(req.headers[n].split()))
                    for n in names),
            ";".join(names), hashlib.sha256(req.body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(
            canonical.encode()).hexdigest()])
        key = ("AWS4" + keys[0]).encode()
        for part in scope.split("/"):
            key = digest(key, part)
        if digest(key, text).hex() != f["Signature"]:
            raise Answer(*self.error(
                403, "SignatureDoesNotMatch", "The request signature we "
                "calculated does not match")[::2])
        then = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
        now = datetime.datetime.now(datetime.timezone.utc)
        if abs((now.replace(tzinfo=None) - then).total_seconds()) > 300:
            raise Answer(*self.error(403, "RequestExpired", stamp)[::2])
        if req.headers.get("X-Amz-Security-Token") != keys[1]:
            raise Answer(*self.error(403, "InvalidClientTokenId",
                                     "token")[::2])

    def handle(self, req):
        self.authenticate(req)
        parts = req.parts()
        self.check(parts[0] == "2013-04-01", "path %s", req.path)
        if parts[1:] == ["hostedzonesbyname"]:
            return self.list_zones(req)
        if parts[1] == "change":
            return self.get_change(parts[2])
        zone = {i: z for z, i in self.ids.items()}.get(parts[2])
        if zone is None or parts[3] != "rrset":
            return self.error(404, "NoSuchHostedZone", "No hosted zone found "
                              "with ID: " + parts[2])
        if req.method == "GET":
            return self.list_sets(req, zone)
        return self.change(req, zone)

    def list_zones(self, req):
        def order(name):
            return ".".join(reversed(name.split(".")))
        first = order(req.arg("dnsname"))
        zones = [(z, i, False) for z, i in self.ids.items()]
        zones += [(self.ZONE, "ZPRIVATE1", True), ("zzz.zz", "ZZ9", False)]
        inner = "".join(
            "<HostedZone><Id>/hostedzone/%s</Id><Name>%s.</Name>"
            "<CallerReference>x</CallerReference><Config><PrivateZone>%s"
            "</PrivateZone></Config></HostedZone>"
            % (i, z, str(private).lower()) for z, i, private in
            sorted(zones, key=lambda x: order(x[0])) if order(z) >= first)
        return self.xml("ListHostedZonesByNameResponse", "<HostedZones>%s"
                        "</HostedZones><IsTruncated>false</IsTruncated>"
                        "<MaxItems>100</MaxItems>" % inner)

    def list_sets(self, req, zone):
        def order(name):
            return list(reversed(name.split(".")))
        start = (order(req.arg("name").rstrip(".")), req.arg("type"))
        sets = {}
        for r in self.records:
            if r.zone == zone and (order(r.name), r.type) >= start:
                sets.setdefault((r.name, r.type, r.ttl), []).append(r.value)
        shown = sorted(sets.items(),
                       key=lambda s: (order(s[0][0]), s[0][1]))
        inner = "".join(
            "<ResourceRecordSet><Name>%s.</Name><Type>%s</Type><TTL>%d</TTL>"
            "<ResourceRecords>%s</ResourceRecords></ResourceRecordSet>"
            % (n, t, ttl, "".join("<ResourceRecord><Value>%s</Value>"
                                  "</ResourceRecord>" % escape(v)
                                  for v in values))
            for (n, t, ttl), values in shown[:int(req.arg("maxitems"))])
        return self.xml("ListResourceRecordSetsResponse",
                        "<ResourceRecordSets>%s</ResourceRecordSets>"
                        "<IsTruncated>false</IsTruncated>" % inner)

    def change(self, req, zone):
        root = ET.fromstring(req.body)
        self.check(root.tag == "{%s}ChangeResourceRecordSetsRequest" % NS,
                   "root %s", root.tag)
        kept, wrong = list(self.records), []
        for c in root.iter("{%s}Change" % NS):
            wrong += self.apply(c, zone)
        if wrong:
            self.records = kept
            return self.xml("InvalidChangeBatch", "<Messages>%s</Messages>"
                            "<RequestId>1</RequestId>" % "".join(
                                "<Message>%s</Message>" % escape(w)
                                for w in wrong), 400)
        id = "C%d" % len(self.changes)
        self.changes[id] = 2
        return self.xml("ChangeResourceRecordSetsResponse",
                        self.change_info(id))

    def apply(self, c, zone):
        def text(name):
            return c.find(".//{%s}%s" % (NS, name)).text
        action, name = text("Action"), text("Name").rstrip(".")
        kind, ttl = text("Type"), int(text("TTL"))
        values = [v.text for v in c.iter("{%s}Value" % NS)]
        what = "[name='%s.', type='%s']" % (name, kind)
        if not name.endswith("." + zone):
            return ["RRSet with DNS name %s. is not permitted in zone %s."
                    % (name, zone)]
        if not all(is_caa(v) if kind == "CAA" else
                   v.startswith('"') and v.endswith('"') for v in values):
            return ["Invalid Resource Record: InvalidCharacterString"]
        if len(set(values)) != len(values) or not values:
            return ["Duplicate or no Resource Record"]
        old = self.find(name, kind)
        self.check(action in ("CREATE", "DELETE"), "action %s", action)
        if action == "CREATE":
            if old:
                return ["Tried to create resource record set %s but it "
                        "already exists" % what]
            self.records += [Record(name, kind, v, ttl, None, zone)
                             for v in values]
            return []
        if not old:
            return ["Tried to delete resource record set %s but it was not "
                    "found" % what]
        if sorted((r.value, r.ttl) for r in old) != sorted(
                (v, ttl) for v in values):
            return ["Tried to delete resource record set %s but the values "
                    "provided do not match the current values" % what]
        self.records = [r for r in self.records if r not in old]
        return []

    def change_info(self, id):
        status = "PENDING" if self.changes[id] > 0 else "INSYNC"
        return ("<ChangeInfo><Id>/change/%s</Id><Status>%s</Status>"
                "<SubmittedAt>2026-11-22T00:00:00Z</SubmittedAt>"
                "</ChangeInfo>" % (id, status))

    def get_change(self, id):
        if id not in self.changes:
            return self.error(404, "NoSuchChange", id)
        self.changes[id] -= 1
        return self.xml("GetChangeResponse", self.change_info(id))


class Route53Temporary(Route53):
    """Temporary credentials, a configured zone, somebody else who writes
    between each read and write."""
    VARIANT = "temporary"
    HAS_ZONES = False
    HAS_SUBZONE = False

    def __init__(self):
        super().__init__()
        self.races = 0

    def options(self):
        return dict(super().options(), session_token=TOKEN,
                    zone=self.ZONE, hosted_zone_id="/hostedzone/"
                    + self.ids[self.ZONE])

    def bad_options(self):
        return dict(self.options(), access_key_id="AKIAWRONGWRONGWRONG1")

    def keys_of(self, id):
        return (SECRET, TOKEN) if id == KEY_ID else None

    def change(self, req, zone):
        self.races += 1
        if self.races % 2:
            return self.error(400, "PriorRequestNotComplete", "The request "
                              "was rejected because Route 53 was still "
                              "processing a prior request.")
        return super().change(req, zone)


VENDORS = [Route53, Route53Temporary]
