# SPDX-License-Identifier: MIT
"""A name server by hand: every query goes to answer(query, is_tcp), which
returns a message, bytes, or None for silence.  forward(query, address, is_tcp)
asks a real one."""
import socket
import struct
import threading

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset


def reply(q, rcode=dns.rcode.NOERROR, answer=(), authority=(), aa=True, ra=False):
    r = dns.message.make_response(q, recursion_available=ra)
    r.set_rcode(rcode)
    r.use_edns(False)
    if aa:
        r.flags |= dns.flags.AA
    for text in answer:
        r.answer.append(dns.rrset.from_text(*text))
    for text in authority:
        r.authority.append(dns.rrset.from_text(*text))
    return r


def forward(q, address, is_tcp=False, port=53):
    f = dns.query.tcp if is_tcp else dns.query.udp
    try:
        return f(q, address, timeout=5, port=port)
    except (OSError, dns.exception.DNSException):
        return None


class OddNS:
    def __init__(self, address, answer, port=53, udp=True, tcp=True, limit=512):
        self.answer, self.limit = answer, limit
        self.seen = []
        self.u = self.t = None
        if udp:
            self.u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.u.bind((address, port))
            threading.Thread(target=self.serve_udp, daemon=True).start()
        if tcp:
            self.t = socket.create_server((address, port))
            threading.Thread(target=self.serve_tcp, daemon=True).start()

    def close(self):
        """The address is free again."""
        for s in (self.u, self.t):
            if s is None:
                continue
            try:
                s.shutdown(socket.SHUT_RDWR)    # wakes the thread
            except OSError:
                pass
            s.close()

    def one(self, wire, is_tcp):
        try:
            q = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if q.question:
            self.seen.append((q.question[0].name.to_text(),
                              dns.rdatatype.to_text(q.question[0].rdtype),
                              is_tcp))
        r = self.answer(q, is_tcp)
        if r is None or isinstance(r, bytes):
            return r
        try:
            return r.to_wire(max_size=65535 if is_tcp else self.limit)
        except dns.exception.TooBig:
            r.answer, r.authority, r.additional = [], [], []
            r.flags |= dns.flags.TC
            return r.to_wire()

    def serve_udp(self):
        while True:
            try:
                wire, peer = self.u.recvfrom(4096)
            except OSError:
                return
            threading.Thread(target=self.udp_one, args=(wire, peer),
                             daemon=True).start()

    def udp_one(self, wire, peer):
        r = self.one(wire, False)
        if r is not None:
            self.u.sendto(r, peer)

    def serve_tcp(self):
        while True:
            try:
                c = self.t.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.tcp_one, args=(c,),
                             daemon=True).start()

    def tcp_one(self, c):
        try:
            f = c.makefile("rb")
            while True:
                head = f.read(2)
                if len(head) < 2:
                    break
                wire = f.read(struct.unpack(">H", head)[0])
                r = self.one(wire, True)
                if r is None:
                    break
                c.sendall(struct.pack(">H", len(r)) + r)
        except OSError:
            pass
        finally:
            c.close()
