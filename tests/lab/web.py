# SPDX-License-Identifier: MIT
"""nginx, serving TLS with the certificate in live/NAME."""

import os
import socket

from . import proc


class Nginx:
    def __init__(self, folder, address, port, cert, key, owner="www-data"):
        self.folder, self.address, self.port = folder, address, port
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.conf = os.path.join(folder, "nginx.conf")
        temp = " ".join("%s_temp_path %s/%s;" % (n, folder, n) for n in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(self.conf, "w") as f:
            f.write("daemon off; pid %s/pid; error_log stderr; user %s;\n"
                    "worker_processes 1;\nevents {}\nhttp {\naccess_log off;"
                    " %s\nserver {\n\tlisten %s:%d ssl;\n"
                    "\tssl_certificate %s;\n\tssl_certificate_key %s;\n"
                    "\tlocation / { return 200 \"served by nginx\\n\"; }\n"
                    "}\n}\n" % (folder, owner, temp, address, port, cert,
                                key))
        self.reload_argv = ["nginx", "-c", self.conf, "-s", "reload"]
        self.proc = None

    def start(self):
        self.proc = proc.Proc(["nginx", "-c", self.conf],
                              os.path.join(self.folder, "nginx.log"))
        self.proc.ready(lambda: self.served("localhost") is not None)

    def served(self, name):
        """PEM of the certificate that it serves now, or None."""
        p = proc.run(["openssl", "s_client", "-connect",
                      "%s:%d" % (self.address, self.port), "-servername",
                      name], check=False)
        begin = p.stdout.find("-----BEGIN CERTIFICATE-----")
        end = p.stdout.find("-----END CERTIFICATE-----")
        if begin < 0 or end < 0:
            return None
        return p.stdout[begin:end] + "-----END CERTIFICATE-----\n"

    def stop(self):
        if self.proc:
            self.proc.stop()


class Plain:
    """nginx, serving the files of a directory over HTTP."""

    def __init__(self, folder, address, port, owner="www-data"):
        self.folder, self.address, self.port = folder, address, port
        self.root = os.path.join(folder, "root")
        os.makedirs(self.root, exist_ok=True)
        for d in folder, self.root:
            os.chmod(d, 0o755)
        self.conf = os.path.join(folder, "nginx.conf")
        temp = " ".join("%s_temp_path %s/%s;" % (n, folder, n) for n in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(self.conf, "w") as f:
            f.write("daemon off; pid %s/pid; error_log stderr; user %s;\n"
                    "worker_processes 1;\nevents {}\nhttp {\naccess_log off;"
                    " %s\nserver { listen %s:%d; root %s; }\n}\n" % (
                        folder, owner, temp, address, port, self.root))
        self.proc = None

    def answers(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
            return True
        except OSError:
            return False

    def start(self):
        self.proc = proc.Proc(["nginx", "-c", self.conf],
                              os.path.join(self.folder, "nginx.log"))
        self.proc.ready(self.answers)

    def stop(self):
        if self.proc:
            self.proc.stop()


class Static:
    """nginx, serving files over TLS to those who show a bearer token."""

    def __init__(self, folder, address, port, cert, key, root, token,
                 owner="root"):
        self.folder, self.address, self.port = folder, address, port
        self.url = "https://localhost:%d" % port
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.conf = os.path.join(folder, "nginx.conf")
        self.log = os.path.join(folder, "access.log")
        temp = " ".join("%s_temp_path %s/%s;" % (n, folder, n) for n in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(self.conf, "w") as f:
            f.write("daemon off; pid %s/pid; error_log stderr; user %s;\n"
                    "events {}\nhttp {\n%s\n"
                    "log_format short '$request_method $request_uri $status "
                    "$body_bytes_sent';\naccess_log %s short;\n"
                    "server {\n\tlisten %s:%d ssl http2;\n"
                    "\tssl_certificate %s;\n\tssl_certificate_key %s;\n"
                    "\troot %s;\n\tif ($http_authorization != "
                    "\"Bearer %s\") { return 403; }\n}\n}\n" % (
                        folder, owner, temp, self.log, address, port, cert,
                        key, root, token))
        self.proc = None

    def answers(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
            return True
        except OSError:
            return False

    def start(self):
        self.proc = proc.Proc(["nginx", "-c", self.conf],
                              os.path.join(self.folder, "nginx.log"))
        self.proc.ready(self.answers)

    def requests(self):
        """"METHOD PATH STATUS BYTES" of each so far."""
        with open(self.log) as f:
            return f.read().splitlines()

    def stop(self):
        if self.proc:
            self.proc.stop()
