# SPDX-License-Identifier: MIT
"""Alibaba Cloud's load balancers: CLB with a store of its own, ALB and NLB,
whose changes are jobs."""

from .aliyun import Cas
from .base import Upload, names, sha1

REGION = "cn-hangzhou"


class Clb(Cas):
    """Listener 443 of each balancer: a default certificate, and extensions."""

    PRODUCT = "aliyun-clb"
    BINDS = True
    WRONG_REGION = {"region": "cn-beijing"}, "The specified region"

    def __init__(self):
        super().__init__()
        self.default = {"lb-0": "none", "lb-1": "none"}
        # By balancer: domain, id of the extension, id of the certificate.
        self.extensions = {"lb-0": [], "lb-1": [
            ["a1.example.test", "de-1", "none"],
            ["theirs.example.test", "de-2", "none"]]}

    def new_id(self):
        return "1321932713_%s_1" % super().new_id()

    def target(self, i=0):
        opts = {"base_url": self.url, "region": REGION,
                "load_balancer_id": "lb-%d" % i}
        if i:
            opts["domains"] = ["a1.example.test", "*.w1.example.test"]
        return opts

    def served(self, i=0):
        ids = {self.default["lb-0"]} if i == 0 else {
            e[2] for e in self.extensions["lb-1"]
            if not e[0].startswith("theirs")}
        assert len(ids) == 1, ids
        u = self.upload(ids.pop())
        return u and u.cert

    def in_use(self, id):
        return id in self.held or id in self.default.values() or id in [
            e[2] for all in self.extensions.values() for e in all]

    def handle(self, req):
        args = req.form() if req.body else dict(req.query)
        if args["RegionId"] != REGION:
            return self.error(404, "InvalidRegionId.NotFound",
                              "The specified region does not exist.")
        return super().handle(req)

    def slb_DescribeServerCertificates(self, a):
        return {"ServerCertificates": {"ServerCertificate": [
            {"ServerCertificateId": u.id, "ServerCertificateName": u.name,
             "CommonName": "", "IsAliCloudCertificate": 0,
             "SubjectAlternativeNames": {
                 "SubjectAlternativeName": names(u.cert)},
             "Fingerprint": ":".join(sha1(u.cert)[i:i + 2]
                                     for i in range(0, 40, 2))}
            for u in self.uploads] + [
            # A reference to what was once in CAS.
            {"ServerCertificateId": "ref", "ServerCertificateName": "ref",
             "IsAliCloudCertificate": 1, "Fingerprint": ":".join(
                 sha1(u.cert)[i:i + 2] for i in range(0, 40, 2))}
            for u in self.uploads[-1:]]}}

    def slb_UploadServerCertificate(self, a):
        name = a["ServerCertificateName"]
        self.check(name[0].isalpha() and len(name) <= 80 and all(
            c.isalnum() or c in ".-_" for c in name), "name %s", name)
        if len(self.uploads) >= self.quota:
            self.fail_with(400, "CertificateQuotaExceeded", "The quota of "
                           "server certificates is exceeded.")
        if not self.check_pem(a["ServerCertificate"], a["PrivateKey"]):
            self.fail_with(400, "CertificateNotMatchPrivateKey", "no pair")
        u = Upload(self.new_id(), name, a["ServerCertificate"],
                   a["PrivateKey"])
        self.uploads.append(u)
        return {"ServerCertificateId": u.id, "Fingerprint": sha1(u.cert)}

    def slb_DeleteServerCertificate(self, a):
        u = self.upload(a["ServerCertificateId"])
        if u is None:
            self.fail_with(404, "ServerCertificateId.NotFound", "no such")
        self.check(not u.name.startswith("theirs"), "removes theirs")
        if self.in_use(u.id):
            self.fail_with(400, "CertificateAndPrivateKeyIsRefered", "The "
                           "certificate is used by a listener.")
        self.uploads.remove(u)

    def listener(self, a):
        if a["ListenerPort"] != "443" or a["LoadBalancerId"] not in \
                self.default:
            self.fail_with(404, "ListenerNotFound", "no such listener")
        return a["LoadBalancerId"]

    def certificate(self, id):
        if self.upload(id) is None:
            self.fail_with(404, "ServerCertificateId.NotFound", "no such")
        return id

    def slb_DescribeLoadBalancerHTTPSListenerAttribute(self, a):
        return {"ServerCertificateId": self.default[self.listener(a)],
                "ListenerPort": 443, "Status": "running"}

    def slb_SetLoadBalancerHTTPSListenerAttribute(self, a):
        self.check(set(a) == {"RegionId", "LoadBalancerId", "ListenerPort",
                              "ServerCertificateId"}, "%s", a)
        self.default[self.listener(a)] = self.certificate(
            a["ServerCertificateId"])

    def slb_DescribeDomainExtensions(self, a):
        return {"DomainExtensions": {"DomainExtension": [
            {"Domain": d, "DomainExtensionId": e, "ServerCertificateId": c}
            for d, e, c in self.extensions[self.listener(a)]]}}

    def slb_CreateDomainExtension(self, a):
        all = self.extensions[self.listener(a)]
        if a["Domain"] in [e[0] for e in all]:
            self.fail_with(400, "DomainExtensionExist", "it is there")
        all.append([a["Domain"], "de-%s" % self.new_id(),
                    self.certificate(a["ServerCertificateId"])])

    def slb_SetDomainExtensionAttribute(self, a):
        for all in self.extensions.values():
            for e in all:
                if e[1] == a["DomainExtensionId"]:
                    self.check(not e[0].startswith("theirs"), "%s", e)
                    e[2] = self.certificate(a["ServerCertificateId"])
                    return {}
        self.fail_with(404, "DomainExtensionNotFound", "no such")


class Alb(Cas):
    """lsn-0 and its default; lsn-1 and what is there beside its default."""

    PRODUCT = "aliyun-alb"
    BINDS = True
    JOB_ARGS = {"JobIds.1"}
    DEFAULT_ARG = ADD_ARG = "Certificates.1.CertificateId"

    def __init__(self):
        super().__init__()
        self.default = {"lsn-0": "7-cn-hangzhou", "lsn-1": "7-cn-hangzhou"}
        self.additional = {"lsn-0": [], "lsn-1": [
            "%d-cn-hangzhou" % i for i in range(8, 11)]}
        self.jobs = {}          # id: looks until it is done
        self.busy = {"lsn-1"}   # listeners that something else changes

    def target(self, i=0):
        return {"base_url": self.url, "region": REGION,
                "listener_id": "lsn-%d" % i,
                "certificate": ["default", "additional"][i]}

    def ids(self, i):
        return [self.default["lsn-0"]] if i == 0 else self.additional["lsn-1"]

    def served(self, i=0):
        found = [self.upload(id.split("-")[0]) for id in self.ids(i)]
        found = [u for u in found if u]
        assert len(found) < 2
        return found[0].cert if found else None

    def in_use(self, id):
        return str(id) in self.held or "%s-cn-hangzhou" % id in \
            self.ids(0) + self.ids(1)

    def listener(self, a):
        if a["ListenerId"] not in self.default:
            self.fail_with(404, "ResourceNotFound.Listener", "no such")
        return a["ListenerId"]

    def certificate(self, a, arg):
        id, _, region = a[arg].partition("-")
        if region != "cn-hangzhou" or self.upload(id) is None:
            self.fail_with(404, "ResourceNotFound.Certificate", a[arg])
        return a[arg]

    def job(self, lsn):
        """Begin one; the next has to wait."""
        if lsn in self.busy:
            self.busy.remove(lsn)
            self.fail_with(400, "IncorrectStatus.Listener",
                           "The status of the listener is Configuring.")
        id = "job-" + self.new_id()
        self.jobs[id] = self.delay
        return {"JobId": id}

    def state(self, id):
        if self.jobs[id] == 0:
            return "Succeeded"
        self.jobs[id] -= 1
        return "Processing"

    def get(self, a):
        return [{"CertificateId": self.default[self.listener(a)],
                 "IsDefault": True, "Status": "Associated"}]

    def alb_GetListenerAttribute(self, a):
        return {"ListenerProtocol": "HTTPS", "ListenerStatus": "Running",
                "Certificates": self.get(a)}

    def alb_ListListenerCertificates(self, a):
        all = self.get(a) + [
            {"CertificateId": id, "IsDefault": False, "Status": "Associated"}
            for id in self.additional[a["ListenerId"]]]
        self.check(int(a["MaxResults"]) <= 100, "MaxResults")
        at = int(a.get("NextToken", "t0")[1:])
        got = {"Certificates": all[at:at + self.PAGE],
               "TotalCount": len(all)}
        if at + self.PAGE < len(all):
            got["NextToken"] = "t%d" % (at + self.PAGE)
        return got

    def alb_UpdateListenerAttribute(self, a):
        self.check(set(a) == {"ListenerId", self.DEFAULT_ARG}, "%s", a)
        lsn, id = self.listener(a), self.certificate(a, self.DEFAULT_ARG)
        job = self.job(lsn)
        self.default[lsn] = id
        return job

    def alb_AssociateAdditionalCertificatesWithListener(self, a):
        self.check(set(a) == {"ListenerId", self.ADD_ARG}, "%s", a)
        all = self.additional[self.listener(a)]
        id = self.certificate(a, self.ADD_ARG)
        if id in all:
            self.fail_with(400, "ResourceAlreadyAssociated.Certificate", id)
        job = self.job(a["ListenerId"])
        all.append(id)
        return job

    def alb_DissociateAdditionalCertificatesFromListener(self, a):
        all = self.additional[self.listener(a)]
        id = a[self.ADD_ARG]
        self.check(int(id.split("-")[0]) > 10, "takes out theirs")
        if id not in all:
            self.fail_with(404, "ResourceNotFound.Certificate", id)
        job = self.job(a["ListenerId"])
        all.remove(id)
        return job

    def alb_ListAsynJobs(self, a):
        return {"Jobs": [{"Id": a["JobIds.1"],
                          "Status": self.state(a["JobIds.1"])}],
                "TotalCount": 1}


class Nlb(Alb):
    PRODUCT = "aliyun-nlb"
    DEFAULT_ARG, ADD_ARG = "CertificateIds.1", "AdditionalCertificateIds.1"

    nlb_ListListenerCertificates = Alb.alb_ListListenerCertificates
    nlb_UpdateListenerAttribute = Alb.alb_UpdateListenerAttribute
    nlb_AssociateAdditionalCertificatesWithListener = \
        Alb.alb_AssociateAdditionalCertificatesWithListener
    nlb_DisassociateAdditionalCertificatesWithListener = \
        Alb.alb_DissociateAdditionalCertificatesFromListener

    def nlb_GetListenerAttribute(self, a):
        return {"ListenerProtocol": "TCPSSL", "ListenerStatus": "Running",
                "CertificateIds": [self.default[self.listener(a)]]}

    def nlb_GetJobStatus(self, a):
        return {"Status": self.state(a["JobId"])}


CLOUDS = [Clb, Alb, Nlb]
