# SPDX-License-Identifier: MIT
"""People are told: mail through real and through bad servers, webhooks that
recompute signatures, programs; and nothing is lost."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import threading
import time
import urllib.parse

import pytest

from lab import daemon, mail, proc

OPS = "ops@test"


@pytest.fixture
def told(make):
    """An acmed whose provider's credentials are refused by the name server:
    something that is told at once."""
    acmed = make()
    acmed.options["alarm_gather"] = "0s"
    acmed.providers["dns"]["key_secret"] = base64.b64encode(
        b"not the secret that BIND has....").decode()
    acmed.cert("told.example.test")
    return acmed


@pytest.fixture
def faulty():
    made = []

    def build(**opt):
        made.append(mail.Faulty(**opt))
        return made[-1]
    yield build
    for server in made:
        server.stop()


def smtp(port, **opts):
    return dict({"mail_to": [OPS], "mail_from": "acmed@host.test",
                 "smtp": "smtp://localhost:%d" % port}, **opts)


def channel(acmed, name="ops"):
    for c in acmed.status()["notify"]:
        if c["name"] == name:
            return c
    return None


def wait_failing(acmed, name="ops"):
    return acmed.wait("channel %s to fail" % name, lambda: channel(
        acmed, name) and channel(acmed, name)["error"])


@pytest.fixture(scope="module")
def postfix(lab):
    server = mail.Postfix(os.path.join(lab.folder, "postfix"), lab.tls.cert,
                          lab.tls.key, next(lab.ports), next(lab.ports))
    server.start()
    yield server
    server.stop()


def password(acmed, text=mail.PASSWORD):
    path = os.path.join(acmed.folder, "password")
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


def test_postfix(told, lab, postfix):
    """A failed renewal becomes a mail with the name server's words, through
    Postfix: STARTTLS and AUTH for one channel, SMTPS for another."""
    told.notifies["ops"] = smtp(
        postfix.port, ca_file=lab.tls.ca, user=mail.USER,
        password_file=password(told))
    told.notifies["zh"] = smtp(
        postfix.port2, ca_file=lab.tls.ca, user=mail.USER,
        password_file=password(told), language="zh",
        smtp="smtps://localhost:%d" % postfix.port2)
    told.start()
    mails = told.wait("two mails", lambda: len(postfix.mails()) >= 2
                      and postfix.mails(), 30)
    mails.sort(key=lambda m: m["Subject"].isascii(), reverse=True)
    en, zh = mails
    assert en["Subject"] == "[acmed] told.example.test: DNS credentials " \
        "refused"
    assert zh["Subject"] == "[acmed] told.example.test：DNS 凭据被拒绝"
    assert en["To"] == OPS and "acmed@host.test" in en["From"]
    assert en["Auto-Submitted"] == "auto-generated"
    assert "ESMTPSA" in en["Received"] and en["Date"] and en["Message-ID"]
    text = en.get_content()
    assert 'provider "dns" refuses the credentials' in " ".join(text.split())
    assert "Step:         authorize" in text and "Reason:" in text
    assert "证书" in zh.get_content()
    # Postfix has it a moment before the daemon hears so.
    told.wait("the count", lambda: channel(told)["sent"] == 1)
    assert channel(told)["state"] == "ok"
    metrics = told.get("/metrics")[1]
    assert 'acmed_notify_sent_total{channel="ops"} 1' in metrics
    # Mended: it is told that it is over.
    told.providers["dns"] = daemon.rfc2136()
    told.write_conf()
    told.reload()
    told.wait_valid("told.example.test", 30)
    told.wait("two more", lambda: len(postfix.mails()) >= 4, 30)
    assert any("works again" in m["Subject"] for m in postfix.mails())
    told.stop()


def test_wrong_password(told, lab, postfix):
    told.notifies["ops"] = smtp(
        postfix.port, ca_file=lab.tls.ca, user=mail.USER,
        password_file=password(told, "wrong"))
    told.start()
    p = told.ctl("notify-test")
    assert p.returncode == 1 and "535" in p.stdout and "ops" in p.stdout
    error = wait_failing(told)
    assert error["code"] == "smtp:auth" and error["kind"] == "config"
    assert "notify: channel ops fails" in told.ctl("status").stdout
    told.stop()


@pytest.mark.parametrize("says, opts, code, words", [
    ({"RCPT": "550 5.1.1 no such user"}, {}, "smtp:refused",
     "550 5.1.1 no such user"),
    ({"RCPT": "451-4.7.1 grey\r\n451 4.7.1 later"}, {}, "smtp:deferred",
     "451-4.7.1 grey 4.7.1 later"),
    ({".": "552 too much"}, {}, "smtp:refused", "552 too much"),
    ({"EHLO": "554 go away", "HELO": "554 go away"}, {}, "smtp:refused",
     "554"),
    ({}, {"starttls": "required"}, "smtp:starttls", "STARTTLS"),
])
def test_refusals(told, faulty, says, opts, code, words):
    """The server's own words are told, and the rest of acmed goes on."""
    server = faulty(says=says)
    told.notifies["ops"] = smtp(server.port, **dict({"starttls": "none"},
                                                    **opts))
    told.start()
    p = told.ctl("notify-test", "ops")
    assert p.returncode == 1 and words in " ".join(p.stdout.split())
    assert wait_failing(told)["code"] == code
    assert channel(told)["queued"] >= 1
    told.stop()


def test_wrong_certificate(told, faulty, lab):
    """A certificate of somebody else: nothing is sent, not even a name."""
    server = faulty(cert=lab.tls.cert, key=lab.tls.key)
    told.notifies["ops"] = smtp(                    # without the ca_file
        server.port, starttls="required")
    told.start()
    assert wait_failing(told)["code"] == "smtp:tls"
    assert not any("MAIL" in line for line in server.seen)
    told.stop()


def test_own_server(told, faulty, lab):
    """The MTA of this machine has a certificate for another name: the
    default still encrypts where that is offered."""
    server = faulty(cert=lab.tls.cert, key=lab.tls.key)
    plain = faulty()
    told.notifies["ops"] = smtp(server.port)
    told.notifies["plain"] = smtp(plain.port)
    told.start()
    p = told.ctl("notify-test")
    assert p.returncode == 0, p.stdout
    assert "STARTTLS" in server.seen and server.mails and plain.mails
    told.stop()


@pytest.mark.parametrize("opts, want", [
    ({}, "host.test"),
    ({"helo": "web1.example.net"}, "web1.example.net"),
    ({"helo": "[192.0.2.7]"}, "[192.0.2.7]"),
    ({"mail_from": None}, "[127.0.0.1]"),
])
def test_full_name_in_ehlo(told, faulty, opts, want):
    """A server that wants a full name; this host's has no dot."""
    class Strict(dict):
        def get(self, line, good=None):
            word = line.split()
            if word[0] in ("EHLO", "HELO") and len(word) == 2 and \
                    "." not in word[1]:
                return "504 5.5.2 <%s>: need fully-qualified hostname" \
                    % word[1]
            return good
    server = faulty(says=Strict(RSET="250 ok"))
    told.notifies["ops"] = smtp(server.port, **dict(
        {"starttls": "none", "smtp": "smtp://127.0.0.1:%d" % server.port},
        **opts))
    told.wrap = ["unshare", "--uts", "sh", "-c",
                 'hostname container; exec "$@"', "sh"] + told.wrap
    told.start()
    p = told.ctl("notify-test")
    assert p.returncode == 0, p.stdout
    assert server.mails and server.seen[0] == "EHLO " + want
    told.stop()


def test_hanging_server(make, faulty):
    """A server that never answers keeps nobody waiting."""
    server = faulty(hangs="DATA")
    acmed = make()
    acmed.options["alarm_gather"] = "0s"
    acmed.cert("hang.example.test")
    acmed.notifies["ops"] = smtp(server.port, starttls="none", timeout="2s",
                                 events=["all"])
    acmed.start()
    acmed.wait_valid("hang.example.test", 30)
    assert wait_failing(acmed)["code"] == "smtp:timeout"
    acmed.ctl("renew-now", "hang.example.test")
    acmed.stop()


def test_server_down_then_back(told, faulty):
    """Killed with a message queued and the server down: it arrives later,
    once, with the same id."""
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()
    told.notifies["ops"] = smtp(number, starttls="none")
    told.start()
    assert wait_failing(told)["code"] == "smtp:connect"
    told.kill()
    server = faulty()
    told.notifies["ops"] = smtp(server.port, starttls="none")
    told.start()
    told.wait("the mail", lambda: server.mails, 20)
    assert "DNS credentials" in server.mails[0]["Subject"]
    # Stopped before it has noted that, it would send it again.
    told.wait("the count", lambda: channel(told)["queued"] == 0)
    told.stop()
    told.start()
    told.stop()
    assert len({m["Message-ID"] for m in server.mails}) == 1
    assert len(server.mails) == 1


def test_kill_while_sending(told, faulty):
    """kill -9 between DATA and its answer: sent again, the same id."""
    server = faulty(hangs="QUIT", says={})
    told.notifies["ops"] = smtp(server.port, starttls="none")
    told.start()
    told.wait("the mail", lambda: server.mails, 20)
    told.kill()
    told.start()
    told.wait("the queue to be empty",
              lambda: channel(told)["queued"] == 0, 20)
    told.stop()
    assert len({m["Message-ID"] for m in server.mails}) == 1


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        said = self.server.says(self.path, body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def do_GET(self):
        self.server.got.append((self.path, dict(self.headers), b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def hook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got, server.says = [], lambda path, body: {}
    server.url = "http://127.0.0.1:%d" % server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def sha256(key, text):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()


def test_webhooks(told, hook):
    """Signatures as the vendors publish them; errors inside of 200; URLs and
    secrets are in no log."""
    def says(path, body):
        url = urllib.parse.urlsplit(path)
        query = urllib.parse.parse_qs(url.query)
        if url.path == "/ding":
            stamp = query["timestamp"][0]
            want = sha256("s3cret", stamp + "\n" + "s3cret")
            good = base64.b64decode(query["sign"][0]) == want
            return {"errcode": 0 if good else 310000, "errmsg": "sign"}
        if url.path == "/lark":
            j = json.loads(body)
            want = sha256(j["timestamp"] + "\ns3cret", "")
            good = base64.b64decode(j["sign"]) == want
            return {"code": 0 if good else 19021, "msg": "sign"}
        if url.path == "/wecom":
            return {"errcode": 93000, "errmsg": "invalid webhook url"}
        if url.path == "/tg/sendMessage":
            return {"ok": json.loads(body)["chat_id"] == "-5"}
        return {}
    hook.says = says
    url = hook.url
    told.notifies.update({
        "ding": {"webhook": url + "/ding?access_token=t0ken",
                 "template": "dingtalk", "secret": "s3cret"},
        "lark": {"webhook": url + "/lark", "template": "feishu",
                 "secret": "s3cret"},
        "wecom": {"webhook": url + "/wecom?key=t0ken", "template": "wecom"},
        "tg": {"webhook": url + "/tg", "template": "telegram", "chat": "-5"},
        "ntfy": {"webhook": url + "/topic", "template": "ntfy"},
        "json": {"webhook": url + "/json", "secret": "s3cret"},
    })
    told.start()
    p = told.ctl("notify-test")
    assert p.returncode == 1
    assert "wecom: FAILED: WeCom says: invalid webhook url" in p.stdout
    for name in ("ding", "lark", "tg", "ntfy", "json"):
        assert "%s: sent" % name in p.stdout
    told.wait("the failure to be told", lambda: any(
        path == "/json" and b"credentials" in body
        for path, _, body in hook.got), 20)
    for path, headers, body in hook.got:
        if path == "/json":
            assert headers["X-Acmed-Signature"] == "sha256=" + hmac.new(
                b"s3cret", body, hashlib.sha256).hexdigest()
            assert json.loads(body)["host"]
    told.stop()
    assert "t0ken" not in told.log() and "s3cret" not in told.log()


def test_heartbeat(make, hook):
    """Fetched as long as all is well."""
    acmed = make()
    acmed.cert("heart.example.test")
    acmed.notifies["dead"] = {"heartbeat": hook.url + "/beat",
                              "interval": "1s"}
    acmed.start()
    acmed.wait("three beats", lambda: len(hook.got) >= 3, 20)
    acmed.stop()


def test_served_decides(make, lab, nginx, hook):
    """A new certificate is installed and nobody serves it: how urgent that
    is follows from the old one, also for a daemon started later."""
    name = "old.example.test"
    acmed = make(validity_s=900)
    jump = acmed.fake_clock()
    if jump is None:
        pytest.skip("there is no way to let time pass")
    acmed.accounts["long"] = dict(acmed.accounts["lab"],
                                  directory=lab.pebble().directory)
    acmed.options["alarm_gather"] = "0s"
    acmed.cert(name)
    acmed.notifies.update({
        "all": {"webhook": hook.url + "/all"},
        "critical": {"webhook": hook.url + "/critical", "level": "critical"},
        "beat": {"heartbeat": hook.url + "/beat", "interval": "1s"}})

    def got(path, subject=""):
        return [json.loads(b or b"{}") for p, _, b in list(hook.got)
                if p == path and (not subject or subject in json.loads(
                    b)["subject"])]
    acmed.start()
    acmed.wait_valid(name, 30)
    web = nginx(acmed.live(name), acmed.live(name, "privkey.pem"), 12443)
    web.start()
    target = {"exec": ["true"], "verify_timeout": "1s",
              "verify": [name + ":12443 connect=127.0.0.1"]}
    acmed.certs[name]["deploy"] = {"web": target}
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    acmed.wait("the target", lambda: acmed.cert_status(
        name)["deploy"][0]["state"] == "done")
    end = acmed.cert_status(name)["not_after"]
    acmed.certs[name]["account"] = "long"
    acmed.write_conf()
    assert acmed.ctl("reload").returncode == 0
    assert acmed.ctl("renew-now", name).returncode == 1
    acmed.wait("the message", lambda: got("/all", "old certificate served"))
    told = got("/all")[0]
    assert told["event"] == "serving-old" and told["level"] == "warning"
    item = told["certificates"][0]
    assert item["not_after"] == end and item["new_not_after"] > end + 86400
    assert got("/beat") and not got("/critical")
    acmed.stop()
    jump_to_end = end - int(time.time()) + 60
    with open(os.path.join(acmed.folder, "clock"), "w") as f:
        f.write("+%d\n" % jump_to_end)
    before = len(got("/beat"))
    acmed.start()
    acmed.wait("the alarm", lambda: got(
        "/critical", "EXPIRED certificate is served"))
    assert got("/all", "EXPIRED certificate is served")
    time.sleep(2.5)
    assert len(got("/beat")) == before
    assert 'acmed_served_expiry_timestamp_seconds{name="%s",target="web"} %d' % (
        name, end) in acmed.get("/metrics")[1]
    # acmectl's own clock goes right.
    assert "what it serves expires" in " ".join(
        acmed.ctl("status", name).stdout.split())
    proc.run(web.reload_argv)
    assert acmed.ctl("deploy", name).returncode == 0
    acmed.wait("the end", lambda: got("/all", "works again"))
    acmed.wait("a beat", lambda: len(got("/beat")) > before)
    acmed.stop()


def test_exec_and_sendmail(told):
    """JSON on standard input; and a mail for a local program."""
    out = os.path.join(told.folder, "out")
    eml = os.path.join(told.folder, "eml")
    script = os.path.join(told.folder, "sendmail")
    with open(script, "w") as f:
        f.write("#!/bin/sh\necho \"$*\" >%s.args\ncat >%s.tmp\n"
                "mv %s.tmp %s\n" % (eml, eml, eml, eml))
    os.chmod(script, 0o755)
    told.notifies["run"] = {"exec": [
        "/bin/sh", "-c", "cat >%s; env >%s.tmp; mv %s.tmp %s.env"
        % (out, out, out, out)]}
    told.notifies["local"] = {"mail_to": [OPS], "sendmail": script,
                              "mail_from": "acmed@host.test"}
    told.start()
    proc.wait_until("both", lambda: os.path.exists(out + ".env")
                    and os.path.exists(eml))
    with open(out) as f:
        j = json.load(f)
    assert j["event"] == "credentials" and j["what"] == "new"
    assert j["certificates"][0]["name"] == "told.example.test"
    with open(out + ".env") as f:
        assert "ACMED_EVENT=credentials\n" in f.read()
    with open(eml + ".args") as f:
        assert f.read() == "-i -f acmed@host.test -- %s\n" % OPS
    with open(eml, "rb") as f:
        assert b"\r" not in f.read()
    told.stop()
