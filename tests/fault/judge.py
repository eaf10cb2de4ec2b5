# SPDX-License-Identifier: MIT
"""What must hold of a state directory and a zone, at any moment and at the end.

Everything here returns a list of problems, each a line; empty: all is well.
"""

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time

import dns.query
import dns.rdatatype
import dns.zone
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

FILES = ["privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"]


def public(key):
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


class Set:
    """The four files of one version, as a server would load them."""

    def __init__(self, texts):
        key, cert, chain, full = texts
        begin = b"-----BEGIN CERTIFICATE-----"
        self.problem = None
        self.serial, self.names = None, []
        if full != cert + chain:
            self.problem = "fullchain.pem is not cert.pem and chain.pem"
            return
        try:
            certs = [x509.load_pem_x509_certificate(begin + rest)
                     for rest in full.split(begin)[1:]]
            private = serialization.load_pem_private_key(key, None)
        except ValueError as e:
            self.problem = "a file cannot be read: %s" % e
            return
        leaf = certs[0]
        self.serial = "%x" % leaf.serial_number
        self.names = sorted(leaf.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value.get_values_for_type(
                x509.DNSName))
        if public(private.public_key()) != public(leaf.public_key()):
            self.problem = "the key is another certificate's"
        for lower, upper in zip(certs, certs[1:]):
            try:
                upper.public_key().verify(
                    lower.signature, lower.tbs_certificate_bytes,
                    ec.ECDSA(lower.signature_hash_algorithm))
            except InvalidSignature:
                self.problem = "the chain does not match"
        if len(certs) < 2:
            self.problem = "no chain"


def live_set(live):
    """The Set that live/NAME is now; raises OSError."""
    # One look-up of the link: what a server loads in one go.
    d = os.open(live, os.O_RDONLY | os.O_DIRECTORY)
    try:
        texts = []
        for name in FILES:
            fd = os.open(name, os.O_RDONLY, dir_fd=d)
            with os.fdopen(fd, "rb") as f:
                texts.append(f.read())
        return Set(texts)
    finally:
        os.close(d)


class Watch:
    """Looks at live/NAME all the time, which is there, or may yet come."""

    def __init__(self, live, is_there=True):
        self.live, self.is_there = live, is_there
        self.looks, self.problems = 0, []
        self.seen = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def stamp(self, link):
        # The link, and what it leads to: one changed byte changes this.
        base = os.path.join(os.path.dirname(self.live), link)
        return [link] + [(s.st_ino, s.st_size, s.st_mtime_ns, s.st_mode)
                         for s in (os.stat(os.path.join(base, f))
                                   for f in FILES)]

    def look(self):
        try:
            link = os.readlink(self.live)
        except FileNotFoundError:
            if self.is_there:
                self.problems.append("live is gone")
            return
        self.is_there = True
        try:
            stamp = self.stamp(link)
            if stamp == self.seen:
                return
            found = live_set(self.live)
            self.seen = stamp
        except FileNotFoundError as e:
            self.problems.append("live was not whole: %s" % e)
            return
        if found.problem:
            self.problems.append("live was mixed: " + found.problem)

    def work(self):
        while not self.over.wait(0.001):
            self.looks += 1
            if len(self.problems) < 3:
                self.look()

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.problems


def keys_are_private(state_dir):
    """Nobody else may read a key, under whatever name, or the database."""
    problems = []
    for folder, _, files in os.walk(state_dir):
        for name in files:
            path = os.path.join(folder, name)
            try:
                mode = os.lstat(path).st_mode
                if not stat.S_ISREG(mode) or not mode & 0o077:
                    continue
                with open(path, "rb") as f:
                    text = f.read()
            except FileNotFoundError:
                continue
            if b"PRIVATE KEY" in text or name.startswith("state.db"):
                problems.append("%s has mode %o" % (path, mode & 0o7777))
    return problems


def saved_order(state_dir):
    """The order URL that state.db has, or None; read from a copy."""
    with tempfile.TemporaryDirectory() as d:
        for end in "", "-wal":
            try:
                shutil.copy(os.path.join(state_dir, "state.db" + end), d)
            except FileNotFoundError:
                pass
        db = sqlite3.connect(os.path.join(d, "state.db"))
        try:
            rows = db.execute("SELECT order_url FROM cert").fetchall()
        except sqlite3.Error:
            return None     # killed before it was made
        finally:
            db.close()
    return rows[0][0] if rows else None


def zone_records(server, zone):
    """All records but the SOA, to compare."""
    found = set()
    z = dns.zone.from_xfr(dns.query.xfr(server, zone, lifetime=10))
    for name, node in z.nodes.items():
        for rds in node.rdatasets:
            if rds.rdtype != dns.rdatatype.SOA:
                found |= {"%s %s %s" % (name, dns.rdatatype.to_text(
                    rds.rdtype), r) for r in rds}
    return found


def files_are(state_dir, name, versions):
    """What a clean daemon keeps, and nothing that a crash left."""
    problems = []
    want = {"accounts", "archive", "last-good", "live", "lock", "pending",
            "requests", "reserve", "scratch", "state.db", "state.db-wal",
            "state.db-shm"}
    lists = {"": want, "live": {name}, "pending": set(), "requests": set(),
             "scratch": set(), "archive": {name}}
    for folder, names in lists.items():
        extra = set(os.listdir(os.path.join(state_dir, folder))) - names
        if extra:
            problems.append("left in %s/: %s" % (folder, sorted(extra)))
    got = os.listdir(os.path.join(state_dir, "archive", name))
    if len(got) != versions or any(v.startswith(".") for v in got):
        problems.append("archive: %s" % sorted(got))
    return problems


def last_run(path):
    """The serial of the last deploy, or None."""
    try:
        with open(path) as f:
            lines = f.read().split()
        return lines[-1].lower().lstrip("0") if lines else None
    except FileNotFoundError:
        return None


def wait_for(check, seconds):
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
