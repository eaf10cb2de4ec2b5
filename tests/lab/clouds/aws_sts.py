# SPDX-License-Identifier: MIT
"""Amazon's credentials that end: the metadata service of an EC2 instance
(version 2 only), that of containers, and STS."""

import time

from ..vendors.base import Answer, Vendor, reply
from .aws import Acm

ROLE = "acmed-instance"
ROLE_ARN = "arn:aws:iam::111122223333:role/acmed"
POD_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwb2QifQ.c2ln"
METADATA_TOKEN = "AQAEAE_metadata=="
NS = "https://sts.amazonaws.com/doc/2011-06-15/"


class Issuer(Vendor):
    """Sets of keys: id -> (secret, token); what is not there is not good."""

    LIFE = 3600

    def __init__(self, issued):
        super().__init__()
        self.issued = issued

    def issue(self, kind):
        n = "%s%s" % (kind, self.new_id())
        self.issued["ASIA" + n] = "secret+/" + n, "IQoJ+/=" + n
        return {"AccessKeyId": "ASIA" + n, "SecretAccessKey": "secret+/" + n,
                "Token": "IQoJ+/=" + n, "Expiration": time.strftime(
                    "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.LIFE))}


class Metadata(Issuer):
    ADDRESS = "169.254.169.254", 80

    def handle(self, req):
        if req.target == "/latest/api/token":
            self.check(req.method == "PUT" and 1 <= int(req.headers[
                "X-aws-ec2-metadata-token-ttl-seconds"]) <= 21600, "%r", req)
            return reply(200, METADATA_TOKEN)
        if req.headers.get("X-aws-ec2-metadata-token") != METADATA_TOKEN:
            raise Answer(401, "<title>401 - Unauthorized</title>")
        where = "/latest/meta-data/iam/security-credentials/"
        if req.target == where:
            return reply(200, ROLE)
        if req.target != where + ROLE:
            raise Answer(404, "<title>404 - Not Found</title>")
        return reply(200, dict(self.issue("EC2"), Code="Success",
                               Type="AWS-HMAC"))


class Container(Issuer):
    """As the agent of EKS: a token of the pod for credentials."""

    def handle(self, req):
        self.check(req.target == "/v1/credentials", "%r", req)
        if req.headers.get("Authorization") != POD_TOKEN:
            raise Answer(401, "[401] token")
        return reply(200, dict(self.issue("POD"), AccountId="1"))


class Sts(Issuer):
    """Signed as ACM is."""
    fail_with, authenticate = Acm.fail_with, Acm.authenticate

    def __init__(self, issued):
        super().__init__(issued)
        self.calls = []

    def service(self, req):
        return "sts"

    def region(self, service):
        return "us-east-1"

    def keys_of(self, id):
        return Acm.keys_of(self, id) or self.issued.get(id)

    def error(self, code, message, status=400):
        return reply(status, "<ErrorResponse xmlns=\"%s\"><Error><Type>Sender"
                     "</Type><Code>%s</Code><Message>%s</Message></Error>"
                     "<RequestId>1</RequestId></ErrorResponse>" % (
                         NS, code, message))

    def handle(self, req):
        form = req.form()
        self.check(form["Version"] == "2011-06-15" and req.path == "/" and
                   form["RoleSessionName"] == "acmed" and
                   900 <= int(form["DurationSeconds"]) <= 43200, "%s", form)
        self.calls.append(form["Action"])
        if form["Action"] == "AssumeRole":
            self.authenticate(req)
            if form.get("ExternalId") != "x1":
                return self.error("AccessDenied", "User is not authorized to "
                                  "perform: sts:AssumeRole on resource: " +
                                  form["RoleArn"], 403)
        else:
            self.check(form["Action"] == "AssumeRoleWithWebIdentity" and
                       "Authorization" not in req.headers, "%r", req)
            if form["WebIdentityToken"] != POD_TOKEN:
                return self.error("ExpiredTokenException", "Token expired")
        self.check(form["RoleArn"] == ROLE_ARN, "%s", form)
        keys = self.issue("STS")
        keys["SessionToken"] = keys.pop("Token")
        return reply(200, "<{0}Response xmlns=\"{1}\"><{0}Result><Credentials>"
                     "{2}</Credentials></{0}Result></{0}Response>".format(
                         form["Action"], NS, "".join(
                             "<%s>%s</%s>" % (k, v, k)
                             for k, v in keys.items())))
