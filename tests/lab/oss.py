# SPDX-License-Identifier: MIT
"""A stand-in for Aliyun OSS: objects of one bucket behind the V4 signature.

Written from help.aliyun.com ("Include a V4 signature in the Authorization
header", "PutObject", "GetObject"); its check was compared with the vendor's
SDK (alibabacloud_oss_v2 1.4.1: put, get, head and a missing key through it,
a wrong secret refused).
"""

import calendar
import hashlib
import hmac
import http.server
import re
import threading
import time
import urllib.parse

ALGORITHM = "OSS4-HMAC-SHA256"
CREDENTIAL = re.compile(
    r"^OSS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/,]+)/oss/"
    r"aliyun_v4_request(?:, ?AdditionalHeaders=([a-z0-9;-]+))?"
    r", ?Signature=([0-9a-f]{64})$")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def signature(secret, region, stamp, method, bucket, key, query, headers,
              additional):
    """headers: lower-case names to values, all that came."""
    signed = sorted(k for k in headers if k.startswith("x-oss-") or
                    k in ("content-type", "content-md5") or k in additional)
    pairs = sorted(p.partition("=")[::2] for p in query.split("&") if p)
    canonical = "\n".join([
        method, urllib.parse.quote("/%s/%s" % (bucket, key), safe="/"),
        "&".join("%s=%s" % p if p[1] else p[0] for p in pairs),
        "".join("%s:%s\n" % (k, headers[k].strip()) for k in signed),
        ";".join(sorted(additional)),
        headers.get("x-oss-content-sha256", "")])
    scope = "%s/%s/oss/aliyun_v4_request" % (stamp[:8], region)
    text = "\n".join([ALGORITHM, stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    k = ("aliyun_v4" + secret).encode()
    for part in scope.split("/"):
        k = mac(k, part)
    return mac(k, text).hex()


class Oss:
    def __init__(self, bucket="certs", region="cn-hangzhou", port=0,
                 key_id="LTAItest", secret="OssT3stSecret"):
        self.bucket, self.region = bucket, region
        self.key_id, self.secret = key_id, secret
        self.objects, self.seen, self.skew = {}, [], 0
        self.lock = threading.Lock()
        self.before = lambda method, key: None
        self.page = 1000        # objects of a list
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *args):
                pass

            def do_GET(self):
                n = int(self.headers.get("Content-Length") or 0)
                fake.handle(self, self.rfile.read(n))

            do_PUT = do_HEAD = do_POST = do_DELETE = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port),
                                                      Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.port = self.server.server_port
        self.url = "http://localhost:%d" % self.port

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, h, body):
        path, _, query = h.path.partition("?")
        headers = {k.lower(): v for k, v in h.headers.items()}
        key = urllib.parse.unquote(path[1:])
        answer = self.before(h.command, key)
        if answer is None:
            try:
                self.authorize(h.command, key, query, headers)
                with self.lock:
                    answer = self.serve(h.command, key, headers, body,
                                        query)
            except Refused as e:
                answer = e.status, {"Content-Type": "application/xml"}, (
                    '<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n'
                    "  <Code>%s</Code>\n  <Message>%s</Message>\n"
                    "  <RequestId>5C3D9175B6FC201293AD****</RequestId>\n"
                    "  <HostId>%s</HostId>\n  <EC>0002-00000902</EC>\n"
                    "</Error>\n" % (e.code, e.message,
                                    headers.get("host"))).encode()
        status, extra, data = answer
        self.seen.append((h.command, key, headers, body, status))
        h.send_response(status)
        for k, v in extra.items():
            h.send_header(k, v)
        h.send_header("x-oss-request-id", "5C3D9175B6FC201293AD****")
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        if h.command != "HEAD" and status != 304:
            h.wfile.write(data)

    def authorize(self, method, key, query, headers):
        host = headers.get("host", "")
        bucket, dot, rest = host.partition(".")
        if not dot or rest != "localhost:%d" % self.port:
            raise Refused(403, "SecondLevelDomainForbidden", "The bucket you "
                          "are attempting to access must be addressed using "
                          "OSS third level domain.")
        text = headers.get("authorization")
        if text is None:
            raise Refused(403, "AccessDenied", "You have no right to access "
                          "this object because of bucket acl.")
        m = CREDENTIAL.match(text)
        stamp = headers.get("x-oss-date", "")
        if m is None or not re.match(r"^\d{8}T\d{6}Z$", stamp) or \
                stamp[:8] != m[2]:
            raise Refused(400, "InvalidArgument", "Authorization header is "
                          "invalid.")
        if headers.get("x-oss-content-sha256") != "UNSIGNED-PAYLOAD":
            raise Refused(400, "InvalidArgument", "x-oss-content-sha256 is "
                          "invalid.")
        if m[1] != self.key_id:
            raise Refused(403, "InvalidAccessKeyId", "The OSS Access Key Id "
                          "you provided does not exist in our records.")
        if m[3] != self.region:
            raise Refused(400, "InvalidArgument", "Invalid signing region in "
                          "Authorization header.")
        sent = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
        if abs(time.time() + self.skew - sent) > 900:
            raise Refused(403, "RequestTimeTooSkewed", "The difference "
                          "between the request time and the current time is "
                          "too large.")
        want = signature(self.secret, m[3], stamp, method, bucket, key,
                         query, headers, set((m[4] or "").split(";")) - {""})
        if not hmac.compare_digest(want, m[5]):
            raise Refused(403, "SignatureDoesNotMatch", "The request "
                          "signature we calculated does not match the "
                          "signature you provided. Check your key and "
                          "signing method.")
        if bucket != self.bucket:
            raise Refused(404, "NoSuchBucket", "The specified bucket does "
                          "not exist.")

    def list(self, query):
        """ListObjectsV2 (help.aliyun.com, "ListObjectsV2 (GetBucketV2)")."""
        q = dict(urllib.parse.parse_qsl(query))
        if q.get("list-type") != "2":
            raise Refused(400, "InvalidArgument", "list-type is invalid.")
        after = q.get("continuation-token", "")
        keys = sorted(k for k in self.objects
                      if k.startswith(q.get("prefix", "")) and k > after)
        page = keys[:min(self.page, int(q.get("max-keys", 100)))]
        more = len(page) < len(keys)
        return 200, {"Content-Type": "application/xml"}, (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>'
            "<Name>%s</Name><Prefix>%s</Prefix><MaxKeys>%s</MaxKeys>"
            "<IsTruncated>%s</IsTruncated>%s%s<KeyCount>%d</KeyCount>"
            "</ListBucketResult>" % (
                self.bucket, q.get("prefix", ""), q.get("max-keys", 100),
                "true" if more else "false", "".join(
                    "<Contents><Key>%s</Key><ETag>&quot;%s&quot;</ETag>"
                    "<Size>%d</Size></Contents>" % (
                        k, hashlib.md5(self.objects[k]).hexdigest().upper(),
                        len(self.objects[k])) for k in page),
                "<NextContinuationToken>%s</NextContinuationToken>"
                % page[-1] if more else "", len(page))).encode()

    def serve(self, method, key, headers, body, query=""):
        if method == "GET" and key == "":
            return self.list(query)
        have = self.objects.get(key)
        etag = have and '"%s"' % hashlib.md5(have).hexdigest().upper()
        if method == "PUT":
            if have is not None and \
                    headers.get("x-oss-forbid-overwrite") == "true":
                raise Refused(409, "FileAlreadyExists", "The object you "
                              "specified already exists and can not be "
                              "overwritten.")
            sse = headers.get("x-oss-server-side-encryption")
            if sse not in (None, "AES256", "KMS", "SM4"):
                raise Refused(400, "InvalidEncryptionAlgorithmError",
                              "The encryption request you specified is not "
                              "valid.")
            if "x-oss-server-side-encryption-key-id" in headers and \
                    sse != "KMS":
                raise Refused(400, "InvalidArgument",
                              "KMS key id without KMS.")
            self.objects[key] = body
            return 200, {"ETag": '"%s"'
                         % hashlib.md5(body).hexdigest().upper()}, b""
        if have is None:
            raise Refused(404, "NoSuchKey", "The specified key does not "
                          "exist.")
        if method == "DELETE":
            del self.objects[key]
            return 204, {}, b""
        if headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"ETag": etag, "Content-Type":
                     "application/octet-stream"}, have
