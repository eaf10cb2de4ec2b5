# SPDX-License-Identifier: MIT
"""A cluster of real etcd members (Debian's etcd-server, etcd-client)."""

import base64
import json
import os
import shutil
import subprocess
import threading
import time

from . import proc
from .ca import NEW_EC


def nobody(tls):
    """A client's certificate and key, of a CA's, without a CN: the gateway
    takes none with one from those who log in."""
    folder = os.path.dirname(tls.ca)
    cert, key = (os.path.join(folder, "nobody." + x) for x in ("pem", "key"))
    if not os.path.exists(cert):
        proc.run(["openssl", "req"] + NEW_EC + [
            "-keyout", key, "-out", "nobody.csr", "-subj", "/O=acmed"],
            cwd=folder)
        proc.run(["openssl", "x509", "-req", "-in", "nobody.csr", "-CA",
                  "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                  "9", "-out", cert], cwd=folder)
    return cert, key


class Etcd:
    """n members; with tls = a pair with .ca, .cert, .key, on TLS, and then
    clients must show a certificate of that CA as well."""

    def __init__(self, folder, n=3, tls=None, base=23790, options=()):
        if not shutil.which("etcd") or not shutil.which("etcdctl"):
            raise proc.LabError("etcd-server or etcd-client is not installed")
        self.folder, self.tls, self.options = folder, tls, list(options)
        self.ports = [base + 10 * i for i in range(n)]
        self.scheme = "https" if tls else "http"
        self.urls = ["%s://127.0.0.1:%d" % (self.scheme, p)
                     for p in self.ports]
        self.members = [None] * n
        os.makedirs(folder)
        for i in range(n):
            self.start(i)
        self.wait()

    def start(self, i):
        peers = ",".join("m%d=http://127.0.0.1:%d" % (j, p + 1)
                         for j, p in enumerate(self.ports))
        peer = "http://127.0.0.1:%d" % (self.ports[i] + 1)
        argv = ["etcd", "--name", "m%d" % i,
                "--data-dir", os.path.join(self.folder, "m%d" % i),
                "--listen-client-urls", self.urls[i],
                "--advertise-client-urls", self.urls[i],
                "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer,
                "--initial-cluster", peers, "--initial-cluster-state", "new",
                "--heartbeat-interval", "50", "--election-timeout", "500"]
        if self.tls:
            argv += ["--cert-file", self.tls.cert, "--key-file", self.tls.key,
                     "--trusted-ca-file", self.tls.ca, "--client-cert-auth"]
        self.members[i] = proc.Proc(
            argv + self.options, os.path.join(self.folder, "m%d.log" % i),
            env=dict(os.environ, ETCD_UNSUPPORTED_ARCH=os.uname().machine))

    def ctl(self, *args, check=True, user=None):
        argv = ["etcdctl", "--endpoints", ",".join(self.urls),
                # Of members that are down nothing comes.
                "--command-timeout", "5s" if args[0] == "endpoint" else "30s"]
        if self.tls:
            argv += ["--cacert", self.tls.ca, "--cert", self.tls.cert,
                     "--key", self.tls.key]
        if user:
            argv += ["--user", user]
        return proc.run(argv + list(args), check=check,
                        env=dict(os.environ, ETCDCTL_API="3")).stdout

    def wait(self):
        proc.wait_until("etcd", lambda: "is healthy" in self.ctl(
            "endpoint", "health", check=False), timeout=30)

    def keys(self, user=None):
        return self.ctl("get", "--prefix", "--keys-only", "/",
                        user=user).split()

    def leader(self):
        for i, line in enumerate(self.ctl("endpoint", "status").split("\n")):
            if line.split(", ")[4:5] == ["true"]:
                return i
        raise proc.LabError("etcd has no leader")

    def watch(self, prefix):
        return Watch(self, prefix)

    def stop(self):
        for m in self.members:
            if m:
                m.kill()
        for m in self.members:
            if m:
                m.wait()


class Watch:
    """When which key below the prefix was written: .seen has pairs of
    time.monotonic() and the key."""

    def __init__(self, etcd, prefix):
        self.seen = []
        self.popen = subprocess.Popen(
            ["etcdctl", "--endpoints", ",".join(etcd.urls), "watch",
             "--prefix", "-w", "json", prefix], stdout=subprocess.PIPE,
            env=dict(os.environ, ETCDCTL_API="3"))
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        # It tells nothing of its beginning.
        proc.wait_until("the watch", self.is_there(etcd, prefix), 20)

    def is_there(self, etcd, prefix):
        def check():
            etcd.ctl("put", prefix + "/lab/watch", "")
            etcd.ctl("del", prefix + "/lab/watch")
            return self.seen
        return check

    def read(self):
        for line in self.popen.stdout:
            now = time.monotonic()
            self.seen += [(now, base64.b64decode(e["kv"]["key"]).decode())
                          for e in json.loads(line)["Events"]
                          if e.get("type") != 1]

    def stop(self):
        self.popen.kill()
        self.popen.wait()
        self.thread.join()
        self.popen.stdout.close()
