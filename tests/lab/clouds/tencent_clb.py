# SPDX-License-Identifier: MIT
"""Tencent Cloud Load Balancer: listeners with a certificate for each kind of
key, rules with SNI; changes are tasks, one at a time for a balancer."""

import copy

from .tencent_cdn import Cdn

LB, LISTENER, REGION = "lb-ep8onpf0", "lbl-nwxkl5l3", "ap-guangzhou"
MUTUAL = {"SSLMode": "MUTUAL", "SSLVerifyClient": "OPTIONAL",
          "CertCaId": "ca-1"}


class Clb(Cdn):
    """One listener with SNI; its first domain has two rules."""

    PRODUCT = "tencent-clb"
    MORE_BINDS = 1
    VERSIONS = {"ssl": "2019-12-05", "clb": "2018-03-17"}
    WRONG_REGION = ({"region": "ap-shanghai"}, "LBIdNotFound")
    SNI = 1

    def __init__(self):
        super().__init__()
        self.rules = [
            {"LocationId": "loc-%s%s" % (d, url), "Domain": d, "Url": url,
             "Domains": [d, "more." + d], "Certificate": dict(
                 MUTUAL, CertId="old", ExtCertIds=[])}
            for d in sorted(self.sites) for url in ("/", "/api")]
        self.rules.append({"Domain": "theirs.test", "Url": "/", "Certificate": {
            "SSLMode": "UNIDIRECTIONAL", "CertId": "theirs"}})
        self.jobs = {}          # RequestId: [looks, change]

    def target(self, i=0):
        return {"base_url": self.url, "region": REGION,
                "load_balancer_id": LB, "listener_id": LISTENER,
                "domains": self.domains(i)}

    def served(self, i=0):
        assert self.rules[-1]["Certificate"]["CertId"] == "theirs"
        ids = set()
        for r in self.rules:
            if r["Domain"] in self.domains(i):
                assert self.kept(r["Certificate"]), r
                ids.add(r["Certificate"]["CertId"])
        assert len(ids) == 1, ids
        u = self.upload(ids.pop())
        return u and u.cert

    @staticmethod
    def kept(cert):
        return {k: cert.get(k) for k in MUTUAL} == MUTUAL

    def check_scope(self, req):
        self.check((self.SERVICE == "clb") == (
            "Listener" in req.headers["X-TC-Action"]
            or "DomainAttr" in req.headers["X-TC-Action"]
            or "TaskStatus" in req.headers["X-TC-Action"]), "service")
        if self.SERVICE == "clb" and req.headers["X-TC-Region"] != REGION:
            self.fail_with("InvalidParameter.LBIdNotFound",
                           "Loadbalancer not found")

    def find(self, a):
        if a["LoadBalancerId"] != LB:
            self.fail_with("InvalidParameter.LBIdNotFound", "no LB")

    def do_DescribeListeners(self, a):
        self.find(a)
        self.check(a["ListenerIds"] == [LISTENER], "ListenerIds")
        return {"TotalCount": 1, "Listeners": [{
            "ListenerId": LISTENER, "Protocol": "HTTPS", "Port": 443,
            "SniSwitch": self.SNI, "Certificate": None,
            "Rules": copy.deepcopy(self.rules)}]}

    def begin(self, change):
        """A task of which the answer's own RequestId is the name."""
        for job in self.jobs.values():
            if job[0] > 0:
                self.go_on(job)
                self.fail_with("FailedOperation.ResourceInOperating", "busy")
        self.serial += 1
        self.jobs["r%d" % self.serial] = [1 + self.delay, change]
        return {"RequestId": "r%d" % self.serial}

    @staticmethod
    def go_on(job):
        """Time passes, whoever looks."""
        job[0] -= 1
        if job[0] == 0:
            job[1]()

    def changed(self, now, a):
        """What becomes of a certificate; what is left out is lost."""
        new = a["Certificate"]
        self.check("MultiCertInfo" not in a and not now["ExtCertIds"], "multi")
        if self.upload(new["CertId"]) is None:
            self.fail_with("InvalidParameterValue", "certificate not found")
        return dict(new, ExtCertIds=[])

    def do_ModifyDomainAttributes(self, a):
        self.find(a)
        self.check(set(a) == {"LoadBalancerId", "ListenerId", "Domain",
                              "Certificate"}, "%s", a)
        found = [r for r in self.rules if a["Domain"] in (
            [r["Domain"]] + r.get("Domains", []))]
        if not found:
            self.fail_with("InvalidParameter.LocationNotFound", "no rule")
        new = self.changed(found[0]["Certificate"], a)

        def change():
            for r in found:
                r["Certificate"] = new
            self.bound[a["Domain"]] = new["CertId"]
        return self.begin(change)

    def do_DescribeTaskStatus(self, a):
        job = self.jobs[a["TaskId"]]
        if job[0] > 0:
            self.go_on(job)
            return {"Status": 2}
        return {"Status": 0, "Message": None, "LoadBalancerIds": [LB]}


class Plain(Clb):
    """Without SNI, and with a certificate for RSA beside ours."""

    MORE_BINDS = 0
    TARGETS = 1
    VARIANT = "plain"
    SNI = 0

    @classmethod
    def label(cls):
        return cls.PRODUCT + "-plain"

    def __init__(self):
        super().__init__()
        self.own = dict(MUTUAL, CertId="rsa", ExtCertIds=["old"])

    def target(self, i=0):
        t = dict(super().target(i), certificate_id="old")
        del t["domains"]
        return t

    def served(self, i=0):
        ids = [self.own["CertId"]] + self.own["ExtCertIds"]
        assert "rsa" in ids and len(ids) == 2 and self.kept(self.own), self.own
        ids.remove("rsa")
        u = self.upload(ids[0])
        return u and u.cert

    def do_DescribeListeners(self, a):
        out = super().do_DescribeListeners(a)
        out["Listeners"][0].update(Rules=[], Certificate=copy.deepcopy(
            self.own))
        return out

    def do_ModifyListener(self, a):
        self.find(a)
        self.check(set(a) == {"LoadBalancerId", "ListenerId",
                              "MultiCertInfo"}, "%s", a)
        m = a["MultiCertInfo"]
        ids = [c["CertId"] for c in m["CertList"]]
        if MUTUAL["CertCaId"] not in ids:
            self.fail_with("InvalidParameterValue", "no CA certificate")
        ids.remove(MUTUAL["CertCaId"])
        if all(self.upload(i) is None for i in ids):
            self.fail_with("InvalidParameterValue", "certificate not found")

        def change():
            self.own = {"SSLMode": m["SSLMode"], "CertId": ids[0],
                        "SSLVerifyClient": m.get("SSLVerifyClient"),
                        "CertCaId": MUTUAL["CertCaId"], "ExtCertIds": ids[1:]}
            self.bound = {"listener": i for i in ids if i != "rsa"}
        return self.begin(change)


CLOUDS = [Clb, Plain]
