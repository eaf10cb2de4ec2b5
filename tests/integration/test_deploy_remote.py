# SPDX-License-Identifier: MIT
"""Deploy steps that talk to somebody: HAProxy, another host, a webhook."""

import hashlib
import hmac
import http.server
import json
import os
import pwd
import ssl
import threading

import pytest

from lab import proc


def settled(acmed, name, state):
    def check():
        c = acmed.cert_status(name)
        return c["serial"] and c["run"] is None and c["deploy"] and \
            c["deploy"][0]["state"] == state and c["deploy"][0]
    return acmed.wait("deploy %s" % state, check, timeout=30)


def served(port, name="localhost"):
    p = proc.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port,
                  "-servername", name], check=False)
    begin = p.stdout.find("-----BEGIN CERTIFICATE-----")
    end = p.stdout.find("-----END CERTIFICATE-----")
    return p.stdout[begin:end] + "-----END CERTIFICATE-----\n" \
        if 0 <= begin < end else None


def read(path):
    with open(path) as f:
        return f.read()


# --- HAProxy ---

@pytest.fixture
def haproxy(lab, request):
    folder = os.path.join(lab.folder, "haproxy%d" % next(lab.serial))
    os.mkdir(folder)
    pem = os.path.join(folder, "site.pem")
    with open(pem, "w") as f:
        f.write(read(lab.tls.cert) + read(lab.tls.key))
    conf, sock = os.path.join(folder, "conf"), os.path.join(folder, "sock")
    port = next(lab.ports)
    with open(conf, "w") as f:
        f.write("global\n  stats socket %s mode 600 level admin\n"
                "  stats timeout 5s\n"
                "defaults\n  mode http\n  timeout client 10s\n"
                "  timeout server 10s\n  timeout connect 3s\n"
                "frontend f\n  bind 127.0.0.1:%d ssl crt %s\n"
                "  http-request return status 200\n" % (sock, port, pem))
    p = proc.Proc(["haproxy", "-db", "-f", conf],
                  os.path.join(folder, "log"))
    p.ready(lambda: served(port) is not None)
    yield {"pem": pem, "socket": sock, "port": port, "proc": p}
    p.stop()


def test_haproxy(acmed, haproxy):
    """The running HAProxy takes each new certificate, without a reload."""
    name = "hap.example.test"
    acmed.cert(name, deploy={"lb": {
        "install": {haproxy["pem"]: {"format": "combined"}},
        "haproxy": {haproxy["socket"]: {"file": haproxy["pem"]}}}})
    acmed.start()
    settled(acmed, name, "done")
    first = read(acmed.live(name, "cert.pem"))
    assert served(haproxy["port"]) == first
    acmed.ctl("renew-now", name)
    settled(acmed, name, "done")
    assert read(acmed.live(name, "cert.pem")) != first
    assert served(haproxy["port"]) == read(acmed.live(name, "cert.pem"))
    assert read(haproxy["pem"]) == read(acmed.live(name)) \
        + read(acmed.live(name, "privkey.pem"))


def test_haproxy_refuses(acmed, haproxy):
    """It does not know that file; its words are told, nothing hangs."""
    name = "hapno.example.test"
    acmed.cert(name, deploy={"lb": {
        "haproxy": {haproxy["socket"]: {"file": "/no/such.pem"}}}})
    acmed.start()
    error = settled(acmed, name, "failed")["error"]
    assert "HAProxy refuses" in error and "/no/such.pem" in error


def test_haproxy_is_away(acmed, haproxy):
    name = "hapaway.example.test"
    haproxy["proc"].stop()
    acmed.cert(name, deploy={"lb": {
        "haproxy": {haproxy["socket"]: {"file": haproxy["pem"]}}}})
    acmed.start()
    assert haproxy["socket"] in settled(acmed, name, "failed")["error"]


# --- ssh ---

@pytest.fixture
def sshd(lab):
    """An OpenSSH server that lets this user in with one key."""
    folder = os.path.join(lab.folder, "sshd%d" % next(lab.serial))
    os.mkdir(folder)
    for k in ("host", "id", "other"):
        proc.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                  os.path.join(folder, k)])
    port = next(lab.ports)
    os.makedirs("/run/sshd", exist_ok=True)
    at = {k: os.path.join(folder, k) for k in (
        "host", "id", "id.pub", "known", "log", "conf", "other.pub", "wrong",
        "files")}
    os.mkdir(at["files"])
    with open(at["conf"], "w") as f:
        f.write("ListenAddress 127.0.0.1:%d\nHostKey %s\nPidFile none\n"
                "AuthorizedKeysFile %s\nStrictModes no\nUsePAM no\n"
                "PasswordAuthentication no\nPermitRootLogin yes\n"
                "Subsystem sftp internal-sftp\n"
                % (port, at["host"], at["id.pub"]))
    for known, key in (("known", "host"), ("wrong", "other")):
        with open(at[known], "w") as f:
            f.write("[127.0.0.1]:%d %s" % (
                port, read(os.path.join(folder, key + ".pub"))))
    p = proc.Proc(["/usr/sbin/sshd", "-D", "-e", "-f", at["conf"]],
                  at["log"])
    p.ready(lambda: "listening" in p.log())
    at["port"], at["proc"] = str(port), p
    at["user"] = pwd.getpwuid(os.geteuid()).pw_name
    yield at
    p.stop()


def remote(at, known="known", **more):
    return {"%s@127.0.0.1" % at["user"]: dict({
        "port": at["port"], "identity_file": at["id"],
        "known_hosts_file": at[known]}, **more)}


def test_ssh(acmed, sshd):
    """Files under their names with their modes, then the command."""
    name = "ssh.example.test"
    full, key, p = (os.path.join(sshd["files"], f) for f in (
        "full chain.pem", "key.pem", "ran"))
    os.symlink("/nowhere", full + ".acmed-new")     # left by somebody
    acmed.cert(name, deploy={"web1": {"ssh": remote(sshd, file={
        full: {"format": "fullchain"}, key: {"format": "privkey",
                                             "mode": "0640"}},
        command="cat '%s' >%s" % (key, p))}})
    acmed.start()
    for _ in range(2):
        settled(acmed, name, "done")
        assert read(full) == read(acmed.live(name))
        assert read(key) == read(p) == read(acmed.live(name, "privkey.pem"))
        assert os.stat(full).st_mode & 0o777 == 0o644
        assert os.stat(key).st_mode & 0o777 == 0o640
        assert len(os.listdir(sshd["files"])) == 3
        assert os.listdir(os.path.join(acmed.state_dir, "scratch")) == []
        acmed.ctl("renew-now", name)


@pytest.mark.parametrize("how", ["host key", "command", "folder", "away"])
def test_ssh_fails(acmed, sshd, how):
    """Nobody is asked anything; the words of ssh are told."""
    name = "sshno.example.test"
    file = os.path.join(sshd["files"], "x.pem")
    if how == "folder":
        file = os.path.join(sshd["files"], "no", "x.pem")
    if how == "away":
        sshd["proc"].stop()
    acmed.cert(name, deploy={"web1": {"ssh": remote(
        sshd, "wrong" if how == "host key" else "known",
        file={file: {"format": "combined"}}, command="echo oh no >&2; "
        "exit 5" if how == "command" else "true")}})
    acmed.start()
    error = settled(acmed, name, "failed")["error"]
    assert "127.0.0.1" in error
    assert {"host key": "ost key verification failed",
            "command": "status 5: oh no", "folder": "/no/x.pem",
            "away": "onnection"}[how] in error
    assert os.path.exists(file) == (how == "command")
    assert os.listdir(os.path.join(acmed.state_dir, "scratch")) == []


# --- webhook ---

@pytest.fixture
def hook(lab):
    """An HTTPS server that keeps what it is sent; answers as it is told."""
    got, answer = [], {"status": 204, "body": b""}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.tls.cert, lab.tls.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"got": got, "answer": answer, "ca": lab.tls.ca,
           "url": "https://localhost:%d/hook?id=s3cret-part"
                  % server.server_port}
    server.shutdown()


@pytest.mark.parametrize("with_key", [False, True])
def test_webhook(acmed, hook, with_key):
    name = "hook.example.test"
    token = os.path.join(acmed.folder, "token")
    with open(token, "w") as f:
        f.write("t0ken\n")
    os.chmod(token, 0o600)
    acmed.cert(name, [name, "*." + name], deploy={"tell": {"webhook": {
        hook["url"]: {"ca_file": hook["ca"], "token_file": token,
                      "include_key": "true" if with_key else "false"}}}})
    acmed.start()
    settled(acmed, name, "done")
    (path, headers, body), = hook["got"]
    assert path == "/hook?id=s3cret-part"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Content-Type"] == "application/json"
    c = acmed.cert_status(name)
    assert body["event"] == "deploy" and body["certificate"] == name
    assert body["names"] == [name, "*." + name] and body["target"] == "tell"
    assert body["serial"] == c["serial"]
    assert body["not_after"] == c["not_after"]
    assert body["fullchain"] == read(acmed.live(name))
    assert ("privkey" in body) == with_key
    if with_key:
        assert body["privkey"] == read(acmed.live(name, "privkey.pem"))
    assert "s3cret-part" not in acmed.log() and "t0ken" not in acmed.log()


def test_webhook_refuses(acmed, hook):
    """In its own words, but for what it repeats of what is secret."""
    name = "hookno.example.test"
    token = os.path.join(acmed.folder, "token")
    with open(token, "w") as f:
        f.write("t0ken-of-ours\n")
    os.chmod(token, 0o600)
    hook["answer"].update(status=409, body=b"the \x1bmoon is full for "
                          b"Bearer t0ken-of-ours at /hook?id=s3cret-part\n")
    acmed.cert(name, deploy={"tell": {"webhook": {
        hook["url"]: {"ca_file": hook["ca"], "token_file": token}}}})
    acmed.start()
    error = settled(acmed, name, "failed")["error"]
    assert "409" in error and "moon is full" in error and "\x1b" not in error
    for text in (error, acmed.log()):
        assert "t0ken" not in text and "s3cret-part" not in text
    hook["answer"].update(status=200)
    acmed.stop()
    acmed.start()
    settled(acmed, name, "done")


# --- publish ---

def repository(acmed, **opts):
    secret = os.path.join(acmed.folder, "shared-secret")
    with open(secret, "w") as f:
        f.write("0123456789abcdef" * 4 + "\n")
    os.chmod(secret, 0o600)
    acmed.repositories["fleet"] = dict({
        "type": "directory", "path": os.path.join(acmed.folder, "fleet"),
        "encrypt_key_file": secret}, **opts)
    os.makedirs(os.path.join(acmed.folder, "fleet"), exist_ok=True)
    return os.path.join(acmed.folder, "fleet")


def test_publish(acmed):
    """A manifest of the newest version, whose files are sealed."""
    name = "pub.example.test"
    folder = repository(acmed)
    acmed.cert(name, [name, "*." + name],
               deploy={"fleet": {"publish": "fleet"}})
    acmed.start()
    settled(acmed, name, "done")
    manifest = json.loads(read(os.path.join(folder, name, "manifest.json")))
    c = acmed.cert_status(name)
    assert manifest["serial"] == c["serial"]
    assert manifest["names"] == ["*." + name, name] or \
        manifest["names"] == [name, "*." + name]
    assert manifest["not_after"] == c["not_after"] and manifest["encrypted"]
    for file, o in manifest["files"].items():
        with open(os.path.join(folder, name, o["path"]), "rb") as f:
            data = f.read()
        assert len(data) == o["size"] and data.startswith(b"ACMEDSEAL1\n")
        assert b"PRIVATE KEY" not in data and b"CERTIFICATE" not in data
        assert hashlib.sha256(data).hexdigest() == o["sha256"]
    # As any tool can check it.
    mac = manifest.pop("mac")
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    assert mac == hmac.new(("0123456789abcdef" * 4).encode(), text.encode(),
                           "sha256").hexdigest()
    acmed.ctl("renew-now", name)
    c = acmed.wait("the next", lambda: (
        lambda c: c["serial"] != manifest["serial"] and c["run"] is None
        and c["deploy"][0]["state"] == "done" and c)(acmed.cert_status(name)))
    again = json.loads(read(os.path.join(folder, name, "manifest.json")))
    assert again["serial"] == c["serial"]


def test_publish_is_foreign(acmed):
    """Somebody else's manifest is not replaced."""
    name = "pubno.example.test"
    folder = repository(acmed)
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, "manifest.json"), "w") as f:
        f.write('{"mac": "%s"}' % ("0" * 64))
    acmed.cert(name, deploy={"fleet": {"publish": "fleet"}})
    acmed.start()
    error = settled(acmed, name, "failed")["error"]
    assert "not ours to replace" in error and "another one" in error
    assert "mac" in read(os.path.join(folder, name, "manifest.json"))
