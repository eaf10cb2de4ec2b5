# SPDX-License-Identifier: MIT
"""Google Cloud DNS: a JWT for a token, whole sets, changes that apply or do
not."""

import base64
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time

from .base import Answer, Record, Vendor, is_caa, reply, unquote

EMAIL = "acmed@proj-7.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
AUDIENCE = "https://oauth2.googleapis.com/token"
# DigestInfo of SHA-256, RFC 8017 section 9.2.
PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


@functools.lru_cache(None)
def rsa_key():
    """(PEM, modulus) made once for each run."""
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA",
                          "-pkeyopt", "rsa_keygen_bits:2048"],
                         check=True, capture_output=True).stdout
    out = subprocess.run(["openssl", "rsa", "-noout", "-modulus"], input=pem,
                         check=True, capture_output=True).stdout.decode()
    return pem.decode(), int(out.strip().split("=")[1], 16)


def rs256_is_good(text, signature, modulus):
    """RSASSA-PKCS1-v1_5 by hand; e is 65537."""
    got = pow(int.from_bytes(signature, "big"), 65537, modulus)
    tail = PREFIX + hashlib.sha256(text).digest()
    size = (modulus.bit_length() + 7) // 8
    want = b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail
    return got == int.from_bytes(want, "big")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Gcloud(Vendor):
    NAME = "gcloud"
    LASTING = {"quota": (403, {"error": {"code": 403, "message": "The quota "
                         "of records for this zone is used up", "errors": [
                             {"reason": "quotaExceeded"}]}}, "is used up")}
    SEMANTICS = "rrset"
    HAS_SUBZONE = True
    HAS_PRECONDITION = True
    AUTH_WORDS = "Invalid JWT Signature."
    PENDING = 2                 # answers until a change is done

    def __init__(self):
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.pem, self.modulus = rsa_key()
        self.tokens, self.changes = [], {}

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder)

    def key_file(self, name, **change):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            json.dump(dict({
                "type": "service_account", "project_id": "proj-7",
                "private_key_id": "kid-1", "private_key": self.pem,
                "client_email": EMAIL, "token_uri": AUDIENCE}, **change), f)
        return path

    def options(self):
        return {"base_url": self.url, "token_url": self.url + "/token",
                "service_account_file": self.key_file("good.json")}

    def bad_options(self):
        # Somebody else's account with our key.
        return dict(self.options(), service_account_file=self.key_file(
            "bad.json", client_email="other@proj-7.example"))

    def secrets(self):
        return self.tokens + self.pem.split("\n")[1:-2]

    def is_write(self, req):
        return req.method == "POST" and req.path != "/token"

    def stored(self, value):
        return '"%s"' % value

    def error(self, status, reason, message):
        return reply(status, {"error": {
            "code": status, "message": message, "errors": [
                {"domain": "global", "reason": reason,
                 "message": message}]}})

    def throttle(self):
        return self.error(403, "rateLimitExceeded", "Rate Limit Exceeded")

    def clock_error(self):
        return reply(400, {"error": "invalid_grant", "error_description":
                           "Invalid JWT: Token must be a short-lived token "
                           "(60 minutes) and in a reasonable timeframe"})

    def token(self, req):
        form = req.form()
        self.check(form["grant_type"] ==
                   "urn:ietf:params:oauth:grant-type:jwt-bearer", "grant")
        head, claims, signature = form["assertion"].split(".")
        header, c = json.loads(unb64(head)), json.loads(unb64(claims))
        self.check(header == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"},
                   "header %s", header)
        self.check("=" not in form["assertion"], "padding")
        if not rs256_is_good((head + "." + claims).encode(),
                             unb64(signature), self.modulus) \
                or c["iss"] != EMAIL:
            return reply(400, {"error": "invalid_grant", "error_description":
                               "Invalid JWT Signature."})
        now = time.time()
        if c["scope"] != SCOPE or c["aud"] != AUDIENCE or \
                not now - 300 < c["iat"] < now + 300 or \
                not 0 < c["exp"] - c["iat"] <= 3600:
            return reply(400, {"error": "invalid_grant", "error_description":
                               "Invalid JWT: Token must be a short-lived "
                               "token (60 minutes)"})
        self.tokens.append("ya29.token-%d-%s" % (len(self.tokens), "x" * 900))
        return reply(200, {"access_token": self.tokens[-1],
                           "expires_in": 3599, "token_type": "Bearer"})

    def is_token(self, req):
        return self.tokens and req.headers.get("Authorization") == \
            "Bearer " + self.tokens[-1]

    def handle(self, req):
        if req.path == "/token":
            return self.token(req)
        if not self.is_token(req):
            return self.error(401, "authError", "Invalid Credentials")
        parts = req.parts()
        self.check(parts[:5] == ["dns", "v1", "projects", "proj-7",
                                 "managedZones"], "path %s", req.path)
        if len(parts) == 5:
            return self.list_zones(req)
        zone = {self.zone_name(z): z for z in self.zones()}.get(parts[5])
        if zone is None:
            return self.error(404, "notFound", "The 'parameters.managedZone'"
                              " resource named '%s' does not exist."
                              % parts[5])
        if parts[6] == "rrsets":
            return self.list_sets(req, zone)
        if req.method == "POST":
            return self.change(req, zone)
        return self.show_change(parts[7])

    def zone_name(self, zone):
        return "z-" + zone.replace(".", "-")

    def list_zones(self, req):
        want = req.arg("dnsName")
        shown = [{"name": self.zone_name(z), "dnsName": z + ".",
                  "id": "9007199254740993", "visibility": "public"}
                 for z in self.zones()]
        shown.insert(0, {"name": "inside", "dnsName": self.ZONE + ".",
                         "id": "1", "visibility": "private"})
        shown = [z for z in shown if want in (None, z["dnsName"])]
        answer = {"kind": "dns#managedZonesListResponse"}
        if req.arg("pageToken") is None:    # empty, and more behind it
            answer["nextPageToken"] = "token/2="
            shown = []
        else:
            self.check(req.arg("pageToken") == "token/2=", "pageToken")
        if shown:
            answer["managedZones"] = shown
        return reply(200, answer)

    def sets(self, zone):
        sets = {}
        for r in self.records:
            if r.zone == zone:
                s = sets.setdefault((r.name, r.type), {
                    "kind": "dns#resourceRecordSet", "name": r.name + ".",
                    "type": r.type, "ttl": r.ttl, "rrdatas": [],
                    "signatureRrdatas": []})
                s["rrdatas"].append(r.value)
        return sets

    def list_sets(self, req, zone):
        return reply(200, {
            "kind": "dns#resourceRecordSetsListResponse",
            "rrsets": [s for s in self.sets(zone).values()
                       if req.arg("name") in (None, s["name"])
                       and req.arg("type") in (None, s["type"])]})

    def change(self, req, zone):
        body = req.json()
        kept = list(self.records)
        for i, d in enumerate(body.get("deletions", [])):
            old = self.find(d["name"].rstrip("."), d["type"])
            if not old:
                self.records = kept
                return self.error(404, "notFound", "The 'entity.change."
                                  "deletions[%d]' resource named '%s (TXT)' "
                                  "does not exist." % (i, d["name"]))
            if sorted((r.value, r.ttl) for r in old) != sorted(
                    (v, d["ttl"]) for v in d["rrdatas"]):
                self.records = kept
                return self.error(412, "conditionNotMet", "Precondition not "
                                  "met for 'entity.change.deletions[%d]'" % i)
            self.records = [r for r in self.records if r not in old]
        for i, a in enumerate(body.get("additions", [])):
            name = a["name"].rstrip(".")
            values = a["rrdatas"] if a["type"] == "CAA" else [
                '"%s"' % unquote(v) for v in a["rrdatas"]]
            self.check(a["type"] != "CAA" or all(map(is_caa, values)),
                       "CAA %s", values)
            if self.find(name, a["type"]):
                self.records = kept
                return self.error(409, "alreadyExists", "The resource "
                                  "'entity.change.additions[%d]' already "
                                  "exists" % i)
            if not name.endswith("." + zone) or not values or \
                    len(set(values)) != len(values):
                self.records = kept
                return self.error(400, "invalid", "Invalid value for "
                                  "'entity.change.additions[%d]'" % i)
            self.records += [Record(name, a["type"], v, a["ttl"], None, zone)
                             for v in values]
        id = str(len(self.changes))
        self.changes[id] = self.PENDING
        return self.show_change(id)

    def show_change(self, id):
        left = self.changes[id]
        self.changes[id] = max(0, left - 1)
        return reply(200, {"kind": "dns#change", "id": id, "status":
                           "pending" if left else "done"})


class GcloudNamed(Gcloud):
    """A configured zone; somebody else writes between read and write."""
    VARIANT = "named"
    HAS_ZONES = False
    HAS_SUBZONE = False

    def __init__(self):
        super().__init__()
        self.races = 0

    def options(self):
        return dict(super().options(), zone=self.ZONE, project="proj-7",
                    managed_zone=self.zone_name(self.ZONE))

    def change(self, req, zone):
        self.races += 1
        if self.races % 3:
            return self.error(*((412, "conditionNotMet", "Precondition not "
                                 "met"), (409, "alreadyExists", "exists"))
                              [self.races % 3 - 1])
        return super().change(req, zone)


VENDORS = [Gcloud, GcloudNamed]
