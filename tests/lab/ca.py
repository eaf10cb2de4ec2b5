# SPDX-License-Identifier: MIT
"""A throw-away CA for the laboratory's own TLS, and Pebble."""

import json
import os
import re
import ssl
import urllib.request

from . import proc

HERE = os.path.dirname(os.path.abspath(__file__))
# Where Pebble looks for http-01.
HTTP_PORT = 5002
# ... and for tls-alpn-01.
TLS_PORT = 5001
NEW_EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Tls:
    """ca.pem, and server.pem with server.key for localhost, 127.0.0.1."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.ca = os.path.join(folder, "ca.pem")
        self.cert = os.path.join(folder, "server.pem")
        self.key = os.path.join(folder, "server.key")
        proc.run(["openssl", "req", "-x509"] + NEW_EC + [
            "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=laboratory CA",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign"], cwd=folder)
        proc.run(["openssl", "req"] + NEW_EC + [
            "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1"], cwd=folder)
        proc.run(["openssl", "x509", "-req", "-in", "server.csr", "-CA",
                  "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                  "10", "-copy_extensions", "copy", "-out", "server.pem"],
                 cwd=folder)

    def context(self):
        return ssl.create_default_context(cafile=self.ca)


def pebble_path(*options):
    """Path of Pebble; raises LabError with the reason if there is none."""
    p = proc.run([os.path.join(HERE, "pebble.sh")] + list(options),
                 check=False, timeout=600)
    if p.returncode != 0:
        raise proc.LabError(p.stdout.strip())
    return [line for line in p.stdout.splitlines() if line[:1] == "/"][-1]


def is_current(path):
    """Is this the Pebble that the tests are written for?"""
    return os.path.basename(path).startswith("pebble-v")


class Pebble:
    """One Pebble.  Keyword arguments:

    dns             address:port it resolves through
    validity_s      lifetime of certificates (default 90 days)
    profiles        {name: seconds}: what it offers instead of one "default"
    nonce_reject    percentage of good nonces refused (default 15)
    alternate_roots number of alternate chains
    chain_length    intermediates
    eab             {kid: base64url key}: external accounts are required
    caa             what CAA records name it, in the directory
    blocked         names that it refuses with rejectedIdentifier
    retry_order     Retry-After of a processing order, seconds
    always_valid    no validation at all
    procs           GOMAXPROCS; with 1 its lock cycle (newOrder against the
                    authorizations of other orders) hardly ever closes
    """

    def __init__(self, path, tls, folder, port, dns, **opt):
        self.path, self.tls, self.folder = path, tls, folder
        self.port, self.dns, self.opt = port, dns, opt
        self.manage_port = port + 1000
        self.directory = "https://localhost:%d/dir" % port
        self.log_path = os.path.join(folder, "pebble-%d.log" % port)
        self.proc = None
        os.makedirs(folder, exist_ok=True)
        self.start()

    def start(self):
        opt = self.opt
        profiles = opt.get("profiles",
                           {"default": opt.get("validity_s", 90 * 86400)})
        conf = {
            "listenAddress": "127.0.0.1:%d" % self.port,
            "managementListenAddress": "127.0.0.1:%d" % self.manage_port,
            "certificate": self.tls.cert, "privateKey": self.tls.key,
            "httpPort": HTTP_PORT, "tlsPort": TLS_PORT, "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(opt.get("eab")),
            "externalAccountMACKeys": opt.get("eab", {}),
            "domainBlocklist": opt.get("blocked", []),
            "retryAfter": {"authz": 1, "order": opt.get("retry_order", 1)},
            "keyAlgorithm": "ecdsa",
            # 2.4.0 reads the second, newer ones the first.
            "profiles": {name: {"description": "laboratory, " + name,
                                "validityPeriod": seconds}
                         for name, seconds in profiles.items()},
            "certificateValidityPeriod": opt.get("validity_s", 90 * 86400),
        }
        if opt.get("caa"):
            conf["caaIdentities"] = opt["caa"]
        path = os.path.join(self.folder, "pebble-%d.json" % self.port)
        with open(path, "w") as f:
            json.dump({"pebble": conf}, f)
        env = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_AUTHZREUSE="0",
                   PEBBLE_WFE_NONCEREJECT=str(opt.get("nonce_reject", 15)),
                   PEBBLE_ALTERNATE_ROOTS=str(opt.get("alternate_roots", 0)),
                   PEBBLE_CHAIN_LENGTH=str(opt.get("chain_length", 1)))
        if opt.get("always_valid"):
            env["PEBBLE_VA_ALWAYS_VALID"] = "1"
        if opt.get("procs"):
            env["GOMAXPROCS"] = str(opt["procs"])
        self.proc = proc.Proc([self.path, "-config", path, "-strict",
                               "-dnsserver", self.dns], self.log_path,
                              env=env)
        self.proc.ready(self.answers, 30)

    def get(self, path, manage=False):
        url = "https://localhost:%d%s" % (
            self.manage_port if manage else self.port, path)
        with urllib.request.urlopen(url, timeout=5,
                                    context=self.tls.context()) as r:
            return r.read().decode()

    def answers(self):
        try:
            return self.get("/dir") and self.get("/roots/0", True)
        except OSError:
            return None

    def root(self, n=0):
        """PEM of a root (0: the default chain's)."""
        return self.get("/roots/%d" % n, True)

    def count(self, path):
        """Number of requests so far whose path begins so."""
        return len(re.findall(r"(?:POST|GET|HEAD) %s -> " % re.escape(path),
                              self.proc.log()))

    def requests(self):
        return self.proc.log().count("-> calling handler()")

    def orders(self):
        return self.proc.log().count("Added order ")

    def issued(self):
        return self.proc.log().count("Issued certificate serial ")

    def stop(self):
        self.proc.stop()
