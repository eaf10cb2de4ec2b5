# SPDX-License-Identifier: MIT
"""Tencent Cloud: SSL certificates, which move what is bound; TC3 as in
vendors/tencentcloud.py."""

import hashlib
import hmac
import re
import time

from ..vendors.base import reply
from ..vendors.tencentcloud import ID, KEY, Tencentcloud
from .base import Cloud, Upload, names, sha256


class Ssl(Cloud):
    PRODUCT = "tencent-ssl"
    CREDENTIALS = "tencentcloud"
    SECRETS = ("secret_key",)
    MORE_BINDS = 1          # the first call only begins
    TARGETS = 1             # what is bound is moved with the first
    DENIED = "not authorized to perform"
    PAGE = 100
    SERVICE, VERSION = "ssl", "2019-12-05"

    error, fail_with = Tencentcloud.error, Tencentcloud.fail_with
    throttle, server_error = Tencentcloud.throttle, Tencentcloud.server_error

    def __init__(self):
        super().__init__()
        self.bound = {"cdn www": "first", "clb lb-1": "first",
                      "clb lb-2": "another"}
        self.records, self.tasks = {}, {}

    def keys(self):
        return {"secret_id": ID, "secret_key": KEY}

    def target(self, i=0):
        return {"base_url": self.url, "certificate_id": "first",
                "resource_types": ["cdn", "clb"], "regions": ["ap-guangzhou"]}

    def is_write(self, req):
        return not req.headers["X-TC-Action"].startswith("Describe")

    def served(self, i=0):
        assert self.bound["clb lb-2"] == "another"
        got = {self.bound["cdn www"], self.bound["clb lb-1"]}
        assert len(got) == 1, got
        u = self.upload(got.pop())
        return u and u.cert

    def new_id(self):
        return "c" + super().new_id()[-7:]

    def authenticate(self, req):
        m = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]*)/(\d{4}-\d\d-\d\d)/(\w+)/"
            r"tc3_request, SignedHeaders=([^,]*), Signature=([0-9a-f]{64})",
            req.headers.get("Authorization") or "")
        if not m or m[1] != ID or m[3] != self.SERVICE:
            self.fail_with("AuthFailure.SignatureFailure", "Authorization")
        stamp = req.headers["X-TC-Timestamp"]
        self.check({"content-type", "host", "x-tc-action"} <= set(
            m[4].split(";")), "signed %s", m[4])
        request = "\n".join([
            req.method, "/", "", "".join("%s:%s\n" % (
                n, req.headers[n].strip().lower()) for n in m[4].split(";")),
            m[4], hashlib.sha256(req.body).hexdigest()])
        date = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
        text = "TC3-HMAC-SHA256\n%s\n%s/%s/tc3_request\n%s" % (
            stamp, date, self.SERVICE,
            hashlib.sha256(request.encode()).hexdigest())
        key = ("TC3" + KEY).encode()
        for part in (date, self.SERVICE, "tc3_request", text):
            key = hmac.new(key, part.encode(), "sha256").digest()
        if key.hex() != m[5]:
            self.fail_with("AuthFailure.SignatureFailure", "wrong")

    def handle(self, req):
        self.authenticate(req)
        self.check(req.method == "POST" and req.target == "/", "%r", req)
        self.check(req.headers["X-TC-Version"] == self.VERSION, "version")
        action = req.headers["X-TC-Action"]
        if self.denied:
            self.fail_with("UnauthorizedOperation", "You are not authorized "
                           "to perform this operation: ssl:" + action)
        out = getattr(self, "do_" + action)(req.json()) or {}
        return reply(200, {"Response": dict({"RequestId": "4c2f"}, **out)})

    def do_DescribeCertificates(self, a):
        self.check(a["Limit"] <= 1000, "Limit")
        found = [u for u in self.uploads if a["SearchKey"] in u.name or any(
            a["SearchKey"] in n for n in names(u.cert))]
        part = found[a["Offset"]:a["Offset"] + a["Limit"]]
        return {"TotalCount": len(found), "Certificates": [
            {"CertificateId": u.id, "Alias": u.name, "From": "upload",
             "Domain": names(u.cert)[0], "SubjectAltName": names(u.cert),
             "Status": 1} for u in part]}

    def do_DescribeCertificateDetail(self, a):
        u = self.upload(a["CertificateId"])
        if u is None:
            self.fail_with("FailedOperation.CertificateNotFound", "gone")
        return {"CertificateId": u.id, "CertificatePublicKey": u.cert}

    def do_UploadCertificate(self, a):
        cert, key = a["CertificatePublicKey"], a["CertificatePrivateKey"]
        self.check(a["Repeatable"] is False, "Repeatable")
        for u in self.uploads:
            if sha256(u.cert) == sha256(cert):
                return {"CertificateId": u.id, "RepeatCertId": u.id}
        if not self.check_pem(cert, key):
            self.fail_with("FailedOperation.CertificateMatchError", "key")
        if len(self.uploads) >= self.quota:
            self.fail_with("FailedOperation.ExceedsFreeLimit",
                           "The quota of certificates is used up.")
        u = Upload(self.new_id(), a["Alias"], cert, key)
        self.uploads.append(u)
        return {"CertificateId": u.id, "RepeatCertId": ""}

    def do_UpdateCertificateInstance(self, a):
        self.check(self.upload(a["CertificateId"]) is not None, "no such id")
        self.check({"ResourceType": "clb", "Regions": ["ap-guangzhou"]}
                   in a["ResourceTypesRegions"], "regions")
        job = (a["OldCertificateId"], a["CertificateId"])
        # The first call only begins to make the record.
        if job not in self.records.values():
            self.serial += 1
            self.records[str(self.serial)] = job
            return {"DeployRecordId": 0}
        n = [k for k in self.records if self.records[k] == job][-1]
        return {"DeployRecordId": int(n)}

    def do_DescribeHostUpdateRecordDetail(self, a):
        self.check(isinstance(a["DeployRecordId"], str) and
                   isinstance(a["Limit"], str), "strings are wanted")
        old, new = self.records[a["DeployRecordId"]]
        if self.delay > 0:
            self.delay -= 1
            return {"TotalCount": 2, "SuccessTotalCount": 1,
                    "FailedTotalCount": 0, "RunningTotalCount": 1}
        for k in self.bound:
            if self.bound[k] == old:
                self.bound[k] = new
        return {"TotalCount": 2, "SuccessTotalCount": 2,
                "FailedTotalCount": 0, "RunningTotalCount": 0}

    def do_DeleteCertificate(self, a):
        self.check(a["IsCheckResource"] is True, "IsCheckResource")
        u = self.upload(a["CertificateId"])
        if u is None:
            self.fail_with("FailedOperation.CertificateNotFound", "gone")
        self.check(not u.name.startswith("theirs"), "theirs")
        self.serial += 1
        self.tasks["t%d" % self.serial] = [a["CertificateId"], 1]
        return {"DeleteResult": True, "TaskId": "t%d" % self.serial}

    def do_DescribeDeleteCertificatesTaskResult(self, a):
        task = self.tasks[a["TaskIds"][0]]
        status = 0
        if task[1] == 0:
            used = task[0] in self.held or task[0] in self.bound.values()
            status = 4 if used else 1
            # Another task may have removed it meanwhile.
            if not used:
                self.uploads = [u for u in self.uploads if u.id != task[0]]
        task[1] -= 1
        return {"DeleteTaskResult": [{"TaskId": a["TaskIds"][0],
                                      "CertId": task[0], "Status": status,
                                      "Error": ""}]}


CLOUDS = [Ssl]
