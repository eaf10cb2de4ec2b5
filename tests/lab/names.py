# SPDX-License-Identifier: MIT
"""Name servers: BIND and Knot, each on an address of its own, port 53."""

import os
import shutil
import socket
import struct
import threading
import time

from . import proc

KEY_NAME = "acmed"
# 32 bytes, base64; any value would do.
KEY_SECRET = "bGFib3JhdG9yeS1sYWJvcmF0b3J5LWxhYm9yYXRvcnk="


def soa_serial(server, zone, timeout=0.3):
    """The SOA serial that a server shows now, or None.

    A query of twelve lines, so that the demo needs no DNS library.
    """
    qname = b"".join(bytes([len(p)]) + p.encode() for p in zone.split("."))
    query = struct.pack(">6H", 0x4242, 0x100, 1, 0, 0, 0) + qname + b"\0" \
        + struct.pack(">2H", 6, 1)
    s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                      socket.SOCK_DGRAM)
    try:
        s.settimeout(timeout)
        s.connect((server, 53))
        s.send(query)
        reply = s.recv(4096)
    except OSError:
        return None
    finally:
        s.close()
    if struct.unpack(">H", reply[6:8])[0] != 1 or reply[3] & 15:
        return None
    # Question, then: name (pointer or labels), type .. rdlength, 2 names.
    at = skip_name(reply, 12) + 4
    at = skip_name(reply, at) + 10
    at = skip_name(reply, skip_name(reply, at))
    return struct.unpack(">I", reply[at:at + 4])[0]


def skip_name(msg, at):
    while msg[at]:
        if msg[at] >= 0xc0:
            return at + 2
        at += msg[at] + 1
    return at + 1


def address_record(address):
    return "%s %s" % ("AAAA" if ":" in address else "A", address)


def zone_text(zone, servers, extra=""):
    """A small zone; servers: {label: address}."""
    lines = ["$ORIGIN %s." % zone, "$TTL 5",
             "@ SOA %s hostmaster 1 3600 600 86400 1" % list(servers)[0]]
    for label, address in servers.items():
        lines += ["@ NS %s" % label,
                  "%s %s" % (label, address_record(address))]
    return "\n".join(lines) + "\n" + extra + "\n"


class Server:
    def stop(self):
        self.proc.stop()

    def pause(self):
        """Dead, as a machine without power is: no answer, no refusal."""
        self.proc.kill(proc.signal.SIGSTOP)

    def resume(self):
        self.proc.kill(proc.signal.SIGCONT)


class Bind(Server):
    """named as primary of zones: {name: text}; updates need the key, or are
    refused to all."""

    wrap = []           # what it is started with

    def __init__(self, folder, address, zones, updates=True):
        self.address, self.folder = address, folder
        os.makedirs(folder, exist_ok=True)
        conf = [self.options(), 'key "%s" { algorithm hmac-sha256; '
                'secret "%s"; };' % (KEY_NAME, KEY_SECRET)]
        for zone, text in zones.items():
            path = os.path.join(folder, zone + ".zone")
            with open(path, "w") as f:
                f.write(text)
            conf.append('zone "%s" { type primary; file "%s"; '
                        'allow-update { %s; }; allow-transfer '
                        '{ 127.0.0.0/8; }; notify no; };' % (
                            zone, path, "key " + KEY_NAME if updates
                            else "none"))
        self.launch("\n".join(conf) + "\n", list(zones)[0])

    def options(self, recursion="no", extra="", validation="no"):
        return ('options { directory "%s"; listen-on { %s; }; '
                'listen-on-v6 { none; }; pid-file none; '
                'session-keyfile none; recursion %s; '
                'dnssec-validation %s; '
                'minimal-responses yes; tcp-listen-queue 1024; '
                'tcp-clients 1024; %s };\ncontrols { };'
                % (self.folder, self.address, recursion, validation,
                   extra))

    def launch(self, conf, zone):
        path = os.path.join(self.folder, "named.conf")
        with open(path, "w") as f:
            f.write(conf)
        self.proc = proc.Proc(self.wrap + ["named", "-g", "-n", "1", "-c",
                                           path],
                              os.path.join(self.folder, "named.log"))
        self.proc.ready(lambda: soa_serial(self.address, zone) is not None)


class Resolver(Bind):
    """named as a resolver that keeps nothing.

    delegations: {zone: {ns name: address}} go into a root zone of its own,
    so that it really walks the tree; stubs: {zone: address} are asked at
    that one address only.
    """

    def __init__(self, folder, address, delegations, stubs):
        self.address, self.folder = address, folder
        os.makedirs(folder, exist_ok=True)
        root = ["$TTL 5", ". SOA ns.root. hm.root. 1 3600 600 86400 1",
                ". NS ns.root.", "ns.root. A %s" % address]
        for zone, servers in delegations.items():
            for label, addr in servers.items():
                name = label if "." in label else label + "." + zone
                root += ["%s. NS %s." % (zone, name)]
                if addr:
                    root += ["%s. %s" % (name, address_record(addr))]
        path = os.path.join(folder, "root.zone")
        with open(path, "w") as f:
            f.write("\n".join(root) + "\n")
        conf = [self.options("yes", "max-cache-size 16M; max-cache-ttl 0; max-ncache-ttl 0; "
                             "servfail-ttl 0; prefetch 0; "
                             "empty-zones-enable no; qname-minimization off; "
                             "allow-recursion { any; };"),
                'zone "." { type primary; file "%s"; };' % path]
        for zone, addr in stubs.items():
            conf.append('zone "%s" { type static-stub; '
                        'server-addresses { %s; }; };' % (zone, addr))
        self.launch("\n".join(conf) + "\n", list(delegations)[0])


class Signed(Bind):
    """named as primary of signed zones {name: text} and of a signed root.

    delegations as of Resolver, unsigned; the DS records of the zones named
    in broken are wrong.
    """

    def __init__(self, folder, address, zones, delegations, broken=()):
        self.address, self.folder = address, folder
        os.makedirs(folder, exist_ok=True)
        root = ["$TTL 5", ". SOA ns.root. hm.root. 1 3600 600 86400 1",
                ". NS ns.root.", "ns.root. A %s" % address]
        for zone, servers in delegations.items():
            for label, addr in servers.items():
                root += ["%s. NS %s.%s." % (zone, label, zone),
                         "%s.%s. A %s" % (label, zone, addr)]
        conf = [self.options(extra='key-directory "%s";' % folder),
                'key "%s" { algorithm hmac-sha256; secret "%s"; };'
                % (KEY_NAME, KEY_SECRET)]
        for zone, text in zones.items():
            ds = self.sign(zone, text)
            if zone in broken:
                ds = ds[:-8] + ("0" * 8 if ds[-8:] != "0" * 8 else "1" * 8)
            root += ["%s. NS ns1.%s." % (zone, zone),
                     "ns1.%s. A %s" % (zone, address),
                     "%s. DS %s" % (zone, ds)]
        self.sign("", "\n".join(root) + "\n")
        for zone in list(zones) + [""]:
            conf.append('zone "%s." { type primary; file "%s"; '
                        'allow-update { key %s; }; allow-transfer '
                        '{ 127.0.0.0/8; }; notify no; };' % (
                            zone, self.file(zone) + ".signed", KEY_NAME))
        self.launch("\n".join(conf) + "\n", list(zones)[0])

    def file(self, zone):
        return os.path.join(self.folder, (zone or "root") + ".zone")

    def sign(self, zone, text):
        """Returns the data of its DS record."""
        key = proc.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256",
                        "-f", "KSK", zone + "."],
                       cwd=self.folder).stdout.split()[-1]
        with open(os.path.join(self.folder, key + ".key")) as f:
            dnskey = [line for line in f if not line.startswith(";")][0]
        if not zone:
            self.root_key = dnskey.split("DNSKEY", 1)[1].split(None, 3)
        with open(self.file(zone), "w") as f:
            f.write(text + dnskey)
        proc.run(["dnssec-signzone", "-z", "-o", zone + ".",
                  "-f", self.file(zone) + ".signed", self.file(zone), key],
                 cwd=self.folder)
        return proc.run(["dnssec-dsfromkey", "-2", key], cwd=self.folder
                        ).stdout.split(" DS ")[1].strip()


class Validator(Bind):
    """named as a resolver that validates, from the root of a Signed."""

    def __init__(self, folder, address, signed):
        self.address, self.folder = address, folder
        os.makedirs(folder, exist_ok=True)
        hints = os.path.join(folder, "hints")
        with open(hints, "w") as f:
            f.write(". 5 NS ns.root.\nns.root. 5 A %s\n" % signed.address)
        flags, proto, alg, key = signed.root_key
        self.launch(self.options(
            "yes", "max-cache-ttl 0; max-ncache-ttl 0; servfail-ttl 0; "
            "empty-zones-enable no; qname-minimization off; "
            "allow-recursion { any; };", "yes")
            + '\nzone "." { type hint; file "%s"; };\n'
            'trust-anchors { . static-key %s %s %s "%s"; };\n'
            % (hints, flags, proto, alg, "".join(key.split())),
            "example.test")


class Knot(Server):
    """knotd: primary of zones {name: text}, secondary of {name: primary}."""

    def __init__(self, folder, address, zones=None, secondary=None):
        self.address, self.folder = address, folder
        os.makedirs(folder, exist_ok=True)
        lines = ["server:", "  listen: %s@53" % address,
                 "  rundir: %s" % folder, "  udp-workers: 1",
                 "  tcp-workers: 1", "  background-workers: 1",
                 "database:", "  storage: %s" % folder,
                 "log:", "- target: stderr", "  any: info",
                 "key:", "- id: %s" % KEY_NAME, "  algorithm: hmac-sha256",
                 "  secret: %s" % KEY_SECRET]
        primaries = sorted(set((secondary or {}).values()))
        if primaries:
            lines.append("remote:")
            for p in primaries:
                lines += ["- id: p%s" % p.replace(".", "-"),
                          "  address: %s@53" % p]
        lines += ["acl:", "- id: update", "  key: %s" % KEY_NAME,
                  "  action: [update, transfer]", "- id: read",
                  "  address: [127.0.0.0/8, fd00::/8]", "  action: transfer",
                  "zone:"]
        for zone, text in (zones or {}).items():
            path = os.path.join(folder, zone + ".zone")
            with open(path, "w") as f:
                f.write(text)
            lines += ["- domain: %s" % zone, "  file: %s" % path,
                      "  acl: [update, read]"]
        for zone, p in (secondary or {}).items():
            lines += ["- domain: %s" % zone, "  storage: %s" % folder,
                      "  master: p%s" % p.replace(".", "-"), "  acl: read",
                      "  refresh-min-interval: 3600",
                      "  refresh-max-interval: 3600"]
        self.conf = os.path.join(folder, "knot.conf")
        with open(self.conf, "w") as f:
            f.write("\n".join(lines) + "\n")
        self.proc = proc.Proc(["knotd", "-c", self.conf],
                              os.path.join(folder, "knotd.log"))
        first = list(zones or secondary)[0]
        self.proc.ready(lambda: soa_serial(address, first) is not None)

    def refresh(self, zone):
        proc.run(["knotc", "-c", self.conf, "zone-refresh", zone + "."])


class Lag:
    """Makes a secondary follow its primary delay_s after each change."""

    def __init__(self, primary, secondary, zone, delay_s):
        self.primary, self.secondary = primary, secondary
        self.zone, self.delay_s = zone, delay_s
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        seen = soa_serial(self.secondary.address, self.zone)
        due = []
        while not self.over.wait(0.01):
            serial = soa_serial(self.primary.address, self.zone)
            if serial is not None and serial != seen:
                seen = serial
                due.append(time.monotonic() + self.delay_s)
            if due and time.monotonic() >= due[0]:
                due.pop(0)
                self.secondary.refresh(self.zone)

    def stop(self):
        self.over.set()
        self.thread.join()


def missing():
    """Programs that are needed and not there."""
    return [p for p in ("named", "knotd", "knotc") if not shutil.which(
        p, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")]
