# SPDX-License-Identifier: MIT
"""placeholder = true: files for a server's start, and no certificate."""

import http.client
import os
import shutil
import ssl
import stat

from cryptography import x509

FILES = ("privkey", "cert", "chain", "fullchain")


def leaf(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def read(path):
    with open(path) as f:
        return f.read()


def home(acmed, name):
    return os.path.realpath(os.path.dirname(acmed.live(name)))


def state(acmed, *path):
    return os.path.join(acmed.options["state_dir"], *path)


def served():
    conn = http.client.HTTPSConnection(
        "127.0.0.1", timeout=10, context=ssl._create_unverified_context())
    try:
        conn.request("GET", "/")
        return conn.getresponse().read()
    finally:
        conn.close()


def without_ca(acmed, lab):
    """Nothing is issued until with_ca()."""
    acmed.accounts["lab"]["directory"] = "https://localhost:1/dir"


def with_ca(acmed, lab, directory):
    acmed.accounts["lab"]["directory"] = directory
    acmed.write_conf()
    acmed.ctl("reload")


def test_server_starts(acmed, lab, nginx):
    """nginx begins with it, and is reloaded when there is a certificate; for
    all else there is none before."""
    name = "ph.example.test"
    directory = acmed.accounts["lab"]["directory"]
    without_ca(acmed, lab)
    web = nginx(acmed.live(name), acmed.live(name, "privkey.pem"))
    acmed.cert(name, [name, "*.ph.example.test"], placeholder=True,
               key="rsa2048", deploy={
                   "asleep": {"verify": ["127.0.0.1:443"],
                              "verify_timeout": "1s"},
                   "web": {"exec": web.reload_argv}})
    acmed.start()
    c = acmed.cert_status(name)
    assert c["placeholder"] and c["serial"] is None and not c["ok"]
    assert c["state"] == c["condition"] == "missing" and not c["deploy"]
    web.start()
    assert served() == b"served by nginx\n"
    x = leaf(acmed.live(name))
    assert x.issuer == x.subject
    assert x.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName) == [name, "*.ph.example.test"]
    for f in FILES:
        mode = stat.S_IMODE(os.stat(acmed.live(name, f + ".pem")).st_mode)
        assert mode == (0o600 if f == "privkey" else 0o644)
    assert "placeholder" in acmed.ctl("status").stdout
    assert "self-signed placeholder" in acmed.ctl("status", name).stdout
    for args in (["show", name, "--pem"], ["deploy", name],
                 ["rollback", name], ["revoke", name, "--yes"],
                 ["export", name, "--to", "files", acmed.folder + "/out"]):
        p = acmed.ctl(*args)
        assert p.returncode != 0 and "BEGIN" not in p.stdout, p.stdout
    metrics = acmed.ctl("metrics").stdout
    assert "not_after_seconds{" not in metrics
    key = read(acmed.live(name, "privkey.pem"))
    acmed.end()
    acmed.start()
    assert read(acmed.live(name, "privkey.pem")) == key
    acmed.wait("an error", lambda: acmed.cert_status(name)["error"])
    with_ca(acmed, lab, directory)
    acmed.ctl("renew-now", name)

    def targets():
        return {d["name"]: d for d in acmed.cert_status(name)["deploy"]}

    acmed.wait("the deploy", lambda: targets().get("web", {}).get("state") ==
               "done", timeout=30)
    # Whoever looked before the reload knows what it is.
    assert targets()["asleep"]["state"] == "failed"
    assert 'still serves the old certificate' in targets()["asleep"]["error"]
    assert 'by "acmed placeholder"' in targets()["asleep"]["error"]
    c = acmed.cert_status(name)
    assert not c["placeholder"]
    assert home(acmed, name) == state(acmed, "archive", name, c["serial"])
    assert not os.path.exists(state(acmed, "placeholder", name))
    assert read(acmed.live(name, "privkey.pem")) != key
    assert "there is no version" in acmed.ctl("rollback", name).stdout
    # Never again: not even where the link is lost, or everything.
    acmed.end()
    os.unlink(state(acmed, "live", name))
    acmed.start()
    assert home(acmed, name) == state(acmed, "archive", name, c["serial"])
    acmed.end()
    os.unlink(state(acmed, "live", name))
    shutil.rmtree(state(acmed, "archive", name))
    without_ca(acmed, lab)
    acmed.start()
    assert not acmed.cert_status(name)["placeholder"]
    assert not os.path.lexists(state(acmed, "live", name))


def test_left_by_a_crash(acmed, lab):
    """Whatever is there of it, the next start makes it whole; what is
    somebody's own stays."""
    name, own = "ph-crash.example.test", "ph-own.example.test"
    without_ca(acmed, lab)
    acmed.cert(name, placeholder=True)
    acmed.cert(own, placeholder=True)
    os.makedirs(state(acmed, "live", own))
    acmed.start()
    link = state(acmed, "live", name)
    assert os.listdir(state(acmed, "live", own)) == []
    first = read(acmed.live(name, "privkey.pem"))
    for harm in (lambda: os.unlink(link),
                 lambda: os.unlink(acmed.live(name, "chain.pem")),
                 lambda: shutil.rmtree(state(acmed, "placeholder", name)),
                 lambda: os.makedirs(state(acmed, "placeholder", name,
                                           ".new-12345678"))):
        acmed.end()
        harm()
        acmed.start()
        assert acmed.cert_status(name)["placeholder"]
        for f in FILES:
            assert read(acmed.live(name, f + ".pem"))
    assert read(acmed.live(name, "privkey.pem")) != first
    # It was taken out of the configuration: it is still told, and deleted.
    acmed.cert(name)
    acmed.write_conf()
    acmed.ctl("reload")
    assert acmed.cert_status(name)["placeholder"]
    del acmed.certs[name]
    acmed.write_conf()
    acmed.ctl("reload")
    acmed.wait("the end", lambda: acmed.ctl("delete", name,
                                            "--yes").returncode == 0)
    assert not os.path.lexists(link)
    assert not os.path.exists(state(acmed, "placeholder", name))
