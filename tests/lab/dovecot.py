# SPDX-License-Identifier: MIT
"""Dovecot's configuration, in the language of the installed version: 2.4
reads nothing of 2.3's."""

import re

from . import proc


def full_version():
    """As "2.4.1": without what Debian adds to it."""
    got = re.match(r"\d+\.\d+(\.\d+)?",
                   proc.run(["dovecot", "--version"]).stdout)
    if not got:
        raise proc.LabError("dovecot --version says nothing")
    return got.group(0)


def version():
    """(2, 3) or (2, 4) and so on."""
    return tuple(int(n) for n in full_version().split(".")[:2])


def head(protocols=""):
    """The first lines."""
    if version() < (2, 4):
        return "protocols = %s\n" % protocols
    full = full_version()
    lines = ["dovecot_config_version = " + full,
             "dovecot_storage_version = " + full, "protocols {"]
    return "\n".join(lines + [" %s = yes" % p for p in protocols.split()]
                     + ["}", ""])


def tls(cert, key):
    if version() < (2, 4):
        return "ssl = yes\nssl_cert = <%s\nssl_key = <%s\n" % (cert, key)
    return ("ssl = yes\nssl_server_cert_file = %s\n"
            "ssl_server_key_file = %s\n" % (cert, key))


def any_user(password):
    """Everybody may log in with this password."""
    if version() < (2, 4):
        return ("passdb {\n driver = static\n args = password=%s\n}\n"
                % password)
    return "passdb static {\n password = %s\n}\n" % password


def users(path):
    """A passwd-file of plain passwords; logging in without TLS is allowed."""
    if version() < (2, 4):
        return ("disable_plaintext_auth = no\npassdb {\n"
                " driver = passwd-file\n args = scheme=PLAIN %s\n}\n" % path)
    return ("auth_allow_cleartext = yes\npassdb passwd-file {\n"
            " passwd_file_path = %s\n default_password_scheme = PLAIN\n}\n"
            % path)
