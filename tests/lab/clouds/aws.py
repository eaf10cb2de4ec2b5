# SPDX-License-Identifier: MIT
"""Amazon: ACM (JSON 1.1), signed as in vendors/route53.py.  What takes its
certificates is in aws_edge.py."""

import base64
import calendar
import hashlib
import hmac
import re

from ..vendors.base import Answer, reply, sorted_query
from ..vendors.route53 import KEY_ID, SECRET, Route53, digest
from .base import Cloud, Upload, leaf, names, serial, is_pair

REGION = "eu-central-1"


def colons(hex):
    hex = hex if len(hex) % 2 == 0 else "0" + hex
    return ":".join(hex[i:i + 2] for i in range(0, len(hex), 2))


def key_type(pem):
    key = leaf(pem).public_key()
    return "EC_prime256v1" if hasattr(key, "curve") else \
        "RSA_%d" % key.key_size


def end_of(pem):
    return float(calendar.timegm(leaf(pem).not_valid_after.timetuple()))


class Acm(Cloud):
    PRODUCT = "aws-acm"
    CREDENTIALS = "aws"
    SECRETS = ("secret_access_key",)
    IN_PLACE = True
    BINDS = False
    DENIED = "is not authorized to perform"
    PAGE = 2
    WRONG_REGION = ({"certificate_arn": "arn:aws:acm:us-east-1:111122223333:"
                     "certificate/1"}, "Wrong region in arn:")

    keys_of = Route53.keys_of

    def keys(self):
        return {"access_key_id": KEY_ID, "secret_access_key": SECRET}

    def target(self, i=0):
        return {"base_url": self.url, "region": REGION}

    def served(self, i=0):
        ours = [u for u in self.uploads if not u.name.startswith("theirs")]
        assert len(ours) < 2
        return ours[0].cert if ours else None

    def put_theirs(self, cert, key):
        u = super().put_theirs(cert, key)
        u.id = self.new_arn()
        return u

    def new_arn(self):
        return "arn:aws:acm:%s:111122223333:certificate/%s" % (
            self.region("acm"), self.new_id())

    def service(self, req):
        """Which one is asked, as the signature has it."""
        return "acm"

    def region(self, service):
        return REGION

    def operation(self, req):
        return req.headers["X-Amz-Target"].split(".")[1]

    def is_write(self, req):
        return not self.operation(req).startswith(("Describe", "List"))

    def error(self, code, message, status=400):
        return reply(status, {"__type": "com.amazonaws.acm#" + code,
                              "message": message})

    def fail_with(self, code, message):
        raise Answer(*self.error(code, message)[::2])

    def throttle(self):
        return self.error("ThrottlingException", "Rate exceeded")

    def server_error(self):
        return self.error("InternalFailure", "try again", 500)

    def authenticate(self, req):
        m = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^,]*), "
            r"SignedHeaders=([^,]*), Signature=([0-9a-f]{64})",
            req.headers.get("Authorization") or "")
        stamp = req.headers["X-Amz-Date"]
        service = self.service(req)
        scope = "%s/%s/%s/aws4_request" % (
            stamp[:8], self.region(service), service)
        keys = self.keys_of(m[1]) if m else None
        if keys is None:
            self.fail_with("UnrecognizedClientException", "The security "
                           "token included in the request is invalid.")
        if m[2] != scope:
            self.fail_with("InvalidSignatureException", "Credential should "
                           "be scoped to a valid region.")
        signed = m[3].split(";")
        must = [k.lower() for k in req.headers if k.lower() in (
            "host", "content-type") or k.lower().startswith("x-amz-")]
        self.check(signed == sorted(signed) and set(must) <= set(signed),
                   "signed %s, not %s", signed, must)
        request = "\n".join([
            req.method, req.path, sorted_query(req.query),
            "".join("%s:%s\n" % (n, req.headers[n].strip()) for n in signed),
            ";".join(signed), hashlib.sha256(req.body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(
            request.encode()).hexdigest()])
        key = ("AWS4" + keys[0]).encode()
        for part in scope.split("/"):
            key = digest(key, part)
        if hmac.new(key, text.encode(), "sha256").hexdigest() != m[4]:
            self.fail_with("InvalidSignatureException", "The request "
                           "signature we calculated does not match")
        if req.headers.get("X-Amz-Security-Token") != keys[1]:
            self.fail_with("UnrecognizedClientException", "session token")

    def handle(self, req):
        self.authenticate(req)
        return self.acm(req)

    def acm(self, req):
        self.check(req.headers["Content-Type"] ==
                   "application/x-amz-json-1.1", "Content-Type")
        operation = self.operation(req)
        if self.denied:
            self.fail_with("AccessDeniedException", "User: arn:aws:iam::1:"
                           "user/acmed is not authorized to perform: acm:"
                           + operation)
        return reply(200, getattr(self, "do_" + operation)(req.json()))

    def find_arn(self, arn):
        if ":%s:" % self.region("acm") not in arn:
            self.fail_with("InvalidArnException", "Wrong region in " + arn)
        u = self.upload(arn)
        if u is None:
            self.fail_with("ResourceNotFoundException",
                           "Could not find certificate " + arn)
        return u

    def do_DescribeCertificate(self, a):
        u = self.find_arn(a["CertificateArn"])
        return {"Certificate": {
            "CertificateArn": u.id, "Type": "IMPORTED", "Status": "ISSUED",
            "Serial": colons(serial(u.cert)), "InUseBy": [],
            "SubjectAlternativeNames": names(u.cert),
            "NotAfter": end_of(u.cert)}}

    def do_ListCertificates(self, a):
        types = a.get("Includes", {}).get("keyTypes", ["RSA_2048"])
        found = [u for u in self.uploads if key_type(u.cert) in types]
        at = int(a.get("NextToken", "0"))
        out = {"CertificateSummaryList": [
            {"CertificateArn": u.id, "DomainName": names(u.cert)[0],
             "Type": "IMPORTED", "NotAfter": end_of(u.cert)}
            for u in found[at:at + self.PAGE]]}
        if at + self.PAGE < len(found):
            out["NextToken"] = str(at + self.PAGE)
        return out

    def do_ImportCertificate(self, a):
        cert, key, chain = (base64.b64decode(a.get(k, "")).decode() for k in (
            "Certificate", "PrivateKey", "CertificateChain"))
        self.check(cert.count("BEGIN") == 1, "a chain in Certificate")
        self.check("BEGIN PRIVATE KEY" in key, "key")
        self.check("BEGIN CERTIFICATE" in chain, "no chain")
        if not is_pair(cert, key):
            self.fail_with("ValidationException", "The key does not match.")
        if "CertificateArn" in a:
            self.check("Tags" not in a, "tags of an import again")
            u = self.find_arn(a["CertificateArn"])
            self.check(not u.name.startswith("theirs"), "replaces theirs")
            u.cert, u.key = cert, key
            return {"CertificateArn": u.id}
        if len(self.uploads) >= self.quota:
            self.fail_with("LimitExceededException", "too many certificates")
        tags = {t["Key"]: t["Value"] for t in a["Tags"]}
        u = Upload(self.new_arn(), tags["acmed"], cert, key)
        self.uploads.append(u)
        return {"CertificateArn": u.id}


CLOUDS = [Acm]
