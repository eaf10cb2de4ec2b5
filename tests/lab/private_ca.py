# SPDX-License-Identifier: MIT
"""Certificates that acmed has not issued, and servers that show them."""

import http.server
import os
import ssl
import threading

from . import proc


class Issuer:
    """A private CA by openssl(1), and what it signs."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                 "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Intranet CA")
        self.ca = self.path("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *args):
        proc.run(["openssl"] + list(args), cwd=self.folder)

    def sign(self, file, name, days=365, key="rsa:2048", serial=None):
        """file.pem and file.key."""
        number = ["-set_serial", str(serial)] if serial else \
            ["-CAcreateserial"]
        self.run("req", "-newkey", key, "-nodes", "-keyout", file + ".key",
                 "-out", file + ".csr", "-subj", "/CN=" + name, "-addext",
                 "subjectAltName=DNS:" + name)
        self.run("x509", "-req", "-in", file + ".csr", "-CA", "ca.pem",
                 "-CAkey", "ca.key", *number, "-days", str(days),
                 "-copy_extensions", "copyall", "-out", file + ".new")
        os.rename(self.path(file + ".new"), self.path(file + ".pem"))
        return self.path(file + ".pem"), self.path(file + ".key")


class Web:
    """An HTTPS server whose certificate can be changed."""

    def __init__(self, pair, port=0):
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
        self.port = self.server.server_address[1]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.show(pair)
        self.server.socket = self.context.wrap_socket(
            self.server.socket, server_side=True,
            do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def show(self, pair):
        self.context.load_cert_chain(*pair)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
