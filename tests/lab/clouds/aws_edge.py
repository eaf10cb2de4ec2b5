# SPDX-License-Identifier: MIT
"""Amazon: what takes certificates from ACM.  Listeners of load balancers
(query, XML), and CloudFront (XML, ETag), which must get its configuration back
byte for byte."""

import re
from xml.sax.saxutils import escape

from ..vendors.base import Answer, reply
from .aws import Acm

THEIRS = "arn:aws:acm:%s:111122223333:certificate/theirs"


class Edge(Acm):
    """Two services at one address, told apart by what is signed for."""
    SERVICE = None
    NS = None
    BINDS = True
    WRONG_REGION = None

    def service(self, req):
        scope = (req.headers.get("Authorization") or "").split("/")
        return "acm" if "acm" in scope[:4] else self.SERVICE

    def is_json(self):
        return self.service(self.log[-1]) == "acm"

    def error(self, code, message, status=400):
        if self.is_json():
            return super().error(code, message, status)
        return reply(status, "<ErrorResponse xmlns=\"%s\"><Error><Type>Sender"
                     "</Type><Code>%s</Code><Message>%s</Message></Error>"
                     "<RequestId>1</RequestId></ErrorResponse>" % (
                         self.NS, code, escape(message)),
                     {"Content-Type": "text/xml"})

    def throttle(self):
        return super().throttle() if self.is_json() else \
            self.error("Throttling", "Rate exceeded")

    def handle(self, req):
        self.authenticate(req)
        if self.service(req) == "acm":
            return self.acm(req)
        if self.denied:
            self.fail_with("AccessDenied", "User: arn:aws:iam::1:user/acmed "
                           "is not authorized to perform: x")
        return self.edge(req)

    def exists(self, arn):
        """An ARN that may be bound."""
        return arn == THEIRS % self.region("acm") or \
            self.upload(arn) is not None

    def pem_of(self, arn):
        u = self.upload(arn)
        return u and u.cert


class Elbv2(Edge):
    """The first listener takes the default, the second one more."""
    PRODUCT = "aws-elbv2"
    SERVICE = "elasticloadbalancing"
    NS = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
    WRONG_REGION = ({"certificate_arn": "arn:aws:acm:us-east-1:111122223333:"
                     "certificate/1"}, "Wrong region in arn:")
    LISTENER = ("arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
                "listener/app/web/50dc6c495c0c9188/%d")

    def __init__(self):
        super().__init__()
        theirs = THEIRS % self.region("acm")
        self.listeners = {self.LISTENER % i: {
            "default": theirs, "sni": [theirs, theirs + "2"]}
            for i in range(2)}
        self.fresh = set()      # ARNs that were not known here yet

    def target(self, i=0):
        out = dict(super().target(), listener_arn=self.LISTENER % i)
        return dict(out, sni=True) if i else out

    def served(self, i=0):
        one = self.listeners[self.LISTENER % i]
        if i == 0:
            return self.pem_of(one["default"])
        ours = [a for a in one["sni"] if self.pem_of(a)]
        assert len(ours) < 2 and len(one["sni"]) - len(ours) == 2, one
        assert not self.pem_of(one["default"]), "the default is theirs"
        return self.pem_of(ours[0]) if ours else None

    def is_write(self, req):
        if self.service(req) == "acm":
            return super().is_write(req)
        return not req.form()["Action"].startswith("Describe")

    def edge(self, req):
        form = req.form()
        self.check(form["Version"] == "2015-12-01" and req.path == "/" and
                   not req.query, "%r", req)
        arn = form.get("ListenerArn") or form["ListenerArns.member.1"]
        if arn not in self.listeners:
            self.fail_with("ListenerNotFound", "One or more listeners not "
                           "found")
        action = form["Action"]
        inner = getattr(self, "elb_" + action)(self.listeners[arn], form)
        return reply(200, "<%sResponse xmlns=\"%s\"><%sResult>%s</%sResult>"
                     "</%sResponse>" % (action, self.NS, action, inner,
                                        action, action))

    def member(self, arn, is_default=None):
        return "<member><CertificateArn>%s</CertificateArn>%s</member>" % (
            arn, "" if is_default is None else
            "<IsDefault>%s</IsDefault>" % is_default)

    def elb_DescribeListeners(self, one, form):
        return "<Listeners><member><Protocol>HTTPS</Protocol><Port>443</Port>" \
            "<SslPolicy>x</SslPolicy><Certificates>%s</Certificates>" \
            "</member></Listeners>" % self.member(one["default"])

    def elb_DescribeListenerCertificates(self, one, form):
        """One a page; the default first."""
        rows = [(one["default"], "true")] + [(a, "false") for a in one["sni"]]
        at = int(form.get("Marker", "0"))
        more = "" if at + 1 == len(rows) else \
            "<NextMarker>%d</NextMarker>" % (at + 1)
        return "<Certificates>%s</Certificates>%s" % (
            self.member(*rows[at]), more)

    def given(self, form):
        arn = form["Certificates.member.1.CertificateArn"]
        self.check(len(form) == 4, "%s", form)
        if form["Action"][0] == "A" and arn not in self.fresh:
            self.fresh.add(arn)
            self.fail_with("CertificateNotFound", "Certificate '%s' not "
                           "found" % arn)
        if not self.exists(arn):
            self.fail_with("CertificateNotFound", "no " + arn)
        return arn

    def elb_ModifyListener(self, one, form):
        one["default"] = self.given(form)
        return "<Listeners/>"

    def elb_AddListenerCertificates(self, one, form):
        arn = self.given(form)
        if arn not in one["sni"]:
            one["sni"].append(arn)
        return "<Certificates/>"


CONFIG = """<?xml version="1.0"?>
<DistributionConfig xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">\
<CallerReference>ref-%d</CallerReference><Aliases><Quantity>1</Quantity><Items>\
<CNAME>*.example.test</CNAME></Items></Aliases><Origins><Quantity>1</Quantity>\
<Items><Origin><Id>o</Id><CustomHeaders><Items><OriginCustomHeader>\
<HeaderName>X-Key</HeaderName><HeaderValue>s3cret &amp; &#x20AC; \u00fc</HeaderValue>\
</OriginCustomHeader></Items></CustomHeaders></Origin></Items></Origins>
  <Comment><![CDATA[ViewerCertificate <x>]]></Comment>\
%s<NewThing a="1 > 0"/><HttpVersion>http2and3</HttpVersion></DistributionConfig>"""
# As a distribution has it that never had another; and with another's.
DEFAULT = """<ViewerCertificate><CloudFrontDefaultCertificate>true\
</CloudFrontDefaultCertificate><SSLSupportMethod>vip</SSLSupportMethod>\
<MinimumProtocolVersion>TLSv1</MinimumProtocolVersion><CertificateSource>\
cloudfront</CertificateSource></ViewerCertificate>"""
OTHER = """<ViewerCertificate><CloudFrontDefaultCertificate>false\
</CloudFrontDefaultCertificate><ACMCertificateArn>%(arn)s</ACMCertificateArn>
 <SSLSupportMethod>static-ip</SSLSupportMethod><New><Certificate>deep\
</Certificate></New><MinimumProtocolVersion>TLSv1.2_2019\
</MinimumProtocolVersion><Certificate>%(arn)s</Certificate>\
<CertificateSource>acm</CertificateSource></ViewerCertificate>"""


class Cloudfront(Edge):
    PRODUCT = "aws-cloudfront"
    SERVICE = "cloudfront"
    NS = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
    WRONG_REGION = ({"certificate_arn": "arn:aws:acm:eu-central-1:"
                     "111122223333:certificate/1"}, "Wrong region in arn:")

    def __init__(self):
        super().__init__()
        self.theirs = THEIRS % self.region("acm")
        self.configs = {
            "E1EXAMPLE0": CONFIG % (0, DEFAULT),
            "E1EXAMPLE1": CONFIG % (1, OTHER % {"arn": self.theirs})}
        self.versions = {k: 1 for k in self.configs}
        self.looks = {k: 0 for k in self.configs}
        self.races = 0

    def region(self, service):
        return "us-east-1"

    def target(self, i=0):
        return {"base_url": self.url, "distribution_id": "E1EXAMPLE%d" % i}

    def arn_of(self, id):
        m = re.search("<ACMCertificateArn>([^<]*)", self.configs[id])
        return m and m[1]

    def served(self, i=0):
        id = "E1EXAMPLE%d" % i
        arn = self.arn_of(id)
        if arn is None or not self.pem_of(arn):
            return None
        viewer = "<ACMCertificateArn>%s</ACMCertificateArn>" % arn + (
            "<SSLSupportMethod>sni-only</SSLSupportMethod>"
            "<MinimumProtocolVersion>TLSv1.2_2021</MinimumProtocolVersion>"
            if i == 0 else "\n <SSLSupportMethod>static-ip"
            "</SSLSupportMethod><New><Certificate>deep</Certificate></New>"
            "<MinimumProtocolVersion>"
            "TLSv1.2_2019</MinimumProtocolVersion>")
        assert self.configs[id] == CONFIG % (
            i, "<ViewerCertificate>%s</ViewerCertificate>" % viewer), \
            self.configs[id]
        return self.pem_of(arn)

    def is_write(self, req):
        if self.service(req) == "acm":
            return super().is_write(req)
        return req.method == "PUT"

    def edge(self, req):
        self.check(not req.query, "%r", req)
        parts = req.parts()
        self.check(parts[:2] == ["2020-05-31", "distribution"], "%r", req)
        id = parts[2]
        if id not in self.configs:
            raise Answer(*self.error("NoSuchDistribution", "The specified "
                                     "distribution does not exist.",
                                     404)[::2])
        if len(parts) == 3:
            self.looks[id] -= 1
            return reply(200, "<Distribution xmlns=\"%s\"><Id>%s</Id><Status>"
                         "%s</Status></Distribution>" % (
                             self.NS, id, "Deployed" if self.looks[id] < 0
                             else "InProgress"))
        etag = "E%dV%d" % (self.versions[id], self.versions[id])
        if req.method == "GET":
            return reply(200, self.configs[id], {
                "ETag": etag, "Content-Type": "text/xml"})
        self.races += id == "E1EXAMPLE1"
        if self.races == 1:     # somebody was faster
            self.races += 1
            self.versions[id] += 1
            return self.error("PreconditionFailed", "The precondition given "
                              "in one or more of the request-header fields "
                              "evaluated to false.", 412)
        if not self.check(req.headers.get("If-Match") == etag, "If-Match"):
            return self.error("InvalidIfMatchVersion", "invalid")
        old, self.configs[id] = self.configs[id], req.body.decode()
        if not self.exists(self.arn_of(id)) or \
                "DefaultCertificate" in self.configs[id]:
            self.configs[id] = old
            return self.error("InvalidViewerCertificate", "The specified SSL "
                              "certificate doesn't exist, isn't in us-east-1 "
                              "region, isn't valid, or doesn't include a "
                              "valid certificate chain.")
        self.versions[id] += 1
        self.looks[id] = self.delay or 1
        return reply(200, "<Distribution/>")


CLOUDS = [Cloudfront, Elbv2]
