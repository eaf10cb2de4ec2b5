# SPDX-License-Identifier: MIT
"""Servers that are not HTTP, or not nginx, with the certificate in live/NAME.

Each has .start(), .stop(), .reload (a command for `exec`) and .entries()
(what `verify` is to ask).  A missing program is a LabError.
"""

import glob
import os
import shutil
import signal
import socket

from . import dovecot, proc


def find(*names):
    for n in names:
        path = shutil.which(n, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/"
                            "postfix/sbin:" + ":".join(
                                glob.glob("/usr/lib/postgresql/*/bin")))
        if path is None:
            raise proc.LabError("%s is not installed" % n)
    return path


class Server:
    def __init__(self, folder, name, live, port):
        self.folder, self.name, self.port = folder, name, port
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.live = live
        self.cert = os.path.join(live, "fullchain.pem")
        self.key = os.path.join(live, "privkey.pem")
        self.proc = None

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, file, text, mode=0o644):
        with open(self.path(file), "w") as f:
            f.write(text)
        os.chmod(self.path(file), mode)
        return self.path(file)

    def run(self, argv, **kw):
        self.proc = proc.Proc(argv, self.path("log"), **kw)

    def entries(self):
        return ["%s:%d connect=127.0.0.1%s" % (self.name, self.port,
                                               self.options)]
    options = ""

    def stop(self):
        if self.proc:
            self.proc.stop()


class Apache(Server):
    def start(self):
        find("apache2")
        text = "".join("LoadModule %s_module /usr/lib/apache2/modules/mod_"
                       "%s.so\n" % (m, m) for m in (
                           "mpm_event", "authz_core", "socache_shmcb", "ssl"))
        conf = self.write("conf", text + (
            "ServerName localhost\nUser www-data\nGroup www-data\n"
            "PidFile {f}/pid\nErrorLog {f}/log\nDefaultRuntimeDir {f}\n"
            "Mutex file:{f} default\nListen 127.0.0.1:{p} https\n"
            "SSLEngine on\nSSLCertificateFile {c}\n"
            "SSLCertificateKeyFile {k}\n").format(
                f=self.folder, p=self.port, c=self.cert, k=self.key))
        self.reload = ["apache2", "-f", conf, "-k", "graceful"]
        self.run(["apache2", "-f", conf, "-DFOREGROUND"])
        proc.wait_until("apache2", lambda: os.path.exists(self.path("pid")))


class Haproxy(Server):
    def start(self):
        find("haproxy")
        pem = self.path("pem")
        script = self.write("reload.sh", "#!/bin/sh\numask 077\ncat %s %s >%s"
                            "\n[ ! -e %s/pid ] || kill -USR2 $(head -n 1 "
                            "%s/pid)\n" % (self.cert, self.key, pem,
                                           self.folder, self.folder), 0o755)
        self.reload = [script]
        proc.run([script])
        conf = self.write("conf", (
            "global\n master-worker\ndefaults\n mode http\n"
            " timeout client 10s\n timeout server 10s\n timeout connect 3s\n"
            "frontend f\n bind 127.0.0.1:%d ssl crt %s\n"
            " http-request return status 200\n") % (self.port, pem))
        self.run(["haproxy", "-W", "-db", "-f", conf,
                  "-p", self.path("pid")])
        if not os.path.exists(self.path("pid")):
            self.write("pid", "%d\n" % self.proc.pid)


class Dovecot(Server):
    def start(self):
        find("dovecot", "doveadm")
        conf = self.write("conf", dovecot.head(
            "imap pop3") + dovecot.tls(self.cert, self.key)
            + dovecot.any_user("x") + (
            "listen = 127.0.0.1\n"
            "base_dir = {f}/run\nstate_dir = {f}\nlog_path = {f}/dlog\n"
            "service imap-login {{\n inet_listener imap {{\n port = {p}\n }}\n"
            " inet_listener imaps {{\n port = {q}\n }}\n}}\n"
            "service pop3-login {{\n inet_listener pop3 {{\n port = {r}\n }}\n"
            " inet_listener pop3s {{\n port = 0\n }}\n}}\n").format(
                f=self.folder, p=self.port, q=self.port + 1,
                r=self.port + 2))
        os.makedirs(self.path("run"), exist_ok=True)
        self.reload = ["doveadm", "-c", conf, "reload"]
        self.run(["dovecot", "-F", "-c", conf])

    def entries(self):
        return ["%s:%d starttls=%s connect=127.0.0.1" % (
            self.name, self.port + n, kind) for n, kind in (
                (0, "imap"), (1, "none"), (2, "pop3"))]


class Postfix(Server):
    options = " starttls=smtp"

    def start(self):
        find("postfix", "postconf")
        for d in ("conf", "queue", "data"):
            os.makedirs(self.path(d), exist_ok=True)
        shutil.chown(self.path("data"), "postfix")
        with open(self.path("conf", "main.cf"), "w") as f:
            f.write("compatibility_level = 3.6\nqueue_directory = {f}/queue\n"
                    "data_directory = {f}/data\nmydestination =\n"
                    "myhostname = mail.example.test\n"
                    "inet_interfaces = 127.0.0.1\nmaillog_file = {f}/mlog\n"
                    "maillog_file_prefixes = {f}\nalias_maps =\n"
                    "smtpd_tls_security_level = may\n"
                    "smtpd_tls_cert_file = {c}\nsmtpd_tls_key_file = {k}\n"
                    "smtpd_tls_session_cache_database =\n".format(
                        f=self.folder, c=self.cert, k=self.key))
        with open(self.path("conf", "master.cf"), "w") as f:
            f.write("127.0.0.1:%d inet n - n - - smtpd\n" % self.port)
            for line in ("postlog unix-dgram n - n - 1 postlogd",
                         "pickup unix n - n 60 1 pickup",
                         "cleanup unix n - n - 0 cleanup",
                         "qmgr unix n - n 300 1 qmgr",
                         "rewrite unix - - n - - trivial-rewrite",
                         "anvil unix - - n - 1 anvil",
                         "proxymap unix - - n - - proxymap",
                         "tlsmgr unix - - n 1000? 1 tlsmgr"):
                f.write(line + "\n")
        self.argv = ["postfix", "-c", self.path("conf")]
        self.reload = self.argv + ["reload"]
        proc.run(self.argv + ["start"])

    def stop(self):
        proc.run(self.argv + ["stop"], check=False)


class Mail(Server):
    """ManageSieve and LMTP of Dovecot."""

    def start(self):
        find("dovecot", "doveadm")
        for part in ("lmtp", "managesieve-login"):
            if not os.path.exists("/usr/lib/dovecot/" + part):
                raise proc.LabError("dovecot's %s is not installed" % part)
        conf = self.write("conf", dovecot.head(
            "sieve lmtp") + dovecot.tls(self.cert, self.key)
            + dovecot.any_user("x") + (
            "listen = 127.0.0.1\n"
            "base_dir = {f}/run\nstate_dir = {f}\nlog_path = {f}/dlog\n"
            "service managesieve-login {{\n inet_listener sieve {{\n"
            " port = {p}\n }}\n}}\n"
            "service lmtp {{\n inet_listener lmtp {{\n port = {q}\n }}\n}}\n"
        ).format(f=self.folder, p=self.port, q=self.port + 1))
        os.makedirs(self.path("run"), exist_ok=True)
        self.reload = ["doveadm", "-c", conf, "reload"]
        self.run(["dovecot", "-F", "-c", conf])

    def entries(self):
        return ["%s:%d starttls=%s connect=127.0.0.1" % (
            self.name, self.port + n, kind)
            for n, kind in ((0, "sieve"), (1, "lmtp"))]


class Restarted(Server):
    """One that reads its files only when it is started."""

    def restarted(self, argv):
        self.write("run.sh", "#!/bin/sh\nwhile :; do\n%s &\necho $! "
                   ">%s/pid\nwait\ndone\n" % (" ".join(argv),
                                               self.folder), 0o755)
        self.reload = [self.write("reload.sh", "#!/bin/sh\nkill -TERM "
                                  "$(cat %s/pid)\n" % self.folder, 0o755)]
        self.run(["/bin/sh", self.path("run.sh")])

    def stop(self):
        if self.proc:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()


class Vsftpd(Restarted):
    options = " starttls=ftp"

    def start(self):
        find("vsftpd")
        os.makedirs("/var/run/vsftpd/empty", exist_ok=True)
        self.restarted(["vsftpd", self.write("conf", (
            "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\n"
            "listen_port={p}\nbackground=NO\nanonymous_enable=YES\n"
            "ssl_enable=YES\nrsa_cert_file={c}\nrsa_private_key_file={k}\n"
        ).format(p=self.port, c=self.cert, k=self.key))])


class Mariadb(Restarted):
    options = " starttls=mysql"

    def start(self):
        find("mariadbd", "mariadb-install-db")
        shutil.chown(self.folder, "mysql")
        copy = ("install -o mysql -m 600 %s %s %s" % (self.cert, self.key,
                                                      self.folder))
        proc.run(["mariadb-install-db", "--no-defaults", "--user=mysql",
                  "--datadir=" + self.path("data"), "--skip-test-db"])
        self.restarted([copy + ";", "exec", "mariadbd", "--no-defaults",
                        "--user=mysql", "--datadir=" + self.path("data"),
                        "--socket=" + self.path("sock"),
                        "--bind-address=127.0.0.1", "--port=%d" % self.port,
                        "--ssl-cert=" + self.path("fullchain.pem"),
                        "--ssl-key=" + self.path("privkey.pem")])
        # It listens before it serves, and a SIGTERM in between (a reload)
        # leaves it listening for ever, with nobody who accepts.
        proc.wait_until("mariadbd to greet", self.greets, timeout=60)

    def greets(self):
        with socket.socket() as s:
            s.settimeout(5)
            try:
                s.connect(("127.0.0.1", self.port))
                return s.recv(1) != b""
            except OSError:
                return False


class Prosody(Restarted):
    def start(self):
        find("prosody")
        shutil.chown(self.folder, "prosody")
        conf = self.write("conf.lua", (
            'pidfile = "{f}/ppid"\ndata_path = "{f}"\n'
            'interfaces = {{ "127.0.0.1" }}\nc2s_ports = {{ {p} }}\n'
            's2s_ports = {{ {q} }}\nmodules_enabled = {{ "tls" }}\n'
            'VirtualHost "{n}"\nssl = {{ certificate = "{f}/fullchain.pem"; '
            'key = "{f}/privkey.pem" }}\n').format(
                f=self.folder, p=self.port, q=self.port + 1, n=self.name))
        copy = "install -o prosody -m 600 %s %s %s" % (self.cert, self.key,
                                                       self.folder)
        self.restarted([copy + ";", "exec", "setpriv", "--reuid=prosody",
                        "--regid=prosody", "--clear-groups", "prosody",
                        "--config", conf, "-F"])

    def entries(self):
        return ["%s:%d starttls=%s connect=127.0.0.1" % (
            self.name, self.port + n, kind)
            for n, kind in ((0, "xmpp"), (1, "xmpp-server"))]


class Inspircd(Restarted):
    options = " starttls=irc"

    def start(self):
        find("inspircd")
        conf = self.write("conf", (
            '<server name="irc.example.test" description="x" network="x">\n'
            '<admin name="x" nick="x" email="x@example.test">\n'
            '<connect allow="*">\n<pid file="{f}/ircpid">\n'
            '<bind address="127.0.0.1" port="{p}" type="clients">\n'
            '<module name="ssl_gnutls">\n<module name="starttls">\n'
            '<sslprofile name="x" provider="gnutls" certfile="{f}/'
            'fullchain.pem" keyfile="{f}/privkey.pem">\n'
            '<starttls profile="x">\n').format(f=self.folder, p=self.port))
        shutil.chown(self.folder, "irc")
        copy = "install -o irc -m 600 %s %s %s" % (self.cert, self.key,
                                                   self.folder)
        self.restarted([copy + ";", "exec", "setpriv", "--reuid=irc",
                        "--regid=irc", "--clear-groups", "inspircd",
                        "--nofork", "--config", conf])


class Slapd(Server):
    options = " starttls=ldap"

    def start(self):
        find("slapd")
        os.makedirs(self.path("db"), exist_ok=True)
        conf = self.write("conf", (
            "include /etc/ldap/schema/core.schema\npidfile {f}/pid\n"
            "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
            "TLSCertificateFile {c}\nTLSCertificateKeyFile {k}\n"
            "database mdb\nsuffix dc=test\ndirectory {f}/db\n").format(
                f=self.folder, c=self.cert, k=self.key))
        self.argv = ["slapd", "-d", "0", "-f", conf, "-h",
                     "ldap://127.0.0.1:%d/" % self.port]
        self.run(self.argv)
        # slapd cannot read its certificate again: start it anew.
        self.write("run.sh", "#!/bin/sh\nwhile :; do %s; sleep 0.1; done\n"
                   % " ".join(self.argv), 0o755)
        self.proc.stop()
        self.reload = [self.write("reload.sh", "#!/bin/sh\nkill -INT $(cat "
                                  "%s/pid)\n" % self.folder, 0o755)]
        self.run(["/bin/sh", self.path("run.sh")])

    def stop(self):
        if self.proc:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()


class Postgres(Server):
    options = " starttls=postgres"

    def start(self):
        bin = os.path.dirname(find("initdb"))
        data = self.path("data")
        shutil.chown(self.folder, "postgres")
        self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres",
                        "--init-groups"]
        proc.run(self.as_user + [bin + "/initdb", "-D", data, "-N", "-A",
                                 "trust"])
        copy = self.write("copy.sh", (
            "#!/bin/sh\ninstall -o postgres -m 600 {k} {d}/server.key\n"
            "install -o postgres -m 644 {c} {d}/server.crt\n"
            "[ ! -e {d}/postmaster.pid ] || "
            "kill -HUP $(head -n 1 {d}/postmaster.pid)\n").format(
                k=self.key, c=self.cert, d=data), 0o755)
        proc.run([copy])
        self.reload = [copy]
        self.run(self.as_user + [
            bin + "/postgres", "-D", data, "-p", str(self.port), "-c",
            "ssl=on", "-c", "listen_addresses=127.0.0.1", "-c",
            "unix_socket_directories=" + data])

    def stop(self):
        if self.proc and self.proc.alive():
            self.proc.kill(signal.SIGQUIT)
            self.proc.wait()


KINDS = {"apache2": Apache, "haproxy": Haproxy, "dovecot": Dovecot,
         "postfix": Postfix, "slapd": Slapd, "postgres": Postgres,
         "mail": Mail, "vsftpd": Vsftpd, "mariadb": Mariadb,
         "prosody": Prosody, "inspircd": Inspircd}
