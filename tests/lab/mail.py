# SPDX-License-Identifier: MIT
"""Mail servers: Postfix with Dovecot for AUTH, and a faulty one."""

import email
import email.policy
import glob
import os
import shutil
import socket
import ssl
import threading

from . import dovecot, proc

USER, PASSWORD = "user", "pass word"
HOST = "127.0.0.1"


class Postfix:
    """Submission with STARTTLS and AUTH required (port), and SMTPS (port2).

    Takes mail for anything@test.
    """

    def __init__(self, folder, cert, key, port, port2):
        self.folder, self.port, self.port2 = folder, port, port2
        self.etc = os.path.join(folder, "etc")
        self.auth = None
        box = os.path.join(folder, "mail")
        for sub in ("etc", "spool", "data", "mail/test"):
            os.makedirs(os.path.join(folder, sub))
        os.chmod(folder, 0o755)
        shutil.chown(os.path.join(folder, "data"), "postfix")
        os.chown(os.path.join(box, "test"), 65534, 65534)
        with open(os.path.join(folder, "users"), "w") as f:
            f.write("%s:{PLAIN}%s\n" % (USER, PASSWORD))
        with open(os.path.join(folder, "dovecot.conf"), "w") as f:
            f.write(dovecot.head() + dovecot.users(folder + "/users")
                    + "base_dir = %s/run\n"
                    "log_path = %s/dovecot.log\nssl = no\n"
                    "auth_mechanisms = plain login\n"
                    "service auth {\n"
                    " unix_listener %s/spool/private/auth {\n"
                    "  mode = 0666\n }\n}\n" % ((folder,) * 3))
        for path in glob.glob("/etc/postfix/dynamicmaps.cf*") + \
                glob.glob("/etc/postfix/postfix-files*"):
            copy = shutil.copytree if os.path.isdir(path) else shutil.copy
            copy(path, os.path.join(self.etc, os.path.basename(path)))
        with open("/etc/postfix/master.cf") as f:
            lines = f.read().splitlines()
        with open(os.path.join(self.etc, "master.cf"), "w") as f:
            for line in lines:
                words = line.split()
                if words[:2] == ["smtp", "inet"]:
                    line = ("%d inet n - n - - smtpd -o smtpd_tls_security_"
                            "level=encrypt" % port)
                elif len(words) > 7 and words[1] in ("unix", "fifo"):
                    words[4] = "n"      # no chroot
                    line = " ".join(words)
                f.write(line + "\n")
            f.write("%d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
                    % port2)
        with open(os.path.join(self.etc, "main.cf"), "w") as f:
            f.write("""compatibility_level = 3.6
queue_directory = %s/spool
data_directory = %s/data
myhostname = mail.test
mynetworks =
inet_interfaces = %s
inet_protocols = ipv4
mydestination =
alias_maps =
smtpd_tls_cert_file = %s
smtpd_tls_key_file = %s
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
virtual_mailbox_domains = test
virtual_mailbox_base = %s
virtual_mailbox_maps = static:test/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
maillog_file = %s/log
maillog_file_prefixes = %s
""" % (folder, folder, HOST, cert, key, box, folder, folder))

    def start(self):
        proc.run(["postfix", "-c", self.etc, "start"])
        os.makedirs(os.path.join(self.folder, "spool", "private"),
                    exist_ok=True)
        self.auth = proc.Proc(["dovecot", "-F", "-c", os.path.join(
            self.folder, "dovecot.conf")],
            os.path.join(self.folder, "dovecot.out"))
        self.auth.ready(lambda: os.path.exists(os.path.join(
            self.folder, "spool/private/auth")) and self.listens())
        return self

    def listens(self):
        try:
            socket.create_connection((HOST, self.port), 5).close()
            return True
        except OSError:
            return False

    def stop(self):
        proc.run(["postfix", "-c", self.etc, "stop"], check=False)
        if self.auth:
            self.auth.stop()

    def mails(self):
        found = []
        for path in sorted(glob.glob(os.path.join(
                self.folder, "mail/test/new/*"))):
            with open(path, "rb") as f:
                found.append(email.message_from_binary_file(
                    f, policy=email.policy.default))
        return found


class Faulty:
    """SMTP by hand, in a thread: each line that a client sends is answered
    from the table `says` (first word -> reply), or as a good server would."""

    def __init__(self, says=None, cert=None, key=None, hangs=None):
        self.says, self.hangs = says or {}, hangs
        self.context = None
        self.mails, self.seen = [], []
        if cert:
            self.context = ssl.create_default_context(
                ssl.Purpose.CLIENT_AUTH)
            self.context.load_cert_chain(cert, key)
        self.socket = socket.create_server((HOST, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,),
                             daemon=True).start()

    def serve(self, conn):
        try:
            self.talk(conn)
        except OSError:
            pass
        finally:
            conn.close()

    def talk(self, conn):
        conn.settimeout(60)
        f = conn.makefile("rb")
        conn.sendall(b"220 faulty.test ESMTP\r\n")
        # f is another one after STARTTLS.
        for line in iter(lambda: f.readline(), b""):
            word = line.split(b":")[0].split()[0].upper().decode()
            self.seen.append(line.decode().strip())
            if word == self.hangs:
                threading.Event().wait(60)
            good = {"EHLO": "250-faulty.test\r\n250 " + (
                        "STARTTLS" if self.context and not isinstance(
                            conn, ssl.SSLSocket) else "8BITMIME"),
                    "DATA": "354 go on", "STARTTLS": "220 go on",
                    "QUIT": "221 bye"}.get(word, "250 ok")
            said = self.says.get(line.decode().strip(),
                                 self.says.get(word, good))
            conn.sendall(said.encode() + b"\r\n")
            if word == "STARTTLS":
                conn = self.context.wrap_socket(conn, server_side=True)
                f = conn.makefile("rb")
            if word == "DATA" and said[0] == "3":
                text = b""
                for line in iter(f.readline, b""):
                    if line == b".\r\n":
                        break
                    text += line[1:] if line[:1] == b"." else line
                end = self.says.get(".", "250 taken")
                if end[0] == "2":
                    self.mails.append(email.message_from_bytes(
                        text, policy=email.policy.default))
                conn.sendall(end.encode() + b"\r\n")
            if word == "QUIT":
                return

    def stop(self):
        self.socket.close()
