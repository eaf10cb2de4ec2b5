# SPDX-License-Identifier: MIT
"""Custom domains of COS buckets, to which SSL Certificates deploys."""

from .tencent import Ssl

BUCKET, REGION = "static-1250000000", "ap-guangzhou"


class Cos(Ssl):
    PRODUCT = "tencent-cos"
    MORE_BINDS = 0
    TARGETS = 2
    PAGE = 1

    def __init__(self):
        super().__init__()
        self.bound = {d: None for i in range(2) for d in self.domains(i)}
        self.jobs = {}

    def domains(self, i):
        return ["a%d.example.test" % i, "b%d.example.test" % i]

    def target(self, i=0):
        return {"base_url": self.url, "bucket": BUCKET, "region": REGION,
                "domains": self.domains(i)}

    def served(self, i=0):
        ids = {self.bound[d] for d in self.domains(i)}
        assert len(ids) == 1, ids
        u = self.upload(ids.pop())
        return u and u.cert

    def authenticate(self, req):
        super().authenticate(req)
        if "Host" in req.headers["X-TC-Action"] or \
                "Deploy" in req.headers["X-TC-Action"]:
            self.check(req.headers["X-TC-Region"] == REGION, "region")

    def do_DescribeHostCosInstanceList(self, a):
        self.check(a["ResourceType"] == "cos" and a["IsCache"] == 0 and
                   a["Limit"] <= 100, "%s", a)
        found = [d for d in self.bound if self.bound[d] is not None and
                 self.bound[d] == a["OldCertificateId"]]
        part = found[a["Offset"]:a["Offset"] + a["Limit"]]
        return {"TotalCount": len(found), "InstanceList": [
            {"Region": REGION, "Bucket": BUCKET, "Domain": d,
             "CertId": self.bound[d], "Status": "ENABLED"} for d in part]}

    def do_DeployCertificateInstance(self, a):
        self.check(a["ResourceType"] == "cos" and a["Status"] == 1, "%s", a)
        u, domains = self.upload(a["CertificateId"]), []
        if u is None:
            self.fail_with("FailedOperation.CertificateNotFound", "gone")
        for n, (id, job) in enumerate(self.jobs.items()):
            if job["looks"] >= 0 and job["id"] == u.id:
                return {"DeployRecordId": int(id), "DeployStatus": 0}
        for one in a["InstanceIdList"]:
            region, bucket, d = one.split("|")
            if (region, bucket) != (REGION, BUCKET) or d not in self.bound:
                self.fail_with("FailedOperation."
                               "CertificateDeployInstanceFormatError", one)
            if self.bound[d] == u.id:
                self.fail_with("FailedOperation.CertificateDeployInstanceEmpty",
                               "bound already: " + d)
            domains.append(d)
        self.serial += 1
        self.jobs[str(self.serial)] = {"id": u.id, "looks": self.delay,
                                       "domains": domains}
        for d in domains:
            self.bound[d] = u.id
        return {"DeployRecordId": self.serial, "DeployStatus": 1}

    def do_DescribeHostDeployRecordDetail(self, a):
        self.check(isinstance(a["DeployRecordId"], str) and
                   a["Limit"] <= 200, "%s", a)
        job = self.jobs[a["DeployRecordId"]]
        n = len(job["domains"])
        job["looks"] -= 1
        done = job["looks"] < 0
        return {"TotalCount": n, "SuccessTotalCount": n if done else 0,
                "FailedTotalCount": 0, "DeployRecordDetailList": []}


CLOUDS = [Cos]
